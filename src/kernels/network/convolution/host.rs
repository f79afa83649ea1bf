//! Convolutions on this processor, and their gradients.

use rayon::prelude::*;

use super::{
    Conv2d,
    plan::Plan,
    tile::{image, outer},
};
use crate::{
    Error, Result,
    kernels::{
        array::{Buffer, buffer::with_scratch},
        check::check_len,
        network::{Real, real::width},
    },
};

/// Groups of images a weight gradient is summed over, at most; and numbers of all their sums, about.
const GROUPS: usize = 16;
const GROUP_NUMBERS: usize = 1 << 21;

impl<T: Real> Conv2d<T> {
    /// `y = conv(x, w) + bias`: x batch×height×width×inputs, w kernel×kernel×inputs×outputs, bias outputs,
    /// y batch×out_height×out_width×outputs.
    ///
    /// # Errors
    /// When a length does not fit the shape; the batch is read off x.
    pub fn forward(
        &self,
        x: &[T],
        w: &[T],
        bias: Option<&[T]>,
        y: &mut [T],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (input, output, weights) = self.shape.lens();
        let batch = batch_of("x of a convolution", x.len(), input)?;
        check_len("y of a convolution", y.len(), batch * output)?;
        check_len("w of a convolution", w.len(), weights)?;
        if let Some(bias) = bias {
            check_len("bias of a convolution", bias.len(), self.shape.outputs)?;
        }
        let block = block_of::<T>(self.shape.outputs);
        let packed = scratch.first(self.forward.rows * self.shape.outputs.next_multiple_of(block));
        pack(packed, block, self.forward.rows, self.shape.outputs, |row, channels, to| {
            to.copy_from_slice(&w[row * self.shape.outputs..][channels]);
        });
        run(&self.forward, x, packed, bias, y, false, block);
        Ok(())
    }

    /// `dx = Σ dy·w` (or `dx += …` with `accumulate`), the gradient with respect to x.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn backward_input(
        &self,
        dy: &[T],
        w: &[T],
        dx: &mut [T],
        accumulate: bool,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (input, output, weights) = self.shape.lens();
        let batch = batch_of("dy of a convolution", dy.len(), output)?;
        check_len("dx of a convolution", dx.len(), batch * input)?;
        check_len("w of a convolution", w.len(), weights)?;
        let (s, plan) = (&self.shape, &self.backward);
        let block = block_of::<T>(s.inputs);
        let packed = scratch.first(plan.rows * s.inputs.next_multiple_of(block));
        pack(packed, block, plan.rows, s.inputs, |row, channels, to| {
            let ((ky, kx), o) = (plan.taps[row / s.outputs], row % s.outputs);
            let tap = (ky * s.kernel + kx) * s.inputs;
            for (to, i) in to.iter_mut().zip(channels) {
                *to = w[(tap + i) * s.outputs + o];
            }
        });
        run(plan, dy, packed, None, dx, accumulate, block);
        Ok(())
    }

    /// `dw = Σ x·dy`, the gradient with respect to w.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn backward_weights(
        &self,
        x: &[T],
        dy: &[T],
        dw: &mut [T],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (input, output, weights) = self.shape.lens();
        let batch = batch_of("x of a convolution", x.len(), input)?;
        check_len("dy of a convolution", dy.len(), batch * output)?;
        check_len("dw of a convolution", dw.len(), weights)?;
        let (outputs, entries) = (self.shape.outputs, self.walk.entries.len());
        let block = block_of::<T>(outputs);
        let padded = outputs.next_multiple_of(block);
        let groups = (GROUP_NUMBERS / (entries * padded)).clamp(1, GROUPS).min(batch);
        let blocks = padded / block;
        // Where there are few groups the blocks of channels are shared out too.
        let splits = (1..=blocks.min(GROUPS / groups))
            .rev()
            .find(|s| blocks.is_multiple_of(*s))
            .unwrap_or(1);
        let share = entries * padded / splits;
        let sums = scratch.first(groups * entries * padded);
        let frame = &self.forward.frame;
        let framed = if frame.is_bare() { 0 } else { frame.padded_len() };
        let widened = if padded == outputs { 0 } else { output / outputs * padded };
        sums.par_chunks_mut(share).enumerate().for_each(|(task, sums)| {
            sums.fill(T::ZERO);
            let (group, channel) = (task / splits, task % splits * (padded / splits));
            let images = group * batch / groups..(group + 1) * batch / groups;
            with_scratch(framed + widened, |scratch| {
                let (framed, widened) = scratch.split_at_mut(framed);
                for b in images {
                    let mut source = &x[b * input..(b + 1) * input];
                    let mut grad = &dy[b * output..(b + 1) * output];
                    if !framed.is_empty() {
                        frame.fill(source, framed);
                        source = framed;
                    }
                    if !widened.is_empty() {
                        let pixels = widened.chunks_exact_mut(padded);
                        for (to, from) in pixels.zip(grad.chunks_exact(outputs)) {
                            to[..outputs].copy_from_slice(from);
                            to[outputs..].fill(T::ZERO);
                        }
                        grad = widened;
                    }
                    outer(&self.walk, source, grad, padded, channel, block, sums);
                }
            });
        });
        let sums = &*sums;
        dw.par_chunks_mut(outputs * 64).enumerate().for_each(|(chunk, dw)| {
            for (row, dw) in dw.chunks_exact_mut(outputs).enumerate() {
                let entry = chunk * 64 + row;
                for (b, dw) in dw.chunks_mut(block).enumerate() {
                    let at = (b * entries + entry) * block;
                    dw.copy_from_slice(&sums[at..at + dw.len()]);
                    for group in 1..groups {
                        let sums = &sums[group * entries * padded + at..][..dw.len()];
                        for (dw, sum) in dw.iter_mut().zip(sums) {
                            *dw += *sum;
                        }
                    }
                }
            }
        });
        Ok(())
    }
}

fn batch_of(what: &str, len: usize, image: usize) -> Result<usize> {
    if len > 0 && len.is_multiple_of(image) {
        return Ok(len / image);
    }
    Err(Error::Shape {
        what: what.into(),
        expected: format!("a positive multiple of {image} numbers"),
        found: format!("{len} numbers"),
    })
}

/// Channels of a block: two vectors, or one where two would be half empty.
fn block_of<T: Real>(channels: usize) -> usize {
    let width = width::<T>();
    if channels.div_ceil(width).is_multiple_of(2) { 2 * width } else { width }
}

/// Weights in blocks of channels, each rows×block, zeros where the channels end inside a block. `fill` writes
/// the weights of a row for the channels of a range.
fn pack<T: Real>(
    packed: &mut [T],
    block: usize,
    rows: usize,
    channels: usize,
    fill: impl Fn(usize, std::ops::Range<usize>, &mut [T]) + Sync,
) {
    // A phase can be without any taps.
    packed.par_chunks_mut((rows * block).max(1)).enumerate().for_each(|(b, packed)| {
        let range = b * block..channels.min((b + 1) * block);
        for (row, to) in packed.chunks_exact_mut(block).enumerate() {
            let (used, rest) = to.split_at_mut(range.len());
            fill(row, range.clone(), used);
            rest.fill(T::ZERO);
        }
    });
}

/// All images of a plan.
fn run<T: Real>(
    plan: &Plan,
    source: &[T],
    packed: &[T],
    bias: Option<&[T]>,
    target: &mut [T],
    accumulate: bool,
    block: usize,
) {
    let frame = &plan.frame;
    let bare = frame.height * frame.width * frame.channels;
    target.par_chunks_mut(plan.image).zip(source.par_chunks(bare)).for_each(|(to, from)| {
        if frame.is_bare() {
            return image(plan, from, packed, bias, to, accumulate, block);
        }
        with_scratch(frame.padded_len(), |framed| {
            frame.fill(from, framed);
            image(plan, framed, packed, bias, to, accumulate, block);
        });
    });
}

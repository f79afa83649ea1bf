//! The two register tiles of convolution: P pixels × Q vectors of output channels, and P kernel entries × Q
//! vectors of output channels.
//!
//! One step of a tile loads Q vectors, broadcasts P numbers and does P·Q multiply-adds; with 16 registers
//! 6×2 (12 sums, 2 vectors, 1 broadcast) keeps both multipliers busy: 8 loads for 12 products. Sums are
//! indexed in unrolled loops only, or they would live in memory. A tile with fewer pixels left than P repeats the last
//! one and does not store the repeats.

use super::plan::{Pass, Plan};
use crate::kernels::network::{
    Real,
    real::{Lanes, kernel},
};

/// One image of a plan: `target (+)= bias + Σ source · packed`, `packed` in blocks of `block` channels.
#[inline(always)]
fn image_body<L: Lanes>(
    plan: &Plan,
    source: &[L::E],
    packed: &[L::E],
    bias: Option<&[L::E]>,
    target: &mut [L::E],
    accumulate: bool,
    block: usize,
) {
    assert!(target.len() == plan.image && source.len() >= plan.frame.padded_len());
    assert!(packed.len() >= plan.rows * plan.channels.next_multiple_of(block));
    for pass in &plan.passes {
        if accumulate && pass.segments == 0 {
            continue;
        }
        for channel in (0..plan.channels).step_by(block) {
            let weights = &packed[plan.rows * channel + pass.first_row * block..];
            let left = block.min(plan.channels - channel);
            let bias = bias.map(|b| &b[channel..channel + left]);
            if block == 2 * L::N {
                if L::MANY {
                    tiles::<L, 10, 2>(
                        pass, source, weights, bias, target, channel, left, accumulate,
                    );
                } else {
                    tiles::<L, 6, 2>(
                        pass, source, weights, bias, target, channel, left, accumulate,
                    );
                }
            } else {
                tiles::<L, 10, 1>(pass, source, weights, bias, target, channel, left, accumulate);
            }
        }
    }
}

kernel! {
    /// See [`image_body`].
    pub(super) fn image(
        plan: &Plan, source: &[T], packed: &[T], bias: Option<&[T]>, target: &mut [T], accumulate: bool,
        block: usize,
    ) = image_body
}

#[inline(always)]
fn tiles<L: Lanes, const P: usize, const Q: usize>(
    pass: &Pass,
    source: &[L::E],
    weights: &[L::E],
    bias: Option<&[L::E]>,
    target: &mut [L::E],
    channel: usize,
    left: usize,
    accumulate: bool,
) {
    let width = Q * L::N;
    let mut start = [L::splat(L::E::ZERO); Q];
    let mut spare = [L::E::ZERO; 32];
    if let Some(bias) = bias {
        spare[..left].copy_from_slice(bias);
        for q in 0..Q {
            // SAFETY: `spare` holds 32 numbers, the widest two vectors.
            start[q] = unsafe { L::load(spare.as_ptr().add(q * L::N)) };
        }
    }
    // Where the sums go before they are stored for good: were they picked one by one, they would live in memory throughout.
    let mut done = [L::E::ZERO; 320];
    assert!(P * width <= done.len());
    let count = pass.pixels.len();
    for first in (0..count).step_by(P) {
        let pixel: [(usize, usize); P] =
            std::array::from_fn(|i| pass.pixels[(first + i).min(count - 1)]);
        let mut sums = [start; P];
        // SAFETY: the plan's pixels, segments and runs lie inside the framed image, whose length the
        // caller has checked, and `weights` has a row of `width` for each of them; `left` channels from
        // `channel` on lie inside a pixel of `target`.
        unsafe {
            let mut row = weights.as_ptr();
            for segment in 0..pass.segments {
                let from: [*const L::E; P] = std::array::from_fn(|i| {
                    source.as_ptr().add(pixel[i].0 + segment * pass.segment_stride)
                });
                for r in 0..pass.run {
                    let vectors: [L::V; Q] = std::array::from_fn(|q| L::load(row.add(q * L::N)));
                    for i in 0..P {
                        let number = L::splat(*from[i].add(r));
                        for q in 0..Q {
                            sums[i][q] = L::fma(number, vectors[q], sums[i][q]);
                        }
                    }
                    row = row.add(width);
                }
            }
            for i in 0..P {
                for q in 0..Q {
                    L::store(sums[i][q], done.as_mut_ptr().add((i * Q + q) * L::N));
                }
            }
            for i in 0..P.min(count - first) {
                let to = target.as_mut_ptr().add(pixel[i].1 + channel);
                let from = done.as_ptr().add(i * width);
                if left == width {
                    for q in 0..Q {
                        let (to, sum) = (to.add(q * L::N), L::load(from.add(q * L::N)));
                        L::store(if accumulate { L::add(L::load(to), sum) } else { sum }, to);
                    }
                } else {
                    for c in 0..left {
                        let (to, sum) = (to.add(c), *from.add(c));
                        *to = if accumulate { *to + sum } else { sum };
                    }
                }
            }
        }
    }
}

/// How a weight gradient walks over a framed image.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Where each kernel entry (tap × input channel) stands in the framed image.
    pub(super) entries: Vec<usize>,
    pub(super) out_height: usize,
    pub(super) out_width: usize,
    /// From one output row, one output pixel to the next in the framed image.
    pub(super) row: usize,
    pub(super) step: usize,
    /// Numbers of the framed image.
    pub(super) len: usize,
}

/// `sums[entry][channel] += Σ_pixels source · grad` for the channels of some blocks: `grad` holds `stride`
/// channels a pixel, the blocks start at `channel`, `sums` is entries × block, block after block.
#[inline(always)]
fn outer_body<L: Lanes>(
    walk: &Walk,
    source: &[L::E],
    grad: &[L::E],
    stride: usize,
    channel: usize,
    block: usize,
    sums: &mut [L::E],
) {
    let rows = walk.entries.len() * block;
    let blocks = sums.len() / rows;
    assert!(source.len() >= walk.len && channel + blocks * block <= stride);
    assert!(grad.len() >= walk.out_height * walk.out_width * stride);
    for (b, sums) in sums.chunks_exact_mut(rows).enumerate() {
        let channel = channel + b * block;
        // Few enough pixels that their gradients stay in the first cache for all entries.
        let lines = (128 / walk.out_width).max(1);
        for y in (0..walk.out_height).step_by(lines) {
            let lines = lines.min(walk.out_height - y);
            let source = &source[y * walk.row..];
            let grad = &grad[y * walk.out_width * stride + channel..];
            if block == 2 * L::N {
                if L::MANY {
                    entries::<L, 10, 2>(walk, source, grad, stride, lines, sums);
                } else {
                    entries::<L, 6, 2>(walk, source, grad, stride, lines, sums);
                }
            } else {
                entries::<L, 10, 1>(walk, source, grad, stride, lines, sums);
            }
        }
    }
}

kernel! {
    /// See [`outer_body`].
    pub(super) fn outer(
        walk: &Walk, source: &[T], grad: &[T], stride: usize, channel: usize, block: usize, sums: &mut [T],
    ) = outer_body
}

#[inline(always)]
fn entries<L: Lanes, const P: usize, const Q: usize>(
    walk: &Walk,
    source: &[L::E],
    grad: &[L::E],
    stride: usize,
    lines: usize,
    sums: &mut [L::E],
) {
    let count = walk.entries.len();
    for first in (0..count).step_by(P) {
        let mut acc = [[L::splat(L::E::ZERO); Q]; P];
        // SAFETY: entries and walk stay inside the framed image and `grad` has a vector for every pixel, as
        // the caller has checked; `sums` has a row of Q vectors for every entry.
        unsafe {
            let from: [*const L::E; P] = std::array::from_fn(|i| {
                source.as_ptr().add(walk.entries[(first + i).min(count - 1)])
            });
            let mut vector = grad.as_ptr();
            for y in 0..lines {
                let mut at = y * walk.row;
                for _ in 0..walk.out_width {
                    let vectors: [L::V; Q] = std::array::from_fn(|q| L::load(vector.add(q * L::N)));
                    for i in 0..P {
                        let number = L::splat(*from[i].add(at));
                        for q in 0..Q {
                            acc[i][q] = L::fma(number, vectors[q], acc[i][q]);
                        }
                    }
                    at += walk.step;
                    vector = vector.wrapping_add(stride);
                }
            }
            for i in 0..P {
                if first + i < count {
                    for q in 0..Q {
                        let to = sums.as_mut_ptr().add(((first + i) * Q + q) * L::N);
                        L::store(L::add(L::load(to), acc[i][q]), to);
                    }
                }
            }
        }
    }
}

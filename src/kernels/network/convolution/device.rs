//! Convolutions on arrays: by kernels of our own, or by a library of the device
//! ([`Session::convolve`](crate::kernels::device::Session::convolve)) where it takes them.

use super::{Conv2d, ConvShape};
use crate::{
    Result,
    kernels::{
        array::{
            Buffer, View, ViewMut,
            home::{SharedSession, Work, both, typed},
        },
        check::same_length,
        device::{Argument, Convolution, Part, Source, Tried, int, long},
        network::{
            Real,
            linear::{self, launch, within},
        },
    },
};

/// The kernels of convolutions.
pub static SOURCE: Source = Source {
    name: "convolution",
    text: include_str!("device.cu"),
    kernels: both!([], "conv_forward", "conv_input", "conv_weights", "add_parts", "turn"),
};

/// Output pixels of a part of a weight gradient, at least; parts, at most; and numbers of all of them, about.
const PIXELS: usize = 256;
const PARTS: usize = 512;
const NUMBERS: usize = 1 << 22;

/// The arguments of a shape, and the batch it is for.
fn sizes(shape: &ConvShape, batch: usize) -> Vec<Argument> {
    let s = shape;
    [batch, s.height, s.width, s.inputs, s.outputs, s.kernel, s.stride, s.padding].map(int).to_vec()
}

/// That x, y and w fit a convolution; the batch.
fn batch_of(shape: &ConvShape, x: usize, y: usize, w: usize) -> Result<usize> {
    let (input, output, weights) = shape.lens();
    let batch = x / input;
    same_length("x of a convolution", x, "whole images", batch.max(1) * input)?;
    same_length("y of a convolution", y, "the images of x", batch * output)?;
    same_length("w of a convolution", w, "its weights", weights)?;
    within(batch * input.max(output).max(weights))?;
    Ok(batch)
}

/// A convolution that a library of the device takes.
struct Library(Convolution);

impl Library {
    /// None where there is no library for it.
    fn of<T: Real>(
        on: &SharedSession,
        part: Part,
        shape: &ConvShape,
        batch: usize,
    ) -> Result<Option<Self>> {
        let what = Convolution { part, shape: *shape, batch, double: size_of::<T>() == 8 };
        Ok(on.work(0, |work| work.session.convolves(&what))?.then_some(Self(what)))
    }

    /// Rows and columns of our weights as a matrix; the library's are its transpose.
    fn weights(&self) -> (usize, usize) {
        let s = &self.0.shape;
        (s.kernel * s.kernel * s.inputs, s.outputs)
    }

    /// Queues it, with weights turned over in scratch; `false` where the library refuses after all.
    ///
    /// # Safety
    /// The arrays are as long as the shape says, and scratch as long as the weights.
    unsafe fn run<T: Real>(
        &self,
        work: &mut Work<'_>,
        [x, w, y]: [Argument; 3],
        accumulate: bool,
    ) -> Tried<bool> {
        let (rows, cols) = self.weights();
        let (name, numbers) = (typed!(T, "turn"), rows * cols);
        let turned = Argument::Memory(work.scratch);
        let gradient = self.0.part == Part::Weights;
        // SAFETY: the caller's promise; both orders of the weights have as many numbers.
        unsafe {
            if !gradient {
                let arguments = [long(rows), long(cols), w, turned];
                work.over(&SOURCE, name, numbers, &arguments)?;
            }
            let taken = work.session.convolve(&self.0, [x, turned, y], accumulate)?;
            if taken && gradient {
                let arguments = [long(cols), long(rows), turned, w];
                work.over(&SOURCE, name, numbers, &arguments)?;
            }
            Ok(taken)
        }
    }
}

/// `y = conv(x, w) + bias`: [`Conv2d::forward`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn forward<T: Real>(
    conv: &Conv2d<T>,
    x: View<'_, T>,
    w: View<'_, T>,
    bias: Option<View<'_, T>>,
    y: ViewMut<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        let bias = bias.map(View::host).transpose()?;
        return conv.forward(x.host()?, w.host()?, bias, y.host()?, scratch);
    };
    let s = conv.shape();
    let batch = batch_of(s, x.len(), y.len(), w.len())?;
    let bias = match bias {
        Some(bias) => {
            same_length("bias of a convolution", bias.len(), "its outputs", s.outputs)?;
            bias.at(on)?
        }
        None => Argument::Null,
    };
    let numbers = y.len();
    let (x, weights, y) = (x.at(on)?, w.at(on)?, y.at(on)?);
    let mut arguments = sizes(s, batch);
    arguments.extend([x, weights, bias, y]);
    let launch = launch(batch * s.out_height() * s.out_width(), s.outputs, 1);
    let library = Library::of::<T>(on, Part::Forward, s, batch)?;
    let bytes = library.as_ref().map_or(0, |_| w.len() * size_of::<T>());
    on.work(bytes, |work| {
        // SAFETY: the arguments of the kernels in their order, of the lengths just checked; scratch as long as w.
        unsafe {
            if let Some(library) = library
                && library.run::<T>(work, [x, weights, y], false)?
            {
                if matches!(bias, Argument::Null) {
                    return Ok(());
                }
                let arguments = [long(numbers), int(s.outputs), bias, y];
                return work.over(&linear::SOURCE, typed!(T, "add_rows"), numbers, &arguments);
            }
            work.session.launch(&SOURCE, typed!(T, "conv_forward"), launch, &arguments)
        }
    })
}

/// `dx = Σ dy·w` or `dx += …`: [`Conv2d::backward_input`].
///
/// # Errors
/// As [`forward`].
pub fn backward_input<T: Real>(
    conv: &Conv2d<T>,
    dy: View<'_, T>,
    w: View<'_, T>,
    dx: ViewMut<'_, T>,
    accumulate: bool,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = dx.session() else {
        return conv.backward_input(dy.host()?, w.host()?, dx.host()?, accumulate, scratch);
    };
    let s = conv.shape();
    let batch = batch_of(s, dx.len(), dy.len(), w.len())?;
    let (dy, weights, dx) = (dy.at(on)?, w.at(on)?, dx.at(on)?);
    let mut arguments = sizes(s, batch);
    arguments.extend([dy, weights, dx, int(usize::from(accumulate))]);
    let launch = launch(batch * s.height * s.width, s.inputs, 1);
    let library = Library::of::<T>(on, Part::Input, s, batch)?;
    let bytes = library.as_ref().map_or(0, |_| w.len() * size_of::<T>());
    on.work(bytes, |work| {
        // SAFETY: as above.
        unsafe {
            if let Some(library) = library
                && library.run::<T>(work, [dx, weights, dy], accumulate)?
            {
                return Ok(());
            }
            work.session.launch(&SOURCE, typed!(T, "conv_input"), launch, &arguments)
        }
    })
}

/// `dw = Σ x·dy`: [`Conv2d::backward_weights`].
///
/// # Errors
/// As [`forward`].
pub fn backward_weights<T: Real>(
    conv: &Conv2d<T>,
    x: View<'_, T>,
    dy: View<'_, T>,
    dw: ViewMut<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = dw.session() else {
        return conv.backward_weights(x.host()?, dy.host()?, dw.host()?, scratch);
    };
    let s = conv.shape();
    let batch = batch_of(s, x.len(), dy.len(), dw.len())?;
    let numbers = dw.len();
    let pixels = batch * s.out_height() * s.out_width();
    let parts = (pixels / PIXELS).min(PARTS).min(NUMBERS / numbers).max(1);
    let (x, dy, dw) = (x.at(on)?, dy.at(on)?, dw.at(on)?);
    let launch = launch(numbers / s.outputs, s.outputs, parts);
    let library = Library::of::<T>(on, Part::Weights, s, batch)?;
    // For the parts, or the order of the library.
    let bytes = if parts > 1 || library.is_some() { parts * numbers * size_of::<T>() } else { 0 };
    on.work(bytes, |work| {
        // SAFETY: as above; scratch is as long as the weights.
        if let Some(library) = library
            && unsafe { library.run::<T>(work, [x, dw, dy], false)? }
        {
            return Ok(());
        }
        let sums = if parts > 1 { Argument::Memory(work.scratch) } else { dw };
        let mut arguments = sizes(s, batch);
        arguments.extend([int(parts), x, dy, sums]);
        // SAFETY: as above; scratch is as long as all parts.
        unsafe {
            work.session.launch(&SOURCE, typed!(T, "conv_weights"), launch, &arguments)?;
            if parts > 1 {
                let arguments = [long(numbers), int(parts), sums, dw];
                work.over(&SOURCE, typed!(T, "add_parts"), numbers, &arguments)?;
            }
        }
        Ok(())
    })
}

//! Convolution of NHWC images with K×K kernels:
//! `y[b, oy, ox, o] = bias[o] + Σ_{ky,kx,i} x[b, s·oy + ky − p, s·ox + kx − p, i] · w[ky, kx, i, o]`,
//! x zero outside the image (PyTorch's `conv2d`), and its two gradients for a given `dy`.
//!
//! Flops: 2·K²·I·O an output pixel for each of the three. Images are framed with zeros in a thread's scratch
//! when there is padding; weights are packed once a call. Images are independent; a weight gradient is summed
//! over groups of images whose number depends on the shape alone, then over the groups in order, so results are
//! the same bits on any number of threads.

//! Where a device has a library for a convolution, it goes there ([`Session::convolve`](crate::kernels::device::Session::convolve)).

mod device;
mod host;
mod plan;
#[cfg(test)]
mod tests;
mod tile;

use self::{plan::Plan, tile::Walk};
use super::Real;
use crate::{Error, Result};

pub use self::device::{SOURCE, backward_input, backward_weights, forward};
pub use super::super::device::ConvShape;

/// A convolution of one shape, ready to run.
///
/// ```
/// use mirrorflow::kernels::{array::Buffer, network::convolution::{Conv2d, ConvShape}};
/// let shape = ConvShape { height: 2, width: 2, inputs: 1, outputs: 1, kernel: 2, stride: 1, padding: 0 };
/// let (conv, mut scratch) = (Conv2d::<f64>::new(shape)?, Buffer::default());
/// let mut y = [0.0];
/// conv.forward(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0, 1000.0], Some(&[0.5]), &mut y, &mut scratch)?;
/// assert_eq!(y, [4321.5]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conv2d<T> {
    shape: ConvShape,
    forward: Plan,
    backward: Plan,
    walk: Walk,
    of: std::marker::PhantomData<T>,
}

impl<T: Real> Conv2d<T> {
    /// Whether a convolution can have this shape.
    ///
    /// # Errors
    /// When a size is zero or the kernel does not fit the framed image.
    pub fn check(shape: &ConvShape) -> Result<()> {
        let s = shape;
        let sizes = [s.height, s.width, s.inputs, s.outputs, s.kernel, s.stride];
        if !sizes.contains(&0) && s.height.min(s.width) + 2 * s.padding >= s.kernel {
            return Ok(());
        }
        Err(Error::Domain {
            what: "the shape of a convolution".into(),
            expected: "positive sizes and a kernel no larger than the padded image".into(),
            found: format!(
                "{0}×{0} kernels, a step of {1}, on images of {2}×{3} with {4} channels, {5} rows of zeros around, to {6}",
                s.kernel, s.stride, s.height, s.width, s.inputs, s.padding, s.outputs
            ),
        })
    }

    /// A convolution of this shape.
    ///
    /// # Errors
    /// As [`Conv2d::check`].
    pub fn new(shape: ConvShape) -> Result<Self> {
        Self::check(&shape)?;
        let s = &shape;
        let (forward, backward) = (Plan::forward(s), Plan::backward(s));
        let pixel = |t: usize| (t / s.kernel) * forward.frame.padded_width + t % s.kernel;
        let entries = (0..s.kernel * s.kernel)
            .flat_map(|t| (0..s.inputs).map(move |i| pixel(t) * s.inputs + i))
            .collect();
        let walk = Walk {
            entries,
            out_height: s.out_height(),
            out_width: s.out_width(),
            row: s.stride * forward.frame.padded_width * s.inputs,
            step: s.stride * s.inputs,
            len: forward.frame.padded_len(),
        };
        Ok(Self { shape, forward, backward, walk, of: std::marker::PhantomData })
    }

    /// The shape.
    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }
}

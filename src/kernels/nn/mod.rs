//! The kernels of networks: forward and backward of each layer, on f32 and on f64.
//!
//! *Layout*: images are NHWC (channels together), so a batch of B images is B×height×width×channels, and a batch
//! of vectors is B×features; row-major throughout. Convolution weights are kernel×kernel×inputs×outputs,
//! linear ones outputs×inputs.
//!
//! Every kernel is the same function on f32, which trains, and f64, in which gradients are checked against
//! finite differences. Work is shared among rayon's threads such that no sum depends on their number: the same
//! bits come out on any. Nothing is allocated after the first call of a shape: what a kernel needs besides its
//! arguments lies in a [`Buffer`] that the caller keeps or in a scratch that the thread keeps.

pub mod attention;
pub mod batch_norm;
mod buffer;
mod conv;
mod conv_plan;
mod conv_tile;
pub mod layer_norm;
mod linear;
pub mod pointwise;
pub mod pool;
mod real;
pub mod softmax;
pub mod squared;
pub mod tokens;

pub use buffer::Buffer;
pub use conv::{Conv2d, ConvShape};
pub use linear::{Linear, column_sums};
pub use real::Real;

use crate::{Error, Result};

/// `what` has the length it must have.
fn check_len(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        expected: format!("{expected} numbers"),
        found: format!("{found} numbers"),
    })
}

#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod token_tests;

//! The kernels of networks: forward and backward of each layer, on f32 and on f64.
//!
//! *Layout*: images are NHWC (channels together), so a batch of B images is B×height×width×channels, and a batch
//! of vectors is B×features; row-major throughout. Convolution weights are kernel×kernel×inputs×outputs,
//! linear ones outputs×inputs.
//!
//! Every kernel is the same function on f32, which trains, and f64, in which gradients are checked against
//! finite differences. Work is shared among rayon's threads such that no sum depends on their number: the same
//! bits come out on any. Nothing is allocated after the first call of a shape: what a kernel needs besides its
//! arguments lies in a [`Buffer`](super::array::Buffer) that the caller keeps or in a scratch that the thread keeps.

pub mod attention;
pub mod convolution;
pub mod linear;
pub mod loss;
pub mod norm;
pub mod pointwise;
pub mod pool;
mod real;
#[cfg(test)]
mod tests;
pub mod tokens;

pub use real::Real;

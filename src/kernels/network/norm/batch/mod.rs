//! Batch norm with ReLU and a residual.

mod device;
pub mod host;

pub use self::device::{SOURCE, backward_apply, backward_sums, eval, train};

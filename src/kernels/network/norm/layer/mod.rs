//! Layer norm: over the numbers of a row.

mod device;
pub mod host;

pub use self::device::{SOURCE, backward_input, backward_sums, forward};

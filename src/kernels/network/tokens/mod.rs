//! The tokens of a transformer: a class token before the pixels, and positions.

mod device;
pub mod host;

pub use self::device::{SOURCE, backward, backward_sums, first, first_backward, forward};

//! Sums of columns: the gradient of a bias, and the sums of the norms over pixels or rows.

mod device;
pub mod host;

pub(super) use self::device::Sums;
pub use self::device::{SOURCE, sums};

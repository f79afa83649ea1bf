//! The factors m and w of `x = m⊙w`: their product, its gradients, and starts.

mod device;
pub mod host;

pub use self::device::{SOURCE, apply_mask, factor_start, product, product_backward, rescale};

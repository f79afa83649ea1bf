//! Factors on this processor.

mod product;
mod start;

pub use product::{apply_mask, product, product_backward};
pub(super) use start::check_beta;
pub use start::{factor_start, rescale};

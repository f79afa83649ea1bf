//! Counts on this processor.

pub(in crate::kernels::mask_weight) mod measure;
mod selection;

pub use measure::{Measures, measure, sign_flips};
pub use selection::{Cut, cut_at, keep_largest};

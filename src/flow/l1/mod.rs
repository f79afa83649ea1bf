//! Flows with an L1 penalty, whose solutions have kinks where a sign changes.

mod mask;
mod weights;

pub use mask::MaskL1;
pub use weights::PlainL1;

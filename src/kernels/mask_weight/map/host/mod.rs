//! Maps on this processor.

mod power;
mod sigmoid_mask;
mod soft_threshold;

pub(in crate::kernels) use power::check_power;
pub use power::{power, power_backward};
pub(in crate::kernels) use sigmoid_mask::check_sigmoid;
pub use sigmoid_mask::{hard_mask, sigmoid_mask, sigmoid_mask_backward};
pub use soft_threshold::{soft_threshold, soft_threshold_backward};

//! Maps from parameters to weights: STR, Powerpropagation, sigmoid masks.

mod device;
pub mod host;

pub use self::device::{
    SOURCE, hard_mask, power, power_backward, sigmoid_mask, sigmoid_mask_backward, soft_threshold,
    soft_threshold_backward,
};

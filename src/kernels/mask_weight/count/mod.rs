//! What is counted over a layer: norms, nonzeros, sign flips, the k largest.

pub(super) mod device;
pub mod host;

pub use self::{
    device::{SOURCE, keep_largest, measure, sign_flips},
    host::{Cut, Measures},
};

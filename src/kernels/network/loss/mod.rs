//! The losses of networks: softmax cross-entropy, added up over batches where the network is, and the squared loss.

mod device;
pub mod host;
pub mod squared;

pub use self::device::{SOURCE, Total, Totals, check_labels, cross_entropy};

//! # Deep networks
//!
//! The companion path of the theory: networks trained with `x = m ⊙ w` and their rivals.
//! [`network`] describes networks as data, [`engine`] runs them forward and backward on the library's kernels.
//! [`train`] runs a configuration, [`study`] compares several.

pub mod data;
pub mod engine;
mod label;
pub mod method;
pub mod network;
mod room;
pub mod study;
pub mod train;

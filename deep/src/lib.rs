//! # Deep networks
//!
//! The companion path of the theory: networks trained with `x = m ⊙ w` and their rivals.
//! [`network`] describes networks as data, [`engine`] runs them forward and backward on the
//! library's kernels, [`method`] says how their weights hang on what is trained, and [`data`]
//! brings images. [`config`] is a file and what it says, [`setup`] all that a run of it needs,
//! [`train`] runs it, and [`study`] compares several.

pub mod config;
pub mod data;
pub mod engine;
pub mod method;
pub mod network;
pub mod setup;
pub mod study;
pub mod train;

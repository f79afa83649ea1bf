//! The functions of the hyperbolic entropy, safe for `log a` down to −10⁶.

pub mod asinh;
pub mod log_domain;

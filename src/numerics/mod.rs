//! Scalar and vector arithmetic on which everything else stands: functions of the hyperbolic
//! entropy that are safe in the log domain, compensated sums, dense products, intervals, means of samples,
//! numbers as text.

pub mod asinh;
pub mod cholesky;
pub mod dense;
pub(crate) mod dispatch;
pub(crate) mod double_double;
pub mod interval;
pub(crate) mod lanes;
pub mod log_domain;
pub(crate) mod packed;
pub(crate) mod rodas5p;
mod rounding;
pub(crate) mod scaled;
pub(crate) mod simd;
pub mod student;
pub mod sums;
pub mod vector;
pub mod written;

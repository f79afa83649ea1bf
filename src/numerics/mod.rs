//! Scalar and vector arithmetic on which everything else stands: functions of the hyperbolic
//! entropy that are safe in the log domain, compensated sums, dense products, intervals, means of
//! samples, numbers as text.

pub mod dense;
pub(crate) mod dispatch;
pub mod exact;
pub(crate) mod lanes;
pub(crate) mod rodas5p;
pub(crate) mod simd;
pub mod special;
pub mod student;
pub mod vector;
pub mod written;

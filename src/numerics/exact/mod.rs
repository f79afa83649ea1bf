//! Arithmetic that knows its error: sums as if in twice the working precision, numbers of twice the
//! precision, powers of two, directed rounding, intervals.

pub(crate) mod bounded_sums;
pub(crate) mod double_double;
pub mod interval;
pub(crate) mod powers;
mod rounding;
// Numbers with a wide exponent, for `e^v` far out of range.
pub(crate) mod scaled;
pub mod sums;

//! Parameterizations `θ ↦ x` and where their flows start.

mod start;

pub use start::Start;

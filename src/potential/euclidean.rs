//! `R(x) = ½‖x‖²`: the potential of plain gradient flow.

use super::Potential;
use crate::{Error, Result};

/// `R(x) = ½‖x‖²` on ℝⁿ; its mirror flow is the gradient flow.
///
/// # Examples
/// ```
/// use mirrorflow::potential::{Euclidean, Potential};
/// assert_eq!(Euclidean::new(2)?.value(&[3.0, 4.0]), 12.5);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Euclidean {
    n: usize,
}

impl Euclidean {
    /// On ℝⁿ.
    ///
    /// # Errors
    /// When n = 0.
    pub fn new(n: usize) -> Result<Self> {
        if n == 0 {
            return Err(Error::Domain {
                what: "the dimension n".into(),
                expected: "at least 1".into(),
                found: "0".into(),
            });
        }
        Ok(Self { n })
    }
}

impl Potential for Euclidean {
    fn dim(&self) -> usize {
        self.n
    }

    fn value(&self, x: &[f64]) -> f64 {
        0.5 * x.iter().map(|v| v * v).sum::<f64>()
    }

    fn gradient(&self, x: &[f64], out: &mut [f64]) {
        out[..self.n].copy_from_slice(&x[..self.n]);
    }

    fn hessian(&self, _x: &[f64], out: &mut [f64]) {
        out[..self.n].fill(1.0);
    }

    fn conjugate(&self, s: &[f64]) -> f64 {
        self.value(s)
    }

    fn conjugate_gradient(&self, s: &[f64], out: &mut [f64]) {
        self.gradient(s, out);
    }

    fn bregman(&self, x: &[f64], base: &[f64]) -> f64 {
        0.5 * x.iter().zip(base).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    }
}

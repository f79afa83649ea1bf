//! The LASSO homotopy: the whole exact path of `min (1/(2d))‖Zx − y‖² + λ‖x‖₁` in λ.
//!
//! With `r = y − Zx` and the level `C = dλ`, x is optimal iff `Z_jᵀr = C·sgn(x_j)` where x_j ≠ 0
//! and `|Z_jᵀr| ≤ C` elsewhere. Between knots the active set S and its signs s are fixed and x is
//! affine in C: `x_S = R⁻¹Qᵀy − C·R⁻¹w` (`Z_S = QR`, `w = R⁻ᵀs`). A knot is where an inactive
//! correlation reaches C (the column joins) or an active x_j reaches 0 (it leaves). Osborne,
//! Presnell & Turlach (2000); Efron, Hastie, Johnstone & Tibshirani (2004). A constant weight decay
//! α trains towards the point λ = 2α of this path, and as λ → 0 it ends at the L1-minimal solution
//! of `Zx = y`, with `μ = Z_S(Z_SᵀZ_S)⁻¹s` an exactly matching dual point.

mod homotopy;
pub(super) mod scaled;
mod screen;

use std::fmt;

use crate::numerics::dense::rows::dot;
use crate::problem::Problem;
use crate::{Error, Result};
use homotopy::Homotopy;
use scaled::{Scaled, scale_by};

/// Where to stop and what to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LassoOptions {
    /// Stop at this λ ≥ 0 (0: go to the end of the path).
    pub lambda_min: f64,
    /// Most changes of the active set; `None` takes 1000 + 200·min(d, n).
    pub max_steps: Option<usize>,
    /// Keep every knot; otherwise only the last.
    pub keep_knots: bool,
}

impl Default for LassoOptions {
    fn default() -> Self {
        Self { lambda_min: 0.0, max_steps: None, keep_knots: true }
    }
}

/// What happened at a knot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LassoEvent {
    /// The column became active.
    Join(usize),
    /// The column's coefficient reached zero.
    Leave(usize),
}

/// How far the path was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LassoStatus {
    /// To λ = 0.
    Complete,
    /// To the `lambda_min` that was asked for.
    ReachedLambdaMin,
    /// `max_steps` were not enough: the last knot is as far as it came; allow more.
    StepLimit,
    /// Rounding errors exceed what the path allows at the last knot: the columns are too nearly
    /// dependent there.
    Stalled,
}

impl fmt::Display for LassoStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "followed to λ = 0",
            Self::ReachedLambdaMin => "followed to the λ asked for",
            Self::StepLimit => "the step bound was reached first: allow more steps",
            Self::Stalled => "the active columns are too nearly dependent to go on",
        })
    }
}

/// The path: λ and x at its knots, from λ_max down.
#[derive(Debug, Clone, PartialEq)]
pub struct LassoPath {
    pub(in crate::limit) features: usize,
    pub(in crate::limit) lambdas: Vec<f64>,
    pub(in crate::limit) starts: Vec<usize>,
    pub(in crate::limit) indices: Vec<usize>,
    pub(in crate::limit) values: Vec<f64>,
    pub(in crate::limit) events: Vec<(f64, LassoEvent)>,
    pub(in crate::limit) support: Vec<usize>,
    pub(in crate::limit) signs: Vec<f64>,
    pub(in crate::limit) mu: Vec<f64>,
    pub(in crate::limit) sign_error: f64,
    pub(in crate::limit) steps: usize,
    pub(in crate::limit) status: LassoStatus,
}

impl LassoPath {
    /// λ at the knots, decreasing; the first is λ_max = ‖Zᵀy‖_∞/d, above which x = 0.
    pub fn lambdas(&self) -> &[f64] {
        &self.lambdas
    }
    /// x at knot `k` as pairs (column, value); empty past the last knot.
    pub fn knot(&self, k: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = match (self.starts.get(k), self.starts.get(k + 1)) {
            (Some(&from), Some(&to)) => from..to,
            _ => 0..0,
        };
        self.indices[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }
    /// x (length n) at λ: exact between the knots that were kept, 0 above λ_max; `None` below the
    /// last λ reached (or between knots when they were not kept).
    pub fn at(&self, lambda: f64) -> Option<Vec<f64>> {
        let mut x = vec![0.0; self.features];
        if lambda.is_nan() || lambda < 0.0 {
            return None;
        }
        // First knot at or below λ.
        let below = self.lambdas.partition_point(|&l| l > lambda);
        let low = *self.lambdas.get(below)?;
        if below == 0 {
            // x = 0 from λ_max up; without knots the only λ known is the last.
            if self.starts.len() > 2 || lambda == low {
                self.knot(0).for_each(|(j, v)| x[j] = v);
                return Some(x);
            }
            return self.knot(0).next().is_none().then_some(x);
        }
        let high = self.lambdas[below - 1];
        // Affine in λ; each end is hit exactly.
        let t = (high - lambda) / (high - low);
        self.knot(below - 1).for_each(|(j, v)| x[j] += (1.0 - t) * v);
        self.knot(below).for_each(|(j, v)| x[j] += t * v);
        Some(x)
    }
    /// Which column joined or left, and at which λ, in order.
    pub fn events(&self) -> &[(f64, LassoEvent)] {
        &self.events
    }
    /// x (length n) at the last λ reached.
    pub fn last(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.features];
        if let Some(k) = self.lambdas.len().checked_sub(1) {
            self.knot(k).for_each(|(j, v)| x[j] = v);
        }
        x
    }
    /// Active columns on the last segment.
    pub fn support(&self) -> &[usize] {
        &self.support
    }
    /// Signs of the active correlations on the last segment, as `support`.
    pub fn signs(&self) -> &[f64] {
        &self.signs
    }
    /// Dual point μ (length d) at the last λ: `(y − Zx)/(dλ)`, and its limit `Z_S(Z_SᵀZ_S)⁻¹s` at λ
    /// = 0.
    pub fn mu(&self) -> &[f64] {
        &self.mu
    }
    /// Largest coefficient, relative to the largest of its knot, that rounding put on the wrong
    /// side of its sign and that was set to zero: about ε times the condition number of the active
    /// columns, and with it the relative error to expect in x.
    pub fn sign_error(&self) -> f64 {
        self.sign_error
    }
    /// Changes of the active set.
    pub fn steps(&self) -> usize {
        self.steps
    }
    /// How far the path was followed.
    pub fn status(&self) -> LassoStatus {
        self.status
    }
}

/// Follows the path of `min (1/(2d))‖Zx − y‖² + λ‖x‖₁` from λ_max to `options.lambda_min`.
///
/// # Errors
/// When `lambda_min` is negative or not finite, or λ_max overflows.
///
/// ```
/// use mirrorflow::limit::{LassoOptions, lasso_path};
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]], array![4.0, 1.0])?;
/// let path = lasso_path(&problem, &LassoOptions::default())?;
/// assert_eq!(path.lambdas()[0], 4.0); // ‖Zᵀy‖_∞/d
/// assert!((path.last()[1] - 2.0).abs() < 1e-15);
/// # Ok(())
/// # }
/// ```
pub fn lasso_path(problem: &Problem, options: &LassoOptions) -> Result<LassoPath> {
    if !(options.lambda_min >= 0.0 && options.lambda_min.is_finite()) {
        return Err(Error::Domain {
            what: "lambda_min".into(),
            expected: "a finite number ≥ 0".into(),
            found: options.lambda_min.to_string(),
        });
    }
    let scaled = Scaled::new(problem);
    let top =
        scaled.norms.iter().fold(0.0_f64, |m, v| m.max(*v)) * dot(&scaled.y, &scaled.y).sqrt();
    if !scale_by(top, scaled.z_exponent + scaled.y_exponent).is_finite() {
        return Err(Error::Domain {
            what: "scale of Z times scale of y".into(),
            expected: "‖Zᵀy‖ below 1.8e308".into(),
            found: format!("about 2^{}", scaled.z_exponent + scaled.y_exponent),
        });
    }
    Ok(Homotopy::new(&scaled, problem.features(), options).run())
}

/// The path without the check that λ is representable (a λ that overflows is ∞).
pub(in crate::limit) fn trace(problem: &Problem, options: &LassoOptions) -> LassoPath {
    Homotopy::new(&Scaled::new(problem), problem.features(), options).run()
}

/// The minimiser of `(1/(2d))‖Zx − y‖² + λ‖x‖₁` (length n), and how far the path to it came.
///
/// # Errors
/// As [`lasso_path`].
///
/// ```
/// use mirrorflow::limit::{LassoStatus, lasso};
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// let problem = Problem::new(array![[1.0, 0.0], [0.0, 1.0]], array![3.0, 0.5])?;
/// let (x, status) = lasso(&problem, 0.5)?; // soft threshold at dλ = 1
/// assert_eq!(status, LassoStatus::ReachedLambdaMin);
/// assert_eq!(x, vec![2.0, 0.0]);
/// # Ok(())
/// # }
/// ```
pub fn lasso(problem: &Problem, lambda: f64) -> Result<(Vec<f64>, LassoStatus)> {
    let options = LassoOptions { lambda_min: lambda, max_steps: None, keep_knots: false };
    let path = lasso_path(problem, &options)?;
    Ok((path.last(), path.status()))
}

#[cfg(test)]
mod tests;

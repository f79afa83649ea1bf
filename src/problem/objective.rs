//! The loss of a whole problem: `f(x) = (1/d) Σ_j ℓ((Zx)_j, y_j)`, its gradient `Zᵀg` with
//! `g_j = ℓ'((Zx)_j, y_j)/d`, its Hessian `(1/d) Zᵀ diag(ℓ'') Z`, and its constants.

use ndarray::Array2;

use super::{Loss, Problem};
use crate::numerics::dense;

/// `Zx`, length d.
fn predictions(problem: &Problem, x: &[f64]) -> Vec<f64> {
    let mut zx = vec![0.0; problem.samples()];
    dense::mul(problem.z_rows(), x, &mut zx);
    zx
}

impl Loss {
    /// `f(x)` for `x` of length n.
    ///
    /// # Panics
    /// When `x` has another length; so do `gradient` and `hessian`.
    pub fn value(&self, problem: &Problem, x: &[f64]) -> f64 {
        self.value_at(&predictions(problem, x), problem.y())
    }

    /// `f` from the predictions `Zx` and the targets, both of length d.
    pub fn value_at(&self, predictions: &[f64], targets: &[f64]) -> f64 {
        let sum: f64 = predictions.iter().zip(targets).map(|(&p, &t)| self.ell(p, t)).sum();
        sum / targets.len() as f64
    }

    /// `g_j = ∂f/∂p_j = ℓ'(p_j, t_j)/d` into `slope` (length d): the right side of the dual flow,
    /// and `∇f = Zᵀg`.
    pub fn slope_at(&self, predictions: &[f64], targets: &[f64], slope: &mut [f64]) {
        let d = targets.len() as f64;
        for ((g, &p), &t) in slope.iter_mut().zip(predictions).zip(targets) {
            *g = self.ell_prime(p, t) / d;
        }
    }

    /// `∇f(x)`, length n, for `x` of length n.
    pub fn gradient(&self, problem: &Problem, x: &[f64]) -> Vec<f64> {
        let mut slope = vec![0.0; problem.samples()];
        self.slope_at(&predictions(problem, x), problem.y(), &mut slope);
        let mut gradient = vec![0.0; problem.features()];
        dense::mul_t(problem.z_rows(), &slope, &mut gradient);
        gradient
    }

    /// `∇²f(x)`, n×n; `None` where a sample sits at a kink of the Huber loss.
    pub fn hessian(&self, problem: &Problem, x: &[f64]) -> Option<Array2<f64>> {
        let (d, n) = (problem.samples(), problem.features());
        let mut hessian = Array2::zeros((n, n));
        for ((row, p), &t) in problem.z().outer_iter().zip(predictions(problem, x)).zip(problem.y())
        {
            let curvature = self.ell_second(p, t)? / d as f64;
            for i in 0..n {
                for k in 0..n {
                    hessian[[i, k]] += curvature * row[i] * row[k];
                }
            }
        }
        Some(hessian)
    }

    /// `L_f = K σ_max(Z)²/d` with `‖∇f(x) − ∇f(x')‖ ≤ L_f ‖x − x'‖`, where K is
    /// [`Loss::ell_smoothness`]; exact for the squared loss, else an upper bound. `None` if the
    /// singular values cannot be computed.
    pub fn smoothness(&self, problem: &Problem) -> Option<f64> {
        let sigma = *problem.singular_values()?.first()?;
        Some(self.ell_smoothness() * sigma * sigma / problem.samples() as f64)
    }

    /// A λ > 0 with `‖∇f‖² ≥ λ(f − f*)` for all x, where one is known: the squared loss on any Z
    /// that is not zero, the sine-squared loss on a Z of full row rank (then f* = 0).
    ///
    /// A singular value counts as zero below `max(d, n)·ε·σ_max`.
    pub fn pl(&self, problem: &Problem) -> Option<f64> {
        let c = self.ell_pl()?;
        let (d, n) = (problem.samples(), problem.features());
        let sigmas = problem.singular_values()?;
        let zero = d.max(n) as f64 * f64::EPSILON * sigmas.first()?;
        let mut positive = sigmas.iter().filter(|&&s| s > zero);
        let rank = positive.clone().count();
        let sigma = positive.next_back()?;
        let full_row_rank = rank == d;
        (full_row_rank || *self == Self::Squared).then_some(c * sigma * sigma / d as f64)
    }
}

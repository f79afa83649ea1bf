//! What the rates of the paper are made of: the extreme singular values of Z and the least-norm
//! interpolator.

use mirrorflow::{
    numerics::{
        dense,
        dense::cholesky::Cholesky,
        exact::sums::{norm_inf, norm2},
    },
    problem::Problem,
};

/// Of a problem whose Z has full row rank.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    /// `x* = Zᵀ(ZZᵀ)⁻¹y`.
    pub(crate) least_norm: Vec<f64>,
    sigma_min: f64,
    sigma_max: f64,
    samples: f64,
}

impl Geometry {
    /// `None` where Z has no full row rank, as far as floats can tell.
    pub(crate) fn of(problem: &Problem) -> Option<Self> {
        let (d, n) = (problem.samples(), problem.features());
        let values = problem.singular_values()?;
        let (sigma_max, sigma_min) = (*values.first()?, *values.get(d - 1)?);
        if sigma_min < 1e-6 * sigma_max || sigma_max == 0.0 {
            return None;
        }
        let mut gram = vec![0.0; d * d];
        dense::gram_weighted(problem.z_rows(), d, n, &vec![1.0; n], &mut gram);
        let mut cholesky = Cholesky::new(d);
        if !cholesky.factor(&gram) {
            return None;
        }
        let mut x = vec![0.0; n];
        // One solve and one refinement.
        for _ in 0..2 {
            let mut residual = vec![0.0; d];
            dense::mul(problem.z_rows(), &x, &mut residual);
            for (r, y) in residual.iter_mut().zip(problem.y()) {
                *r = y - *r;
            }
            cholesky.solve(&mut residual);
            let mut step = vec![0.0; n];
            dense::mul_t(problem.z_rows(), &residual, &mut step);
            x.iter_mut().zip(&step).for_each(|(x, s)| *x += s);
        }
        let mut left = vec![0.0; d];
        dense::mul(problem.z_rows(), &x, &mut left);
        left.iter_mut().zip(problem.y()).for_each(|(r, y)| *r -= y);
        let size = norm_inf(problem.y()).max(sigma_max * norm_inf(&x));
        (norm_inf(&left) <= 1e-12 * size).then_some(Self {
            least_norm: x,
            sigma_min,
            sigma_max,
            samples: d as f64,
        })
    }

    /// λ of `‖∇f‖² ≥ λ (f − f*)` for the squared loss: `2σ_min²/d`.
    pub(crate) fn pl(&self) -> f64 {
        2.0 * self.sigma_min * self.sigma_min / self.samples
    }

    /// L_f, the Lipschitz constant of ∇f for the squared loss: `σ_max²/d`.
    pub(crate) fn smoothness(&self) -> f64 {
        self.sigma_max * self.sigma_max / self.samples
    }

    /// `‖x*‖₂` of the least-norm interpolator.
    pub(crate) fn least_norm_size(&self) -> f64 {
        norm2(&self.least_norm)
    }
}

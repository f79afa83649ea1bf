//! The linear systems of a Rosenbrock step, `(σI − J) u = b` with `σ = 1/(γh)`.
//!
//! For a symmetric negative semidefinite J the matrix is positive definite for every h > 0: one
//! Cholesky factorization, half the work of an LU and without pivoting. Otherwise LU with partial
//! pivoting.

use faer::Mat;
use faer::linalg::solvers::{PartialPivLu, Solve};

use crate::flow::Structure;
use crate::numerics::dense::cholesky::Cholesky;

/// Factors of `σI − J`.
#[derive(Debug, Clone)]
pub(super) struct Shifted {
    dim: usize,
    /// `σI − J`, row-major, for the Cholesky factorization.
    matrix: Vec<f64>,
    cholesky: Cholesky,
    lu: Option<PartialPivLu<f64>>,
    column: Mat<f64>,
}

impl Shifted {
    /// For systems of size `dim`.
    pub(super) fn new(dim: usize) -> Self {
        Self {
            dim,
            matrix: vec![0.0; dim * dim],
            cholesky: Cholesky::new(dim),
            lu: None,
            column: Mat::zeros(dim, 1),
        }
    }

    /// Factors `σI − J` (J row-major, dim×dim); `false` if an entry or a pivot is not a usable
    /// number.
    pub(super) fn factor(&mut self, structure: Structure, jacobian: &[f64], sigma: f64) -> bool {
        let d = self.dim;
        if !(sigma.is_finite() && jacobian.iter().all(|v| v.is_finite())) {
            return false;
        }
        match structure {
            Structure::SymmetricNegative => {
                self.lu = None;
                for (w, j) in self.matrix.iter_mut().zip(jacobian) {
                    *w = -j;
                }
                for i in 0..d {
                    self.matrix[i * (d + 1)] += sigma;
                }
                self.cholesky.factor(&self.matrix)
            }
            Structure::General => {
                let matrix = Mat::from_fn(d, d, |i, j| {
                    let shift = if i == j { sigma } else { 0.0 };
                    shift - jacobian[i * d + j]
                });
                self.lu = Some(matrix.partial_piv_lu());
                true
            }
        }
    }

    /// Solves in place; non-finite entries come out where the system is singular.
    pub(super) fn solve(&mut self, b: &mut [f64]) {
        let d = self.dim;
        if let Some(lu) = &self.lu {
            for i in 0..d {
                self.column[(i, 0)] = b[i];
            }
            lu.solve_in_place(self.column.as_mut());
            for i in 0..d {
                b[i] = self.column[(i, 0)];
            }
            return;
        }
        self.cholesky.solve(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `−(BᵀB)` for a fixed 5×4 matrix B: symmetric negative semidefinite.
    fn sample() -> Vec<f64> {
        let b: Vec<f64> = (0..20).map(|k| f64::from((k * 7 + 3) % 11) - 5.0).collect();
        let mut j = vec![0.0; 16];
        for (p, q) in (0..4).flat_map(|p| (0..4).map(move |q| (p, q))) {
            j[p * 4 + q] = -(0..5).map(|k| b[k * 4 + p] * b[k * 4 + q]).sum::<f64>();
        }
        j
    }

    #[test]
    fn both_factorizations_solve_the_same_system() {
        let j = sample();
        let want = [1.0, -2.0, 0.5, 3.0];
        let sigma = 0.7;
        let rhs: Vec<f64> = (0..4)
            .map(|p| sigma * want[p] - (0..4).map(|q| j[p * 4 + q] * want[q]).sum::<f64>())
            .collect();
        for structure in [Structure::SymmetricNegative, Structure::General] {
            let mut shifted = Shifted::new(4);
            assert!(shifted.factor(structure, &j, sigma));
            let mut u = rhs.clone();
            shifted.solve(&mut u);
            for (p, q) in u.iter().zip(&want) {
                // Condition ≤ (0.7 + 300)/0.7 ≈ 430, times 1e-16 and the size 4.
                assert!((p - q).abs() < 1e-12, "{structure:?}: {p} {q}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_or_not_finite_is_refused() {
        let mut shifted = Shifted::new(2);
        let symmetric = Structure::SymmetricNegative;
        assert!(!shifted.factor(symmetric, &[3.0, 0.0, 0.0, -1.0], 1.0));
        assert!(!shifted.factor(symmetric, &[f64::NAN, 0.0, 0.0, -1.0], 1.0));
        assert!(!shifted.factor(symmetric, &[-1.0, 0.0, 0.0, -1.0], f64::INFINITY));
    }
}

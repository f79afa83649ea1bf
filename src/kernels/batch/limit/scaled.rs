//! A problem in units of size 1, and its answer in those of the problem.

use super::{Ending, One};
use crate::numerics::dense::{cholesky::Cholesky, column_lengths, gram_weighted, mul_t};

/// Z with rows of size 1, by powers of two, and the factor of its Gram matrix.
pub(super) struct Matrix {
    pub(super) z: Vec<f64>,
    /// 2^{−e_j}, length d.
    rows: Vec<f64>,
    /// The largest entry of each column, length n.
    pub(super) columns: Vec<f64>,
    /// The length of each column, n of them.
    pub(super) lengths: Vec<f64>,
    /// `None` where Z is not finite, or rows depend on others.
    gram: std::result::Result<Cholesky, Ending>,
}

/// The power of two that brings `size` to [1, 2); 1 for 0.
fn to_one(size: f64) -> f64 {
    // Far sizes are brought near 1, which is all that is asked for: 2^±1000 are numbers.
    let e = if size > 0.0 { size.log2().floor().clamp(-1000.0, 1000.0) } else { 0.0 };
    (-e).exp2()
}

impl Matrix {
    /// Whether no row is a combination of the others to four digits: by the pivots of `ZZᵀ`, the squares of those of Z.
    pub(super) fn is_far_from_dependent(&self) -> bool {
        self.gram.as_ref().is_ok_and(|gram| {
            let (low, high) = gram.pivots();
            low >= 1e-8 * high
        })
    }

    pub(super) fn new(d: usize, n: usize, raw: &[f64]) -> Self {
        let mut z = raw.to_vec();
        let mut rows = vec![1.0; d];
        let mut gram = Err(Ending::BadInput);
        if raw.iter().all(|v| v.is_finite()) {
            for (row, factor) in z.chunks_exact_mut(n).zip(&mut rows) {
                *factor = to_one(row.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
                row.iter_mut().for_each(|v| *v *= *factor);
            }
            let mut h = vec![0.0; d * d];
            gram_weighted(&z, d, n, &vec![1.0; n], &mut h);
            let mut cholesky = Cholesky::new(d);
            // A pivot below this share of the diagonal is rounding: the row depends on those before it.
            let cut = 64.0 * f64::EPSILON * n.max(d) as f64;
            let mut shifted = h.clone();
            for j in 0..d {
                shifted[j * d + j] -= cut * h[j * d + j];
            }
            gram = if cholesky.factor(&shifted) && cholesky.factor(&h) {
                Ok(cholesky)
            } else {
                Err(Ending::Dependent)
            };
        }
        let mut columns = vec![0.0_f64; n];
        for row in z.chunks_exact(n) {
            columns.iter_mut().zip(row).for_each(|(c, v)| *c = c.max(v.abs()));
        }
        let lengths = column_lengths(&z, n);
        Self { z, rows, columns, lengths, gram }
    }

    /// A problem on it in units of size 1, or why there is none.
    pub(super) fn scaled(&self, n: usize, one: &One<'_>) -> std::result::Result<Scaled, Ending> {
        let gram = self.gram.as_ref().map_err(|ending| *ending)?;
        let finite = one.y.iter().chain(one.theta).all(|v| v.is_finite());
        if !finite || !(-1e6..=50.0).contains(&one.log_a) {
            return Err(Ending::BadInput);
        }
        let mut y: Vec<f64> = one.y.iter().zip(&self.rows).map(|(y, f)| y * f).collect();
        let first = to_one(y.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
        y.iter_mut().for_each(|v| *v *= first);
        // By the largest entry of the least-norm solution.
        let mut nu = y.clone();
        gram.solve(&mut nu);
        let mut least = vec![0.0; n];
        mul_t(&self.z, &nu, &mut least);
        let second = to_one(least.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
        y.iter_mut().for_each(|v| *v *= second);
        let mut log_unit = -(first.log2() + second.log2());
        let ln2 = std::f64::consts::LN_2;
        let mut log_a = one.log_a - log_unit * ln2;
        let tilted = one.theta.iter().any(|v| *v != 0.0);
        let zero = y.iter().all(|v| *v == 0.0);
        // With a tilt and a large a, or without targets, a sets the size of x.
        if zero || (tilted && log_a > 30.0) {
            let shift = (log_a / ln2).round();
            y.iter_mut().for_each(|v| *v *= (-shift).exp2());
            log_unit += shift;
            log_a -= shift * ln2;
        }
        // Far above x every a gives the same x, and s ∝ 1/a.
        let excess = if tilted { 0.0 } else { (log_a - 100.0).max(0.0) };
        let theta = if one.theta.is_empty() { vec![0.0; n] } else { one.theta.to_vec() };
        Ok(Scaled { y, log_a: log_a - excess, theta, log_unit, excess })
    }
}

/// A problem in units of size 1: x is measured in `2^log_unit`.
pub(super) struct Scaled {
    pub(super) y: Vec<f64>,
    pub(super) log_a: f64,
    pub(super) theta: Vec<f64>,
    log_unit: f64,
    excess: f64,
}

/// The answer to one problem.
pub(super) struct Solved {
    pub(super) x: Vec<f64>,
    pub(super) mu: Vec<f64>,
    pub(super) residual: f64,
    pub(super) steps: u32,
    pub(super) ending: Ending,
}

impl Solved {
    pub(super) fn not(d: usize, n: usize, ending: Ending) -> Self {
        Self { x: vec![f64::NAN; n], mu: vec![f64::NAN; d], residual: f64::NAN, steps: 0, ending }
    }

    /// From the units of size 1 to those of the problem.
    pub(super) fn unscaled(mut self, matrix: &Matrix, scaled: &Scaled) -> Self {
        // In two steps: 2^log_unit itself may be no number.
        let half = (0.5 * scaled.log_unit).floor();
        let (first, second) = (half.exp2(), (scaled.log_unit - half).exp2());
        self.x.iter_mut().for_each(|v| *v = *v * first * second);
        let back = (-scaled.excess).exp();
        for (m, row) in self.mu.iter_mut().zip(&matrix.rows) {
            *m *= row * back;
        }
        self
    }
}

//! The few problems of a batch of limits that doubles cannot decide: which they are, and the answer to them.
//!
//! An answer is trusted where its residual, by compensated sums, is a few ε in every row, and
//! - every entry above 10⁻¹³ of the largest adds at least 10⁻⁴ of the largest such part to Zx, and is then right to 10⁻⁹; or
//! - `H = Z diag(√(x²+a²)) Zᵀ` is so well-conditioned that its factor in doubles sees them all.
//!
//! Every other problem (dependent rows, a ladder that did not end) goes to [`limit::newton`](crate::limit::newton), which
//! has twice the precision for it. The test costs a product with Z; where the factor of the last Newton step is not at hand, at
//! most one such step more.

use super::limit::{Batch, Ending, Matrix, Options, Scaled, Solved};
use crate::{
    limit::{Status, newton},
    numerics::{
        cholesky::Cholesky,
        dense::gram_weighted,
        log_domain::hypot_a,
        sums::{norm_inf, residual},
    },
    potential::HyperbolicEntropy,
    problem::Problem,
};

/// Entries above this, relative to the largest, count.
const LEAST: f64 = 1e-13;
/// Entries that add at least this to Zx, relative to the largest, are seen by its residual.
const PLAIN: f64 = 1e-4;
/// Ratio of the pivots of H from which it counts as that.
const PIVOTS: f64 = 1e-5;

/// The room that judging an answer takes, one for each thread.
pub(super) struct Judge {
    rest: Vec<f64>,
    weights: Vec<f64>,
    gram: Vec<f64>,
    cholesky: Cholesky,
}

impl Judge {
    pub(super) fn new(d: usize, n: usize) -> Self {
        let (rest, weights, gram) = (vec![0.0; d], vec![0.0; n], vec![0.0; d * d]);
        Self { rest, weights, gram, cholesky: Cholesky::new(d) }
    }

    /// Whether every entry of the answer that counts is right, in units of size 1. `pivots`: the smallest and largest
    /// of the factor of H there, where that is known.
    pub(super) fn trusts(
        &mut self,
        matrix: &Matrix,
        scaled: &Scaled,
        solved: &Solved,
        pivots: Option<(f64, f64)>,
    ) -> bool {
        let (d, n) = (scaled.y.len(), solved.x.len());
        if solved.ending != Ending::Converged {
            return false;
        }
        residual(&matrix.z, &solved.x, &scaled.y, &mut self.rest);
        let mut rows = matrix.z.chunks_exact(n).zip(&scaled.y).zip(&self.rest);
        let backward = rows.all(|((row, y), rest)| {
            // `|z||x|` is at least `|zx|`, which is y but for the rest: most rows need no sum.
            let (few, size) = (16.0 * f64::EPSILON, 1.9 * y.abs());
            rest.abs() <= few * size || {
                let size: f64 = row.iter().zip(&solved.x).map(|(z, x)| (z * x).abs()).sum();
                rest.abs() <= few * (size + y.abs())
            }
        });
        if !backward {
            return false;
        }
        let largest = norm_inf(&solved.x);
        let added = || solved.x.iter().zip(&matrix.columns).map(|(x, c)| x.abs() * c);
        let most_added = added().fold(0.0, f64::max);
        let mut hidden = solved
            .x
            .iter()
            .zip(added())
            .map(|(x, added)| x.abs() > LEAST * largest && added < PLAIN * most_added);
        if !hidden.any(|h| h) {
            return true;
        }
        if let Some((low, high)) = pivots {
            return low >= PIVOTS * high;
        }
        for (w, x) in self.weights.iter_mut().zip(&solved.x) {
            *w = hypot_a(*x, scaled.log_a);
        }
        let most = norm_inf(&self.weights);
        self.weights.iter_mut().for_each(|w| *w /= most);
        gram_weighted(&matrix.z, d, n, &self.weights, &mut self.gram);
        self.cholesky.factor(&self.gram) && {
            let (low, high) = self.cholesky.pivots();
            low >= PIVOTS * high
        }
    }
}

/// Problem b of the batch by the route that has twice the precision.
pub(super) fn robust(batch: &Batch<'_>, b: usize, options: &Options) -> Solved {
    let (d, n) = (batch.d, batch.n);
    let one = batch.one(b);
    let theta = if one.theta.is_empty() { vec![0.0; n] } else { one.theta.to_vec() };
    let steps = newton::Options::default()
        .with_tolerance(options.tolerance)
        .with_max_iterations(options.max_steps);
    let found = Problem::from_rows(batch.matrix(b).to_vec(), one.y.to_vec()).and_then(|problem| {
        let entropy = HyperbolicEntropy::new(vec![one.log_a; n], theta)?;
        newton::minimize(&problem, &entropy, &steps)
    });
    let Ok(limit) = found else { return Solved::not(d, n, Ending::BadInput) };
    let ending = match limit.status {
        Status::Converged => Ending::Converged,
        Status::MaxIterations => Ending::MaxIterations,
        Status::Infeasible | Status::Inconsistent | Status::Deficient { .. } => {
            return Solved::not(d, n, Ending::Dependent);
        }
        Status::Stalled => Ending::Stalled,
        Status::Cancelled => Ending::Cancelled,
    };
    let steps = limit.iterations.min(u32::MAX as usize) as u32;
    Solved { x: limit.x, mu: limit.mu, residual: limit.feasibility, steps, ending }
}

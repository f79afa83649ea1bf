//! The few problems of a batch of limits that doubles cannot decide: which they are, and the answer to them.
//!
//! An answer is trusted where its residual, by compensated sums, is a few ε in every row, and
//! - every entry above 10⁻¹³ of the largest adds at least 10⁻⁴ of the largest such part to Zx, and is then right to 10⁻⁹; or
//! - |log a| ≤ 4000 and `H = Z diag(√(x²+a²)) Zᵀ` is so well-conditioned that its factor in doubles sees them all; or
//! - |log a| ≤ 4000 and corrections of x and μ with that factor come to an end: see `limit/newton/finish.rs`, which does the same
//!   for one problem.
//!
//! Every other problem (dependent rows, a ladder that did not end) goes to [`limit::newton`](crate::limit::newton), which
//! has twice the precision for it. The test costs a product with Z, and at most some ten more for the corrections, by the
//! factor of the last Newton step where that is at hand.

use super::{
    Batch, Ending, Options,
    scaled::{Matrix, Scaled, Solved},
};
use crate::{
    limit::{
        LEAST, LONGEST, PIVOTS, PLAIN, REFINABLE, ROUNDING, SETTLED, Status, far_from_dependent,
        newton,
    },
    numerics::{
        dense::cholesky::Cholesky,
        dense::{gram_weighted, mul, mul_t},
        exact::sums::{norm_inf, residual, worst},
        special::log_domain::{asinh_ratio, hypot_a},
    },
    potential::HyperbolicEntropy,
    problem::Problem,
};

/// The room that judging an answer takes, one for each thread.
pub(super) struct Judge {
    room: Room,
    gram: Vec<f64>,
    cholesky: Cholesky,
}

/// The vectors of it.
struct Room {
    /// `Zx − y`.
    rest: Vec<f64>,
    /// `√(x²+a²)`.
    weights: Vec<f64>,
    /// Whether an entry counts.
    counts: Vec<bool>,
    e: Vec<f64>,
    change: Vec<f64>,
    delta: Vec<f64>,
}

impl Judge {
    pub(super) fn new(d: usize, n: usize) -> Self {
        let (rows, columns) = (vec![0.0; d], vec![0.0; n]);
        let room = Room {
            rest: rows.clone(),
            weights: columns.clone(),
            counts: vec![false; n],
            e: columns.clone(),
            change: columns,
            delta: rows,
        };
        Self { room, gram: vec![0.0; d * d], cholesky: Cholesky::new(d) }
    }

    /// Whether every entry of the answer that counts is right, in units of size 1, or was made so. `factor`: that of
    /// H over the largest weight, and this weight, where they are known.
    pub(super) fn trusts(
        &mut self,
        matrix: &Matrix,
        scaled: &Scaled,
        solved: &mut Solved,
        factor: Option<(&Cholesky, f64)>,
    ) -> bool {
        let (d, n) = (scaled.y.len(), solved.x.len());
        // Rows that are nearly dependent hide errors of x from every residual.
        if solved.ending != Ending::Converged || !matrix.is_far_from_dependent() {
            return false;
        }
        let room = &mut self.room;
        residual(&matrix.z, &solved.x, &scaled.y, &mut room.rest);
        let mut rows = matrix.z.chunks_exact(n).zip(&scaled.y).zip(&room.rest);
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
        let mut hidden = false;
        for ((counts, x), added) in room.counts.iter_mut().zip(&solved.x).zip(added()) {
            *counts = x.abs() > LEAST * largest;
            hidden |= *counts && added < PLAIN * most_added;
        }
        if !hidden {
            // The size of s is about |log a|.
            return scaled.log_a.abs() <= LONGEST || far_from_dependent(&matrix.z, &room.counts);
        }
        if scaled.log_a.abs() > LONGEST {
            return false;
        }
        for (w, x) in room.weights.iter_mut().zip(&solved.x) {
            *w = hypot_a(*x, scaled.log_a);
        }
        let (cholesky, most) = if let Some(known) = factor {
            known
        } else {
            let most = norm_inf(&room.weights);
            room.change.iter_mut().zip(&room.weights).for_each(|(to, w)| *to = w / most);
            gram_weighted(&matrix.z, d, n, &room.change, &mut self.gram);
            if !self.cholesky.factor(&self.gram) {
                return false;
            }
            (&self.cholesky, most)
        };
        if !room.sees(matrix, scaled, solved) {
            return false;
        }
        let (low, high) = cholesky.pivots();
        low >= PIVOTS * high
            || (low >= REFINABLE * high && room.corrects(matrix, scaled, solved, cholesky, most))
    }
}

impl Room {
    /// Whether the rounding of s moves no entry that counts by more than 10⁻¹⁰ of itself.
    fn sees(&self, matrix: &Matrix, scaled: &Scaled, solved: &Solved) -> bool {
        let n = self.e.len();
        let largest = norm_inf(&solved.mu);
        let least = ROUNDING * f64::EPSILON / SETTLED;
        (0..n).filter(|&i| self.counts[i]).all(|i| {
            let moved =
                2.0 * matrix.lengths[i] * largest + scaled.theta[i].abs() + scaled.log_a.abs();
            // NaN is no.
            self.weights[i] * moved * least <= solved.x[i].abs()
        })
    }

    /// Corrections of x and μ until one changes no entry that counts by more than 10⁻¹⁰ of itself; `false` where they do not
    /// come to that. `rest` is `Zx − y` already.
    fn corrects(
        &mut self,
        matrix: &Matrix,
        scaled: &Scaled,
        solved: &mut Solved,
        cholesky: &Cholesky,
        most: f64,
    ) -> bool {
        let z = &matrix.z;
        let n = self.e.len();
        let mut before = f64::INFINITY;
        for _ in 0..4 {
            mul_t(z, &solved.mu, &mut self.e);
            for i in 0..n {
                let s = 2.0 * self.e[i] + scaled.theta[i];
                self.e[i] = asinh_ratio(solved.x[i], scaled.log_a) - s;
                self.change[i] = self.weights[i] * self.e[i];
            }
            mul(z, &self.change, &mut self.delta);
            self.delta.iter_mut().zip(&self.rest).for_each(|(d, rest)| *d -= rest);
            cholesky.solve(&mut self.delta);
            self.delta.iter_mut().for_each(|d| *d *= 0.5 / most);
            mul_t(z, &self.delta, &mut self.change);
            let mut measure = 0.0_f64;
            for i in 0..self.e.len() {
                let change = self.weights[i] * (2.0 * self.change[i] - self.e[i]);
                if self.counts[i] && change != 0.0 {
                    measure = worst(measure, change.abs() / solved.x[i].abs());
                }
                solved.x[i] += change;
            }
            solved.mu.iter_mut().zip(&self.delta).for_each(|(m, d)| *m += d);
            if measure <= SETTLED {
                return true;
            }
            if measure > 0.1 * before {
                return false;
            }
            before = measure;
            residual(z, &solved.x, &scaled.y, &mut self.rest);
        }
        false
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

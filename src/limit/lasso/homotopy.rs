//! The loop of the LASSO homotopy: from knot to knot.
//!
//! Degeneracy. At a knot with several candidates the direction of x below the knot minimises the
//! convex quadratic `½‖Z_T v‖² − s_Tᵀv` over `s_j v_j ≥ 0` for the candidates j that are still
//! zero. It is found by the active-set method of Lawson & Hanson with its line search: candidates
//! join one at a time, and those whose step would be against their sign go out again. The objective
//! falls strictly, so no set returns. Columns inside the span of the active ones follow their level
//! and never need to join until a column leaves.

use super::scaled::{Scaled, scale_by};
use super::screen::{Correlations, Join};
use super::{LassoEvent, LassoOptions, LassoPath, LassoStatus};
use crate::numerics::dense::rows::dot;
use crate::numerics::dense::updatable_qr::{Active, Split};

/// Levels closer than this (relatively) are one knot: a few roundings of a quotient.
const TIE: f64 = 64.0 * f64::EPSILON;

/// The state between two knots.
pub(in crate::limit) struct Homotopy<'a> {
    data: &'a Scaled,
    correlations: Correlations<'a>,
    active: Active,
    /// Joined at the present level: the coefficient is still zero.
    fresh: Vec<bool>,
    /// A feasible direction at the present level, 0 for the newest column.
    feasible: Vec<f64>,
    /// `x_S = end − C·slope`.
    end: Vec<f64>,
    slope: Vec<f64>,
    level: f64,
    /// Changes of the active set at this level.
    here: usize,
    /// Inside the span of the active columns: out of the search until one leaves.
    dependent: Vec<usize>,
    /// Would move against their sign: out of the search until the level falls.
    parked: Vec<usize>,
    /// Levels below this are rounding (or `lambda_min`).
    floor: f64,
    lowest: f64,
    max_steps: usize,
    keep: bool,
    path: LassoPath,
}

impl<'a> Homotopy<'a> {
    pub(in crate::limit) fn new(data: &'a Scaled, n: usize, options: &LassoOptions) -> Self {
        let d = data.y.len();
        let y_norm = dot(&data.y, &data.y).sqrt();
        let largest = data.norms.iter().fold(0.0_f64, |m, v| m.max(*v));
        // p = y − QQᵀy errs by about √d·ε·‖y‖, hence Z_jᵀp by ‖Z_j‖ times that; 16 for the
        // constant.
        let noise = 16.0 * (d as f64).sqrt() * f64::EPSILON * y_norm;
        let lowest = scale_by(options.lambda_min * d as f64, -data.z_exponent - data.y_exponent);
        let rank = d.min(n);
        Self {
            data,
            correlations: Correlations::new(&data.columns, d, &data.norms, noise),
            active: Active::new(&data.y, rank),
            fresh: Vec::new(),
            feasible: Vec::new(),
            end: Vec::new(),
            slope: Vec::new(),
            level: f64::INFINITY,
            here: 0,
            dependent: Vec::new(),
            parked: Vec::new(),
            floor: noise * largest,
            lowest,
            max_steps: options.max_steps.unwrap_or(1000 + 200 * rank),
            keep: options.keep_knots,
            path: LassoPath {
                features: n,
                lambdas: Vec::new(),
                starts: vec![0],
                indices: Vec::new(),
                values: Vec::new(),
                events: Vec::new(),
                support: Vec::new(),
                signs: Vec::new(),
                mu: Vec::new(),
                sign_error: 0.0,
                steps: 0,
                status: LassoStatus::StepLimit,
            },
        }
    }

    /// Follows the path to its end.
    pub(in crate::limit) fn run(mut self) -> LassoPath {
        let mut split = Split::default();
        let mut since_check = 0;
        let stop = self.floor.max(self.lowest);
        let mut solved = false;
        let mut budget = self.max_steps.saturating_mul(4).saturating_add(self.path.features + 1);
        let status = loop {
            // Columns that turn out dependent cost a turn but no step.
            budget -= 1;
            if !solved {
                self.settle();
                solved = true;
            }
            if self.path.steps >= self.max_steps || budget == 0 {
                break LassoStatus::StepLimit;
            }
            let leave = self.next_to_leave();
            let floor = leave.map_or(stop, |(_, level)| level.max(stop));
            let join = self.correlations.next(&self.active, self.level, floor);
            match (join, leave) {
                (Some(join), leave) if leave.is_none_or(|(_, level)| join.level > level) => {
                    if join.level <= stop {
                        break self.at_end();
                    }
                    if self.circles(join.level) {
                        self.correlations.hide(join.column);
                        self.parked.push(join.column);
                        continue;
                    }
                    let column = self.correlations.column(join.column);
                    let norm = self.correlations.norms[join.column];
                    if self.active.split(column, norm, &mut split) {
                        if self.descend_to(join.level) && self.keep {
                            let x = self.coefficients(join.level);
                            self.record(join.level, &x);
                        }
                        self.join(join, &split);
                        solved = false;
                    } else {
                        self.correlations.hide(join.column);
                        self.dependent.push(join.column);
                    }
                }
                (_, Some((position, level))) if level > stop => {
                    let moved = self.descend_to(level);
                    self.leave(position, moved);
                    solved = false;
                }
                _ => break self.at_end(),
            }
            since_check += 1;
            if since_check == 64 {
                since_check = 0;
                if self.drift() > 1e-11 && !self.refactor() {
                    break LassoStatus::Stalled;
                }
            }
        };
        self.finish(status)
    }

    /// Whether so much happened at this level that only rounding can be the reason: exact steps at
    /// one level never repeat an active set, and no more columns than this come and go in practice.
    fn circles(&self, level: f64) -> bool {
        self.here > 2 * self.active.len() + 32
            && self.level.is_finite()
            && level >= self.level * (1.0 - TIE)
    }

    fn at_end(&self) -> LassoStatus {
        if self.lowest > self.floor || (self.lowest > 0.0 && self.level.is_infinite()) {
            LassoStatus::ReachedLambdaMin
        } else {
            LassoStatus::Complete
        }
    }

    /// Lawson & Hanson at the present level: solves, and sends out what would move against its
    /// sign while it is still zero, until nothing does.
    fn settle(&mut self) {
        // Each round removes a column.
        for _ in 0..=self.active.len() {
            self.active.solve(&mut self.end, &mut self.slope);
            let mut blocking: Option<(usize, f64)> = None;
            for i in 0..self.active.len() {
                let s = self.active.signs[i];
                if self.fresh[i] && s * self.slope[i] <= 0.0 {
                    let have = (s * self.feasible[i]).max(0.0);
                    let step = have / (have - s * self.slope[i]).max(f64::MIN_POSITIVE);
                    if blocking.is_none_or(|(_, t)| step < t) {
                        blocking = Some((i, step));
                    }
                }
            }
            let Some((position, step)) = blocking else { break };
            for (have, want) in self.feasible.iter_mut().zip(&self.slope) {
                *have += step * (want - *have);
            }
            let newest = position + 1 == self.active.len();
            let column = self.remove(position);
            if newest && step == 0.0 {
                self.parked.push(column);
            } else {
                self.correlations.show(column);
            }
        }
        self.feasible.clone_from(&self.slope);
    }

    /// The active column whose coefficient reaches zero first below the present level.
    fn next_to_leave(&self) -> Option<(usize, f64)> {
        let mut first: Option<(usize, f64)> = None;
        for i in 0..self.active.len() {
            let s = self.active.signs[i];
            // s·x is ≥ 0 now; it crosses iff it is negative at C = 0.
            if s * self.end[i] < 0.0 && !self.fresh[i] {
                let level = self.end[i] / self.slope[i];
                let level = if level.is_finite() && level > 0.0 { level } else { self.level };
                let level = level.min(self.level);
                if first.is_none_or(|(_, best)| level > best) {
                    first = Some((i, level));
                }
            }
        }
        first
    }

    /// Moves along the segment to `level`; `false` when it is this very level.
    fn descend_to(&mut self, level: f64) -> bool {
        if self.level.is_finite() && level >= self.level * (1.0 - TIE) {
            return false;
        }
        self.level = level;
        self.here = 0;
        self.fresh.fill(false);
        for j in std::mem::take(&mut self.parked) {
            self.correlations.show(j);
        }
        true
    }

    /// Records a knot with coefficients `x_s` of the active columns.
    ///
    /// Two segments meet in a knot; x is taken from the one with fewer columns, whose solve is the
    /// better conditioned one and where what joins or leaves is exactly zero.
    fn record(&mut self, level: f64, x_s: &[f64]) {
        let (ez, ey) = (self.data.z_exponent, self.data.y_exponent);
        self.path.lambdas.push(scale_by(level / self.data.y.len() as f64, ez + ey));
        let size = x_s.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (i, (&j, &x)) in self.active.columns.iter().zip(x_s).enumerate() {
            let wrong = x * self.active.signs[i] <= 0.0;
            // At λ = 0 no side is wrong unless by rounding.
            let zero = self.fresh[i] || wrong && (level > 0.0 || x.abs() <= TIE * size);
            if zero {
                if !self.fresh[i] && x != 0.0 {
                    self.path.sign_error = self.path.sign_error.max(x.abs() / size);
                }
            } else {
                self.path.indices.push(j);
                self.path.values.push(scale_by(x, ey - ez));
            }
        }
        self.path.starts.push(self.path.indices.len());
    }

    /// Forgets the last knot.
    fn unrecord(&mut self) {
        self.path.lambdas.pop();
        self.path.starts.pop();
        let end = self.path.starts.last().copied().unwrap_or(0);
        self.path.indices.truncate(end);
        self.path.values.truncate(end);
    }

    /// `x_S` at a level of this segment.
    fn coefficients(&self, level: f64) -> Vec<f64> {
        let x: Vec<f64> = self.end.iter().zip(&self.slope).map(|(e, s)| e - level * s).collect();
        let size = |v: &[f64]| v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        // The residual of the difference is rounding times ‖end‖. Where x is much smaller (nearly
        // dependent columns), a solve of its own leaves rounding times ‖x‖.
        if size(&x) < 0.01 * size(&self.end) { self.active.solve_at(level) } else { x }
    }

    fn event(&mut self, event: LassoEvent) {
        let (ez, ey) = (self.data.z_exponent, self.data.y_exponent);
        let lambda = scale_by(self.level / self.data.y.len() as f64, ez + ey);
        self.path.steps += 1;
        self.here += 1;
        if self.keep {
            self.path.events.push((lambda, event));
        }
    }

    fn join(&mut self, join: Join, split: &Split) {
        self.active.join(join.column, join.sign, split);
        self.fresh.push(true);
        self.feasible.push(0.0);
        self.correlations.hide(join.column);
        self.event(LassoEvent::Join(join.column));
    }

    fn leave(&mut self, position: usize, moved: bool) {
        let column = self.remove(position);
        self.correlations.show(column);
        if !moved {
            // Between nearly equal columns a coefficient passes from one to the other within a
            // rounding of the level: what has just joined may be well away from zero.
            let x = self.active.solve_at(self.level);
            let size = x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            for (fresh, x) in self.fresh.iter_mut().zip(&x) {
                *fresh &= x.abs() <= TIE * size;
            }
        }
        if self.keep {
            if !moved {
                self.unrecord();
            }
            let x = self.active.solve_at(self.level);
            self.record(self.level, &x);
        }
    }

    fn remove(&mut self, position: usize) -> usize {
        let column = self.active.leave(position);
        self.fresh.remove(position);
        self.feasible.remove(position);
        self.event(LassoEvent::Leave(column));
        for j in std::mem::take(&mut self.dependent) {
            self.correlations.show(j);
        }
        column
    }

    /// Relative error of `Z_Sᵀu = s`.
    fn drift(&self) -> f64 {
        let u_norm = dot(&self.active.u, &self.active.u).sqrt();
        let mut worst = 0.0_f64;
        for (&j, s) in self.active.columns.iter().zip(&self.active.signs) {
            let error = (dot(self.correlations.column(j), &self.active.u) - s).abs();
            worst = worst.max(error / (1.0 + self.correlations.norms[j] * u_norm));
        }
        worst
    }

    /// Builds the factorization anew; `false` when the columns are dependent by now.
    fn refactor(&mut self) -> bool {
        let mut fresh = Active::new(&self.data.y, self.data.y.len().min(self.path.features));
        let mut split = Split::default();
        for (&j, &sign) in self.active.columns.iter().zip(&self.active.signs) {
            if !fresh.split(self.correlations.column(j), self.correlations.norms[j], &mut split) {
                return false;
            }
            fresh.join(j, sign, &split);
        }
        self.active = fresh;
        self.active.solve(&mut self.end, &mut self.slope);
        true
    }

    fn finish(mut self, status: LassoStatus) -> LassoPath {
        let ez = self.data.z_exponent;
        let level = match status {
            LassoStatus::Complete => 0.0,
            LassoStatus::ReachedLambdaMin => self.lowest.min(self.level),
            _ => self.level,
        };
        if level.is_infinite() {
            // Not even the first knot was reached.
        } else if self.level.is_infinite() {
            // y = 0, or no column correlates with it: x = 0 for every λ asked for.
            self.record(level, &[]);
        } else if level < self.level {
            // The newest coefficient has left zero by now.
            self.fresh.fill(false);
            let x = self.coefficients(level);
            self.record(level, &x);
        } else if !self.keep {
            let x = self.coefficients(level);
            self.record(level, &x);
        }
        self.path.mu = self.active.u.clone();
        if level > 0.0 && level.is_finite() {
            for (m, p) in self.path.mu.iter_mut().zip(&self.active.p) {
                *m += p / level;
            }
        }
        self.path.mu.iter_mut().for_each(|m| *m = scale_by(*m, -ez));
        self.path.support = self.active.columns.clone();
        self.path.signs = self.active.signs.clone();
        self.path.status = status;
        self.path
    }
}

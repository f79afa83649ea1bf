//! One problem of a batch of limits: Newton's method on the dual, over a ladder of potentials. `device.cu`
//! is the same, statement by statement.
//!
//! In units in which the rows of Z and the least-norm solution have size 1: `s = 2Zᵀμ + θ`,
//! `x = a sinh s`, `ψ(μ) = yᵀμ − ½ Σ a cosh s`, `∇ψ = y − Zx`, `−∇²ψ = 2H`, `H = Z diag(a cosh s) Zᵀ`.
//!
//! - *Step.* With `m = ‖Δs‖_∞` the full step ascends for `m ≤ 1.79`, and `log(1+m)/m` always (a cosh is its
//!   own second derivative); between the two the sign of ψ'(τ) decides, at a cost of O(n).
//! - *Ladder.* `(t·log a, t·θ)`, `t → 1`: the next t is a factor further, which grows while Newton's method
//!   needs three steps and takes its root where it fails. The predictor keeps x to first order and is centred
//!   at the proportional point: `2Hδ = y − Zx + Z[a cosh s ∘ (asinh(x/a') − s_ref)]`.
//! - *Flat directions.* Columns with `x_i → 0` drop out of H; a ridge of 1e-15 of its mean eigenvalue,
//!   tenfold until a Cholesky factor exists, keeps the others.

use super::Ending;
use crate::limit::ascending;
use crate::numerics::dense::cholesky::Cholesky;
use crate::numerics::dense::{gram_weighted, mul, mul_t};
use crate::numerics::special::log_domain::asinh_ratio;
use crate::numerics::vector::{a_sinh_cosh_map, a_sinh_map};

/// Full steps ascend up to this `‖Δs‖_∞`: the root of `e^m − m − 1 = m²`.
const SAFE_STEP: f64 = 1.79;
/// Relative ridge of H.
const RIDGE: f64 = 1e-15;
/// Rungs in between only have to stay in Newton's range.
const BETWEEN: f64 = 1e-4;
/// More than any ladder has: the factor is at least 1.2 but after a failure, which takes its root.
const RUNGS: usize = 400;
/// Rungs that may fail: where the ladder converges, no more than two do.
const FAILURES: usize = 3;

/// How a run of Newton steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Converged,
    Stalled,
    MaxIterations,
}

/// The room that one problem needs.
pub(super) struct Core {
    d: usize,
    n: usize,
    /// Target of the ladder, and where it stands.
    log_a: f64,
    theta: Vec<f64>,
    t: f64,
    /// Targets, length d, and the mean size of a row of Z.
    y: Vec<f64>,
    row_size: f64,
    pub(super) mu: Vec<f64>,
    s: Vec<f64>,
    pub(super) x: Vec<f64>,
    /// `a cosh s`.
    root: Vec<f64>,
    /// `y − Zx`.
    res: Vec<f64>,
    pub(super) steps: usize,
    /// Whether the factor belongs to `root`.
    fresh: bool,
    /// Whether it took no more than the least ridge.
    plain: bool,
    cholesky: Cholesky,
    gram: Vec<f64>,
    /// The largest weight, by which H is divided.
    largest: f64,
    scale: Vec<f64>,
    tilt: Vec<f64>,
    delta: Vec<f64>,
    ds: Vec<f64>,
    work: Vec<f64>,
    saved: Vec<f64>,
}

fn norm2(v: &[f64]) -> f64 {
    v.iter().map(|a| a * a).sum::<f64>().sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Core {
    pub(super) fn new(d: usize, n: usize) -> Self {
        let (rows, columns) = (vec![0.0; d], vec![0.0; n]);
        Self {
            d,
            n,
            log_a: 0.0,
            theta: columns.clone(),
            t: 0.0,
            y: rows.clone(),
            row_size: 0.0,
            mu: rows.clone(),
            s: columns.clone(),
            x: columns.clone(),
            root: columns.clone(),
            res: rows.clone(),
            steps: 0,
            fresh: false,
            plain: false,
            cholesky: Cholesky::new(d),
            gram: vec![0.0; d * d],
            largest: 1.0,
            scale: columns.clone(),
            tilt: columns.clone(),
            delta: rows.clone(),
            ds: columns.clone(),
            work: columns,
            saved: rows,
        }
    }

    /// The minimiser for `z` (d×n), `y` (d), `log a` and θ (n), all in units of size 1; x and μ stand in
    /// `self` afterwards. Returns the ending and `‖Zx − y‖/‖y‖` (absolute for y = 0).
    pub(super) fn solve(
        &mut self,
        z: &[f64],
        y: &[f64],
        log_a: f64,
        theta: &[f64],
        tolerance: f64,
        max_steps: usize,
    ) -> (Ending, f64) {
        self.y.copy_from_slice(y);
        self.theta.copy_from_slice(theta);
        self.log_a = log_a;
        self.mu.fill(0.0);
        self.steps = 0;
        self.row_size = norm2(z) / (self.d as f64).sqrt();
        let inner = self.climb(z, tolerance, max_steps);
        self.correct(z);
        let size = norm2(&self.y);
        let residual = norm2(&self.res) / if size > 0.0 { size } else { 1.0 };
        let finite = self.x.iter().chain(&self.mu).all(|v| v.is_finite());
        let ending = match inner {
            _ if !finite => Ending::Stalled,
            Inner::Converged => Ending::Converged,
            Inner::Stalled => Ending::Stalled,
            Inner::MaxIterations => Ending::MaxIterations,
        };
        (ending, residual)
    }

    /// To `t = 1` from any point with a = 1.
    fn climb(&mut self, z: &[f64], tolerance: f64, max_steps: usize) -> Inner {
        let size = self.theta.iter().fold(self.log_a.abs(), |m: f64, v| m.max(v.abs()));
        self.t = if size <= 2.0 { 1.0 } else { 2.0 / size };
        self.evaluate(z);
        let goal = |t: f64| if t < 1.0 { BETWEEN.max(tolerance) } else { tolerance };
        let first = self.newton(z, goal(self.t), max_steps.min(200));
        if first != Inner::Converged && self.t < 1.0 {
            return first;
        }
        let (mut factor, mut last, mut failures) = (2.0_f64, first, 0);
        for _ in 0..RUNGS {
            if self.t >= 1.0 {
                return last;
            }
            let next = if factor * self.t >= 1.0 { 1.0 } else { factor * self.t };
            self.saved.copy_from_slice(&self.mu);
            let (before, from) = (self.steps, self.t);
            let moved = self.predict(z, next);
            let left = max_steps.saturating_sub(self.steps).min(40);
            last = if moved { self.newton(z, goal(next), left) } else { Inner::Stalled };
            let used = self.steps - before;
            // At the last rung a stall is rounding.
            if last == Inner::Converged || (last == Inner::Stalled && moved && next >= 1.0) {
                factor = match used {
                    0..=3 => (factor * 2.0).min(32.0),
                    4..=6 => factor,
                    _ => factor.sqrt().max(1.2),
                };
            } else {
                self.t = from;
                self.mu.copy_from_slice(&self.saved);
                self.evaluate(z);
                factor = factor.sqrt();
                failures += 1;
                if self.steps >= max_steps {
                    return last;
                }
                if failures == FAILURES {
                    return Inner::Stalled;
                }
            }
        }
        last
    }

    /// s, x, a cosh s and the residual at μ and t.
    fn evaluate(&mut self, z: &[f64]) {
        let at = self.t * self.log_a;
        mul_t(z, &self.mu, &mut self.s);
        for i in 0..self.n {
            self.tilt[i] = self.t * self.theta[i];
            self.s[i] = 2.0 * self.s[i] + self.tilt[i];
        }
        self.scale.fill(at);
        a_sinh_cosh_map(&self.s, &self.scale, &mut self.x, &mut self.root);
        self.residual(z);
        self.fresh = false;
    }

    fn residual(&mut self, z: &[f64]) {
        mul(z, &self.x, &mut self.res);
        for (r, y) in self.res.iter_mut().zip(&self.y) {
            *r = y - *r;
        }
    }

    /// Residual below which rounding in s rules: x carries a relative error `ε(1+|s|)`.
    fn noise(&self) -> f64 {
        let square: f64 =
            self.x.iter().zip(&self.s).map(|(x, s)| (x * (1.0 + s.abs())).powi(2)).sum();
        4.0 * f64::EPSILON * self.row_size * square.sqrt()
    }

    /// Factors `H/max(a cosh s)` at the present point, once.
    fn refactor(&mut self, z: &[f64]) -> bool {
        if self.fresh {
            return true;
        }
        let largest = self.root.iter().fold(0.0, |m: f64, v| if *v > m { *v } else { m });
        if !(largest > 0.0 && largest.is_finite()) {
            return false;
        }
        for (w, r) in self.work.iter_mut().zip(&self.root) {
            *w = r / largest;
        }
        gram_weighted(z, self.d, self.n, &self.work, &mut self.gram);
        let mean = (0..self.d).map(|j| self.gram[j * self.d + j]).sum::<f64>() / self.d as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return false;
        }
        let (mut ridge, mut added) = (RIDGE, 0.0);
        for _ in 0..15 {
            for j in 0..self.d {
                self.gram[j * self.d + j] += ridge * mean - added;
            }
            added = ridge * mean;
            if self.cholesky.factor(&self.gram) {
                self.largest = largest;
                self.fresh = true;
                self.plain = ridge == RIDGE;
                return true;
            }
            ridge *= 10.0;
        }
        false
    }

    /// The factor of `H/largest` at the present point and that largest weight, if it is at hand and hardly has a ridge.
    pub(super) fn factor(&self) -> Option<(&Cholesky, f64)> {
        (self.fresh && self.plain).then_some((&self.cholesky, self.largest))
    }

    /// `δ ← ½H⁻¹δ`.
    fn half_solve(&mut self) {
        self.cholesky.solve(&mut self.delta);
        for v in &mut self.delta {
            *v *= 0.5 / self.largest;
        }
    }

    /// Newton steps until `‖y − Zx‖ ≤ tolerance·‖y‖` or the noise of x.
    fn newton(&mut self, z: &[f64], tolerance: f64, max_steps: usize) -> Inner {
        let goal = tolerance * norm2(&self.y);
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for _ in 0..=max_steps {
            let (size, noise) = (norm2(&self.res), self.noise());
            if size <= goal.max(noise) {
                return Inner::Converged;
            }
            // Near rounding: no halving in four steps means that there is nothing left to gain.
            if size <= 0.5 * best {
                (best, idle) = (size, 0);
            } else {
                idle += 1;
                if idle >= 4 && size <= 1e4 * noise {
                    return Inner::Stalled;
                }
            }
            if !self.refactor(z) {
                return Inner::Stalled;
            }
            self.delta.copy_from_slice(&self.res);
            self.half_solve();
            mul_t(z, &self.delta, &mut self.ds);
            self.ds.iter_mut().for_each(|v| *v *= 2.0);
            let tau = self.step_length();
            for (m, d) in self.mu.iter_mut().zip(&self.delta) {
                *m += tau * d;
            }
            self.evaluate(z);
            self.steps += 1;
        }
        Inner::MaxIterations
    }

    /// ψ'(τ) = yᵀδ − ½ Σ x_i(τ) Δs_i; −∞ where x overflows.
    fn slope(&mut self, y_delta: f64, tau: f64) -> f64 {
        for i in 0..self.n {
            self.work[i] = self.s[i] + tau * self.ds[i];
        }
        a_sinh_map(&self.work, &self.scale, &mut self.tilt);
        let change = (0..self.n).filter(|i| self.ds[*i] != 0.0);
        let slope = y_delta - 0.5 * change.map(|i| self.tilt[i] * self.ds[i]).sum::<f64>();
        if slope.is_nan() { f64::NEG_INFINITY } else { slope }
    }

    /// A step τ ∈ (0, 1] that ascends.
    fn step_length(&mut self) -> f64 {
        let m = self.ds.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if m <= SAFE_STEP {
            return 1.0;
        }
        let y_delta = dot(&self.y, &self.delta);
        let start = dot(&self.res, &self.delta);
        if self.slope(y_delta, 1.0) >= -0.1 * start {
            return 1.0;
        }
        ascending(m, start, |tau| self.slope(y_delta, tau))
    }

    /// Moves to another t: the μ for which x stays where it is, to first order.
    fn predict(&mut self, z: &[f64], t: f64) -> bool {
        if !self.refactor(z) {
            return false;
        }
        let (ratio, at) = (t / self.t, t * self.log_a);
        for i in 0..self.n {
            let along = ratio * (self.s[i] - self.t * self.theta[i]) + t * self.theta[i];
            let weight = self.root[i];
            self.work[i] =
                if weight > 0.0 { weight * (asinh_ratio(self.x[i], at) - along) } else { 0.0 };
        }
        mul(z, &self.work, &mut self.delta);
        for (d, r) in self.delta.iter_mut().zip(&self.res) {
            *d += r;
        }
        self.half_solve();
        for (m, d) in self.mu.iter_mut().zip(&self.delta) {
            *m = ratio * *m + d;
        }
        self.t = t;
        self.evaluate(z);
        self.x.iter().all(|x| x.is_finite())
    }

    /// One linear step in x alone: `x += a cosh s ∘ ZᵀH⁻¹(y − Zx)`, kept where it helps. What x lacks is
    /// then rounding of x, no longer rounding of s, which is |s| times larger.
    fn correct(&mut self, z: &[f64]) {
        let before = norm2(&self.res);
        if !(before > 0.0 && before.is_finite() && self.refactor(z)) {
            return;
        }
        self.delta.copy_from_slice(&self.res);
        self.half_solve();
        mul_t(z, &self.delta, &mut self.ds);
        self.work.copy_from_slice(&self.x);
        for i in 0..self.n {
            self.x[i] += 2.0 * self.root[i] * self.ds[i];
        }
        self.residual(z);
        let after = norm2(&self.res);
        if after >= before || !after.is_finite() {
            self.x.copy_from_slice(&self.work);
            self.residual(z);
        }
    }
}

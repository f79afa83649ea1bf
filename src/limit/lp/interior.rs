//! `min ‖x‖₁ s.t. Zx = y` by Mehrotra's predictor–corrector method on dense normal equations.
//!
//! Variables p, q ≥ 0 with slacks `s = w − Bᵀμ`, `t = w + Bᵀμ ≥ 0` (w = 1 but for column scales):
//! ```text
//! B(p − q) = b,   p∘s = τ1,   q∘t = τ1,   τ → 0.
//! ```
//! Eliminating everything but Δμ leaves `B diag(p/s + q/t) Bᵀ Δμ = rhs`: one Gram matrix and one
//! Cholesky a step, the same linear algebra as the dual Newton method but another path. The start
//! is strictly feasible: `μ = 0`, `s = t = w`, `p − q` the least-norm solution. At a vertex with
//! fewer than r columns the matrix turns singular; the support polish finishes the work.
//!
//! Source: Mehrotra 1992; Wright, Primal-Dual Interior-Point Methods, ch. 10.

use crate::Result;
use crate::problem::Problem;

use super::{judged, prepare, weights};
use crate::limit::newton::system::System;
use crate::limit::polish::polish;
use crate::limit::{L1Solution, Route, Status};
use crate::numerics::dense::norms::norm_inf;
use crate::numerics::dense::weighted_gram::Factor;
use crate::numerics::dense::{dot, mul, mul_t};

/// Steps; 15 to 30 are usual.
const MAX_STEPS: usize = 100;
/// Relative gap at which the interior point stops.
const GAP: f64 = 1e-11;
/// Relative gap from which the support is tried.
const POLISH_FROM: f64 = 1e-4;

/// The L1 minimum by the project's own interior point, polished on its support.
///
/// # Errors
/// Never for a validated problem; the signature is that of the other routes.
///
/// # Example
/// ```
/// use mirrorflow::limit::lp;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], array![4.0, 1.0])?;
/// let solution = lp::interior_point(&problem)?;
/// assert!((solution.l1 - 3.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn interior_point(problem: &Problem) -> Result<L1Solution> {
    let system = match prepare(problem, Route::InteriorPoint) {
        Ok(system) => system,
        Err(answer) => return Ok(*answer),
    };
    let mut point = Point::new(&system);
    let mut factor = Factor::new(system.r);
    let mut best: (f64, Vec<f64>, Vec<f64>) = (f64::INFINITY, point.x(), point.mu.clone());
    let (mut steps, mut idle) = (0, 0);
    while steps < MAX_STEPS && idle < 5 {
        let gap = point.relative_gap();
        if gap < 0.5 * best.0 {
            idle = 0;
        } else {
            idle += 1;
        }
        if gap < best.0 {
            best = (gap, point.x(), point.mu.clone());
        }
        if gap <= POLISH_FROM {
            let (x, mu) = (system.unscale_x(&best.1), system.unscale_mu(&best.2));
            if let Some(vertex) = polish(problem, &x, &mu) {
                return Ok(L1Solution { route: Route::InteriorPoint, iterations: steps, ..vertex });
            }
        }
        if gap <= GAP || !point.step(&mut factor) {
            break;
        }
        steps += 1;
    }
    let (x, mu) = (system.unscale_x(&best.1), system.unscale_mu(&best.2));
    let mut answer = judged(problem, x, mu, Route::InteriorPoint, steps, 1e-9)?;
    if steps == MAX_STEPS && !answer.status.is_converged() {
        answer.status = Status::MaxIterations;
    }
    Ok(answer)
}

/// A strictly positive point.
struct Point<'a> {
    system: &'a System,
    w: Vec<f64>,
    p: Vec<f64>,
    q: Vec<f64>,
    s: Vec<f64>,
    t: Vec<f64>,
    mu: Vec<f64>,
}

impl<'a> Point<'a> {
    fn new(system: &'a System) -> Self {
        let w = weights(system);
        // p − q = least norm, both at least as large as its typical entry.
        let x = &system.least_norm;
        let lift = x.iter().map(|v| v.abs()).sum::<f64>() / x.len() as f64;
        Self {
            p: x.iter().map(|v| v.max(0.0) + lift).collect(),
            q: x.iter().map(|v| (-v).max(0.0) + lift).collect(),
            s: w.clone(),
            t: w.clone(),
            mu: vec![0.0; system.r],
            w,
            system,
        }
    }

    fn x(&self) -> Vec<f64> {
        self.p.iter().zip(&self.q).map(|(p, q)| p - q).collect()
    }

    /// `(pᵀs + qᵀt)/wᵀ(p + q)`: the complementarity, which is the gap of a feasible pair.
    fn relative_gap(&self) -> f64 {
        let total: f64 = (0..self.p.len()).map(|i| self.w[i] * (self.p[i] + self.q[i])).sum();
        let gap = (dot(&self.p, &self.s) + dot(&self.q, &self.t)) / total;
        if gap.is_nan() { f64::INFINITY } else { gap }
    }

    /// Direction for `p∘s → target`: Δμ, Δp, Δq with the linearised products `cp`, `cq` as right
    /// sides (`s Δp + p Δs = cp`, `Δs = −BᵀΔμ = −Δt`).
    fn direction(
        &self,
        factor: &Factor,
        rho: &[f64],
        cp: &[f64],
        cq: &[f64],
    ) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let n = self.p.len();
        // BΔp − BΔq = rho with Δp = (cp + p∘c)/s, Δq = (cq − q∘c)/t, c = BᵀΔμ.
        let mut work: Vec<f64> = (0..n).map(|i| cp[i] / self.s[i] - cq[i] / self.t[i]).collect();
        let mut dmu = vec![0.0; rho.len()];
        mul(&self.system.b, &work, &mut dmu);
        for (d, r) in dmu.iter_mut().zip(rho) {
            *d = r - *d;
        }
        factor.solve(&mut dmu);
        mul_t(&self.system.b, &dmu, &mut work);
        let dp = (0..n).map(|i| (cp[i] + self.p[i] * work[i]) / self.s[i]).collect();
        let dq = (0..n).map(|i| (cq[i] - self.q[i] * work[i]) / self.t[i]).collect();
        (dmu, dp, dq, work)
    }

    /// One predictor–corrector step; `false` when it cannot move.
    fn step(&mut self, factor: &mut Factor) -> bool {
        let n = self.p.len();
        let omega: Vec<f64> =
            (0..n).map(|i| self.p[i] / self.s[i] + self.q[i] / self.t[i]).collect();
        if !factor.build(&self.system.b, &omega, 0.0, 1e-15) {
            return false;
        }
        let mut rho = vec![0.0; self.mu.len()];
        mul(&self.system.b, &self.x(), &mut rho);
        for (r, b) in rho.iter_mut().zip(&self.system.rhs) {
            *r = b - *r;
        }
        let mut cp: Vec<f64> = (0..n).map(|i| -self.p[i] * self.s[i]).collect();
        let mut cq: Vec<f64> = (0..n).map(|i| -self.q[i] * self.t[i]).collect();
        let (_, dp, dq, c) = self.direction(factor, &rho, &cp, &cq);
        let (primal, dual) = self.lengths(&dp, &dq, &c, 1.0);
        let now = dot(&self.p, &self.s) + dot(&self.q, &self.t);
        let then: f64 = (0..n)
            .map(|i| {
                (self.p[i] + primal * dp[i]) * (self.s[i] - dual * c[i])
                    + (self.q[i] + primal * dq[i]) * (self.t[i] + dual * c[i])
            })
            .sum();
        // Mehrotra's centring: the cube of what the predictor would leave.
        let tau = (then / now).powi(3) * now / (2 * n) as f64;
        for i in 0..n {
            cp[i] += tau + dp[i] * c[i];
            cq[i] += tau - dq[i] * c[i];
        }
        let (dmu, dp, dq, c) = self.direction(factor, &rho, &cp, &cq);
        let (primal, dual) = self.lengths(&dp, &dq, &c, 0.9995);
        if !(primal.is_finite() && dual.is_finite()) || primal.max(dual) < 1e-10 {
            return false;
        }
        for i in 0..n {
            self.p[i] += primal * dp[i];
            self.q[i] += primal * dq[i];
        }
        for (m, d) in self.mu.iter_mut().zip(&dmu) {
            *m += dual * d;
        }
        mul_t(&self.system.b, &self.mu, &mut cp);
        for i in 0..n {
            // The slack by its definition while that is exact enough, else by its update.
            let (s, t) = (self.w[i] - cp[i], self.w[i] + cp[i]);
            let floor = 1e-8 * self.w[i];
            self.s[i] = if s > floor { s } else { self.s[i] - dual * c[i] };
            self.t[i] = if t > floor { t } else { self.t[i] + dual * c[i] };
        }
        let positive = |v: &[f64]| v.iter().all(|v| *v > 0.0 && v.is_finite());
        positive(&self.p)
            && positive(&self.q)
            && positive(&self.s)
            && positive(&self.t)
            && norm_inf(&self.mu).is_finite()
    }

    /// Largest primal and dual step lengths ≤ 1 that keep `fraction` of the way to the boundary.
    fn lengths(&self, dp: &[f64], dq: &[f64], c: &[f64], fraction: f64) -> (f64, f64) {
        let (mut primal, mut dual) = (1.0_f64, 1.0_f64);
        for i in 0..dp.len() {
            let bound = |v: f64, dv: f64| if dv < 0.0 { -fraction * v / dv } else { 1.0 };
            primal = primal.min(bound(self.p[i], dp[i])).min(bound(self.q[i], dq[i]));
            dual = dual.min(bound(self.s[i], -c[i])).min(bound(self.t[i], c[i]));
        }
        (primal, dual)
    }
}

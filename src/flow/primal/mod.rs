//! The flow of the factors: `m' = −∇f(x)⊙w − 2αm`, `w' = −∇f(x)⊙m − 2αw`, `x = m⊙w`.
//!
//! The gradient flow of `f(m⊙w) + α(t)(‖m‖² + ‖w‖²)`; no assumption on the start, β = 0 included.
//!
//! It is multiplicative in `u = m+w` and `v = m−w`: `u' = −(∇f + 2α)⊙u`, `v' = (∇f − 2α)⊙v`. What
//! is integrated is the growth of both, `P = log|u/u₀|` and `Q = log|v/v₀|`: `P' = −∇f(x) − 2α`,
//! `Q' = ∇f(x) − 2α`, `x = ¼(u² − v²)`, from P = Q = 0.
//!
//! Why not m and w themselves: near the saddle m = w = 0 (small β, or after a strong decay) the
//! time at which a coordinate leaves depends on the logarithms of u and v; a tolerance for x is
//! above all of m and w there, and where u ~ 1 a v of 1e-40 is no longer in m − w. An error of P or
//! Q is a relative error of u or v, wherever they are; nothing underflows; a factor that is zero
//! stays zero, since `u = u₀ e^P`. x is `a sinh z` with `z = log|u/v|`, `log a = log|½uv|`, from
//! those P and Q: neither `A(t)` nor the conservation of `(m² − w²)e^{4A}` nor `L ∈ range Zᵀ` is
//! used in the field, so that this flow and the dual one check each other. Only the `log a` that is
//! reported is the exact one.

use std::f64::consts::LN_2;

use super::scratch::with_scratch;
use super::{Flow, Stiffness, Structure, largest};
use crate::numerics::dense::packed::Packed;
use crate::numerics::special::log_domain::{a_cosh, a_sinh};
use crate::numerics::vector::{a_sinh_cosh_map, a_sinh_map};
use crate::parameterization::Start;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;
use crate::{Error, Result};

/// Units in the last place of P and Q below which no error is asked for: an estimate is a sum of up
/// to a dozen slopes, each rounded.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// The flow of (m, w) ∈ ℝ²ⁿ; the state is P followed by Q, and [`Primal::factors`] gives m and w.
///
/// ```
/// use mirrorflow::flow::Primal;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// // Z = 1, y = 1, m₀ = 1, w₀ = 0: the flow ends at x = 1, where m² − w² is still 1.
/// let problem = Problem::new(array![[1.0]], array![1.0])?;
/// let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[1.0], &[0.0])?;
/// let run = integrate(&flow, &Options::until(30.0))?;
/// let (m, w) = flow.factors(&run.state_end());
/// assert!((m[0] * w[0] - 1.0).abs() < 1e-8 && (m[0] * m[0] - w[0] * w[0] - 1.0).abs() < 1e-7);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Primal<'a> {
    problem: &'a Problem,
    z: Packed,
    loss: Loss,
    schedule: Schedule,
    /// `(m₀, w₀)`, for its signs.
    start: Vec<f64>,
    /// `log|u₀/v₀|` and `log|½u₀v₀|`; both 0 for an edge.
    tilt: Vec<f64>,
    log_a: Vec<f64>,
    edges: Vec<Edge>,
}

/// A coordinate with u₀ = 0 or v₀ = 0 (β = 0): there `x = x₀ e^{2P}` or `x₀ e^{2Q}`.
#[derive(Debug, Clone, Copy)]
struct Edge {
    i: usize,
    /// `log|x₀|`, −∞ where both are zero.
    log_x: f64,
    /// x > 0, so that u is the one that is not zero.
    positive: bool,
}

impl Edge {
    fn x(self, state: &[f64]) -> f64 {
        let growth = state[if self.positive { self.i } else { state.len() / 2 + self.i }];
        let size = (self.log_x + 2.0 * growth).exp();
        if self.positive { size } else { -size }
    }
}

/// `(log|u/v|, log|½uv|)` of a pair with u, v ≠ 0. The difference of `|m|` and `|w|` is exact where
/// it is small, and `log1p` keeps the digits of the smaller factor.
fn logarithms(m: f64, w: f64) -> (f64, f64) {
    let (big, small) = (m.abs().max(w.abs()), m.abs().min(w.abs()));
    let tilt = (2.0 * (small / (big - small))).ln_1p() * m.signum() * w.signum();
    let sum = big + small;
    let log_sum = if sum.is_finite() { sum.ln() } else { (0.5 * big + 0.5 * small).ln() + LN_2 };
    (tilt, (big - small).ln() + log_sum - LN_2)
}

impl<'a> Primal<'a> {
    /// Starts at `(m₀, w₀)`, each of length n.
    ///
    /// # Errors
    /// When a length is wrong, an entry is not finite, the schedule is invalid or the targets do
    /// not suit the loss.
    pub fn new(
        problem: &'a Problem,
        loss: Loss,
        schedule: Schedule,
        m0: &[f64],
        w0: &[f64],
    ) -> Result<Self> {
        let start = factors(problem.features(), m0, w0)?;
        let pairs = m0.iter().zip(w0).map(|(&m, &w)| logarithms(m, w)).unzip();
        Self::build(problem, loss, schedule, start, pairs)
    }

    /// Starts at a [`Start`], whose `log a₀` and `θ₀` hold a β that is far below the rounding of m₀
    /// and w₀.
    ///
    /// # Errors
    /// As [`Primal::new`].
    pub fn from_start(
        problem: &'a Problem,
        loss: Loss,
        schedule: Schedule,
        start: &Start,
    ) -> Result<Self> {
        let factors = factors(problem.features(), start.m0(), start.w0())?;
        Self::build(problem, loss, schedule, factors, (start.theta0(), start.log_a0()))
    }

    fn build(
        problem: &'a Problem,
        loss: Loss,
        schedule: Schedule,
        start: Vec<f64>,
        (mut tilt, mut log_a): (Vec<f64>, Vec<f64>),
    ) -> Result<Self> {
        loss.check_targets(problem.y())?;
        schedule.check()?;
        let (m, w) = start.split_at(problem.features());
        let mut edges = Vec::new();
        for i in 0..m.len() {
            if !(log_a[i].is_finite() && tilt[i].is_finite()) {
                let log_x = m[i].abs().ln() + w[i].abs().ln();
                edges.push(Edge { i, log_x, positive: (m[i] < 0.0) == (w[i] < 0.0) });
                (tilt[i], log_a[i]) = (0.0, 0.0);
            }
        }
        Ok(Self { problem, z: pack(problem), loss, schedule, start, tilt, log_a, edges })
    }

    /// m and w at a state, each of length n.
    ///
    /// ```
    /// # use mirrorflow::{flow::Primal, problem::{Loss, Problem}, schedule::Schedule};
    /// # use ndarray::array;
    /// let problem = Problem::new(array![[1.0]], array![1.0])?;
    /// let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[-0.6], &[1.0])?;
    /// let (m, w) = flow.factors(&[0.0, 0.0]);
    /// assert!((m[0] + 0.6).abs() < 1e-15 && (w[0] - 1.0).abs() < 1e-15);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn factors(&self, state: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = self.features();
        let (p, q) = state.split_at(n);
        let (mut m, mut w) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            let (m0, w0) = (self.start[i], self.start[n + i]);
            // √(2a) e^{±z/2} are |u| and |v|.
            let half = 0.5 * (self.tilt[i] + (p[i] - q[i]));
            let root = 0.5 * (self.log_a[i] + (p[i] + q[i]) + LN_2);
            let (big, small) = (a_cosh(half, root), a_sinh(half, root));
            (m[i], w[i]) = if m0.abs() >= w0.abs() {
                (big * m0.signum(), small * m0.signum())
            } else {
                (small * w0.signum(), big * w0.signum())
            };
        }
        for edge in &self.edges {
            let size = edge.x(state).abs().sqrt();
            let i = edge.i;
            (m[i], w[i]) = (size.copysign(self.start[i]), size.copysign(self.start[n + i]));
        }
        (m, w)
    }

    /// `z = log|u/v|` and `log a = log|½uv|` of a state.
    fn arguments(&self, state: &[f64], z: &mut [f64], log_a: &mut [f64]) {
        let (p, q) = state.split_at(self.features());
        let start = self.tilt.iter().zip(&self.log_a);
        let out = z.iter_mut().zip(log_a);
        for (((z, log_a), (tilt, start)), (p, q)) in out.zip(start).zip(p.iter().zip(q)) {
            *z = tilt + (p - q);
            *log_a = start + (p + q);
        }
    }

    /// `x` (length n).
    fn point(&self, state: &[f64], x: &mut [f64]) {
        let n = self.features();
        with_scratch(2 * n, |buffer| {
            let (z, log_a) = buffer.split_at_mut(n);
            self.arguments(state, z, log_a);
            a_sinh_map(z, log_a, x);
        });
        for edge in &self.edges {
            x[edge.i] = edge.x(state);
        }
    }

    /// `x` and `½(m² + w²) = √(x² + a²)`: `½u²` is their sum and `½v²` their difference.
    fn point_and_size(&self, state: &[f64], x: &mut [f64], size: &mut [f64]) {
        let n = self.features();
        with_scratch(2 * n, |buffer| {
            let (z, log_a) = buffer.split_at_mut(n);
            self.arguments(state, z, log_a);
            a_sinh_cosh_map(z, log_a, x, size);
        });
        for edge in &self.edges {
            x[edge.i] = edge.x(state);
            size[edge.i] = x[edge.i].abs();
        }
    }
}

/// `δx = ½u² δP − ½v² δQ` of one coordinate.
fn change(x: f64, size: f64, p: f64, q: f64) -> f64 {
    size * (p - q) + x * (p + q)
}

/// `m₀` followed by `w₀`, checked.
pub(super) fn factors(n: usize, m0: &[f64], w0: &[f64]) -> Result<Vec<f64>> {
    for (name, v) in [("m0", m0), ("w0", w0)] {
        check_point(name, v, n)?;
    }
    Ok([m0, w0].concat())
}

/// A finite vector of length n.
pub(super) fn check_point(name: &str, v: &[f64], n: usize) -> Result<()> {
    if v.len() != n {
        return Err(Error::Shape {
            what: name.into(),
            expected: format!("({n}), one per feature"),
            found: format!("({})", v.len()),
        });
    }
    match v.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::NotFinite { what: name.into(), index: i.to_string(), value: v[i] }),
        None => Ok(()),
    }
}

/// Z of a problem, packed.
pub(super) fn pack(problem: &Problem) -> Packed {
    Packed::new(problem.z_rows(), problem.samples(), problem.features())
}

/// `∇f(x)` (length n) handed to `use_it`.
#[inline]
pub(super) fn with_gradient<T>(
    problem: &Problem,
    z: &Packed,
    loss: Loss,
    x: &[f64],
    use_it: impl FnOnce(&mut [f64]) -> T,
) -> T {
    with_scratch(z.wide() + z.tall(), |buffer| {
        let (g, slope) = buffer.split_at_mut(z.wide());
        z.mul(x, slope);
        let (y, d) = (problem.y(), problem.samples() as f64);
        if loss == Loss::Squared {
            let scale = 1.0 / d;
            slope.iter_mut().zip(y).for_each(|(s, y)| *s = (*s - y) * scale);
        } else {
            slope.iter_mut().zip(y).for_each(|(s, &y)| *s = loss.ell_prime(*s, y) / d);
        }
        z.mul_t(slope, g);
        use_it(&mut g[..problem.features()])
    })
}

impl Flow for Primal<'_> {
    fn dim(&self) -> usize {
        2 * self.problem.features()
    }
    fn features(&self) -> usize {
        self.problem.features()
    }
    fn initial(&self, state: &mut [f64]) {
        state.fill(0.0);
    }

    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.features();
        let decay = 2.0 * self.schedule.alpha(t);
        with_scratch(n, |x| {
            self.point(state, x);
            with_gradient(self.problem, &self.z, self.loss, x, |g| {
                let (dp, dq) = out.split_at_mut(n);
                for ((dp, dq), g) in dp.iter_mut().zip(dq).zip(&*g) {
                    *dp = -g - decay;
                    *dq = g - decay;
                }
            });
        });
    }

    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        self.point(state, out);
    }

    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }

    /// With `H = ∇²f(x)`: the rows of P are `(−H diag ½u², H diag ½v²)`, those of Q their
    /// negatives.
    fn jacobian(&self, _t: f64, state: &[f64], out: &mut [f64]) -> Option<Structure> {
        let n = self.features();
        let (mut x, mut size) = (vec![0.0; n], vec![0.0; n]);
        self.point_and_size(state, &mut x, &mut size);
        let hessian = self.loss.hessian(self.problem, &x)?;
        let (top, bottom) = out.split_at_mut(2 * n * n);
        for i in 0..n {
            let rows = 2 * n * i..2 * n * (i + 1);
            let (dp, dq) = (&mut top[rows.clone()], &mut bottom[rows]);
            for j in 0..n {
                let h = hessian[[i, j]];
                (dp[j], dp[n + j]) =
                    (-h * change(x[j], size[j], 1.0, 0.0), -h * change(x[j], size[j], 0.0, 1.0));
                (dq[j], dq[n + j]) = (-dp[j], -dp[n + j]);
            }
        }
        Some(Structure::General)
    }

    fn jacobian_product(&self, _t: f64, state: &[f64], v: &[f64], out: &mut [f64]) -> bool {
        let n = self.features();
        with_scratch(3 * n + 2 * self.z.tall() + self.z.wide(), |buffer| {
            let (x, rest) = buffer.split_at_mut(n);
            let (size, rest) = rest.split_at_mut(n);
            let (dx, rest) = rest.split_at_mut(n);
            let (prediction, rest) = rest.split_at_mut(self.z.tall());
            let (slope, product) = rest.split_at_mut(self.z.tall());
            self.point_and_size(state, x, size);
            for (i, dx) in dx.iter_mut().enumerate() {
                *dx = change(x[i], size[i], v[i], v[n + i]);
            }
            self.z.mul(dx, slope);
            if self.loss != Loss::Squared {
                self.z.mul(x, prediction);
                for ((s, p), &y) in slope.iter_mut().zip(prediction).zip(self.problem.y()) {
                    // At a kink of the Huber loss: one of its two one-sided curvatures, 0.
                    *s *= self.loss.ell_second(*p, y).unwrap_or(0.0);
                }
            }
            self.z.mul_t(slope, product);
            let d = self.problem.samples() as f64;
            for i in 0..n {
                out[n + i] = product[i] / d;
                out[i] = -out[n + i];
            }
        });
        true
    }

    fn time_derivative(&self, t: f64, _state: &[f64], out: &mut [f64]) {
        out.fill(-2.0 * self.schedule.slope(t));
    }

    /// A gradient flow: its Jacobian is similar to a negative Hessian, with real eigenvalues.
    fn stiffness(&self, _t_end: f64) -> Stiffness {
        Stiffness::Mild
    }

    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }

    /// `max(‖δx‖_∞ / (atol + rtol‖x‖_∞), max_i |δP_i|/rtol, max_i |δQ_i|/rtol)`, where the last two
    /// never ask for less than rounding of P and Q.
    ///
    /// The first keeps x right where a is large; the others are relative errors of u and v, which
    /// keep the rest of the trajectory right where x is still below atol.
    fn error(&self, _t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        let n = self.features();
        with_scratch(2 * n, |buffer| {
            let (x, size) = buffer.split_at_mut(n);
            self.point_and_size(state, x, size);
            let mut factors = 0.0f64;
            for (s, d) in state.iter().zip(delta) {
                if d.is_nan() {
                    return f64::NAN;
                }
                factors = factors.max(d.abs() / rtol.max(ROUNDING * s.abs()));
            }
            let allowed = atol + rtol * largest(x);
            for (i, size) in size.iter_mut().enumerate() {
                *size = change(x[i], *size, delta[i], delta[n + i]);
            }
            let point = largest(size) / allowed;
            // `max` would hide a NaN.
            if factors > point { factors } else { point }
        })
    }

    /// An entry may be off by rtol, whatever its size: it is a logarithm.
    fn entry_tolerances(&self, rtol: f64, _atol: f64) -> (f64, f64) {
        (ROUNDING, rtol)
    }

    /// `max_j |ℓ'(Zx, y)_j|`, for the squared loss `‖Zx − y‖_∞`.
    fn kkt(&self, _t: f64, state: &[f64]) -> Option<f64> {
        let n = self.features();
        Some(with_scratch(n + self.z.tall(), |buffer| {
            let (x, prediction) = buffer.split_at_mut(n);
            self.point(state, x);
            self.z.mul(x, prediction);
            for (p, &y) in prediction.iter_mut().zip(self.problem.y()) {
                *p = self.loss.ell_prime(*p, y);
            }
            largest(prediction)
        }))
    }

    /// `log a₀ − 4A(t)`, exactly; −∞ only where β = 0.
    fn log_a(&self, t: f64, _state: &[f64], out: &mut [f64]) -> bool {
        let shift = 4.0 * self.schedule.integral(t);
        for (out, start) in out.iter_mut().zip(&self.log_a) {
            *out = start - shift;
        }
        for edge in &self.edges {
            out[edge.i] = f64::NEG_INFINITY;
        }
        true
    }
}

#[cfg(test)]
mod tests;

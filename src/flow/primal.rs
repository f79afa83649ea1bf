//! The flow of the factors: `m' = −∇f(x)⊙w − 2αm`, `w' = −∇f(x)⊙m − 2αw`, `x = m⊙w`.
//!
//! The gradient flow of `f(m⊙w) + α(t)(‖m‖² + ‖w‖²)`; no assumption on the start, β = 0 included.

use super::scratch::with_scratch;
use super::{Flow, Stiffness, Structure, largest};
use crate::numerics::packed::Packed;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;
use crate::{Error, Result};

/// The flow of (m, w) ∈ ℝ²ⁿ; the state is m followed by w.
///
/// ```
/// use mirrorflow::flow::Primal;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// // Z = 1, y = 1, m₀ = 1, w₀ = 0: the flow ends at x = 1.
/// let problem = Problem::new(array![[1.0]], array![1.0])?;
/// let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[1.0], &[0.0])?;
/// let run = integrate(&flow, &Options::until(30.0))?;
/// assert!((run.x_end()[0] - 1.0).abs() < 1e-8);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Primal<'a> {
    problem: &'a Problem,
    z: Packed,
    loss: Loss,
    schedule: Schedule,
    start: Vec<f64>,
}

impl<'a> Primal<'a> {
    /// Starts at `(m₀, w₀)`, each of length n.
    ///
    /// # Errors
    /// When a length is wrong, an entry is not finite, the schedule is invalid or the targets do not
    /// suit the loss.
    pub fn new(
        problem: &'a Problem,
        loss: Loss,
        schedule: Schedule,
        m0: &[f64],
        w0: &[f64],
    ) -> Result<Self> {
        loss.check_targets(problem.y())?;
        schedule.check()?;
        Ok(Self {
            problem,
            z: pack(problem),
            loss,
            schedule,
            start: factors(problem.features(), m0, w0)?,
        })
    }
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

/// `x = m⊙w`.
pub(super) fn product(m: &[f64], w: &[f64], x: &mut [f64]) {
    for ((x, m), w) in x.iter_mut().zip(m).zip(w) {
        *x = m * w;
    }
}

/// `E_i = √(m_i²+w_i²) √(δm_i²+δw_i²)`, which bounds both `|δx_i|` and `½|δ(m_i² − w_i²)|`, in units
/// of `atol + rtol ‖x‖_∞`.
pub(super) fn factor_error(
    m: &[f64],
    w: &[f64],
    dm: &[f64],
    dw: &[f64],
    rtol: f64,
    atol: f64,
) -> f64 {
    let (mut error, mut size) = (0.0f64, 0.0f64);
    for i in 0..m.len() {
        let e = m[i].hypot(w[i]) * dm[i].hypot(dw[i]);
        if e.is_nan() {
            return f64::NAN;
        }
        error = error.max(e);
        size = size.max((m[i] * w[i]).abs());
    }
    error / (atol + rtol * size)
}

impl Flow for Primal<'_> {
    fn dim(&self) -> usize {
        2 * self.problem.features()
    }
    fn features(&self) -> usize {
        self.problem.features()
    }
    fn initial(&self, state: &mut [f64]) {
        state.copy_from_slice(&self.start);
    }

    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.features();
        let (m, w) = state.split_at(n);
        let decay = 2.0 * self.schedule.alpha(t);
        with_scratch(n, |x| {
            product(m, w, x);
            with_gradient(self.problem, &self.z, self.loss, x, |g| {
                let (dm, dw) = out.split_at_mut(n);
                let pairs = dm.iter_mut().zip(dw).zip(m.iter().zip(w));
                for (((dm, dw), (m, w)), g) in pairs.zip(&*g) {
                    *dm = -g * w - decay * m;
                    *dw = -g * m - decay * w;
                }
            });
        });
    }

    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        let (m, w) = state.split_at(self.features());
        product(m, w, out);
    }

    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }

    /// With `H = ∇²f(x)`: the blocks are `−(u_i H_ij v_j + 2α δ_ij …) − δ_ij g_i` off the diagonal.
    fn jacobian(&self, t: f64, state: &[f64], out: &mut [f64]) -> Option<Structure> {
        let n = self.features();
        let (m, w) = state.split_at(n);
        let decay = 2.0 * self.schedule.alpha(t);
        let mut x = vec![0.0; n];
        product(m, w, &mut x);
        let hessian = self.loss.hessian(self.problem, &x)?;
        let g = with_gradient(self.problem, &self.z, self.loss, &x, |g| g.to_vec());
        let k = 2 * n;
        for i in 0..n {
            for j in 0..n {
                let h = hessian[[i, j]];
                out[i * k + j] = -w[i] * h * w[j];
                out[i * k + n + j] = -w[i] * h * m[j];
                out[(n + i) * k + j] = -m[i] * h * w[j];
                out[(n + i) * k + n + j] = -m[i] * h * m[j];
            }
            out[i * k + n + i] -= g[i];
            out[(n + i) * k + i] -= g[i];
            out[i * k + i] -= decay;
            out[(n + i) * k + n + i] -= decay;
        }
        Some(Structure::General)
    }

    fn time_derivative(&self, t: f64, state: &[f64], out: &mut [f64]) {
        // ∂F/∂t = −2α'(t) s. The difference stays within a piece of the schedule.
        let ahead =
            self.breakpoints().into_iter().find(|&b| b > t).map_or(f64::INFINITY, |b| b - t);
        let h = (1e-7 * t.max(1.0)).min(0.5 * ahead);
        let slope = (self.schedule.alpha(t + h) - self.schedule.alpha(t)) / h;
        for (out, s) in out.iter_mut().zip(state) {
            *out = -2.0 * slope * s;
        }
    }

    /// A gradient flow: its Jacobian is a negative Hessian, with real eigenvalues.
    fn stiffness(&self, _t_end: f64) -> Stiffness {
        Stiffness::Mild
    }

    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }

    /// `max_i √(m_i²+w_i²) √(δm_i²+δw_i²) / (atol + rtol‖x‖_∞)`: by Cauchy–Schwarz a bound of the
    /// error of x and of that of `½(m²−w²)`, which is what the rest of the trajectory depends on.
    fn error(&self, _t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        let n = self.features();
        let ((m, w), (dm, dw)) = (state.split_at(n), delta.split_at(n));
        factor_error(m, w, dm, dw, rtol, atol)
    }

    /// `max_j |ℓ'(Zx, y)_j|`, for the squared loss `‖Zx − y‖_∞`.
    fn kkt(&self, _t: f64, state: &[f64]) -> Option<f64> {
        let n = self.features();
        let (m, w) = state.split_at(n);
        Some(with_scratch(n + self.z.tall(), |buffer| {
            let (x, prediction) = buffer.split_at_mut(n);
            product(m, w, x);
            self.z.mul(x, prediction);
            for (p, &y) in prediction.iter_mut().zip(self.problem.y()) {
                *p = self.loss.ell_prime(*p, y);
            }
            largest(prediction)
        }))
    }

    /// `log(½|m² − w²|)`, −∞ where β = 0.
    fn log_a(&self, _t: f64, state: &[f64], out: &mut [f64]) -> bool {
        let (m, w) = state.split_at(self.features());
        for i in 0..out.len() {
            // The sum and difference are exact enough where the squares would cancel or overflow.
            out[i] = (m[i] + w[i]).abs().ln() + (m[i] - w[i]).abs().ln() - std::f64::consts::LN_2;
        }
        true
    }
}

#[cfg(test)]
#[path = "primal_tests.rs"]
mod tests;

//! The dual flow: d unknowns instead of 2n.
//!
//! `ν' = ℓ'(Zx, y)/d` with `x = a_t sinh(θ₀ − 2Zᵀν)`, `a_t = a₀ e^{−4A(t)}`, `ν(0) = 0`: since
//! `L_t = ∫∇f = Zᵀν`, this is the closed form `x_t = a_t sinh(θ₀ − 2L_t)` of the flow of m⊙w. Its
//! Jacobian is `−(1/d) diag(ℓ'') Z · 2 diag √(x²+a²) · Zᵀ`, symmetric for the squared loss, and
//! `∂F/∂t = −(4α/d) diag(ℓ'') Z x`. Assumes β = m₀² − w₀² > 0 (so that `a₀ = β/2 > 0`).
//!
//! Everything is in `log a`, so that `log a = −10⁶` integrates.

use super::scratch::with_scratch;
use super::{Flow, Stiffness, Structure, largest};
use crate::numerics::dense::gram_weighted;
use crate::numerics::dense::packed::{Packed, padded};
use crate::numerics::vector::{a_sinh_cosh_map, a_sinh_map};
use crate::potential::HyperbolicEntropy;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;
use crate::{Error, Result};

/// Up to this size of exponents the closed form needs no logarithms.
const MODERATE: f64 = 300.0;

/// Beyond this product of rate and time the method `auto` is a stiff one: a stabilized method takes
/// about `ρT/17` fields, a stiff one a few hundred steps of some ten fields' time each.
const STIFF_SPAN: f64 = 1e5;

/// Below this `log a` the method `auto` is a stiff one.
const STIFF_LOG_A: f64 = -20.0;

/// The flow of ν ∈ ℝᵈ.
///
/// ```
/// use mirrorflow::flow::Dual;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::potential::HyperbolicEntropy;
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![1.0])?;
/// // a → 0: all the mass goes to the longer column, x = (0, ½).
/// let potential = HyperbolicEntropy::uniform(2, -400.0)?;
/// let flow = Dual::new(&problem, Loss::Squared, Schedule::None, &potential)?;
/// let run = integrate(&flow, &Options::until(1e4))?;
/// assert!(run.x_end()[0].abs() < 1e-12 && (run.x_end()[1] - 0.5).abs() < 1e-9);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dual<'a> {
    problem: &'a Problem,
    z: Packed,
    loss: Loss,
    schedule: Schedule,
    /// `log a₀` and `θ₀`, padded with zeros as `z` is: a padded coordinate has x = 0.
    log_a: Vec<f64>,
    theta: Vec<f64>,
    /// `a₀` where every `log a₀` is moderate, so that `a₀ e^{−4A}` can be formed as it stands.
    a: Option<Vec<f64>>,
    /// θ₀ = 0 everywhere: the tilt needs no pass of its own.
    centred: bool,
}

impl<'a> Dual<'a> {
    /// Starts at ν = 0, that is at `x₀ = a₀ sinh θ₀`, with the scale and tilt of `potential`
    /// (dimension n of the problem).
    ///
    /// # Errors
    /// When the dimensions disagree, the schedule is invalid or the targets do not suit the loss.
    pub fn new(
        problem: &'a Problem,
        loss: Loss,
        schedule: Schedule,
        potential: &HyperbolicEntropy,
    ) -> Result<Self> {
        let n = problem.features();
        if potential.log_a().len() != n {
            return Err(Error::Shape {
                what: "log a of the potential".into(),
                expected: format!("({n}), one per feature"),
                found: format!("({})", potential.log_a().len()),
            });
        }
        loss.check_targets(problem.y())?;
        schedule.check()?;
        let pad = |v: &[f64]| {
            let mut v = v.to_vec();
            v.resize(padded(n), 0.0);
            v
        };
        let moderate = potential.log_a().iter().all(|l| l.abs() <= MODERATE);
        let a =
            moderate.then(|| pad(&potential.log_a().iter().map(|l| l.exp()).collect::<Vec<_>>()));
        Ok(Self {
            problem,
            a,
            z: Packed::new(problem.z_rows(), problem.samples(), n),
            loss,
            schedule,
            log_a: pad(potential.log_a()),
            theta: pad(potential.theta()),
            centred: potential.theta().iter().all(|&t| t == 0.0),
        })
    }

    /// `z = θ₀ − 2Zᵀν` and `log a_t`, both of padded length.
    #[inline]
    fn arguments(&self, t: f64, nu: &[f64], z: &mut [f64], log_a: &mut [f64]) {
        self.z.mul_t(nu, z);
        if self.centred {
            z.iter_mut().for_each(|z| *z *= -2.0);
        } else {
            for (z, theta) in z.iter_mut().zip(&self.theta) {
                *z = theta - 2.0 * *z;
            }
        }
        let shift = 4.0 * self.schedule.integral(t);
        for (log_a, start) in log_a.iter_mut().zip(&self.log_a) {
            *log_a = start - shift;
        }
    }

    /// `(2/d) ‖Z diag √(x₀²+a₀²) Zᵀ‖`, the largest rate at the start for `ℓ'' = 1`, by a few power
    /// iterations: only an order of magnitude is needed.
    fn rate(&self) -> f64 {
        let (n, d) = (self.features(), self.problem.samples());
        let (mut z, mut log_a) = (vec![0.0; self.z.wide()], vec![0.0; self.z.wide()]);
        let (mut x, mut size) = (z.clone(), z.clone());
        self.arguments(0.0, &vec![0.0; d], &mut z, &mut log_a);
        a_sinh_cosh_map(&z, &log_a, &mut x, &mut size);
        let mut v: Vec<f64> = (0..self.z.tall()).map(|j| 1.0 + 0.1 * (j as f64).sin()).collect();
        let mut rate = 0.0;
        for _ in 0..8 {
            let length = largest(&v[..d]);
            if length == 0.0 {
                break;
            }
            v.iter_mut().for_each(|v| *v /= length);
            self.z.mul_t(&v, &mut z);
            z.iter_mut().zip(&size).for_each(|(z, s)| *z *= s);
            self.z.mul(&z[..n], &mut v);
            rate = 2.0 * largest(&v[..d]) / d as f64;
        }
        rate
    }

    /// `ℓ''_j / d` times row j of `out`, whose rows have the given length.
    fn scale_rows(&self, x: &[f64], out: &mut [f64], row: usize) {
        let d = self.problem.samples();
        if self.loss == Loss::Squared {
            out.iter_mut().for_each(|v| *v /= d as f64);
            return;
        }
        with_scratch(self.z.tall(), |prediction| {
            self.z.mul(x, prediction);
            for ((p, &y), out) in
                prediction.iter().zip(self.problem.y()).zip(out.chunks_exact_mut(row))
            {
                // At a kink of the Huber loss: one of its two one-sided curvatures, 0.
                let curvature = self.loss.ell_second(*p, y).unwrap_or(0.0) / d as f64;
                out.iter_mut().for_each(|v| *v *= curvature);
            }
        });
    }
}

impl Flow for Dual<'_> {
    fn dim(&self) -> usize {
        self.problem.samples()
    }
    fn features(&self) -> usize {
        self.problem.features()
    }
    fn initial(&self, state: &mut [f64]) {
        state.fill(0.0);
    }

    fn field(&self, t: f64, nu: &[f64], out: &mut [f64]) {
        let wide = self.z.wide();
        with_scratch(3 * wide + self.z.tall(), |buffer| {
            let (z, rest) = buffer.split_at_mut(wide);
            let (log_a, rest) = rest.split_at_mut(wide);
            let (x, prediction) = rest.split_at_mut(wide);
            let shift = 4.0 * self.schedule.integral(t);
            let fast = match &self.a {
                Some(a) if shift <= MODERATE => {
                    self.z.sinh_product(nu, a, (-shift).exp(), &self.theta, x, prediction)
                }
                _ => false,
            };
            if !fast {
                self.arguments(t, nu, z, log_a);
                a_sinh_map(z, log_a, x);
                self.z.mul(x, prediction);
            }
            let (y, d) = (self.problem.y(), self.problem.samples() as f64);
            let pairs = out.iter_mut().zip(prediction).zip(y);
            if self.loss == Loss::Squared {
                let scale = 1.0 / d;
                pairs.for_each(|((out, p), y)| *out = (*p - y) * scale);
            } else {
                pairs.for_each(|((out, p), &y)| *out = self.loss.ell_prime(*p, y) / d);
            }
        });
    }

    fn x(&self, t: f64, nu: &[f64], out: &mut [f64]) {
        let (n, wide) = (self.features(), self.z.wide());
        with_scratch(3 * wide, |buffer| {
            let (z, rest) = buffer.split_at_mut(wide);
            let (log_a, x) = rest.split_at_mut(wide);
            self.arguments(t, nu, z, log_a);
            a_sinh_map(z, log_a, x);
            out.copy_from_slice(&x[..n]);
        });
    }

    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }

    fn jacobian(&self, t: f64, nu: &[f64], out: &mut [f64]) -> Option<Structure> {
        let (d, n) = (self.problem.samples(), self.features());
        let wide = self.z.wide();
        with_scratch(4 * wide, |buffer| {
            let (z, rest) = buffer.split_at_mut(wide);
            let (log_a, rest) = rest.split_at_mut(wide);
            let (x, size) = rest.split_at_mut(wide);
            self.arguments(t, nu, z, log_a);
            a_sinh_cosh_map(z, log_a, x, size);
            size.iter_mut().for_each(|s| *s *= -2.0);
            gram_weighted(self.problem.z_rows(), d, n, &size[..n], out);
            self.scale_rows(x, out, d);
        });
        Some(match self.loss {
            Loss::Squared => Structure::SymmetricNegative,
            _ => Structure::General,
        })
    }

    fn time_derivative(&self, t: f64, nu: &[f64], out: &mut [f64]) {
        let alpha = self.schedule.alpha(t);
        if alpha == 0.0 {
            out.fill(0.0);
            return;
        }
        with_scratch(self.features() + self.z.tall(), |buffer| {
            let (x, zx) = buffer.split_at_mut(self.features());
            self.x(t, nu, x);
            self.z.mul(x, zx);
            for (out, zx) in out.iter_mut().zip(zx) {
                *out = -4.0 * alpha * *zx;
            }
            self.scale_rows(x, out, 1);
        });
    }

    /// x changes on the time scale `log(1/a)` of the exponents: their range times the rate
    /// `‖Z diag√(x²+a²) Zᵀ‖/d` makes the flow stiff for small a; and a long run at a high rate is
    /// cheaper in few implicit steps.
    fn stiffness(&self, t_end: f64) -> Stiffness {
        let least = self.log_a[..self.features()].iter().copied().fold(f64::INFINITY, f64::min);
        if least < STIFF_LOG_A || self.rate() * t_end > STIFF_SPAN {
            Stiffness::Strong
        } else {
            Stiffness::Mild
        }
    }

    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }

    /// With `δx = −2√(x²+a²) ⊙ Zᵀδν` to first order:
    /// `max(‖δx‖_∞ / (atol + rtol‖x‖_∞), 2‖Zᵀδν‖_∞ / (rtol max(1, ‖θ₀ − 2Zᵀν‖_∞)))`.
    ///
    /// The second term keeps the exponents right where x is still below atol (small a).
    fn error(&self, t: f64, nu: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        let wide = self.z.wide();
        with_scratch(5 * wide, |buffer| {
            let (z, rest) = buffer.split_at_mut(wide);
            let (log_a, rest) = rest.split_at_mut(wide);
            let (x, rest) = rest.split_at_mut(wide);
            let (size, change) = rest.split_at_mut(wide);
            self.arguments(t, nu, z, log_a);
            a_sinh_cosh_map(z, log_a, x, size);
            self.z.mul_t(delta, change);
            let exponent = 2.0 * largest(change) / (rtol * largest(z).max(1.0));
            for (size, change) in size.iter_mut().zip(&*change) {
                *size *= 2.0 * change;
            }
            let point = largest(size) / (atol + rtol * largest(x));
            // `max` would hide a NaN.
            if exponent > point { exponent } else { point }
        })
    }

    /// `max_j |ℓ'(Zx, y)_j|`, for the squared loss `‖Zx − y‖_∞`. The other half of the KKT
    /// conditions of `min R_a s.t. Zx = y`, `∇R_a(x) ∈ range Zᵀ`, holds exactly along the flow.
    fn kkt(&self, t: f64, nu: &[f64]) -> Option<f64> {
        let d = self.problem.samples();
        Some(with_scratch(d, |slope| {
            self.field(t, nu, slope);
            largest(slope) * d as f64
        }))
    }

    fn log_a(&self, t: f64, _nu: &[f64], out: &mut [f64]) -> bool {
        let shift = 4.0 * self.schedule.integral(t);
        for (out, start) in out.iter_mut().zip(&self.log_a) {
            *out = start - shift;
        }
        true
    }
}

#[cfg(test)]
mod tests;

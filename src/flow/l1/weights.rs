//! The subgradient flow of `f(x) + α(t)‖x‖₁` on x itself: `x' ∈ −∇f(x) − α∂‖x‖₁`.
//!
//! Selection at `x_i = 0`: the element of least norm, so that `x_i` stays at 0 while
//! `|∂_i f| ≤ α`. The kinks are located, not stepped over.

use crate::Result;
use crate::flow::primal::{check_point, pack, with_gradient};
use crate::flow::scratch::with_scratch;
use crate::flow::{Flow, largest, signs};
use crate::numerics::dense::packed::Packed;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;

/// The flow of x ∈ ℝⁿ; the state is x followed by the signs σ of the current piece.
///
/// ```
/// use mirrorflow::flow::PlainL1;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// // min ½(x − 2)² + |x| is at x = 1.
/// let problem = Problem::new(array![[1.0]], array![2.0])?;
/// let flow = PlainL1::new(&problem, Loss::Squared, Schedule::Constant { c: 1.0 }, &[-1.0])?;
/// let run = integrate(&flow, &Options::until(40.0))?;
/// assert!((run.x_end()[0] - 1.0).abs() < 1e-8);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PlainL1<'a> {
    problem: &'a Problem,
    z: Packed,
    loss: Loss,
    schedule: Schedule,
    start: Vec<f64>,
}

impl<'a> PlainL1<'a> {
    /// Starts at `x₀` of length n.
    ///
    /// # Errors
    /// When the length is wrong, an entry is not finite, the schedule is invalid or the targets do
    /// not suit the loss.
    pub fn new(problem: &'a Problem, loss: Loss, schedule: Schedule, x0: &[f64]) -> Result<Self> {
        check_point("x0", x0, problem.features())?;
        loss.check_targets(problem.y())?;
        schedule.check()?;
        Ok(Self { problem, z: pack(problem), loss, schedule, start: x0.to_vec() })
    }

    /// `∇f(x)` handed to `use_it`.
    fn with_gradient<T>(&self, x: &[f64], use_it: impl FnOnce(&[f64]) -> T) -> T {
        with_gradient(self.problem, &self.z, self.loss, x, |g| use_it(g))
    }
}

impl Flow for PlainL1<'_> {
    fn dim(&self) -> usize {
        2 * self.problem.features()
    }
    fn features(&self) -> usize {
        self.problem.features()
    }
    fn initial(&self, state: &mut [f64]) {
        let (x, sigma) = state.split_at_mut(self.features());
        x.copy_from_slice(&self.start);
        let alpha = self.schedule.alpha(0.0);
        self.with_gradient(&self.start, |g| signs::initial(&self.start, g, alpha, sigma));
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.features();
        let (x, sigma) = state.split_at(n);
        let alpha = self.schedule.alpha(t);
        self.with_gradient(x, |g| {
            let (dx, frozen) = out.split_at_mut(n);
            for i in 0..n {
                dx[i] = if sigma[i] == 0.0 { 0.0 } else { -g[i] - alpha * sigma[i] };
            }
            frozen.fill(0.0);
        });
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&state[..self.features()]);
    }
    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }
    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }
    /// `‖δx‖_∞ / (atol + rtol‖x‖_∞)`.
    fn error(&self, _t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        let n = self.features();
        largest(&delta[..n]) / (atol + rtol * largest(&state[..n]))
    }
    /// Size of the least subgradient, `‖x'‖_∞`.
    fn kkt(&self, t: f64, state: &[f64]) -> Option<f64> {
        Some(with_scratch(self.dim(), |slope| {
            self.field(t, state, slope);
            largest(slope)
        }))
    }
    fn is_piecewise(&self) -> bool {
        true
    }
    fn guard(&self, t: f64, state: &[f64]) -> f64 {
        let (x, sigma) = state.split_at(self.features());
        self.with_gradient(x, |g| signs::guard(x, g, self.schedule.alpha(t), sigma))
    }
    fn switch(&self, t: f64, state: &mut [f64]) {
        let (x, sigma) = state.split_at_mut(self.features());
        let at = x.to_vec();
        self.with_gradient(&at, |g| signs::switch(x, g, self.schedule.alpha(t), sigma));
    }
}

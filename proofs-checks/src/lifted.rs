//! The gradient flow of any parameterization with its accumulated gradient:
//! `θ' = −J(θ)ᵀ∇f(x(θ)) − 2αθ`, `L' = ∇f(x)`, which is the flow of `f(x(θ)) + α‖θ‖²`.

use mirrorflow::{
    Result,
    flow::Flow,
    integrate::{Method, Options, integrate},
    parameterization::Parameterization,
    problem::{Loss, Problem},
    schedule::Schedule,
};

/// State `(θ, L) ∈ ℝᵏ⁺ⁿ` for k parameters and n features.
pub(crate) struct Lifted<'a> {
    pub(crate) map: &'a dyn Parameterization,
    pub(crate) problem: &'a Problem,
    pub(crate) loss: Loss,
    pub(crate) schedule: &'a Schedule,
    /// θ₀, length k.
    pub(crate) theta0: &'a [f64],
}

/// A state of [`Lifted`] taken apart.
#[derive(Debug, Clone)]
pub(crate) struct LiftedState {
    pub(crate) t: f64,
    pub(crate) x: Vec<f64>,
    pub(crate) l: Vec<f64>,
}

impl Lifted<'_> {
    /// The states at `times` (increasing, positive), integrated with relative tolerance `rtol`; the
    /// reason where the integration ends early.
    pub(crate) fn at(
        &self,
        times: &[f64],
        rtol: f64,
    ) -> Result<std::result::Result<Vec<LiftedState>, String>> {
        let end = times.last().copied().unwrap_or(0.0);
        let options = Options::until(end)
            .with_times(times)
            .with_tolerances(rtol, 1e-3 * rtol)
            .with_method(Method::Dop853);
        let trajectory = integrate(self, &Options { max_steps: 20_000, ..options })?;
        if !trajectory.outcome.is_complete() {
            return Ok(Err(trajectory.outcome.to_string()));
        }
        let (k, n) = (self.map.parameters(), self.map.features());
        let state = |(t, state): (&f64, ndarray::ArrayView1<'_, f64>)| {
            let state = state.to_vec();
            let mut x = vec![0.0; n];
            self.map.x(&state[..k], &mut x);
            LiftedState { t: *t, x, l: state[k..].to_vec() }
        };
        let states = trajectory.t.iter().zip(trajectory.state.outer_iter()).map(state);
        Ok(Ok(states.filter(|s| s.t > 0.0).collect()))
    }
}

impl Flow for Lifted<'_> {
    fn dim(&self) -> usize {
        self.map.parameters() + self.map.features()
    }
    fn features(&self) -> usize {
        self.map.features()
    }
    fn initial(&self, state: &mut [f64]) {
        let k = self.map.parameters();
        state[..k].copy_from_slice(self.theta0);
        state[k..].fill(0.0);
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let (theta, _) = state.split_at(self.map.parameters());
        let (slope, gradient) = out.split_at_mut(self.map.parameters());
        let mut x = vec![0.0; self.map.features()];
        self.map.x(theta, &mut x);
        gradient.copy_from_slice(&self.loss.gradient(self.problem, &x));
        self.map.pull_back(theta, gradient, slope);
        let decay = 2.0 * self.schedule.alpha(t);
        for (slope, theta) in slope.iter_mut().zip(theta) {
            *slope = -*slope - decay * theta;
        }
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        self.map.x(&state[..self.map.parameters()], out);
    }
    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }
    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }
}

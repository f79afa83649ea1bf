//! The primal flow with its accumulated gradient:
//! `m' = −∇f(x)⊙w − 2αm`, `w' = −∇f(x)⊙m − 2αw`, `L' = ∇f(x)`, `x = m⊙w`, squared loss.
//!
//! `L_t` is what the closed forms of the paper are stated in. Integrating it beside `(m, w)`, from
//! the definition alone, makes the check of a closed form independent of it.

use mirrorflow::{
    flow::Flow, numerics::dense, parameterization::Start, problem::Problem, schedule::Schedule,
};

/// State `(m, w, L) ∈ ℝ³ⁿ`.
#[derive(Debug, Clone)]
pub struct WithGradientIntegral<'a> {
    problem: &'a Problem,
    start: &'a Start,
    schedule: &'a Schedule,
}

impl<'a> WithGradientIntegral<'a> {
    /// The flow of `f(m⊙w) + α(‖m‖² + ‖w‖²)` on `problem` from `start`.
    pub fn new(problem: &'a Problem, start: &'a Start, schedule: &'a Schedule) -> Self {
        Self { problem, start, schedule }
    }

    /// `∇f(x) = Zᵀ(Zx − y)/d` into `out`.
    fn gradient(&self, x: &[f64], out: &mut [f64]) {
        let d = self.problem.samples();
        let mut residual = vec![0.0; d];
        dense::mul(self.problem.z_rows(), x, &mut residual);
        for (r, y) in residual.iter_mut().zip(self.problem.y()) {
            *r = (*r - y) / d as f64;
        }
        dense::mul_t(self.problem.z_rows(), &residual, out);
    }
}

impl Flow for WithGradientIntegral<'_> {
    fn dim(&self) -> usize {
        3 * self.problem.features()
    }

    fn features(&self) -> usize {
        self.problem.features()
    }

    fn initial(&self, state: &mut [f64]) {
        let n = self.problem.features();
        state[..n].copy_from_slice(self.start.m0());
        state[n..2 * n].copy_from_slice(self.start.w0());
        state[2 * n..].fill(0.0);
    }

    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.problem.features();
        let (m, w) = (&state[..n], &state[n..2 * n]);
        let x: Vec<f64> = m.iter().zip(w).map(|(m, w)| m * w).collect();
        let mut gradient = vec![0.0; n];
        self.gradient(&x, &mut gradient);
        let decay = 2.0 * self.schedule.alpha(t);
        for i in 0..n {
            out[i] = -gradient[i] * w[i] - decay * m[i];
            out[n + i] = -gradient[i] * m[i] - decay * w[i];
            out[2 * n + i] = gradient[i];
        }
    }

    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.problem.features();
        for i in 0..n {
            out[i] = state[i] * state[n + i];
        }
    }

    fn loss(&self, x: &[f64]) -> f64 {
        let d = self.problem.samples();
        let mut residual = vec![0.0; d];
        dense::mul(self.problem.z_rows(), x, &mut residual);
        let squares: f64 =
            residual.iter().zip(self.problem.y()).map(|(r, y)| (r - y) * (r - y)).sum();
        squares / (2.0 * d as f64)
    }

    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }
}

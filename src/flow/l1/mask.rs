//! The subgradient flow of `f(m⊙w) + α(t)‖m‖₁`: the penalty on the mask alone.
//!
//! `m' ∈ −∇f(x)⊙w − α∂‖m‖₁`, `w' = −∇f(x)⊙m`. Selection at `m_i = 0`: the element of least norm, so
//! that the mask stays at 0 (and w_i with it) while `|∂_i f · w_i| ≤ α`. The kinks are located, not
//! stepped over.
//!
//! The penalty adds to m and does not multiply it, so that there are no logarithms to integrate as
//! in [`crate::flow::Primal`]; the error of (m_i, w_i) is kept small relative to their own size, so
//! that a small start leaves the saddle m = w = 0 when it should. What is far below the rounding of
//! m_i and w_i, a β of 1e-20 beside x_i ~ 1, is lost where the penalty does not make it anew.

use crate::Result;
use crate::flow::primal::{factors, pack, with_gradient};
use crate::flow::scratch::with_scratch;
use crate::flow::{Flow, largest, signs};
use crate::numerics::dense::packed::Packed;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;

/// The flow of (m, w); the state is m, w and the signs σ of m on the current piece.
///
/// ```
/// use mirrorflow::flow::MaskL1;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// // Without a penalty it is the flow of m⊙w: Z = 1, y = 1 ends at x = 1.
/// let problem = Problem::new(array![[1.0]], array![1.0])?;
/// let flow = MaskL1::new(&problem, Loss::Squared, Schedule::None, &[1.0], &[0.0])?;
/// let run = integrate(&flow, &Options::until(30.0))?;
/// assert!((run.x_end()[0] - 1.0).abs() < 1e-8);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MaskL1<'a> {
    problem: &'a Problem,
    z: Packed,
    loss: Loss,
    schedule: Schedule,
    start: Vec<f64>,
}

impl<'a> MaskL1<'a> {
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
        loss.check_targets(problem.y())?;
        schedule.check()?;
        let start = factors(problem.features(), m0, w0)?;
        Ok(Self { problem, z: pack(problem), loss, schedule, start })
    }

    /// `∇f(m⊙w)` handed to `use_it`.
    fn with_gradient<T>(&self, m: &[f64], w: &[f64], use_it: impl FnOnce(&mut [f64]) -> T) -> T {
        with_scratch(m.len(), |x| {
            product(m, w, x);
            with_gradient(self.problem, &self.z, self.loss, x, use_it)
        })
    }

    /// The drive `∇f(x)⊙w` of the mask.
    fn with_drive<T>(&self, m: &[f64], w: &[f64], use_it: impl FnOnce(&[f64]) -> T) -> T {
        self.with_gradient(m, w, |g| {
            g.iter_mut().zip(w).for_each(|(g, w)| *g *= w);
            use_it(g)
        })
    }
}

/// `x = m⊙w`.
fn product(m: &[f64], w: &[f64], x: &mut [f64]) {
    for ((x, m), w) in x.iter_mut().zip(m).zip(w) {
        *x = m * w;
    }
}

impl Flow for MaskL1<'_> {
    fn dim(&self) -> usize {
        3 * self.problem.features()
    }
    fn features(&self) -> usize {
        self.problem.features()
    }
    fn initial(&self, state: &mut [f64]) {
        let n = self.features();
        let (m, w) = self.start.split_at(n);
        state[..2 * n].copy_from_slice(&self.start);
        let alpha = self.schedule.alpha(0.0);
        self.with_drive(m, w, |q| signs::initial(m, q, alpha, &mut state[2 * n..]));
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.features();
        let (m, rest) = state.split_at(n);
        let (w, sigma) = rest.split_at(n);
        let alpha = self.schedule.alpha(t);
        self.with_gradient(m, w, |g| {
            let (dm, rest) = out.split_at_mut(n);
            let (dw, frozen) = rest.split_at_mut(n);
            for i in 0..n {
                dm[i] = if sigma[i] == 0.0 { 0.0 } else { -g[i] * w[i] - alpha * sigma[i] };
                dw[i] = -g[i] * m[i];
            }
            frozen.fill(0.0);
        });
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        let n = self.features();
        product(&state[..n], &state[n..2 * n], out);
    }
    fn loss(&self, x: &[f64]) -> f64 {
        self.loss.value(self.problem, x)
    }
    fn breakpoints(&self) -> Vec<f64> {
        self.schedule.breakpoints()
    }
    /// With `r_i = √(m_i²+w_i²)` and `e_i = √(δm_i²+δw_i²)`:
    /// `max_i max(r_i e_i / (atol + rtol‖x‖_∞), e_i / (rtol r_i))`. The first bounds the errors of
    /// x and of ½(m²−w²), by Cauchy–Schwarz; the second is relative, for what is still below atol.
    fn error(&self, _t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        let n = self.features();
        let (mut absolute, mut relative, mut size) = (0.0f64, 0.0f64, 0.0f64);
        for i in 0..n {
            let (r, e) = (state[i].hypot(state[n + i]), delta[i].hypot(delta[n + i]));
            if r.is_nan() || e.is_nan() {
                return f64::NAN;
            }
            size = size.max((state[i] * state[n + i]).abs());
            if e > 0.0 {
                absolute = absolute.max(r * e);
                relative = relative.max(e / (rtol * r));
            }
        }
        relative.max(absolute / (atol + rtol * size))
    }
    /// Size of the least subgradient, `max(‖m'‖_∞, ‖w'‖_∞)`.
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
        let n = self.features();
        let (m, rest) = state.split_at(n);
        let (w, sigma) = rest.split_at(n);
        self.with_drive(m, w, |q| signs::guard(m, q, self.schedule.alpha(t), sigma))
    }
    fn switch(&self, t: f64, state: &mut [f64]) {
        let n = self.features();
        let (m, rest) = state.split_at_mut(n);
        let (w, sigma) = rest.split_at_mut(n);
        let at = m.to_vec();
        self.with_drive(&at, w, |q| signs::switch(m, q, self.schedule.alpha(t), sigma));
    }
}

//! Vector fields whose solutions are the training dynamics, and their discrete counterparts.
//!
//! | flow | state | field |
//! |---|---|---|
//! | [`Primal`] | (m, w), as `log\|m ± w\|` | `m' = −∇f(x)⊙w − 2αm`, `w' = −∇f(x)⊙m − 2αw` |
//! | [`Dual`] | ν ∈ ℝᵈ | `ν' = ℓ'(Zx)/d`, `x = a_t sinh(θ₀ − 2Zᵀν)` |
//! | [`MaskL1`] | (m, w), signs of m | `m' ∈ −∇f(x)⊙w − α∂‖m‖₁`, `w' = −∇f(x)⊙m` |
//! | [`PlainL1`] | x, signs of x | `x' ∈ −∇f(x) − α∂‖x‖₁` |
//! | your own | yours | implement [`Flow`] |
//!
//! [`descend`] steps gradient descent and SGD on the same objectives.

mod descend;
mod dual;
mod l1;
mod outcome;
mod primal;
mod scratch;
mod signs;
mod trajectory;

pub use descend::{Clock, Descent, Objective, descend};
pub use dual::Dual;
pub use l1::{MaskL1, PlainL1};
pub use outcome::Outcome;
pub use primal::Primal;
pub use trajectory::{Recorder, Trajectory, Work};

/// A time-dependent vector field `s' = F(t, s)` on ℝᵏ together with the point `x(t, s)` it trains.
///
/// Implement this to integrate a flow of your own; only the first six functions are required.
///
/// ```
/// use mirrorflow::flow::Flow;
/// use mirrorflow::integrate::{Options, integrate};
///
/// /// `x' = −x`, the gradient flow of ½x².
/// struct Decay;
/// impl Flow for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn features(&self) -> usize { 1 }
///     fn initial(&self, state: &mut [f64]) { state[0] = 1.0; }
///     fn field(&self, _t: f64, state: &[f64], out: &mut [f64]) { out[0] = -state[0]; }
///     fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) { out[0] = state[0]; }
///     fn loss(&self, x: &[f64]) -> f64 { 0.5 * x[0] * x[0] }
/// }
///
/// let run = integrate(&Decay, &Options::until(2.0))?;
/// assert!((run.x_end()[0] - (-2.0f64).exp()).abs() < 1e-8);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub trait Flow: Sync {
    /// Dimension k of the state.
    fn dim(&self) -> usize;
    /// Dimension n of the trained point `x`.
    fn features(&self) -> usize;
    /// The state at t = 0 into `state` (length k).
    fn initial(&self, state: &mut [f64]);
    /// `F(t, s)` into `out` (length k). An overflow must show as a non-finite entry.
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]);
    /// `x(t, s)` into `out` (length n).
    fn x(&self, t: f64, state: &[f64], out: &mut [f64]);
    /// `f(x)`, the loss without the penalty.
    fn loss(&self, x: &[f64]) -> f64;
    /// `∂F/∂s` into `out` (k×k, row-major); `None` where the flow has no Jacobian at hand.
    fn jacobian(&self, _t: f64, _state: &[f64], _out: &mut [f64]) -> Option<Structure> {
        None
    }
    /// `∂F/∂s · v` into `out` (length k); `false` where the flow has it not at hand.
    fn jacobian_product(&self, _t: f64, _state: &[f64], _v: &[f64], _out: &mut [f64]) -> bool {
        false
    }
    /// `∂F/∂t` into `out` (length k); implicit methods need it where `F` depends on time.
    fn time_derivative(&self, t: f64, state: &[f64], out: &mut [f64]) {
        // One-sided, so that a schedule is never sampled before t = 0.
        let h = 1e-7 * t.abs().max(1.0);
        let mut ahead = vec![0.0; out.len()];
        self.field(t, state, out);
        self.field(t + h, state, &mut ahead);
        for (slope, next) in out.iter_mut().zip(&ahead) {
            *slope = (next - *slope) / h;
        }
    }
    /// Times at which `F` jumps: no step crosses them.
    fn breakpoints(&self) -> Vec<f64> {
        Vec::new()
    }
    /// Size of the error `delta` of `state` (both of length k), in units of what the tolerances
    /// allow: a step is accepted when this is at most 1. To first order in `delta`.
    ///
    /// As given: `‖δ‖_∞ / (atol + rtol ‖s‖_∞)`. The flows of this module measure the error of x.
    fn error(&self, _t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        largest(delta) / (atol + rtol * largest(state))
    }
    /// `(r, a)` such that an error of `r|s_i| + a` of every entry of the state is what the
    /// tolerances allow, for the methods that measure entry by entry and do not ask
    /// [`Flow::error`].
    fn entry_tolerances(&self, rtol: f64, atol: f64) -> (f64, f64) {
        (rtol, atol)
    }
    /// What the method `auto` should prepare for.
    fn stiffness(&self, _t_end: f64) -> Stiffness {
        Stiffness::None
    }
    /// How far the state is from what the limit must satisfy, where that is defined; see each flow.
    fn kkt(&self, _t: f64, _state: &[f64]) -> Option<f64> {
        None
    }
    /// `log a_t` into `out` (length n); `false` where the flow has no such scale.
    fn log_a(&self, _t: f64, _state: &[f64], _out: &mut [f64]) -> bool {
        false
    }
    /// Positive (or +∞) while `F` is the smooth field of the current piece; a step that ends where
    /// this is negative is cut back to its zero, and [`Flow::switch`] chooses the next piece.
    fn guard(&self, _t: f64, _state: &[f64]) -> f64 {
        f64::INFINITY
    }
    /// Whether [`Flow::guard`] is ever finite: only then is it asked after each step.
    fn is_piecewise(&self) -> bool {
        false
    }
    /// Moves `state` into the next piece where the guard has reached 0.
    fn switch(&self, _t: f64, _state: &mut [f64]) {}
}

/// What is known of a Jacobian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Symmetric negative semidefinite: one Cholesky factorization serves a stiff step.
    SymmetricNegative,
    /// No structure.
    General,
}

/// How stiff a flow is: the product of the largest rate and the time scale of the solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stiffness {
    /// Order 1: explicit methods.
    None,
    /// Up to some thousands, with real eigenvalues: explicit methods that become stabilized ones.
    Mild,
    /// More: implicit methods.
    Strong,
}

/// `‖v‖_∞`, NaN where an entry is. Eight running maxima, so that they do not wait for each other.
pub(crate) fn largest(v: &[f64]) -> f64 {
    let mut most = [0.0f64; 8];
    let mut nan = false;
    let mut take = |most: &mut f64, x: f64| {
        nan |= x.is_nan();
        *most = if x.abs() > *most { x.abs() } else { *most };
    };
    let chunks = v.chunks_exact(8);
    for &x in chunks.remainder() {
        take(&mut most[0], x);
    }
    for chunk in chunks {
        for (most, &x) in most.iter_mut().zip(chunk) {
            take(most, x);
        }
    }
    if nan { f64::NAN } else { most.into_iter().fold(0.0, f64::max) }
}

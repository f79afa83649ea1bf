//! Vector fields whose solutions are the training dynamics, and their discrete counterparts.

/// A time-dependent vector field `s' = F(t, s)` on ℝᵏ together with the point `x(t, s)` it trains.
///
/// Implement this to integrate a flow of your own.
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
}

/// What is known of a Jacobian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Symmetric negative semidefinite: one Cholesky factorization serves a stiff step.
    SymmetricNegative,
    /// No structure.
    General,
}

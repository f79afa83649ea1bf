//! Adaptive integrators behind one trait, and the one time loop that drives them.

mod rosenbrock;
mod rosenbrock_matrix;
mod rosenbrock_table;
mod stabilized;
mod stabilized_dense;
mod stabilized_radius;
mod stabilized_table;

pub use rosenbrock::Rosenbrock;
pub use stabilized::Stabilized;

use crate::flow::Flow;

/// How an attempted step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// New state, slope and error estimate are finite and valid.
    Done,
    /// The field or a linear solve gave a non-finite value: try a smaller step.
    NotFinite,
}

/// Work counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Evaluations of the field.
    pub fields: u64,
    /// Evaluations of the Jacobian.
    pub jacobians: u64,
    /// Matrix factorizations.
    pub factorizations: u64,
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejections: u64,
}

/// One step of a one-step method with an embedded error estimate and dense output.
///
/// The time loop owns `t`, `h`, acceptance and step-size control; a stepper owns its stages.
pub trait Stepper {
    /// Name, as the `--method` of the command.
    fn name(&self) -> &'static str;
    /// Order q of the error estimate: it scales as `h^q` (q = p̂ + 1 for an embedded method of order p̂).
    fn error_order(&self) -> u32;
    /// Called before a first step and after every accepted one; returns the largest step the
    /// method can take there (its stability limit), `f64::INFINITY` if it has none.
    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], f: &[f64], work: &mut Work) -> f64;
    /// Attempts the step `(t, y) → t + h` where `f = F(t, y)`: fills `y_new`, `f_new = F(t+h, y_new)`
    /// and the componentwise error estimate `err` (all of length k).
    fn attempt(
        &mut self,
        flow: &dyn Flow,
        t: f64,
        y: &[f64],
        f: &[f64],
        h: f64,
        y_new: &mut [f64],
        f_new: &mut [f64],
        err: &mut [f64],
        work: &mut Work,
    ) -> Attempt;
    /// State at `t + s·h`, `s ∈ [0, 1]`, of the last attempted step, into `out`.
    fn interpolate(&self, s: f64, out: &mut [f64]);
}

//! Adaptive integrators behind one trait, and the one time loop that drives them.

#[cfg(feature = "bdf")]
mod bdf;
mod combine;
mod explicit;
mod hermite;
mod options;
mod rosenbrock;
mod stabilized;
mod time_loop;

pub use explicit::Explicit;
pub use options::{Method, Options};
pub use rosenbrock::Rosenbrock;
pub use stabilized::Stabilized;
pub use stabilized::switch::Switching;

pub use crate::flow::{Outcome, Trajectory, Work};
pub use time_loop::integrate_with;

use crate::flow::{Flow, Stiffness};
use crate::{Error, Result};

/// How an attempted step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// New state, slope and error estimate are finite and valid.
    Done,
    /// The field or a linear solve gave a non-finite value: try a smaller step.
    NotFinite,
}

/// A step to be attempted, from `(t, y)` to `t + h`.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// The vector field F.
    pub flow: &'a dyn Flow,
    /// Where it starts.
    pub t: f64,
    /// The state there, length k.
    pub y: &'a [f64],
    /// `F(t, y)`, length k.
    pub f: &'a [f64],
    /// Its length.
    pub h: f64,
}

/// Where an attempted step ends, to be filled in.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The state at `t + h`, length k.
    pub y: &'a mut [f64],
    /// F there, length k.
    pub f: &'a mut [f64],
    /// The estimated error of each component of the state, length k.
    pub err: &'a mut [f64],
}

/// One step of a one-step method with an embedded error estimate and dense output.
///
/// The time loop owns `t`, `h`, acceptance and step-size control; a stepper owns its stages.
pub trait Stepper {
    /// Name, as the `--method` of the command.
    fn name(&self) -> &'static str;
    /// Order q of the error estimate: it scales as `h^q` (q = p̂ + 1 for an embedded method of
    /// order p̂).
    fn error_order(&self) -> u32;
    /// Called before a first step and after every accepted one; returns the largest step the
    /// method can take there (its stability limit), `f64::INFINITY` if it has none.
    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], f: &[f64], work: &mut Work) -> f64;
    /// Attempts a step and fills in where it ends.
    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt;
    /// State at `t + s·h`, `s ∈ [0, 1]`, of the last attempted step, into `out`.
    fn interpolate(&self, s: f64, out: &mut [f64]);
}

/// Integrates a flow from t = 0 to `options.t_end` or the first event.
///
/// [`Method::Auto`] takes the method the flow asks for with [`Flow::stiffness`]: `switching` for
/// the primal and the dual flow (real spectrum, mildly stiff), `rosenbrock` for the dual flow in
/// the log domain or over times that are long for its rates, and `tsit5` for piecewise flows and
/// flows of one's own.
///
/// # Errors
/// When an option is out of its range, or a stop at a KKT residual is asked of a flow without one.
///
/// ```
/// use mirrorflow::flow::Primal;
/// use mirrorflow::integrate::{Options, integrate};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![1.0])?;
/// let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[1.0; 2], &[0.0; 2])?;
/// let run = integrate(&flow, &Options::until(1e3).stop_at_loss(1e-16))?;
/// assert!(run.outcome.is_complete() && run.t_end() < 1e3);
/// let x = run.x_end();
/// assert!((x[0] + 2.0 * x[1] - 1.0).abs() < 1e-7);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn integrate(flow: &dyn Flow, options: &Options) -> Result<Trajectory> {
    let k = flow.dim();
    let method = match options.method {
        Method::Auto => match flow.stiffness(options.t_end) {
            Stiffness::None => Method::Tsit5,
            Stiffness::Mild => Method::Switching,
            Stiffness::Strong => Method::Rosenbrock,
        },
        chosen => chosen,
    };
    match method {
        Method::Dopri5 => integrate_with(flow, &mut Explicit::dopri5(k), options),
        Method::Auto | Method::Tsit5 => integrate_with(flow, &mut Explicit::tsit5(k), options),
        Method::Dop853 => integrate_with(flow, &mut Explicit::dop853(k), options),
        Method::Stabilized => integrate_with(flow, &mut Stabilized::new(k), options),
        Method::Switching => integrate_with(flow, &mut Switching::dop853(k), options),
        Method::Rosenbrock => integrate_with(flow, &mut Rosenbrock::new(k), options),
        #[cfg(feature = "bdf")]
        Method::Bdf | Method::TrBdf2 => bdf::integrate(flow, method, options),
        #[cfg(not(feature = "bdf"))]
        Method::Bdf | Method::TrBdf2 => Err(Error::Domain {
            what: "the method".into(),
            expected: "another one: mirrorflow was built without the feature `bdf`".into(),
            found: method.to_string(),
        }),
    }
}

/// Whether the events asked for exist.
fn check_events(flow: &dyn Flow, options: &Options) -> Result<()> {
    if options.kkt_at_most.is_none() {
        return Ok(());
    }
    let mut state = vec![0.0; flow.dim()];
    flow.initial(&mut state);
    match flow.kkt(0.0, &state) {
        Some(_) => Ok(()),
        None => Err(Error::Domain {
            what: "the KKT residual to stop at".into(),
            expected: "none: this flow defines no KKT residual (stop at a loss or a time)".into(),
            found: "a value".into(),
        }),
    }
}

//! How a run ended. The text is the advice.

/// How a run ended, what it reached and what to try next.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The end time (or the last step of a discrete map).
    ReachedTime {
        /// When.
        t: f64,
    },
    /// The loss fell to the value asked for.
    ReachedLoss {
        /// When.
        t: f64,
        /// The loss there.
        loss: f64,
    },
    /// The KKT residual fell to the value asked for.
    ReachedKkt {
        /// When.
        t: f64,
        /// The residual there.
        residual: f64,
    },
    /// The error control asks for steps below the resolution of time.
    StepTooSmall {
        /// Last time reached.
        t: f64,
        /// The step that was asked for.
        step: f64,
    },
    /// The number of steps allowed is used up.
    TooManySteps {
        /// Last time reached.
        t: f64,
        /// The steps taken, rejected ones included.
        steps: u64,
    },
    /// The field is not finite at the last state reached, so that no step is possible.
    NotFinite {
        /// Last time reached.
        t: f64,
    },
    /// A discrete map left the finite numbers.
    Diverged {
        /// The first step whose result is not finite.
        step: u64,
        /// Its time `kη`.
        t: f64,
    },
    /// It was asked to stop ([`Cancel`](crate::Cancel)).
    Cancelled {
        /// Last time reached.
        t: f64,
    },
    /// A solver of another library gave up.
    SolverFailed {
        /// Last time reached.
        t: f64,
        /// What it said.
        why: String,
    },
}

impl Outcome {
    /// Whether the run ended where it was asked to: at its time or at an event.
    pub fn is_complete(&self) -> bool {
        matches!(
            self,
            Self::ReachedTime { .. } | Self::ReachedLoss { .. } | Self::ReachedKkt { .. }
        )
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReachedTime { t } => write!(f, "reached t = {t}"),
            Self::ReachedLoss { t, loss } => write!(f, "loss {loss:.3e} reached at t = {t}"),
            Self::ReachedKkt { t, residual } => {
                write!(f, "KKT residual {residual:.3e} reached at t = {t}")
            }
            Self::StepTooSmall { t, step } => write!(
                f,
                "stopped at t = {t}: the tolerances ask for a step of {step:.1e}, below the \
                 resolution of time; loosen rtol and atol, or use the method rosenbrock"
            ),
            Self::TooManySteps { t, steps } => write!(
                f,
                "stopped at t = {t} after {steps} steps; allow more steps, end earlier, or use a \
                 method for stiff flows (stabilized, rosenbrock)"
            ),
            Self::NotFinite { t } => write!(
                f,
                "stopped at t = {t}: the field is not finite there; scale the data, or start from \
                 a smaller state"
            ),
            Self::Diverged { step, t } => write!(
                f,
                "diverged at step {step} (t = {t}): use a smaller step, below 2 over the largest \
                 curvature of the objective"
            ),
            Self::Cancelled { t } => write!(f, "interrupted at t = {t}, before the end"),
            Self::SolverFailed { t, why } => {
                write!(f, "stopped at t = {t}: {why}; try the method stabilized or rosenbrock")
            }
        }
    }
}

//! How a run ended. The text is the advice.

use crate::numerics::written::written;

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
    /// At the pace of the steps the end is out of reach of any number that is allowed.
    OutOfReach {
        /// Last time reached.
        t: f64,
        /// The steps taken.
        steps: u64,
        /// Steps that the rest would take.
        more: f64,
    },
    /// The field is not finite at the last state reached, so that no step is possible.
    NotFinite {
        /// Last time reached.
        t: f64,
    },
    /// The end was reached, but the loss there is infinite or NaN, so that nothing is known of it.
    LossNotFinite {
        /// When.
        t: f64,
        /// The loss there.
        loss: f64,
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

    /// The outcome of a run whose last loss, at time t, is this.
    #[must_use]
    pub fn with_loss(self, t: f64, loss: f64) -> Self {
        if self.is_complete() && !loss.is_finite() { Self::LossNotFinite { t, loss } } else { self }
    }
}

/// A time without rows of zeros.
struct Time(f64);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&written(self.0, 6))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReachedTime { t } => write!(f, "reached t = {}", Time(*t)),
            Self::ReachedLoss { t, loss } => {
                write!(f, "loss {loss:.3e} reached at t = {}", Time(*t))
            }
            Self::ReachedKkt { t, residual } => {
                write!(f, "KKT residual {residual:.3e} reached at t = {}", Time(*t))
            }
            Self::StepTooSmall { t, step } => write!(
                f,
                "stopped at t = {}: the tolerances ask for a step of {step:.1e}, below the \
                 resolution of time; loosen rtol and atol, or use the method rosenbrock",
                Time(*t)
            ),
            Self::TooManySteps { t, steps } => write!(
                f,
                "stopped at t = {} after {steps} steps; allow more (--max-steps), end earlier, or use \
                 a method for stiff flows (stabilized, rosenbrock)",
                Time(*t)
            ),
            Self::OutOfReach { t, steps, more } => write!(
                f,
                "stopped at t = {} after {steps} steps: stability or rounding keeps them so short that the end is \
                 some {more:.0e} steps away; end earlier, or use a method for stiff flows (stabilized, \
                 rosenbrock; --form dual)",
                Time(*t)
            ),
            Self::NotFinite { t } => write!(
                f,
                "stopped at t = {}: the field is not finite there; scale the data, or start from \
                 a smaller state",
                Time(*t)
            ),
            Self::LossNotFinite { t, loss } => write!(
                f,
                "the loss is {loss} at t = {}, beyond the range of floats: use a smaller step, or \
                 scale Z and y",
                Time(*t)
            ),
            Self::Diverged { step, t } => write!(
                f,
                "diverged at step {step} (t = {}): use a smaller step, below 2 over the largest \
                 curvature of the objective",
                Time(*t)
            ),
            Self::Cancelled { t } => write!(f, "interrupted at t = {t}, before the end"),
            Self::SolverFailed { t, why } => {
                let t = Time(*t);
                write!(f, "stopped at t = {t}: {why}; try the method stabilized or rosenbrock")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn times_are_written_for_people() {
        let text = |t| Outcome::ReachedTime { t }.to_string();
        assert_eq!(text(1.62e-10), "reached t = 1.62e-10");
        assert_eq!(text(100.0), "reached t = 100");
        assert_eq!(text(1e300), "reached t = 1e300");
        let stopped = Outcome::StepTooSmall { t: 1.0 / 3.0 * 1e-300, step: 1e-320 }.to_string();
        assert!(stopped.starts_with("stopped at t = 3.33333e-301: "), "{stopped}");
    }

    #[test]
    fn an_end_with_an_infinite_loss_is_not_complete() {
        let end = || Outcome::ReachedTime { t: 1.0 };
        assert_eq!(end().with_loss(1.0, 3.0), end());
        let infinite = end().with_loss(1.0, f64::INFINITY);
        assert!(!infinite.is_complete() && infinite.to_string().starts_with("the loss is inf at"));
        assert!(!end().with_loss(1.0, f64::NAN).is_complete());
        // What stopped before says why.
        let stopped = Outcome::Diverged { step: 2, t: 1.0 };
        assert_eq!(stopped.clone().with_loss(1.0, f64::INFINITY), stopped);
    }
}

//! Explicit while accuracy limits the step, stabilized while stability does.
//!
//! On the dual flow a high-order explicit method needs few fields as long as its step `h` is set by
//! the error; in the tail `h ρ` runs into the boundary z* of its interval of stability, and a step
//! of n fields covers only z*/ρ however small the error. The fields per unit of time then are
//! `n ρ/z*` for the explicit method against `s(hρ)/h` for the stabilized one, whose h the error
//! allows to grow as the solution settles. The cheaper one steps. A trial of the stabilized method
//! starts where the explicit step is within 10 % of its boundary, at half that step; if three
//! accepted steps in a row cost more than the explicit ones would, it is given up, and the next
//! trial waits twice as long.

use super::{Scheme, Stabilized};
use crate::flow::Flow;
use crate::integrate::{Attempt, Explicit, Step, Stepper, Trial, Work};

/// Steps without a trial after the first one that was given up.
const FIRST_PAUSE: u32 = 8;
/// Accepted steps dearer than the explicit ones that end a trial.
const PATIENCE: u32 = 3;
/// Factor of the stabilized estimate. It compares orders three and four: of a mode λ it is about
/// `1/(hλ)` times the error, and the modes that are still alive where stability limits the explicit
/// step have `hλ ≲ 1/5`; the faster ones are damped out.
const ESTIMATE: f64 = 0.2;

/// An explicit stepper `E` and the stabilized family, each where it costs less.
///
/// Assumes real eigenvalues, as [`Stabilized`] does.
#[derive(Debug, Clone)]
pub struct Switching<E> {
    explicit: E,
    /// Fields of an explicit step, and the boundary z* of its real interval of stability.
    fields: f64,
    boundary: f64,
    stabilized: Stabilized,
    /// Which method steps next, and which made the last attempt.
    active: Method,
    last: Method,
    /// Length of the last attempt; after an accepted step, of that step.
    h: f64,
    dear: u32,
    wait: u32,
    pause: u32,
    unmeasured: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Explicit,
    Stabilized,
}

impl Switching<Explicit> {
    /// With the method of Dormand & Prince of order 8, for states of length `dim`.
    ///
    /// ```
    /// use mirrorflow::integrate::{Stepper, Switching};
    /// assert_eq!(Switching::dop853(3).name(), "switching");
    /// ```
    pub fn dop853(dim: usize) -> Self {
        // |R(−z)| ≤ 1 up to z = 6.39; at 6.1 it is 0.59, which damps what the estimate of ρ misses.
        Self::new(dim, Explicit::dop853(dim), 12, 6.1)
    }
}

impl<E: Stepper> Switching<E> {
    /// For states of length `dim`; `explicit` takes `fields` evaluations a step and is stable for
    /// `h ρ ≤ boundary` on the negative real axis.
    pub fn new(dim: usize, explicit: E, fields: u32, boundary: f64) -> Self {
        Self {
            explicit,
            fields: f64::from(fields),
            boundary,
            stabilized: Stabilized::new(dim),
            active: Method::Explicit,
            last: Method::Explicit,
            h: 0.0,
            dear: 0,
            wait: 0,
            pause: FIRST_PAUSE,
            unmeasured: 0,
        }
    }

    /// Whether the next step is a stabilized one.
    pub fn is_stabilized(&self) -> bool {
        self.active == Method::Stabilized
    }
}

impl<E: Stepper> Stepper for Switching<E> {
    fn name(&self) -> &'static str {
        "switching"
    }

    fn error_order(&self) -> u32 {
        match self.active {
            Method::Explicit => self.explicit.error_order(),
            Method::Stabilized => self.stabilized.error_order(),
        }
    }

    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], f: &[f64], work: &mut Work) -> f64 {
        let own = self.explicit.prepare(flow, t, y, f, work);
        // Far from the boundary a rough radius is enough.
        let far = self.h * self.stabilized.radius() < 0.25 * self.boundary;
        if self.active == Method::Explicit && far && self.unmeasured > 0 {
            self.unmeasured = (self.unmeasured + 1) % 16;
        } else {
            self.unmeasured = 1;
            self.stabilized.prepare(flow, t, y, f, work);
        }
        let rho = self.stabilized.radius();
        if rho <= 0.0 {
            return own;
        }
        let limit = self.boundary / rho;
        match self.active {
            Method::Explicit => {
                self.wait = self.wait.saturating_sub(1);
                if self.wait > 0 || self.h < 0.9 * limit {
                    return limit.min(own);
                }
                self.active = Method::Stabilized;
                self.dear = 0;
                0.5 * limit
            }
            Method::Stabilized => {
                let stages = Scheme::for_reach(self.h * rho).stages() as f64;
                let dear = stages / self.h > self.fields / limit;
                self.dear = if dear { self.dear + 1 } else { 0 };
                if self.dear < PATIENCE {
                    return Scheme::longest_reach() / rho;
                }
                self.active = Method::Explicit;
                self.wait = self.pause;
                self.pause = self.pause.saturating_mul(2);
                limit.min(own)
            }
        }
    }

    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        self.h = step.h;
        self.last = self.active;
        match self.active {
            Method::Explicit => self.explicit.attempt(step, trial, work),
            Method::Stabilized => {
                let Trial { y, f, err } = trial;
                let trial = Trial { y, f, err: &mut *err };
                let done = self.stabilized.attempt(step, trial, work);
                err.iter_mut().for_each(|e| *e *= ESTIMATE);
                done
            }
        }
    }

    fn interpolate(&self, s: f64, out: &mut [f64]) {
        match self.last {
            Method::Explicit => self.explicit.interpolate(s, out),
            Method::Stabilized => self.stabilized.interpolate(s, out),
        }
    }
}

#[cfg(test)]
mod tests;

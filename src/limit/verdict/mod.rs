//! What may be said of `min ‖x‖₁ s.t. Zx = y`, from all that is known of it: in this one place.
//!
//! In this order. A proved upper bound is a proof that there is a solution: then nothing says that
//! there is none, and the width of the enclosure alone decides. An exact vector u with `Zᵀu = 0`,
//! `yᵀu > 0` proves that there is none. What is left is numerical: the certificate of the pair, or
//! the residual of least squares; where a proof is asked for it is not enough.

use std::fmt;

use super::certificate::enclosure::enclose;
use super::certificate::exact;
use super::certificate::exact::Exact;
use super::certificate::{certify, certify_unranked};
use super::l1::of_vertex;
use super::{
    Certificate, Enclosure, Farkas, L1Solution, Route, Slack, Status, l1_minimum, lp,
    off_support_slack,
};
use crate::Result;
use crate::numerics::written::written;
use crate::problem::Problem;

/// What is asked of a solve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// Relative width of the enclosure, or relative gap of the certificate, up to which the minimum
    /// counts as known.
    pub tolerance: f64,
    /// Whether only a proof will do. Then the exact route may take about 30 seconds, else about 2.
    pub rigorous: bool,
}

impl Default for Demand {
    fn default() -> Self {
        Self { tolerance: 1e-9, rigorous: false }
    }
}

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The certificate of the pair, if there is one.
    pub certificate: Option<&'a Certificate>,
    /// The proved bounds, if any.
    pub enclosure: Option<&'a Enclosure>,
    /// Why there is no solution, or seems to be none.
    pub infeasibility: Option<&'a Farkas>,
    /// The minimum that a second route found and certified, if there was one.
    pub other: Option<f64>,
}

/// Relative difference up to which two routes agree.
const AGREE: f64 = 1e-8;

/// What may be said. The text (its [`Display`](fmt::Display)) is the advice.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The minimum is known to this relative width, as a theorem.
    Proved(f64),
    /// The minimum is known up to rounding: the larger of gap, residual and its effect.
    Certified(f64),
    /// The minimum is known up to rounding, as [`Certified`](Self::Certified); but rows contradict
    /// each other below it, so that the numbers as they stand have no solution.
    Rounded(f64),
    /// There is no solution, as a theorem.
    NoSolution,
    /// Least squares leave this relative residual; nothing is proved.
    Inconsistent(f64),
    /// There is a solution, and the minimum is proved to this relative width: too wide.
    Wide(f64),
    /// The minimum or the solution lies outside the range of floats.
    OutOfRange,
    /// A proof was asked for, and none was found; this is the defect of the certificate.
    Unproved(f64),
    /// Nothing is proved, and the certificate has this defect.
    Uncertified(f64),
}

impl Verdict {
    /// Whether the minimum is known as well as was asked for.
    pub fn is_known(self) -> bool {
        matches!(self, Self::Proved(_) | Self::Certified(_) | Self::Rounded(_))
    }
    /// Whether there is no solution, proved or by all that is known numerically.
    pub fn is_none(self) -> bool {
        matches!(self, Self::NoSolution | Self::Inconsistent(_))
    }
    /// The exit code of a solve that also looked for the limit of the flow: 0 when both are there.
    /// A limit that is no solution of `Zx = y`, as that of a constant weight decay, needs none to
    /// exist.
    pub fn exit_code(self, limit_converged: bool, limit_solves: bool) -> u8 {
        let known = self.is_known() || (self.is_none() && !limit_solves);
        u8::from(!(known && limit_converged))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved(0.0) => write!(f, "the minimum is proved, to the last digit"),
            Self::Proved(width) => {
                write!(f, "the minimum is proved to a relative {}", written(*width, 2))
            }
            Self::Certified(defect) => write!(
                f,
                "the minimum is certified to a relative {}, in floating point: no proof",
                written(*defect, 2)
            ),
            Self::Rounded(defect) => write!(
                f,
                "the minimum is certified to a relative {}, in floating point; as exact numbers \
                 the rows of Z and y contradict each other at rounding, which --rigorous counts as no \
                 solution",
                written(*defect, 2)
            ),
            Self::NoSolution => write!(
                f,
                "Zx = y has no solution: proved, by integers u with Zᵀu = 0 and yᵀu > 0; correct or \
                 remove a row that u combines"
            ),
            Self::Inconsistent(residual) => write!(
                f,
                "numerically inconsistent: the residual of least squares is {} of ‖y‖, but \
                 nothing is proved; correct or remove a row that u combines, or fit with a constant \
                 weight decay (solve --schedule constant:c)",
                written(*residual, 4)
            ),
            Self::Wide(width) => write!(
                f,
                "there is a solution, but the minimum is proved to a relative {} only; \
                 --tolerance accepts more",
                written(*width, 2)
            ),
            Self::OutOfRange => write!(
                f,
                "there is a solution, but its minimum is not to be told from 0 or from infinity in \
                 double precision; measure y or the columns in other units"
            ),
            Self::Unproved(defect) => write!(
                f,
                "no proof was found: the problem is too ill-conditioned for intervals and too large for \
                 exact arithmetic; in floating point the certificate has a relative defect of \
                 {}, and without --rigorous that decides",
                written(*defect, 2)
            ),
            Self::Uncertified(defect) => write!(
                f,
                "not certified: a relative defect of {} remains; rows or columns that are nearly \
                 dependent or of very different size are the usual cause: remove or rescale them, or let \
                 --tolerance accept more",
                written(*defect, 2)
            ),
        }
    }
}

/// The one place where evidence becomes a verdict.
pub fn judge(evidence: &Evidence<'_>, demand: &Demand) -> Verdict {
    if let Some(e) = evidence.enclosure {
        // Subnormal numbers have too few digits.
        let tiny = e.l1_upper < f64::MIN_POSITIVE && e.relative_width() > demand.tolerance;
        if e.status.is_solvable() && (e.l1_upper.is_infinite() || tiny) {
            return Verdict::OutOfRange;
        }
        if e.l1_upper.is_finite() {
            let width = e.relative_width();
            // Written so that NaN fails.
            return if width <= demand.tolerance {
                Verdict::Proved(width)
            } else {
                Verdict::Wide(width)
            };
        }
    }
    let defect = evidence.certificate.map_or(f64::INFINITY, |c| {
        // Two certificates that differ cannot both be right; without a proof neither counts.
        let apart = evidence.other.map_or(0.0, |other| (other - c.l1).abs() / c.l1.max(other));
        // A value below a proved bound is that of no solution.
        let below = evidence.enclosure.map_or(0.0, |e| (e.l1_lower - c.l1) / e.l1_lower);
        let below = if below > demand.tolerance { below } else { 0.0 };
        // 0/0 where both are 0.
        let apart = if apart <= AGREE || apart.is_nan() { 0.0 } else { apart };
        c.defect().max(apart).max(below)
    });
    match evidence.infeasibility {
        Some(farkas) if farkas.is_proof() => {
            if demand.rigorous || defect > demand.tolerance {
                Verdict::NoSolution
            } else {
                Verdict::Rounded(defect)
            }
        }
        _ if defect <= demand.tolerance => {
            if demand.rigorous {
                Verdict::Unproved(defect)
            } else {
                Verdict::Certified(defect)
            }
        }
        Some(farkas) => Verdict::Inconsistent(farkas.residual),
        None if demand.rigorous => Verdict::Unproved(defect),
        None => Verdict::Uncertified(defect),
    }
}

/// The L1 minimum with everything that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The pair. Its status agrees with the verdict.
    pub solution: L1Solution,
    /// Its certificate.
    pub certificate: Certificate,
    /// The proved bounds; `None` where there is no solution.
    pub enclosure: Option<Enclosure>,
    /// Why there is no solution.
    pub infeasibility: Option<Farkas>,
    /// What may be said.
    pub verdict: Verdict,
}

impl Decision {
    /// The off-support slack δ of the minimum: the largest over its dual solutions, whichever of
    /// them this pair has. `None` where it cannot be found.
    pub fn slack(&self, problem: &Problem) -> Option<Slack> {
        let mut x = vec![0.0; self.solution.x.len()];
        // What is left of entries that rounding alone keeps from 0 is no support.
        self.certificate.support.iter().for_each(|j| x[*j] = self.solution.x[*j]);
        off_support_slack(problem, &x).ok()
    }
    /// What the verdict rests on.
    pub fn evidence(&self) -> Evidence<'_> {
        Evidence {
            certificate: Some(&self.certificate),
            enclosure: self.enclosure.as_ref(),
            infeasibility: self.infeasibility.as_ref(),
            other: None,
        }
    }
}

/// Finds the minimum, proves what can be proved by intervals, and asks exact arithmetic where that
/// is not enough.
///
/// ```
/// use mirrorflow::limit::{Demand, decide};
/// use mirrorflow::problem::Problem;
///
/// // The rows differ by one part in 2⁴⁸: x = (1, 0, 0) leaves a residual at rounding, but only (1, 1, 0) is a solution.
/// let tiny = 2.0_f64.powi(-48);
/// let problem =
///     Problem::from_rows(vec![1.0, 0.0, 0.0, 1.0, tiny, 0.0], vec![1.0, 1.0 + tiny])?;
/// let found = decide(&problem, &Demand::default())?;
/// assert!(found.verdict.is_known());
/// assert_eq!(found.solution.x, vec![1.0, 1.0, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the scales of y and Z are so far apart that x overflows.
pub fn decide(problem: &Problem, demand: &Demand) -> Result<Decision> {
    let mut solution = match l1_minimum(problem) {
        Ok(found) => found,
        // Scales beyond floating point: exact arithmetic says whether there is a solution.
        Err(error) => match exact::solvable(problem, &vec![0.0; problem.features()], exact::SECOND)
        {
            Exact::Refused => return Err(error),
            _ => lp::trivial(problem, Route::Exact, Status::Stalled, None),
        },
    };
    let mut infeasibility = solution.infeasibility.take();
    let mut enclosure = None;
    if !infeasibility.as_ref().is_some_and(Farkas::is_proof) {
        let mut bounds = enclose(problem, &solution.x, &solution.mu)?;
        if bounds.relative_width() > demand.tolerance.min(Demand::default().tolerance) {
            let seconds = if demand.rigorous { 30 } else { 2 };
            match exact::decide(problem, &solution.x, &solution.mu, seconds * exact::SECOND) {
                Exact::Vertex(vertex) => {
                    let mut exact = Enclosure::of_vertex(&vertex);
                    exact.l1_lower = exact.l1_lower.max(bounds.l1_lower);
                    let before = certify_unranked(problem, &solution.x, &solution.mu);
                    // Where the work was not enough, what is certified to rounding stays the answer
                    // unless a proof is asked for.
                    let known = exact.relative_width() <= demand.tolerance;
                    let refuted = exact.l1_lower > before.l1 * (1.0 + demand.tolerance);
                    let open = demand.rigorous
                        || refuted
                        || bounds.status.is_solvable()
                        || before.defect() > demand.tolerance;
                    if exact.l1_upper > bounds.l1_upper {
                        bounds.l1_lower = exact.l1_lower;
                    } else if known || open {
                        bounds = exact;
                        let mut pair = of_vertex(vertex, Status::Converged);
                        // μ may lose more in its rounding than the former one is off.
                        let after = certify_unranked(problem, &pair.x, &pair.mu);
                        if before.dual_value > after.dual_value {
                            pair.mu.clone_from(&solution.mu);
                        }
                        solution = pair;
                    }
                }
                Exact::NoSolution(farkas) => infeasibility = Some(farkas),
                Exact::Refused => {}
            }
        }
        enclosure = Some(bounds);
    }
    if infeasibility.as_ref().is_some_and(Farkas::is_proof) {
        enclosure = None;
    } else if enclosure.as_ref().is_some_and(|e| e.status.is_solvable()) {
        infeasibility = None;
    }
    let certificate = certify(problem, &solution.x, &solution.mu)?;
    let mut found = Decision {
        solution,
        certificate,
        enclosure,
        infeasibility,
        verdict: Verdict::Uncertified(f64::INFINITY),
    };
    found.verdict = judge(&found.evidence(), demand);
    let solution = &mut found.solution;
    solution.status = match found.verdict {
        verdict if verdict.is_known() => Status::Converged,
        Verdict::NoSolution => Status::Infeasible,
        Verdict::Inconsistent(_) => Status::Inconsistent,
        _ if solution.status.is_converged() => Status::Stalled,
        _ => solution.status,
    };
    solution.infeasibility.clone_from(&found.infeasibility);
    Ok(found)
}

#[cfg(test)]
mod tests;

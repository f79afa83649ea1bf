//! The end of the flow without time: `argmin R_a(x) s.t. Zx = y`, its limit `a → 0` (the
//! L1-minimal interpolator), and certificates for both.
//!
//! Assumptions: a [`Problem`](crate::problem::Problem) is finite and consistent in shape; whether
//! `Zx = y` can be solved at all is decided here and reported as a [`Status`], never as an error.
//!
//! Nothing in this module integrates in time, so that it stays an independent route to what a flow
//! ends at.

mod certificate;
mod l1;
pub mod ladder;
mod lasso;
pub mod lp;
pub mod newton;
pub mod path;
mod polish;
mod slack;
mod verdict;

pub use certificate::{Certificate, Enclosure, EnclosureStatus, certify, enclose};
pub use l1::l1_minimum;
pub use lasso::{LassoEvent, LassoOptions, LassoPath, LassoStatus, lasso, lasso_path};
pub(crate) use newton::core::ascending;
pub(crate) use newton::finish::{
    LEAST, LONGEST, PIVOTS, PLAIN, REFINABLE, ROUNDING, SETTLED, far_from_dependent,
};
pub use polish::polish;
pub use slack::{Slack, off_support_slack};
pub use verdict::{Decision, Demand, Evidence, Verdict, decide, judge};

use std::fmt;

/// How a solve ended. The text (its [`Display`](fmt::Display)) is the advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// The stopping test was met.
    Converged,
    /// The bound on the iterations was reached first.
    MaxIterations,
    /// No step improves the point any more, and the stopping test is not met.
    Stalled,
    /// The stopping test was met, but rows of Z are combinations of others to working precision and
    /// not exactly: the answer belongs to a problem whose entries differ from the given ones by
    /// rounding, and this many of its digits are certain for the entries as given.
    Deficient {
        /// Decimal digits.
        digits: u8,
    },
    /// `Zx = y` has no solution, which the exact vector of the [`Farkas`] certificate proves.
    Infeasible,
    /// No x was found that meets `Zx = y` better than the residual of the [`Farkas`] certificate
    /// says; it is numerical, and no proof.
    Inconsistent,
    /// It was asked to stop ([`Cancel`](crate::Cancel)) before it came to this.
    Cancelled,
}

impl Status {
    /// Whether the answer can be used as it stands.
    pub fn is_converged(self) -> bool {
        matches!(self, Self::Converged)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::MaxIterations => {
                "the bound on the steps was reached first: raise it (--max-iterations, `max_iterations` of the \
                 options), or see how far it came by the residual"
            }
            Self::Stalled => {
                "rounding stops further progress: the residual says what was reached; rows or \
                 columns that are nearly dependent or of very different size are the usual cause"
            }
            Self::Cancelled => "interrupted before this was reached",
            Self::Deficient { digits } => {
                return write!(
                    f,
                    "rows of Z are dependent to working precision, but not exactly: the answer meets all of them \
                     to rounding, and for the numbers as given {digits} of its digits are certain; remove a row \
                     that depends on others, or give it with more digits"
                );
            }
            Self::Infeasible => {
                "Zx = y has no solution: some combination u of the rows has Zᵀu = 0 but yᵀu > 0; \
                 correct or remove a row that u combines"
            }
            Self::Inconsistent => {
                "Zx = y is numerically inconsistent: least squares leave a residual, but nothing is \
                 proved; correct or remove a row that u combines, or fit with a constant weight decay \
                 (solve --schedule constant:c)"
            }
        })
    }
}

/// Which route found an L1 minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// LASSO homotopy, λ → 0.
    Lars,
    /// Dual Newton over a decreasing ladder of `log a`.
    Ladder,
    /// Simplex (`microlp`).
    Microlp,
    /// Interior point (`clarabel`).
    Clarabel,
    /// Simplex (HiGHS, feature `highs`).
    Highs,
    /// The project's own dense interior point.
    InteriorPoint,
    /// `Zx = y` has one solution (or y = 0): nothing to minimise.
    Unique,
    /// Exact pivots, where doubles do not decide.
    Exact,
}

impl Route {
    /// What it does, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lars => "by LASSO homotopy",
            Self::Ladder => "by Newton's method as a falls",
            Self::Microlp | Self::Highs => "by simplex",
            Self::Clarabel | Self::InteriorPoint => "by interior points",
            Self::Unique => "the only solution",
            Self::Exact => "by exact pivots",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lars => "lars",
            Self::Ladder => "ladder",
            Self::Microlp => "microlp",
            Self::Clarabel => "clarabel",
            Self::Highs => "highs",
            Self::InteriorPoint => "interior-point",
            Self::Unique => "unique",
            Self::Exact => "exact",
        })
    }
}

/// Why `Zx = y` cannot be solved: a combination u of the rows.
///
/// With `Zᵀu = 0` and `yᵀu > 0` in exact arithmetic no x solves `Zx = y` (Fredholm's alternative);
/// then [`Farkas::exact`] has that u. Where the problem is too large for that, u is known in
/// floating point only: for every x with `Zx = y`, `yᵀu = xᵀ(Zᵀu) ≤ ‖x‖₁ ‖Zᵀu‖_∞`, hence
/// `‖x‖₁ ≥ yᵀu / ‖Zᵀu‖_∞ = l1_lower`, which is beyond anything that the data could mean when `Zᵀu`
/// is zero to rounding, but no proof that there is no solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Farkas {
    /// Combination of the rows, length d, scaled by a power of two so that `1 ≤ ‖u‖_∞ ≤ 2`.
    pub u: Vec<f64>,
    /// `‖Zᵀu‖_∞`: 0 for the exact u, else by compensated sums.
    pub zt_u_inf: f64,
    /// `yᵀu > 0`, by compensated sums.
    pub yt_u: f64,
    /// `yᵀu / ‖Zᵀu‖_∞`, rounded down: no solution has a smaller `‖x‖₁`. ∞ only with a proof.
    pub l1_lower: f64,
    /// `yᵀu / (‖y‖₂ ‖u‖₂)`: as far as `Zᵀu = 0`, no x has a smaller relative residual
    /// `‖Zx − y‖₂ / ‖y‖₂`.
    pub residual: f64,
    /// The proof: integers u with `Zᵀu = 0` and `yᵀu > 0` for the numbers of Z and y as they stand,
    /// in decimal; `None` where nothing is proved.
    pub exact: Option<Vec<String>>,
}

impl Farkas {
    /// Whether it is a theorem that there is no solution.
    pub fn is_proof(&self) -> bool {
        self.exact.is_some()
    }
    /// The status that it gives a solve.
    pub fn status(&self) -> Status {
        if self.is_proof() { Status::Infeasible } else { Status::Inconsistent }
    }
    /// The rows that u combines.
    pub fn rows(&self) -> Vec<usize> {
        (0..self.u.len()).filter(|i| self.u[*i] != 0.0).collect()
    }
}

/// The minimiser of `R_a(x)` subject to `Zx = y`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The point, length n.
    pub x: Vec<f64>,
    /// Dual variable of `Zx = y`, length d: `x = a sinh(2Zᵀμ + θ₀)`. Zero on rows that depend on
    /// others.
    pub mu: Vec<f64>,
    /// `log a`, length n.
    pub log_a: Vec<f64>,
    /// Larger of the relative residuals of `Zx = y` and of `x = a sinh(2Zᵀμ + θ₀)`: the
    /// componentwise backward errors of the limit solver.
    pub kkt_residual: f64,
    /// `‖Zx − y‖₂ / ‖y‖₂` (absolute when y = 0), by compensated sums.
    pub feasibility: f64,
    /// Newton steps taken in all.
    pub iterations: usize,
    /// Numerical rank of Z; below d the rows are dependent.
    pub rank: usize,
    /// How it ended.
    pub status: Status,
    /// Why there is no solution, when the status is [`Status::Infeasible`] or
    /// [`Status::Inconsistent`].
    pub infeasibility: Option<Farkas>,
}

/// A solution of `min ‖x‖₁ s.t. Zx = y` with its dual point, before it is certified.
#[derive(Debug, Clone, PartialEq)]
pub struct L1Solution {
    /// The point, length n.
    pub x: Vec<f64>,
    /// Dual point of `max yᵀμ s.t. ‖Zᵀμ‖_∞ ≤ 1`, length d.
    pub mu: Vec<f64>,
    /// `‖x‖₁`.
    pub l1: f64,
    /// The route that found it.
    pub route: Route,
    /// How it ended.
    pub status: Status,
    /// Iterations (pivots, knots, Newton steps) of that route.
    pub iterations: usize,
    /// Why there is no solution, when the status is [`Status::Infeasible`] or
    /// [`Status::Inconsistent`].
    pub infeasibility: Option<Farkas>,
}

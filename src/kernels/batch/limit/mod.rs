//! The ends of many flows without time: `argmin R_a(x) s.t. Zx = y` for a batch of problems, squared loss.
//!
//! `max_μ yᵀμ − ½ Σ a cosh(2Zᵀμ + θ₀)`, then `x = a sinh(2Zᵀμ + θ₀)` (the potential of
//! [`HyperbolicEntropy`](crate::potential::HyperbolicEntropy)); Newton's method over a decreasing ladder of
//! log a (`host.rs`). Everything stays in the log domain, log a ∈ [−10⁶, 50].
//!
//! Assumption: the rows of Z are far from dependent and doubles see every entry of x that counts. Where that is
//! not so, [`limit::newton`](crate::limit::newton) takes over, for that problem alone (`robust.rs`); inconsistent
//! systems are an [`Ending`].
//!
//! A Newton step takes `d²n` flops for H, `d³/3` for its factor and `4dn` for products; Z and H, 8(dn + d²)
//! bytes, stay in cache. Problems are shared out to threads whole, so that a result depends neither on the
//! number of threads nor on the rest of the batch, bit for bit.

mod device;
mod host;
mod robust;
mod scaled;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

pub use self::device::{SOURCE, limits_on};
use self::{
    host::Core,
    robust::{Judge, robust},
    scaled::{Matrix, Solved},
};
use crate::{Error, Result};

/// A batch of B problems with d samples and n features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch<'a> {
    /// Samples.
    pub d: usize,
    /// Features.
    pub n: usize,
    /// Z, d×n for all problems or B×d×n, row-major.
    pub z: &'a [f64],
    /// y, B×d.
    pub y: &'a [f64],
    /// log a, length B.
    pub log_a: &'a [f64],
    /// θ₀, B×n; empty where it is 0.
    pub theta: &'a [f64],
}

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Relative residual `‖Zx − y‖/‖y‖` at which Newton's method stops. Default 1e-13.
    pub tolerance: f64,
    /// Bound on the Newton steps of a problem. Default 2000.
    pub max_steps: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { tolerance: 1e-13, max_steps: 2000 }
    }
}

/// How one problem ended. The text (its [`Display`](fmt::Display)) is the advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The residual is below the tolerance, or below the rounding of x.
    Converged,
    /// Rounding stops further progress.
    Stalled,
    /// The bound on the steps was reached.
    MaxIterations,
    /// Rows of Z depend on others to working precision, but not exactly, or y does not agree with that.
    Dependent,
    /// A number of this problem is NaN, infinite or out of range.
    BadInput,
    /// The batch was cancelled before this problem was begun.
    Cancelled,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::Stalled => "rounding stops further progress: the residual says what was reached",
            Self::MaxIterations => {
                "the bound on the steps was reached first: raise `max_steps` of the options"
            }
            Self::Dependent => {
                "rows of Z depend on others to working precision, not exactly or not with y: \
                 `limit::newton` says how far"
            }
            Self::BadInput => {
                "Z, y or θ of this problem is not finite, or log a is outside [-1e6, 50]"
            }
            Self::Cancelled => "cancelled before it was begun",
        })
    }
}

/// The limits of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// x, B×n; NaN where the ending is [`Ending::Dependent`], [`Ending::BadInput`] or [`Ending::Cancelled`].
    pub x: Vec<f64>,
    /// μ, B×d; NaN likewise.
    pub mu: Vec<f64>,
    /// `‖Zx − y‖/‖y‖`, length B (absolute where y = 0), as far as rounding lets it be seen.
    pub residual: Vec<f64>,
    /// Newton steps, length B.
    pub steps: Vec<u32>,
    /// How each ended, length B.
    pub ending: Vec<Ending>,
}

/// Solves a batch on this processor; `cancel` is looked at before every problem.
///
/// ```
/// use mirrorflow::kernels::batch::limit::{Batch, Ending, Options, limits};
/// // x₁ + 2x₂ = 2: as a → 0 only the second column survives.
/// let batch = Batch {
///     d: 1, n: 2, z: &[1.0, 2.0], y: &[2.0, 2.0], log_a: &[5.0, -200.0], theta: &[],
/// };
/// let done = limits(&batch, &Options::default(), None)?;
/// assert_eq!(done.ending, [Ending::Converged; 2]);
/// assert!((done.x[0] - 0.4).abs() < 1e-4 && (done.x[3] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a length is wrong or an option is not positive. What is wrong with one problem is its ending.
pub fn limits(batch: &Batch<'_>, options: &Options, cancel: Option<&AtomicBool>) -> Result<Limits> {
    check(batch, options)?;
    let count = batch.log_a.len();
    let shared = batch.shared().then(|| Matrix::new(batch.d, batch.n, batch.z));
    let solved: Vec<Solved> = (0..count)
        .into_par_iter()
        .map_init(
            || (Core::new(batch.d, batch.n), Judge::new(batch.d, batch.n)),
            |(core, judge), b| {
                if cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
                    return Solved::not(batch.d, batch.n, Ending::Cancelled);
                }
                let own;
                let matrix = match &shared {
                    Some(matrix) => matrix,
                    None => {
                        own = Matrix::new(batch.d, batch.n, batch.matrix(b));
                        &own
                    }
                };
                solve_one(core, judge, matrix, batch, b, options)
            },
        )
        .collect();
    Ok(gather(solved))
}

fn gather(solved: Vec<Solved>) -> Limits {
    let numbers = |of: fn(&Solved) -> usize| Vec::with_capacity(solved.iter().map(of).sum());
    let mut out = Limits {
        x: numbers(|one| one.x.len()),
        mu: numbers(|one| one.mu.len()),
        residual: Vec::with_capacity(solved.len()),
        steps: Vec::with_capacity(solved.len()),
        ending: Vec::with_capacity(solved.len()),
    };
    for one in solved {
        out.x.extend(one.x);
        out.mu.extend(one.mu);
        out.residual.push(one.residual);
        out.steps.push(one.steps);
        out.ending.push(one.ending);
    }
    out
}

fn check(batch: &Batch<'_>, options: &Options) -> Result<()> {
    let (d, n, count) = (batch.d, batch.n, batch.log_a.len());
    let shape = |what: &str, expected: String, found: usize| {
        Err(Error::Shape { what: what.into(), expected, found: format!("({found})") })
    };
    if d == 0 || n == 0 || (batch.z.len() != d * n && batch.z.len() != count * d * n) {
        let expected = format!("({d}×{n}) or ({count}×{d}×{n}), d and n at least 1");
        return shape("z", expected, batch.z.len());
    }
    if batch.y.len() != count * d {
        return shape("y", format!("({count}×{d})"), batch.y.len());
    }
    if !batch.theta.is_empty() && batch.theta.len() != count * n {
        return shape("theta", format!("({count}×{n}) or empty"), batch.theta.len());
    }
    if !(options.tolerance > 0.0 && options.tolerance.is_finite() && options.max_steps > 0) {
        return Err(Error::Domain {
            what: "options of the limits".into(),
            expected: "a positive tolerance and at least one step".into(),
            found: format!("{options:?}"),
        });
    }
    Ok(())
}

/// One problem of a batch.
pub(super) struct One<'a> {
    pub(super) y: &'a [f64],
    pub(super) log_a: f64,
    pub(super) theta: &'a [f64],
}

impl<'a> Batch<'a> {
    /// Whether all problems have one Z.
    pub(super) fn shared(&self) -> bool {
        self.z.len() == self.d * self.n
    }

    /// Z of problem b.
    pub(super) fn matrix(&self, b: usize) -> &'a [f64] {
        let size = self.d * self.n;
        if self.shared() { self.z } else { &self.z[b * size..(b + 1) * size] }
    }

    pub(super) fn one(&self, b: usize) -> One<'a> {
        let of = |all: &'a [f64], width: usize| {
            if all.is_empty() { all } else { &all[b * width..(b + 1) * width] }
        };
        One { y: of(self.y, self.d), log_a: self.log_a[b], theta: of(self.theta, self.n) }
    }
}

fn solve_one(
    core: &mut Core,
    judge: &mut Judge,
    matrix: &Matrix,
    batch: &Batch<'_>,
    b: usize,
    options: &Options,
) -> Solved {
    let scaled = match matrix.scaled(batch.n, &batch.one(b)) {
        Ok(scaled) => scaled,
        Err(Ending::Dependent) => return robust(batch, b, options),
        Err(ending) => return Solved::not(batch.d, batch.n, ending),
    };
    let (ending, residual) = core.solve(
        &matrix.z,
        &scaled.y,
        scaled.log_a,
        &scaled.theta,
        options.tolerance,
        options.max_steps,
    );
    let mut solved = Solved {
        x: core.x.clone(),
        mu: core.mu.clone(),
        residual,
        steps: core.steps as u32,
        ending,
    };
    if judge.trusts(matrix, &scaled, &mut solved, core.factor()) {
        solved.unscaled(matrix, &scaled)
    } else {
        robust(batch, b, options)
    }
}

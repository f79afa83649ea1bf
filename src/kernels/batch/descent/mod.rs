//! Batches of gradient descents and SGD runs on one Z, squared loss:
//!
//! | objective | step, with `g = ∇f(x)` on the batch of the step |
//! |---|---|
//! | `f(m⊙w) + α(‖m‖²+‖w‖²)` | `m −= η(g⊙w + 2αm)`, `w −= η(g⊙m + 2αw)` |
//! | `f(m⊙w) + α‖m‖₁` | `m −= η(g⊙w + α sign m)`, `w −= η g⊙m` |
//! | `f(x) + α‖x‖₁` | `x −= η(g + α sign x)` |
//!
//! At 0 the subgradient of least norm is taken. A full gradient is two matrix products over a block,
//! `R = ZX − Y` and `G = ZᵀR/d`: 4dn flops for a run and step, with 2dn numbers of Z read for a block of
//! 16. SGD takes its rows run by run: `4bn` flops for batches of b.

mod device;
mod host;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

pub use self::device::{SOURCE, descend_in_time_on, descend_on};
use self::host::Block;
use super::{
    LANES, Outcome,
    records::{pieces, records_of},
};
use crate::{Error, Result, problem::Problem, schedule::Schedule};

/// What each run minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// `f(m⊙w) + α(‖m‖² + ‖w‖²)`.
    MaskWeight,
    /// `f(m⊙w) + α‖m‖₁`.
    MaskL1,
    /// `f(x) + α‖x‖₁`.
    PlainL1,
}

/// One run: where it starts and how it is regularised.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// m₀ (or x₀), length n.
    pub first: Vec<f64>,
    /// w₀, length n; empty for [`Objective::PlainL1`].
    pub second: Vec<f64>,
    /// α, a function of the number of the step (not of time): `harmonic:c` gives c/(k+1).
    pub schedule: Schedule,
    /// Seed of its batches.
    pub seed: u64,
}

/// How to descend.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Step size η > 0.
    pub step: f64,
    /// Number of steps.
    pub steps: u64,
    /// Samples of a batch, drawn without replacement: each pass uses every sample once. `None` is
    /// gradient descent.
    pub batch: Option<usize>,
    /// The steps after which x is recorded, increasing; 0 is the start.
    pub record: Vec<u64>,
}

/// What a batch of runs came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Descents {
    /// x at the recorded steps, R×B×n.
    pub x: Vec<f64>,
    /// How each run ended, length B.
    pub outcome: Vec<Outcome>,
}

/// Runs `runs` on `problem`. `cancel` is looked at every 256 steps.
///
/// ```
/// use mirrorflow::kernels::batch::descent::{Objective, Options, Run, descend};
/// use mirrorflow::problem::Problem;
/// use mirrorflow::schedule::Schedule;
///
/// let problem = Problem::from_rows(vec![1.0, 2.0], vec![1.0])?;
/// let run = Run { first: vec![1.0; 2], second: vec![0.0; 2], schedule: Schedule::None, seed: 0 };
/// let options = Options { step: 0.05, steps: 400, batch: None, record: vec![0, 400] };
/// let done = descend(&problem, Objective::MaskWeight, &[run.clone(), run], &options, None)?;
/// let x = &done.x[4..6]; // record 1, run 0
/// assert!((x[0] + 2.0 * x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a start has the wrong length, the step, a schedule or the batch size is out of range, or the
/// recorded steps do not increase to `steps`, or the records do not fit in memory. A start that is not finite is its run's outcome.
pub fn descend(
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Descents> {
    check(problem, objective, runs, options)?;
    let (n, records) = (problem.features(), options.record.len());
    let mut x = records_of(records, runs.len(), n)?;
    let mut outcome = vec![Outcome::Complete; runs.len()];
    let slots = pieces(&mut x, records, runs.len(), n, LANES);
    let work = runs.chunks(LANES).zip(slots).zip(outcome.chunks_mut(LANES)).collect::<Vec<_>>();
    work.into_par_iter().with_max_len(1).for_each(|((runs, slots), outcome)| {
        Block::new(problem, objective, runs, options).go(slots, outcome, cancel);
    });
    Ok(Descents { x, outcome })
}

fn check(problem: &Problem, objective: Objective, runs: &[Run], options: &Options) -> Result<()> {
    let (d, n) = (problem.samples(), problem.features());
    let domain = |what: String, expected: &str, found: String| Error::Domain {
        what,
        expected: expected.into(),
        found,
    };
    if !(options.step > 0.0 && options.step.is_finite()) {
        let found = options.step.to_string();
        return Err(domain("the step size".into(), "a positive finite number", found));
    }
    if let Some(b) = options.batch
        && (b == 0 || b > d)
    {
        let expected = format!("1 to the number of samples, {d}");
        return Err(domain("the batch size".into(), &expected, b.to_string()));
    }
    let increases = options.record.windows(2).all(|p| p[0] < p[1]);
    if !increases || options.record.last().is_some_and(|last| *last > options.steps) {
        let expected = format!("increasing, at most the {} steps taken", options.steps);
        return Err(domain(
            "the recorded steps".into(),
            &expected,
            format!("{:?}", options.record),
        ));
    }
    for (k, run) in runs.iter().enumerate() {
        run.schedule.check()?;
        let second = if objective == Objective::PlainL1 { 0 } else { n };
        for (name, values, length) in [("first", &run.first, n), ("second", &run.second, second)] {
            if values.len() != length {
                return Err(Error::Shape {
                    what: format!("runs[{k}].{name}"),
                    expected: format!("({length})"),
                    found: format!("({})", values.len()),
                });
            }
        }
    }
    Ok(())
}

/// The entry of a start that is not a finite number, which ends its run before the first step.
fn not_finite(run: &Run) -> Option<Outcome> {
    [("first", &run.first), ("second", &run.second)].into_iter().find_map(|(array, values)| {
        let index = values.iter().position(|v| !v.is_finite())?;
        Some(Outcome::NotFinite { array, index })
    })
}

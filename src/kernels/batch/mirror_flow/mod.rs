//! Batches of mirror flows: `ν' = (Zx − y)/d`, `x = a_t sinh(θ₀ − 2Zᵀν)`, `a_t = a₀ e^{−4A(t)}`, the dual
//! flow of `flow::Dual` with the squared loss, for many y, starts, schedules and, if wanted, many Z.
//!
//! *Method.* RODAS5P (order 5, L-stable), with exact J and F_t: the flow is stiff wherever x is large, and
//! the steps of an implicit method number a few dozen whatever the run, so that a block of runs, one to a
//! lane of the vector unit, stays busy. Each run has its own time, step and error control, measured by
//! `max(‖δx‖_∞/(atol + rtol‖x‖_∞), 2‖Zᵀδν‖_∞/(rtol max(1, ‖θ‖_∞)))`, `δx = −2√(x²+a²) ⊙ Zᵀδν`; a lane
//! whose run has ended takes the next. What a run comes to does not depend on the size of the batch, its
//! place in it, or the number of threads, bit for bit.
//!
//! *Layout.* Z is d×n, row-major, or B×d×n; y is B×d; records are R×B×n and R×B.
//!
//! *Precision.* In f32 Z, the state and all products are f32 while times and step control stay f64. The
//! exponents `θ − log a` carry a relative error of 6e-8, so f32 is refused where that exceeds rtol. On a
//! CUDA device all is f64, whatever is asked for.

mod device;
mod host;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

pub use self::device::{SOURCE, integrate_on};

use self::host::{Block, End, Slots};
use super::Outcome;
use super::records::{pieces, records_of};
use crate::numerics::lanes::Real;
use crate::potential::HyperbolicEntropy;
use crate::schedule::Schedule;
use crate::{Error, Result};

/// The matrices of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Features<'a> {
    /// One Z for all runs, d×n, row-major.
    Shared(&'a [f64]),
    /// A Z for each run, B×d×n.
    Individual(&'a [f64]),
}

/// B runs.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// d, the rows of each Z.
    pub samples: usize,
    /// n, its columns.
    pub features: usize,
    /// Z.
    pub z: Features<'a>,
    /// Targets, B×d.
    pub y: &'a [f64],
    /// Scale and tilt at the start, one for all runs or one for each.
    pub start: &'a [HyperbolicEntropy],
    /// α, one for all runs or one for each.
    pub schedule: &'a [Schedule],
}

/// The format a batch computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Double.
    #[default]
    F64,
    /// Single: half the time where rtol is 1e-4 or more.
    F32,
}

/// What to record and how accurately to integrate.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Times to record, increasing; the last is the end.
    pub times: Vec<f64>,
    /// Relative tolerance of a step.
    pub rtol: f64,
    /// Absolute tolerance of a step.
    pub atol: f64,
    /// Steps and rejections after which a run is given up.
    pub max_steps: u64,
    /// A fixed step (shorter where a time or a jump of α is met) instead of error control.
    pub step: Option<f64>,
    /// The format of the arithmetic.
    pub precision: Precision,
    /// Whether x is recorded, beside its norm and its residuals.
    pub record_x: bool,
}

impl Options {
    /// To `t_end`, which alone is recorded; rtol 1e-6, atol 1e-12.
    pub fn until(t_end: f64) -> Self {
        Self {
            times: vec![t_end],
            rtol: 1e-6,
            atol: 1e-12,
            max_steps: 100_000,
            step: None,
            precision: Precision::F64,
            record_x: true,
        }
    }
}

/// What a batch came to. A record that a run did not reach is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Flows {
    /// x, R×B×n; empty unless recorded.
    pub x: Vec<f64>,
    /// `f(x)`, R×B.
    pub loss: Vec<f64>,
    /// `‖x‖₁`, R×B.
    pub l1: Vec<f64>,
    /// `‖Zx − y‖_∞`, R×B.
    pub kkt: Vec<f64>,
    /// How each run ended, B.
    pub outcome: Vec<Outcome>,
    /// The time each run reached, B.
    pub t: Vec<f64>,
    /// Steps accepted, B.
    pub steps: Vec<u64>,
    /// Steps rejected, B.
    pub rejections: Vec<u64>,
}

/// Integrates every run of `batch`; `cancel` is looked at before every step.
///
/// ```
/// use mirrorflow::kernels::batch::mirror_flow::{Batch, Features, Options, integrate};
/// use mirrorflow::potential::HyperbolicEntropy;
/// use mirrorflow::schedule::Schedule;
///
/// // x₁ + 2x₂ = 1 and x₁ + 2x₂ = 3, from a = ½ with α ≡ 0.
/// let batch = Batch {
///     samples: 1,
///     features: 2,
///     z: Features::Shared(&[1.0, 2.0]),
///     y: &[1.0, 3.0],
///     start: &[HyperbolicEntropy::uniform(2, 0.5_f64.ln())?],
///     schedule: &[Schedule::None],
/// };
/// let flows = integrate(&batch, &Options::until(100.0), None)?;
/// assert!((flows.x[0] + 2.0 * flows.x[1] - 1.0).abs() < 1e-9);
/// assert!((flows.x[2] + 2.0 * flows.x[3] - 3.0).abs() < 1e-9);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a shape, an option, a schedule or a shared Z is wrong, or the records do not fit in memory. What
/// is wrong with one run only is its outcome.
pub fn integrate(
    batch: &Batch<'_>,
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Flows> {
    let runs = check(batch, options)?;
    match options.precision {
        Precision::F64 => all::<f64>(batch, options, runs, cancel),
        Precision::F32 => all::<f32>(batch, options, runs, cancel),
    }
}

fn all<T: Real>(
    batch: &Batch<'_>,
    options: &Options,
    runs: usize,
    cancel: Option<&AtomicBool>,
) -> Result<Flows> {
    let (records, n) = (options.times.len(), batch.features);
    let mut x = records_of(records, runs, if options.record_x { n } else { 0 })?;
    let mut loss = records_of(records, runs, 1)?;
    let mut l1 = records_of(records, runs, 1)?;
    let mut kkt = records_of(records, runs, 1)?;
    let unset = End { outcome: Outcome::Cancelled { step: 0 }, t: 0.0, steps: 0, rejections: 0 };
    let mut ends = vec![unset; runs];
    // Long queues keep lanes busy, many queues keep threads busy.
    let width = T::width();
    let queue = (runs / (8 * rayon::current_num_threads())).clamp(4 * width, 64 * width);
    let wide = if options.record_x { n } else { 0 };
    let parts = pieces(&mut x, records, runs, wide, queue)
        .into_iter()
        .zip(pieces(&mut loss, records, runs, 1, queue))
        .zip(pieces(&mut l1, records, runs, 1, queue))
        .zip(pieces(&mut kkt, records, runs, 1, queue))
        .zip(ends.chunks_mut(queue))
        .enumerate()
        .map(|(k, ((((x, loss), l1), kkt), ends))| Slots {
            first: k * queue,
            x,
            loss,
            l1,
            kkt,
            ends,
        });
    let mut parts: Vec<Slots<'_>> = parts.collect();
    let z = host::shared::<T>(batch);
    parts.par_iter_mut().with_max_len(1).for_each_init(
        || Block::<T>::new(batch, options, &z),
        |block, slots| block.go(slots, cancel),
    );
    drop(parts);
    Ok(Flows {
        x,
        loss,
        l1,
        kkt,
        outcome: ends.iter().map(|e| e.outcome).collect(),
        t: ends.iter().map(|e| e.t).collect(),
        steps: ends.iter().map(|e| e.steps).collect(),
        rejections: ends.iter().map(|e| e.rejections).collect(),
    })
}

/// The entry of a run's own data that is not a finite number, which ends it before it begins.
fn not_finite(batch: &Batch<'_>, run: usize) -> Option<Outcome> {
    let (d, size) = (batch.samples, batch.samples * batch.features);
    let z = match batch.z {
        Features::Shared(_) => &[],
        Features::Individual(z) => &z[run * size..(run + 1) * size],
    };
    [("y", &batch.y[run * d..(run + 1) * d]), ("Z", z)].into_iter().find_map(|(array, values)| {
        let index = values.iter().position(|v| !v.is_finite())?;
        Some(Outcome::NotFinite { array, index })
    })
}

/// The number of runs.
fn check(batch: &Batch<'_>, options: &Options) -> Result<usize> {
    let Batch { samples: d, features: n, .. } = *batch;
    let shape = |what: &str, expected: String, found: usize| Error::Shape {
        what: what.into(),
        expected,
        found: format!("{found} numbers"),
    };
    if d == 0 || n == 0 {
        return Err(shape("Z", "at least 1×1".into(), d * n));
    }
    let runs = batch.y.len() / d;
    if batch.y.len() != runs * d || runs == 0 {
        return Err(shape("y", format!("B×{d} numbers, B at least 1"), batch.y.len()));
    }
    match batch.z {
        Features::Shared(z) if z.len() != d * n => {
            return Err(shape("Z", format!("{d}×{n} numbers"), z.len()));
        }
        Features::Individual(z) if z.len() != runs * d * n => {
            return Err(shape("Z", format!("{runs}×{d}×{n} numbers"), z.len()));
        }
        Features::Shared(z) => {
            if let Some(k) = z.iter().position(|v| !v.is_finite()) {
                let index = format!("{},{}", k / n, k % n);
                return Err(Error::NotFinite { what: "Z".into(), index, value: z[k] });
            }
        }
        Features::Individual(_) => {}
    }
    for (what, found) in [("start", batch.start.len()), ("schedule", batch.schedule.len())] {
        if found != 1 && found != runs {
            return Err(Error::Shape {
                what: what.into(),
                expected: format!("(1) or ({runs}), one per run"),
                found: format!("({found})"),
            });
        }
    }
    for (k, start) in batch.start.iter().enumerate() {
        if start.log_a().len() != n {
            return Err(Error::Shape {
                what: format!("start[{k}]"),
                expected: format!("({n}), one per feature"),
                found: format!("({})", start.log_a().len()),
            });
        }
    }
    batch.schedule.iter().try_for_each(Schedule::check)?;
    check_options(batch, options)?;
    Ok(runs)
}

fn check_options(batch: &Batch<'_>, options: &Options) -> Result<()> {
    let domain = |what: String, expected: &str, found: String| Error::Domain {
        what,
        expected: expected.into(),
        found,
    };
    let Options { rtol, atol, .. } = *options;
    if !(rtol > 0.0 && rtol < 1.0) {
        return Err(domain("rtol".into(), "a number in (0, 1)", rtol.to_string()));
    }
    if !(atol > 0.0 && atol.is_finite()) {
        return Err(domain("atol".into(), "a positive finite number", atol.to_string()));
    }
    if let Some(h) = options.step
        && !(h > 0.0 && h.is_finite())
    {
        return Err(domain("the step".into(), "a positive finite number", h.to_string()));
    }
    if options.times.is_empty() {
        return Err(domain("times".into(), "at least one, the end", "none".into()));
    }
    let mut last = -1.0;
    for (i, &t) in options.times.iter().enumerate() {
        if !(t > last && t >= 0.0 && t.is_finite()) {
            let expected = "finite times from 0 on, increasing";
            return Err(domain(format!("times[{i}]"), expected, t.to_string()));
        }
        last = t;
    }
    if options.precision == Precision::F32 {
        let largest =
            batch.start.iter().flat_map(|s| s.log_a()).fold(0.0_f64, |m, l| m.max(l.abs()));
        // Half an ulp of f32, relative.
        let resolved = 6e-8 * largest.max(1.0);
        if resolved > rtol {
            let found = format!("{rtol:e}, with |log a| up to {largest}");
            let expected = "at least 6e-8 |log a|, what single precision resolves; or take F64";
            return Err(domain("rtol".into(), expected, found));
        }
    }
    Ok(())
}

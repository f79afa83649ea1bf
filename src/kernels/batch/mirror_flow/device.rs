//! Batches of mirror flows on machines that run `device.cu`: a block of threads for each run.
//!
//! A run takes `8(d² + 14d + 6n)` bytes on chip, `8(d + R(n + 3)) + 32` bytes of input and records, and its
//! own Z (`16dn`), start (`16n`) and schedule where it has them.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::host::End;
use super::{Batch, Features, Flows, Options, check, integrate, not_finite};
use crate::Result;
use crate::kernels::batch::Outcome;
use crate::kernels::batch::matrices::Matrices;
use crate::kernels::batch::pieces::{Bytes, in_pieces};
use crate::kernels::batch::records::records_of;
use crate::kernels::batch::schedule::encode;
use crate::kernels::batch::state::State;
use crate::kernels::device::{Call, Machine, Source, Tried, int};

/// The kernel of the flows.
pub static SOURCE: Source =
    Source { name: "mirror_flow", text: include_str!("device.cu"), kernels: &["mirror_flow"] };

/// Threads of a block: `2n` products for n about 100 are two rounds.
const THREADS: u32 = 128;
/// Blocks that can be resident on the largest device: scratch is for these, further runs follow.
const RESIDENT: usize = 2048;

/// The same as [`integrate`], on these machines; on this processor where there are none. `cancel` is
/// looked at before every piece of the batch.
///
/// ```
/// use mirrorflow::kernels::{batch::mirror_flow::{Batch, Features, Options, integrate_on}, device::Device};
/// use mirrorflow::{potential::HyperbolicEntropy, schedule::Schedule};
/// let batch = Batch {
///     samples: 1,
///     features: 2,
///     z: Features::Shared(&[1.0, 2.0]),
///     y: &[1.0],
///     start: &[HyperbolicEntropy::uniform(2, 0.0)?],
///     schedule: &[Schedule::None],
/// };
/// let machines = Device::Auto.open()?;
/// let flows = integrate_on(&machines.list(), &batch, &Options::until(50.0), None)?;
/// assert!(flows.kkt[0] < 1e-9);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`integrate`]; when a machine fails, or one run does not fit in its memory.
pub fn integrate_on(
    machines: &[&dyn Machine],
    batch: &Batch<'_>,
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Flows> {
    if machines.is_empty() {
        return integrate(batch, options, cancel);
    }
    let runs = check(batch, options)?;
    let (d, n, records) = (batch.samples, batch.features, options.times.len());
    let wide = if options.record_x { n } else { 0 };
    // The kernel's own sums take 8 KiB, the driver 1.
    let state = State::of(machines, 8 * (d * d + 14 * d + 6 * n), 9 << 10);
    let own_z = matches!(batch.z, Features::Individual(_));
    let (shared, own) = if own_z { (0, 16 * d * n) } else { (16 * d * n, 0) };
    let memory = Bytes {
        fixed: shared + RESIDENT * state.in_memory() + 8 * records,
        run: own + 16 * n + 8 * d + 8 * records * (wide + 3) + 64,
    };
    let plan = Plan { batch, options, cancel, state };
    let pieces = in_pieces(
        machines,
        runs,
        1,
        memory,
        |call| match batch.z {
            Features::Shared(z) => Ok(Some(Matrices::upload(call, z, d, n)?)),
            Features::Individual(_) => Ok(None),
        },
        |call, held, range| plan.piece(call, *held, range),
    )?;
    let mut flows = Flows {
        x: records_of(records, runs, wide)?,
        loss: records_of(records, runs, 1)?,
        l1: records_of(records, runs, 1)?,
        kkt: records_of(records, runs, 1)?,
        outcome: Vec::with_capacity(runs),
        t: Vec::with_capacity(runs),
        steps: Vec::with_capacity(runs),
        rejections: Vec::with_capacity(runs),
    };
    for (range, part) in pieces {
        let count = range.len();
        for r in 0..records {
            for (to, from, wide) in [
                (&mut flows.x, &part.x, wide),
                (&mut flows.loss, &part.loss, 1),
                (&mut flows.l1, &part.l1, 1),
                (&mut flows.kkt, &part.kkt, 1),
            ] {
                to[(r * runs + range.start) * wide..][..count * wide]
                    .copy_from_slice(&from[r * count * wide..][..count * wide]);
            }
        }
        for end in part.ends {
            flows.outcome.push(end.outcome);
            flows.t.push(end.t);
            flows.steps.push(end.steps);
            flows.rejections.push(end.rejections);
        }
    }
    Ok(flows)
}

struct Plan<'a> {
    batch: &'a Batch<'a>,
    options: &'a Options,
    cancel: Option<&'a AtomicBool>,
    state: State,
}

/// What a piece came to.
struct Part {
    x: Vec<f64>,
    loss: Vec<f64>,
    l1: Vec<f64>,
    kkt: Vec<f64>,
    ends: Vec<End>,
}

impl Plan<'_> {
    fn piece(
        &self,
        call: &mut Call<'_>,
        held: Option<Matrices>,
        range: Range<usize>,
    ) -> Tried<Part> {
        let (batch, options, count) = (self.batch, self.options, range.len());
        let (d, n, records) = (batch.samples, batch.features, options.times.len());
        let wide = if options.record_x { n } else { 0 };
        if self.cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
            let nan = |wide: usize| vec![f64::NAN; records * count * wide];
            let end =
                End { outcome: Outcome::Cancelled { step: 0 }, t: 0.0, steps: 0, rejections: 0 };
            let ends = vec![end; count];
            return Ok(Part { x: nan(wide), loss: nan(1), l1: nan(1), kkt: nan(1), ends });
        }
        let (matrices, stride) = match (held, batch.z) {
            (Some(shared), _) => (shared, 0),
            (None, Features::Shared(z)) => (Matrices::upload(call, z, d, n)?, 0),
            (None, Features::Individual(z)) => {
                let own = &z[range.start * d * n..range.end * d * n];
                (Matrices::upload(call, own, d, n)?, (d * n) as u64)
            }
        };
        let starts = if batch.start.len() == 1 { batch.start } else { &batch.start[range.clone()] };
        let theta: Vec<f64> = starts.iter().flat_map(|s| s.theta().iter().copied()).collect();
        let log_a: Vec<f64> = starts.iter().flat_map(|s| s.log_a().iter().copied()).collect();
        let (mut schedules, mut pieces) = (Vec::new(), Vec::new());
        let one_schedule = batch.schedule.len() == 1;
        let which = if one_schedule { 0..1 } else { range.clone() };
        for schedule in &batch.schedule[which] {
            schedules.extend(encode(schedule, &mut pieces));
        }
        let grid = count.min(RESIDENT);
        let y = call.upload(&batch.y[range.start * d..range.end * d])?;
        let theta = call.upload(&theta)?;
        let log_a = call.upload(&log_a)?;
        let schedules = call.upload(&schedules)?;
        let pieces = call.upload(&pieces)?;
        let times = call.upload(&options.times)?;
        let scratch = self.state.scratch(call, grid)?;
        // Records that are not reached stay NaN.
        let mut nan = |wide: usize| call.upload(&vec![f64::NAN; records * count * wide]);
        let (x, loss, l1, kkt) = (nan(wide)?, nan(1)?, nan(1)?, nan(1)?);
        let reached = call.zeros(8 * count)?;
        let (steps, rejections) = (call.zeros(8 * count)?, call.zeros(8 * count)?);
        let ending = call.zeros(4 * count)?;
        let each = |one: bool, wide: usize| if one { 0 } else { wide as u64 };
        // SAFETY: the arguments of `mirror_flow` in device.cu, in its order, each as long as it says.
        unsafe {
            call.launch(
                &SOURCE,
                "mirror_flow",
                self.state.launch(grid, THREADS),
                &[
                    int(d),
                    int(n),
                    int(count),
                    options.rtol.into(),
                    options.atol.into(),
                    options.max_steps.into(),
                    options.step.unwrap_or(0.0).into(),
                    matrices.z.into(),
                    matrices.zt.into(),
                    stride.into(),
                    y.into(),
                    theta.into(),
                    log_a.into(),
                    each(batch.start.len() == 1, n).into(),
                    schedules.into(),
                    pieces.into(),
                    each(one_schedule, 4).into(),
                    times.into(),
                    int(records),
                    scratch.into(),
                    self.state.argument(),
                    x.into(),
                    int(usize::from(options.record_x)),
                    loss.into(),
                    l1.into(),
                    kkt.into(),
                    reached.into(),
                    steps.into(),
                    rejections.into(),
                    ending.into(),
                ],
            )?;
        }
        let mut part = Part {
            x: call.download(x, records * count * wide)?,
            loss: call.download(loss, records * count)?,
            l1: call.download(l1, records * count)?,
            kkt: call.download(kkt, records * count)?,
            ends: Vec::with_capacity(count),
        };
        let t: Vec<f64> = call.download(reached, count)?;
        let taken: Vec<u64> = call.download(steps, count)?;
        let refused: Vec<u64> = call.download(rejections, count)?;
        let ends: Vec<u32> = call.download(ending, count)?;
        for (k, run) in range.enumerate() {
            let outcome = match (not_finite(batch, run), ends[k]) {
                (Some(outcome), _) => outcome,
                (None, 0) => Outcome::Complete,
                (None, 1) => Outcome::Diverged { step: taken[k] + 1 },
                (None, 2) => Outcome::StepTooSmall { step: taken[k] },
                (None, 3) => Outcome::TooManySteps { step: taken[k] },
                (None, _) => Outcome::Diverged { step: taken[k] },
            };
            part.ends.push(End { outcome, t: t[k], steps: taken[k], rejections: refused[k] });
        }
        Ok(part)
    }
}

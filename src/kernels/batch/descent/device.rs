//! [`descend`] on machines that run `device.cu`.
//!
//! A run takes `8(3n + rows)` bytes of state on chip, `16n` bytes of m and w, `8Rn` of records, and for SGD
//! `4d` for the order of its samples. All steps of a piece are a few launches; between them the state
//! stays on the device, and a cancelled batch ends.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{Descents, Objective, Options, Run, check, descend, not_finite};
use crate::{
    Result,
    kernels::{
        batch::{
            Outcome,
            matrices::Matrices,
            pieces::{Bytes, in_pieces},
            records::records_of,
            schedule::encode,
            state::State,
        },
        device::{Call, Machine, Memory, Source, Tried, int},
    },
    problem::Problem,
};

/// The kernels of descent.
pub static SOURCE: Source =
    Source { name: "descent", text: include_str!("device.cu"), kernels: &["descent"] };

/// Runs of a block of threads, as in the `.cu` file.
const RUNS: usize = 8;
/// Threads of a block: `2n` items of a step for n = 100 are two rounds, and `2d` one.
const THREADS: u32 = 128;
/// Multiply-adds of a block in one launch: a tenth of a second on a slow device.
const LAUNCH: u64 = 1 << 29;

/// The same as [`descend`], on these machines; on this processor where there are none.
///
/// ```
/// use mirrorflow::kernels::batch::descent::{Objective, Options, Run, descend_on};
/// use mirrorflow::kernels::device::Device;
/// use mirrorflow::{problem::Problem, schedule::Schedule};
///
/// let problem = Problem::from_rows(vec![1.0, 2.0], vec![1.0])?;
/// let run = Run { first: vec![1.0; 2], second: vec![0.0; 2], schedule: Schedule::None, seed: 0 };
/// let options = Options { step: 0.05, steps: 400, batch: None, record: vec![400] };
/// let machines = Device::Auto.open()?;
/// let done = descend_on(&machines.list(), &problem, Objective::MaskWeight, &[run], &options, None)?;
/// assert!((done.x[0] + 2.0 * done.x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`descend`]; when a machine fails, or one block of runs does not fit in its memory.
pub fn descend_on(
    machines: &[&dyn Machine],
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Descents> {
    if machines.is_empty() {
        return descend(problem, objective, runs, options, cancel);
    }
    with_clock(machines, problem, objective, runs, options, cancel, 1.0)
}

/// The same with schedules that are functions of time: α(k·`step_time`) at step k. At least one machine.
/// `cancel` as in [`descend_on`].
///
/// # Errors
/// As [`descend_on`].
pub fn descend_in_time_on(
    machines: &[&dyn Machine],
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
    step_time: f64,
    cancel: Option<&AtomicBool>,
) -> Result<Descents> {
    with_clock(machines, problem, objective, runs, options, cancel, step_time)
}

fn with_clock(
    machines: &[&dyn Machine],
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
    cancel: Option<&AtomicBool>,
    clock: f64,
) -> Result<Descents> {
    check(problem, objective, runs, options)?;
    let (d, n) = (problem.samples(), problem.features());
    let rows = options.batch.unwrap_or(d);
    let sgd = options.batch.is_some();
    // What the kernel declares itself, and what the driver keeps.
    let state = State::of(machines, 8 * (3 * n + rows) * RUNS, 2048);
    let memory = Bytes {
        fixed: 8 * (2 * d * n + d + options.record.len()),
        run: 16 * n
            + 64
            + state.in_memory() / RUNS
            + 8 * options.record.len() * n
            + if sgd { 4 * d } else { 0 },
    };
    let plan = Plan { problem, objective, runs, options, cancel, clock, state };
    let pieces = in_pieces(
        machines,
        runs.len(),
        RUNS,
        memory,
        |call| plan.shared(call),
        |call, held, range| plan.piece(call, held, range),
    )?;
    let records = options.record.len();
    let mut x = records_of(records, runs.len(), n)?;
    let mut outcome = vec![Outcome::Complete; runs.len()];
    for (range, (part, ends)) in pieces {
        for r in 0..records {
            for (k, b) in range.clone().enumerate() {
                // A record that was not reached stays NaN.
                let reached = match ends[k] {
                    Outcome::Diverged { step } => step - 1,
                    Outcome::Cancelled { step } => step,
                    // Complete; the other outcomes are those of flows.
                    _ => u64::MAX,
                };
                if options.record[r] <= reached {
                    let from = &part[(r * range.len() + k) * n..][..n];
                    x[(r * runs.len() + b) * n..][..n].copy_from_slice(from);
                }
            }
        }
        outcome[range].copy_from_slice(&ends);
    }
    for (b, run) in runs.iter().enumerate() {
        if let Some(end) = not_finite(run) {
            outcome[b] = end;
            for r in 0..records {
                x[(r * runs.len() + b) * n..][..n].fill(f64::NAN);
            }
        }
    }
    Ok(Descents { x, outcome })
}

struct Plan<'a> {
    problem: &'a Problem,
    objective: Objective,
    runs: &'a [Run],
    options: &'a Options,
    cancel: Option<&'a AtomicBool>,
    /// Time of a step, as schedules see it.
    clock: f64,
    state: State,
}

/// Z, y (d) and the recorded steps.
struct Held {
    matrices: Matrices,
    y: Memory,
    recorded: Memory,
}

impl Plan<'_> {
    fn shared(&self, call: &mut Call<'_>) -> Tried<Held> {
        let (d, n) = (self.problem.samples(), self.problem.features());
        Ok(Held {
            matrices: Matrices::upload(call, self.problem.z_rows(), d, n)?,
            y: call.upload(self.problem.y())?,
            recorded: call.upload(&self.options.record)?,
        })
    }

    /// blocks×n×RUNS from B×n; a place without a run repeats the last one.
    fn packed(&self, range: &Range<usize>, of: impl Fn(&Run) -> &[f64]) -> Vec<f64> {
        let n = self.problem.features();
        let blocks = range.len().div_ceil(RUNS);
        let mut out = vec![0.0; blocks * n * RUNS];
        for place in 0..blocks * RUNS {
            let values = of(&self.runs[(range.start + place).min(range.end - 1)]);
            for (i, v) in values.iter().enumerate() {
                out[(place / RUNS * n + i) * RUNS + place % RUNS] = *v;
            }
        }
        out
    }

    /// x at the records of the runs `range` (records×runs×n) and how each ended.
    fn piece(
        &self,
        call: &mut Call<'_>,
        held: &Held,
        range: Range<usize>,
    ) -> Tried<(Vec<f64>, Vec<Outcome>)> {
        let (d, n) = (self.problem.samples(), self.problem.features());
        let (options, count) = (self.options, range.len());
        let blocks = count.div_ceil(RUNS);
        let places = blocks * RUNS;
        let run_at = |place: usize| &self.runs[(range.start + place).min(range.end - 1)];
        let seeds: Vec<u64> = (0..places).map(|p| run_at(p).seed).collect();
        let (mut schedules, mut pieces) = (Vec::with_capacity(4 * places), Vec::new());
        for place in 0..places {
            schedules.extend(encode(&run_at(place).schedule, &mut pieces));
        }
        let (start_m, start_w) =
            (self.packed(&range, |r| &r.first), self.packed(&range, |r| &r.second));
        let first = call.upload(&start_m)?;
        let second = call.upload(&start_w)?;
        let schedules = call.upload(&schedules)?;
        let pieces = call.upload(&pieces)?;
        let seeds = call.upload(&seeds)?;
        let orders = call.zeros(if options.batch.is_some() { 4 * places * d } else { 0 })?;
        let scratch = self.state.scratch(call, blocks)?;
        let diverged = call.zeros(8 * places)?;
        let records = options.record.len();
        let out = call.zeros(8 * records * count * n)?;
        let rows = options.batch.unwrap_or(d);
        let stride = (LAUNCH / (2 * rows * n * RUNS) as u64).max(1);
        let (mut at, mut cancelled) = (0, false);
        while at < options.steps {
            cancelled = self.cancel.is_some_and(|c| c.load(Ordering::Relaxed));
            if cancelled {
                break;
            }
            let to = options.steps.min(at + stride);
            let next = options.record.partition_point(|r| *r <= at);
            // SAFETY: the arguments of `descent` in descent.cu, in its order, each as long as it says.
            unsafe {
                call.launch(
                    &SOURCE,
                    "descent",
                    self.state.launch(blocks, THREADS),
                    &[
                        int(self.objective as usize),
                        int(d),
                        int(n),
                        int(blocks),
                        int(count),
                        int(options.batch.unwrap_or(0)),
                        at.into(),
                        to.into(),
                        options.step.into(),
                        self.clock.into(),
                        held.matrices.z.into(),
                        held.matrices.zt.into(),
                        held.y.into(),
                        schedules.into(),
                        pieces.into(),
                        seeds.into(),
                        held.recorded.into(),
                        int(records),
                        int(next),
                        first.into(),
                        second.into(),
                        orders.into(),
                        scratch.into(),
                        self.state.argument(),
                        diverged.into(),
                        out.into(),
                    ],
                )?;
            }
            at = to;
            if self.cancel.is_some() && at < options.steps {
                // Launches are queued: without a look at the device a cancelled batch would still run.
                call.download::<u64>(diverged, 1)?;
            }
        }
        let mut x = call.download(out, records * count * n)?;
        let steps: Vec<u64> = call.download(diverged, places)?;
        if options.record.first() == Some(&0) {
            self.start(&range, &mut x);
        }
        let end = |step: &u64| match step {
            0 if cancelled => Outcome::Cancelled { step: at },
            0 => Outcome::Complete,
            step => Outcome::Diverged { step: *step },
        };
        Ok((x, steps[..count].iter().map(end).collect()))
    }

    /// x before the first step.
    fn start(&self, range: &Range<usize>, x: &mut [f64]) {
        let n = self.problem.features();
        for (x, run) in x.chunks_exact_mut(n).zip(&self.runs[range.clone()]) {
            x.copy_from_slice(&run.first);
            x.iter_mut().zip(&run.second).for_each(|(x, w)| *x *= w);
        }
    }
}

//! [`descend`] on machines that run `descent.cu`.
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
        },
        device::{
            Argument as A, Failure, Launch, Machine, Memory, Session, Source, bytes, bytes_mut,
        },
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
/// let place = Device::Auto.open()?;
/// let done = descend_on(&place.machines(), &problem, Objective::MaskWeight, &[run], &options, None)?;
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
    let shared = 8 * (3 * n + rows) * RUNS;
    // What the kernel declares itself, and what the driver keeps.
    let on_chip = machines.iter().all(|m| shared + 2048 <= m.shared_memory());
    let sgd = options.batch.is_some();
    let scratch = if on_chip { 0 } else { shared / RUNS };
    let memory = Bytes {
        fixed: 8 * (2 * d * n + d + options.record.len()),
        run: 16 * n + 64 + scratch + 8 * options.record.len() * n + if sgd { 4 * d } else { 0 },
    };
    let plan = Plan { problem, objective, runs, options, cancel, clock, shared, on_chip };
    let pieces = in_pieces(
        machines,
        runs.len(),
        RUNS,
        memory,
        |session| plan.shared_data(session),
        |session, held, range| plan.piece(session, held, range),
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
    /// Bytes of the state of a block.
    shared: usize,
    /// Whether they fit in shared memory.
    on_chip: bool,
}

/// Z, y (d) and the recorded steps.
struct Held {
    matrices: Matrices,
    y: Memory,
    recorded: Memory,
}

impl Plan<'_> {
    fn shared_data(&self, session: &mut dyn Session) -> std::result::Result<Held, Failure> {
        let (d, n) = (self.problem.samples(), self.problem.features());
        Ok(Held {
            matrices: Matrices::upload(session, self.problem.z_rows(), d, n)?,
            y: session.upload(bytes(self.problem.y()))?,
            recorded: session.upload(bytes(&self.options.record))?,
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
        session: &mut dyn Session,
        held: &Held,
        range: Range<usize>,
    ) -> std::result::Result<(Vec<f64>, Vec<Outcome>), Failure> {
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
        let first = session.upload(bytes(&start_m))?;
        let second = session.upload(bytes(&start_w))?;
        let schedules = session.upload(bytes(&schedules))?;
        let pieces = session.upload(bytes(&pieces))?;
        let seeds = session.upload(bytes(&seeds))?;
        let orders = session.zeros(if options.batch.is_some() { 4 * places * d } else { 0 })?;
        let scratch = session.zeros(if self.on_chip { 0 } else { blocks * self.shared })?;
        let diverged = session.zeros(8 * places)?;
        let records = options.record.len();
        let out = session.zeros(8 * records * count * n)?;
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
                session.launch(
                    &SOURCE,
                    "descent",
                    Launch {
                        grid: blocks as u32,
                        block: THREADS,
                        shared: if self.on_chip { self.shared } else { 0 },
                    },
                    &[
                        A::Int(self.objective as i32),
                        A::Int(d as i32),
                        A::Int(n as i32),
                        A::Int(blocks as i32),
                        A::Int(count as i32),
                        A::Int(options.batch.unwrap_or(0) as i32),
                        A::Long(at),
                        A::Long(to),
                        A::Double(options.step),
                        A::Double(self.clock),
                        A::Memory(&held.matrices.z),
                        A::Memory(&held.matrices.zt),
                        A::Memory(&held.y),
                        A::Memory(&schedules),
                        A::Memory(&pieces),
                        A::Memory(&seeds),
                        A::Memory(&held.recorded),
                        A::Int(records as i32),
                        A::Int(next as i32),
                        A::Memory(&first),
                        A::Memory(&second),
                        A::Memory(&orders),
                        A::Memory(&scratch),
                        A::Int(i32::from(self.on_chip)),
                        A::Memory(&diverged),
                        A::Memory(&out),
                    ],
                )?;
            }
            at = to;
            if self.cancel.is_some() && at < options.steps {
                // Launches are queued: without a look at the device a cancelled batch would still run.
                session.download(&diverged, &mut [0; 8])?;
            }
        }
        let mut x = vec![0.0; records * count * n];
        session.download(&out, bytes_mut(&mut x))?;
        let mut steps = vec![0_u64; places];
        session.download(&diverged, bytes_mut(&mut steps))?;
        if options.record.first() == Some(&0) {
            self.start(&range, &mut x);
        }
        for memory in [first, second, schedules, pieces, seeds, orders, scratch, diverged, out] {
            session.release(memory);
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

//! Batches of mirror flows on machines that run `mirror_flow.cu`: a block of threads for each run.
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
use crate::kernels::device::{
    Argument as A, Failure, Launch, Machine, Session, Source, bytes, bytes_mut,
};

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
/// let place = Device::Auto.open()?;
/// let flows = integrate_on(&place.machines(), &batch, &Options::until(50.0), None)?;
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
    let state = 8 * (d * d + 14 * d + 6 * n);
    // The kernel's own sums take 8 KiB, the driver 1.
    let on_chip = machines.iter().all(|m| state + (9 << 10) <= m.shared_memory());
    let scratch = if on_chip { 0 } else { RESIDENT * state };
    let own_z = matches!(batch.z, Features::Individual(_));
    let (shared, own) = if own_z { (0, 16 * d * n) } else { (16 * d * n, 0) };
    let memory = Bytes {
        fixed: shared + scratch + 8 * records,
        run: own + 16 * n + 8 * d + 8 * records * (wide + 3) + 64,
    };
    let plan = Plan { batch, options, cancel, state, on_chip };
    let pieces = in_pieces(
        machines,
        runs,
        1,
        memory,
        |session| match batch.z {
            Features::Shared(z) => Ok(Some(Matrices::upload(session, z, d, n)?)),
            Features::Individual(_) => Ok(None),
        },
        |session, held: &Option<Matrices>, range| plan.piece(session, held.as_ref(), range),
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
    /// Bytes of the state of a block, and whether they fit in shared memory.
    state: usize,
    on_chip: bool,
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
        session: &mut dyn Session,
        held: Option<&Matrices>,
        range: Range<usize>,
    ) -> std::result::Result<Part, Failure> {
        let (batch, options, count) = (self.batch, self.options, range.len());
        let (d, n, records) = (batch.samples, batch.features, options.times.len());
        let wide = if options.record_x { n } else { 0 };
        let nan = |wide: usize| vec![f64::NAN; records * count * wide];
        let mut part =
            Part { x: nan(wide), loss: nan(1), l1: nan(1), kkt: nan(1), ends: Vec::new() };
        if self.cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
            let outcome = Outcome::Cancelled { step: 0 };
            part.ends = vec![End { outcome, t: 0.0, steps: 0, rejections: 0 }; count];
            return Ok(part);
        }
        let (mut own, mut stride) = (None, 0);
        let matrices: &Matrices = match held {
            Some(shared) => shared,
            None => {
                let z = match batch.z {
                    Features::Shared(z) => z,
                    Features::Individual(z) => {
                        stride = (d * n) as u64;
                        &z[range.start * d * n..range.end * d * n]
                    }
                };
                own.insert(Matrices::upload(session, z, d, n)?)
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
        let y = session.upload(bytes(&batch.y[range.start * d..range.end * d]))?;
        let theta = session.upload(bytes(&theta))?;
        let log_a = session.upload(bytes(&log_a))?;
        let schedules = session.upload(bytes(&schedules))?;
        let pieces = session.upload(bytes(&pieces))?;
        let times = session.upload(bytes(&options.times))?;
        let scratch = session.zeros(if self.on_chip { 0 } else { grid * self.state })?;
        // Records that are not reached stay NaN.
        let x = session.upload(bytes(&part.x))?;
        let loss = session.upload(bytes(&part.loss))?;
        let l1 = session.upload(bytes(&part.l1))?;
        let kkt = session.upload(bytes(&part.kkt))?;
        let reached = session.zeros(8 * count)?;
        let (steps, rejections) = (session.zeros(8 * count)?, session.zeros(8 * count)?);
        let ending = session.zeros(4 * count)?;
        let each = |one: bool, wide: usize| if one { 0 } else { wide as u64 };
        // SAFETY: the arguments of `mirror_flow` in mirror_flow.cu, in its order, each as long as it says.
        unsafe {
            session.launch(
                &SOURCE,
                "mirror_flow",
                Launch {
                    grid: grid as u32,
                    block: THREADS,
                    shared: if self.on_chip { self.state } else { 0 },
                },
                &[
                    A::Int(d as i32),
                    A::Int(n as i32),
                    A::Int(count as i32),
                    A::Double(options.rtol),
                    A::Double(options.atol),
                    A::Long(options.max_steps),
                    A::Double(options.step.unwrap_or(0.0)),
                    A::Memory(&matrices.z),
                    A::Memory(&matrices.zt),
                    A::Long(stride),
                    A::Memory(&y),
                    A::Memory(&theta),
                    A::Memory(&log_a),
                    A::Long(each(batch.start.len() == 1, n)),
                    A::Memory(&schedules),
                    A::Memory(&pieces),
                    A::Long(each(one_schedule, 4)),
                    A::Memory(&times),
                    A::Int(records as i32),
                    A::Memory(&scratch),
                    A::Int(i32::from(self.on_chip)),
                    A::Memory(&x),
                    A::Int(i32::from(options.record_x)),
                    A::Memory(&loss),
                    A::Memory(&l1),
                    A::Memory(&kkt),
                    A::Memory(&reached),
                    A::Memory(&steps),
                    A::Memory(&rejections),
                    A::Memory(&ending),
                ],
            )?;
        }
        session.download(&x, bytes_mut(&mut part.x))?;
        session.download(&loss, bytes_mut(&mut part.loss))?;
        session.download(&l1, bytes_mut(&mut part.l1))?;
        session.download(&kkt, bytes_mut(&mut part.kkt))?;
        let mut t = vec![0.0; count];
        let (mut taken, mut refused) = (vec![0_u64; count], vec![0_u64; count]);
        let mut ends = vec![0_u32; count];
        session.download(&reached, bytes_mut(&mut t))?;
        session.download(&steps, bytes_mut(&mut taken))?;
        session.download(&rejections, bytes_mut(&mut refused))?;
        session.download(&ending, bytes_mut(&mut ends))?;
        if let Some(own) = own {
            own.release(session);
        }
        for memory in [
            y, theta, log_a, schedules, pieces, times, scratch, x, loss, l1, kkt, reached, steps,
            rejections, ending,
        ] {
            session.release(memory);
        }
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

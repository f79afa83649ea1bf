//! A block of lanes that works through a queue of runs: each lane has its own time, step and error, and
//! takes the next run when its own has ended.

use std::sync::atomic::{AtomicBool, Ordering};

use super::attempt::{Lanework, Norms, attempt, begin};
use super::tiles::{COLUMNS, Individual, ROWS, Shape, Shared};
use super::{Batch, Features, Options};
use crate::kernels::Outcome;
use crate::numerics::lanes::Real;
use crate::numerics::rodas5p::{GAMMA, NODES, STAGES};
use crate::numerics::scaled::Scaled;
use crate::potential::HyperbolicEntropy;
use crate::schedule::Schedule;

/// Order in h of the error of a step.
const ORDER: f64 = 5.0;

/// Where the results of runs `first ..` go; `[record][run, and its numbers]`.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    pub(super) first: usize,
    pub(super) x: Vec<&'a mut [f64]>,
    pub(super) loss: Vec<&'a mut [f64]>,
    pub(super) l1: Vec<&'a mut [f64]>,
    pub(super) kkt: Vec<&'a mut [f64]>,
    pub(super) ends: &'a mut [End],
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) t: f64,
    pub(super) steps: u64,
    pub(super) rejections: u64,
}

/// The run in a lane.
#[derive(Debug, Clone)]
struct Lane {
    /// Number among the runs of the slots.
    run: usize,
    t: f64,
    /// The step proposed, and the one being taken with the time at its end.
    h: f64,
    length: f64,
    end: f64,
    last_error: f64,
    growth: f64,
    /// Next entry of the times to record, and of the jumps of α.
    record: usize,
    jump: usize,
    jumps: Vec<f64>,
    steps: u64,
    rejections: u64,
    /// F is to be evaluated anew and the first step chosen.
    fresh: bool,
}

pub(super) struct Block<'a, T> {
    batch: &'a Batch<'a>,
    options: &'a Options,
    /// Z of all lanes, padded, or vectors with that of each.
    z: &'a [T],
    own_z: Vec<T>,
    work: Lanework<T>,
    lanes: Vec<Option<Lane>>,
    width: usize,
    next_run: usize,
}

/// The padded shape of a batch.
pub(super) fn padded(batch: &Batch<'_>) -> Shape {
    Shape { d: batch.samples.next_multiple_of(ROWS), n: batch.features.next_multiple_of(COLUMNS) }
}

/// A shared Z in its padded shape; empty where each run has its own.
pub(super) fn shared<T: Real>(batch: &Batch<'_>) -> Vec<T> {
    let Features::Shared(z) = batch.z else { return Vec::new() };
    let shape = padded(batch);
    let mut out = vec![T::default(); shape.d * shape.n];
    for (row, z) in out.chunks_exact_mut(shape.n).zip(z.chunks_exact(batch.features)) {
        for (out, z) in row.iter_mut().zip(z) {
            *out = T::from_f64(*z);
        }
    }
    out
}

impl<'a, T: Real> Block<'a, T> {
    pub(super) fn new(batch: &'a Batch<'a>, options: &'a Options, z: &'a [T]) -> Self {
        let (shape, width) = (padded(batch), T::width());
        let own = match batch.z {
            Features::Shared(_) => 0,
            Features::Individual(_) => shape.d * shape.n * width,
        };
        Self {
            batch,
            options,
            z,
            own_z: vec![T::default(); own],
            work: Lanework::new(shape, batch.samples),
            lanes: vec![None; width],
            width,
            next_run: 0,
        }
    }

    /// Runs all of `slots`.
    pub(super) fn go(&mut self, slots: &mut Slots<'_>, cancel: Option<&AtomicBool>) {
        self.next_run = 0;
        loop {
            self.refill(slots);
            if self.lanes.iter().all(Option::is_none) {
                return;
            }
            if cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
                self.cancel(slots);
                return;
            }
            if self.lanes.iter().flatten().any(|lane| lane.fresh) {
                self.begin(slots);
            }
            self.plan(slots);
            if self.lanes.iter().flatten().any(|lane| !lane.fresh) {
                match self.batch.z {
                    Features::Shared(_) => attempt(&mut self.work, Shared(self.z)),
                    Features::Individual(_) => attempt(&mut self.work, Individual(&self.own_z)),
                }
                self.judge(slots);
            }
        }
    }

    fn cancel(&mut self, slots: &mut Slots<'_>) {
        for l in 0..self.width {
            if let Some(lane) = &self.lanes[l] {
                let outcome = Outcome::Cancelled { step: lane.steps };
                self.finish(l, outcome, slots);
            }
        }
        for end in &mut slots.ends[self.next_run..] {
            end.outcome = Outcome::Cancelled { step: 0 };
        }
    }

    /// The number of a run in the batch, and what belongs to it.
    fn start_of(&self, run: usize) -> &'a HyperbolicEntropy {
        let all = self.batch.start;
        if all.len() == 1 { &all[0] } else { &all[run] }
    }

    fn schedule_of(&self, run: usize) -> &'a Schedule {
        let all = self.batch.schedule;
        if all.len() == 1 { &all[0] } else { &all[run] }
    }

    /// Gives every idle lane the next run of the queue.
    fn refill(&mut self, slots: &mut Slots<'_>) {
        for l in 0..self.width {
            while self.lanes[l].is_none() && self.next_run < slots.ends.len() {
                let run = self.next_run;
                self.next_run += 1;
                if let Some((array, index)) = self.load(l, slots.first + run) {
                    slots.ends[run].outcome = Outcome::NotFinite { array, index };
                    continue;
                }
                let jumps = self.schedule_of(slots.first + run).breakpoints();
                self.lanes[l] = Some(Lane {
                    run,
                    t: 0.0,
                    h: 0.0,
                    length: 0.0,
                    end: 0.0,
                    last_error: 1.0,
                    growth: 5.0,
                    record: 0,
                    jump: 0,
                    jumps: jumps.into_iter().filter(|&t| t > 0.0).collect(),
                    steps: 0,
                    rejections: 0,
                    fresh: true,
                });
            }
        }
    }

    /// Puts the data of a run into a lane; the array and entry that is not a finite number, if any.
    fn load(&mut self, l: usize, run: usize) -> Option<(&'static str, usize)> {
        let (d, n, width) = (self.batch.samples, self.batch.features, self.width);
        let y = &self.batch.y[run * d..(run + 1) * d];
        if let Some(j) = y.iter().position(|v| !v.is_finite()) {
            return Some(("y", j));
        }
        if let Features::Individual(z) = self.batch.z {
            let z = &z[run * d * n..(run + 1) * d * n];
            if let Some(k) = z.iter().position(|v| !v.is_finite()) {
                return Some(("Z", k));
            }
            let wide = self.work.shape.n;
            for (j, row) in z.chunks_exact(n).enumerate() {
                for (i, v) in row.iter().enumerate() {
                    self.own_z[(j * wide + i) * width + l] = T::from_f64(*v);
                }
            }
        }
        let start = self.start_of(run);
        let work = &mut self.work;
        for (j, v) in y.iter().enumerate() {
            work.y[j * width + l] = T::from_f64(*v);
        }
        for (i, (theta, log_a)) in start.theta().iter().zip(start.log_a()).enumerate() {
            let a = Scaled::exp(*log_a, 0.0);
            work.theta[i * width + l] = T::from_f64(*theta);
            work.a_m[i * width + l] = T::from_f64(a.m);
            work.a_k[i * width + l] = T::from_f64(a.k as f64);
        }
        for v in work.now.nu.iter_mut().skip(l).step_by(width) {
            *v = T::default();
        }
        None
    }

    /// F and the first step of the lanes that start, or start again after a jump of α.
    fn begin(&mut self, slots: &mut Slots<'_>) {
        for l in 0..self.width {
            if let Some(lane) = &self.lanes[l] {
                let (t, alpha) = (lane.t, self.schedule_of(slots.first + lane.run).alpha(lane.t));
                self.shift(l, 0, t, slots.first);
                self.work.decay[l] = T::from_f64(4.0 * alpha);
            }
        }
        match self.batch.z {
            Features::Shared(_) => begin(&mut self.work, Shared(self.z)),
            Features::Individual(_) => begin(&mut self.work, Individual(&self.own_z)),
        }
        for l in 0..self.width {
            let Some(lane) = &mut self.lanes[l] else { continue };
            if !lane.fresh {
                continue;
            }
            lane.fresh = false;
            let (width, options) = (self.width, self.options);
            copy_lane(&self.work.new.f, &mut self.work.now.f, l, width);
            copy_lane(&self.work.new.x, &mut self.work.now.x, l, width);
            copy_lane(&self.work.new.s, &mut self.work.now.s, l, width);
            if self.work.norms.poison[l].to_f64().is_nan() {
                let outcome = Outcome::Diverged { step: lane.steps };
                self.finish(l, outcome, slots);
                continue;
            }
            let span = options.times.last().copied().unwrap_or(0.0) - lane.t;
            let first =
                first_step(size(&self.work.norms, l, options), size(&self.work.second, l, options));
            lane.h =
                options.step.unwrap_or(if lane.steps == 0 { first } else { first.min(lane.h) });
            lane.h = lane.h.min(span);
            lane.growth = 5.0;
            self.arrive(l, slots);
        }
    }

    /// Chooses the lengths of the steps to be tried and all that depends on them.
    fn plan(&mut self, slots: &mut Slots<'_>) {
        for l in 0..self.width {
            // A remainder too small to step is skipped, which may end the run.
            while let Some(lane) = &mut self.lanes[l]
                && !lane.fresh
            {
                if lane.steps + lane.rejections >= self.options.max_steps {
                    let outcome = Outcome::TooManySteps { step: lane.steps };
                    self.finish(l, outcome, slots);
                    break;
                }
                let least = (8.0 * f64::EPSILON * lane.t).max(f64::MIN_POSITIVE / f64::EPSILON);
                let record = self.options.times.get(lane.record).copied().unwrap_or(lane.t);
                let jump = lane.jumps.get(lane.jump).copied().unwrap_or(f64::INFINITY);
                let target = record.min(jump);
                let left = target - lane.t;
                if left <= least {
                    lane.t = target;
                    self.arrive(l, slots);
                    continue;
                }
                if lane.h.is_nan() || lane.h < least {
                    let outcome = Outcome::StepTooSmall { step: lane.steps };
                    self.finish(l, outcome, slots);
                    break;
                }
                (lane.length, lane.end) = if lane.h >= left {
                    (left, target)
                } else if self.options.step.is_none() && 2.0 * lane.h > left {
                    // Two equal steps rather than a full one and a sliver.
                    (0.5 * left, lane.t + 0.5 * left)
                } else {
                    (lane.h, lane.t + lane.h)
                };
                let (t, length, run) = (lane.t, lane.length, slots.first + lane.run);
                let alpha = self.schedule_of(run).alpha(t);
                self.work.h[l] = T::from_f64(length);
                self.work.per_h[l] = T::from_f64(1.0 / length);
                self.work.sigma[l] = T::from_f64(1.0 / (GAMMA * length));
                self.work.decay[l] = T::from_f64(4.0 * alpha);
                for (stage, node) in NODES.iter().enumerate().skip(1) {
                    // The last three stand at the end of the step.
                    if stage < STAGES - 2 {
                        self.shift(l, stage, t + node * length, slots.first);
                    } else {
                        self.work.shift_m[stage][l] = self.work.shift_m[STAGES - 3][l];
                        self.work.shift_k[stage][l] = self.work.shift_k[STAGES - 3][l];
                    }
                }
                break;
            }
            if self.lanes[l].as_ref().is_none_or(|lane| lane.fresh) {
                // An idle lane computes with tame numbers.
                for v in [&mut self.work.h, &mut self.work.per_h, &mut self.work.sigma] {
                    v[l] = T::from_f64(1.0);
                }
            }
        }
    }

    /// `e^{−4A(t)}` for a stage of a lane.
    fn shift(&mut self, l: usize, stage: usize, t: f64, first: usize) {
        let Some(lane) = &self.lanes[l] else { return };
        let total = self.schedule_of(first + lane.run).integral(t);
        let a = Scaled::exp(-4.0 * total, 0.0);
        self.work.shift_m[stage][l] = T::from_f64(a.m);
        self.work.shift_k[stage][l] = T::from_f64(a.k as f64);
    }

    /// Accepts or rejects the steps tried.
    fn judge(&mut self, slots: &mut Slots<'_>) {
        for l in 0..self.width {
            let options = self.options;
            let Some(lane) = &mut self.lanes[l] else { continue };
            if lane.fresh {
                continue;
            }
            let finite = !self.work.norms.poison[l].to_f64().is_nan();
            let error = if finite { size(&self.work.norms, l, options) } else { f64::NAN };
            if options.step.is_some() {
                if !finite {
                    let outcome = Outcome::Diverged { step: lane.steps + 1 };
                    self.finish(l, outcome, slots);
                    continue;
                }
            } else if error.is_nan() || error > 1.0 {
                lane.rejections += 1;
                let shrink = if error.is_finite() { 0.9 * error.powf(-1.0 / ORDER) } else { 0.1 };
                lane.h = lane.length * shrink.clamp(0.1, 0.9);
                lane.growth = 1.0;
                continue;
            } else {
                // As the time loop of single flows (`integrate`): PI control, with a floor so that an
                // accidental zero does not end its memory.
                let error = error.max(1e-4);
                let factor = 0.9 * error.powf(-0.7 / ORDER) * lane.last_error.powf(0.4 / ORDER);
                let next = lane.length * factor.clamp(0.2, lane.growth);
                if lane.length < lane.h {
                    lane.h = next.max(lane.h);
                } else {
                    lane.h = next;
                    lane.last_error = error;
                }
                lane.growth = 5.0;
            }
            lane.steps += 1;
            lane.t = lane.end;
            for (new, now) in [
                (&self.work.new.nu, &mut self.work.now.nu),
                (&self.work.new.f, &mut self.work.now.f),
                (&self.work.new.x, &mut self.work.now.x),
                (&self.work.new.s, &mut self.work.now.s),
            ] {
                copy_lane(new, now, l, self.width);
            }
            self.arrive(l, slots);
        }
    }

    /// Records what is due at the time of a lane, notices jumps and the end.
    fn arrive(&mut self, l: usize, slots: &mut Slots<'_>) {
        let Some(lane) = &mut self.lanes[l] else { return };
        let due = self.options.times.get(lane.record).is_some_and(|t| *t <= lane.t);
        if lane.jumps.get(lane.jump).is_some_and(|t| *t <= lane.t) {
            lane.jump += 1;
            lane.fresh = true;
        }
        if !due {
            return;
        }
        let (record, run) = (lane.record, lane.run);
        lane.record += 1;
        let ended = lane.record == self.options.times.len();
        self.observe(l, record, run, slots);
        if ended {
            self.finish(l, Outcome::Complete, slots);
        }
    }

    fn observe(&self, l: usize, record: usize, run: usize, slots: &mut Slots<'_>) {
        let (n, d, width) = (self.batch.features, self.batch.samples, self.width);
        let x = self.work.now.x.iter().skip(l).step_by(width).take(n).map(|v| v.to_f64());
        slots.l1[record][run] = x.clone().map(f64::abs).sum();
        if self.options.record_x {
            for (slot, x) in slots.x[record][run * n..(run + 1) * n].iter_mut().zip(x) {
                *slot = x;
            }
        }
        // F = r/d.
        let f = self.work.now.f.iter().skip(l).step_by(width).take(d).map(|v| v.to_f64());
        let per = d as f64;
        slots.loss[record][run] = 0.5 * per * f.clone().map(|f| f * f).sum::<f64>();
        slots.kkt[record][run] = per * f.map(f64::abs).fold(0.0, f64::max);
    }

    fn finish(&mut self, l: usize, outcome: Outcome, slots: &mut Slots<'_>) {
        if let Some(lane) = self.lanes[l].take() {
            slots.ends[lane.run] =
                End { outcome, t: lane.t, steps: lane.steps, rejections: lane.rejections };
        }
    }
}

/// The norm of an error, 1 where it is as large as allowed (see [`super`]).
fn size<T: Real>(norms: &Norms<T>, l: usize, options: &Options) -> f64 {
    let at = |v: &[T]| v[l].to_f64();
    let exponent = 2.0 * at(&norms.change) / (options.rtol * at(&norms.theta).max(1.0));
    let point = 2.0 * at(&norms.moved) / (options.atol + options.rtol * at(&norms.x));
    exponent.max(point)
}

/// A first step with an error of about 1 % of the tolerance, if the derivatives grow as `F, F/τ, F/τ²` …
/// with `τ = F/F'`.
fn first_step(field: f64, slope: f64) -> f64 {
    if field == 0.0 {
        return (0.01 / slope).sqrt();
    }
    let tau = field / slope;
    tau * (0.01 / (field * tau)).powf(1.0 / ORDER)
}

fn copy_lane<T: Copy>(from: &[T], to: &mut [T], l: usize, width: usize) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(width)) {
        to[l] = from[l];
    }
}

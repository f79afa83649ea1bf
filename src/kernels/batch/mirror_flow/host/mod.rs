//! A block of lanes that works through a queue of runs: each lane has its own time, step and error, and
//! takes the next run when its own has ended.

mod attempt;
mod steps;
#[cfg(test)]
mod tests;
mod tiles;

use std::sync::atomic::{AtomicBool, Ordering};

use self::attempt::{Lanework, attempt};
use self::tiles::{COLUMNS, Individual, ROWS, Shape, Shared};
use super::{Batch, Features, Options, not_finite};
use crate::kernels::batch::Outcome;
use crate::numerics::exact::scaled::Scaled;
use crate::numerics::lanes::Real;
use crate::potential::HyperbolicEntropy;
use crate::schedule::Schedule;

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
fn padded(batch: &Batch<'_>) -> Shape {
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
                if let Some(outcome) = not_finite(self.batch, slots.first + run) {
                    slots.ends[run].outcome = outcome;
                    continue;
                }
                self.load(l, slots.first + run);
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

    /// Puts the data of a run into a lane.
    fn load(&mut self, l: usize, run: usize) {
        let (d, n, width) = (self.batch.samples, self.batch.features, self.width);
        let y = &self.batch.y[run * d..(run + 1) * d];
        if let Features::Individual(z) = self.batch.z {
            let z = &z[run * d * n..(run + 1) * d * n];
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

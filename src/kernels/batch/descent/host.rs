//! A block of up to [`LANES`] descents, one run to a lane, through all their steps.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Objective, Options, Run, not_finite, steps};
use crate::{
    kernels::batch::{LANES, Outcome, philox::Stream},
    numerics::dense::dot,
    problem::Problem,
    schedule::Schedule,
};

/// Up to [`LANES`] runs; every buffer is feature-major, lane-minor.
pub(super) struct Block<'a> {
    problem: &'a Problem,
    objective: Objective,
    runs: &'a [Run],
    options: &'a Options,
    /// m (or x) and w, n×LANES.
    first: Vec<f64>,
    second: Vec<f64>,
    /// x and ∇f, n×LANES.
    x: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    /// y in every lane, and r, d×LANES.
    targets: Vec<f64>,
    residual: Vec<f64>,
    /// The samples of the current pass of each lane, LANES×d, for SGD.
    order: Vec<u32>,
    /// x and ∇f of one lane, n, for SGD.
    one: [Vec<f64>; 2],
    outcome: [Outcome; LANES],
}

impl<'a> Block<'a> {
    pub(super) fn new(
        problem: &'a Problem,
        objective: Objective,
        runs: &'a [Run],
        options: &'a Options,
    ) -> Self {
        let (d, n) = (problem.samples(), problem.features());
        // Lanes without a run repeat the first one: their numbers are as tame as its.
        let lane_of = |of: fn(&Run) -> &[f64]| {
            let mut out = vec![0.0; n * LANES];
            for lane in 0..LANES {
                let values = of(runs.get(lane).unwrap_or(&runs[0]));
                for (i, v) in values.iter().enumerate() {
                    out[i * LANES + lane] = *v;
                }
            }
            out
        };
        let mut block = Self {
            problem,
            objective,
            runs,
            options,
            first: lane_of(|r| &r.first),
            second: lane_of(|r| &r.second),
            x: vec![0.0; n * LANES],
            gradient: vec![0.0; n * LANES],
            targets: problem.y().iter().flat_map(|y| [*y; LANES]).collect(),
            residual: vec![0.0; d * LANES],
            order: vec![0; if options.batch.is_some() { LANES * d } else { 0 }],
            one: std::array::from_fn(|_| vec![0.0; if options.batch.is_some() { n } else { 0 }]),
            outcome: std::array::from_fn(|lane| {
                runs.get(lane).and_then(not_finite).unwrap_or(Outcome::Complete)
            }),
        };
        if objective == Objective::PlainL1 {
            block.x.copy_from_slice(&block.first);
        } else {
            for ((x, m), w) in block.x.iter_mut().zip(&block.first).zip(&block.second) {
                *x = m * w;
            }
        }
        block
    }

    /// All steps. x at the recorded ones goes to `slots` (for each, runs×n, NaN until it is reached), how each
    /// run ended to `outcome`.
    pub(super) fn go(
        &mut self,
        mut slots: Vec<&mut [f64]>,
        outcome: &mut [Outcome],
        cancel: Option<&AtomicBool>,
    ) {
        self.steps(&mut slots, cancel);
        outcome.copy_from_slice(&self.outcome[..outcome.len()]);
    }

    fn steps(&mut self, slots: &mut [&mut [f64]], cancel: Option<&AtomicBool>) {
        let options = self.options;
        // Lanes with the same schedule share its evaluation.
        let mut schedules: Vec<&Schedule> = Vec::new();
        let which: [usize; LANES] = std::array::from_fn(|lane| {
            let schedule = &self.runs.get(lane).unwrap_or(&self.runs[0]).schedule;
            schedules.iter().position(|s| *s == schedule).unwrap_or_else(|| {
                schedules.push(schedule);
                schedules.len() - 1
            })
        });
        let mut alphas = vec![0.0; schedules.len()];
        let mut recorded = 0;
        if options.record.first() == Some(&0) {
            self.record(slots[0]);
            recorded = 1;
        }
        for k in 0..options.steps {
            if k % 256 == 0 && cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
                for outcome in self.outcome.iter_mut().filter(|o| **o == Outcome::Complete) {
                    *outcome = Outcome::Cancelled { step: k };
                }
                return;
            }
            for (alpha, schedule) in alphas.iter_mut().zip(&schedules) {
                *alpha = schedule.alpha(k as f64);
            }
            let alpha: [f64; LANES] = std::array::from_fn(|lane| alphas[which[lane]]);
            match options.batch {
                None => self.full_gradient(),
                Some(batch) => self.batch_gradient(batch, k),
            }
            let mut poison = [0.0; LANES];
            let (first, second) = (&mut self.first[..], &mut self.second[..]);
            let (x, g) = (&mut self.x[..], &self.gradient[..]);
            match self.objective {
                Objective::MaskWeight => {
                    steps::mask_weight(first, second, x, g, options.step, &alpha, &mut poison)
                }
                Objective::MaskL1 => {
                    steps::mask_l1(first, second, x, g, options.step, &alpha, &mut poison)
                }
                Objective::PlainL1 => {
                    steps::plain_l1(first, x, g, options.step, &alpha, &mut poison)
                }
            }
            for (outcome, poison) in self.outcome.iter_mut().zip(&poison) {
                if poison.is_nan() && *outcome == Outcome::Complete {
                    *outcome = Outcome::Diverged { step: k + 1 };
                }
            }
            if options.record.get(recorded) == Some(&(k + 1)) {
                self.record(slots[recorded]);
                recorded += 1;
            }
        }
    }

    fn record(&self, slot: &mut [f64]) {
        let n = self.problem.features();
        for (lane, slot) in slot.chunks_exact_mut(n).enumerate() {
            if self.outcome[lane] == Outcome::Complete {
                let x = self.x.iter().skip(lane).step_by(LANES);
                slot.iter_mut().zip(x).for_each(|(slot, x)| *slot = *x);
            }
        }
    }

    pub(super) fn full_gradient(&mut self) {
        let (z, d) = (self.problem.z_rows(), self.problem.samples());
        steps::product(z, &self.x, &self.targets, &mut self.residual);
        steps::transposed(z, &self.residual, 1.0 / d as f64, &mut self.gradient);
    }

    /// The mean gradient over the samples of step k, for each run its own.
    fn batch_gradient(&mut self, batch: usize, k: u64) {
        let (d, n) = (self.problem.samples(), self.problem.features());
        let steps = d.div_ceil(batch) as u64;
        let (pass, start) = (k / steps, (k % steps) as usize * batch);
        let [x, g] = &mut self.one;
        for (lane, run) in self.runs.iter().enumerate() {
            let order = &mut self.order[lane * d..(lane + 1) * d];
            if start == 0 {
                shuffle(order, Stream::new(run.seed), pass);
            }
            for (x, v) in x.iter_mut().zip(self.x.iter().skip(lane).step_by(LANES)) {
                *x = *v;
            }
            g.fill(0.0);
            let samples = &order[start..(start + batch).min(d)];
            for &j in samples {
                let row = &self.problem.z_rows()[j as usize * n..(j as usize + 1) * n];
                let r = (dot(row, x) - self.problem.y()[j as usize]) / samples.len() as f64;
                g.iter_mut().zip(row).for_each(|(g, z)| *g += r * z);
            }
            for (out, g) in self.gradient.iter_mut().skip(lane).step_by(LANES).zip(&*g) {
                *out = *g;
            }
        }
    }
}

/// The order of the samples in a pass: Fisher and Yates' shuffle of 0, 1, …, d − 1.
pub(super) fn shuffle(order: &mut [u32], stream: Stream, pass: u64) {
    for (j, slot) in order.iter_mut().enumerate() {
        *slot = j as u32;
    }
    for i in (1..order.len()).rev() {
        let j = stream.below(pass, i as u32, i as u32 + 1);
        order.swap(i, j as usize);
    }
}

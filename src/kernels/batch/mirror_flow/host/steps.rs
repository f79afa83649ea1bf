//! The steps of the lanes of a block: the first one, the next one's length, what became of it.

use super::attempt::{Norms, begin};
use super::tiles::{Individual, Shared};
use super::{Block, Slots};
use crate::kernels::batch::Outcome;
use crate::kernels::batch::mirror_flow::{Features, Options};
use crate::numerics::exact::scaled::Scaled;
use crate::numerics::lanes::Real;
use crate::numerics::rodas5p::{GAMMA, NODES, STAGES};

/// Order in h of the error of a step.
const ORDER: f64 = 5.0;

impl<T: Real> Block<'_, T> {
    /// F and the first step of the lanes that start, or start again after a jump of α.
    pub(super) fn begin(&mut self, slots: &mut Slots<'_>) {
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
    pub(super) fn plan(&mut self, slots: &mut Slots<'_>) {
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
    pub(super) fn judge(&mut self, slots: &mut Slots<'_>) {
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
}

/// The norm of an error, 1 where it is as large as allowed (see [`crate::kernels::mirror_flow`]).
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

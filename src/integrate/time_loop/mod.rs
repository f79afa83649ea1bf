//! The one time loop: step-size control, output, jumps, kinks and events, over any [`Stepper`].
//!
//! - A step is accepted when its error, measured by [`Flow::error`], is at most 1; the next step is
//!   `h · 0.9 · e_k^{−0.7/q} e_{k−1}^{0.4/q}` (PI control), within a factor 0.2 to 5.
//! - Steps end on requested times and on jumps of the field. Before a jump at b the field is the
//!   one left of b: stages that fall on b see the time just before it. Where two of them are so
//!   close that time has no room for stages, the step is one of Euler's, with its error measured
//!   all the same.
//! - Events (loss, KKT residual, kinks of a piecewise field) are looked for at the ends of steps,
//!   located on the dense output by bisection, and reached by repeating the step with the right
//!   length.
//! - A run without such an end that is hopelessly far from its time (`reach.rs`) stops and says so.

mod reach;
pub(super) mod segment;
pub(super) mod sliver;

use super::{Attempt, Options, Step, Stepper, Trial};
use crate::cancel::requested;
use crate::flow::{Flow, Outcome, Recorder, Trajectory, Work};
use reach::Reach;
use segment::Segment;
use sliver::{euler, least};

/// What a step may run into.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Loss(f64),
    Kkt(f64),
    Kink,
}

impl Event {
    /// Positive before the event, at most 0 from it on.
    fn value(self, flow: &dyn Flow, t: f64, state: &[f64], x: &mut [f64]) -> f64 {
        match self {
            Self::Loss(bound) => {
                flow.x(t, state, x);
                flow.loss(x) - bound
            }
            Self::Kkt(bound) => flow.kkt(t, state).map_or(f64::INFINITY, |r| r - bound),
            // A kink at the very start of a piece is no event.
            Self::Kink => {
                let guard = flow.guard(t, state);
                if guard == 0.0 { f64::MIN_POSITIVE } else { guard }
            }
        }
    }
}

/// Everything that moves.
struct Run<'a> {
    flow: &'a dyn Flow,
    options: &'a Options,
    stepper: &'a mut dyn Stepper,
    work: Work,
    t: f64,
    y: Vec<f64>,
    f: Vec<f64>,
    y_new: Vec<f64>,
    f_new: Vec<f64>,
    err: Vec<f64>,
    x: Vec<f64>,
    events: Vec<Event>,
    /// Error of the last accepted step.
    last_error: f64,
}

/// Integrates with a stepper of one's own; [`integrate`](super::integrate) chooses one.
///
/// # Errors
/// When an option is out of its range.
///
/// ```
/// use mirrorflow::flow::{Flow, Primal};
/// use mirrorflow::integrate::{Explicit, Options, integrate_with};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![1.0])?;
/// let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[1.0; 2], &[0.0; 2])?;
/// let run = integrate_with(&flow, &mut Explicit::tsit5(flow.dim()), &Options::until(1.0))?;
/// assert_eq!((run.method.as_str(), run.t_end()), ("tsit5", 1.0));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn integrate_with(
    flow: &dyn Flow,
    stepper: &mut dyn Stepper,
    options: &Options,
) -> crate::Result<Trajectory> {
    options.check()?;
    super::check_events(flow, options)?;
    let k = flow.dim();
    let mut y = vec![0.0; k];
    flow.initial(&mut y);
    let mut run = Run {
        flow,
        options,
        stepper,
        work: Work::default(),
        t: 0.0,
        y,
        f: vec![0.0; k],
        y_new: vec![0.0; k],
        f_new: vec![0.0; k],
        err: vec![0.0; k],
        x: vec![0.0; flow.features()],
        events: events_of(flow, options),
        last_error: 1.0,
    };
    let mut recorder = Recorder::new();
    let outcome = run.all(&mut recorder);
    if recorder.last_time() != Some(run.t) {
        recorder.record(flow, run.t, &run.y);
    }
    Ok(recorder.finish(run.stepper.name(), run.work, outcome))
}

fn events_of(flow: &dyn Flow, options: &Options) -> Vec<Event> {
    let loss = options.loss_at_most.map(Event::Loss);
    let kkt = options.kkt_at_most.map(Event::Kkt);
    let kink = flow.is_piecewise().then_some(Event::Kink);
    [kink, loss, kkt].into_iter().flatten().collect()
}

/// Outcome of an event that ends the run.
fn ends(event: Event, flow: &dyn Flow, t: f64, state: &[f64], x: &mut [f64]) -> Option<Outcome> {
    match event {
        Event::Loss(_) => {
            flow.x(t, state, x);
            Some(Outcome::ReachedLoss { t, loss: flow.loss(x) })
        }
        Event::Kkt(_) => {
            Some(Outcome::ReachedKkt { t, residual: flow.kkt(t, state).unwrap_or(f64::NAN) })
        }
        Event::Kink => None,
    }
}

impl Run<'_> {
    /// From jump to jump.
    fn all(&mut self, recorder: &mut Recorder) -> Outcome {
        let end = self.options.t_end;
        let mut jumps: Vec<f64> =
            self.flow.breakpoints().into_iter().filter(|&b| b > 0.0 && b < end).collect();
        jumps.sort_by(f64::total_cmp);
        jumps.dedup();
        let mut times = self.options.times.clone();
        times.dedup();
        let mut next_time = 0;
        if times.first() == Some(&0.0) {
            recorder.record(self.flow, 0.0, &self.y);
            next_time = 1;
        }
        // An event may hold at the start already.
        for event in self.events.clone() {
            if event != Event::Kink
                && event.value(self.flow, self.t, &self.y, &mut self.x) <= 0.0
                && let Some(outcome) = ends(event, self.flow, self.t, &self.y, &mut self.x)
            {
                return outcome;
            }
        }
        let ended_by_event = self.events.iter().any(|event| *event != Event::Kink);
        let mut h = None;
        let flow = self.flow;
        for (stop, jump) in jumps.iter().map(|&b| (b, true)).chain([(end, false)]) {
            let segment = Segment { flow, end: stop };
            let field: &dyn Flow = if jump { &segment } else { flow };
            field.field(self.t, &self.y, &mut self.f);
            self.work.fields += 1;
            if !self.f.iter().all(|v| v.is_finite()) {
                return Outcome::NotFinite { t: self.t };
            }
            let mut limit = self.stepper.prepare(field, self.t, &self.y, &self.f, &mut self.work);
            // A jump may change every scale: the first step is chosen anew.
            let first = self.first_step(field, stop);
            h = Some(first.min(h.unwrap_or(f64::INFINITY)));
            let taken = |work: &Work| work.steps + work.rejections;
            let mut reach = Reach::from(self.t, taken(&self.work));
            while self.t < stop {
                let target = times.get(next_time).copied().unwrap_or(stop).min(stop);
                match self.step(field, target, &mut limit, h.unwrap_or(0.0)) {
                    Ok(next) => h = Some(next),
                    Err(outcome) => return outcome,
                }
                while times.get(next_time).is_some_and(|&time| time <= self.t) {
                    recorder.record(self.flow, self.t, &self.y);
                    next_time += 1;
                }
                let most = self.options.max_steps;
                if !ended_by_event
                    && let Some(more) = reach.beyond(self.t, stop, taken(&self.work), most)
                {
                    return Outcome::OutOfReach { t: self.t, steps: self.work.steps, more };
                }
            }
        }
        Outcome::ReachedTime { t: self.t }
    }

    /// Hairer, Nørsett & Wanner I, II.4: a step whose Euler error is about 1 % of the tolerance.
    fn first_step(&mut self, field: &dyn Flow, stop: f64) -> f64 {
        let Options { rtol, atol, .. } = *self.options;
        let span = stop - self.t;
        let size = |delta: &[f64]| field.error(self.t, &self.y, delta, rtol, atol);
        let (d0, d1) = (size(&self.y), size(&self.f));
        let mut h0 = if d0 > 1e-5 && d1 > 1e-5 && d1.is_finite() { 0.01 * d0 / d1 } else { 1e-6 };
        h0 = h0.min(span);
        // Bounded: 1e-6 · 0.01²⁰⁰ is below every positive number.
        for _ in 0..200 {
            for i in 0..self.y.len() {
                self.y_new[i] = self.y[i] + h0 * self.f[i];
            }
            field.field(self.t + h0, &self.y_new, &mut self.f_new);
            self.work.fields += 1;
            if self.f_new.iter().all(|v| v.is_finite()) {
                break;
            }
            h0 *= 0.01;
        }
        for i in 0..self.y.len() {
            self.err[i] = (self.f_new[i] - self.f[i]) / h0;
        }
        let d2 = size(&self.err);
        let most = d1.max(d2);
        let q = f64::from(self.stepper.error_order());
        let h1 = if most > 1e-15 && most.is_finite() {
            (0.01 / most).powf(1.0 / q)
        } else {
            (1e3 * h0).max(1e-6)
        };
        h1.min(if d1 == 0.0 { span } else { 1e2 * h0.max(1e-6) }).min(span)
    }

    /// One accepted step towards `target`; returns the length proposed for the next.
    fn step(
        &mut self,
        field: &dyn Flow,
        target: f64,
        limit: &mut f64,
        proposal: f64,
    ) -> Result<f64, Outcome> {
        let Options { rtol, atol, max_steps, .. } = *self.options;
        let q = f64::from(self.stepper.error_order());
        // What was proposed a few roundings of time ago may be below the resolution of time by now.
        let mut h = proposal.max(least(self.t)).min(*limit);
        let mut growth = 5.0;
        loop {
            if requested(&self.options.cancel) {
                return Err(Outcome::Cancelled { t: self.t });
            }
            if self.work.steps + self.work.rejections >= max_steps {
                return Err(Outcome::TooManySteps { t: self.t, steps: max_steps });
            }
            let left = target - self.t;
            if left <= least(self.t) {
                *limit = self.sliver(field, target)?;
                return Ok(proposal);
            }
            if h.is_nan() || h < least(self.t) {
                return Err(Outcome::StepTooSmall { t: self.t, step: h });
            }
            // Two equal steps rather than a full one and a sliver.
            let cut = h >= left;
            let length = if cut {
                left
            } else if 2.0 * h > left {
                0.5 * left
            } else {
                h
            };
            let error = match self.attempt(field, length) {
                Attempt::Done => field.error(self.t + length, &self.y_new, &self.err, rtol, atol),
                Attempt::NotFinite => f64::NAN,
            };
            if error > 1.0 || error.is_nan() {
                self.work.rejections += 1;
                let shrink = if error.is_finite() { 0.9 * error.powf(-1.0 / q) } else { 0.1 };
                h = length * shrink.clamp(0.1, 0.9);
                growth = 1.0;
                continue;
            }
            // The factor 1e-4 keeps an accidental zero from ending the memory of the controller.
            let error = error.max(1e-4);
            let factor = 0.9 * error.powf(-0.7 / q) * self.last_error.powf(0.4 / q);
            let mut next = length * factor.clamp(0.2, growth);
            if length < h {
                // Shortened for other reasons than its error: that says nothing against h.
                next = next.max(h);
            } else {
                self.last_error = error;
            }
            let t_new = if cut { target } else { self.t + length };
            self.finish(field, length, t_new)?;
            *limit = self.stepper.prepare(field, self.t, &self.y, &self.f, &mut self.work);
            return Ok(next);
        }
    }

    /// To `target`, which is next to t; returns the limit of the stepper there.
    fn sliver(&mut self, field: &dyn Flow, target: f64) -> Result<f64, Outcome> {
        let Options { rtol, atol, .. } = *self.options;
        let h = target - self.t;
        let Self { t, y, f, y_new, f_new, err, work, .. } = self;
        let finite = euler(field, (*t, h), (y, f), y_new, f_new, err);
        work.fields += 1;
        if !finite {
            return Err(Outcome::NotFinite { t: *t });
        }
        let error = field.error(target, y_new, err, rtol, atol);
        if error > 1.0 || error.is_nan() {
            return Err(Outcome::StepTooSmall { t: *t, step: h });
        }
        std::mem::swap(y, y_new);
        std::mem::swap(f, f_new);
        *t = target;
        work.steps += 1;
        Ok(self.stepper.prepare(field, self.t, &self.y, &self.f, &mut self.work))
    }

    fn attempt(&mut self, field: &dyn Flow, h: f64) -> Attempt {
        let Self { stepper, t, y, f, y_new, f_new, err, work, .. } = self;
        let step = Step { flow: field, t: *t, y, f, h };
        stepper.attempt(step, Trial { y: y_new, f: f_new, err }, work)
    }

    /// Accepts the attempted step, or its part up to the first event in it.
    ///
    /// The dense output proposes where the event is; whether it has happened is judged by real
    /// steps, whose state is what the run ends with. The event lies between `before`, where it has
    /// not happened, and `after`, where it has; each trial shrinks that interval.
    fn finish(&mut self, field: &dyn Flow, h: f64, t_new: f64) -> Result<(), Outcome> {
        let mut first = self.first_event(field, h, t_new);
        let (mut before, mut after, mut tried) = (0.0, h, h);
        if let Some((event, theta)) = first {
            let mut value_after = event.value(field, t_new, &self.y_new, &mut self.x);
            let mut length = h * theta;
            for _ in 0..8 {
                let near = after - length <= 1e-12 * after || length <= before;
                if near || length <= 4.0 * f64::EPSILON * self.t {
                    break;
                }
                if self.attempt(field, length) == Attempt::NotFinite {
                    return Err(Outcome::NotFinite { t: self.t });
                }
                tried = length;
                let value = event.value(field, self.t + length, &self.y_new, &mut self.x);
                if value <= 0.0 {
                    (after, value_after) = (length, value);
                    let again = self.first_event(field, length, self.t + length);
                    length *= again.map_or(1.0, |(_, theta)| theta);
                } else {
                    before = length;
                    // A little beyond the secant, so that the trials end past the event.
                    let part = 1.5 * value / (value - value_after);
                    length += (after - length) * part.clamp(1e-10, 0.5);
                }
            }
            if tried != after {
                // The trial before succeeded at this length, so this one does.
                self.attempt(field, after);
            }
            let end = if after == h { t_new } else { self.t + after };
            first = self.first_event(field, after, end).or(Some((event, 1.0)));
        }
        let t_new = if after == h { t_new } else { self.t + after };
        std::mem::swap(&mut self.y, &mut self.y_new);
        std::mem::swap(&mut self.f, &mut self.f_new);
        self.t = t_new;
        self.work.steps += 1;
        if let Some((event, _)) = first {
            if let Some(outcome) = ends(event, self.flow, self.t, &self.y, &mut self.x) {
                return Err(outcome);
            }
            field.switch(self.t, &mut self.y);
            field.field(self.t, &self.y, &mut self.f);
            self.work.fields += 1;
        }
        Ok(())
    }

    /// The event that comes first in the attempted step, and where in it.
    fn first_event(&mut self, field: &dyn Flow, h: f64, t_new: f64) -> Option<(Event, f64)> {
        let mut first: Option<(Event, f64)> = None;
        for event in self.events.clone() {
            if event.value(field, t_new, &self.y_new, &mut self.x) > 0.0 {
                continue;
            }
            // The smallest θ at which the event has happened, to 2⁻⁵⁰ of the step.
            let (mut before, mut after) = (0.0, 1.0);
            for _ in 0..50 {
                let theta = 0.5 * (before + after);
                // `err` has done its duty: it holds the interpolated state.
                self.stepper.interpolate(theta, &mut self.err);
                if event.value(field, self.t + theta * h, &self.err, &mut self.x) > 0.0 {
                    before = theta;
                } else {
                    after = theta;
                }
            }
            if first.is_none_or(|(_, theta)| after < theta) {
                first = Some((event, after));
            }
        }
        first
    }
}

#[cfg(test)]
mod tests;

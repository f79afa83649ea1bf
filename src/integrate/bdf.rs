//! Any flow by the implicit methods of diffsol: BDF of variable order and TR-BDF2.
//!
//! Jacobian–vector products come from the flow's Jacobian where it has one, else from one-sided
//! differences of the field. These methods measure errors in the norm of diffsol, componentwise on
//! the state with [`Flow::entry_tolerances`], not by [`Flow::error`]; output times and events use
//! diffsol's dense output.

use std::cell::RefCell;

use diffsol::error::{DiffsolError, OdeSolverError};
use diffsol::{
    NalgebraLU, NalgebraMat, NalgebraVec, OdeBuilder, OdeEquations, OdeSolverMethod,
    OdeSolverStopReason, Vector,
};

use super::time_loop::segment::Segment;
use super::time_loop::sliver::euler;
use super::{Method, Options, check_events};
use crate::cancel::requested;
use crate::flow::{Flow, Outcome, Recorder, Trajectory, Work, largest};
use crate::{Error, Result};

/// Last Jacobian evaluated, with where.
struct Jacobian {
    t: f64,
    state: Vec<f64>,
    /// k×k; empty until it is asked for.
    matrix: Vec<f64>,
    known: bool,
}

/// Integrates by [`Method::Bdf`] or [`Method::TrBdf2`].
pub(super) fn integrate(flow: &dyn Flow, method: Method, options: &Options) -> Result<Trajectory> {
    options.check()?;
    check_events(flow, options)?;
    if flow.is_piecewise() {
        return Err(Error::Domain {
            what: "the method".into(),
            expected: "an explicit one: this flow has kinks, which are located only by the \
                       explicit methods, stabilized and rosenbrock"
                .into(),
            found: method.to_string(),
        });
    }
    let k = flow.dim();
    let mut start = vec![0.0; k];
    flow.initial(&mut start);
    let end = options.t_end;
    let mut stops: Vec<f64> =
        flow.breakpoints().into_iter().filter(|&b| b > 0.0 && b < end).collect();
    stops.sort_by(f64::total_cmp);
    stops.dedup();
    stops.push(end);
    let mut run = Run {
        flow,
        options,
        recorder: Recorder::new(),
        next_time: 0,
        t: 0.0,
        state: start,
        work: Work::default(),
    };
    let outcome = run.all(method, &stops);
    if run.recorder.last_time() != Some(run.t) {
        run.recorder.record(flow, run.t, &run.state);
    }
    Ok(run.recorder.finish(
        if method == Method::Bdf { "bdf" } else { "tr-bdf2" },
        run.work,
        outcome,
    ))
}

struct Run<'a> {
    flow: &'a dyn Flow,
    options: &'a Options,
    recorder: Recorder,
    next_time: usize,
    t: f64,
    state: Vec<f64>,
    work: Work,
}

impl Run<'_> {
    fn all(&mut self, method: Method, stops: &[f64]) -> Outcome {
        self.output(0.0, |_| None);
        if let Some(outcome) = self.event(self.t, &self.state) {
            return outcome;
        }
        for &stop in stops {
            if let Some(outcome) = self.segment(method, stop) {
                return outcome;
            }
        }
        Outcome::ReachedTime { t: self.t }
    }

    /// Records the requested times up to `t`.
    fn output(&mut self, t: f64, mut at: impl FnMut(f64) -> Option<Vec<f64>>) {
        while let Some(&time) = self.options.times.get(self.next_time) {
            if time > t {
                break;
            }
            if self.recorder.last_time() != Some(time) {
                let state = at(time);
                self.recorder.record(self.flow, time, state.as_deref().unwrap_or(&self.state));
            }
            self.next_time += 1;
        }
    }

    /// The event that holds at a state.
    fn event(&self, t: f64, state: &[f64]) -> Option<Outcome> {
        if let Some(bound) = self.options.loss_at_most {
            let mut x = vec![0.0; self.flow.features()];
            self.flow.x(t, state, &mut x);
            let loss = self.flow.loss(&x);
            if loss <= bound {
                return Some(Outcome::ReachedLoss { t, loss });
            }
        }
        let bound = self.options.kkt_at_most?;
        let residual = self.flow.kkt(t, state)?;
        (residual <= bound).then_some(Outcome::ReachedKkt { t, residual })
    }

    /// Up to `stop`, before which the field is smooth.
    fn segment(&mut self, method: Method, stop: f64) -> Option<Outcome> {
        let (flow, k) = (self.flow, self.state.len());
        let last = if stop < self.options.t_end { stop.next_down() } else { stop };
        let start = self.state.clone();
        let work = RefCell::new(self.work);
        let jacobian = RefCell::new(Jacobian {
            t: f64::NAN,
            state: vec![0.0; k],
            matrix: Vec::new(),
            known: true,
        });
        let failed = |t: f64, why: String| Some(Outcome::SolverFailed { t, why });
        let (rtol, atol) = flow.entry_tolerances(self.options.rtol, self.options.atol);
        let problem = OdeBuilder::<NalgebraMat<f64>>::new()
            .t0(self.t)
            .rtol(rtol)
            .atol([atol])
            .rhs_implicit(
                |s: &[f64], _p: &[f64], t: f64, out: &mut [f64]| {
                    work.borrow_mut().fields += 1;
                    flow.field(t.min(last), s, out);
                },
                |s: &[f64], _p: &[f64], t: f64, v: &[f64], out: &mut [f64]| {
                    let mut work = work.borrow_mut();
                    product(flow, &mut jacobian.borrow_mut(), &mut work, t.min(last), s, v, out);
                },
            )
            .init(|_p: &[f64], _t: f64, s: &mut [f64]| s.copy_from_slice(&start), k)
            .build();
        let problem = match problem {
            Ok(problem) => problem,
            Err(e) => return failed(self.t, e.to_string()),
        };
        let outcome = match method {
            Method::Bdf => match problem.bdf::<NalgebraLU<f64>>() {
                Ok(mut solver) => self.drive(&mut solver, stop),
                Err(e) => failed(self.t, e.to_string()),
            },
            _ => match problem.tr_bdf2::<NalgebraLU<f64>>() {
                Ok(mut solver) => self.drive(&mut solver, stop),
                Err(e) => failed(self.t, e.to_string()),
            },
        };
        let (steps, rejections) = (self.work.steps, self.work.rejections);
        self.work = Work { steps, rejections, ..work.into_inner() };
        outcome
    }

    fn drive<'s, E, S>(&mut self, solver: &mut S, stop: f64) -> Option<Outcome>
    where
        E: OdeEquations<T = f64, V = NalgebraVec<f64>> + 's,
        S: OdeSolverMethod<'s, E>,
    {
        match solver.set_stop_time(stop) {
            Ok(()) => {}
            Err(DiffsolError::OdeSolverError(OdeSolverError::StopTimeAtCurrentTime)) => {
                return self.sliver(stop);
            }
            Err(e) => return Some(Outcome::SolverFailed { t: self.t, why: e.to_string() }),
        }
        let mut x = vec![0.0; self.flow.features()];
        loop {
            if requested(&self.options.cancel) {
                return Some(Outcome::Cancelled { t: self.t });
            }
            if self.work.steps >= self.options.max_steps {
                return Some(Outcome::TooManySteps { t: self.t, steps: self.work.steps });
            }
            let before = self.t;
            let reason = match solver.step() {
                Ok(reason) => reason,
                Err(e) => return Some(Outcome::SolverFailed { t: self.t, why: e.to_string() }),
            };
            self.work.steps += 1;
            // A stop is taken for reached within some ulps: what comes after it is another piece.
            let t = solver.state().t.min(stop);
            let state = solver.state().y.clone_as_vec();
            // An exponent may be finite where what it is the exponent of is not.
            self.flow.x(t, &state, &mut x);
            if !(largest(&state).is_finite() && largest(&x).is_finite()) {
                return Some(Outcome::NotFinite { t: self.t });
            }
            let at = |time: f64| solver.interpolate(time).ok().map(|v| v.clone_as_vec());
            if self.event(t, &state).is_some() {
                let (mut low, mut high) = (before, t);
                let mut found = state;
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    match at(middle) {
                        Some(state) if self.event(middle, &state).is_some() => {
                            (high, found) = (middle, state);
                        }
                        _ => low = middle,
                    }
                }
                self.output(high, at);
                (self.t, self.state) = (high, found);
                return self.event(self.t, &self.state);
            }
            self.output(t, at);
            (self.t, self.state) = (t, state);
            if matches!(reason, OdeSolverStopReason::TstopReached) {
                self.t = stop;
                return None;
            }
        }
    }
}

impl Run<'_> {
    /// To a stop that the solver takes for the time it is at.
    fn sliver(&mut self, stop: f64) -> Option<Outcome> {
        let (t, h) = (self.t, stop - self.t);
        let k = self.state.len();
        let (mut f, mut y_new) = (vec![0.0; k], vec![0.0; k]);
        let (mut f_new, mut err) = (f.clone(), f.clone());
        let inside = Segment { flow: self.flow, end: stop };
        inside.field(t, &self.state, &mut f);
        if !euler(&inside, (t, h), (&self.state, &f), &mut y_new, &mut f_new, &mut err) {
            return Some(Outcome::NotFinite { t });
        }
        self.work.steps += 1;
        let error = self.flow.error(stop, &y_new, &err, self.options.rtol, self.options.atol);
        if error > 1.0 || error.is_nan() {
            return Some(Outcome::StepTooSmall { t, step: h });
        }
        (self.t, self.state) = (stop, y_new);
        self.output(stop, |_| None);
        None
    }
}

/// `out = ∂F/∂s · v`.
fn product(
    flow: &dyn Flow,
    cache: &mut Jacobian,
    work: &mut Work,
    t: f64,
    state: &[f64],
    v: &[f64],
    out: &mut [f64],
) {
    if flow.jacobian_product(t, state, v, out) {
        work.fields += 1;
        return;
    }
    let k = state.len();
    if cache.known && !(cache.t == t && cache.state == state) {
        cache.matrix.resize(k * k, 0.0);
        cache.known = flow.jacobian(t, state, &mut cache.matrix).is_some();
        work.jacobians += 1;
        cache.t = t;
        cache.state.copy_from_slice(state);
    }
    if cache.known {
        for (out, row) in out.iter_mut().zip(cache.matrix.chunks_exact(k)) {
            *out = row.iter().zip(v).map(|(j, v)| j * v).sum();
        }
        return;
    }
    let size = largest(v);
    if size == 0.0 {
        out.fill(0.0);
        return;
    }
    let epsilon = f64::EPSILON.sqrt() * largest(state).max(1e-3) / size;
    let moved: Vec<f64> = state.iter().zip(v).map(|(s, v)| s + epsilon * v).collect();
    let mut base = vec![0.0; k];
    flow.field(t, state, &mut base);
    flow.field(t, &moved, out);
    work.fields += 2;
    for (out, base) in out.iter_mut().zip(&base) {
        *out = (*out - base) / epsilon;
    }
}

//! Local maximisation of the violation: Nelder–Mead (argmin) on the parameters of an instance.
//!
//! The objective is [`crate::Measured::score`], which rises towards a violation from afar and goes on
//! rising with its logarithm. Points that make no instance, or one outside the assumptions, are as bad as can be.

use std::sync::atomic::{AtomicUsize, Ordering};

use argmin::{
    core::{CostFunction, Executor},
    solver::neldermead::NelderMead,
};

use super::Target;
use crate::Domain;

/// Cost of a point that is no instance.
const NOWHERE: f64 = 1e6;

/// Where climbing ended.
pub(super) struct Climbed<I> {
    pub(super) instance: I,
    pub(super) ratio: f64,
    pub(super) tried: usize,
}

struct Violation<'a, I, P> {
    target: &'a Target<'a, I, P>,
    from: &'a I,
    tried: AtomicUsize,
}

impl<I: Domain, P: Send + Sync + 'static> CostFunction for Violation<'_, I, P> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        let measured = self.from.with_parameters(parameters).and_then(|i| self.target.measure(&i));
        Ok(measured.map_or(NOWHERE, |m| -m.score().min(NOWHERE)))
    }
}

/// Climbs from `instance` for at most `iterations` iterations of the simplex.
pub(super) fn climb<I: Domain, P: Send + Sync + 'static>(
    target: &Target<'_, I, P>,
    instance: &I,
    iterations: u64,
) -> Climbed<I> {
    let start = instance.parameters();
    let mut simplex = vec![start.clone()];
    for k in 0..start.len() {
        let mut vertex = start.clone();
        vertex[k] += 0.2 * vertex[k].abs().max(0.5);
        simplex.push(vertex);
    }
    let problem = Violation { target, from: instance, tried: AtomicUsize::new(0) };
    let stay = |tried| Climbed {
        instance: instance.clone(),
        ratio: target.measure(instance).map_or(0.0, |m| m.ratio()),
        tried,
    };
    let Ok(solver) = NelderMead::new(simplex).with_sd_tolerance(1e-6) else { return stay(0) };
    let run = Executor::new(problem, solver)
        .configure(|state| state.max_iters(iterations))
        .ctrlc(false)
        .run();
    let Ok(mut run) = run else { return stay(0) };
    let tried = run.problem.problem.as_ref().map_or(0, |p| p.tried.load(Ordering::Relaxed));
    let best = run.state.take_best_param().and_then(|p| instance.with_parameters(&p));
    let reached = best.and_then(|i| target.measure(&i).map(|m| (i, m.ratio())));
    match reached {
        Some((instance, ratio)) => Climbed { instance, ratio, tried },
        None => stay(tried),
    }
}

//! Theorem 2.2: the mirror flow converges for quasi-convex f, to a minimiser for convex f.
//!
//! *As printed (v1)*: if f is quasi-convex, x_t converges to a critical point; if f is convex, to a
//! minimiser. Both hold. Behind them stands `d/dt D_R(x*, x_t) = ⟨∇f(x_t), x* − x_t⟩`, which is at most
//! 0 for quasi-convex f and at most `f(x*) − f(x_t)` for convex f. From the latter, as f falls along
//! the flow, a rate that the theorem does not state: `f(x_t) − f* ≤ D_R(x*, x₀)/t`.
//!
//! *Beyond it*: f need not be quasi-convex in x. `f = (1/d) Σ ℓ(r_j)` with every ℓ falling towards 0
//! (`rℓ'(r) ≥ 0`) has `⟨∇f, x* − x⟩ = −(1/d) Σ ℓ'(r_j) r_j ≤ 0` for interpolators x*, and so
//! D_R(x*, x_t) falls too; for the sine-squared loss, which is PL and not convex, f goes to 0.

use mirrorflow::{
    Result,
    flow::Dual,
    integrate::{Method, Options, integrate},
    parameterization::Product,
    potential::Potential,
    problem::Loss,
    schedule::Schedule,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{cases_without_decay, draw_without_decay, full_row_rank, potential_defined};
use crate::{
    Case, Claim, Context, Gap, Law, Prepared, Theory, geometry::Geometry, lifted::Lifted,
    samples::horizon,
};

const RTOL: f64 = 1e-10;

/// The convergence is read at this many time scales, or where f fell by [`ENOUGH`].
const LATE: f64 = 1e12;

/// How far f must fall to say that it goes to its minimum, with room below to stop early.
const FALL: f64 = 1e-6;
const ENOUGH: f64 = 1e-7;

/// The losses with interpolators as minimisers, all with `rℓ'(r) ≥ 0`.
const LOSSES: [Loss; 5] = [
    Loss::Squared,
    Loss::Huber { delta: 0.3 },
    Loss::LogCosh,
    Loss::Cauchy { scale: 1.0 },
    Loss::SineSquared,
];

struct Run {
    /// `(t, x_t)` from t = 0 on.
    states: Vec<(f64, Vec<f64>)>,
    minimiser: Vec<f64>,
    /// `f(x₀) + f(0)`.
    scale: f64,
    /// `(T, f(x_T))` late.
    late: Option<(f64, f64)>,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Run>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let Some(geometry) = Geometry::of(problem) else {
        return Ok(Prepared::Undecided("Z has no full row rank".into()));
    };
    let (map, theta0) = (Product::new(problem.features())?, Product::theta(start));
    let schedule = &case.schedule;
    let flow = Lifted { map: &map, problem, loss: case.loss, schedule, theta0: &theta0 };
    let times: Vec<f64> = [0.03, 0.1, 0.3, 1.0].iter().map(|p| p * horizon(case)).collect();
    let states = match flow.at(&times, RTOL)? {
        Ok(states) => states,
        Err(why) => return Ok(Prepared::Undecided(why)),
    };
    let mut all = vec![(0.0, start.x0())];
    all.extend(states.into_iter().map(|s| (s.t, s.x)));

    let late = LATE * case.instance.time_scale();
    let dual = Dual::new(problem, case.loss, schedule.clone(), &start.entropy()?)?;
    let zero = case.loss.value(problem, &vec![0.0; problem.features()]);
    let scale = zero + case.loss.value(problem, &start.x0());
    let options = Options::until(late)
        .with_tolerances(1e-7, 1e-10)
        .with_method(Method::Rosenbrock)
        .stop_at_loss((ENOUGH * scale).max(f64::MIN_POSITIVE));
    let end = integrate(&dual, &Options { max_steps: 5_000, ..options })?;
    let complete = end.outcome.is_complete();
    let late = complete.then(|| (end.t_end(), case.loss.value(problem, &end.x_end())));
    Ok(Prepared::Ready(Run { states: all, minimiser: geometry.least_norm, scale, late }))
}

/// `D_R(s x*, x_t)` from one time to the next.
fn decreasing(sign: f64) -> impl Fn(&Case, &Run) -> Vec<Gap> + Send + Sync + 'static {
    move |case, run| {
        let Ok(potential) = case.instance.start.entropy() else { return Vec::new() };
        let target: Vec<f64> = run.minimiser.iter().map(|x| sign * x).collect();
        let d = |x: &[f64]| potential.bregman(&target, x);
        // ∂D/∂x = −∇²R (x* − x), and x is known to ten local errors of √(x²+a²), which cancels ∇²R.
        let slack = |x: &[f64]| {
            10.0 * RTOL * x.iter().zip(&target).map(|(x, s)| (x - s).abs()).sum::<f64>()
        };
        let gap = |pair: &[(f64, Vec<f64>)]| {
            let (before, after) = (d(&pair[0].1), d(&pair[1].1));
            let tolerance = slack(&pair[0].1) + slack(&pair[1].1) + 1e-14 * before;
            Gap::new(after, before, tolerance).at_time(pair[1].0)
        };
        run.states.windows(2).map(gap).collect()
    }
}

/// `f(x_t) ≤ c D_R(x*, x₀)/t` for convex f.
fn rate(c: f64) -> impl Fn(&Case, &Run) -> Vec<Gap> + Send + Sync + 'static {
    move |case, run| {
        let Ok(potential) = case.instance.start.entropy() else { return Vec::new() };
        if !case.loss.is_convex() {
            return Vec::new();
        }
        let d = potential.bregman(&run.minimiser, &run.states[0].1);
        let problem = &case.instance.problem;
        let mut values: Vec<(f64, f64)> =
            run.states[1..].iter().map(|(t, x)| (*t, case.loss.value(problem, x))).collect();
        values.extend(run.late.filter(|(t, _)| *t > 0.0));
        // An x* known to 1e-12 moves the loss by less.
        let gap = |&(t, f): &(f64, f64)| Gap::new(f, c * d / t, 1e-11 * run.scale).at_time(t);
        values.iter().map(gap).collect()
    }
}

/// `f(x_T) ≤ 1e-6 (f(x₀)+f(0))` late, where `wanted` asks for it.
fn vanishes(wanted: fn(&Case) -> bool) -> impl Fn(&Case, &Run) -> Vec<Gap> + Send + Sync + 'static {
    move |case, run| {
        // Below, floats lose their digits.
        let wanted = wanted(case) && run.scale > 1e-200;
        let (Some((t, f)), true) = (run.late, wanted) else { return Vec::new() };
        vec![Gap::new(f, FALL * run.scale, 1e-10 * run.scale).at_time(t)]
    }
}

fn cases(context: &Context) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for case in cases_without_decay(context)? {
        cases.extend(LOSSES.map(|loss| Case { loss, ..case.clone() }));
    }
    Ok(cases)
}

/// The same under a weight decay that does not end.
fn decaying(context: &Context) -> Result<Vec<Case>> {
    let with = |case: Case| {
        let c = 0.05 / case.instance.time_scale();
        Case { schedule: Schedule::Constant { c }, ..case }
    };
    Ok(cases(context)?.into_iter().map(with).collect())
}

fn draw(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    let case = draw_without_decay(rng, size)?;
    Ok(Case { loss: LOSSES[rng.random_range(0..LOSSES.len())], ..case })
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-2.2",
        "the mirror flow converges, to a minimiser for convex f",
        "Theorem 2.2, arXiv 2408.09966v1",
        cases,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("α = 0", |case: &Case| case.schedule.total() == 0.0)
    .assume("Z has full row rank", full_row_rank)
    .assume("rℓ'(r) ≥ 0, ℓ(0) = 0", |case: &Case| LOSSES.contains(&case.loss))
    .drawn_by(draw)
    .with_effort(0.5)
    .law(
        Law::as_printed("quasi-convex f: x_t converges; D_R(x*, x_t) does not increase")
            .at_most("ten local errors of x_t", decreasing(1.0))
            .control("that x* minimises f: −x* in its place", decreasing(-1.0)),
    )
    .law(
        Law::as_printed("convex f: f(x_t) → min f")
            .at_most("1e-10 of f(x₀)+f(0)", vanishes(|case| case.loss.is_convex()))
            .without("α = 0", decaying),
    )
    .law(
        Law::as_it_holds("convex f: f(x_t) − f* ≤ D_R(x*, x₀)/t")
            .at_most("1e-11 of f(x₀)+f(0)", rate(1.0))
            .control("D_R(x*, x₀): a tenth of it", rate(0.1)),
    )
    .law(
        Law::as_it_holds("f(x_t) → min f for losses that are not convex, rℓ'(r) > 0 for r ≠ 0")
            .at_most("1e-10 of f(x₀)+f(0)", vanishes(|case| !case.loss.is_convex()))
            .without("α = 0", decaying),
    )
    .claim()
}

//! a → 0: the flow jumps from saddle to saddle.
//!
//! *As printed* (Pesme & Flammarion 2023, "Saddle-to-saddle dynamics in diagonal linear networks",
//! theorem 2): from a vanishing balanced start the flow, with time in units of `log(1/a)`, converges to a
//! path that is constant between jumps, found by an algorithm.
//!
//! *Here*: `x = a sinh(−2L)`, so with `ℓ = log(1/a)`, `s = −2L/ℓ` and `t = ℓτ/2` it is `ds/dτ = −∇f(x)`, and x_i is
//! of order 1 only where `|s_i| = 1`. Stage p has x^p, constant; s moves on a straight line until a
//! coordinate reaches ±1; then `x^{p+1} = argmin f` over `x_i ≥ 0` where `s_i = 1`, `x_i ≤ 0` where `s_i = −1`, and
//! `x_i = 0` elsewhere. In the middle of a stage the flow is at x^p up to `e^{−ℓδ}`, δ the slack of s there,
//! and up to what is left of its relaxation; so a stage is compared where ℓ times its length and slack is
//! large. The last x^p interpolates and has least L1 norm.

use mirrorflow::{
    Result,
    flow::Dual,
    integrate::{Method, Options, integrate},
    limit::l1_minimum,
    numerics::{dense, dense::cholesky::Cholesky, exact::sums::norm_inf},
    potential::HyperbolicEntropy,
    problem::Problem,
};

use super::{cases_without_decay, draw_without_decay, full_row_rank, limit_of_flow::distance};
use crate::{Case, Claim, Context, Gap, Law, Prepared, Theory};

/// `ℓ = log(1/a)` of the flow.
const ELL: f64 = 4000.0;

/// What `e^{−ℓδ}` and the relaxation may leave, beside the tolerance of the integration.
const CLOSE: f64 = 1e-6;

/// Stages after which the algorithm is given up.
const STAGES: usize = 200;

/// One stage: from which τ to which it lasts (∞ for the last), and where x is.
#[derive(Debug, Clone)]
struct Stage {
    from: f64,
    to: f64,
    x: Vec<f64>,
    /// `min (1 − |s_i|)` over the x_i that are 0, in the middle.
    slack: f64,
}

struct Paths {
    stages: Vec<Stage>,
    /// `(stage, x_t)` in the middle of the stages that are long enough.
    flow: Vec<(usize, Vec<f64>)>,
    l1: f64,
}

/// `argmin f` over `σ_i x_i ≥ 0` for the signs given, `x_i = 0` where σ_i = 0 (Lawson & Hanson's
/// active sets); `None` where it does not come to an end.
fn signed_least_squares(problem: &Problem, signs: &[f64]) -> Option<Vec<f64>> {
    let (d, n) = (problem.samples(), problem.features());
    let z = problem.z_rows();
    let column = |i: usize| (0..d).map(move |j| z[j * n + i]);
    let mut x = vec![0.0; n];
    let mut free: Vec<usize> = Vec::new();
    let scale = norm_inf(&gradient(problem, &x)).max(f64::MIN_POSITIVE);
    for _ in 0..20 * (n + 1) {
        let g = gradient(problem, &x);
        // The coordinate outside that wants in most.
        let pull = |i: &usize| -g[*i] * signs[*i];
        let best = (0..n)
            .filter(|i| signs[*i] != 0.0 && !free.contains(i))
            .max_by(|i, j| pull(i).total_cmp(&pull(j)));
        match best {
            Some(i) if pull(&i) > 1e-11 * scale => free.push(i),
            _ => return Some(x),
        }
        loop {
            let k = free.len();
            let mut gram = vec![0.0; k * k];
            let mut target = vec![0.0; k];
            for (a, &i) in free.iter().enumerate() {
                for (b, &j) in free.iter().enumerate() {
                    gram[a * k + b] = column(i).zip(column(j)).map(|(p, q)| p * q).sum();
                }
                target[a] = column(i).zip(problem.y()).map(|(p, y)| p * y).sum();
            }
            let mut cholesky = Cholesky::new(k);
            if !cholesky.factor(&gram) {
                return None;
            }
            cholesky.solve(&mut target);
            // As far as the signs allow.
            let mut step = 1.0_f64;
            let mut blocked = None;
            for (a, &i) in free.iter().enumerate() {
                if target[a] * signs[i] <= 0.0 {
                    let part = x[i] / (x[i] - target[a]);
                    if blocked.is_none() || part < step {
                        (step, blocked) = (part, Some(i));
                    }
                }
            }
            for (a, &i) in free.iter().enumerate() {
                x[i] += step * (target[a] - x[i]);
            }
            match blocked {
                None => break,
                Some(i) => {
                    x[i] = 0.0;
                    free.retain(|j| *j != i);
                }
            }
        }
    }
    None
}

/// `∇f = Zᵀ(Zx − y)/d`.
fn gradient(problem: &Problem, x: &[f64]) -> Vec<f64> {
    let d = problem.samples();
    let mut residual = vec![0.0; d];
    dense::mul(problem.z_rows(), x, &mut residual);
    for (r, y) in residual.iter_mut().zip(problem.y()) {
        *r = (*r - y) / d as f64;
    }
    let mut out = vec![0.0; problem.features()];
    dense::mul_t(problem.z_rows(), &residual, &mut out);
    out
}

/// The stages of the limit.
fn stages(problem: &Problem) -> Option<Vec<Stage>> {
    let n = problem.features();
    let (mut s, mut x, mut from) = (vec![0.0; n], vec![0.0; n], 0.0);
    let scale = norm_inf(&gradient(problem, &x));
    let mut stages = Vec::new();
    for _ in 0..STAGES {
        let g = gradient(problem, &x);
        let middle_slack = |length: f64| {
            let slack = |i: usize| 1.0 - (s[i] - 0.5 * length * g[i]).abs();
            (0..n).filter(|i| x[*i] == 0.0).map(slack).fold(f64::INFINITY, f64::min)
        };
        if norm_inf(&g) <= 1e-10 * scale {
            let slack = middle_slack(0.0);
            stages.push(Stage { from, to: f64::INFINITY, x, slack });
            return Some(stages);
        }
        // When does s_i reach the end it moves to? A coordinate at rest there has x_i ≠ 0, g_i = 0.
        let reach = |i: usize| {
            let moves = x[i] == 0.0 && g[i].abs() > 1e-10 * scale;
            if moves { (1.0 + s[i] * g[i].signum()) / g[i].abs() } else { f64::INFINITY }
        };
        let reached: Vec<f64> = (0..n).map(reach).collect();
        let length = reached.iter().copied().fold(f64::INFINITY, f64::min);
        if !length.is_finite() {
            return None;
        }
        let slack = middle_slack(length);
        stages.push(Stage { from, to: from + length, x: x.clone(), slack });
        for i in 0..n {
            let arrives = reached[i] <= length * (1.0 + 1e-12);
            let next = s[i] - length * g[i];
            s[i] = match (arrives, x[i] == 0.0) {
                (true, _) => -g[i].signum(),
                (false, true) => next,
                (false, false) => s[i],
            };
        }
        from += length;
        let signs: Vec<f64> = s.iter().map(|s| if s.abs() == 1.0 { *s } else { 0.0 }).collect();
        x = signed_least_squares(problem, &signs)?;
    }
    None
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Paths>> {
    let problem = &case.instance.problem;
    let Some(stages) = stages(problem) else {
        return Ok(Prepared::Undecided("the algorithm meets a tie".into()));
    };
    // In the middle of a stage; well into the last.
    let last = stages.last().map_or(0.0, |s| s.from);
    let middle =
        |s: &Stage| if s.to.is_finite() { 0.5 * (s.from + s.to) } else { 1.5 * last + 1.0 };
    // e^{−ℓδ}; and the slowest relaxation of r, e^{−2λ|x| t} with t = ℓ/4 of the length, is not known
    // beforehand: the flow itself must have come to rest (its ∇f on the support).
    let clear = |s: &Stage| ELL * s.slack.max(0.0) > 40.0 && s.to - s.from > 0.05 * last;
    let judged: Vec<usize> = (0..stages.len()).filter(|p| clear(&stages[*p])).collect();
    let times: Vec<f64> = judged.iter().map(|p| 0.5 * ELL * middle(&stages[*p])).collect();
    if times.is_empty() {
        return Ok(Prepared::Undecided("no stage is long enough".into()));
    }
    let entropy = HyperbolicEntropy::uniform(problem.features(), -ELL)?;
    let dual = Dual::new(problem, case.loss, case.schedule.clone(), &entropy)?;
    let options = Options::until(times.iter().fold(0.0, |m: f64, t| m.max(*t)))
        .with_times(&times)
        .with_tolerances(1e-9, 1e-11)
        .with_method(Method::Rosenbrock);
    let run = integrate(&dual, &Options { max_steps: 50_000, ..options })?;
    if !run.outcome.is_complete() {
        return Ok(Prepared::Undecided(run.outcome.to_string()));
    }
    let states = run.t.iter().zip(run.x.outer_iter()).filter(|(t, _)| **t > 0.0);
    let flow = judged.into_iter().zip(states.map(|(_, x)| x.to_vec())).collect();
    Ok(Prepared::Ready(Paths { stages, flow, l1: l1_minimum(problem)?.l1 }))
}

/// x_t in the middle of a stage against the x of the stage `ahead` of it.
fn at_stage(ahead: usize) -> impl Fn(&Case, &Paths) -> Vec<Gap> + Send + Sync + 'static {
    move |case, paths| {
        let problem = &case.instance.problem;
        let scale = norm_inf(&gradient(problem, &vec![0.0; problem.features()]));
        let gap = |(p, x): &(usize, Vec<f64>)| {
            let stage = paths.stages.get(p + ahead)?;
            // A flow that has not come to rest on its support is still on its way.
            let g = gradient(problem, x);
            let size = norm_inf(x).max(1e-3);
            let resting = g.iter().zip(x).all(|(g, x)| (g * x).abs() <= 1e-8 * scale * size);
            let gap = Gap::residual(distance(x, &stage.x), CLOSE * size);
            resting.then(|| gap.at(format!("stage {p}, τ in [{:.3}, {:.3}]", stage.from, stage.to)))
        };
        paths.flow.iter().filter_map(gap).collect()
    }
}

/// ‖x‖₁ of the last stage, or the one before, against the least.
fn ends(before: usize) -> impl Fn(&Case, &Paths) -> Vec<Gap> + Send + Sync + 'static {
    move |_, paths| {
        let last = paths.stages.len() - 1;
        let Some(stage) = last.checked_sub(before).and_then(|p| paths.stages.get(p)) else {
            return Vec::new();
        };
        let l1: f64 = stage.x.iter().map(|v| v.abs()).sum();
        vec![Gap::new(l1, paths.l1, 1e-8 * paths.l1)]
    }
}

fn cases(context: &Context) -> Result<Vec<Case>> {
    let most = if context.budget.is_quick() { 15 } else { 30 };
    let small = |c: &Case| c.instance.problem.features() <= most;
    Ok(cases_without_decay(context)?.into_iter().filter(small).collect())
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "saddle-to-saddle",
        "a → 0: the flow jumps from saddle to saddle",
        "Pesme & Flammarion 2023, theorem 2",
        cases,
        prepare,
    )
    .assume("α = 0, y ≠ 0", |case: &Case| {
        case.schedule.total() == 0.0 && case.instance.problem.y().iter().any(|y| y.abs() > 1e-3)
    })
    .assume("Z has full row rank", full_row_rank)
    .assume_of_outcome("no ties: one coordinate arrives at a time, signed least squares is unique")
    .drawn_by(draw_without_decay)
    .with_effort(0.3)
    .law(
        Law::as_printed("the flow with t = ½ log(1/a) τ is at x^p in the middle of stage p")
            .equal("1e-6 of x_t, above e^{−40}", at_stage(0))
            .control("the right stage: the next one", at_stage(1)),
    )
    .law(
        Law::as_printed("the last stage has least L1 norm")
            .equal("1e-8 of it", ends(0))
            .control("the right stage: the one before", ends(1)),
    )
    .claim()
}

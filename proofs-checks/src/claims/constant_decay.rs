//! Weight decay that does not end: the LASSO, not an interpolator. A break condition of the paper.
//!
//! *As it holds*: for constant α > 0 the flow goes to a minimiser of `f(x) + 2α‖x‖₁`, the LASSO with
//! `λ = 2α`, since `min ‖m‖² + ‖w‖² s.t. m⊙w = x` is `2‖x‖₁` (Ziyin & Wang 2023; `|w₀| < m₀` keeps all
//! signs within reach). At a minimiser `|∂_i f| = 2α` on its support, so `f ≥ ‖∇f‖²/(2L_f) ≥ (2α)²/(2L_f)`
//! unless x = 0: where α_t does not go to 0, Theorem 3.2 and 3.3 do not hold, and how far f stays away
//! from 0 is known.

use mirrorflow::{
    Result,
    flow::Dual,
    integrate::{Method, Options, integrate},
    limit::{LassoStatus, lasso},
    schedule::Schedule,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{full_row_rank, potential_defined};
use crate::{Case, Claim, Context, Gap, Law, Prepared, Theory, geometry::Geometry};

/// Times, in units of 1/α.
const TIMES: [f64; 2] = [500.0, 1000.0];

struct End {
    /// x at both times.
    x: [Vec<f64>; 2],
    alpha: f64,
    smoothness: f64,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<End>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let Some(geometry) = Geometry::of(problem) else {
        return Ok(Prepared::Undecided("Z has no full row rank".into()));
    };
    let alpha = case.schedule.alpha(1.0);
    let scale = if alpha > 0.0 { 1.0 / alpha } else { 10.0 * case.instance.time_scale() };
    let times = TIMES.map(|t| t * scale);
    let dual = Dual::new(problem, case.loss, case.schedule.clone(), &start.entropy()?)?;
    let options = Options::until(times[1])
        .with_times(&times)
        .with_tolerances(1e-9, 1e-12)
        .with_method(Method::Rosenbrock);
    let run = integrate(&dual, &Options { max_steps: 5_000, ..options })?;
    if !run.outcome.is_complete() {
        return Ok(Prepared::Undecided(run.outcome.to_string()));
    }
    let last = run.x.nrows() - 1;
    let x = [run.x.row(last - 1).to_vec(), run.x.row(last).to_vec()];
    Ok(Prepared::Ready(End { x, alpha, smoothness: geometry.smoothness() }))
}

/// `f(x) + λ‖x‖₁` at the end of the flow and at the LASSO's, for `λ = c α`.
fn objective(c: f64) -> impl Fn(&Case, &End) -> Vec<Gap> + Send + Sync + 'static {
    move |case, end| {
        let problem = &case.instance.problem;
        let lambda = c * end.alpha;
        let Ok((x, LassoStatus::ReachedLambdaMin)) = lasso(problem, lambda) else {
            return Vec::new();
        };
        let value = |x: &[f64]| {
            case.loss.value(problem, x) + lambda * x.iter().map(|v| v.abs()).sum::<f64>()
        };
        let (before, after) = (value(&end.x[0]), value(&end.x[1]));
        let tolerance = 2.0 * (before - after).abs() + 1e-8 * after;
        // A flow that has not come to rest says nothing.
        let gap = Gap::new(after, value(&x), tolerance);
        if tolerance > 1e-6 * after { Vec::new() } else { vec![gap] }
    }
}

/// `min(c (2α)²/(2L_f), f(0)) ≤ f(x_T)`.
fn stays_away(c: f64) -> impl Fn(&Case, &End) -> Vec<Gap> + Send + Sync + 'static {
    move |case, end| {
        let problem = &case.instance.problem;
        let zero = case.loss.value(problem, &vec![0.0; problem.features()]);
        let (before, after) =
            (case.loss.value(problem, &end.x[0]), case.loss.value(problem, &end.x[1]));
        let bound = (c * (2.0 * end.alpha).powi(2) / (2.0 * end.smoothness)).min(zero);
        vec![Gap::new(bound, after, 2.0 * (before - after).abs() + 1e-6 * bound)]
    }
}

fn constant(case: &Case) -> bool {
    matches!(case.schedule, Schedule::Constant { .. })
}

/// Strengths from a thousandth of the one that makes all of x vanish to above it.
fn cases(context: &Context) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for instance in context.instances()? {
        let problem = &instance.problem;
        let zero = vec![0.0; problem.features()];
        let slope = mirrorflow::problem::Loss::Squared.gradient(problem, &zero);
        let most = 0.5 * slope.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        for part in [0.003, 0.1, 0.5, 1.2] {
            if most > 0.0 {
                let schedule = Schedule::Constant { c: part * most };
                cases.push(Case::new(instance.clone(), schedule));
            }
        }
    }
    cases.push(Case::by_hand(&[1.0], &[1.0], &[1.0], &[0.0], Schedule::Constant { c: 0.1 })?);
    Ok(cases)
}

fn draw(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    let case = Case::draw(rng, size)?;
    Ok(Case { schedule: Schedule::Constant { c: rng.random_range(0.01..0.5) }, ..case })
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "constant-decay",
        "weight decay that does not end: the LASSO",
        "section 2, arXiv 2408.09966v1; Ziyin & Wang 2023",
        cases,
        prepare,
    )
    .assume("α is constant and positive", constant)
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("Z has full row rank", full_row_rank)
    .drawn_by(draw)
    .with_effort(0.5)
    .law(
        Law::as_it_holds("constant α: f + 2α‖x‖₁ at the end of the flow is its minimum")
            .equal("2 × its change from t = 500/α to 1000/α, plus 1e-8", objective(2.0))
            .control("the factor 2: λ = α", objective(1.0))
            .mutant("λ = 2α → 2.02α", objective(2.02)),
    )
    .law(
        Law::as_it_holds("constant α: min((2α)²/(2L_f), f(0)) ≤ f(x_∞), no interpolator")
            .at_most("2 × the change of f from t = 500/α to 1000/α, plus 1e-6", stays_away(1.0))
            .control("the factor in (2α)²: twice of it", stays_away(2.0))
            .mutant("2α → 2.02α", stays_away(1.0201))
            .without("α is constant and positive", |context| {
                let ends = |c: &Case| {
                    c.schedule.total().is_finite()
                        && !c.instance.problem.y().iter().all(|y| *y == 0.0)
                };
                Ok(context.cases()?.into_iter().filter(ends).collect())
            }),
    )
    .claim()
}

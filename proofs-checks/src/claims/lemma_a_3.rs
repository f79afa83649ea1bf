//! Lemma A.3: the Lyapunov function of the flow with decay, and what follows from it.
//!
//! With `D_t(x*, x) = R_{a_t}(x*) − R_{a_t}(x) − ⟨∇R_{a_t}(x), x* − x⟩` and a minimiser x* of f, the proof
//! takes `W_t = R_{a_∞}(x*) − R_{a_t}(x_t) − ⟨∇R_{a_t}(x_t), x* − x_t⟩`, for `A_∞ < ∞`.
//!
//! *As printed (v1)*: `D_t(x*, x_t) ≤ W_t`; W_t does not increase; so the iterates stay bounded; and
//! `‖x_∞ − x_t‖ ≤ (μ/2) D_t(x_∞, x_t)` with the strong convexity μ of R on a bounded set.
//!
//! *As it holds*: the first two, since `W_t − D_t = R_{a_∞}(x*) − R_{a_t}(x*) ≥ 0` (R_a decreases in a) and
//! `dW/dt = −∂_tR_{a_t}(x_t) + ⟨∇f, x* − x_t⟩ ≤ 0` for quasi-convex f. Boundedness with constants: from
//! `∇²R_a ≥ 1/(2(r + a₀))` between x_i and x*_i, `r = max(|x_i|, |x*_i|)`, follows
//! `(x_i − x*_i)² ≤ 4 W_0 (r + a₀)`, hence `|x_i| ≤ |x*_i| + 2W_0 + 2√(W_0² + W_0(|x*_i| + a₀))`. The last
//! inequality mixes a norm with its square: strong convexity gives `‖x_∞ − x_t‖² ≤ (2/μ) D_t(x_∞, x_t)`
//! with `μ = 1/(2 max √(r² + a²))`.

use mirrorflow::{
    Result,
    limit::newton,
    numerics::{exact::interval::Interval, written::written},
    potential::{HyperbolicEntropy, Potential},
    schedule::Schedule,
};

use super::{full_row_rank, potential_defined};
use crate::{
    Case, Claim, Context, Gap, Law, Prepared, Proof, Theory,
    geometry::Geometry,
    samples::{Sample, sampled},
};

/// At one time: the point, its potential, and how far integration may have moved the former.
struct State {
    t: f64,
    x: Vec<f64>,
    potential: HyperbolicEntropy,
    /// Per coordinate: ten local errors of `x`, or the change between two tolerances.
    error: Vec<f64>,
}

struct Lyapunov {
    states: Vec<State>,
    minimiser: Vec<f64>,
    /// `a_∞` with the tilt of the start.
    last: HyperbolicEntropy,
    /// `argmin R_{a_∞}` among the interpolators, where it was found.
    limit: Option<Vec<f64>>,
}

fn state(case: &Case, coarse: &Sample, fine: &Sample) -> Result<State> {
    let potential = case.instance.start.entropy()?.decayed(case.schedule.integral(fine.t))?;
    let (x, rough) = (fine.x(), coarse.x());
    // x = m w moves by m δw + w δm, δ at most 1e-10 of (m, w) and of the floor 1e-3.
    let local = |i: usize| 1e-9 * ((fine.m[i].abs() + 1e-3) * (fine.w[i].abs() + 1e-3));
    let error = (0..x.len()).map(|i| (x[i] - rough[i]).abs().max(2.0 * local(i))).collect();
    Ok(State { t: fine.t, x, potential, error })
}

fn prepare(case: &Case, context: &Context) -> Result<Prepared<Lyapunov>> {
    let Some(geometry) = Geometry::of(&case.instance.problem) else {
        return Ok(Prepared::Undecided("Z has no full row rank".into()));
    };
    let run = match sampled(case, context)? {
        Prepared::Ready(run) => run,
        Prepared::Undecided(why) => return Ok(Prepared::Undecided(why)),
    };
    let start = &case.instance.start;
    let (m, w) = (start.m0().to_vec(), start.w0().to_vec());
    let first = Sample { t: 0.0, l: vec![0.0; m.len()], m, w };
    let mut states = vec![state(case, &first, &first)?];
    for (coarse, fine) in run.pairs() {
        states.push(state(case, coarse, fine)?);
    }
    let last = start.entropy()?.decayed(case.schedule.total())?;
    let limit = newton::minimize(&case.instance.problem, &last, &newton::Options::default())?;
    let limit = limit.status.is_converged().then_some(limit.x);
    Ok(Prepared::Ready(Lyapunov { states, minimiser: geometry.least_norm, last, limit }))
}

/// `W = R_∞(x*) − R_t(x*) + D_t(x*, x_t)` and by how much rounding and integration may have moved it.
fn w(state: &State, last: &HyperbolicEntropy, minimiser: &[f64]) -> (f64, f64) {
    let (then, now) = (last.value(minimiser), state.potential.value(minimiser));
    let w = then - now + state.potential.bregman(minimiser, &state.x);
    // ∂W/∂x = −∇²R_t(x)(x* − x).
    let mut hessian = vec![0.0; state.x.len()];
    state.potential.hessian(&state.x, &mut hessian);
    let moved: f64 = (0..state.x.len())
        .map(|i| hessian[i] * (minimiser[i] - state.x[i]).abs() * state.error[i])
        .sum();
    let terms = state
        .potential
        .log_a()
        .iter()
        .zip(last.log_a())
        .zip(minimiser)
        .map(|((p, q), x)| (x.abs() + p.exp()) * (1.0 + p.abs() + q.abs() + x.abs().ln_1p()));
    (w, 2.0 * moved + 16.0 * f64::EPSILON * (terms.sum::<f64>() + w.abs()))
}

const RULE: &str = "what the change of x_t from rtol 1e-6 to 1e-10, or ten local errors, moves W; plus \
                    16 ε of its terms";

/// `D ≤ W`, or with R at the start in place of `R_∞`.
fn below(first: bool) -> impl Fn(&Case, &Lyapunov) -> Vec<Gap> + Send + Sync + 'static {
    move |_, l| {
        let last = if first { &l.states[0].potential } else { &l.last };
        let gap = |s: &State| {
            let (w, tolerance) = w(s, last, &l.minimiser);
            let d = s.potential.bregman(&l.minimiser, &s.x);
            Gap::new(d, w, tolerance).at_time(s.t)
        };
        l.states.iter().map(gap).collect()
    }
}

/// `W` from one time to the next, for `sign · x*`.
fn decreasing(sign: f64) -> impl Fn(&Case, &Lyapunov) -> Vec<Gap> + Send + Sync + 'static {
    move |_, l| {
        let target: Vec<f64> = l.minimiser.iter().map(|x| sign * x).collect();
        let gap = |pair: &[State]| {
            let (before, after) = (w(&pair[0], &l.last, &target), w(&pair[1], &l.last, &target));
            let place = format!("t = {} to {}", written(pair[0].t, 4), written(pair[1].t, 4));
            Gap::new(after.0, before.0, before.1 + after.1).at(place)
        };
        l.states.windows(2).map(gap).collect()
    }
}

/// `max |x_i|` against the bound from `c W_0`.
fn bounded(c: f64) -> impl Fn(&Case, &Lyapunov) -> Vec<Gap> + Send + Sync + 'static {
    move |_, l| {
        let start = &l.states[0];
        let (w0, slack) = w(start, &l.last, &l.minimiser);
        let w0 = c * (w0 + slack);
        let gap = |s: &State| {
            // The coordinate that comes nearest to its own bound.
            let excess = |i: usize| {
                let (x, a) = (l.minimiser[i].abs(), start.potential.log_a()[i].exp());
                let bound = x + 2.0 * w0 + 2.0 * (w0 * w0 + w0 * (x + a)).sqrt();
                (s.x[i].abs() - s.error[i], bound)
            };
            let pairs = (0..s.x.len()).map(excess);
            let (x, bound) = pairs.fold((0.0, f64::INFINITY), |best, new| {
                if new.0 - new.1 > best.0 - best.1 { new } else { best }
            });
            Gap::new(x, bound, 1e-13 * (x.abs() + bound)).at_time(s.t)
        };
        l.states.iter().map(gap).collect()
    }
}

/// `‖x_∞ − x_t‖^p` against a multiple of `D_t(x_∞, x_t)` that depends on μ.
fn near(
    power: i32,
    factor: fn(f64) -> f64,
) -> impl Fn(&Case, &Lyapunov) -> Vec<Gap> + Send + Sync + 'static {
    move |_, l| {
        let Some(limit) = &l.limit else { return Vec::new() };
        let gap = |s: &State| {
            let squared: f64 = limit.iter().zip(&s.x).map(|(p, q)| (p - q) * (p - q)).sum();
            let reach = (0..s.x.len())
                .map(|i| limit[i].abs().max(s.x[i].abs()).hypot(s.potential.log_a()[i].exp()))
                .fold(0.0, f64::max);
            let d = s.potential.bregman(limit, &s.x);
            let bound = factor(1.0 / (2.0 * reach)) * d;
            let distance = squared.sqrt().powi(power);
            Gap::new(distance, bound, 1e-12 * (distance + bound)).at_time(s.t)
        };
        // Where x_t is at its limit the rounding of both decides.
        l.states.iter().filter(|s| distance_is_clear(limit, &s.x)).map(gap).collect()
    }
}

fn distance_is_clear(a: &[f64], b: &[f64]) -> bool {
    let size = a.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    a.iter().zip(b).any(|(p, q)| (p - q).abs() > 1e-4 * size)
}

/// Encloses `|x_∞ − x₀|` and `(μ/2) D_0(x_∞, x₀)` in one dimension without decay, where `x_∞ = y/z`.
fn printed_norm(case: &Case) -> Option<Proof> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let ([z], [y], [m], [w]) = (problem.z_rows(), problem.y(), start.m0(), start.w0()) else {
        return None;
    };
    if case.schedule != Schedule::None || *z == 0.0 {
        return None;
    }
    let (m, w) = (Interval::point(*m), Interval::point(*w));
    let (limit, x, a) =
        (Interval::point(*y) / Interval::point(*z), m * w, (m.sqr() - w.sqr()) * 0.5);
    let size = |x: Interval| (x.sqr() + a.sqr()).sqrt();
    // The tilt drops out of D.
    let s = |x: Interval| Some(x * (x / a).asinh()? - size(x)?);
    let d = (s(limit)? - s(x)? - (x / a).asinh()? * (limit - x)) * 0.5;
    let reach = if limit.mag() > x.mag() { limit } else { x };
    let mu = Interval::point(1.0) / (size(reach)? * 2.0);
    let how = "interval arithmetic, x_∞ = y/z";
    let moved = ("‖x_∞ − x₀‖", (limit - x).abs());
    Some(Proof::new(moved, ("(μ/2) D_0(x_∞, x₀)", mu * d * 0.5), how))
}

/// One dimension, moved little: where strong convexity is nearly attained.
fn gentle() -> Result<Case> {
    Case::by_hand(&[1.0], &[0.05], &[1.0], &[0.0], Schedule::None)
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "lemma-a.3",
        "the Lyapunov function of the flow with decay",
        "Lemma A.3 and its proof, arXiv 2408.09966v1",
        |context| {
            let mut cases = context.cases()?;
            cases.push(gentle()?);
            Ok(cases)
        },
        prepare,
    )
    .assume("A_∞ < ∞", |case: &Case| case.schedule.total().is_finite())
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("Z has full row rank", full_row_rank)
    .drawn_by(Case::draw)
    .law(
        Law::as_printed("D_t(x*, x_t) ≤ W_t")
            .at_most(RULE, below(false))
            .control("a_∞ in W: a₀ in its place", below(true)),
    )
    .law(
        Law::as_printed("W_t does not increase")
            .at_most(RULE, decreasing(1.0))
            .control("that x* minimises f: −x* in its place", decreasing(-1.0)),
    )
    .law(
        Law::as_it_holds("|x_t| ≤ |x*| + 2W_0 + 2√(W_0² + W_0(|x*| + a₀)) elementwise")
            .at_most("the error of x_t, plus 1e-13", bounded(1.0))
            .control("W_0: 0 in its place", bounded(0.0)),
    )
    .law(
        Law::as_printed("‖x_∞ − x_t‖ ≤ (μ/2) D_t(x_∞, x_t)")
            .fails()
            .comparing("‖x_∞ − x_t‖", "(μ/2) D_t(x_∞, x_t)")
            .at_most("1e-12 of both sides", near(1, |mu| 0.5 * mu))
            .known(|| Case::by_hand(&[1.0], &[1.0], &[1.0], &[0.0], Schedule::None))
            .proven_by(|case| Ok(printed_norm(case)))
            .explained(|_, gap| {
                format!(
                    "‖x_∞ − x_t‖ = {} but (μ/2) D = {} ({}); scaling x and a by s scales \
                     the left side by s and leaves the right one as it is",
                    written(gap.lhs, 4),
                    written(gap.rhs, 4),
                    gap.place
                )
            }),
    )
    .law(
        Law::as_it_holds("‖x_∞ − x_t‖² ≤ (2/μ) D_t(x_∞, x_t)")
            .at_most("1e-12 of both sides", near(2, |mu| 2.0 / mu))
            .control("the factor 2", near(2, |mu| 1.0 / mu))
            .mutant("2/μ → 1.98/μ", near(2, |mu| 1.98 / mu)),
    )
    .claim()
}

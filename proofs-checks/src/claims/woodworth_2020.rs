//! How small a must be for the L1 end, how large for the L2 end.
//!
//! *As printed* (Woodworth et al. 2020, "Kernel and rich regimes in overparametrized models", theorem 2,
//! for `x = u² − v²` from `u = v = α`, which is `a = 2α²` here), with the least L1 norm `S₁`, the least L2
//! norm `S₂` and n features:
//! `α ≤ min{(2(1+ε)S₁)^{−(2+ε)/(2ε)}, e^{−n/(εS₁)}}` gives `‖x_a‖₁ ≤ (1+ε)S₁`, and
//! `α² ≥ 2(1+ε)(1+2/ε)S₂` gives `‖x_a‖₂² ≤ (1+ε)S₂²`. Both hold, far from tight.
//!
//! *Sharper bounds*, from `R_a(x_a) ≤ R_a(x)`. L1: `2R_a` lies between
//! `|x|(log(2|x|/a) − 1) − a` and the same without `−a` (remark 2.1), and `Σ|x| log|x| ≥ S log(S/n)`; so
//! `S(ℓ + log(2S/n) − 1) − na ≤ S₁(ℓ + log 2S₁ − 1)` for `S = ‖x_a‖₁`, `ℓ = log(1/a)`, hence
//! `‖x_a‖₁ ≤ (1+ε)S₁` when `ℓ ≥ [(1+ε)log(n/(1+ε)) + na/S₁]/ε − log 2S₁ + 1`: log n in place of n.
//! L2: `u²/2 − u⁴/24 ≤ h(u) + 1 ≤ u²/2` (remark 2.1) gives `s(1 − s/(12a²)) ≤ S₂²` for `s = ‖x_a‖₂²`, hence
//! `s ≤ (1+ε)S₂²` when `a ≥ (1+ε)S₂/√(12ε)`: by continuity in a, from `a = ∞`, where `s = S₂²`.

use std::f64::consts::LN_2;

use mirrorflow::{
    Result,
    limit::{l1_minimum, newton},
    potential::HyperbolicEntropy,
    problem::{Generator, Problem, Targets, Values},
    schedule::Schedule,
};
use rand_chacha::ChaCha8Rng;

use super::{cases_without_decay, full_row_rank};
use crate::{Case, Claim, Context, Gap, Law, Prepared, Table, Theory, geometry::Geometry};

const EPSILONS: [f64; 3] = [0.05, 0.3, 1.0];

/// The problem with its two extreme norms.
struct Ends {
    /// S₁ and S₂.
    l1: f64,
    l2: f64,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Ends>> {
    ends(&case.instance.problem)
}

fn ends(problem: &Problem) -> Result<Prepared<Ends>> {
    let Some(geometry) = Geometry::of(problem) else {
        return Ok(Prepared::Undecided("Z has no full row rank".into()));
    };
    let (l1, l2) = (l1_minimum(problem)?.l1, geometry.least_norm_size());
    Ok(Prepared::Ready(Ends { l1, l2 }))
}

/// x_a for one a and no tilt; `None` where Newton's method does not say so.
fn limit(problem: &Problem, log_a: f64) -> Option<Vec<f64>> {
    let potential = HyperbolicEntropy::uniform(problem.features(), log_a).ok()?;
    let limit = newton::minimize(problem, &potential, &newton::Options::default()).ok()?;
    limit.status.is_converged().then_some(limit.x)
}

fn norm1(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs()).sum()
}

fn norm2_squared(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum()
}

/// The printed `log a` for the L1 end: `log 2 + 2 log α`.
fn l1_printed(ends: &Ends, n: f64, epsilon: f64) -> f64 {
    let power = (2.0 + epsilon) / (2.0 * epsilon);
    let log_alpha = (-power * (2.0 * (1.0 + epsilon) * ends.l1).ln()).min(-n / (epsilon * ends.l1));
    LN_2 + 2.0 * log_alpha
}

/// The sharper one: `log a + na/(εS₁) ≤ −(1+ε)log(n/(1+ε))/ε + log 2S₁ − 1`, left increasing in a.
fn l1_sharper(ends: &Ends, n: f64, epsilon: f64) -> f64 {
    let right =
        -(1.0 + epsilon) * (n / (1.0 + epsilon)).ln() / epsilon + (2.0 * ends.l1).ln() - 1.0;
    let (mut low, mut high) = (right - 1.0, right);
    let left = |log_a: f64| log_a + n * log_a.exp() / (epsilon * ends.l1);
    while left(low) > right {
        low -= 1.0;
    }
    for _ in 0..60 {
        let mid = 0.5 * (low + high);
        if left(mid) > right { high = mid } else { low = mid }
    }
    // The derivation divides by ℓ + log(2S/n) for S ≥ S₁, which must be positive.
    low.min((2.0 * ends.l1 / n).ln() - 1e-9)
}

/// The printed `log a` for the L2 end.
fn l2_printed(ends: &Ends, _: f64, epsilon: f64) -> f64 {
    (4.0 * (1.0 + epsilon) * (1.0 + 2.0 / epsilon) * ends.l2).ln()
}

/// The sharper one.
fn l2_sharper(ends: &Ends, _: f64, epsilon: f64) -> f64 {
    ((1.0 + epsilon) * ends.l2 / (12.0 * epsilon).sqrt()).ln()
}

type Bound = fn(&Ends, f64, f64) -> f64;

/// `‖x_a‖₁ ≤ (1+ε)S₁` at the a of `bound` shifted by `shift` in log a.
fn l1(bound: Bound, shift: f64) -> impl Fn(&Case, &Ends) -> Vec<Gap> + Send + Sync + 'static {
    move |case, ends| {
        let problem = &case.instance.problem;
        let at = |epsilon: f64| {
            let log_a = bound(ends, problem.features() as f64, epsilon) + shift;
            let x = limit(problem, log_a.min(50.0))?;
            let gap = Gap::new(norm1(&x), (1.0 + epsilon) * ends.l1, 1e-9 * ends.l1);
            Some(gap.at(format!("ε = {epsilon}, log a = {log_a:.1}")))
        };
        EPSILONS.into_iter().filter_map(at).collect()
    }
}

/// `‖x_a‖₂² ≤ (1+ε)S₂²` at the a of `bound`, `log a` shifted by `shift`.
fn l2(bound: Bound, shift: f64) -> impl Fn(&Case, &Ends) -> Vec<Gap> + Send + Sync + 'static {
    move |case, ends| {
        let problem = &case.instance.problem;
        let at = |epsilon: f64| {
            let log_a = bound(ends, 0.0, epsilon) + shift;
            let x = limit(problem, log_a.min(50.0))?;
            let square = ends.l2 * ends.l2;
            let gap = Gap::new(norm2_squared(&x), (1.0 + epsilon) * square, 1e-9 * square);
            Some(gap.at(format!("ε = {epsilon}, log a = {log_a:.1}")))
        };
        EPSILONS.into_iter().filter_map(at).collect()
    }
}

/// The `log a` that brings a norm near the least.
enum Needed {
    Any,
    At(f64),
}

impl std::fmt::Display for Needed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::At(log_a) => write!(f, "{log_a:.2}"),
        }
    }
}

/// The largest (L1) or least (L2) `log a` that does, between a bound and a value that does not; `None` where a limit is
/// not found.
fn needed(mut does: f64, mut does_not: f64, test: impl Fn(f64) -> Option<bool>) -> Option<Needed> {
    if test(does_not)? {
        return Some(Needed::Any);
    }
    for _ in 0..40 {
        let mid = 0.5 * (does + does_not);
        if test(mid)? { does = mid } else { does_not = mid }
    }
    Some(Needed::At(does))
}

fn tightness(context: &Context) -> Result<Table> {
    let targets = Targets::Planted { sparsity: 3, values: Values::Gaussian, noise: 0.0 };
    let seed = context.budget.seed;
    let problem = Generator { targets, ..Generator::gaussian(10, 30, 3, seed) }.problem()?;
    let Prepared::Ready(ends) = ends(&problem)? else {
        return Ok(Table { caption: "no full row rank".into(), columns: vec![], rows: vec![] });
    };
    let n = problem.features() as f64;
    let mut rows = Vec::new();
    for epsilon in EPSILONS {
        let l1_does =
            |log_a: f64| Some(norm1(&limit(&problem, log_a)?) <= (1.0 + epsilon) * ends.l1);
        let square = ends.l2 * ends.l2;
        let l2_does =
            |log_a: f64| Some(norm2_squared(&limit(&problem, log_a)?) <= (1.0 + epsilon) * square);
        let (l1, l2) = (l1_sharper(&ends, n, epsilon), l2_sharper(&ends, n, epsilon));
        let show = |v: Option<Needed>| v.map_or("not found".into(), |v| v.to_string());
        rows.push(vec![
            epsilon.to_string(),
            format!("{:.1}", l1_printed(&ends, n, epsilon)),
            format!("{l1:.1}"),
            show(needed(l1, 10.0, l1_does)),
            format!("{:.2}", l2_printed(&ends, n, epsilon)),
            format!("{l2:.2}"),
            show(needed(l2, -40.0, l2_does)),
        ]);
    }
    Ok(Table {
        caption: format!(
            "{}: log a that brings the norm within 1 + ε of the least: what the bounds ask for, and what is enough",
            problem.name()
        ),
        columns: [
            "ε",
            "L1 printed",
            "L1 sharper",
            "L1 enough",
            "L2 printed",
            "L2 sharper",
            "L2 enough",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    })
}

fn draw(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    Ok(Case { schedule: Schedule::None, ..Case::draw(rng, size)? })
}

fn nontrivial(case: &Case) -> bool {
    case.instance.problem.y().iter().any(|y| y.abs() >= 1e-3)
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "woodworth-2020",
        "how small a must be for L1, how large for L2",
        "Woodworth et al. 2020, theorem 2",
        // The start plays no part.
        |context| {
            let small = |c: &Case| c.instance.problem.features() <= 100;
            Ok(cases_without_decay(context)?.into_iter().filter(small).collect())
        },
        prepare,
    )
    .assume("θ₀ = 0, one a for all coordinates; y ≠ 0", nontrivial)
    .assume("Z has full row rank", full_row_rank)
    .drawn_by(draw)
    .law(
        Law::as_printed(
            "‖x_a‖₁ ≤ (1+ε)S₁ for a = 2α², α = min{(2(1+ε)S₁)^{−(2+ε)/(2ε)}, e^{−n/(εS₁)}}",
        )
        .at_most("1e-9 of S₁", l1(l1_printed, 0.0))
        .control("the bound on a: a = 1e4 S₂ in its place", l1(|e, _, _| (1e4 * e.l2).ln(), 0.0))
        .with_table(tightness),
    )
    .law(
        Law::as_it_holds(
            "‖x_a‖₁ ≤ (1+ε)S₁ for log(1/a) ≥ [(1+ε)log(n/(1+ε)) + na/S₁]/ε − log 2S₁ + 1",
        )
        .at_most("1e-9 of S₁", l1(l1_sharper, 0.0))
        .control("the bound on a: a = 1e4 S₂ in its place", l1(|e, _, _| (1e4 * e.l2).ln(), 0.0)),
    )
    .law(
        Law::as_printed("‖x_a‖₂² ≤ (1+ε)S₂² for a ≥ 4(1+ε)(1+2/ε)S₂")
            .at_most("1e-9 of S₂²", l2(l2_printed, 0.0))
            .control(
                "the bound on a: a = 1e-12 S₂ in its place",
                l2(|e, _, _| (1e-12 * e.l2).ln(), 0.0),
            ),
    )
    .law(
        Law::as_it_holds("‖x_a‖₂² ≤ (1+ε)S₂² for a ≥ (1+ε)S₂/√(12ε)")
            .at_most("1e-9 of S₂²", l2(l2_sharper, 0.0))
            .control(
                "the bound on a: a = 1e-12 S₂ in its place",
                l2(|e, _, _| (1e-12 * e.l2).ln(), 0.0),
            ),
    )
    .claim()
}

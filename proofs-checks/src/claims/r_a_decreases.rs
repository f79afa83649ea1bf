//! The potential decreases in its scale.
//!
//! *As used in the proof of Theorem 3.2 (v1)*: `R_a(x)` decreases in a for every x. It holds, since
//! `∂R_a/∂a = −½ Σ √(x²+a²)/a < 0` (identity (9)).
//!
//! *What holds beside it*: the centred potential `R_a − min R_a = R_a + ½a cosh θ₀` decreases too
//! when `θ₀ = 0`, as `∂/∂a = ½(1 − √(x²+a²)/a) ≤ 0`. With a tilt it need not: there the derivative is
//! `½(cosh θ₀ − √(x²+a²)/a)`, positive where `|x| < a sinh|θ₀|`.

use mirrorflow::{
    Result,
    numerics::exact::interval::Interval,
    potential::{HyperbolicEntropy, Potential},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{Claim, Context, Gap, Law, Numbers, Prepared, Proof, Theory};

const RULE: &str = "16 ε of the terms of R";

/// R at a and at the larger a', each with its minimum.
struct Pair {
    before: f64,
    after: f64,
    least_before: f64,
    least_after: f64,
    terms: f64,
}

fn point(x: f64, log_a: f64, step: f64, theta: f64) -> Numbers {
    Numbers::new(&[("x", x), ("log a", log_a), ("log a'/a", step), ("θ₀", theta)])
}

fn prepare(at: &Numbers, _: &Context) -> Result<Prepared<Pair>> {
    let (x, log_a, theta) = (at.get("x"), at.get("log a"), at.get("θ₀"));
    let ahead = log_a + at.get("log a'/a");
    let r = |log_a: f64| {
        Ok::<_, mirrorflow::Error>(HyperbolicEntropy::new(vec![log_a], vec![theta])?.value(&[x]))
    };
    let least = |log_a: f64| -0.5 * log_a.exp() * theta.cosh();
    let size = x.abs() * (log_a.abs().max(ahead.abs()) + theta.abs() + x.abs().ln_1p() + 1.0);
    Ok(Prepared::Ready(Pair {
        before: r(log_a)?,
        after: r(ahead)?,
        least_before: least(log_a),
        least_after: least(ahead),
        terms: size + log_a.exp().max(ahead.exp()) * theta.cosh(),
    }))
}

fn grid(steps: &[f64]) -> Vec<Numbers> {
    let mut out = Vec::new();
    for x in [0.0, 1.0, -0.5, 0.01] {
        for log_a in [-20.0, -1.0, 0.0, 1.0] {
            for step in steps {
                out.extend([0.0, 1.0].map(|theta| point(x, log_a, *step, theta)));
            }
        }
    }
    out
}

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Numbers> {
    let (x, log_a) = (rng.random_range(-3.0..3.0), rng.random_range(-30.0..3.0));
    let theta = if rng.random() { 0.0 } else { rng.random_range(-2.0..2.0) };
    Ok(point(x, log_a, rng.random_range(0.01..3.0), theta))
}

fn plain(_: &Numbers, pair: &Pair) -> Vec<Gap> {
    vec![Gap::new(pair.after, pair.before, 16.0 * f64::EPSILON * pair.terms)]
}

/// The centred potential, where the tilt is 0 (`tilted` false) or is not.
fn centred(tilted: bool) -> impl Fn(&Numbers, &Pair) -> Vec<Gap> + Send + Sync + 'static {
    move |at, pair| {
        if (at.get("θ₀") != 0.0) != tilted {
            return Vec::new();
        }
        let (after, before) = (pair.after - pair.least_after, pair.before - pair.least_before);
        vec![Gap::new(after, before, 16.0 * f64::EPSILON * pair.terms)]
    }
}

/// Encloses `R_a + ½a cosh θ₀` at both a.
fn grown(at: &Numbers) -> Option<Proof> {
    let (x, theta) = (Interval::point(at.get("x")), Interval::point(at.get("θ₀")));
    let centred = |log_a: Interval| {
        let a = log_a.exp();
        let r = x * (x / a).asinh()? - (x.sqr() + a.sqr()).sqrt()? - theta * x;
        Some((r + a * theta.cosh()) * 0.5)
    };
    let log_a = Interval::point(at.get("log a"));
    let lhs = centred(log_a + at.get("log a'/a"))?;
    let names = ["R_{a'}(x) − min R_{a'}", "R_a(x) − min R_a"];
    let how = "interval arithmetic on R_a(x) + ½a cosh θ₀, which is R_a(x) − min R_a";
    Some(Proof::new((names[0], lhs), (names[1], centred(log_a)?), how))
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "r_a-decreases",
        "the potential decreases in its scale",
        "proof of Theorem 3.2, arXiv 2408.09966v1",
        |_| Ok(grid(&[0.1, 1.0])),
        prepare,
    )
    .assume("a' > a", |at: &Numbers| at.get("log a'/a") > 0.0)
    .assume("|x| ≤ 1e3, −60 ≤ log a ≤ 6, a' ≤ 1e3 a, |θ₀| ≤ 5", |at: &Numbers| {
        at.get("x").abs() <= 1e3
            && (-60.0..=6.0).contains(&at.get("log a"))
            && at.get("log a'/a").abs() <= 7.0
            && at.get("θ₀").abs() <= 5.0
    })
    .drawn_by(draw)
    .law(
        Law::as_printed("R_{a'}(x) ≤ R_a(x) for a' > a")
            .at_most(RULE, plain)
            .without("a' > a", |_| Ok(grid(&[-0.1, -1.0]))),
    )
    .law(
        Law::as_it_holds("R_{a'}(x) − min R_{a'} ≤ R_a(x) − min R_a for a' > a, θ₀ = 0")
            .at_most(RULE, centred(false))
            .control("θ₀ = 0", centred(true)),
    )
    .law(
        Law::not_in_general("R_{a'}(x) − min R_{a'} ≤ R_a(x) − min R_a for a' > a, any θ₀")
            .comparing("R_{a'}(x) − min R_{a'}", "R_a(x) − min R_a")
            .at_most(RULE, centred(true))
            .known(|| Ok(point(0.0, 0.0, 1.0, 1.0)))
            .proven_by(|at| Ok(grown(at)))
            .explained(|at, gap| {
                format!(
                    "R_a(x) + ½a cosh θ₀ grows from {:.6} to {:.6} when log a grows by {}",
                    gap.rhs,
                    gap.lhs,
                    at.get("log a'/a")
                )
            }),
    )
    .claim()
}

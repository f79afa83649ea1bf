//! Remark 2.1: the potential between L2 and L1.
//!
//! *As printed (v1)*: `R_a(x) ~ log(1/a) ‖x‖₁` as a → 0, so the ratio of both sides goes to 1.
//!
//! *As it holds* (one coordinate, x ≠ 0, θ₀ = 0): with `ℓ = log(1/a)`,
//! `|R_a(x) − ½ℓ|x| − ½|x|(log 2|x| − 1)| ≤ a²/(8|x|)`, for every a > 0. The difference g(a) of the
//! two sides vanishes at a → 0, and `g'(a) = −½ a/(|x| + √(x²+a²))`, between 0 and `−a/(4|x|)`. So the
//! ratio goes to ½, and no faster than 1/ℓ.
//!
//! On the other side, `0 ≤ −½a + x²/(4a) − R_a(x) ≤ x⁴/(48a³)`: with `u = x/a`, `R_a = ½ a h(u)`,
//! `h(u) = u asinh u − √(1+u²)`, `h'' = 1/√(1+u²)`, and `0 ≤ 1 − h'' ≤ u²/2` integrated twice.

use mirrorflow::{
    Result,
    numerics::exact::interval::Interval,
    potential::{HyperbolicEntropy, Potential},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{Claim, Context, Gap, Law, Numbers, Prepared, Proof, Theory};

const ROUNDING: &str = "16 ε of the terms that are subtracted";

/// x, log a and R_a(x).
struct Point {
    x: f64,
    log_a: f64,
    r: f64,
}

fn prepare(at: &Numbers, _: &Context) -> Result<Prepared<Point>> {
    let (x, log_a) = (at.get("x"), at.get("log a"));
    let r = HyperbolicEntropy::uniform(1, log_a)?.value(&[x]);
    Ok(Prepared::Ready(Point { x, log_a, r }))
}

fn instances(_: &Context) -> Result<Vec<Numbers>> {
    let mut out = Vec::new();
    for x in [1.0, -0.5, 3.0, 1e-3] {
        for log_a in [-1e5, -500.0, -40.0, -10.0, -3.0, -1.0, 0.0, 1.0, 3.0] {
            out.push(Numbers::new(&[("x", x), ("log a", log_a)]));
        }
    }
    Ok(out)
}

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Numbers> {
    let x = rng.random_range(0.01..3.0) * if rng.random() { 1.0 } else { -1.0 };
    Ok(Numbers::new(&[("x", x), ("log a", rng.random_range(-60.0..4.0))]))
}

fn gap(lhs: f64, rhs: f64, terms: &[f64]) -> Vec<Gap> {
    let size = terms.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    vec![Gap::new(lhs, rhs, 16.0 * f64::EPSILON * size)]
}

/// `|R_a/(ℓ|x|) − c| ≤ (|log 2|x|| + 2)/ℓ`, what a limit c asks for, where a is small beside |x|.
fn ratio(c: f64) -> impl Fn(&Numbers, &Point) -> Vec<Gap> + Send + Sync + 'static {
    move |_, p| {
        let (l, size) = (-p.log_a, p.x.abs());
        if l < 40.0 + size.ln().abs() {
            return Vec::new();
        }
        let value = p.r / (l * size);
        gap((value - c).abs(), ((2.0 * size).ln().abs() + 2.0) / l, &[value, c])
    }
}

/// The error of the expansion at small a against `k a²/|x|`; `second` scales its second term.
fn small(k: f64, second: f64) -> impl Fn(&Numbers, &Point) -> Vec<Gap> + Send + Sync + 'static {
    move |_, p| {
        let (size, a) = (p.x.abs(), p.log_a.exp());
        let terms = [-0.5 * p.log_a * size, 0.5 * size * ((2.0 * size).ln() - 1.0) * second];
        let error = (p.r - terms[0] - terms[1]).abs();
        gap(error, k * a * a / size, &[p.r, terms[0], terms[1], size])
    }
}

/// The error of the expansion at large a against `k x⁴/a³`; `second` scales its second term.
fn large(k: f64, second: f64) -> impl Fn(&Numbers, &Point) -> Vec<Gap> + Send + Sync + 'static {
    move |_, p| {
        let a = p.log_a.exp();
        let terms = [-0.5 * a, second * p.x * p.x / (4.0 * a)];
        let error = (p.r - terms[0] - terms[1]).abs();
        gap(error, k * p.x.powi(4) / a.powi(3), &[p.r, terms[0], terms[1]])
    }
}

/// The two sides of its counterexample.
const OFF: &str = "|R_a/(log(1/a)|x|) − 1|";
const ALLOWED: &str = "what the limit 1 allows";

/// Encloses `|R_a/(ℓ|x|) − 1|` and the bound that a limit of 1 asks for.
fn refuted(at: &Numbers) -> Option<Proof> {
    let (size, log_a) = (Interval::point(at.get("x").abs()), Interval::point(at.get("log a")));
    let a = log_a.exp();
    let r = (size * (size / a).asinh()? - (size.sqr() + a.sqr()).sqrt()?) * 0.5;
    let lhs = (r / (-log_a * size) - 1.0).abs();
    let rhs = ((size * 2.0).ln()?.abs() + 2.0) / -log_a;
    Some(Proof::new((OFF, lhs), (ALLOWED, rhs), "interval arithmetic"))
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "rem-2.1",
        "the potential between L2 and L1",
        "Remark 2.1, arXiv 2408.09966v1",
        instances,
        prepare,
    )
    .assume("x ≠ 0", |at: &Numbers| (1e-3..=1e3).contains(&at.get("x").abs()))
    // Below and above, one side underflows or overflows.
    .assume("log a in [−1e5, 30]", |at: &Numbers| (-1e5..=30.0).contains(&at.get("log a")))
    .drawn_by(draw)
    .law(
        Law::as_printed("R_a(x) / (log(1/a)‖x‖₁) → 1 as a → 0")
            .fails()
            .comparing(OFF, ALLOWED)
            .at_most("16 ε; the bound is what a limit asks for", ratio(1.0))
            .known(|| Ok(Numbers::new(&[("x", 1.0), ("log a", -1000.0)])))
            .proven_by(|at| Ok(refuted(at)))
            .explained(|at, _| {
                let (x, log_a) = (at.get("x").abs(), at.get("log a"));
                let value = -0.5 * log_a * x + 0.5 * x * ((2.0 * x).ln() - 1.0);
                format!(
                    "R_a = ½ log(1/a)|x| + ½|x|(log 2|x| − 1) up to a²/(8|x|) = {value:.6}, which \
                     is {:.6} of log(1/a)|x|",
                    value / (-log_a * x)
                )
            }),
    )
    .law(
        Law::as_it_holds("|R_a(x) − ½log(1/a)|x| − ½|x|(log 2|x| − 1)| ≤ a²/(8|x|)")
            .at_most(ROUNDING, small(0.125, 1.0))
            .control("the second term of the expansion", small(0.125, 0.0))
            .mutant("a²/(8|x|) → a²/(8.08|x|)", small(0.125 / 1.01, 1.0)),
    )
    .law(
        Law::as_it_holds("|R_a(x) + ½a − x²/(4a)| ≤ x⁴/(48a³)")
            .at_most(ROUNDING, large(1.0 / 48.0, 1.0))
            .control("the second term of the expansion", large(1.0 / 48.0, 0.0))
            .mutant("x⁴/(48a³) → x⁴/(48.48a³)", large(1.0 / 48.48, 1.0)),
    )
    .claim()
}

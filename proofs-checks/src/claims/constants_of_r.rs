//! The constants of the potential: how Lipschitz its gradient is, how convex it is.
//!
//! *As it holds*: `∇R_a` is Lipschitz with constant `1/(2 min a)`, and on `|x_i| ≤ B` R_a is strongly
//! convex with constant `1/(2√(B² + max a²))`; `(∇R_a)⁻¹` is Lipschitz there with its inverse. Both
//! from `∇²R_a = ½ diag(1/√(x²+a²))`, and both are attained: at 0, and where `|x| = B`. So R_a is smooth
//! for a > 0 and stops to be so as a → 0, while its convexity stays.

use mirrorflow::{Result, numerics::special::log_domain::asinh_ratio};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{Claim, Context, Gap, Law, Numbers, Prepared, Theory};

const RULE: &str = "8 ε of the two gradients";

/// The distance of two points and of their gradients.
struct Pair {
    x: f64,
    gradient: f64,
    tolerance: f64,
}

fn prepare(at: &Numbers, _: &Context) -> Result<Prepared<Pair>> {
    let (x, y, log_a) = (at.get("x"), at.get("y"), at.get("log a"));
    let (p, q) = (0.5 * asinh_ratio(x, log_a), 0.5 * asinh_ratio(y, log_a));
    let tolerance = 8.0 * f64::EPSILON * (p.abs() + q.abs());
    Ok(Prepared::Ready(Pair { x: (x - y).abs(), gradient: (p - q).abs(), tolerance }))
}

fn point(x: f64, y: f64, log_a: f64) -> Numbers {
    Numbers::new(&[("x", x), ("y", y), ("log a", log_a)])
}

fn instances(_: &Context) -> Result<Vec<Numbers>> {
    let mut out = Vec::new();
    for log_a in [-20.0, -5.0, 0.0, 2.0] {
        let a = f64::exp(log_a);
        for (x, y) in
            [(0.01, -0.01), (0.1, 0.0), (1.0, -1.0), (1.0, 0.99), (20.0, 19.9), (30.0, 0.0)]
        {
            out.push(point(x * a, y * a, log_a));
        }
    }
    Ok(out)
}

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Numbers> {
    let (x, y) = (rng.random_range(-3.0..3.0), rng.random_range(-3.0..3.0));
    Ok(point(x, y, rng.random_range(-10.0..3.0)))
}

/// `|∇R(x) − ∇R(y)| ≤ c |x − y|/(2a)`.
fn smooth(c: f64) -> impl Fn(&Numbers, &Pair) -> Vec<Gap> + Send + Sync + 'static {
    move |at, pair| {
        let bound = c * pair.x / (2.0 * at.get("log a").exp());
        vec![Gap::new(pair.gradient, bound, pair.tolerance)]
    }
}

/// `c |x − y|/(2√(B²+a²)) ≤ |∇R(x) − ∇R(y)|` with `B = b max(|x|, |y|)`.
fn convex(c: f64, b: f64) -> impl Fn(&Numbers, &Pair) -> Vec<Gap> + Send + Sync + 'static {
    move |at, pair| {
        let reach = b * at.get("x").abs().max(at.get("y").abs());
        let bound = c * pair.x / (2.0 * reach.hypot(at.get("log a").exp()));
        vec![Gap::new(bound, pair.gradient, pair.tolerance)]
    }
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-2.1-constants",
        "Lipschitz and convexity constants of the potential",
        "Theorem 2.1 and its proof, arXiv 2408.09966v1",
        instances,
        prepare,
    )
    .assume("|x|, |y| ≤ 1e3, −30 ≤ log a ≤ 6", |at: &Numbers| {
        at.get("x").abs().max(at.get("y").abs()) <= 1e3 && (-30.0..=6.0).contains(&at.get("log a"))
    })
    .drawn_by(draw)
    .law(
        Law::as_it_holds("|∇R_a(x) − ∇R_a(y)| ≤ |x − y| / (2a)")
            .at_most(RULE, smooth(1.0))
            .control("the factor 1/a", |_, pair| {
                vec![Gap::new(pair.gradient, 0.5 * pair.x, pair.tolerance)]
            })
            .mutant("1/(2a) → 1/(2.02a)", smooth(1.0 / 1.01)),
    )
    .law(
        Law::as_it_holds("|x − y| / (2√(B²+a²)) ≤ |∇R_a(x) − ∇R_a(y)| for |x|, |y| ≤ B")
            .at_most(RULE, convex(1.0, 1.0))
            .control("the bound B on x", convex(1.0, 0.0))
            .mutant("½ → 0.505", convex(1.01, 1.0)),
    )
    .claim()
}

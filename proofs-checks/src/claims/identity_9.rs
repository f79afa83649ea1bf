//! Identity (9): how the potential changes with its scale.
//!
//! *As printed (v1)*: `dR_a/da = −½ Σ (x²a + a³)/(a² √(a²+x²))`. It holds, and is
//! `−½ Σ √(x²+a²)/a`; the tilt does not enter.
//!
//! The check differentiates R itself, in `ℓ = log a`, where `dR/dℓ = a dR/da = −½ s` with
//! `s = √(x²+a²)`. The central difference over ±h, ±2h errs by at most `h⁴/30 max |R⁽⁵⁾|`. With
//! `p = a²/s²`, `s⁗ = s (8p − 28p² + 36p³ − 15p⁴)`, at most s in size on `0 ≤ p ≤ 1`; and s grows by at
//! most `e^{2h}` over the stencil.

use mirrorflow::{
    Result,
    potential::{HyperbolicEntropy, Potential},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{Claim, Context, Gap, Law, Numbers, Prepared, Theory};

/// Spacing of the stencil: both errors are near 1e-12 of the terms there.
const H: f64 = 4e-3;

struct Slope {
    /// The difference quotient for `dR/d log a`.
    difference: f64,
    tolerance: f64,
}

fn prepare(at: &Numbers, _: &Context) -> Result<Prepared<Slope>> {
    let (x, log_a, theta) = (at.get("x"), at.get("log a"), at.get("θ₀"));
    let r = |step: f64| {
        Ok::<_, mirrorflow::Error>(
            HyperbolicEntropy::new(vec![log_a + step * H], vec![theta])?.value(&[x]),
        )
    };
    let (far, near) = ([r(-2.0)?, r(2.0)?], [r(-1.0)?, r(1.0)?]);
    let difference = (far[0] - 8.0 * near[0] + 8.0 * near[1] - far[1]) / (12.0 * H);
    let s = x.hypot(log_a.exp());
    let truncation = H.powi(4) / 60.0 * s * (2.0 * H).exp();
    // The weights add up to 18; R is a sum of terms no larger than these, the last one for log a,
    // which is rounded too.
    let terms = x.abs() * ((2.0 * x.abs() + 1.0).ln().abs() + log_a.abs() + theta.abs() + 1.0)
        + s * (1.0 + log_a.abs());
    let rounding = 18.0 / (12.0 * H) * 4.0 * f64::EPSILON * terms;
    Ok(Prepared::Ready(Slope { difference, tolerance: truncation + rounding }))
}

fn instances(_: &Context) -> Result<Vec<Numbers>> {
    let mut out = Vec::new();
    for x in [0.0, 1.0, -0.5, 3.0, 1e-3] {
        for log_a in [-40.0, -10.0, -1.0, 0.0, 2.0] {
            for theta in [0.0, 1.5] {
                out.push(Numbers::new(&[("x", x), ("log a", log_a), ("θ₀", theta)]));
            }
        }
    }
    Ok(out)
}

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Numbers> {
    let (x, log_a) = (rng.random_range(-3.0..3.0), rng.random_range(-30.0..3.0));
    Ok(Numbers::new(&[("x", x), ("log a", log_a), ("θ₀", rng.random_range(-2.0..2.0))]))
}

/// The difference quotient against `−c a (k x²a + a³)/(a² √(a²+x²))`, as it is printed.
fn slope(c: f64, k: f64) -> impl Fn(&Numbers, &Slope) -> Vec<Gap> + Send + Sync + 'static {
    move |at, slope| {
        let (x, a) = (at.get("x"), at.get("log a").exp());
        let printed = -c * (k * x * x * a + a.powi(3)) / (a * a * a.hypot(x));
        vec![Gap::new(slope.difference, a * printed, slope.tolerance)]
    }
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "identity-9",
        "how the potential changes with its scale",
        "equation (9), arXiv 2408.09966v1",
        instances,
        prepare,
    )
    .assume("|x| ≤ 1e3, −60 ≤ log a ≤ 6, |θ₀| ≤ 10", |at: &Numbers| {
        at.get("x").abs() <= 1e3
            && (-60.0..=6.0).contains(&at.get("log a"))
            && at.get("θ₀").abs() <= 10.0
    })
    .drawn_by(draw)
    .law(
        Law::as_printed("dR_a/da = −½ Σ (x²a + a³)/(a²√(a²+x²))")
            .equal(
                "h⁴/60 √(x²+a²) e^{2h} of truncation, 6 ε/h of R's terms of rounding",
                slope(0.5, 1.0),
            )
            .control("the term x²a", slope(0.5, 0.0))
            .mutant("½ → 0.505", slope(0.505, 1.0)),
    )
    .claim()
}

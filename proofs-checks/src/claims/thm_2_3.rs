//! Theorem 2.3: the linear rate of the mirror flow.
//!
//! *As printed (v1)*: if `zᵀ(∇²R)⁻¹z ≥ σ‖z‖²` and `‖∇f‖² ≥ λ(f − f*)`, then
//! `f(x_t) − f* ≤ (f(x₀) − f*) e^{−σλt}`. It holds: `df/dt = −∇fᵀ(∇²R)⁻¹∇f ≤ −σλ(f − f*)`.
//!
//! *The constants*: `(∇²R)⁻¹ = 2 diag√(x²+a²)`, so `σ = 2 min a` for every x. For the squared loss on a Z
//! of full row rank, `‖∇f‖² = ‖Zᵀr‖²/d² ≥ σ_min²‖r‖²/d² = (2σ_min²/d) f`: `λ = 2σ_min²/d`. For the
//! sine-squared loss, `ℓ'² ≥ cℓ` gives `λ = cσ_min²/d`, though f is not convex. *Tight*: in one
//! dimension near 0, where √(x²+a²) is a, f falls by e^{−σλt} exactly; 1.01 σλ fails there.

use mirrorflow::{Result, parameterization::Product, problem::Loss, schedule::Schedule};

use super::{cases_without_decay, draw_without_decay, full_row_rank, potential_defined};
use crate::{
    Case, Claim, Context, Gap, Law, Prepared, Theory, geometry::Geometry, lifted::Lifted,
    samples::horizon,
};

/// Relative tolerance of the integration; f of a residual that fell by e^{-10} keeps 6 digits.
const RTOL: f64 = 1e-10;

/// `f(x_t)` at times, `f(x₀)`, and the constants.
struct Decline {
    start: f64,
    values: Vec<(f64, f64)>,
    sigma: f64,
    lambda: f64,
    /// Error of f at all times, absolute.
    error: f64,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Decline>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let (Some(geometry), Some(c)) = (Geometry::of(problem), case.loss.ell_pl()) else {
        return Ok(Prepared::Undecided("no PL constant: Z has no full row rank".into()));
    };
    let (map, theta0) = (Product::new(problem.features())?, Product::theta(start));
    let schedule = Schedule::None;
    let flow = Lifted { map: &map, problem, loss: case.loss, schedule: &schedule, theta0: &theta0 };
    let times: Vec<f64> = [0.01, 0.03, 0.1, 0.2].iter().map(|part| part * horizon(case)).collect();
    let states = match flow.at(&times, RTOL)? {
        Ok(states) => states,
        Err(why) => return Ok(Prepared::Undecided(why)),
    };
    let least_a = start.log_a0().iter().fold(f64::INFINITY, |m, l| m.min(l.exp()));
    let first = case.loss.value(problem, &start.x0());
    Ok(Prepared::Ready(Decline {
        start: first,
        values: states.iter().map(|s| (s.t, case.loss.value(problem, &s.x))).collect(),
        sigma: 2.0 * least_a,
        // λ of the squared loss is 2 σ_min²/d: c stands for its 2.
        lambda: 0.5 * c * geometry.pl(),
        error: 1e3 * RTOL * first,
    }))
}

/// `f(x_t) ≤ f(x₀) e^{−c σλt}`.
fn bound(c: f64) -> impl Fn(&Case, &Decline) -> Vec<Gap> + Send + Sync + 'static {
    move |_, d| {
        let gap = |&(t, f): &(f64, f64)| {
            let bound = d.start * (-c * d.sigma * d.lambda * t).exp();
            Gap::new(f, bound, d.error).at_time(t)
        };
        d.values.iter().map(gap).collect()
    }
}

/// The standard cases, the same with a non-convex loss, and one where the bound is attained.
fn cases(context: &Context) -> Result<Vec<Case>> {
    let mut cases = cases_without_decay(context)?;
    let sine: Vec<Case> =
        cases.iter().map(|c| Case { loss: Loss::SineSquared, ..c.clone() }).collect();
    cases.extend(sine);
    cases.push(Case::by_hand(&[1.0], &[0.01], &[1.0], &[0.0], Schedule::None)?);
    Ok(cases)
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-2.3",
        "the linear rate of the mirror flow",
        "Theorem 2.3, arXiv 2408.09966v1",
        cases,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("α = 0", |case: &Case| case.schedule.total() == 0.0)
    .assume("ℓ'² ≥ cℓ for some c > 0", |case: &Case| case.loss.ell_pl().is_some())
    .assume("Z has full row rank", full_row_rank)
    .drawn_by(draw_without_decay)
    .law(
        Law::as_printed("f(x_t) − f* ≤ (f(x₀) − f*) e^{−σλt}, σ = 2 min a, λ = cσ_min²/d")
            .at_most("1e3 × rtol 1e-10 of f(x₀)", bound(1.0))
            .control("the smaller of the two constants: twice the rate", bound(2.0))
            .mutant("σλ → 1.01 σλ", bound(1.01)),
    )
    .claim()
}

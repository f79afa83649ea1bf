//! Lemma A.2: the trajectory as a hyperbolic sine, and where the potential has its minimum.
//!
//! *As printed (v1)*: `x_t = a_t sinh(θ₀ − 2L_t)` with `a_t = 2u₀v₀ e^{−2A}`, and the minimum of
//! `R_{a_t}` lies at `e^{−2A} m₀w₀`.
//!
//! *As it holds*: `a_t = u₀v₀ e^{−4A} = ½(m₀² − w₀²) e^{−4A}`, and the minimum at `e^{−4A} m₀w₀`.
//! From Lemma A.1 as it holds, with `u₀² = u₀v₀ e^{θ₀}` and `v₀² = u₀v₀ e^{−θ₀}`
//! (`θ₀ = log(u₀/v₀)`): `x_t = u₀v₀ e^{−4A} ½[e^{θ₀−2L} − e^{−(θ₀−2L)}]`. And `∇R_a(x) = 0` at
//! `x = a sinh θ₀`, where `u₀v₀ sinh θ₀ = ½(u₀² − v₀²) = m₀w₀`. Assumption: `|w₀| < m₀`.

use mirrorflow::{
    numerics::{exact::interval::Interval, written::written},
    potential::{HyperbolicEntropy, Potential},
    schedule::Schedule,
};

use super::potential_defined;
use crate::{
    Case, Claim, Context, Gap, Law, Proof, Theory,
    samples::{RULE, Sample, SampledRun, horizon, identity, sampled},
    validated::doubled_scale_at_start,
};

/// `x_t − c·β e^{−rate·A} sinh(θ₀ − 2L)` with the size of its terms; `2u₀v₀ = β`.
fn residual(case: &Case, sample: &Sample, c: f64, rate: f64) -> (Vec<f64>, f64) {
    let decay = (-rate * case.schedule.integral(sample.t)).exp();
    let (beta, theta) = (case.instance.start.beta(), case.instance.start.theta0());
    let mut size = 0.0_f64;
    let values = sample
        .x()
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let z = theta[i] - 2.0 * sample.l[i];
            size = size.max(c * beta[i] * decay * z.cosh()).max(x.abs());
            x - c * beta[i] * decay * z.sinh()
        })
        .collect();
    (values, size)
}

/// `∇R_{a_t}` at `e^{−rate·A} m₀ ⊙ w₀`, at the last sample: 0 at the minimum.
fn minimum(rate: f64) -> impl Fn(&Case, &SampledRun) -> Vec<Gap> + Send + Sync {
    move |case, _| {
        let start = &case.instance.start;
        let total = case.schedule.integral(horizon(case));
        let log_a = start.log_a0().iter().map(|l| l - 4.0 * total).collect();
        let Ok(potential) = HyperbolicEntropy::new(log_a, start.theta0()) else {
            return Vec::new();
        };
        let at: Vec<f64> = start.x0().iter().map(|x| x * (-rate * total).exp()).collect();
        let mut gradient = vec![0.0; at.len()];
        potential.gradient(&at, &mut gradient);
        let value = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        // ∇R = ½(asinh(x/a) − θ₀), each term to a few ulp after a relative error of some ε (|log a₀|
        // + 4A) in a and of ε·4A in x; θ₀ itself is log((m₀+w₀)/(m₀−w₀)), whose condition in x₀/a₀
        // is at most 1.
        let largest = |v: &[f64]| v.iter().fold(0.0_f64, |m, t| m.max(t.abs()));
        let size = 1.0 + largest(potential.theta()) + largest(potential.log_a());
        let tolerance = 32.0 * f64::EPSILON * (size + 4.0 * total);
        vec![Gap::residual(value, tolerance).at(format!("A = {}", written(total, 4)))]
    }
}

/// How [`minimum`] derives its tolerance.
const EXACT: &str = "32 ε (1 + |θ₀| + |log a_t| + 4A): rounding of ∇R alone";

/// `Z = [0]`, `y = 0`: `x_t = ½ e^{−4t}` from `m₀ = 1`, `w₀ = ½` under α = 1.
fn free_decay() -> mirrorflow::Result<Case> {
    Case::by_hand(&[0.0], &[0.0], &[1.0], &[0.5], Schedule::Constant { c: 1.0 })
}

/// Refutes `∇R_{a_t}(e^{−2A} x₀) = 0` where `A = 1`, which a constant α reaches: there
/// `asinh(e²x₀/a₀) = θ₀` would hold. In the coordinate where it is furthest off.
fn wrong_minimum(case: &Case) -> Option<Proof> {
    let Schedule::Constant { .. } = case.schedule else { return None };
    let start = &case.instance.start;
    let of = |(m, w): (&f64, &f64)| {
        let (m, w) = (Interval::point(*m), Interval::point(*w));
        let a0 = (m.sqr() - w.sqr()) * 0.5;
        let lhs = (Interval::point(2.0).exp() * m * w / a0).asinh()?;
        Some((lhs, ((m + w) / (m - w)).ln()?))
    };
    let off = |p: &(Interval, Interval)| (p.0.mid() - p.1.mid()).abs();
    let pairs = start.m0().iter().zip(start.w0()).filter_map(of);
    let (lhs, rhs) = pairs.max_by(|p, q| off(p).total_cmp(&off(q)))?;
    let how = "interval arithmetic at the time where A = 1";
    Some(Proof::new(("asinh(e^{−2}x₀/(a₀e^{−4}))", lhs), ("θ₀", rhs), how))
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "lemma-a.2",
        "the trajectory as a hyperbolic sine",
        "Lemma A.2, arXiv 2408.09966v1",
        Context::cases,
        sampled,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .drawn_by(Case::draw)
    .law(
        Law::as_printed("x_t = a_t sinh(θ₀ − 2L_t) with a_t = 2u₀v₀ e^{−2A}")
            .fails()
            .comparing("|x_t − a_t sinh(θ₀ − 2L_t)|", "what it must be")
            .equal(RULE, identity(|case, s| residual(case, s, 1.0, 2.0)))
            .known(free_decay)
            .proven_by(|case| Ok(doubled_scale_at_start(case)))
            .explained(|_, gap| {
                format!(
                    "x_t − a_t sinh(θ₀ − 2L_t) = {:.6} with the printed a_t, where it must be 0 ({})",
                    gap.lhs, gap.place
                )
            }),
    )
    .law(
        Law::as_it_holds("x_t = a_t sinh(θ₀ − 2L_t) with a_t = u₀v₀ e^{−4A}")
            .equal(RULE, identity(|case, s| residual(case, s, 0.5, 4.0)))
            .control("the gradient integral: L_t left out", identity(|case, s| {
                residual(case, &Sample { l: vec![0.0; s.l.len()], ..s.clone() }, 0.5, 4.0)
            }))
            .mutant("a_t taken 1 % too large", identity(|case, s| residual(case, s, 0.505, 4.0))),
    )
    .law(
        Law::as_printed("R_{a_t} has its minimum at e^{−2A} m₀ ⊙ w₀")
            .fails()
            .comparing("largest |∇R_{a_t}| there", "what it must be")
            .equal(EXACT, minimum(2.0))
            .known(free_decay)
            .proven_by(|case| Ok(wrong_minimum(case)))
            .explained(|_, gap| {
                format!("∇R_{{a_t}} there is {:.6} in some coordinate, not 0 ({})", gap.lhs, gap.place)
            }),
    )
    .law(
        Law::as_it_holds("R_{a_t} has its minimum at e^{−4A} m₀ ⊙ w₀")
            .equal(EXACT, minimum(4.0))
            .control("weight decay: the minimum of R_{a₀}", minimum(0.0))
            .mutant("e^{−4A} → e^{−3.96A}", minimum(3.96)),
    )
    .claim()
}

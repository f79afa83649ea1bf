//! Theorem 3.1: training `m ⊙ w` with weight decay is a mirror flow with a potential that moves.
//!
//! *As printed (v1)*: `d∇R_{a_t}(x_t) = −∇f(x_t) dt` with `a_t = 2u₀v₀ e^{−2A}`.
//!
//! *As it holds*: the same with `a_t = u₀v₀ e^{−4A}`. Integrated, `∇R_{a_t}(x_t) − ∇R_{a_0}(x_0) =
//! −L_t`, where `∇R_{a_0}(x_0) = 0` for the tilt `θ₀ = log(u₀/v₀)`:
//! `½(asinh(x_t/a_t) − θ₀) = −L_t`, which is Lemma A.2 solved for `L_t`. Assumption: `|w₀| < m₀`.

use std::f64::consts::LN_2;

use mirrorflow::{numerics::special::log_domain::asinh_ratio, schedule::Schedule};

use super::potential_defined;
use crate::{
    Case, Claim, Context, Law, Theory,
    samples::{RULE, Sample, identity, sampled},
    validated::doubled_scale_at_start,
};

/// `½(asinh(x_t/a_t) − θ₀) + L_t` with the size of its terms, where
/// `log a_t = log(u₀v₀) + shift − rate·A`.
fn residual(case: &Case, sample: &Sample, shift: f64, rate: f64) -> (Vec<f64>, f64) {
    let decay = shift - rate * case.schedule.integral(sample.t);
    let (log_a0, theta) = (case.instance.start.log_a0(), case.instance.start.theta0());
    let mut size = 1.0_f64;
    let values = sample
        .x()
        .iter()
        .enumerate()
        .map(|(i, &x)| {
            size = size.max(theta[i].abs()).max(sample.l[i].abs());
            0.5 * (asinh_ratio(x, log_a0[i] + decay) - theta[i]) + sample.l[i]
        })
        .collect();
    (values, size)
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-3.1",
        "a mirror flow with moving potential",
        "Theorem 3.1, arXiv 2408.09966v1",
        Context::cases,
        sampled,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("α(t) ≥ 0", |case: &Case| case.schedule.check().is_ok())
    .drawn_by(Case::draw)
    .law(
        Law::as_printed("∇R_{a_t}(x_t) = −L_t with a_t = 2u₀v₀ e^{−2A}")
            .fails()
            .comparing("|½(asinh(x_t/a_t) − θ₀) + L_t|", "what it must be")
            .equal(RULE, identity(|case, s| residual(case, s, LN_2, 2.0)))
            .known(|| Case::by_hand(&[0.0], &[0.0], &[1.0], &[0.5], Schedule::Constant { c: 1.0 }))
            .proven_by(|case| Ok(doubled_scale_at_start(case)))
            .explained(|_, gap| {
                format!(
                    "½(asinh(x_t/a_t) − θ₀) + L_t = {:.6} with the printed a_t, where it must be 0 \
                     ({})",
                    gap.lhs, gap.place
                )
            }),
    )
    .law(
        Law::as_it_holds("∇R_{a_t}(x_t) = −L_t with a_t = u₀v₀ e^{−4A}")
            .equal(RULE, identity(|case, s| residual(case, s, 0.0, 4.0)))
            .control(
                "weight decay: a_t kept at a₀",
                identity(|case, s| residual(case, s, 0.0, 0.0)),
            )
            .mutant("u₀v₀ → 1.01 u₀v₀", identity(|case, s| residual(case, s, 1.01_f64.ln(), 4.0)))
            .mutant("e^{−4A} → e^{−2A}", identity(|case, s| residual(case, s, 0.0, 2.0))),
    )
    .claim()
}

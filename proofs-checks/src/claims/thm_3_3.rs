//! Theorem 3.3: with weight decay of finite total strength the flow ends at the interpolator of
//! least *final* potential.
//!
//! *As printed (v1)*: `x_∞ = argmin { R_{a_∞}(x) : Zx = y }` with the `a_∞ = 2u₀v₀ e^{−2A_∞}` of
//! Theorem 3.1 as printed. *As it holds*: with `a_∞ = u₀v₀ e^{−4A_∞}`. Same proof as Theorem 2.4,
//! since `∇R_{a_t}(x_t) = −Zᵀν_t` at every t. Assumptions: `A_∞ < ∞`, `|w₀| < m₀`, `f(x_t) → 0`.

use std::f64::consts::LN_2;

use mirrorflow::schedule::Schedule;

use super::{
    limit_of_flow::{RULE, against_limit, ended},
    potential_defined,
};
use crate::{Case, Claim, Context, Law, Theory};

fn cases(context: &Context, keep: impl Fn(&Schedule) -> bool) -> mirrorflow::Result<Vec<Case>> {
    Ok(context.cases()?.into_iter().filter(|c| keep(&c.schedule)).collect())
}

fn summable(schedule: &Schedule) -> bool {
    schedule.total() > 0.0 && schedule.total().is_finite()
}

/// `x₁` of the limit for `Z = [1 2]`, `y = 1`, θ₀ = 0: on `x = a sinh(2Zᵀμ)` put `v = sinh 2μ`; then
/// `sinh 4μ = 2v√(1+v²)`, and `Zx = y` reads `a(v + 4v√(1+v²)) = 1`, `x₁ = a v`.
fn first(a: f64) -> f64 {
    // Increasing in v: bisection to the last bit.
    let (mut low, mut high) = (0.0_f64, 1.0 / a);
    for _ in 0..200 {
        let v = 0.5 * (low + high);
        if a * (v + 4.0 * v * (1.0 + v * v).sqrt()) < 1.0 { low = v } else { high = v }
    }
    a * low
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-3.3",
        "where the flow with decay ends",
        "Theorem 3.3, arXiv 2408.09966v1",
        |context| cases(context, summable),
        ended,
    )
    .assume("0 < A_∞ < ∞", |case: &Case| summable(&case.schedule))
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume_of_outcome("f(x_t) → 0")
    .law(
        Law::as_printed("x_∞ = argmin R_{a_∞}(x) subject to Zx = y, with a_∞ = 2u₀v₀ e^{−2A_∞}")
            .fails()
            .comparing("distance of the end to the printed limit", "what it must be")
            .equal(RULE, against_limit(LN_2, 2.0))
            .known(|| {
                let decay = Schedule::Switch { c: 1.0, at: 1.0 };
                Case::by_hand(&[1.0, 2.0], &[1.0], &[1.0; 2], &[0.0; 2], decay)
            })
            .explained(|case, gap| {
                let by_hand =
                    case.instance.problem.z_rows() == [1.0, 2.0] && case.schedule.total() == 1.0;
                if by_hand {
                    // m₀ = 1, w₀ = 0: u₀v₀ = ½; A_∞ = 1.
                    let (printed, truth) = (first((-2.0_f64).exp()), first(0.5 * (-4.0_f64).exp()));
                    format!(
                        "x_∞ = a(v, 2v√(1+v²)) with a(v + 4v√(1+v²)) = 1: the printed a = e^{{−2}} \
                         gives x₁ = {printed:.6}, a = ½e^{{−4}} gives x₁ = {truth:.6}, which is \
                         where the flow ends"
                    )
                } else {
                    format!("the {} ends {:.6} away from the printed limit", gap.place, gap.lhs)
                }
            }),
    )
    .law(
        Law::as_it_holds("x_∞ = argmin R_{a_∞}(x) subject to Zx = y, with a_∞ = u₀v₀ e^{−4A_∞}")
            .equal(RULE, against_limit(0.0, 4.0))
            .control("weight decay: the limit for a₀", against_limit(0.0, 0.0))
            .mutant("e^{−4A} → e^{−3.96A}", against_limit(0.0, 3.96)),
    )
    .claim()
}

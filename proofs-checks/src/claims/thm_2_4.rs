//! Theorem 2.4: the flow without weight decay ends at the interpolator of least potential.
//!
//! *As printed (v1), and as it holds*: if the loss goes to 0, `x_∞ = argmin { R(x) : Zx = y }`.
//! `∇R(x_t) = −L_t = −Zᵀν_t` stays in the range of `Zᵀ`, and `Zx_∞ = y`: the KKT conditions of a
//! strictly convex problem. Assumptions: α ≡ 0, `|w₀| < m₀`, `f(x_t) → 0`.

use mirrorflow::schedule::Schedule;

use super::{
    limit_of_flow::{RULE, against_limit, ended},
    potential_defined,
};
use crate::{Case, Claim, Context, Law, Theory};

pub(super) fn claim() -> Claim {
    let under = |keep: fn(&Schedule) -> bool| {
        move |context: &Context| {
            Ok(context.cases()?.into_iter().filter(|c| keep(&c.schedule)).collect::<Vec<_>>())
        }
    };
    Theory::new(
        "thm-2.4",
        "where the flow without decay ends",
        "Theorem 2.4, arXiv 2408.09966v1",
        under(|s| *s == Schedule::None),
        ended,
    )
    .assume("α ≡ 0", |case: &Case| case.schedule == Schedule::None)
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume_of_outcome("f(x_t) → 0")
    .law(
        Law::as_printed("x_∞ = argmin R(x) subject to Zx = y")
            .equal(RULE, against_limit(0.0, 0.0))
            // With decay the end is not argmin R_{a₀}.
            .without("α ≡ 0", under(|s| matches!(s, Schedule::Geometric { .. })))
            .mutant("a taken 1 % too large", against_limit(1.01_f64.ln(), 0.0)),
    )
    .claim()
}

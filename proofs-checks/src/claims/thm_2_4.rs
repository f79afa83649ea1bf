//! Theorem 2.4: the flow without weight decay ends at the interpolator of least potential.
//!
//! *As printed (v1), and as it holds*: if the loss goes to 0, `x_∞ = argmin { R(x) : Zx = y }`.
//! `∇R(x_t) = −L_t = −Zᵀν_t` stays in the range of `Zᵀ`, and `Zx_∞ = y`: the KKT conditions of a
//! strictly convex problem. Assumptions: α ≡ 0, `|w₀| < m₀`, `f(x_t) → 0`.

use mirrorflow::schedule::Schedule;

use super::limit_of_flow::{RULE, over_instances};
use crate::{Check, Claim, Context, Form, Grade, Outcome, Statement};

pub(super) static CLAIM: Claim = Claim {
    id: "thm-2.4",
    title: "where the flow without decay ends",
    source: "Theorem 2.4, arXiv 2408.09966v1",
    assumptions: &["α ≡ 0", "|w₀| < m₀ elementwise", "f(x_t) → 0"],
    statements: &[Statement {
        form: Form::AsPrinted,
        text: "x_∞ = argmin R(x) subject to Zx = y",
        expected: Outcome::Holds,
    }],
    check,
};

fn check(context: &Context) -> Check {
    let still = |s: &Schedule| *s == Schedule::None;
    let decaying = |s: &Schedule| matches!(s, Schedule::Geometric { .. });
    let holds = over_instances(context, still, 0.0, 0.0)?;
    let control = over_instances(context, decaying, 0.0, 0.0)?;
    Ok(vec![
        holds
            .finding(Grade::Numerical, RULE)
            .with_control(control.control("α ≡ 0: with decay the end is not argmin R_{a_0}")),
    ])
}

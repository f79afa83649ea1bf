//! Theorem 3.3: with weight decay of finite total strength the flow ends at the interpolator of
//! least *final* potential.
//!
//! *As printed (v1)*: `x_∞ = argmin { R_{a_∞}(x) : Zx = y }` with the `a_∞ = 2u₀v₀ e^{−2A_∞}` of
//! Theorem 3.1 as printed. *As it holds*: with `a_∞ = u₀v₀ e^{−4A_∞}`. Same proof as Theorem 2.4,
//! since `∇R_{a_t}(x_t) = −Zᵀν_t` at every t. Assumptions: `A_∞ < ∞`, `|w₀| < m₀`, `f(x_t) → 0`.

use mirrorflow::schedule::Schedule;

use super::limit_of_flow::{RULE, over_instances};
use crate::{Check, Claim, Context, Counterexample, Form, Grade, Outcome, Statement};

pub(super) static CLAIM: Claim = Claim {
    id: "thm-3.3",
    title: "where the flow with decay ends",
    source: "Theorem 3.3, arXiv 2408.09966v1",
    assumptions: &["0 < A_∞ < ∞", "|w₀| < m₀ elementwise", "f(x_t) → 0"],
    statements: &[
        Statement {
            form: Form::AsPrinted,
            text: "x_∞ = argmin R_{a_∞}(x) subject to Zx = y, with a_∞ = 2u₀v₀ e^{−2A_∞}",
            expected: Outcome::Fails,
        },
        Statement {
            form: Form::AsItHolds,
            text: "x_∞ = argmin R_{a_∞}(x) subject to Zx = y, with a_∞ = u₀v₀ e^{−4A_∞}",
            expected: Outcome::Holds,
        },
    ],
    check,
};

fn check(context: &Context) -> Check {
    let summable = |s: &Schedule| s.total() > 0.0 && s.total().is_finite();
    let printed = over_instances(context, summable, std::f64::consts::LN_2, 2.0)?;
    let holds = over_instances(context, summable, 0.0, 4.0)?;
    let control = over_instances(context, summable, 0.0, 3.96)?;
    Ok(vec![
        printed.finding(Grade::Numerical, RULE).with_counterexample(counterexample()),
        holds
            .finding(Grade::Numerical, RULE)
            .with_control(control.control("the exact exponent: 3.96 for 4")),
    ])
}

/// `Z = [1 2]`, `y = 1`, θ₀ = 0: on `x = a sinh(2Zᵀμ)` put `v = sinh 2μ`; then
/// `sinh 4μ = 2v√(1+v²)`, and `Zx = y` reads `a(v + 4v√(1+v²)) = 1`, `x₁ = a v`.
fn counterexample() -> Counterexample {
    let first = |a: f64| {
        // Increasing in v: bisection to the last bit.
        let (mut low, mut high) = (0.0_f64, 1.0 / a);
        for _ in 0..200 {
            let v = 0.5 * (low + high);
            if a * (v + 4.0 * v * (1.0 + v * v).sqrt()) < 1.0 { low = v } else { high = v }
        }
        a * low
    };
    // m₀ = 1, w₀ = 0: u₀v₀ = ½; A_∞ = 1.
    let (printed, truth) = (first((-2.0_f64).exp()), first(0.5 * (-4.0_f64).exp()));
    Counterexample {
        instance: "Z = [1 2], y = 1, m₀ = (1, 1), w₀ = 0, α = 1 until t = 1, then 0 (A_∞ = 1)"
            .into(),
        by_hand: format!(
            "x_∞ = a(v, 2v√(1+v²)) with a(v + 4v√(1+v²)) = 1: the printed a = e^{{−2}} gives x₁ = \
             {printed:.6}, a = ½e^{{−4}} gives x₁ = {truth:.6}, which is where the flow ends"
        ),
        stated: printed,
        truth,
    }
}

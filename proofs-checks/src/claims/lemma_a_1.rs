//! Lemma A.1: the closed form of the trajectory in terms of `L_t = ∫₀ᵗ ∇f(x_s) ds`.
//!
//! *As printed (v1)*: `x_t = u₀² e^{−2L−4A} − v₀² e^{2L−4A}` with `u₀ = (m₀+w₀)/√2`,
//! `v₀ = (m₀−w₀)/√2`.
//!
//! *As it holds*: half of it. `(m±w)' = (∓∇f − 2α)(m±w)`, hence `m_t ± w_t = (m₀ ± w₀) e^{∓L−2A}`;
//! and `m w = ¼[(m+w)² − (m−w)²] = ½[u₀² e^{−2L−4A} − v₀² e^{2L−4A}]`, since `(m₀±w₀)²/4` is
//! `u₀²/2` and `v₀²/2`. Assumption: none but the flow itself.

use crate::{
    Check, Claim, Context, Counterexample, Form, Grade, Outcome, Statement,
    samples::{Sample, SampledRun, judge, sampled_runs},
};

pub(super) static CLAIM: Claim = Claim {
    id: "lemma-a.1",
    title: "closed form of the trajectory",
    source: "Lemma A.1, arXiv 2408.09966v1",
    assumptions: &["(m, w) follow the flow of f(m⊙w) + α(‖m‖² + ‖w‖²)"],
    statements: &[
        Statement {
            form: Form::AsPrinted,
            text: "x_t = u₀² e^{−2L_t−4A} − v₀² e^{2L_t−4A}, u₀, v₀ = (m₀ ± w₀)/√2",
            expected: Outcome::Fails,
        },
        Statement {
            form: Form::AsItHolds,
            text: "x_t = ½ [u₀² e^{−2L_t−4A} − v₀² e^{2L_t−4A}]",
            expected: Outcome::Holds,
        },
    ],
    check,
};

/// `x_t − c [u₀² e^{−2L−4A} − v₀² e^{2L−4A}]` with the size of its terms; `rate` is the 4 in −4A.
fn residual(run: &SampledRun, sample: &Sample, c: f64, rate: f64) -> (Vec<f64>, f64) {
    let decay = rate * run.schedule.integral(sample.t);
    let (m0, w0) = (run.instance.start.m0(), run.instance.start.w0());
    let mut size = 0.0_f64;
    let values = sample
        .x()
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let (u, v) = ((m0[i] + w0[i]).powi(2) / 2.0, (m0[i] - w0[i]).powi(2) / 2.0);
            let plus = u * (-2.0 * sample.l[i] - decay).exp();
            let minus = v * (2.0 * sample.l[i] - decay).exp();
            size = size.max(plus).max(minus);
            x - c * (plus - minus)
        })
        .collect();
    (values, size)
}

fn check(context: &Context) -> Check {
    let runs = sampled_runs(context)?;
    let decays = |run: &SampledRun| run.schedule.total() > 0.0;
    let rule = "|residual| at rtol 1e-10 against its change from rtol 1e-6, or 1e3 ε of its terms";
    let printed = judge(&runs, |_| true, |run, s| residual(run, s, 1.0, 4.0));
    let holds = judge(&runs, |_| true, |run, s| residual(run, s, 0.5, 4.0));
    let dropped = judge(&runs, decays, |run, s| residual(run, s, 0.5, 0.0));
    Ok(vec![
        printed.finding(Grade::Numerical, rule).with_counterexample(Counterexample {
            instance: "any Z and y, n = 1, m₀ = 1, w₀ = ½, t = 0".into(),
            by_hand: "L = A = 0, u₀² = 9/8, v₀² = 1/8: the printed form gives 1, but x₀ = m₀w₀ = ½"
                .into(),
            stated: 1.0,
            truth: 0.5,
        }),
        holds
            .finding(Grade::Numerical, rule)
            .with_control(dropped.control("the factor e^{−4A}, on schedules with α > 0")),
    ])
}

//! Theorem 3.1: training `m ⊙ w` with weight decay is a mirror flow with a potential that moves.
//!
//! *As printed (v1)*: `d∇R_{a_t}(x_t) = −∇f(x_t) dt` with `a_t = 2u₀v₀ e^{−2A}`.
//!
//! *As it holds*: the same with `a_t = u₀v₀ e^{−4A}`. Integrated, `∇R_{a_t}(x_t) − ∇R_{a_0}(x_0) =
//! −L_t`, where `∇R_{a_0}(x_0) = 0` for the tilt `θ₀ = log(u₀/v₀)`:
//! `½(asinh(x_t/a_t) − θ₀) = −L_t`, which is Lemma A.2 solved for `L_t`. Assumption: `|w₀| < m₀`.

use mirrorflow::numerics::log_domain::asinh_ratio;

use crate::{
    Check, Claim, Context, Counterexample, Form, Grade, Outcome, Statement,
    samples::{Sample, SampledRun, judge, sampled_runs},
};

pub(super) static CLAIM: Claim = Claim {
    id: "thm-3.1",
    title: "a mirror flow with moving potential",
    source: "Theorem 3.1, arXiv 2408.09966v1",
    assumptions: &["|w₀| < m₀ elementwise", "α(t) ≥ 0"],
    statements: &[
        Statement {
            form: Form::AsPrinted,
            text: "∇R_{a_t}(x_t) = −L_t with a_t = 2u₀v₀ e^{−2A}",
            expected: Outcome::Fails,
        },
        Statement {
            form: Form::AsItHolds,
            text: "∇R_{a_t}(x_t) = −L_t with a_t = u₀v₀ e^{−4A}",
            expected: Outcome::Holds,
        },
    ],
    check,
};

/// `½(asinh(x_t/a_t) − θ₀) + L_t` with the size of its terms, where
/// `log a_t = log(u₀v₀) + shift − rate·A`.
fn residual(run: &SampledRun, sample: &Sample, shift: f64, rate: f64) -> (Vec<f64>, f64) {
    let decay = shift - rate * run.schedule.integral(sample.t);
    let (log_a0, theta) = (run.instance.start.log_a0(), run.instance.start.theta0());
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

fn check(context: &Context) -> Check {
    let runs = sampled_runs(context)?;
    let rule = "|residual| at rtol 1e-10 against its change from rtol 1e-6, or 1e3 ε of its terms";
    let printed = judge(&runs, |_| true, |run, s| residual(run, s, std::f64::consts::LN_2, 2.0));
    let holds = judge(&runs, |_| true, |run, s| residual(run, s, 0.0, 4.0));
    let decays = |run: &SampledRun| run.schedule.total() > 0.0;
    let dropped = judge(&runs, decays, |run, s| residual(run, s, 0.0, 0.0));
    Ok(vec![
        printed.finding(Grade::Numerical, rule).with_counterexample(Counterexample {
            instance: "Z = [0], y = 0 (so ∇f = 0), m₀ = 1, w₀ = ½, α = 1, t = ¼ log 2".into(),
            by_hand:
                "∇f = 0, so asinh(x_t/a_t) must not move, whatever the tilt. x_t = ½ e^{−4t}: \
                      with a_t = 2u₀v₀ e^{−2t} the ratio falls from 2/3 to 0.4714 and asinh from \
                      0.6251 to 0.4555; with a_t = u₀v₀ e^{−4t} it stays 4/3"
                    .into(),
            stated: (2.0_f64 / 3.0).asinh(),
            truth: (std::f64::consts::SQRT_2 / 3.0).asinh(),
        }),
        holds
            .finding(Grade::Numerical, rule)
            .with_control(dropped.control("the decay of a_t, on schedules with α > 0")),
    ])
}

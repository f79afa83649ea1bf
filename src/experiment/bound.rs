//! Thm 3.2's rate on the smallest example: `Z = [1 1]`, `y = 1`, x₀ = 0, β = 1, `α = ½(1+t)^{−2}`.
//!
//! *Printed* (5): `f(x_t) ≤ f(x₀) exp(C‖x*‖A(t)) exp(−λ a_∞ t)`. The loss falls like t^{−4}, so no C will do.
//! *Corrected*: `f(x_t) ≤ b(t)²` with `b' = −(λ min a_t + 4α)b + 2α√(2L_f)‖x*‖`, `b(0) = √f(x₀)`.
//! Here `λ = 2σ_min²/d = 4`, `L_f = σ_max²/d = 2`, x* = (½, ½), `a_t = ½e^{−4A}`.

use super::{Curve, Data, Lab};
use crate::{
    Error, Result,
    flow::{Dual, Flow},
    integrate::{Method, Options, integrate},
    parameterization::Start,
    problem::{Loss, Problem},
    schedule::Schedule,
};

const LAMBDA: f64 = 4.0;
const SMOOTHNESS: f64 = 2.0;
const A0: f64 = 0.5;
const C: [f64; 3] = [1.0, 10.0, 100.0];
const END: f64 = 1000.0;

/// `b(t)` as a flow of one dimension.
struct Bound<'a> {
    schedule: &'a Schedule,
    start: f64,
    truth: f64,
}

impl Flow for Bound<'_> {
    fn dim(&self) -> usize {
        1
    }
    fn features(&self) -> usize {
        1
    }
    fn initial(&self, state: &mut [f64]) {
        state[0] = self.start;
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        let (alpha, total) = (self.schedule.alpha(t), self.schedule.integral(t));
        let rate = LAMBDA * A0 * (-4.0 * total).exp() + 4.0 * alpha;
        out[0] = -rate * state[0] + 2.0 * alpha * (2.0 * SMOOTHNESS).sqrt() * self.truth;
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0];
    }
    fn loss(&self, x: &[f64]) -> f64 {
        x[0]
    }
}

pub(super) fn data(_: &Lab) -> Result<Data> {
    let schedule = Schedule::Quadratic { c: 0.5 };
    let problem = Problem::from_rows(vec![1.0, 1.0], vec![1.0])?;
    let config = serde_json::json!({ "Z": [[1.0, 1.0]], "y": [1.0], "beta": 1.0, "x0": 0.0,
        "schedule": schedule.to_string(), "C": C, "end": END });
    let mut data = Data::new("bound", None, config);
    let times: Vec<f64> =
        (0..=200).map(|k| 10f64.powf(-1.0 + 4.0 * f64::from(k) / 200.0)).collect();
    let times: Vec<f64> = times.into_iter().map(|t| t.min(END)).collect();
    let options = Options::until(END).with_times(&times).with_tolerances(1e-10, 1e-16);
    let entropy = Start::centered(2, 2.0 * A0)?.entropy()?;
    let flow = Dual::new(&problem, Loss::Squared, schedule.clone(), &entropy)?;
    let start = flow.loss(&[0.0, 0.0]);
    let truth = 0.5f64.sqrt();
    let bound = Bound { schedule: &schedule, start: start.sqrt(), truth };
    let values = |flow: &dyn Flow, what: &str| -> Result<Vec<f64>> {
        let run = integrate(flow, &options.clone().with_method(Method::Dop853))?;
        if !run.outcome.is_complete() {
            return Err(Error::Domain {
                what: what.into(),
                expected: format!("to reach t = {END}"),
                found: run.outcome.to_string(),
            });
        }
        let kept = run.t.iter().zip(&run.loss).filter(|(t, _)| **t > 0.0);
        Ok(kept.map(|(_, f)| *f).collect())
    };
    let loss = values(&flow, "the flow of the bound")?;
    let corrected: Vec<f64> = values(&bound, "the bound")?.iter().map(|b| b * b).collect();
    data.curves.push(Curve::new("loss", times.clone(), loss));
    data.curves.push(Curve::new("corrected", times.clone(), corrected));
    let limit = A0 * (-4.0 * schedule.total()).exp();
    for c in C {
        let printed =
            |t: &f64| start * (c * truth * schedule.integral(*t) - LAMBDA * limit * t).exp();
        let y = times.iter().map(printed).collect();
        data.curves.push(Curve::new(format!("printed, C = {c}"), times.clone(), y));
    }
    Ok(data)
}

//! The plane of (m, w) for one feature, `f = ½(mw − 1)²`: without decay the flow stays on the hyperbolas
//! `m² − w² = β`; with it they shrink onto w = ±m.
//!
//! Level lines of the potential: with `a = ½(m² − w²)` and θ₀ = 0, `asinh(x/a) = log((m+w)/(m−w))` and
//! `√(x²+a²) = ½(m²+w²)`, so `R_a(mw) − min R_a = ½[mw log((m+w)/(m−w)) − w²]`, a function of the plane. At fixed m
//! it grows in w > 0, its derivative being `½m log((m+w)/(m−w)) + w(m²/(m²−w²) − 1) ≥ 0`, so each level is the graph
//! of a function of m on each side of w = 0.

use super::{Curve, Data, Lab};
use crate::{
    Error, Result,
    flow::Primal,
    integrate::{Options, integrate},
    problem::{Loss, Problem},
    schedule::Schedule,
};

const LEVELS: [f64; 5] = [0.02, 0.1, 0.3, 0.7, 1.4];
const STARTS: [(f64, f64); 6] =
    [(0.5, 0.0), (1.0, 0.0), (1.5, 0.0), (2.0, 0.0), (1.25, -1.0), (1.75, -1.25)];
const END: f64 = 12.0;
const REACH: f64 = 2.25;
/// Steps that a flow may take.
const STEPS: u64 = 10_000;
/// Relative tolerance of the integrator.
const RTOL: f64 = 1e-13;

/// `½[mw log((m+w)/(m−w)) − w²]`.
fn centred(m: f64, w: f64) -> f64 {
    0.5 * (m * w * ((m + w) / (m - w)).ln() - w * w)
}

/// The w ≥ 0 where the level is reached, by bisection.
fn level(m: f64, value: f64) -> f64 {
    let (mut low, mut high) = (0.0, m);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if centred(m, middle) < value { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

pub(super) fn data(_: &Lab) -> Result<Data> {
    let problem = Problem::from_rows(vec![1.0], vec![1.0])?;
    let panels = [("none", Schedule::None), ("decay", Schedule::Geometric { c: 0.5, r: 0.5 })];
    let config = serde_json::json!({ "Z": [[1.0]], "y": [1.0], "levels": LEVELS, "starts": STARTS, "end": END, "rtol": RTOL, "max_steps": STEPS,
        "schedules": panels.iter().map(|p| p.1.to_string()).collect::<Vec<_>>() });
    let mut data = Data::new("phase-portrait", None, config);
    // β is a small difference of m² and w² at the end.
    let options = Options::until(END).with_tolerances(RTOL, 1e-2 * RTOL);
    let options = Options { max_steps: STEPS, ..options };
    let m: Vec<f64> = (1..=240).map(|k| REACH * f64::from(k) / 240.0).collect();
    for (panel, schedule) in &panels {
        for value in LEVELS {
            for sign in [1.0, -1.0] {
                let w = m.iter().map(|m| sign * level(*m, value)).collect();
                let name = format!("R {value}{}", if sign < 0.0 { " below" } else { "" });
                data.curves.push(Curve::new(name, m.clone(), w).in_panel(*panel));
            }
        }
        let solutions: Vec<f64> = m.iter().map(|m| 1.0 / m).collect();
        data.curves.push(Curve::new("minima", m.clone(), solutions).in_panel(*panel));
        for (k, (m0, w0)) in STARTS.into_iter().enumerate() {
            let flow = Primal::new(&problem, Loss::Squared, schedule.clone(), &[m0], &[w0])?;
            let times: Vec<f64> = (0..=240).map(|k| END * (f64::from(k) / 240.0).powi(2)).collect();
            let run = integrate(&flow, &options.clone().with_times(&times))?;
            if !run.outcome.is_complete() {
                return Err(Error::Domain {
                    what: format!("the flow from ({m0}, {w0})"),
                    expected: format!("to reach t = {END}"),
                    found: run.outcome.to_string(),
                });
            }
            let factors = run.state.outer_iter().map(|state| {
                let (m, w) = flow.factors(&state.to_vec());
                (m[0], w[0])
            });
            let (m, w): (Vec<f64>, Vec<f64>) = factors.unzip();
            data.curves.push(Curve::new(format!("flow {}", k + 1), m, w).in_panel(*panel));
        }
    }
    Ok(data)
}

//! Saddle to saddle (Pesme & Flammarion 2023): without decay and from x₀ = 0, the flow for a → 0, with time in
//! units of ½ log(1/a), stands still and jumps. Drawn for several a: the loss and, at the smallest a, x.

use super::{Curve, Data, Lab};
use crate::{
    Error, Result,
    flow::{Dual, Trajectory},
    integrate::{Method, Options, integrate},
    limit::l1_minimum,
    potential::HyperbolicEntropy,
    problem::{Generator, Loss, Problem},
    schedule::Schedule,
};

/// ℓ = log(1/a).
const ELLS: [f64; 4] = [10.0, 50.0, 250.0, 2000.0];
/// Relative tolerance of the integrator.
const RTOL: f64 = 1e-8;
/// A coefficient is drawn where it exceeds this somewhere.
const VISIBLE: f64 = 1e-2;

fn run(problem: &Problem, ell: f64, times: &[f64]) -> Result<Trajectory> {
    let entropy = HyperbolicEntropy::uniform(problem.features(), -ell)?;
    let flow = Dual::new(problem, Loss::Squared, Schedule::None, &entropy)?;
    let scaled: Vec<f64> = times.iter().map(|tau| 0.5 * ell * tau).collect();
    let options = Options::until(scaled.last().copied().unwrap_or(0.0))
        .with_times(&scaled)
        .with_tolerances(RTOL, 1e-3 * RTOL)
        .with_method(Method::Rosenbrock);
    let run = integrate(&flow, &Options { max_steps: 100_000, ..options })?;
    if run.outcome.is_complete() {
        return Ok(run);
    }
    Err(Error::Domain {
        what: format!("the flow at log a = -{ell}"),
        expected: "to reach its end".into(),
        found: run.outcome.to_string(),
    })
}

pub(super) fn data(lab: &Lab) -> Result<Data> {
    let problem = Generator::gaussian(20, 50, 4, lab.seed).problem()?;
    let best = l1_minimum(&problem)?;
    // How long the last jump takes: from a coarse look far ahead.
    let far: Vec<f64> = (1..=200).map(|k| 0.5 * f64::from(k)).collect();
    let look = run(&problem, ELLS[2], &far)?;
    let away = |row: ndarray::ArrayView1<'_, f64>| {
        row.iter().zip(&best.x).any(|(x, b)| (x - b).abs() > VISIBLE)
    };
    let last = look.x.outer_iter().rposition(away).map_or(1.0, |k| look.t[k] * 2.0 / ELLS[2]);
    let end = 1.25 * (last + 1.0);
    let points = if lab.is_quick() { 60 } else { 1600 };
    let times: Vec<f64> = (0..=points).map(|k| end * k as f64 / points as f64).collect();
    let config = serde_json::json!({ "problem": problem.name(), "log_1_over_a": ELLS, "end": end, "rtol": RTOL });
    let mut data = Data::new("saddle-to-saddle", Some(lab.seed), config);
    for ell in ELLS {
        let run = run(&problem, ell, &times)?;
        let tau: Vec<f64> = run.t.iter().map(|t| 2.0 * t / ell).collect();
        data.curves.push(
            Curve::new(format!("ell = {ell}"), tau.clone(), run.loss.clone()).in_panel("loss"),
        );
        if ell == ELLS[ELLS.len() - 1] {
            for (i, column) in run.x.columns().into_iter().enumerate() {
                if column.iter().any(|v| v.abs() > VISIBLE) {
                    let name =
                        if best.x[i] == 0.0 { format!("off {i}") } else { format!("support {i}") };
                    data.curves.push(Curve::new(name, tau.clone(), column.to_vec()).in_panel("x"));
                }
            }
            let size = best.x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let apart =
                run.x_end().iter().zip(&best.x).fold(0.0f64, |m, (p, q)| m.max((p - q).abs()));
            data.numbers.insert("distance to the L1 minimum at the end".into(), apart / size);
        }
    }
    Ok(data)
}

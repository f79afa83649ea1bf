//! The way from L2 to L1: `x(a) = argmin R_a(x) s.t. Zx = y` over log a, θ₀ = 0, for planted truths; and how
//! fast its end is reached: `‖x_a − x_L1‖ ≍ a^δ`, `δ = 1 − max_{i∉S}|Zᵢᵀμ̂*|`, `μ̂* = lim d(2μ)/dℓ`, ℓ = log(1/a).
//! δ is read off the dual between two values of log a, the error off the primal: two routes.

use ndarray::Axis;

use super::{Curve, Data, Lab};
use crate::{
    Error, Result,
    limit::{Status, l1_minimum, newton, path::path},
    numerics::{dense, sums::norm2},
    potential::HyperbolicEntropy,
    problem::{Generator, Problem},
};

/// The two values of log a between which the dual's slope is read. Smaller ones leave the off-support entries `≈ a^δ`
/// below rounding, and with them the part of μ that the support does not determine.
const DUALS: [f64; 2] = [-25.0, -35.0];

/// An entry of x is on the support above this.
const SUPPORT: f64 = 1e-9;

fn problem(lab: &Lab, seed: u64) -> Result<Problem> {
    let (d, n, k) = if lab.is_quick() { (20, 40, 2) } else { (40, 100, 5) };
    Generator::gaussian(d, n, k, seed).problem()
}

fn grid(from: f64, to: f64, points: usize) -> Vec<f64> {
    let at = |k: usize| from + (to - from) * k as f64 / (points - 1) as f64;
    (0..points).map(at).collect()
}

fn converged(status: &[Status], what: &str) -> Result<()> {
    match status.iter().find(|s| !s.is_converged()) {
        None => Ok(()),
        Some(status) => Err(Error::Domain {
            what: what.into(),
            expected: "a path that converges".into(),
            found: status.to_string(),
        }),
    }
}

/// Every coefficient against log a, and the L1 minimum by the LASSO homotopy at its end.
pub(super) fn coefficients(lab: &Lab) -> Result<Data> {
    const FROM: f64 = 4.0;
    const TO: f64 = -24.0;
    let problem = problem(lab, lab.seed)?;
    let points = if lab.is_quick() { 41 } else { 201 };
    let found = path(&problem, None, &grid(FROM, TO, points))?;
    converged(&found.status, "l1-path")?;
    let best = l1_minimum(&problem)?;
    let config =
        serde_json::json!({ "problem": problem.name(), "log_a": [FROM, TO], "points": points });
    let mut data = Data::new("l1-path", Some(lab.seed), config);
    for (i, column) in found.x.axis_iter(Axis(1)).enumerate() {
        let kind = if best.x[i].abs() > SUPPORT { "support" } else { "off" };
        data.curves.push(Curve::new(format!("{kind} {i}"), found.log_a.clone(), column.to_vec()));
    }
    let on: Vec<f64> = best.x.iter().copied().filter(|v| v.abs() > SUPPORT).collect();
    data.curves.push(Curve::new("LP", vec![TO; on.len()], on));
    data.curves.push(Curve::new("l1 norm", found.log_a.clone(), found.l1).in_panel("norm"));
    data.numbers.insert("least l1 norm".into(), best.l1);
    Ok(data)
}

/// ‖x_a − x_L1‖₂ against a for three problems, and the slope their duals predict.
pub(super) fn error_slope(lab: &Lab) -> Result<Data> {
    const FROM: f64 = 2.0;
    const TO: f64 = -60.0;
    /// Errors below this part of ‖x‖ are rounding.
    const ROUNDING: f64 = 1e-12;
    let config = serde_json::json!({ "log_a": [FROM, TO], "problems": 3,
        "rounding": ROUNDING, "delta_between_log_a": DUALS });
    let mut data = Data::new("error-slope", Some(lab.seed), config);
    for k in 0..3 {
        let problem = problem(lab, lab.seed.wrapping_add(k))?;
        let best = l1_minimum(&problem)?;
        let found = path(&problem, None, &grid(FROM, TO, 125))?;
        converged(&found.status, "error-slope")?;
        let size = norm2(&best.x);
        let (mut a, mut error) = (Vec::new(), Vec::new());
        for (row, log_a) in found.x.outer_iter().zip(&found.log_a) {
            let apart: Vec<f64> = row.iter().zip(&best.x).map(|(p, q)| p - q).collect();
            let distance = norm2(&apart);
            if distance > ROUNDING * size {
                a.push(log_a.exp());
                error.push(distance);
            }
        }
        let delta = slack(&problem, &best.x)?;
        // The predicted slope through the last point above rounding.
        let (last_a, last) =
            (a.last().copied().unwrap_or(1.0), error.last().copied().unwrap_or(1.0));
        let line = a.iter().map(|v| last * (delta * (v / last_a).ln()).exp()).collect();
        data.curves.push(Curve::new(format!("problem {}", k + 1), a.clone(), error));
        data.curves.push(Curve::new(format!("slope {}", k + 1), a, line));
        data.numbers.insert(format!("delta {}", k + 1), delta);
    }
    Ok(data)
}

/// δ from the dual points at two small a.
fn slack(problem: &Problem, x: &[f64]) -> Result<f64> {
    let mut duals = Vec::new();
    for log_a in DUALS {
        let entropy = HyperbolicEntropy::uniform(problem.features(), log_a)?;
        let limit = newton::minimize(problem, &entropy, &newton::Options::default())?;
        converged(&[limit.status], "the slack of the dual")?;
        duals.push(limit.mu);
    }
    let mu: Vec<f64> = duals[1]
        .iter()
        .zip(&duals[0])
        .map(|(q, p)| 2.0 * (q - p) / (DUALS[0] - DUALS[1]))
        .collect();
    let mut product = vec![0.0; problem.features()];
    dense::mul_t(problem.z_rows(), &mu, &mut product);
    let off = product.iter().zip(x).filter(|(_, x)| x.abs() <= SUPPORT).map(|(p, _)| p.abs());
    Ok(1.0 - off.fold(0.0, f64::max))
}

//! The way from L2 to L1: `x(a) = argmin R_a(x) s.t. Zx = y` over log a, θ₀ = 0, for planted truths.
//!
//! With `H(x) = Σ|x_i|(log 2|x_i| − 1)`, ℓ = log(1/a) and `ψ(x) = x asinh(x/a) − √(x²+a²) + a`, of which 2R_a is the sum:
//! `0 ≤ ψ(x) − |x|(log(2|x|/a) − 1) ≤ a`, and the difference is 0 at x = 0. Hence, x(a) being least,
//! `ℓ(‖x(a)‖₁ − ‖x*‖₁) ≤ H(x*) − H(x(a)) + ‖x*‖₀ a` for every other solution x*, with `H(x) ≥ L(log(2L/n) − 1)`, L = ‖x‖₁
//! (Jensen): what the L1 norm can be above the least one at this a.

use ndarray::Axis;

use super::{Curve, Data, Lab};
use crate::{
    Error, Result,
    limit::{Status, l1_minimum, path::path},
    problem::{Generator, Problem},
};

/// An entry of x is on the support above this.
pub(super) const SUPPORT: f64 = 1e-9;

pub(super) fn problem(lab: &Lab, seed: u64) -> Result<Problem> {
    let (d, n, k) = if lab.is_quick() { (20, 40, 2) } else { (40, 100, 5) };
    Generator::gaussian(d, n, k, seed).problem()
}

pub(super) fn grid(from: f64, to: f64, points: usize) -> Vec<f64> {
    let at = |k: usize| from + (to - from) * k as f64 / (points - 1) as f64;
    (0..points).map(at).collect()
}

pub(super) fn converged(status: &[Status], what: &str) -> Result<()> {
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
    data.numbers.insert("features".into(), problem.features() as f64);
    Ok(data)
}

//! How fast the L1 minimum is reached: `‖x_a − x_L1‖ ≍ a^δ`, δ from a linear program that knows nothing of a
//! ([`off_support_slack`]).
//!
//! Between neighbouring points of the grid, ℓ = log(1/a):
//! - the slope of the error, `−Δ log‖x_a − x_L1‖ / Δℓ`, which tends to δ;
//! - the slack of the dual there, `1 − max_{i∉S} |Δ(2Zᵢᵀμ_a)/Δℓ|` with `2Zᵢᵀμ_a = asinh(x_i/a)`, which tends to δ too.
//!
//! Both miss δ by what falls as `a^γ`, γ the way from δ to the next slack, which is small where n is large: at the a that
//! double precision reaches the dual still has not settled, and δ read off it is too small.

use super::{
    Curve, Data, Lab,
    path::{SUPPORT, converged, grid, problem},
};
use crate::Result;
use crate::limit::path::path;
use crate::limit::{l1_minimum, off_support_slack};
use crate::numerics::exact::sums::norm2;

const FROM: f64 = 2.0;
const TO: f64 = -60.0;
const POINTS: usize = 63;
const PROBLEMS: u64 = 3;
/// Errors below this part of ‖x‖ are rounding.
const ROUNDING: f64 = 1e-12;
/// Slacks within this of the least are equal to it, up to the rounding of the linear program.
const EQUAL: f64 = 1e-9;

/// The errors of three problems over a, their slopes, and what the linear program predicts.
pub(super) fn data(lab: &Lab) -> Result<Data> {
    let config = serde_json::json!({ "log_a": [FROM, TO], "points": POINTS, "problems": PROBLEMS,
        "rounding": ROUNDING });
    let mut data = Data::new("error-slope", Some(lab.seed), config);
    for k in 1..=PROBLEMS {
        let problem = problem(lab, lab.seed.wrapping_add(k - 1))?;
        let mut best = l1_minimum(&problem)?.x;
        best.iter_mut().filter(|v| v.abs() <= SUPPORT).for_each(|v| *v = 0.0);
        let found = path(&problem, None, &grid(FROM, TO, POINTS))?;
        converged(&found.status, "error-slope")?;
        let size = norm2(&best);
        let (mut log_a, mut error, mut angles) = (Vec::new(), Vec::new(), Vec::new());
        for (row, at) in found.x.outer_iter().zip(&found.log_a) {
            let apart: Vec<f64> = row.iter().zip(&best).map(|(p, q)| p - q).collect();
            let distance = norm2(&apart);
            if distance > ROUNDING * size {
                log_a.push(*at);
                error.push(distance);
                let off = row.iter().zip(&best).filter(|(_, b)| **b == 0.0);
                angles.push(off.map(|(x, _)| (x / at.exp()).asinh()).collect::<Vec<f64>>());
            }
        }
        let slack = off_support_slack(&problem, &best)?;
        let a: Vec<f64> = log_a.iter().map(|v| v.exp()).collect();
        // The predicted slope through the last point above rounding.
        let (end, last) = (log_a.last().copied(), error.last().copied());
        let (end, last) = (end.unwrap_or(0.0), last.unwrap_or(1.0));
        let line = log_a.iter().map(|v| last * (slack.delta * (v - end)).exp()).collect();
        data.curves.push(Curve::new(format!("problem {k}"), a.clone(), error.clone()));
        data.curves.push(Curve::new(format!("slope {k}"), a, line));
        let between = |k: usize| (0.5 * (log_a[k] + log_a[k + 1])).exp();
        let pairs = || 0..log_a.len().saturating_sub(1);
        let slope = |k: usize| (error[k] / error[k + 1]).ln() / (log_a[k] - log_a[k + 1]);
        let dual = |k: usize| {
            let moved = angles[k].iter().zip(&angles[k + 1]).map(|(p, q)| (q - p).abs());
            1.0 - moved.fold(0.0, f64::max) / (log_a[k] - log_a[k + 1])
        };
        let middles: Vec<f64> = pairs().map(between).collect();
        let slopes = pairs().map(slope).collect();
        let duals = pairs().map(dual).collect();
        data.curves
            .push(Curve::new(format!("error {k}"), middles.clone(), slopes).in_panel("slope"));
        data.curves.push(Curve::new(format!("dual {k}"), middles, duals).in_panel("slope"));
        let equal = slack.slacks.iter().filter(|s| s.1 < slack.delta + EQUAL).count();
        let next = slack.slacks.get(equal).map_or(1.0, |s| s.1);
        let least = best.iter().filter(|v| **v != 0.0).fold(f64::INFINITY, |m, v| m.min(v.abs()));
        for (name, value) in [
            ("delta", slack.delta),
            ("gamma", next - slack.delta),
            ("entries with slack delta", equal as f64),
            ("samples less support plus one", {
                let support = best.iter().filter(|v| **v != 0.0).count();
                (problem.samples() + 1 - support) as f64
            }),
            ("least entry", least),
        ] {
            data.numbers.insert(format!("{name} {k}"), value);
        }
    }
    Ok(data)
}

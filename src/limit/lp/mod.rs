//! `min ‖x‖₁ s.t. Zx = y` as a linear program, by solvers that know nothing of entropies.
//!
//! `x = p − q`, `p, q ≥ 0`: `min Σ(p + q) s.t. Z(p − q) = y`, with dual
//! `max yᵀμ s.t. −1 ≤ Z_iᵀμ ≤ 1`. The solvers get the scaled system of full row rank (entries of
//! size 1, x of size 1), so that their absolute tolerances mean something; inconsistent systems are
//! found before, with a [`Farkas`] proof.
//!
//! [`interior_point`] is the crate's own. By features: `microlp()` (`simplex`), an exact vertex;
//! `clarabel()`, interior points; `highs()`, simplex with row duals.

#[cfg(feature = "clarabel")]
mod clarabel;
#[cfg(feature = "highs")]
mod highs;
mod interior;
#[cfg(feature = "simplex")]
mod simplex;

use crate::Result;
use crate::problem::Problem;

use super::certificate::certify;
use super::newton::system::System;
use super::{Farkas, L1Solution, Route, Status};

#[cfg(feature = "clarabel")]
pub use clarabel::clarabel;
#[cfg(feature = "highs")]
pub use highs::highs;
pub use interior::interior_point;
#[cfg(feature = "simplex")]
pub use simplex::microlp;

/// Longest run of one simplex solve: a cycling simplex ends with a status instead of hanging.
#[cfg(any(feature = "simplex", feature = "highs"))]
const TIME_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);
/// Gap and residual up to which an exact route counts as converged.
pub(in crate::limit) const CERTIFIED: f64 = 1e-9;

/// The scaled system, or the answer where there is nothing to solve.
pub(in crate::limit) fn prepare(
    problem: &Problem,
    route: Route,
) -> std::result::Result<System, Box<L1Solution>> {
    match System::new(problem) {
        Err(proof) => Err(Box::new(trivial(problem, route, proof.status(), Some(proof)))),
        Ok(system) if !system.has_targets() => {
            Err(Box::new(trivial(problem, Route::Unique, Status::Converged, None)))
        }
        Ok(system) => Ok(system),
    }
}

/// `x = 0`, `μ = 0` with a status.
pub(in crate::limit) fn trivial(
    problem: &Problem,
    route: Route,
    status: Status,
    infeasibility: Option<Farkas>,
) -> L1Solution {
    L1Solution {
        x: vec![0.0; problem.features()],
        mu: vec![0.0; problem.samples()],
        l1: 0.0,
        route,
        status,
        iterations: 0,
        infeasibility,
    }
}

/// A pair with the status its certificate gives it. μ is scaled into `‖Zᵀμ‖_∞ ≤ 1` by the
/// certificate.
pub(in crate::limit) fn judged(
    problem: &Problem,
    x: Vec<f64>,
    mu: Vec<f64>,
    route: Route,
    iterations: usize,
    tolerance: f64,
) -> Result<L1Solution> {
    let usable = x.iter().chain(&mu).all(|v| v.is_finite());
    if !usable {
        return Ok(trivial(problem, route, Status::Stalled, None));
    }
    let certificate = certify(problem, &x, &mu)?;
    let status = if certificate.holds(tolerance) { Status::Converged } else { Status::Stalled };
    let l1 = x.iter().map(|v| v.abs()).sum();
    Ok(L1Solution { x, mu, l1, route, status, iterations, infeasibility: None })
}

/// The weights of `|x''_i|` in `‖x‖₁`, `1/κ_i`.
pub(in crate::limit) fn weights(system: &System) -> Vec<f64> {
    system.kappa.iter().map(|k| 1.0 / k).collect()
}

#[cfg(test)]
mod tests;

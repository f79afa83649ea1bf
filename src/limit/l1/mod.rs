//! The L1 minimum `min ‖x‖₁ s.t. Zx = y` by its best route, certified.
//!
//! The LASSO path ends there as λ → 0, with a matching dual point on its last segment, and is the
//! fastest route known here (see [`lars`](super::lasso_path)). Its end is accepted only with a
//! relative gap ≤ 1e-9; else it is polished on its support, and then come the routes that do not
//! depend on the path. What is returned says which route it was. All of it is right to rounding:
//! where rows are nearly dependent the minimum of the numbers as they stand may be another one,
//! which [`decide`](super::decide) finds.

use super::certificate::certify_unranked;
use super::certificate::enclosure::enclose;
use super::certificate::exact;
use super::certificate::exact::{Exact, Vertex};
use super::certificate::infeasible;
use super::lasso::{LassoOptions, LassoStatus, trace};
use super::polish::{CERTIFIED, polish_certified, solve_on};
use super::{Certificate, Enclosure, Farkas, L1Solution, Route, Status, ladder, lp};
use crate::numerics::exact::bounded_sums::{Sum, residual};
use crate::numerics::exact::sums::norm2;
use crate::problem::Problem;
use crate::{Error, Result};

/// Work that the exact route may take.
const WORK: u64 = 2 * exact::SECOND;

/// A relative gap above this shows lost digits that a refinement can win back.
const REFINE: f64 = 1e-13;

/// The L1-minimal solution of `Zx = y` with its dual point, by the best route. `status` is
/// [`Status::Converged`] only with a certified relative gap ≤ 1e-9: by [`certify`](super::certify),
/// or by [`enclose`](super::enclose) where the rounding of x or μ alone is more than that, or by
/// exact arithmetic.
///
/// # Errors
/// When the scales of `y` and `Z` are so far apart that x overflows.
///
/// ```
/// use mirrorflow::limit::{Status, certify, l1_minimum};
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], array![4.0, 1.0])?;
/// let solution = l1_minimum(&problem)?;
/// assert_eq!(solution.status, Status::Converged);
/// assert!(certify(&problem, &solution.x, &solution.mu)?.holds(1e-14));
/// # Ok(())
/// # }
/// ```
pub fn l1_minimum(problem: &Problem) -> Result<L1Solution> {
    let (d, n) = (problem.samples(), problem.features());
    if problem.y().iter().all(|v| *v == 0.0) {
        return Ok(L1Solution {
            x: vec![0.0; n],
            mu: vec![0.0; d],
            l1: 0.0,
            route: Route::Unique,
            status: Status::Converged,
            iterations: 0,
            infeasibility: None,
        });
    }
    let (mut best, mut best_gap) = match by_lars(problem) {
        Ok(found) => found,
        // The scales are too far apart for floating point; integers have none.
        Err(error) => {
            let zero = lp::trivial(problem, Route::Exact, Status::Stalled, None);
            let exact = by_exact(problem, &zero, WORK).filter(|s| s.status != Status::Stalled);
            return exact.ok_or(error);
        }
    };
    if best.status.is_converged() || best.infeasibility.is_some() {
        return Ok(best);
    }
    for candidate in [refined(problem, &best), best.clone()] {
        if proved(problem, &candidate)? {
            return Ok(L1Solution { status: Status::Converged, ..candidate });
        }
    }
    let exact = by_exact(problem, &best, WORK);
    if let Some(exact) = exact.as_ref().filter(|s| s.status.is_converged()) {
        return Ok(exact.clone());
    }
    // The simplex has no bound on its time: half a second at 200×1000, minutes at 500×5000.
    let routes = if d * n <= 200_000 { FALLBACKS } else { &FALLBACKS[..2] };
    for route in routes {
        let other = route(problem)?;
        if other.infeasibility.is_some() {
            return Ok(other);
        }
        if other.x.iter().chain(&other.mu).any(|v| !v.is_finite()) {
            continue;
        }
        let certificate = certify_unranked(problem, &other.x, &other.mu);
        if certificate.holds(CERTIFIED) {
            return Ok(L1Solution { status: Status::Converged, ..other });
        }
        // The least wrong of the answers, by what is wrong with it.
        let gap = worst(&certificate);
        if gap < best_gap {
            let status = if other.status.is_converged() { Status::Stalled } else { other.status };
            (best, best_gap) = (L1Solution { status, ..other }, gap);
        }
    }
    // Rows that contradict each other at rounding are left to the routes above; what they cannot
    // meet either is contradictory.
    Ok(exact.filter(|s| s.infeasibility.is_some()).unwrap_or(best))
}

/// The same vertex with x and μ refined on its support to all the digits they can hold.
fn refined(problem: &Problem, solution: &L1Solution) -> L1Solution {
    let x = &solution.x;
    let mut order: Vec<usize> = (0..x.len()).filter(|&j| x[j] != 0.0).collect();
    order.sort_by(|&i, &j| x[j].abs().total_cmp(&x[i].abs()).then(i.cmp(&j)));
    let support: Vec<(usize, f64)> =
        order.into_iter().map(|j| (j, 1.0_f64.copysign(x[j]))).collect();
    let (x, mu, agree) = solve_on(problem, &support, &solution.mu);
    if !agree || x.iter().chain(&mu).any(|v| !v.is_finite()) {
        return solution.clone();
    }
    let l1 = x.iter().map(|v| v.abs()).sum();
    L1Solution { x, mu, l1, ..solution.clone() }
}

/// Whether the enclosure proves what the plain certificate cannot. With nearly dependent columns x
/// and μ are so large that their own rounding moves `Zx` and `Zᵀμ` by more than 1e-9; sums of two
/// floats do not have that fault. Then the optimum is known to 1e-9 and an exactly feasible point
/// with that `‖x‖₁` lies within 1e-9 of x.
fn proved(problem: &Problem, solution: &L1Solution) -> Result<bool> {
    let proof = enclose(problem, &solution.x, &solution.mu)?;
    let largest = solution.x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    Ok(proof.relative_width() <= CERTIFIED && proof.distance <= CERTIFIED * largest)
}

/// The exact decision from a pair on: converged, infeasible, or stalled with bounds wider than
/// 1e-9; `None` where the work is not enough for any.
fn by_exact(problem: &Problem, from: &L1Solution, work: u64) -> Option<L1Solution> {
    match exact::decide(problem, &from.x, &from.mu, work) {
        Exact::Vertex(vertex) => {
            let known = Enclosure::of_vertex(&vertex).relative_width() <= CERTIFIED;
            let status = if known { Status::Converged } else { Status::Stalled };
            Some(of_vertex(vertex, status))
        }
        Exact::NoSolution(farkas) => {
            Some(lp::trivial(problem, Route::Exact, Status::Infeasible, Some(farkas)))
        }
        Exact::Refused => None,
    }
}

/// The pair of an exact vertex.
pub(super) fn of_vertex(vertex: Vertex, status: Status) -> L1Solution {
    L1Solution {
        l1: vertex.x.iter().map(|v| v.abs()).sum(),
        x: vertex.x,
        mu: vertex.mu,
        route: Route::Exact,
        status,
        iterations: vertex.pivots,
        infeasibility: None,
    }
}

/// Routes that do not depend on the LASSO path, in the order they are tried.
const FALLBACKS: &[fn(&Problem) -> Result<L1Solution>] = &[
    |problem| ladder::l1(problem, &ladder::Options::default()),
    lp::interior_point,
    #[cfg(feature = "simplex")]
    lp::microlp,
];

/// The largest of the three defects of an answer.
fn worst(certificate: &Certificate) -> f64 {
    certificate
        .primal_feasibility
        .max(certificate.relative_gap.abs())
        .max(certificate.residual_effect)
}

/// The end of the LASSO path, polished where needed, and the largest of its defects.
pub(super) fn by_lars(problem: &Problem) -> Result<(L1Solution, f64)> {
    let options = LassoOptions { keep_knots: false, ..LassoOptions::default() };
    let path = trace(problem, &options);
    let (x, mu) = (path.last(), path.mu().to_vec());
    if x.iter().chain(&mu).any(|v| !v.is_finite()) {
        return Err(Error::Domain {
            what: "scale of y over scale of Z".into(),
            expected: "entries of x and of its dual point below 1.8e308".into(),
            found: "an overflow".into(),
        });
    }
    let (mut x, mut mu) = (x, mu);
    let mut certificate = certify_unranked(problem, &x, &mu);
    if certificate.relative_gap.abs() > REFINE && path.status() == LassoStatus::Complete {
        // Ill-conditioned columns: refine on the support that the path ended with.
        let support: Vec<(usize, f64)> =
            path.support().iter().copied().zip(path.signs().iter().copied()).collect();
        let (x_refined, mu_refined, _) = solve_on(problem, &support, &mu);
        let refined = certify_unranked(problem, &x_refined, &mu_refined);
        if refined.relative_gap.abs() < certificate.relative_gap.abs()
            && refined.primal_feasibility <= certificate.primal_feasibility.max(REFINE)
        {
            (x, mu, certificate) = (x_refined, mu_refined, refined);
        }
    }
    let mut solution = L1Solution {
        l1: certificate.l1,
        x,
        mu,
        route: Route::Lars,
        status: Status::Converged,
        iterations: path.steps(),
        infeasibility: None,
    };
    if path.status() == LassoStatus::Complete && certificate.holds(CERTIFIED) {
        return Ok((solution, worst(&certificate)));
    }
    if let Some(farkas) = contradiction(problem, &solution.x) {
        solution.status = farkas.status();
        solution.infeasibility = Some(farkas);
        return Ok((solution, f64::INFINITY));
    }
    if let Some((polished, certificate)) = polish_certified(problem, &solution.x, &solution.mu) {
        let polished =
            L1Solution { route: Route::Lars, iterations: solution.iterations, ..polished };
        return Ok((polished, worst(&certificate)));
    }
    solution.status = match path.status() {
        LassoStatus::StepLimit => Status::MaxIterations,
        _ => Status::Stalled,
    };
    let defect = worst(&certificate);
    Ok((solution, defect))
}

/// Why `Zx = y` has no solution, if it has none: the residual of a least-squares solution.
///
/// `Zᵀr = 0` holds to rounding only. Where the exact decision is out of reach it counts when the
/// solutions that it allows have 10⁴ times the `‖x‖₁` that explains the rest of y.
fn contradiction(problem: &Problem, x: &[f64]) -> Option<Farkas> {
    let (z, y, n) = (problem.z_rows(), problem.y(), problem.features());
    let r: Vec<f64> = residual(z, n, y, x).iter().map(Sum::value).collect();
    // A residual of rounding size says nothing.
    if norm2(&r) <= 1e-10 * norm2(y) {
        return None;
    }
    let l1: f64 = x.iter().map(|v| v.abs()).sum();
    infeasible::decide(problem, x, &r, 1e4 * l1)
}

#[cfg(test)]
pub(super) mod tests;

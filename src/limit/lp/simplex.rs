//! The simplex method of `microlp`: an exact vertex, no dual variables.
//!
//! μ is recovered from the vertex by least squares, `Z_Sᵀμ = sign x_S`; where the support is
//! smaller than the rank and that μ is not dual feasible, the dual program is solved too. Both are
//! polished on the support.

use microlp::{ComparisonOp, OptimizationDirection, Problem as Program, Variable};

use super::{CERTIFIED, TIME_LIMIT, judged, prepare, trivial, weights};
use crate::Result;
use crate::limit::newton::system::System;
use crate::limit::polish::polish;
use crate::limit::{L1Solution, Route, Status};
use crate::numerics::dense::norms::norm_inf;
use crate::numerics::dense::weighted_gram::Factor;
use crate::problem::Problem;

/// The L1 minimum by the simplex method of `microlp`: an exact vertex, polished.
///
/// # Errors
/// When the polished pair does not have the lengths of the problem (which would be a defect here).
///
/// # Example
/// ```
/// use mirrorflow::limit::lp;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], array![4.0, 1.0])?;
/// let solution = lp::microlp(&problem)?;
/// assert!(solution.status.is_converged());
/// assert!((solution.l1 - 3.0).abs() < 1e-14);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn microlp(problem: &Problem) -> Result<L1Solution> {
    let system = match prepare(problem, Route::Microlp) {
        Ok(system) => system,
        Err(answer) => return Ok(*answer),
    };
    let (x, pivots) = match primal_simplex(&system) {
        Ok(vertex) => vertex,
        Err(status) => return Ok(trivial(problem, Route::Microlp, status, None)),
    };
    let point = system.unscale_x(&x);
    let least = least_squares_dual(&system, &x);
    if let Some(vertex) = polish(problem, &point, &system.unscale_mu(&least)) {
        return Ok(L1Solution { route: Route::Microlp, iterations: pivots, ..vertex });
    }
    let mu = dual_simplex(&system).unwrap_or(least);
    let mu = system.unscale_mu(&mu);
    if let Some(vertex) = polish(problem, &point, &mu) {
        return Ok(L1Solution { route: Route::Microlp, iterations: pivots, ..vertex });
    }
    judged(problem, point, mu, Route::Microlp, pivots, CERTIFIED)
}

/// x'' at a vertex, and the number of pivots.
fn primal_simplex(system: &System) -> std::result::Result<(Vec<f64>, usize), Status> {
    let (r, n) = (system.r, system.n);
    let mut program = Program::new(OptimizationDirection::Minimize);
    program.set_time_limit(TIME_LIMIT);
    let positive = (0.0, f64::INFINITY);
    let pairs: Vec<(Variable, Variable)> = (weights(system).iter())
        .map(|&w| (program.add_var(w, positive), program.add_var(w, positive)))
        .collect();
    for j in 0..r {
        let row = &system.b[j * n..(j + 1) * n];
        let terms: Vec<(Variable, f64)> = (pairs.iter().zip(row))
            .filter(|(_, z)| **z != 0.0)
            .flat_map(|(&(p, q), &z)| [(p, z), (q, -z)])
            .collect();
        program.add_constraint(terms, ComparisonOp::Eq, system.rhs[j]);
    }
    // The system is consistent and the objective bounded: any error is numerical.
    let solution = (program.solve().map_err(|_| Status::Stalled)?)
        .into_solution()
        .map_err(|_| Status::MaxIterations)?;
    let x = pairs.iter().map(|&(p, q)| solution.var_value(p) - solution.var_value(q)).collect();
    Ok((x, usize::try_from(solution.stats().lp_iterations).unwrap_or(usize::MAX)))
}

/// μ̃ at a vertex of the dual; `None` when the solver gives up.
fn dual_simplex(system: &System) -> Option<Vec<f64>> {
    let (r, n) = (system.r, system.n);
    let mut program = Program::new(OptimizationDirection::Maximize);
    program.set_time_limit(TIME_LIMIT);
    let free = (f64::NEG_INFINITY, f64::INFINITY);
    let mu: Vec<Variable> = system.rhs.iter().map(|&b| program.add_var(b, free)).collect();
    for (i, w) in weights(system).into_iter().enumerate() {
        let terms: Vec<(Variable, f64)> =
            (0..r).map(|j| (mu[j], system.b[j * n + i])).filter(|(_, z)| *z != 0.0).collect();
        if !terms.is_empty() {
            program.add_constraint(terms.clone(), ComparisonOp::Le, w);
            program.add_constraint(terms, ComparisonOp::Ge, -w);
        }
    }
    let solution = program.solve().ok()?.into_solution().ok()?;
    Some(mu.iter().map(|&v| solution.var_value(v)).collect())
}

/// The μ̃ with `κ_i B_iᵀμ̃ ≈ sign x_i`, weighted by |x_i|: `B diag(κ|x''|) Bᵀ μ̃ = b`.
fn least_squares_dual(system: &System, x: &[f64]) -> Vec<f64> {
    let omega: Vec<f64> = x.iter().zip(&system.kappa).map(|(x, k)| k * x.abs()).collect();
    let mut factor = Factor::new(system.r);
    let mut mu = system.rhs.clone();
    if norm_inf(&omega) > 0.0 && factor.build(&system.b, &omega, 0.0, 1e-15) {
        factor.solve(&mut mu);
    } else {
        mu.fill(0.0);
    }
    mu
}

//! `min ‖x‖₁ s.t. Zx = y` by the interior-point solver Clarabel: a second opinion.
//!
//! Variables (p, q), `[B −B](p; q) = b` (zero cone), `(p, q) ≥ 0`. Its multiplier of the equality
//! is −μ. The point is interior: no support can be read off it.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettingsBuilder, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, ZeroConeT,
};

use crate::Result;
use crate::problem::Problem;

use super::{judged, prepare, trivial, weights};
use crate::limit::{L1Solution, Route, Status};
use crate::numerics::dense::mul_t;

/// Gap and residual up to which Clarabel's pair counts as converged: it often ends at 1e-7.
const ACCEPTED: f64 = 1e-6;

/// The L1 minimum by Clarabel, certified to a relative gap of 1e-6.
///
/// # Errors
/// Never for a validated problem; the signature is that of the other routes.
///
/// # Example
/// ```
/// use mirrorflow::limit::lp;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], array![4.0, 1.0])?;
/// let solution = lp::clarabel(&problem)?;
/// assert!((solution.l1 - 3.0).abs() < 1e-6);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn clarabel(problem: &Problem) -> Result<L1Solution> {
    let system = match prepare(problem, Route::Clarabel) {
        Ok(system) => system,
        Err(answer) => return Ok(*answer),
    };
    let (r, n) = (system.r, system.n);
    let weights = weights(&system);
    // Column i of [B −B; −I], without explicit zeros.
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for k in 0..2 * n {
        let (i, sign) = if k < n { (k, 1.0) } else { (k - n, -1.0) };
        for j in 0..r {
            let entry = system.b[j * n + i];
            if entry != 0.0 {
                rows.push(j);
                values.push(sign * entry);
            }
        }
        rows.push(r + k);
        values.push(-1.0);
        starts.push(rows.len());
    }
    let a = CscMatrix::new(r + 2 * n, 2 * n, starts, rows, values);
    let p = CscMatrix::<f64>::zeros((2 * n, 2 * n));
    let q: Vec<f64> = weights.iter().chain(&weights).copied().collect();
    let mut b = system.rhs.clone();
    b.resize(r + 2 * n, 0.0);
    let cones = [ZeroConeT(r), NonnegativeConeT(2 * n)];
    let stalled = || Ok(trivial(problem, Route::Clarabel, Status::Stalled, None));
    let Ok(settings) = DefaultSettingsBuilder::default().verbose(false).max_iter(200).build()
    else {
        return stalled();
    };
    let Ok(mut solver) = DefaultSolver::new(&p, &q, &a, &b, &cones, settings) else {
        return stalled();
    };
    solver.solve();
    let solution = &solver.solution;
    if solution.x.len() != 2 * n || solution.z.len() < r {
        return stalled();
    }
    let x: Vec<f64> = (0..n).map(|i| solution.x[i] - solution.x[n + i]).collect();
    let mut mu: Vec<f64> = solution.z[..r].iter().map(|z| -z).collect();
    let mut slopes = vec![0.0; n];
    mul_t(&system.b, &mu, &mut slopes);
    let size = slopes.iter().zip(&system.kappa).fold(1.0_f64, |m, (s, k)| m.max((s * k).abs()));
    mu.iter_mut().for_each(|m| *m /= size);
    let (x, mu) = (system.unscale_x(&x), system.unscale_mu(&mu));
    let iterations = solution.iterations as usize;
    let mut answer = judged(problem, x, mu, Route::Clarabel, iterations, ACCEPTED)?;
    if solution.status == SolverStatus::MaxIterations && !answer.status.is_converged() {
        answer.status = Status::MaxIterations;
    }
    Ok(answer)
}

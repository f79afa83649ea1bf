//! `min ‖x‖₁ s.t. Zx = y` by HiGHS: a second opinion from the fastest of the free simplex codes.
//!
//! `min Σ w_i (p_i + q_i) s.t. B(p − q) = b`, `p, q ≥ 0`, in scaled units; HiGHS returns a vertex
//! and its row duals, which are polished on the support as those of
//! [`microlp`](crate::limit::microlp()) are. Needs the feature `highs`: CMake, a C++ compiler and
//! libclang at build time.

use highs::{ColProblem, HighsModelStatus, Sense};

use crate::Result;
use crate::problem::Problem;

use super::{CERTIFIED, TIME_LIMIT, judged, prepare, trivial, weights};
use crate::limit::polish::polish;
use crate::limit::{L1Solution, Route, Status};

/// The L1 minimum by HiGHS: an exact vertex, polished.
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
/// let solution = lp::highs(&problem)?;
/// assert!(solution.status.is_converged());
/// assert!((solution.l1 - 3.0).abs() < 1e-14);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn highs(problem: &Problem) -> Result<L1Solution> {
    let system = match prepare(problem, Route::Highs) {
        Ok(system) => system,
        Err(answer) => return Ok(*answer),
    };
    let (r, n) = (system.r, system.n);
    let mut program = ColProblem::default();
    let rows: Vec<_> = system.rhs.iter().map(|&b| program.add_row(b..=b)).collect();
    for sign in [1.0, -1.0] {
        for (i, weight) in weights(&system).into_iter().enumerate() {
            let column = (0..r).map(|j| (rows[j], sign * system.b[j * n + i]));
            program.add_column(weight, 0.0.., column.filter(|(_, z)| *z != 0.0));
        }
    }
    let mut model = program.optimise(Sense::Minimise);
    model.make_quiet();
    model.set_option("time_limit", TIME_LIMIT.as_secs_f64());
    model.set_option("threads", 1);
    let unsolved = |status| Ok(trivial(problem, Route::Highs, status, None));
    let Ok(solved) = model.try_solve() else { return unsolved(Status::Stalled) };
    match solved.status() {
        HighsModelStatus::Optimal => {}
        HighsModelStatus::ReachedTimeLimit => return unsolved(Status::MaxIterations),
        // The system is consistent and the objective bounded: anything else is numerical.
        _ => return unsolved(Status::Stalled),
    }
    let solution = solved.get_solution();
    let pairs = solution.columns();
    let x: Vec<f64> = (0..n).map(|i| pairs[i] - pairs[n + i]).collect();
    let (x, mu) = (system.unscale_x(&x), system.unscale_mu(solution.dual_rows()));
    let iterations = usize::try_from(solved.simplex_iteration_count()).unwrap_or(0);
    match polish(problem, &x, &mu) {
        Some(vertex) => Ok(L1Solution { route: Route::Highs, iterations, ..vertex }),
        None => judged(problem, x, mu, Route::Highs, iterations, CERTIFIED),
    }
}

//! The L1 minimum as the end of a ladder of potentials, `a → 0`.
//!
//! `min ‖x‖₁ s.t. Zx = y` is the limit of `argmin R_a` for one common a → 0. Each rung
//! `ℓ = log(1/a)` gives a primal point and, from the tangent in ℓ, a dual point of the linear
//! program; their relative gap falls like `e^{−δℓ}`, δ the off-support slack of the problem. The
//! ladder stops when the gap is small enough, or hands over to the support polish as soon as that
//! certifies an optimum.

use crate::Error;
use crate::Result;
use crate::problem::Problem;

use super::lp::{CERTIFIED, judged};
use super::newton::core::{Core, Inner};
use super::newton::start;
use super::newton::system::System;
use super::polish::polish;
use super::{L1Solution, Route, Status};

/// Largest `log(1/a)`: beyond it rounding in `s = 2Zᵀμ ~ ℓ` costs more than the rung gains.
const LARGEST_ELL: f64 = 1e7;

/// Relative gap from which the support is tried.
const POLISH_FROM: f64 = 1e-3;

/// What to ask of [`l1`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Relative duality gap to reach. Default 1e-10.
    pub gap: f64,
    /// Bound on the Newton steps. Default 2000.
    pub max_iterations: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { gap: 1e-10, max_iterations: 2000 }
    }
}

/// `min ‖x‖₁ s.t. Zx = y` by the ladder.
///
/// The point is interior: entries off the support are tiny, not zero, unless the polish succeeded.
///
/// # Errors
/// When an option is not positive.
///
/// # Example
/// ```
/// use mirrorflow::limit::ladder::{Options, l1};
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![2.0])?;
/// let solution = l1(&problem, &Options::default())?;
/// assert!(solution.status.is_converged());
/// assert!((solution.l1 - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn l1(problem: &Problem, options: &Options) -> Result<L1Solution> {
    if !(options.gap > 0.0 && options.max_iterations > 0) {
        return Err(Error::Domain {
            what: "ladder options".into(),
            expected: "a positive gap and at least one iteration".into(),
            found: format!("{options:?}"),
        });
    }
    let (d, n) = (problem.samples(), problem.features());
    let nothing = |status, infeasibility| L1Solution {
        x: vec![0.0; n],
        mu: vec![0.0; d],
        l1: 0.0,
        route: Route::Ladder,
        status,
        iterations: 0,
        infeasibility,
    };
    let system = match System::new(problem) {
        Ok(system) => system,
        Err(proof) => return Ok(nothing(proof.status(), Some(proof))),
    };
    if !system.has_targets() {
        return Ok(nothing(Status::Converged, None));
    }
    let mut polished = None;
    let (mut core, mu, gap, inner) = climb(&system, options, |core, mu, gap| {
        // A vertex is tried for once the gap says that the support may be known.
        if gap <= POLISH_FROM {
            let (x, mu) = (system.unscale_x(&core.x), system.unscale_mu(mu));
            polished = polish(problem, &x, &mu);
        }
        polished.is_some()
    });
    if let Some(vertex) = polished {
        return Ok(L1Solution { route: Route::Ladder, iterations: core.steps, ..vertex });
    }
    core.refine();
    let x = system.unscale_x(&core.x);
    let mu = system.unscale_mu(&mu);
    // In the given data, not in the scaled system: for rows that are nearly dependent the two
    // differ.
    let mut answer = judged(problem, x, mu, Route::Ladder, core.steps, options.gap.max(CERTIFIED))?;
    if inner == Inner::MaxIterations && gap > options.gap && !answer.status.is_converged() {
        answer.status = Status::MaxIterations;
    }
    Ok(answer)
}

/// Rungs ℓ = 2, 4, … until the gap is met; the best dual point found, its gap, how it ended.
/// `done` may end the climb earlier from the point, its dual point and their gap.
fn climb<'a>(
    system: &'a System,
    options: &Options,
    mut done: impl FnMut(&Core<'a>, &[f64], f64) -> bool,
) -> (Core<'a>, Vec<f64>, f64, Inner) {
    // One common a for x: in scaled units log a'' = log κ − ℓ.
    let at = |ell: f64| -> Vec<f64> {
        system.kappa.iter().map(|k| if *k == 1.0 { -ell } else { k.ln() - ell }).collect()
    };
    let theta = vec![0.0; system.n];
    let mut core = start(system);
    let budget = |core: &Core<'_>| options.max_iterations.saturating_sub(core.steps);
    let mut ell = 2.0;
    core.log_a = at(ell);
    core.evaluate();
    let mut inner = core.newton(1e-6, options.max_iterations);
    let mut best: (Vec<f64>, f64) = (vec![0.0; system.r], f64::INFINITY);
    let mut factor = 2.0_f64;
    for _ in 0..400 {
        // Below this gap the rounding of x, ε·ℓ, would show: make Zx = y to rounding first.
        if best.1 < 1e-4 {
            core.refine();
        }
        if inner != Inner::MaxIterations
            && let Some((mu, gap)) = core.dual_point(ell)
            && gap.abs() < best.1
        {
            best = (mu, gap.abs());
            if done(&core, &best.0, best.1) {
                break;
            }
        }
        if best.1 <= options.gap || ell >= LARGEST_ELL || budget(&core) == 0 {
            break;
        }
        let next = (factor * ell).min(LARGEST_ELL);
        let (saved, before) = (core.save(), core.steps);
        let moved = core.predict(&at(next), &theta, next / ell);
        inner = if moved { core.newton(1e-10, budget(&core).min(40)) } else { Inner::Stalled };
        if inner == Inner::Converged || (inner == Inner::Stalled && moved && factor < 1.1) {
            ell = next;
            factor = match core.steps - before {
                0..=3 => (factor * 1.6).min(8.0),
                4..=6 => factor,
                _ => factor.sqrt().max(1.2),
            };
        } else {
            core.restore(&saved);
            factor = factor.sqrt();
            if factor < 1.0 + 1e-3 {
                break;
            }
        }
    }
    (core, best.0, best.1, inner)
}

//! The whole way from L2 to L1: `x(a) = argmin R_a(x) s.t. Zx = y` over a grid of `log a`.
//!
//! With θ₀ = 0: as a → ∞, `R_a ≈ const + ‖x‖²/(4a)` and x is the least-norm solution; as a → 0,
//! `R_a ≈ ½ log(1/a) ‖x‖₁` and x is an L1-minimal one. In between, `R_a − R_{a'}` at x(a) is at
//! most that at x(a') for a < a' (add the two optimality inequalities): the mean of `Σ √(x_i²+c²)`
//! over log c between log a and log a' does not increase. **‖x(a)‖₁ itself may increase** on the
//! way: `Z = [1 −2 −3; 2 0 −1]`, `y = (−1, −1)` has it rise by 2.5 %.
//!
//! From one grid point to the next: the tangent predictor of the Newton core (it solves with the
//! factor of H at the present point), then Newton steps whose linear systems are solved by
//! conjugate gradients with that same factor as preconditioner. One factor per grid point serves
//! the predictor, the corrector and the certificate.
//!
//! Where doubles cannot tell whether every entry that counts is right, the point is found with
//! twice the precision (`graded`), from where doubles came as long as they come near, then from the
//! point before.
//!
//! **Gap.** With a certified bound `l ≤ min ‖x‖₁ s.t. Zx = y` from [`l1_minimum`],
//! `gap = (‖x(a)‖₁ − l)/‖x(a)‖₁`, which falls to rounding as a → 0 and stays there. Where that
//! minimum is not certified, the tangent-extrapolated dual point `2dμ/dℓ`, ℓ = log(1/a), scaled
//! into `‖Zᵀμ‖_∞ ≤ 1`, gives a bound at each point that doubles find; the others have none.

use ndarray::Array2;

use crate::cancel::requested;
use crate::numerics::exact::double_double::Double2;
use crate::numerics::exact::sums::sum2;
use crate::problem::Problem;
use crate::{Cancel, Error, Result};

use super::certificate::certify_unranked;
use super::l1_minimum;
use super::newton::core::{Core, Inner};
use super::newton::finish::PIVOTS;
use super::newton::graded::Graded;
use super::newton::system::System;
use super::newton::{LADDER_SHARE, NEAR, Options, SETTLING, climb, high, start};
use super::polish::CERTIFIED;
use super::{Demand, Farkas, Status, decide};
use crate::numerics::dense::norms::norm2;

/// Relative residual that Newton's method reaches at each point before the last linear correction.
const TOLERANCE: f64 = 1e-10;

/// `x(a)` over a grid of `log a`, in the order of that grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The grid, length N.
    pub log_a: Vec<f64>,
    /// The points, N×n.
    pub x: Array2<f64>,
    /// `‖x‖₁`, length N.
    pub l1: Vec<f64>,
    /// Relative duality gap of the L1 problem at each point, length N; infinite where there is no
    /// dual point, and where x is shorter than any solution.
    pub gap: Vec<f64>,
    /// How each point ended, length N.
    pub status: Vec<Status>,
    /// Newton steps in all.
    pub iterations: usize,
    /// Why there is no solution, when the status is [`Status::Infeasible`] everywhere.
    pub infeasibility: Option<Farkas>,
}

/// The path over `log_a` (length N ≥ 1, each in [−1e6, 50], in any order) with tilt θ (length n; 0
/// when absent).
///
/// # Errors
/// When the grid is empty, an entry is outside [−1e6, 50], or θ has a wrong length or an entry that
/// is not finite.
///
/// # Example
/// ```
/// use mirrorflow::limit::path::path;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![2.0])?;
/// let path = path(&problem, None, &[20.0, 0.0, -20.0, -200.0])?;
/// // From the least-norm point (0.4, 0.8) to the sparse one (0, 1).
/// assert!((path.x[[0, 0]] - 0.4).abs() < 1e-12);
/// assert!((path.x[[3, 1]] - 1.0).abs() < 1e-12);
/// assert!(path.l1.windows(2).all(|w| w[1] <= w[0]) && path.gap[3] < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn path(problem: &Problem, theta: Option<&[f64]>, log_a: &[f64]) -> Result<Path> {
    path_with(problem, theta, log_a, &Options::default())
}

/// [`path`] with a bound on the Newton steps of each point: [`Options::max_iterations`].
///
/// # Errors
/// As [`path`], and when an option is not positive.
pub fn path_with(
    problem: &Problem,
    theta: Option<&[f64]>,
    log_a: &[f64],
    options: &Options,
) -> Result<Path> {
    path_until(problem, theta, log_a, options, None)
}

/// [`path_with`], which looks at `cancel` before every point: those that are not reached have
/// [`Status::Cancelled`].
///
/// # Errors
/// As [`path_with`].
pub fn path_until(
    problem: &Problem,
    theta: Option<&[f64]>,
    log_a: &[f64],
    options: &Options,
    cancel: Option<Cancel>,
) -> Result<Path> {
    options.check()?;
    let n = problem.features();
    check(theta, log_a, n)?;
    let zero = vec![0.0; n];
    let theta = theta.unwrap_or(&zero);
    let count = log_a.len();
    let mut path = Path {
        log_a: log_a.to_vec(),
        x: Array2::zeros((count, n)),
        l1: vec![0.0; count],
        gap: vec![f64::INFINITY; count],
        status: vec![Status::Infeasible; count],
        iterations: 0,
        infeasibility: None,
    };
    let system = match System::new(problem) {
        Ok(system) => system,
        Err(proof) => {
            path.status.fill(proof.status());
            path.infeasibility = Some(proof);
            return Ok(path);
        }
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&i, &j| log_a[j].total_cmp(&log_a[i]));
    let lower = certified_minimum(problem, system.is_plain());
    let mut walk = Walk {
        core: start(&system),
        graded: None,
        theta,
        max_iterations: options.max_iterations,
        plain: system.is_plain(),
        at: None,
        curvature: None,
        tangent: lower.is_none(),
        unique: system.unique(),
    };
    for k in order {
        if requested(&cancel) {
            path.status[k] = Status::Cancelled;
            continue;
        }
        let (x, gap, status) = walk.point(log_a[k]);
        let l1 = if x.iter().all(|v| v.is_finite()) {
            sum2(&x.iter().map(|v| v.abs()).collect::<Vec<f64>>())
        } else {
            f64::INFINITY
        };
        path.l1[k] = l1;
        path.gap[k] = match lower {
            _ if l1.is_infinite() => f64::INFINITY,
            _ if l1 == 0.0 => 0.0,
            Some(lower) => (l1 - lower) / l1,
            None => gap,
        };
        path.status[k] = status;
        // Shorter than any solution: it meets the equations to rounding only, and no solution is
        // near.
        if path.gap[k] < -CERTIFIED {
            path.gap[k] = f64::INFINITY;
            if status.is_converged() {
                path.status[k] = Status::Stalled;
            }
        }
        path.x.row_mut(k).iter_mut().zip(&x).for_each(|(to, from)| *to = *from);
    }
    path.iterations = walk.core.steps + walk.graded.map_or(0, |g| g.steps);
    Ok(path)
}

/// Residuals of rows up to which a point meets them: where rows are far from dependent x is then
/// right to 10⁻⁹.
const MET: f64 = 1e-13;

/// A lower bound of the L1 minimum that is met to a relative 10⁻⁹, if one can be had.
fn certified_minimum(problem: &Problem, plain: bool) -> Option<f64> {
    // Rows that are nearly dependent hide from a residual how far ‖x‖₁ is from the minimum.
    if plain {
        let solution = l1_minimum(problem).ok()?;
        let certificate = certify_unranked(problem, &solution.x, &solution.mu);
        let met = certificate.row_residual.max(certificate.primal_feasibility) <= MET;
        if solution.status.is_converged() && certificate.holds(CERTIFIED) && met {
            return Some(certificate.dual_value);
        }
    }
    // What doubles do not certify may be proved.
    let found = decide(problem, &Demand::default()).ok()?;
    let proved = found.enclosure.filter(|e| e.relative_width() <= CERTIFIED);
    proved.map(|e| e.l1_lower)
}

fn check(theta: Option<&[f64]>, log_a: &[f64], n: usize) -> Result<()> {
    let domain = |found: String| {
        Err(Error::Domain {
            what: "grid of log a".into(),
            expected: "at least one value, each in [-1e6, 50]".into(),
            found,
        })
    };
    if log_a.is_empty() {
        return domain("empty".into());
    }
    if let Some(k) = log_a.iter().position(|v| !(-1e6..=50.0).contains(v)) {
        return domain(format!("{} at position {k}", log_a[k]));
    }
    let Some(theta) = theta else { return Ok(()) };
    if theta.len() != n {
        return Err(Error::Shape {
            what: "theta".into(),
            expected: format!("({n}): one entry per column of Z"),
            found: format!("({})", theta.len()),
        });
    }
    match theta.iter().position(|v| !v.is_finite()) {
        Some(i) => {
            Err(Error::NotFinite { what: "theta".into(), index: i.to_string(), value: theta[i] })
        }
        None => Ok(()),
    }
}

/// The point that walks along the grid.
struct Walk<'a> {
    core: Core<'a>,
    /// The same with twice the precision, once that was needed.
    graded: Option<Graded<'a>>,
    theta: &'a [f64],
    max_iterations: usize,
    /// Whether doubles still get near.
    plain: bool,
    /// `log a` in the units of the problem, once the first point is reached.
    at: Option<f64>,
    /// The last step in `log a` and what its corrector added to the tangent.
    curvature: Option<(f64, Vec<f64>)>,
    /// Whether the gap is to come from the tangent.
    tangent: bool,
    /// x of all points, where Zx = y alone determines it.
    unique: Option<Vec<f64>>,
}

impl Walk<'_> {
    /// x in the units of the problem, its gap by the tangent if that is asked for, and its status.
    fn point(&mut self, log_a: f64) -> (Vec<f64>, f64, Status) {
        let target = self.scaled(log_a);
        if let Some(x) = self.core.system.free(&target, self.theta) {
            let x = self.core.system.unscale_x(&x);
            let status = self.met(&x, true);
            return (x, f64::INFINITY, status);
        }
        if let Some(x) = &self.unique {
            let x = self.core.system.unscale_x(x);
            let status = self.met(&x, true);
            return (x, f64::INFINITY, status);
        }
        if self.plain {
            let inner = self.go(log_a);
            self.core.correct();
            self.plain = inner == Inner::Converged;
            if self.plain && self.core.settled() {
                return self.read();
            }
        }
        let inner = self.go_graded(log_a);
        let Some(graded) = &self.graded else {
            return (Vec::new(), f64::INFINITY, Status::Stalled);
        };
        let x = self.core.system.unscale_x(&high(&graded.x));
        let status = match inner {
            Inner::Converged => self.met(&x, true),
            Inner::MaxIterations if graded.is_finite() => Status::MaxIterations,
            _ => Status::Stalled,
        };
        (x, f64::INFINITY, status)
    }

    /// The status of a point that is reached: not converged where its entries overflow, or all
    /// underflow, in the units of the problem.
    fn met(&self, x: &[f64], by_equations: bool) -> Status {
        let system = self.core.system;
        let vanished = x.iter().all(|v| *v == 0.0) && system.y.iter().any(|y| *y != 0.0);
        if vanished || x.iter().any(|v| !v.is_finite()) {
            return Status::Stalled;
        }
        system.met(by_equations)
    }

    /// To `log a` with twice the precision: from where doubles came, from the last point, or by the
    /// whole ladder.
    fn go_graded(&mut self, log_a: f64) -> Inner {
        let target = self.scaled(log_a);
        let (system, core) = (self.core.system, &self.core);
        let near = system.is_plain()
            && core.log_a == high(&target)
            && core.is_finite()
            && norm2(&core.res) <= NEAR * norm2(&core.rhs);
        let mu = if near { system.to_equations(&system.to_rows(&core.mu)) } else { None };
        let walked = self.graded.is_some();
        let graded = self.graded.get_or_insert_with(|| Graded::new(system));
        let limit = graded.steps + self.max_iterations;
        let first = if let Some(mu) = mu {
            graded.place(&mu, &target, self.theta);
            let room = SETTLING.min(self.max_iterations);
            let well = system.is_rows() && self.core.refactor() && {
                let (low, high) = self.core.pivots();
                low >= PIVOTS * high
            };
            let quick = well.then(|| graded.settle_by(room, |v| self.core.solve(v)));
            if quick == Some(Inner::Converged) { Inner::Converged } else { graded.settle(room) }
        } else if walked {
            graded.walk(&target, self.theta, self.max_iterations)
        } else {
            Inner::Stalled
        };
        match first {
            Inner::Converged => first,
            _ => graded.climb(&target, self.theta, limit.saturating_sub(graded.steps)),
        }
    }

    /// `log a` in scaled units, length n.
    fn scaled(&self, log_a: f64) -> Vec<Double2> {
        self.core.system.scale_log_a(&vec![log_a; self.theta.len()])
    }

    /// To `log a`: one predicted step, or the whole ladder again where that is too long.
    fn go(&mut self, log_a: f64) -> Inner {
        let target = high(&self.scaled(log_a));
        if let Some(from) = self.at {
            if from == log_a {
                return Inner::Converged;
            }
            // Flat directions keep their slack when s is scaled with ℓ, which makes sense once ℓ >
            // 1.
            let ratio = if from < -1.0 { log_a / from } else { 1.0 };
            if self.core.predict(&target, self.theta, ratio) {
                let tangent = self.bend(log_a - from);
                if self.core.newton_cg(TOLERANCE, 12) == Inner::Converged {
                    self.learn(log_a - from, tangent);
                    self.at = Some(log_a);
                    return Inner::Converged;
                }
            }
        }
        self.curvature = None;
        self.core.restart();
        let options = Options {
            tolerance: TOLERANCE,
            max_iterations: self.max_iterations.div_ceil(LADDER_SHARE),
            ..Options::default()
        };
        self.at = Some(log_a);
        climb(&mut self.core, &target, self.theta, &options)
    }

    /// Second-order term of the predictor: what the last corrector added, scaled by the square of
    /// the step. Kept only if it makes the residual smaller. Returns μ as the tangent predicted it.
    fn bend(&mut self, step: f64) -> Vec<f64> {
        let tangent = self.core.mu.clone();
        let Some((last, correction)) = &self.curvature else { return tangent };
        let weight = (step / last) * (step / last);
        let before = norm2(&self.core.res);
        for (m, c) in self.core.mu.iter_mut().zip(correction) {
            *m += weight * c;
        }
        self.core.evaluate();
        let after = norm2(&self.core.res);
        if after.is_nan() || after > before {
            self.core.mu.copy_from_slice(&tangent);
            self.core.evaluate();
        }
        tangent
    }

    /// Remembers what the corrector added to the tangent.
    fn learn(&mut self, step: f64, mut tangent: Vec<f64>) {
        for (t, m) in tangent.iter_mut().zip(&self.core.mu) {
            *t = m - *t;
        }
        self.curvature = Some((step, tangent));
    }

    /// x in the units of the problem, its gap and status, where doubles have decided.
    fn read(&mut self) -> (Vec<f64>, f64, Status) {
        let ell = self.at.map_or(0.0, |log_a| -log_a);
        let gap = if !self.tangent || self.core.system.rhs.iter().all(|b| *b == 0.0) {
            None
        } else {
            self.core.dual_point(ell).map(|(_, gap)| gap)
        };
        let x = self.core.system.unscale_x(&self.core.x);
        let status = self.met(&x, false);
        let l1 = self.core.system.l1(&self.core.x);
        (x, gap.unwrap_or(if l1 == 0.0 { 0.0 } else { f64::INFINITY }), status)
    }
}

#[cfg(test)]
mod tests;

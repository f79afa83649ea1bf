//! `argmin R_a(x) s.t. Zx = y` by Newton's method on the dual, over a ladder of potentials.
//!
//! `max_μ yᵀμ − ½ Σ a cosh(2Zᵀμ + θ₀)`; then `x = a sinh(2Zᵀμ + θ₀)`. The ladder goes from a
//! potential with a ≈ 1, where x is of size 1 by scaling, to the wanted one along
//! `(t·log a, t·θ₀)`, `t → 1`: on it `s = 2Zᵀμ + θ₀` grows about linearly in t, which the predictor
//! follows. Everything stays in the log domain.
//!
//! Where Zx = y alone determines x no iteration is made; where doubles cannot tell that every entry
//! that counts is right, `graded` takes over.
//!
//! How right an answer is, [`kkt_residual`] says.
//!
//! Source: Wu & Rebeschini 2021 for the potential; the ladder and its predictor were derived for
//! this project.

pub(super) mod core;
mod eliminate;
mod equations;
pub(super) mod finish;
pub(super) mod graded;
mod kkt;
#[cfg(test)]
mod laws;
pub(super) mod system;

pub use kkt::kkt_residual;

use crate::Error;
use crate::Result;
use crate::numerics::exact::double_double::Double2;
use crate::numerics::special::log_domain;
use crate::potential::HyperbolicEntropy;
use crate::problem::Problem;

use super::{Farkas, Limit, Status};
use core::{Core, Inner};
use graded::Graded;
use system::System;

/// Largest `log a` in scaled units: there the potential is quadratic to e^{−200}.
const LARGEST_LOG_A: f64 = 100.0;

/// From here on every potential is quadratic to `e^{−2·45}`, 10⁻³⁹.
const QUADRATIC: f64 = 45.0;

/// The same with a tilt: x is then of size a, and y beside it still has three digits.
const LARGEST_TILTED_LOG_A: f64 = 30.0;

/// The ladder in doubles gets this share of the steps; where it converges it needs a tenth of that.
pub(in crate::limit) const LADDER_SHARE: usize = 4;

/// Rungs that may fail: where the ladder in doubles converges, no more than two do.
const FAILURES: usize = 3;

/// Residual of the ladder's end from which Newton's method with twice the precision goes on.
pub(in crate::limit) const NEAR: f64 = 1e-3;

/// The steps it gets there, before it starts with a ladder of its own.
pub(in crate::limit) const SETTLING: usize = 30;

/// What to ask of [`minimize`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Relative residual `‖Zx − y‖/‖y‖` to reach by Newton's method before the final refinement.
    /// Default 1e-13.
    pub tolerance: f64,
    /// Bound on the Newton steps of the whole ladder. Default 2000.
    pub max_iterations: usize,
    /// KKT residual up to which the result counts as converged. Default 1e-11: the backward error
    /// of sums of 10⁴ terms with three digits to spare.
    pub kkt_tolerance: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { tolerance: 1e-13, max_iterations: 2000, kkt_tolerance: 1e-11 }
    }
}

impl Options {
    /// The same with another tolerance of Newton's method.
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The same with another bound on the Newton steps.
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    pub(in crate::limit) fn check(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.kkt_tolerance > 0.0 && self.max_iterations > 0) {
            return Err(Error::Domain {
                what: "Newton options".into(),
                expected: "positive tolerances and at least one iteration".into(),
                found: format!("{self:?}"),
            });
        }
        Ok(())
    }
}

/// The minimiser of `R_a(x)` subject to `Zx = y`.
///
/// `entropy` has dimension n. What cannot be solved is a [`Status`] of the result: an inconsistent
/// system comes back with [`Status::Infeasible`], a [`Farkas`] certificate, `x = 0` and `μ = 0`.
///
/// # Errors
/// When `entropy` has another dimension than the problem, or an option is not positive.
///
/// # Example
/// ```
/// use mirrorflow::limit::newton::{Options, minimize};
/// use mirrorflow::potential::HyperbolicEntropy;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// // x₁ + 2x₂ = 2: by symmetry of the potential only the second column survives as a → 0.
/// let problem = Problem::new(array![[1.0, 2.0]], array![2.0])?;
/// let limit = minimize(&problem, &HyperbolicEntropy::uniform(2, -200.0)?, &Options::default())?;
/// assert!(limit.status.is_converged());
/// assert!((limit.x[1] - 1.0).abs() < 1e-12 && limit.x[0].abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn minimize(
    problem: &Problem,
    entropy: &HyperbolicEntropy,
    options: &Options,
) -> Result<Limit> {
    let n = problem.features();
    if entropy.log_a().len() != n {
        return Err(Error::Shape {
            what: "log a".into(),
            expected: format!("({n}): one entry per column of Z"),
            found: format!("({})", entropy.log_a().len()),
        });
    }
    options.check()?;
    let mut system = match System::new(problem) {
        Ok(system) => system,
        Err(proof) => return Ok(infeasible(problem, entropy, proof)),
    };
    let top = |log_a: &[Double2]| log_a.iter().fold(f64::NEG_INFINITY, |m, v| m.max(v.hi));
    let mut log_a = system.scale_log_a(entropy.log_a());
    if let Some(x) = system.free(&log_a, entropy.theta()) {
        let (x, mu) = (system.unscale_x(&x), vec![0.0; problem.samples()]);
        let met = system.met(true);
        return Ok(finish(problem, entropy, options, x, mu, 0, 0, met, Inner::Stalled));
    }
    // With a tilt and a large a, or without targets, a sets the size of x: bring it to 1.
    let tilted = entropy.theta().iter().any(|v| *v != 0.0);
    if !system.has_targets() || (tilted && top(&log_a) > LARGEST_TILTED_LOG_A) {
        system.rescale((top(&log_a) / std::f64::consts::LN_2).round() as i32);
        log_a = system.scale_log_a(entropy.log_a());
    }
    // Far above x every a gives the same x, and s ∝ 1/a: keep a within doubles.
    let largest = top(&log_a);
    let smallest = log_a.iter().fold(f64::INFINITY, |m: f64, v| m.min(v.hi));
    let excess = largest - LARGEST_LOG_A;
    let quadratic = !tilted && smallest - excess > QUADRATIC;
    let excess = if quadratic { excess.max(0.0) } else { 0.0 };
    log_a.iter_mut().for_each(|v| *v = v.plus_f64(-excess));
    let scaled = Scaled { system, log_a, excess, entropy };
    let judge = |end: End| {
        let (steps, inner, trusted) = (end.steps, end.inner, end.trusted);
        let (x, mu) = scaled.unscale(end);
        let met = scaled.system.met(trusted);
        let rank = scaled.system.rank();
        (finish(problem, entropy, options, x, mu, steps, rank, met, inner), trusted)
    };
    if let Some(end) = scaled.by_uniqueness() {
        return Ok(judge(end).0);
    }
    // Doubles go first where they can tell how right an answer is.
    let first = scaled.system.is_plain().then(|| judge(scaled.by_ladder(options)));
    let first = match first {
        Some((limit, true)) if limit.status.is_converged() => return Ok(limit),
        other => other.map(|(limit, _)| limit),
    };
    let (mut graded, trusted) = judge(scaled.by_graded(first.as_ref(), options));
    graded.iterations += first.as_ref().map_or(0, |f| f.iterations);
    if trusted {
        return Ok(graded);
    }
    let ladder = first.unwrap_or_else(|| judge(scaled.by_ladder(options)).0);
    Ok(if graded.kkt_residual <= ladder.kkt_residual { graded } else { ladder })
}

/// The problem in scaled units, at the wanted potential.
struct Scaled<'a> {
    system: System,
    /// log a in those units, less `excess`.
    log_a: Vec<Double2>,
    excess: f64,
    entropy: &'a HyperbolicEntropy,
}

/// Where a solve ended, in scaled units: x, s (length n) and μ by the rows of Z'' (length d).
struct End {
    x: Vec<f64>,
    s: Vec<f64>,
    mu: Vec<f64>,
    steps: usize,
    inner: Inner,
    /// Whether every entry of x that counts is right, as far as this route can tell.
    trusted: bool,
}

impl Scaled<'_> {
    /// Where Zx = y alone determines x: `s = asinh(x/a)`, and μ from it.
    fn by_uniqueness(&self) -> Option<End> {
        let x = self.system.unique()?;
        let entries = x.iter().zip(&self.log_a);
        let s: Vec<f64> = entries.map(|(x, l)| log_domain::asinh_ratio(*x, l.hi)).collect();
        let g: Vec<f64> = s.iter().zip(self.entropy.theta()).map(|(s, t)| s - t).collect();
        let mu = self.system.dual(&g);
        Some(End { x, s, mu, steps: 0, inner: Inner::Stalled, trusted: true })
    }

    /// By the ladder in doubles.
    fn by_ladder(&self, options: &Options) -> End {
        let mut core = start(&self.system);
        let share = (options.max_iterations / LADDER_SHARE).max(1);
        let bounded = Options { max_iterations: share, ..options.clone() };
        let log_a = high(&self.log_a);
        let inner = climb(&mut core, &log_a, self.entropy.theta(), &bounded);
        core.refine();
        let trusted = inner == Inner::Converged && core.settled();
        let mu = self.system.to_rows(&core.mu);
        End { x: core.x, s: core.s, mu, steps: core.steps, inner, trusted }
    }

    /// With twice the precision: from where the ladder ended if that is near, else from the start.
    fn by_graded(&self, from: Option<&Limit>, options: &Options) -> End {
        let room =
            options.max_iterations.saturating_sub(from.map_or(0, |from| from.iterations)).max(1);
        let theta = self.entropy.theta();
        let mut graded = Graded::new(&self.system);
        let mut inner = Inner::Stalled;
        let near = from.filter(|from| from.kkt_residual < NEAR);
        if let Some(mut mu) =
            near.and_then(|from| self.system.to_equations(&self.system.scale_rows(&from.mu)))
        {
            mu.iter_mut().for_each(|m| *m *= self.excess.exp());
            graded.place(&mu, &self.log_a, theta);
            inner = graded.settle(room.min(SETTLING));
        }
        if inner != Inner::Converged {
            inner = graded.climb(&self.log_a, theta, room.saturating_sub(graded.steps));
        }
        End {
            x: high(&graded.x),
            s: high(&graded.s),
            mu: graded.mu(),
            steps: graded.steps,
            inner,
            trusted: inner == Inner::Converged,
        }
    }

    /// x and μ in the units of the problem.
    fn unscale(&self, mut end: End) -> (Vec<f64>, Vec<f64>) {
        let (log_a, theta) = (self.entropy.log_a(), self.entropy.theta());
        end.mu.iter_mut().for_each(|m| *m *= (-self.excess).exp());
        // Without targets x is in units of a; what rounding left of an entry that must vanish is 0.
        if !self.system.has_targets() {
            for i in 0..end.x.len() {
                if end.x[i].abs() <= 1e-13 * log_domain::a_cosh(end.s[i], self.log_a[i].hi) {
                    end.x[i] = 0.0;
                    end.s[i] = 0.0;
                }
            }
        }
        let mut x = self.system.unscale_x(&end.x);
        for i in 0..x.len() {
            // What underflows in scaled units need not do so in those of the problem.
            if self.excess == 0.0 && end.x[i].abs() < 1e-290 {
                x[i] = log_domain::a_sinh(end.s[i], log_a[i]);
            }
        }
        let mut mu = self.system.unscale_rows(&end.mu);
        if x.iter().chain(&mu).any(|v| !v.is_finite()) {
            // Rounding led nowhere, or beyond the largest double: what is reached is the start, μ =
            // 0.
            mu.fill(0.0);
            for i in 0..x.len() {
                x[i] = log_domain::a_sinh(theta[i], log_a[i]);
            }
        }
        (x, mu)
    }
}

/// Rounded to doubles.
pub(in crate::limit) fn high(v: &[Double2]) -> Vec<f64> {
    v.iter().map(|v| v.hi).collect()
}

/// A core at a = 1, θ = 0 in scaled units.
pub(in crate::limit) fn start(system: &System) -> Core<'_> {
    Core::new(system, vec![0.0; system.n], vec![0.0; system.n])
}

/// From any point with `a = 1` in scaled units to `(log a, θ)` along `(t·log a, t·θ)`.
pub(in crate::limit) fn climb(
    core: &mut Core<'_>,
    log_a: &[f64],
    theta: &[f64],
    options: &Options,
) -> Inner {
    let size = (log_a.iter().chain(theta)).fold(0.0_f64, |m, v| m.max(v.abs()));
    let at = |t: f64| -> (Vec<f64>, Vec<f64>) {
        (log_a.iter().map(|v| t * v).collect(), theta.iter().map(|v| t * v).collect())
    };
    // The first rung has |log a|, |θ| ≤ 2; rungs in between only have to stay in Newton's range.
    let mut t = if size <= 2.0 { 1.0 } else { 2.0 / size };
    let between = options.tolerance.max(1e-4);
    (core.log_a, core.theta) = at(t);
    core.evaluate();
    let budget = |core: &Core<'_>| options.max_iterations.saturating_sub(core.steps);
    let tolerance = if t < 1.0 { between } else { options.tolerance };
    let first = core.newton(tolerance, budget(core).min(200));
    if first != Inner::Converged && t < 1.0 {
        return first;
    }
    let (mut factor, mut last, mut failures) = (2.0_f64, first, 0);
    // The factor is at least 1.2 but after a failure, which takes its root: 400 rungs are never
    // needed.
    for _ in 0..400 {
        if t >= 1.0 {
            return last;
        }
        let next = if factor * t >= 1.0 { 1.0 } else { factor * t };
        let (saved, before) = (core.save(), core.steps);
        let (l, th) = at(next);
        let tolerance = if next < 1.0 { between } else { options.tolerance };
        let moved = core.predict(&l, &th, next / t);
        last = if moved { core.newton(tolerance, budget(core).min(40)) } else { Inner::Stalled };
        let used = core.steps - before;
        // At the last rung a stall is rounding: the refinement and the KKT residual judge it.
        let usable = last == Inner::Converged || (last == Inner::Stalled && moved && next >= 1.0);
        if usable {
            t = next;
            factor = match used {
                0..=3 => (factor * 2.0).min(32.0),
                4..=6 => factor,
                _ => factor.sqrt().max(1.2),
            };
        } else {
            core.restore(&saved);
            failures += 1;
            if budget(core) == 0 {
                return last;
            }
            if failures == FAILURES {
                return Inner::Stalled;
            }
            factor = factor.sqrt();
        }
    }
    Inner::MaxIterations
}

/// Residuals in the original data, and the verdict; `met` is that of an answer which meets the
/// stopping test.
fn finish(
    problem: &Problem,
    entropy: &HyperbolicEntropy,
    options: &Options,
    x: Vec<f64>,
    mu: Vec<f64>,
    iterations: usize,
    rank: usize,
    met: Status,
    inner: Inner,
) -> Limit {
    let (kkt_residual, feasibility) = kkt_residual(problem, entropy, &x, &mu);
    let status = if kkt_residual <= options.kkt_tolerance {
        met
    } else if inner == Inner::MaxIterations {
        Status::MaxIterations
    } else {
        Status::Stalled
    };
    Limit {
        x,
        mu,
        log_a: entropy.log_a().to_vec(),
        kkt_residual,
        feasibility,
        iterations,
        rank,
        status,
        infeasibility: None,
    }
}

/// The result for an inconsistent system.
fn infeasible(problem: &Problem, entropy: &HyperbolicEntropy, proof: Farkas) -> Limit {
    let (x, mu) = (vec![0.0; problem.features()], vec![0.0; problem.samples()]);
    let (kkt_residual, feasibility) = kkt_residual(problem, entropy, &x, &mu);
    Limit {
        x,
        mu,
        log_a: entropy.log_a().to_vec(),
        kkt_residual,
        feasibility,
        iterations: 0,
        rank: 0,
        status: proof.status(),
        infeasibility: Some(proof),
    }
}

#[cfg(test)]
mod tests;

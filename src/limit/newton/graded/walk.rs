//! From one potential to another: predicted moves of (log a, θ), each followed by Newton's method.
//!
//! A rung that Newton's method does not bring to its range is taken back and made shorter.

use crate::numerics::exact::double_double::Double2;
use crate::numerics::special::log_domain;

use super::Graded;
use super::step::{GOAL, NEWTON};
use crate::limit::newton::core::Inner;
use crate::numerics::dense::norms::norm_inf;

/// What Newton's method has to reach between two rungs, where it only has to stay in its range.
const BETWEEN: f64 = 3e-2;

/// Rungs of a ladder, those taken back included: some 40 are needed.
const RUNGS: usize = 1000;
/// A rung is at least this part of the way.
const LEAST_SHARE: f64 = 1e-12;
/// A last rung shorter than this that stalls does so by rounding.
const SHORT: f64 = 1.01;
/// Rungs that would have to be shorter than `1 + SHORTEST` lead nowhere.
const SHORTEST: f64 = 1e-7;

/// What is needed to go back.
struct Saved {
    log_a: Vec<Double2>,
    theta: Vec<f64>,
    mu: Vec<Double2>,
}

impl Graded<'_> {
    /// Moves to another `(log a, θ)`: the μ' for which x stays where it is to first order, centred
    /// at `ratio·μ`.
    fn predict(&mut self, log_a: &[Double2], theta: &[f64], ratio: f64) -> bool {
        if !self.refactor() {
            return false;
        }
        let shift: Vec<f64> = (0..self.s.len())
            .map(|i| {
                if self.root[i] == 0.0 {
                    return 0.0;
                }
                let along = ratio * (self.s[i].hi - self.theta[i]) + theta[i];
                self.root[i] * (log_domain::asinh_ratio(self.x[i].hi, log_a[i].hi) - along)
            })
            .collect();
        // What the last rung left goes along where it is small; else it is for Newton's method,
        // with steps of its own length.
        let Some((mut delta, ds)) = self.direction() else { return false };
        if norm_inf(&ds) > NEWTON {
            delta.fill(0.0);
        }
        let Some(basis) = &self.basis else { return false };
        let mut moved = basis.combine(&shift);
        basis.solve(&mut moved);
        delta.iter_mut().zip(&moved).for_each(|(d, v)| *d += 0.5 * v);
        let step = basis.to_rows(&delta);
        for (m, d) in self.mu.iter_mut().zip(&step) {
            *m = m.times_f64(ratio).plus(*d);
        }
        self.log_a.copy_from_slice(log_a);
        self.theta.copy_from_slice(theta);
        self.drift = f64::INFINITY;
        self.evaluate();
        self.is_finite()
    }

    fn save(&self) -> Saved {
        Saved { log_a: self.log_a.clone(), theta: self.theta.clone(), mu: self.mu.clone() }
    }

    fn restore(&mut self, saved: &Saved) {
        self.log_a.copy_from_slice(&saved.log_a);
        self.theta.copy_from_slice(&saved.theta);
        self.mu.copy_from_slice(&saved.mu);
        self.drift = f64::INFINITY;
        self.evaluate();
    }

    /// Newton's method where it stands, from a point believed to be near.
    pub(in crate::limit) fn settle(&mut self, max_steps: usize) -> Inner {
        let inner = self.newton(GOAL, max_steps);
        if self.is_finite() { inner } else { Inner::Stalled }
    }

    /// From where it stands, at `(log a', θ')`, to another `(log a, θ)` with steps of its own
    /// choice along the segment between the two.
    pub(in crate::limit) fn walk(
        &mut self,
        log_a: &[Double2],
        theta: &[f64],
        max_steps: usize,
    ) -> Inner {
        let (from_a, from_theta) = (self.log_a.clone(), self.theta.clone());
        let span = (0..log_a.len())
            .map(|i| (log_a[i].hi - from_a[i].hi).abs().max((theta[i] - from_theta[i]).abs()))
            .fold(0.0_f64, f64::max);
        // The end has all its digits; between, doubles are enough.
        let at = |t: f64| -> (Vec<Double2>, Vec<f64>) {
            if t >= 1.0 {
                return (log_a.to_vec(), theta.to_vec());
            }
            let mix = |from: f64, to: f64| from + t * (to - from);
            let entropies = from_a.iter().zip(log_a).map(|(f, v)| Double2::from(mix(f.hi, v.hi)));
            (entropies.collect(), from_theta.iter().zip(theta).map(|(f, v)| mix(*f, *v)).collect())
        };
        let limit = self.steps + max_steps;
        let (mut t, mut factor) = (0.0, 2.0_f64);
        let mut last = Inner::Converged;
        for _ in 0..RUNGS {
            if t >= 1.0 || self.steps >= limit {
                break;
            }
            // A rung multiplies the size of (log a, θ), or moves it by 2 where it is small.
            let here = size(&self.log_a, &self.theta);
            let step =
                ((factor - 1.0) * here.max(2.0) / span.max(f64::MIN_POSITIVE)).max(LEAST_SHARE);
            let next = if t + step >= 1.0 { 1.0 } else { t + step };
            let (saved, before) = (self.save(), self.steps);
            let (l, th) = at(next);
            let (old, new) = (here, size(&l, &th));
            // Where (log a, θ) only grows in size, s grows with it; else it is left where it is.
            let ratio = if old > 1.0 && proportional(&saved, &l, &th) { new / old } else { 1.0 };
            let moved = self.predict(&l, &th, ratio);
            let goal = if next < 1.0 { BETWEEN } else { GOAL };
            let budget = limit.saturating_sub(self.steps).min(40);
            last = if moved { self.newton(goal, budget) } else { Inner::Stalled };
            let used = self.steps - before;
            if last == Inner::Converged && self.is_finite() {
                t = next;
                factor = match used {
                    0..=4 => 1.0 + ((factor - 1.0) * 2.0).min(31.0),
                    5..=8 => factor,
                    _ => 1.0 + (factor - 1.0) * 0.5,
                };
            } else {
                if next >= 1.0 && last == Inner::Stalled && self.is_finite() && factor < SHORT {
                    return last;
                }
                self.restore(&saved);
                factor = 1.0 + (factor - 1.0) * 0.3;
                if factor - 1.0 < SHORTEST {
                    return last;
                }
            }
        }
        if t >= 1.0 { last } else { Inner::MaxIterations }
    }

    /// The whole ladder from `a = 1, θ = 0` in scaled units.
    pub(in crate::limit) fn climb(
        &mut self,
        log_a: &[Double2],
        theta: &[f64],
        max_steps: usize,
    ) -> Inner {
        let limit = self.steps + max_steps;
        self.mu.fill(Double2::ZERO);
        let size = size(log_a, theta);
        let t = if size <= 2.0 { 1.0 } else { 2.0 / size };
        self.log_a = log_a.iter().map(|v| v.times_f64(t)).collect();
        self.theta = theta.iter().map(|v| t * v).collect();
        self.drift = f64::INFINITY;
        self.evaluate();
        let first = self.newton(if t < 1.0 { BETWEEN } else { GOAL }, max_steps.min(200));
        if t >= 1.0 || first != Inner::Converged {
            return first;
        }
        self.walk(log_a, theta, limit.saturating_sub(self.steps))
    }
}

/// The largest entry of `(log a, θ)`.
fn size(log_a: &[Double2], theta: &[f64]) -> f64 {
    log_a.iter().map(|v| v.hi).chain(theta.iter().copied()).fold(0.0, |m, v| m.max(v.abs()))
}

/// Whether `(log a, θ)` points about where what was saved does (within 26°): s then grows in
/// proportion.
fn proportional(saved: &Saved, log_a: &[Double2], theta: &[f64]) -> bool {
    let (mut dot, mut old, mut new) = (0.0, 0.0, 0.0);
    let entropies = saved.log_a.iter().zip(log_a).map(|(a, b)| (a.hi, b.hi));
    let tilts = saved.theta.iter().copied().zip(theta.iter().copied());
    for (a, b) in entropies.chain(tilts) {
        dot += a * b;
        old += a * a;
        new += b * b;
    }
    dot > 0.9 * (old * new).sqrt()
}

//! Newton's method where it stands: steps, their lengths, and when to stop.
//!
//! ψ is concave along a step `μ + τP⁻ᵀδ`. Up to `‖Δs‖_∞ = 1.79` a full step ascends, as
//! `log(1+m)/m` of a longer one always does; between the two, and beyond 1, the sign of ψ' decides.

use crate::numerics::exact::double_double::Double2;
use crate::numerics::special::log_domain;

use super::Graded;
use crate::limit::newton::core::{Inner, SAFE_STEP, ascending};
use crate::numerics::dense::mul_t;
use crate::numerics::dense::norms::norm_inf;

/// Newton's method ends when a step changes relevant entries by less than this: where the floor of
/// the weights makes it converge linearly, the next steps would change them by about as much again.
pub(in crate::limit) const GOAL: f64 = 1e-11;
/// The same where rounding stops it.
const ENOUGH: f64 = 1e-9;
/// Steps `‖Δs‖_∞` up to this are in Newton's range: `e^m − 1 − m < 0.15`.
pub(in crate::limit) const NEWTON: f64 = 0.5;
/// Steps up to this are linear to 10⁻¹¹: `a sinh(s + Δs) = x + √(x²+a²)Δs + ½xΔs² + …`.
const LINEAR: f64 = 4e-6;
/// A measure below this squares, unless rounding stops it.
const SQUARING: f64 = 1e-3;
/// Steps without half the measure that show it.
const PATIENCE: usize = 6;

impl Graded<'_> {
    /// Newton steps until a step changes no relevant entry by more than `goal`, that step included.
    pub(in crate::limit) fn newton(&mut self, goal: f64, max_steps: usize) -> Inner {
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for _ in 0..max_steps {
            let Some((delta, ds)) = self.direction() else { return Inner::Stalled };
            let measure = self.measure(&ds);
            let tau = self.step_length(&delta, &ds);
            let before: Vec<f64> = self.x.iter().map(|x| x.hi).collect();
            self.advance(&delta, tau);
            self.drift += tau * norm_inf(&ds);
            self.steps += 1;
            // An entry that grows from nothing is not to be seen in a measure that is linear in Δs.
            let long = norm_inf(&ds) > NEWTON;
            let measure = if long { measure.max(self.moved(&before)) } else { measure };
            // Only a full step leaves next to nothing of the error.
            if measure <= goal && tau == 1.0 {
                if goal <= GOAL {
                    self.meet();
                }
                return Inner::Converged;
            }
            // In Newton's range the measure falls fast; rounding shows as its standing still.
            // Before, where entries grow from nothing or shrink to it, it says little.
            if long {
                (best, idle) = (f64::INFINITY, 0);
            } else if measure <= 0.5 * best {
                (best, idle) = (measure, 0);
            } else {
                idle += 1;
                if idle >= PATIENCE && (norm_inf(&ds) <= LINEAR || best <= SQUARING) {
                    return self.correct();
                }
            }
        }
        Inner::MaxIterations
    }

    /// Newton's method next to where it ends, H being so well-conditioned that a factor of it in
    /// doubles will do: `solve` is `v ← H⁻¹v`, of rows that are those of
    /// [`Equations`](super::Equations).
    pub(in crate::limit) fn settle_by(
        &mut self,
        max_steps: usize,
        solve: impl Fn(&mut [f64]),
    ) -> Inner {
        let mut before = f64::INFINITY;
        let mut ds = vec![0.0; self.s.len()];
        for _ in 0..max_steps {
            let mut delta: Vec<f64> = self.res.iter().map(|r| 0.5 * r.0).collect();
            solve(&mut delta);
            mul_t(&self.equations.high, &delta, &mut ds);
            ds.iter_mut().zip(&self.system.kappa).for_each(|(d, k)| *d *= 2.0 * k);
            self.lack = 0.0;
            let measure = self.measure(&ds);
            if norm_inf(&ds) > NEWTON || measure > 0.1 * before {
                return Inner::Stalled;
            }
            self.mu.iter_mut().zip(&delta).for_each(|(m, d)| *m = m.plus_f64(*d));
            self.drift += norm_inf(&ds);
            self.evaluate();
            self.steps += 1;
            if measure <= GOAL {
                let met = self.is_finite() && self.backward() <= 16.0 * f64::EPSILON;
                return if met { Inner::Converged } else { Inner::Stalled };
            }
            before = measure;
        }
        Inner::MaxIterations
    }

    /// Corrects x, converged as it is, where that meets a row of `Bx = b` better.
    fn meet(&mut self) {
        let before = self.backward();
        if before <= 16.0 * f64::EPSILON {
            return;
        }
        let kept =
            (self.mu.clone(), self.s.clone(), self.x.clone(), self.root.clone(), self.res.clone());
        self.correct();
        if self.backward() >= before {
            (self.mu, self.s, self.x, self.root, self.res) = kept;
            self.drift = f64::INFINITY;
        }
    }

    /// The largest residual of a row of `Bx = b`, relative to its terms.
    fn backward(&self) -> f64 {
        let n = self.x.len();
        let rows = self.equations.high.chunks_exact(n).zip(&self.equations.rhs).zip(&self.res);
        rows.map(|((row, b), res)| {
            let size: f64 = row.iter().zip(&self.x).map(|(z, x)| (z * x.hi).abs()).sum();
            if res.0 == 0.0 { 0.0 } else { res.0.abs() / (size + b.hi.abs()) }
        })
        .fold(0.0, f64::max)
    }

    /// The last step with x linearised: where sizes differ so much (`x ≪ a` in units 10¹⁶ apart)
    /// that s = 2Zᵀμ cancels to nothing even with twice the precision, x still has all its digits.
    fn correct(&mut self) -> Inner {
        for _ in 0..3 {
            let Some((delta, ds)) = self.direction() else { return Inner::Stalled };
            if norm_inf(&ds) > LINEAR {
                return Inner::Stalled;
            }
            let measure = self.measure(&ds);
            let entries = self.x.iter().zip(&self.root).zip(&ds);
            let x: Vec<Double2> = entries.map(|((x, root), ds)| x.plus_f64(root * ds)).collect();
            self.advance(&delta, 1.0);
            self.drift += norm_inf(&ds);
            self.x = x;
            self.residual();
            self.steps += 1;
            if measure <= ENOUGH {
                return Inner::Converged;
            }
        }
        Inner::Stalled
    }

    /// `μ ← μ + τP⁻ᵀδ`, evaluated.
    fn advance(&mut self, delta: &[f64], tau: f64) {
        let Some(basis) = &self.basis else { return };
        let step = basis.to_rows(delta);
        for (m, d) in self.mu.iter_mut().zip(&step) {
            *m = m.plus(d.times_f64(tau));
        }
        self.evaluate();
    }

    /// ψ'(τ) along the step. With `x(τ) − x = 2a cosh(s + ½τΔs) sinh(½τΔs)` every term of the sum
    /// that is taken from ψ'(0) is positive: nothing cancels.
    fn slope(&self, start: f64, ds: &[f64], tau: f64) -> f64 {
        let mut fall = 0.0;
        for i in 0..ds.len() {
            if ds[i] == 0.0 {
                continue;
            }
            let half = 0.5 * tau * ds[i];
            let middle = self.s[i].hi + half;
            // a cosh(middle)·2 sinh(half), in the log domain where sinh alone overflows.
            let change = if half.abs() < 300.0 {
                2.0 * log_domain::a_cosh(middle, self.log_a[i].hi) * half.sinh()
            } else {
                log_domain::a_sinh(self.s[i].hi + tau * ds[i], self.log_a[i].hi)
                    - log_domain::a_sinh(self.s[i].hi, self.log_a[i].hi)
            };
            fall += 0.5 * change * ds[i] / self.system.kappa[i];
        }
        if fall.is_nan() { f64::NEG_INFINITY } else { start - fall }
    }

    /// A step τ that ascends: full up to `‖Δs‖_∞ = 1.79`, `log(1+m)/m` always, and in between by
    /// the sign of ψ'.
    ///
    /// Where an entry is e^k too large, Newton's steps lower its s by 1 each, k times, and ψ' is
    /// hardly smaller at τ = 1 than at 0: the step is then lengthened to where ψ' changes its sign
    /// (ψ is concave).
    fn step_length(&self, delta: &[f64], ds: &[f64]) -> f64 {
        let m = ds.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if m <= NEWTON {
            return 1.0;
        }
        // ψ'(0) = resᵀP⁻ᵀδ = (P⁻¹res)ᵀδ.
        let Some(basis) = &self.basis else { return 1.0 };
        let rho = basis.coordinates(&self.res);
        let start: f64 = rho.iter().zip(delta).map(|(a, b)| a * b).sum();
        let full = self.slope(start, ds, 1.0);
        if full >= 0.25 * start && full > 0.0 {
            let (mut low, mut high) = (1.0, 2.0);
            // |s| never exceeds some 10⁶.
            while high < 1e7 && self.slope(start, ds, high) > 0.0 {
                (low, high) = (high, 2.0 * high);
            }
            while high - low > 0.01 * low && (high - low) * m > 0.1 {
                let middle = 0.5 * (low + high);
                if self.slope(start, ds, middle) > 0.0 {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            return low;
        }
        if m <= SAFE_STEP || full >= -0.1 * start {
            return 1.0;
        }
        ascending(m, start, |tau| self.slope(start, ds, tau))
    }
}

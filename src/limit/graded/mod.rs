//! `argmin R_a(x) s.t. Zx = y` where doubles are not enough: Newton's method on the dual with twice the
//! working precision, and linear systems that are right at every size of x.
//!
//! **Why.** As a → 0 the minimiser approaches a vertex of `min ‖x‖₁ s.t. Zx = y`. With ordinary data (y with
//! noise of 10⁻⁶, Z and y rounded to float32) that vertex has d entries, most of them 10⁻⁷ to 10⁻¹⁷ of the
//! largest, and each of them must be right: `x_i = ±½e^{|s_i| + log a_i}`, `s = 2Zᵀμ + θ`, so that s_i is needed to
//! an absolute 10⁻¹¹ where |s_i| ~ |log a| ≤ 10⁶, and `y − Zx` to 10⁻¹¹ of the smallest entry that counts. A sum of
//! doubles has neither. Here μ, s, x and `y − Zx` carry twice the precision (an error of 10⁻²⁶ of the largest entry at
//! log a = −10⁶, of 10⁻³⁰ at −100), and Newton's systems are solved in the coordinates of a basis of the
//! columns of largest weight (`basis.rs`), which is where the sizes part.
//!
//! **Accuracy.** A Newton step changes x_i by `√(x_i²+a_i²)Δs_i`, and the next one tells the error of the last:
//! [`Graded::accuracy`] is `max_i √(x_i²+a_i²)|Δs_i| / max(|x_i|, 10⁻¹⁵ max_k |x_k|)`, the largest relative change
//! that a further step would make to entries above 10⁻¹⁵ of the largest, and less of it below. Steps are
//! taken until it is below 10⁻⁹; the step that showed this is taken too, which squares it.
//!
//! The ladder, the predictor and the choice of the step are those of `newton_core.rs`.

mod basis;

use crate::numerics::double_double::{Double2, a_sinh_cosh};
use crate::numerics::log_domain;

use self::basis::Basis;
use super::compensated::{dot_from, transposed_product_pair};
use super::newton_core::Inner;
use super::newton_linalg::{mul_t, norm_inf};
use super::newton_sums::dot2;
use super::newton_system::{Equations, System};

/// Entries above this, relative to the largest, are to be right to all digits asked for.
const RELEVANT: f64 = 1e-15;
/// Newton's method ends when a step changes relevant entries by less than this.
const GOAL: f64 = 1e-9;
/// The same between two rungs, where it only has to stay in Newton's range.
const BETWEEN: f64 = 3e-2;
/// Full Newton steps ascend up to this `‖Δs‖_∞`: the root of `e^m − m − 1 = m²`.
const SAFE_STEP: f64 = 1.79;
/// Weights `√(x²+a²)` are raised to this, relative to the largest entry of x: a ridge in the coordinates of the
/// basis. The residual is known to some 10⁻³⁰ of the largest entry, and directions in which H is smaller stay where
/// they are.
const FLOOR: f64 = 1e-26;
/// The same for each unit of `max |s|`, a thousand times the rounding of x: `2⁻¹⁰⁴|s|`. What rounding leaves of the
/// residual must not look like a step.
const NOISE: f64 = 5e-29;
/// Steps `‖Δs‖_∞` up to this are in Newton's range: `e^m − 1 − m < 0.15`.
const NEWTON: f64 = 0.5;
/// Steps up to this are linear to 10⁻¹¹: `a sinh(s + Δs) = x + √(x²+a²)Δs + ½xΔs² + …`.
const LINEAR: f64 = 4e-6;
/// Entries smaller than this, relative to the largest, need no more than a double.
const SINGLE: f64 = 1e-24;

/// The point being moved, at one `(log a, θ)`, in the scaled units of a [`System`].
pub(super) struct Graded<'a> {
    system: &'a System,
    equations: Equations,
    pub(super) log_a: Vec<f64>,
    pub(super) theta: Vec<f64>,
    mu: Vec<Double2>,
    pub(super) s: Vec<Double2>,
    pub(super) x: Vec<Double2>,
    /// `√(x²+a²) = a cosh s`.
    root: Vec<f64>,
    /// `b − Bx`.
    res: Vec<(f64, f64)>,
    basis: Option<Basis>,
    /// Whether the basis has the weights of the present point.
    fresh: bool,
    /// Newton steps so far.
    pub(super) steps: usize,
    /// The measure of the head of the file at the last step taken.
    pub(super) accuracy: f64,
}

/// What is needed to go back.
struct Saved {
    log_a: Vec<f64>,
    theta: Vec<f64>,
    mu: Vec<Double2>,
}

impl<'a> Graded<'a> {
    /// At μ = 0 and a = 1, θ = 0.
    pub(super) fn new(system: &'a System) -> Self {
        let n = system.n;
        let equations = system.equations();
        let r = equations.rhs.len();
        Self {
            system,
            equations,
            log_a: vec![0.0; n],
            theta: vec![0.0; n],
            mu: vec![Double2::ZERO; r],
            s: vec![Double2::ZERO; n],
            x: vec![Double2::ZERO; n],
            root: vec![1.0; n],
            res: vec![(0.0, 0.0); r],
            basis: None,
            fresh: false,
            steps: 0,
            accuracy: f64::INFINITY,
        }
    }

    /// To another point: μ by the rows of the equations (length r).
    pub(super) fn place(&mut self, mu: &[f64], log_a: &[f64], theta: &[f64]) {
        for (m, v) in self.mu.iter_mut().zip(mu) {
            *m = Double2 { hi: *v, lo: 0.0 };
        }
        self.log_a.copy_from_slice(log_a);
        self.theta.copy_from_slice(theta);
        self.evaluate();
    }

    /// μ by the rows of Z'' (length d), 0 for the rows that depend on others.
    pub(super) fn mu(&self) -> Vec<f64> {
        self.system.from_equations(&self.mu)
    }

    /// Whether all numbers at hand are numbers.
    pub(super) fn is_finite(&self) -> bool {
        self.x.iter().all(|x| x.hi.is_finite()) && self.mu.iter().all(|m| m.hi.is_finite())
    }

    /// s, x, √(x²+a²) and the residual at μ.
    fn evaluate(&mut self) {
        let n = self.s.len();
        let high: Vec<f64> = self.mu.iter().map(|m| m.hi).collect();
        let low: Vec<f64> = self.mu.iter().map(|m| m.lo).collect();
        let product = transposed_product_pair(&self.equations.high, n, &high, &low);
        // Remainders of B meet no more than the leading half of μ: their product has the last digits.
        let mut rest = vec![0.0; n];
        if !self.equations.low.is_empty() {
            mul_t(&self.equations.low, &high, &mut rest);
        }
        for i in 0..n {
            // κ is a power of two: the product is exact.
            let k = 2.0 * self.system.kappa[i];
            let low = k * (product[i].lo + rest[i]);
            self.s[i] = Double2::sum(k * product[i].hi, low).plus_f64(self.theta[i]);
        }
        let mut largest = 0.0_f64;
        for i in 0..n {
            self.x[i] = Double2 { hi: log_domain::a_sinh(self.s[i].hi, self.log_a[i]), lo: 0.0 };
            self.root[i] = log_domain::a_cosh(self.s[i].hi, self.log_a[i]);
            largest = largest.max(self.root[i]);
        }
        if largest.is_finite() {
            for i in 0..n {
                if self.root[i] > SINGLE * largest {
                    (self.x[i], self.root[i]) = a_sinh_cosh(self.s[i], self.log_a[i]);
                }
            }
        }
        self.residual();
        self.fresh = false;
    }

    /// `b − Bx` for the x at hand.
    fn residual(&mut self) {
        let n = self.x.len();
        let minus: Vec<f64> = self.x.iter().map(|x| -x.hi).collect();
        let minus_low: Vec<f64> = self.x.iter().map(|x| -x.lo).collect();
        for (j, res) in self.res.iter_mut().enumerate() {
            let line = j * n..(j + 1) * n;
            let row = &self.equations.high[line.clone()];
            let sum = dot_from(self.equations.rhs[j].hi, row, &minus);
            let mut rest = dot2(sum.lo + self.equations.rhs[j].lo, row, &minus_low);
            if let Some(low) = self.equations.low.get(line) {
                rest = dot2(rest, low, &minus);
            }
            let total = Double2::sum(sum.hi, rest);
            *res = (total.hi, total.lo);
        }
    }

    /// What weights are raised to.
    fn floor(&self) -> f64 {
        let largest = |v: &[Double2]| v.iter().fold(0.0_f64, |m, v| m.max(v.hi.abs()));
        (FLOOR.max(NOISE * largest(&self.s)) * largest(&self.x)).max(f64::MIN_POSITIVE)
    }

    /// The basis with the weights of the present point.
    fn refactor(&mut self) -> bool {
        if self.fresh {
            return true;
        }
        let floor = self.floor();
        let weights: Vec<f64> =
            self.root.iter().zip(&self.system.kappa).map(|(r, k)| r.max(floor) * k).collect();
        if weights.iter().any(|w| !w.is_finite()) {
            return false;
        }
        self.fresh = match &mut self.basis {
            Some(basis) => basis.weigh(&self.equations, &weights),
            None => {
                self.basis = Basis::new(&self.equations, &weights);
                self.basis.is_some()
            }
        };
        if !self.fresh {
            self.basis = None;
        }
        self.fresh
    }

    /// The Newton step: δ in the coordinates of the basis, and Δs.
    fn direction(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        if !self.refactor() {
            return None;
        }
        let mut delta = self.basis.as_ref()?.coordinates(&self.equations, &self.res);
        if !self.grow(&delta) {
            return None;
        }
        let basis = self.basis.as_ref()?;
        basis.solve(&mut delta);
        delta.iter_mut().for_each(|v| *v *= 0.5);
        let mut ds = vec![0.0; self.s.len()];
        basis.slopes(&delta, &mut ds);
        for (d, k) in ds.iter_mut().zip(&self.system.kappa) {
            *d *= 2.0 * k;
        }
        ds.iter().all(|v| v.is_finite()).then_some((delta, ds))
    }

    /// Factors `E + T_N D_N T_Nᵀ`, E enlarged where ρ_j is more than the entry of the basis that would have to take it:
    /// an entry grows from x to x + ρ by `Δs = log(1 + ρ/x)`, which is not what linearising says. With
    /// `q = |ρ_j|/√(x²+a²)` and `E_j·q/log(1+q)` it is, and for q → 0 nothing changes.
    fn grow(&mut self, rho: &[f64]) -> bool {
        let floor = self.floor();
        let Some(basis) = &mut self.basis else { return false };
        let growth: Vec<f64> = (rho.iter().zip(&basis.columns))
            .map(|(rho, &c)| {
                let q = rho.abs() / self.root[c].max(floor);
                if q > 1e-8 { q / q.ln_1p() } else { 1.0 }
            })
            .collect();
        basis.form(&growth)
    }

    /// The largest relative change of an entry that counts: see the head of the file.
    fn measure(&self, ds: &[f64]) -> f64 {
        // The largest entry in the units of Zx and in those of x itself: an entry counts if it does in one of them.
        let kappa = &self.system.kappa;
        let size = |i: usize| self.x[i].hi.abs();
        let largest = (0..ds.len()).fold(0.0_f64, |m, i| m.max(size(i)));
        let most_of_x = (0..ds.len()).fold(0.0_f64, |m, i| m.max(size(i) / kappa[i]));
        let mut most = 0.0_f64;
        for i in 0..ds.len() {
            let change = self.root[i] * ds[i].abs();
            if change > 0.0 {
                let least = RELEVANT * largest.min(kappa[i] * most_of_x);
                most = most.max(change / size(i).max(least));
            }
        }
        most
    }

    /// Newton steps until a step changes no relevant entry by more than `goal`, that step included.
    fn newton(&mut self, goal: f64, max_steps: usize) -> Inner {
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for _ in 0..max_steps {
            let Some((delta, ds)) = self.direction() else { return Inner::Stalled };
            let measure = self.measure(&ds);
            let tau = self.step_length(&delta, &ds);
            self.advance(&delta, tau);
            self.steps += 1;
            self.accuracy = measure;
            // Only a full step squares the error.
            if measure <= goal && tau == 1.0 {
                return Inner::Converged;
            }
            // In Newton's range the measure squares; rounding shows as its standing still. Before, where entries grow
            // from nothing or shrink to it, it says little.
            if norm_inf(&ds) > NEWTON {
                (best, idle) = (f64::INFINITY, 0);
            } else if measure <= 0.5 * best {
                (best, idle) = (measure, 0);
            } else {
                idle += 1;
                if idle >= 6 && norm_inf(&ds) <= LINEAR {
                    return self.correct();
                }
                if idle >= 6 && best <= 1e-3 {
                    return Inner::Stalled;
                }
            }
        }
        Inner::MaxIterations
    }

    /// The last step taken in x alone, linearised: where sizes differ so much (`x ≪ a` in units 10¹⁶ apart)
    /// that s = 2Zᵀμ cancels to nothing even with twice the precision, x still has all its digits.
    fn correct(&mut self) -> Inner {
        for _ in 0..3 {
            let Some((_, ds)) = self.direction() else { return Inner::Stalled };
            let measure = self.measure(&ds);
            for i in 0..ds.len() {
                self.x[i] = self.x[i].plus_f64(self.root[i] * ds[i]);
            }
            self.residual();
            self.accuracy = measure;
            if measure <= GOAL {
                return Inner::Converged;
            }
        }
        Inner::Stalled
    }

    /// `μ ← μ + τP⁻ᵀδ`, evaluated.
    fn advance(&mut self, delta: &[f64], tau: f64) {
        let Some(basis) = &self.basis else { return };
        let step = basis.to_rows(&self.equations, delta);
        for (m, d) in self.mu.iter_mut().zip(&step) {
            *m = m.plus(d.times_f64(tau));
        }
        self.evaluate();
    }

    /// ψ'(τ) along the step. With `x(τ) − x = 2a cosh(s + ½τΔs) sinh(½τΔs)` every term of the sum that is taken
    /// from ψ'(0) is positive: nothing cancels.
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
                2.0 * log_domain::a_cosh(middle, self.log_a[i]) * half.sinh()
            } else {
                log_domain::a_sinh(self.s[i].hi + tau * ds[i], self.log_a[i])
                    - log_domain::a_sinh(self.s[i].hi, self.log_a[i])
            };
            fall += 0.5 * change * ds[i] / self.system.kappa[i];
        }
        if fall.is_nan() { f64::NEG_INFINITY } else { start - fall }
    }

    /// A step τ that ascends: full up to `‖Δs‖_∞ = 1.79`, `log(1+m)/m` always, and in between by the sign of ψ'.
    ///
    /// Where an entry is e^k too large, Newton's steps lower its s by 1 each, k times, and ψ' is hardly smaller at
    /// τ = 1 than at 0: the step is then lengthened to where ψ' changes its sign (ψ is concave).
    fn step_length(&self, delta: &[f64], ds: &[f64]) -> f64 {
        let m = ds.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if m <= NEWTON {
            return 1.0;
        }
        // ψ'(0) = resᵀP⁻ᵀδ = (P⁻¹res)ᵀδ.
        let Some(basis) = &self.basis else { return 1.0 };
        let rho = basis.coordinates(&self.equations, &self.res);
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
        let (mut low, mut high) = (m.ln_1p() / m, 1.0);
        // Each round halves the ratio's logarithm: 14 rounds reach a thousandth of any bracket.
        for _ in 0..14 {
            let middle = (low * high).sqrt();
            let slope = self.slope(start, ds, middle);
            if slope >= 0.0 {
                low = middle;
                if slope <= 0.2 * start {
                    break;
                }
            } else {
                high = middle;
            }
            if high <= 1.05 * low {
                break;
            }
        }
        low
    }

    /// Moves to another `(log a, θ)`: the μ' for which x stays where it is to first order, centred at `ratio·μ`.
    fn predict(&mut self, log_a: &[f64], theta: &[f64], ratio: f64) -> bool {
        if !self.refactor() {
            return false;
        }
        let shift: Vec<f64> = (0..self.s.len())
            .map(|i| {
                if self.root[i] == 0.0 {
                    return 0.0;
                }
                let along = ratio * (self.s[i].hi - self.theta[i]) + theta[i];
                self.root[i] * (log_domain::asinh_ratio(self.x[i].hi, log_a[i]) - along)
            })
            .collect();
        let Some(basis) = &self.basis else { return false };
        let mut delta = basis.coordinates(&self.equations, &self.res);
        if !self.grow(&delta) {
            return false;
        }
        let Some(basis) = &self.basis else { return false };
        for (d, v) in delta.iter_mut().zip(basis.combine(&shift)) {
            *d = 0.5 * (*d + v);
        }
        basis.solve(&mut delta);
        let step = basis.to_rows(&self.equations, &delta);
        for (m, d) in self.mu.iter_mut().zip(&step) {
            *m = m.times_f64(ratio).plus(*d);
        }
        self.log_a.copy_from_slice(log_a);
        self.theta.copy_from_slice(theta);
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
        self.evaluate();
    }

    /// Newton's method where it stands, from a point believed to be near.
    pub(super) fn settle(&mut self, max_steps: usize) -> Inner {
        let inner = self.newton(GOAL, max_steps);
        if self.is_finite() { inner } else { Inner::Stalled }
    }

    /// From where it stands, at `(log a', θ')`, to another `(log a, θ)` with steps of its own choice along the
    /// segment between the two.
    pub(super) fn walk(&mut self, log_a: &[f64], theta: &[f64], max_steps: usize) -> Inner {
        let (from_a, from_theta) = (self.log_a.clone(), self.theta.clone());
        let span = (0..log_a.len())
            .map(|i| (log_a[i] - from_a[i]).abs().max((theta[i] - from_theta[i]).abs()))
            .fold(0.0_f64, f64::max);
        let size = |v: &[f64]| v.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let at = |t: f64| -> (Vec<f64>, Vec<f64>) {
            let mix = |from: &[f64], to: &[f64]| {
                from.iter()
                    .zip(to)
                    .map(|(f, v)| if t >= 1.0 { *v } else { f + t * (v - f) })
                    .collect()
            };
            (mix(&from_a, log_a), mix(&from_theta, theta))
        };
        let limit = self.steps + max_steps;
        let (mut t, mut factor) = (0.0, 2.0_f64);
        let mut last = Inner::Converged;
        for _ in 0..1000 {
            if t >= 1.0 || self.steps >= limit {
                break;
            }
            // A rung multiplies the size of (log a, θ), or moves it by 2 where it is small.
            let here = size(&self.log_a).max(size(&self.theta));
            let step = ((factor - 1.0) * here.max(2.0) / span.max(1e-300)).max(1e-12);
            let next = if t + step >= 1.0 { 1.0 } else { t + step };
            let (saved, before) = (self.save(), self.steps);
            let (l, th) = at(next);
            let (old, new) = (here, size(&l).max(size(&th)));
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
                if next >= 1.0 && last == Inner::Stalled && self.is_finite() && factor < 1.01 {
                    return last;
                }
                self.restore(&saved);
                factor = 1.0 + (factor - 1.0) * 0.3;
                if factor - 1.0 < 1e-7 {
                    return last;
                }
            }
        }
        if t >= 1.0 { last } else { Inner::MaxIterations }
    }

    /// The whole ladder from `a = 1, θ = 0` in scaled units.
    pub(super) fn climb(&mut self, log_a: &[f64], theta: &[f64], max_steps: usize) -> Inner {
        self.mu.fill(Double2::ZERO);
        let size = (log_a.iter().chain(theta)).fold(0.0_f64, |m, v| m.max(v.abs()));
        let t = if size <= 2.0 { 1.0 } else { 2.0 / size };
        self.log_a = log_a.iter().map(|v| t * v).collect();
        self.theta = theta.iter().map(|v| t * v).collect();
        self.evaluate();
        let first = self.newton(if t < 1.0 { BETWEEN } else { GOAL }, max_steps.min(200));
        if t >= 1.0 || first != Inner::Converged {
            return first;
        }
        self.walk(log_a, theta, max_steps)
    }
}

/// Whether `(log a, θ)` is a multiple of what was saved, to rounding.
fn proportional(saved: &Saved, log_a: &[f64], theta: &[f64]) -> bool {
    let (mut dot, mut old, mut new) = (0.0, 0.0, 0.0);
    for (a, b) in saved.log_a.iter().chain(&saved.theta).zip(log_a.iter().chain(theta)) {
        dot += a * b;
        old += a * a;
        new += b * b;
    }
    dot > 0.9 * (old * new).sqrt()
}

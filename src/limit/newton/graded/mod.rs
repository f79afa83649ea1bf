//! `argmin R_a(x) s.t. Zx = y` where doubles are not enough: Newton's method on the dual with twice
//! the working precision, and linear systems that are right at every size of x.
//!
//! **Why.** As a → 0 the minimiser approaches a vertex of `min ‖x‖₁ s.t. Zx = y`. With ordinary
//! data (y with noise of 10⁻⁶, Z and y rounded to float32) that vertex has d entries, most of them
//! 10⁻⁷ to 10⁻¹⁷ of the largest, and each of them must be right: `x_i = ±½e^{|s_i| + log a_i}`,
//! `s = 2Zᵀμ + θ`, so that s_i is needed to an absolute 10⁻¹¹ where |s_i| ~ |log a| ≤ 10⁶, and
//! `y − Zx` to 10⁻¹¹ of the smallest entry that counts. A sum of doubles has neither. Where the
//! column of an entry is all but orthogonal to μ, `x_i ≈ a_i s_i` with an s_i far below its terms,
//! each of which log a moves: log a in scaled units needs the digits too. Here log a, μ, s, x and
//! `y − Zx` carry twice the precision (an error of 10⁻²⁶ of the largest entry at log a = −10⁶, of
//! 10⁻³⁰ at −100), and Newton's systems are solved in the coordinates of a basis of the columns of
//! largest weight (`basis.rs`), which is where the sizes part.
//!
//! **Accuracy.** A Newton step changes x_i by `√(x_i²+a_i²)Δs_i`, and the next one tells the error
//! of the last: [`Graded::measure`] is `max_i √(x_i²+a_i²)|Δs_i| / max(|x_i|, 10⁻¹⁵ max_k |x_k|)`,
//! the largest relative change that a further step would make to entries above 10⁻¹⁵ of the
//! largest, and less of it below. Steps are taken until it is below 10⁻¹¹; the step that showed
//! this is taken too, which leaves 10⁻⁴ of it or less.
//!
//! The ladder, the predictor and the choice of the step are those of `newton/core.rs`.

mod basis;
mod heaviest;
mod step;
mod walk;

use crate::numerics::exact::double_double::{Double2, a_sinh_cosh};
use crate::numerics::special::log_domain;

use super::equations::Equations;
use super::system::System;
use crate::numerics::dense::{dot, mul_t};
use crate::numerics::exact::bounded_sums::{dot_from, transposed_product_pair};
use basis::Basis;

/// Entries above this, relative to the largest, are to be right to all digits asked for.
const RELEVANT: f64 = 1e-15;
/// Weights `√(x²+a²)` are raised to this, relative to the largest entry of x: a ridge in the
/// coordinates of the basis. The residual is known to some 10⁻³⁰ of the largest entry, and
/// directions in which H is smaller stay where they are.
const FLOOR: f64 = 1e-26;
/// The same for each unit of `max |s|`, a thousand times the rounding of x: `2⁻¹⁰⁴|s|`. What
/// rounding leaves of the residual must not look like a step.
const NOISE: f64 = 5e-29;
/// Weights that differ by less than this part of themselves are taken for the same: Newton's steps
/// then leave this part of the error, which is 10⁻⁸ where s still moves by as much.
const SAME: f64 = 1e-4;
/// What an entry lacks counts down to this part of the largest: ten digits of an entry of 10⁻¹².
/// Rounding leaves of the residual 10⁻³⁰ times the condition of a basis.
const LACKING: f64 = 1e-22;
/// Entries smaller than this, relative to the largest, need no more than a double.
const SINGLE: f64 = 1e-24;

/// The point being moved, at one `(log a, θ)`, in the scaled units of a [`System`].
pub(in crate::limit) struct Graded<'a> {
    system: &'a System,
    equations: Equations,
    pub(in crate::limit) log_a: Vec<Double2>,
    pub(in crate::limit) theta: Vec<f64>,
    mu: Vec<Double2>,
    pub(in crate::limit) s: Vec<Double2>,
    pub(in crate::limit) x: Vec<Double2>,
    /// `√(x²+a²) = a cosh s`.
    root: Vec<f64>,
    /// `b − Bx`.
    res: Vec<(f64, f64)>,
    /// The largest part of itself, as in [`Graded::measure`], that an entry lacks which has to grow
    /// from nothing.
    lack: f64,
    basis: Option<Basis>,
    /// How far s has moved since the basis was given its weights; ∞: they are of another (log a,
    /// θ), or there is none.
    drift: f64,
    /// Newton steps so far.
    pub(in crate::limit) steps: usize,
}
impl<'a> Graded<'a> {
    /// At μ = 0 and a = 1, θ = 0.
    pub(in crate::limit) fn new(system: &'a System) -> Self {
        let n = system.n;
        let equations = system.equations();
        let r = equations.rhs.len();
        Self {
            system,
            equations,
            log_a: vec![Double2::ZERO; n],
            theta: vec![0.0; n],
            mu: vec![Double2::ZERO; r],
            s: vec![Double2::ZERO; n],
            x: vec![Double2::ZERO; n],
            root: vec![1.0; n],
            res: vec![(0.0, 0.0); r],
            lack: 0.0,
            basis: None,
            drift: f64::INFINITY,
            steps: 0,
        }
    }

    /// To another point: μ by the rows of the equations (length r).
    pub(in crate::limit) fn place(&mut self, mu: &[f64], log_a: &[Double2], theta: &[f64]) {
        for (m, v) in self.mu.iter_mut().zip(mu) {
            *m = Double2 { hi: *v, lo: 0.0 };
        }
        self.log_a.copy_from_slice(log_a);
        self.theta.copy_from_slice(theta);
        self.drift = f64::INFINITY;
        self.evaluate();
    }

    /// μ by the rows of Z'' (length d), 0 for the rows that depend on others.
    pub(in crate::limit) fn mu(&self) -> Vec<f64> {
        self.system.rows_of_equations(&self.mu)
    }

    /// Whether all numbers at hand are numbers.
    pub(in crate::limit) fn is_finite(&self) -> bool {
        self.x.iter().all(|x| x.hi.is_finite()) && self.mu.iter().all(|m| m.hi.is_finite())
    }

    /// s, x, √(x²+a²) and the residual at μ.
    fn evaluate(&mut self) {
        let n = self.s.len();
        let high: Vec<f64> = self.mu.iter().map(|m| m.hi).collect();
        let low: Vec<f64> = self.mu.iter().map(|m| m.lo).collect();
        let product = transposed_product_pair(&self.equations.high, n, &high, &low);
        // Remainders of B meet no more than the leading half of μ: their product has the last
        // digits.
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
            self.x[i] = Double2 { hi: log_domain::a_sinh(self.s[i].hi, self.log_a[i].hi), lo: 0.0 };
            self.root[i] = log_domain::a_cosh(self.s[i].hi, self.log_a[i].hi);
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
            // The tails are 10⁻¹⁶ of x: their rounding is 10⁻³² of it.
            let mut rest = sum.lo + (self.equations.rhs[j].lo + dot(row, &minus_low));
            if let Some(low) = self.equations.low.get(line) {
                rest += dot(low, &minus);
            }
            let total = Double2::sum(sum.hi, rest);
            *res = (total.hi, total.lo);
        }
    }

    /// What weights are raised to.
    fn floor(&self) -> f64 {
        let largest = |v: &[Double2]| v.iter().fold(0.0_f64, |m, v| m.max(v.hi.abs()));
        let part = FLOOR.max(NOISE * largest(&self.s)).max(self.equations.error);
        (part * largest(&self.x)).max(f64::MIN_POSITIVE)
    }

    /// The basis with the weights of the present point, or of one so near that they are the same to
    /// [`SAME`].
    fn refactor(&mut self) -> bool {
        if self.drift <= SAME {
            return true;
        }
        let floor = self.floor();
        let weights: Vec<f64> =
            self.root.iter().zip(&self.system.kappa).map(|(r, k)| r.max(floor) * k).collect();
        if weights.iter().any(|w| !w.is_finite()) {
            return false;
        }
        let weighed = match &mut self.basis {
            Some(basis) => basis.weigh(&self.equations, &weights),
            None => {
                self.basis = Basis::new(&self.equations, &weights);
                self.basis.is_some()
            }
        };
        if weighed {
            self.drift = 0.0;
        } else {
            self.basis = None;
            self.drift = f64::INFINITY;
        }
        weighed
    }

    /// The Newton step: δ in the coordinates of the basis, and Δs.
    fn direction(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        if !self.refactor() {
            return None;
        }
        let mut delta = self.basis.as_ref()?.coordinates(&self.res);
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

    /// Factors `E + T_N D_N T_Nᵀ`, E enlarged where ρ_j is more than the entry of the basis that
    /// would have to take it: an entry grows from x to x + ρ by `Δs = log(1 + ρ/x)`, which is not
    /// what linearising says. With `q = |ρ_j|/√(x²+a²)` and `E_j·q/log(1+q)` it is, and for q → 0
    /// nothing changes. Below the floor of the weights `Δs = asinh((x+ρ)/a) − s`.
    ///
    /// What such entries lack is remembered for [`Graded::measure`]: it is not to be seen in Δs.
    fn grow(&mut self, rho: &[f64]) -> bool {
        let floor = self.floor();
        let Some(basis) = &self.basis else { return false };
        let kappa = &self.system.kappa;
        let mut lack = vec![0.0; self.x.len()];
        let sizes = || self.x.iter().map(|x| x.hi.abs());
        let largest = sizes().fold(0.0, f64::max);
        let most_of_x = sizes().zip(kappa).fold(0.0_f64, |m, (x, k)| m.max(x / k));
        let growth: Vec<f64> = (rho.iter().zip(&basis.columns))
            .map(|(rho, &c)| {
                let q = rho.abs() / self.root[c].max(floor);
                if q <= SAME {
                    return 1.0;
                }
                // Less is what rounding leaves of the residual, or counts for nothing.
                let counts = rho.abs() > LACKING * largest.min(kappa[c] * most_of_x);
                if q > 1.0 && counts {
                    lack[c] = rho.abs();
                }
                let far = if self.root[c] < floor && counts {
                    let there = log_domain::asinh_ratio(self.x[c].hi + rho, self.log_a[c].hi);
                    (there - self.s[c].hi).abs()
                } else {
                    0.0
                };
                q / far.max(q.ln_1p())
            })
            .map(|growth| growth.max(1.0))
            .collect();
        self.lack = self.largest_change(|i| (self.x[i].hi.abs(), lack[i]));
        self.basis.as_mut().is_some_and(|basis| basis.form(&growth))
    }

    /// The largest relative change of an entry that counts, to first order: see the head of the
    /// file.
    fn measure(&self, ds: &[f64]) -> f64 {
        self.largest_change(|i| (self.x[i].hi.abs(), self.root[i] * ds[i].abs())).max(self.lack)
    }

    /// The same from what x was before to what it is.
    fn moved(&self, before: &[f64]) -> f64 {
        self.largest_change(|i| (before[i].abs(), (self.x[i].hi - before[i]).abs()))
    }

    /// Of entries of this size that change by this much.
    fn largest_change(&self, entry: impl Fn(usize) -> (f64, f64)) -> f64 {
        // The largest entry in the units of Zx and in those of x itself: an entry counts if it does
        // in one of them.
        let kappa = &self.system.kappa;
        let n = kappa.len();
        let largest = (0..n).fold(0.0_f64, |m, i| m.max(entry(i).0));
        let most_of_x = (0..n).fold(0.0_f64, |m, i| m.max(entry(i).0 / kappa[i]));
        let mut most = 0.0_f64;
        for i in 0..n {
            let (size, change) = entry(i);
            if change.is_nan() {
                return f64::INFINITY;
            }
            if change > 0.0 {
                let least = RELEVANT * largest.min(kappa[i] * most_of_x);
                most = most.max(change / size.max(least));
            }
        }
        most
    }
}

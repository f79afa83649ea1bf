//! What follows Newton's method: corrections of x to rounding, and the dual point of the L1
//! problem.
//!
//! **Rounding.** `x = a sinh s` loses `|s|ε`; the last correction is therefore taken in x itself,
//! linearised, with the residual in compensated sums: `x += 2√(x²+a²)∘κ∘Bᵀδ`, `Hδ = ½B-residual`.

use crate::numerics::dense::cholesky::Cholesky;
use crate::numerics::exact::sums::worst;
use crate::numerics::special::log_domain;

use super::core::Core;
use crate::numerics::dense::norms::{norm_inf, norm2};
use crate::numerics::dense::{dot, mul, mul_t};
use crate::numerics::exact::powers::transposed;

/// Entries above this, relative to the largest, count.
pub(crate) const LEAST: f64 = 1e-13;
/// Entries that add at least this to Zx, relative to the largest, are seen by its residual.
pub(crate) const PLAIN: f64 = 1e-4;
/// Ratio of the pivots of H from which its factor in doubles sees every entry.
pub(crate) const PIVOTS: f64 = 1e-4;
/// The same from which corrections by it converge: `rε` of what λ_min may be then, which is less
/// than the least pivot.
pub(crate) const REFINABLE: f64 = 1e-10;
/// Such corrections have done when they change no entry that counts by more than this part of it.
pub(crate) const SETTLED: f64 = 1e-10;
/// Such corrections are of use while the rounding of s, this many ε of
/// `2‖Z_i‖₂ max|μ| + |θ| + |log a|`, moves no such entry by more.
pub(crate) const ROUNDING: f64 = 10.0;

/// `s = 2Zᵀμ + θ` in doubles is right to 10⁻¹² up to this size.
pub(crate) const LONGEST: f64 = 4e3;

/// Whether the columns of Z (row-major) that count are so far from dependent that Zx says what each
/// entry is: for columns of length 1, a Gram matrix whose pivots are above 10⁻⁸, which loses no
/// more than four digits.
pub(crate) fn far_from_dependent(z: &[f64], counts: &[bool]) -> bool {
    let n = counts.len();
    let columns: Vec<usize> = (0..n).filter(|&i| counts[i]).collect();
    let (k, d) = (columns.len(), z.len() / n.max(1));
    if k > d {
        return false;
    }
    let mut part: Vec<f64> =
        columns.iter().flat_map(|&i| (0..d).map(move |j| z[j * n + i])).collect();
    for column in part.chunks_exact_mut(d) {
        let size = norm2(column);
        column.iter_mut().for_each(|v| *v /= size);
    }
    let row = |i: usize| &part[i * d..(i + 1) * d];
    let gram: Vec<f64> = (0..k * k).map(|p| dot(row(p / k), row(p % k))).collect();
    let mut cholesky = Cholesky::new(k);
    cholesky.factor(&gram) && cholesky.pivots().0 >= 1e-8
}

impl Core<'_> {
    /// Linear corrections of x, s and μ to `Bx = b` with plain sums, after which `√(x²+a²)` is that
    /// of the corrected x.
    pub(in crate::limit) fn correct(&mut self) {
        let mut delta = vec![0.0; self.mu.len()];
        let mut ds = vec![0.0; self.s.len()];
        // Linear in x and with its own factor: the first correction reaches rounding but for the
        // ridge, the second removes what is left.
        if !self.refactor() {
            return;
        }
        let mut size = norm2(&self.res);
        for _ in 0..2 {
            if size <= f64::EPSILON * norm2(&self.rhs) {
                break;
            }
            for (d, r) in delta.iter_mut().zip(&self.res) {
                *d = 0.5 * r;
            }
            self.solve(&mut delta);
            self.slopes(&delta, &mut ds);
            for i in 0..ds.len() {
                self.x[i] += self.root[i] * ds[i];
                self.s[i] += ds[i];
            }
            for (m, d) in self.mu.iter_mut().zip(&delta) {
                *m += d;
            }
            self.residual_of_x();
            let next = norm2(&self.res);
            if next > 0.5 * size {
                break;
            }
            size = next;
        }
        // √(x²+a²) moves by as little as x did: the factor still counts as its own.
        for i in 0..ds.len() {
            self.root[i] = self.x[i].hypot(self.log_a[i].exp());
        }
    }

    /// The tangent-extrapolated dual point of the L1 problem and its relative gap.
    ///
    /// `d(2μ)/dℓ` solves `B diag(κ∘√(x²+a²)) Bᵀ μ_c = b`; it is solved for its difference from
    /// `2μ/ℓ` so that the ridge leaves flat directions there. Scaled into `‖Zᵀμ‖_∞ ≤ 1` it is a
    /// dual point, and `gap = 1 − yᵀμ_c/‖x‖₁`. Without `ℓ > 0` the reference is 0.
    pub(in crate::limit) fn dual_point(&mut self, ell: f64) -> Option<(Vec<f64>, f64)> {
        if !self.refactor() {
            return None;
        }
        let scale = if ell > 0.0 { 2.0 / ell } else { 0.0 };
        for i in 0..self.s.len() {
            // κ_i B_iᵀμ = (s − θ)/2.
            self.work_n[i] = self.root[i] * 0.5 * (self.s[i] - self.theta[i]) * scale;
        }
        let mut point: Vec<f64> = self.mu.iter().map(|m| scale * m).collect();
        let mut delta = vec![0.0; self.mu.len()];
        // The second solve makes up for a factor that is a rounding error older than √(x²+a²).
        for pass in 0..2 {
            if pass > 0 {
                mul_t(&self.system.b, &point, &mut self.work_n);
                for i in 0..self.s.len() {
                    self.work_n[i] *= self.system.kappa[i] * self.root[i];
                }
            }
            mul(&self.system.b, &self.work_n, &mut delta);
            for (d, b) in delta.iter_mut().zip(&self.rhs) {
                *d = b - *d;
            }
            self.solve(&mut delta);
            for (p, d) in point.iter_mut().zip(&delta) {
                *p += d;
            }
        }
        let mut delta = point;
        let mut slopes = vec![0.0; self.s.len()];
        self.slopes(&delta, &mut slopes);
        let size = 0.5 * norm_inf(&slopes);
        if !(size > 0.0 && size.is_finite()) {
            return None;
        }
        delta.iter_mut().for_each(|d| *d /= size);
        let gap = 1.0 - dot(&self.rhs, &delta) / self.system.l1(&self.x);
        gap.is_finite().then_some((delta, gap))
    }

    /// Corrections of x (and μ) that make `Zx = y` to rounding, with compensated residuals of the
    /// original rows: of b, followed by Newton steps, while they are large (nearly dependent rows
    /// multiply the rounding of b); then of x, linearised. Stops at a backward error of a few ε or
    /// when the residual no longer falls.
    pub(in crate::limit) fn refine(&mut self) {
        let backward = |(rho, size): &(Vec<f64>, Vec<f64>)| {
            (rho.iter().zip(size)).map(|(r, s)| (r / s.max(1e-300)).abs()).fold(0.0, worst)
        };
        let mut residual = self.system.residual(&self.x);
        // Entries that must vanish shrink by e a step: 40 take them from 1e-3 to below rounding.
        for _ in 0..40 {
            if backward(&residual) <= 4.0 * f64::EPSILON || !self.refactor() {
                break;
            }
            let mut delta = self.system.to_b(&residual.0);
            if norm2(&delta) > 1e-9 * norm2(&self.rhs) {
                let before = (self.x.clone(), self.mu.clone(), self.rhs.clone());
                for k in 0..delta.len() {
                    self.rhs[k] += delta[k];
                    self.res[k] += delta[k];
                }
                self.newton(1e-13, 10);
                let next = self.system.residual(&self.x);
                let (old, new) = (backward(&residual), backward(&next));
                // Written so that NaN goes back.
                if new < old {
                    residual = next;
                } else {
                    (self.x, self.mu, self.rhs) = before;
                    break;
                }
                if new > 0.5 * old {
                    break;
                }
                continue;
            }
            let mut ds = vec![0.0; self.s.len()];
            delta.iter_mut().for_each(|d| *d *= 0.5);
            self.solve(&mut delta);
            self.slopes(&delta, &mut ds);
            let before = (self.x.clone(), self.mu.clone());
            for i in 0..ds.len() {
                self.x[i] += self.root[i] * ds[i];
            }
            for (m, d) in self.mu.iter_mut().zip(&delta) {
                *m += d;
            }
            self.settle_small();
            let next = self.system.residual(&self.x);
            let (old, new) = (norm2(&residual.0), norm2(&next.0));
            if new < old {
                residual = next;
            } else {
                (self.x, self.mu) = before;
                break;
            }
            if new > 0.9 * old {
                break;
            }
        }
        self.settle_small();
    }

    /// Whether every entry of x above 10⁻¹³ of the largest is right to 10⁻⁹, as far as doubles can
    /// tell.
    ///
    /// With a residual of a few ε, entries that add more than 10⁻⁴ of the largest to Zx are right
    /// to `10⁴ε` times a condition number of Z that the reduction to B keeps small (for |s| beyond
    /// 4000 also: where the columns of entries that count are far from dependent). Smaller ones
    /// that count are right where H is so well-conditioned that its factor sees them; or they are
    /// made right by corrections with that factor, as long as it has some digits and the last
    /// correction changes none of them. Call after [`Core::refine`].
    pub(in crate::limit) fn settled(&mut self) -> bool {
        let (rho, size) = self.system.residual(&self.x);
        let backward = rho.iter().zip(&size).all(|(r, s)| r.abs() <= 16.0 * f64::EPSILON * s);
        if !backward || !self.is_finite() {
            return false;
        }
        // What an entry adds to Zx tells whether the residual sees it; its own size, in the units
        // of x, whether it counts.
        let mut added = self.column_sizes().to_vec();
        added.iter_mut().zip(&self.x).for_each(|(a, x)| *a *= x.abs());
        let raw: Vec<f64> =
            self.x.iter().zip(&self.system.kappa).map(|(x, k)| x.abs() / k).collect();
        let (most_added, most) = (norm_inf(&added), norm_inf(&raw));
        let counts: Vec<bool> = raw.iter().map(|raw| *raw > LEAST * most).collect();
        let hidden = (0..raw.len()).any(|i| added[i] < PLAIN * most_added && counts[i]);
        if !hidden {
            // What x adds to Zx is then right. Up to here s says how nearly dependent columns share
            // it.
            return norm_inf(&self.s) <= LONGEST || far_from_dependent(&self.system.z, &counts);
        }
        // The rounding of a longer s moves large entries by more than what small ones can take up.
        if norm_inf(&self.s) > LONGEST || !self.refactor() {
            return false;
        }
        if !self.sees(&counts) {
            return false;
        }
        let (low, high) = self.pivots();
        if low >= PIVOTS * high {
            return true;
        }
        if low < REFINABLE * high {
            return false;
        }
        let before = (self.x.clone(), self.s.clone(), self.mu.clone());
        let settled = self.settle_digits(rho, &counts);
        if settled {
            self.residual_of_x();
        } else {
            (self.x, self.s, self.mu) = before;
        }
        settled
    }

    /// Whether the rounding of s moves no entry that counts by more than 10⁻¹⁰ of itself: what s
    /// would be for a μ and a log a next to these, μ moved by ε of its largest entry, shows how
    /// many of its digits say something. Entries far below a, where s is nearly 0, are the first to
    /// fail.
    fn sees(&self, counts: &[bool]) -> bool {
        let largest = norm_inf(&self.mu);
        let least = ROUNDING * f64::EPSILON / SETTLED;
        let lengths = self.column_lengths();
        (0..counts.len()).filter(|&i| counts[i]).all(|i| {
            let moved = 2.0 * self.system.kappa[i] * lengths[i] * largest
                + self.theta[i].abs()
                + self.log_a[i].abs();
            // NaN is no.
            self.root[i] * moved * least <= self.x[i].abs()
        })
    }

    /// Corrections of x and μ by the factor at hand until one changes no entry that counts by more
    /// than 10⁻¹⁰ of itself; `false` where they do not come to that. `rho`: `y'' − Z''x`.
    ///
    /// Of both equations, linearised: with `e = asinh(x/a) − s`, `r = b − Bx`, s and r compensated,
    /// `2Hδ = r + B(√(x²+a²)∘e)`, `x += √(x²+a²)∘(2κ∘Bᵀδ − e)`, `μ += δ`. That is iterative
    /// refinement: the factor's error in any direction is at most `rε/λ_min` of H there, so that
    /// each correction leaves some 10⁻² of the error.
    fn settle_digits(&mut self, mut rho: Vec<f64>, counts: &[bool]) -> bool {
        let (mut e, mut ds) = (vec![0.0; counts.len()], vec![0.0; counts.len()]);
        let mut delta = vec![0.0; self.mu.len()];
        let mut before = f64::INFINITY;
        let (mut product, _) = transposed(&self.system.b, &self.mu, counts.len());
        for _ in 0..4 {
            for i in 0..e.len() {
                self.s[i] = 2.0 * self.system.kappa[i] * product[i] + self.theta[i];
                e[i] = log_domain::asinh_ratio(self.x[i], self.log_a[i]) - self.s[i];
                self.work_n[i] = self.root[i] * e[i];
            }
            mul(&self.system.b, &self.work_n, &mut delta);
            for (d, r) in delta.iter_mut().zip(self.system.to_b(&rho)) {
                *d = 0.5 * (*d + r);
            }
            self.solve(&mut delta);
            self.slopes(&delta, &mut ds);
            let mut measure = 0.0_f64;
            for i in 0..ds.len() {
                let change = self.root[i] * (ds[i] - e[i]);
                if counts[i] && change != 0.0 {
                    measure = worst(measure, change.abs() / self.x[i].abs());
                }
                self.x[i] += change;
                self.s[i] += ds[i];
            }
            self.mu.iter_mut().zip(&delta).for_each(|(m, d)| *m += d);
            if measure <= SETTLED {
                return true;
            }
            if measure > 0.1 * before {
                return false;
            }
            before = measure;
            rho = self.system.residual(&self.x).0;
            product = transposed(&self.system.b, &self.mu, counts.len()).0;
        }
        false
    }

    /// Entries whose rounding is invisible in `Bx = b` are `a sinh s` again: a linear correction is
    /// too coarse for entries in flat directions, where s moves by more than rounding.
    fn settle_small(&mut self) {
        let mut slopes = vec![0.0; self.s.len()];
        self.slopes(&self.mu, &mut slopes);
        let largest = norm_inf(&self.x);
        // The sum of n such roundings stays below ε·max|x|.
        let limit = largest / self.s.len() as f64;
        for i in 0..self.s.len() {
            self.s[i] = slopes[i] + self.theta[i];
            let x = log_domain::a_sinh(self.s[i], self.log_a[i]);
            if self.root[i].max(x.abs()) * (1.0 + self.s[i].abs()) <= limit {
                self.x[i] = x;
            }
            self.root[i] = self.x[i].hypot(self.log_a[i].exp());
        }
        self.residual_of_x();
        self.fresh = false;
    }
}

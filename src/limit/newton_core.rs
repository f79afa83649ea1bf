//! Newton's method on the dual of `min R_a(x) s.t. Bx = b`, and the step from one `a` to the next.
//!
//! Dual: `max_μ ψ(μ) = bᵀμ − ½ Σ κ_i⁻¹ a_i cosh s_i`, `s = 2κ∘Bᵀμ + θ`, `x = a sinh s`,
//! `∇ψ = b − Bx`, `−∇²ψ = 2H`, `H = B diag(κ∘√(x²+a²)) Bᵀ`.
//!
//! **Global convergence.** Along a direction with `m = ‖Δs‖_∞` the third derivative of ψ is at most
//! m times the second (a cosh is its own second derivative), so `ψ(τ) − ψ(0) ≥
//! λ²[τ − (e^{mτ} − mτ − 1)/m²]`, λ² the Newton decrement: `τ = log(1+m)/m` always ascends, and so
//! does the full step when `m ≤ 1.79` (Bach 2010; Sun & Tran-Dinh 2019). For larger m the step is
//! searched between the two on the sign of ψ'(τ), which costs O(n).
//!
//! **Flat directions.** Columns with `x_i ≈ a^δ` drop out of H, which is singular when fewer than r
//! are left. A ridge of 1e-15 of the mean eigenvalue keeps the factor; steps between two values of
//! a are centred at the *proportional* point `μ·(ℓ'/ℓ)`, so that the ridge pulls flat directions to
//! where `|Z_iᵀμ| < ℓ/2` stays true.
//!
//! **Rounding.** `x = a sinh s` loses `|s|ε`; the last correction is therefore taken in x itself,
//! linearised, with the residual in compensated sums: `x += 2√(x²+a²)∘κ∘Bᵀδ`, `Hδ = ½B-residual`.

use crate::numerics::log_domain;
use crate::numerics::vector::{a_sinh_cosh_map, a_sinh_map};

use super::newton_linalg::{Factor, dot, mul, mul_t, norm_inf, norm2};
use super::newton_system::System;

/// Full Newton steps ascend up to this `‖Δs‖_∞`: the root of `e^m − m − 1 = m²`.
const SAFE_STEP: f64 = 1.79;
/// Columns lighter than this, relative to the heaviest, are left out of H: all of them together
/// weigh less than the ridge.
const DROP: f64 = 1.0 / (1u64 << 56) as f64;
/// Relative ridge of H.
const RIDGE: f64 = 1e-15;

/// How a run of Newton steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    Converged,
    Stalled,
    MaxIterations,
}

/// The point being moved, at one `(log a, θ)`.
pub(super) struct Core<'a> {
    pub(super) system: &'a System,
    pub(super) log_a: Vec<f64>,
    pub(super) theta: Vec<f64>,
    pub(super) mu: Vec<f64>,
    pub(super) s: Vec<f64>,
    pub(super) x: Vec<f64>,
    /// `√(x²+a²) = a cosh s`.
    pub(super) root: Vec<f64>,
    /// b, corrected by [`Core::refine`].
    rhs: Vec<f64>,
    /// `b − Bx`.
    pub(super) res: Vec<f64>,
    /// Newton steps so far.
    pub(super) steps: usize,
    factor: Factor,
    /// Whether `factor` belongs to the present `root`.
    fresh: bool,
    scale: f64,
    work_n: Vec<f64>,
}

/// What is needed to go back.
pub(super) struct Saved {
    log_a: Vec<f64>,
    theta: Vec<f64>,
    mu: Vec<f64>,
}

impl<'a> Core<'a> {
    /// At μ = 0.
    pub(super) fn new(system: &'a System, log_a: Vec<f64>, theta: Vec<f64>) -> Self {
        let (r, n) = (system.r, system.n);
        let mut core = Self {
            system,
            log_a,
            theta,
            mu: vec![0.0; r],
            s: vec![0.0; n],
            x: vec![0.0; n],
            root: vec![0.0; n],
            rhs: system.rhs.clone(),
            res: vec![0.0; r],
            steps: 0,
            factor: Factor::new(r),
            fresh: false,
            scale: norm2(&system.b) / (r.max(1) as f64).sqrt(),
            work_n: vec![0.0; n],
        };
        core.evaluate();
        core
    }

    /// `s, x, √(x²+a²)` and the residual at μ.
    pub(super) fn evaluate(&mut self) {
        mul_t(&self.system.b, &self.mu, &mut self.s);
        for i in 0..self.s.len() {
            self.s[i] = 2.0 * self.system.kappa[i] * self.s[i] + self.theta[i];
        }
        a_sinh_cosh_map(&self.s, &self.log_a, &mut self.x, &mut self.root);
        self.residual_of_x();
        self.fresh = false;
    }

    /// Residual below which rounding in s rules: `x` carries a relative error `ε(1+|s|)`.
    fn noise(&self) -> f64 {
        let mut square = 0.0;
        for i in 0..self.x.len() {
            let error = self.x[i] * (1.0 + self.s[i].abs());
            square += error * error;
        }
        4.0 * f64::EPSILON * self.scale * square.sqrt()
    }

    /// Factors H at the present point, once.
    pub(super) fn refactor(&mut self) -> bool {
        if !self.fresh {
            for i in 0..self.root.len() {
                self.work_n[i] = self.system.kappa[i] * self.root[i];
            }
            self.fresh = self.factor.build(&self.system.b, &self.work_n, DROP, RIDGE);
        }
        self.fresh
    }

    /// `v ← H⁻¹v`; after [`Core::refactor`].
    pub(super) fn solve(&self, v: &mut [f64]) {
        self.factor.solve(v);
    }

    /// `2κ∘Bᵀδ` into `out`.
    pub(super) fn slopes(&self, delta: &[f64], out: &mut [f64]) {
        mul_t(&self.system.b, delta, out);
        for (o, k) in out.iter_mut().zip(&self.system.kappa) {
            *o *= 2.0 * k;
        }
    }

    /// Newton steps until `‖b − Bx‖ ≤ tolerance·‖b‖` or the noise of x.
    pub(super) fn newton(&mut self, tolerance: f64, max_steps: usize) -> Inner {
        let b_norm = norm2(&self.rhs);
        let mut delta = vec![0.0; self.mu.len()];
        let mut ds = vec![0.0; self.s.len()];
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for _ in 0..=max_steps {
            let size = norm2(&self.res);
            let noise = self.noise();
            if size <= (tolerance * b_norm).max(noise) {
                return Inner::Converged;
            }
            // Near rounding: no halving in four steps means that there is nothing left to gain.
            if size <= 0.5 * best {
                (best, idle) = (size, 0);
            } else {
                idle += 1;
                if idle >= 4 && size <= 1e4 * noise {
                    return Inner::Stalled;
                }
            }
            if !self.refactor() {
                return Inner::Stalled;
            }
            for (d, r) in delta.iter_mut().zip(&self.res) {
                *d = 0.5 * r;
            }
            self.solve(&mut delta);
            self.slopes(&delta, &mut ds);
            let tau = self.step_length(&delta, &ds);
            for (m, d) in self.mu.iter_mut().zip(&delta) {
                *m += tau * d;
            }
            self.evaluate();
            self.steps += 1;
        }
        Inner::MaxIterations
    }

    /// Like [`Core::newton`], but with the factor at hand (of a nearby point) as preconditioner of
    /// conjugate gradients; a new factor only where they are slow.
    pub(super) fn newton_cg(&mut self, tolerance: f64, max_steps: usize) -> Inner {
        let b_norm = norm2(&self.rhs);
        let (r, n) = (self.mu.len(), self.s.len());
        let (mut delta, mut ds) = (vec![0.0; r], vec![0.0; n]);
        let mut before = f64::INFINITY;
        for _ in 0..=max_steps {
            let size = norm2(&self.res);
            let target = (tolerance * b_norm).max(self.noise());
            if size <= target {
                return Inner::Converged;
            }
            // Only as exact as the quadratic term of this step deserves, and never below the target.
            let relative = (size / b_norm).max(0.3 * target / size).clamp(1e-8, 0.05);
            let solved = self.conjugate_gradients(&mut delta, relative);
            if !solved || size > 0.5 * before {
                self.fresh = false;
                if !self.refactor() {
                    return Inner::Stalled;
                }
                for (d, r) in delta.iter_mut().zip(&self.res) {
                    *d = 0.5 * r;
                }
                self.solve(&mut delta);
            }
            before = size;
            self.slopes(&delta, &mut ds);
            let tau = self.step_length(&delta, &ds);
            for (m, d) in self.mu.iter_mut().zip(&delta) {
                *m += tau * d;
            }
            self.evaluate();
            self.steps += 1;
        }
        Inner::MaxIterations
    }

    /// `(H + ρI)δ = ½(b − Bx)`, ρ the ridge of the factor, to a relative residual; `false` after 20
    /// steps without it.
    fn conjugate_gradients(&mut self, delta: &mut [f64], relative: f64) -> bool {
        let r = delta.len();
        delta.fill(0.0);
        let mut residual: Vec<f64> = self.res.iter().map(|v| 0.5 * v).collect();
        let goal = relative * norm2(&residual);
        let mut z = residual.clone();
        self.solve(&mut z);
        let mut direction = z.clone();
        let mut image = vec![0.0; r];
        let mut rz = dot(&residual, &z);
        for _ in 0..20 {
            mul_t(&self.system.b, &direction, &mut self.work_n);
            for i in 0..self.root.len() {
                self.work_n[i] *= self.system.kappa[i] * self.root[i];
            }
            mul(&self.system.b, &self.work_n, &mut image);
            for (i, d) in image.iter_mut().zip(&direction) {
                *i += self.factor.shift * d;
            }
            let curvature = dot(&direction, &image);
            if !(curvature > 0.0 && curvature.is_finite() && rz.is_finite()) {
                return false;
            }
            let alpha = rz / curvature;
            for k in 0..r {
                delta[k] += alpha * direction[k];
                residual[k] -= alpha * image[k];
            }
            if norm2(&residual) <= goal {
                return true;
            }
            z.copy_from_slice(&residual);
            self.solve(&mut z);
            let next = dot(&residual, &z);
            let beta = next / rz;
            rz = next;
            for k in 0..r {
                direction[k] = z[k] + beta * direction[k];
            }
        }
        false
    }

    /// Linear corrections of x, s and μ to `Bx = b` with plain sums, after which `√(x²+a²)` is that of the corrected x.
    pub(super) fn correct(&mut self) {
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

    /// `b − Bx` for the x at hand.
    fn residual_of_x(&mut self) {
        mul(&self.system.b, &self.x, &mut self.res);
        for (r, b) in self.res.iter_mut().zip(&self.rhs) {
            *r = b - *r;
        }
    }

    /// ψ'(τ) = bᵀδ − ½ Σ x_i(τ) Δs_i/κ_i; −∞ when x overflows.
    fn slope(&mut self, b_delta: f64, ds: &[f64], tau: f64) -> f64 {
        let mut x = vec![0.0; ds.len()];
        for i in 0..ds.len() {
            self.work_n[i] = self.s[i] + tau * ds[i];
        }
        a_sinh_map(&self.work_n, &self.log_a, &mut x);
        let change = (0..ds.len()).filter(|&i| ds[i] != 0.0);
        let slope =
            b_delta - 0.5 * change.map(|i| x[i] * ds[i] / self.system.kappa[i]).sum::<f64>();
        if slope.is_nan() { f64::NEG_INFINITY } else { slope }
    }

    /// A step τ ∈ (0, 1] that ascends: see the head of the file.
    fn step_length(&mut self, delta: &[f64], ds: &[f64]) -> f64 {
        let m = norm_inf(ds);
        if m <= SAFE_STEP {
            return 1.0;
        }
        let b_delta = dot(&self.rhs, delta);
        let start = 2.0 * dot(&self.res, delta) * 0.5;
        if self.slope(b_delta, ds, 1.0) >= -0.1 * start {
            return 1.0;
        }
        let (mut low, mut high) = (m.ln_1p() / m, 1.0);
        // Each round halves the ratio's logarithm: 12 rounds reach a thousandth of any bracket.
        for _ in 0..12 {
            let middle = (low * high).sqrt();
            let slope = self.slope(b_delta, ds, middle);
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

    /// Moves to another `(log a, θ)`: the μ' for which x stays where it is to first order,
    /// weighted by √(x²+a²) and centred at `ratio·μ`:
    /// `2Hδ = b − Bx + B[√(x²+a²)∘(asinh(x/a') − s_ref)]`, `s_ref = 2κ∘Bᵀ(ratio·μ) + θ'`.
    pub(super) fn predict(&mut self, log_a: &[f64], theta: &[f64], ratio: f64) -> bool {
        if !self.refactor() {
            return false;
        }
        let n = self.s.len();
        for i in 0..n {
            let along = ratio * (self.s[i] - self.theta[i]) + theta[i];
            let weight = self.root[i];
            self.work_n[i] = if weight > 0.0 {
                weight * (log_domain::asinh_ratio(self.x[i], log_a[i]) - along)
            } else {
                0.0
            };
        }
        let mut delta = vec![0.0; self.mu.len()];
        mul(&self.system.b, &self.work_n, &mut delta);
        for (d, r) in delta.iter_mut().zip(&self.res) {
            *d = 0.5 * (*d + r);
        }
        self.solve(&mut delta);
        for (m, d) in self.mu.iter_mut().zip(&delta) {
            *m = ratio * *m + d;
        }
        self.log_a.copy_from_slice(log_a);
        self.theta.copy_from_slice(theta);
        self.evaluate();
        self.x.iter().all(|x| x.is_finite())
    }

    /// Back to μ = 0, keeping the count of steps.
    pub(super) fn restart(&mut self) {
        self.mu.fill(0.0);
        self.log_a.fill(0.0);
        self.theta.fill(0.0);
        self.evaluate();
    }

    /// The present point.
    pub(super) fn save(&self) -> Saved {
        Saved { log_a: self.log_a.clone(), theta: self.theta.clone(), mu: self.mu.clone() }
    }

    /// Back to a saved point.
    pub(super) fn restore(&mut self, saved: &Saved) {
        self.log_a.copy_from_slice(&saved.log_a);
        self.theta.copy_from_slice(&saved.theta);
        self.mu.copy_from_slice(&saved.mu);
        self.evaluate();
    }

    /// The tangent-extrapolated dual point of the L1 problem and its relative gap.
    ///
    /// `d(2μ)/dℓ` solves `B diag(κ∘√(x²+a²)) Bᵀ μ_c = b`; it is solved for its difference from
    /// `2μ/ℓ` so that the ridge leaves flat directions there. Scaled into `‖Zᵀμ‖_∞ ≤ 1` it is a dual
    /// point, and `gap = 1 − yᵀμ_c/‖x‖₁`. Without `ℓ > 0` the reference is 0.
    pub(super) fn dual_point(&mut self, ell: f64) -> Option<(Vec<f64>, f64)> {
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
    pub(super) fn refine(&mut self) {
        let backward = |(rho, size): &(Vec<f64>, Vec<f64>)| {
            let worst = |m: f64, v: f64| if v.is_nan() { f64::INFINITY } else { m.max(v) };
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

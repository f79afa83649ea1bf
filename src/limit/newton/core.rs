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

use std::cell::OnceCell;

use crate::numerics::dense::column_lengths;
use crate::numerics::special::log_domain;
use crate::numerics::vector::{a_sinh_cosh_map, a_sinh_map};

use super::system::System;
use crate::numerics::dense::norms::{norm_inf, norm2};
use crate::numerics::dense::weighted_gram::Factor;
use crate::numerics::dense::{dot, mul, mul_t};

/// Full Newton steps ascend up to this `‖Δs‖_∞`: the root of `e^m − m − 1 = m²`.
pub(in crate::limit) const SAFE_STEP: f64 = 1.79;
/// Columns lighter than this, relative to the heaviest, are left out of H: all of them together
/// weigh less than the ridge.
const DROP: f64 = 1.0 / (1u64 << 56) as f64;
/// Relative ridge of H.
const RIDGE: f64 = 1e-15;

/// How a run of Newton steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::limit) enum Inner {
    Converged,
    Stalled,
    MaxIterations,
}

/// The point being moved, at one `(log a, θ)`.
pub(in crate::limit) struct Core<'a> {
    pub(in crate::limit) system: &'a System,
    pub(in crate::limit) log_a: Vec<f64>,
    pub(in crate::limit) theta: Vec<f64>,
    pub(in crate::limit) mu: Vec<f64>,
    pub(in crate::limit) s: Vec<f64>,
    pub(in crate::limit) x: Vec<f64>,
    /// `√(x²+a²) = a cosh s`.
    pub(in crate::limit) root: Vec<f64>,
    /// b, corrected by [`Core::refine`].
    pub(in crate::limit) rhs: Vec<f64>,
    /// `b − Bx`.
    pub(in crate::limit) res: Vec<f64>,
    /// Newton steps so far.
    pub(in crate::limit) steps: usize,
    factor: Factor,
    /// Whether `factor` belongs to the present `root`.
    pub(in crate::limit) fresh: bool,
    scale: f64,
    /// The largest entry of each column of Z'', once that was asked for.
    columns: OnceCell<Vec<f64>>,
    /// The length of each column of B, once that was asked for.
    lengths: OnceCell<Vec<f64>>,
    pub(in crate::limit) work_n: Vec<f64>,
}

/// What is needed to go back.
pub(in crate::limit) struct Saved {
    log_a: Vec<f64>,
    theta: Vec<f64>,
    mu: Vec<f64>,
}

impl<'a> Core<'a> {
    /// At μ = 0.
    pub(in crate::limit) fn new(system: &'a System, log_a: Vec<f64>, theta: Vec<f64>) -> Self {
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
            columns: OnceCell::new(),
            lengths: OnceCell::new(),
            work_n: vec![0.0; n],
        };
        core.evaluate();
        core
    }

    /// `s, x, √(x²+a²)` and the residual at μ.
    pub(in crate::limit) fn evaluate(&mut self) {
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
    pub(in crate::limit) fn refactor(&mut self) -> bool {
        if !self.fresh {
            for i in 0..self.root.len() {
                self.work_n[i] = self.system.kappa[i] * self.root[i];
            }
            self.fresh = self.factor.build(&self.system.b, &self.work_n, DROP, RIDGE);
        }
        self.fresh
    }

    /// The largest entry of each column of Z'', length n.
    pub(in crate::limit) fn column_sizes(&self) -> &[f64] {
        self.columns.get_or_init(|| self.system.column_sizes())
    }

    /// The length of each column of B, n of them.
    pub(in crate::limit) fn column_lengths(&self) -> &[f64] {
        self.lengths.get_or_init(|| column_lengths(&self.system.b, self.system.n))
    }

    /// Smallest and largest squared diagonal entry of the factor of H; after [`Core::refactor`].
    pub(in crate::limit) fn pivots(&self) -> (f64, f64) {
        self.factor.pivots()
    }

    /// Whether x and μ are numbers.
    pub(in crate::limit) fn is_finite(&self) -> bool {
        self.x.iter().chain(&self.mu).all(|v| v.is_finite())
    }

    /// `v ← H⁻¹v`; after [`Core::refactor`].
    pub(in crate::limit) fn solve(&self, v: &mut [f64]) {
        self.factor.solve(v);
    }

    /// `2κ∘Bᵀδ` into `out`.
    pub(in crate::limit) fn slopes(&self, delta: &[f64], out: &mut [f64]) {
        mul_t(&self.system.b, delta, out);
        for (o, k) in out.iter_mut().zip(&self.system.kappa) {
            *o *= 2.0 * k;
        }
    }

    /// Newton steps until `‖b − Bx‖ ≤ tolerance·‖b‖` or the noise of x.
    pub(in crate::limit) fn newton(&mut self, tolerance: f64, max_steps: usize) -> Inner {
        let b_norm = norm2(&self.rhs);
        let mut delta = vec![0.0; self.mu.len()];
        let mut ds = vec![0.0; self.s.len()];
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for step in 0..=max_steps {
            let size = norm2(&self.res);
            let noise = self.noise();
            if size <= (tolerance * b_norm).max(noise) {
                return Inner::Converged;
            }
            if step == max_steps {
                break;
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
    pub(in crate::limit) fn newton_cg(&mut self, tolerance: f64, max_steps: usize) -> Inner {
        let b_norm = norm2(&self.rhs);
        let (r, n) = (self.mu.len(), self.s.len());
        let (mut delta, mut ds) = (vec![0.0; r], vec![0.0; n]);
        let mut before = f64::INFINITY;
        for step in 0..=max_steps {
            let size = norm2(&self.res);
            let target = (tolerance * b_norm).max(self.noise());
            if size <= target {
                return Inner::Converged;
            }
            if step == max_steps {
                break;
            }
            // Only as exact as the quadratic term of this step deserves, and never below the
            // target.
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

    /// `b − Bx` for the x at hand.
    pub(in crate::limit) fn residual_of_x(&mut self) {
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
        ascending(m, start, |tau| self.slope(b_delta, ds, tau))
    }

    /// Moves to another `(log a, θ)`: the μ' for which x stays where it is to first order,
    /// weighted by √(x²+a²) and centred at `ratio·μ`:
    /// `2Hδ = b − Bx + B[√(x²+a²)∘(asinh(x/a') − s_ref)]`, `s_ref = 2κ∘Bᵀ(ratio·μ) + θ'`.
    pub(in crate::limit) fn predict(&mut self, log_a: &[f64], theta: &[f64], ratio: f64) -> bool {
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
    pub(in crate::limit) fn restart(&mut self) {
        self.mu.fill(0.0);
        self.log_a.fill(0.0);
        self.theta.fill(0.0);
        self.evaluate();
    }

    /// The present point.
    pub(in crate::limit) fn save(&self) -> Saved {
        Saved { log_a: self.log_a.clone(), theta: self.theta.clone(), mu: self.mu.clone() }
    }

    /// Back to a saved point.
    pub(in crate::limit) fn restore(&mut self, saved: &Saved) {
        self.log_a.copy_from_slice(&saved.log_a);
        self.theta.copy_from_slice(&saved.theta);
        self.mu.copy_from_slice(&saved.mu);
        self.evaluate();
    }
}

/// A step between `log(1+m)/m`, which always ascends, and 1, by the sign of ψ': where it is at most
/// a fifth of what it is at 0 (`start`), or the bracket is short.
pub(crate) fn ascending(m: f64, start: f64, mut slope: impl FnMut(f64) -> f64) -> f64 {
    let (mut low, mut high) = (m.ln_1p() / m, 1.0);
    // Each round halves the ratio's logarithm: 12 rounds reach a thousandth of any bracket.
    for _ in 0..12 {
        let middle = (low * high).sqrt();
        let slope = slope(middle);
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

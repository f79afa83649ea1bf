//! `Zx = y` in a form that Newton's method can use: full row rank, no extreme scales.
//!
//! With powers of two `2^{−e_j}` for the rows, `κ_i` for the columns and `2^{−q}` for the targets,
//! ```text
//! x''_i = 2^{−q} κ_i x_i,   Z''_ji = 2^{−e_j} Z_ji / κ_i,   y''_j = 2^{−q−e_j} y_j,   Z''x'' = y'',
//! ```
//! which is exact. `κ = 1` unless the sizes of the columns differ by more than 2²⁰. Then
//! `Bx'' = b`, B of full row rank r, has the same solutions:
//! - `B = Z''` when the Gram matrix shows that the rows are far from dependent;
//! - otherwise `Z''ᵀΠ = QR` (column pivoting), `B = Qᵀ` and `b = R₁₁⁻ᵀ(Πᵀy'')`, whose condition is
//!   1 whatever that of Z was. Rows beyond the rank to working precision are dropped (their μ is 0)
//!   where their targets agree with the others; if not, the system is infeasible. Where such rows
//!   are no combinations of the others, or kept rows nearly are, `eliminate.rs` has equations in
//!   pairs of doubles beside B.
//!
//! `2Z_iᵀμ = 2κ_i B_iᵀμ̃`. The scale q makes the largest entry of the least-norm solution about 1.

use crate::numerics::exact::double_double::Double2;
use crate::problem::Problem;

use super::eliminate::Eliminated;
use crate::limit::Farkas;
use crate::limit::certificate::infeasible;
use crate::numerics::dense::norms::{norm_inf, norm2};
use crate::numerics::dense::pivoted_qr::PivotedQr;
use crate::numerics::dense::weighted_gram::Factor;
use crate::numerics::dense::{mul, mul_t};
use crate::numerics::exact::powers::{exponent, residual, scale2, top_exponent};

/// Condition of the equilibrated Gram matrix up to which B = Z: the direct products then lose at
/// most three digits of H, which Newton's iteration does not notice.
const WELL_CONDITIONED: f64 = 1e3;
/// Sizes of columns within this factor are left alone.
const COLUMN_SPREAD: i32 = 20;

/// How B was made from Z''.
pub(in crate::limit) enum Basis {
    Rows,
    Orthonormal(PivotedQr),
}

/// The equivalent system.
pub(in crate::limit) struct System {
    pub(in crate::limit) d: usize,
    pub(in crate::limit) n: usize,
    /// Rank: rows of B.
    pub(in crate::limit) r: usize,
    /// B, r×n row-major.
    pub(in crate::limit) b: Vec<f64>,
    /// b, length r.
    pub(in crate::limit) rhs: Vec<f64>,
    /// κ, length n: powers of two.
    pub(in crate::limit) kappa: Vec<f64>,
    /// Least-norm solution of `Bx'' = b`, length n.
    pub(in crate::limit) least_norm: Vec<f64>,
    pub(in crate::limit) z: Vec<f64>,
    pub(in crate::limit) y: Vec<f64>,
    row_exp: Vec<i32>,
    col_exp: Vec<i32>,
    q: i32,
    pub(in crate::limit) basis: Basis,
    /// How far the rows beyond the rank are from being combinations of the others, relative to
    /// their size: the largest of these distances; 0 where they are that exactly, or where there
    /// are none.
    pub(in crate::limit) dependence: f64,
    /// The rows that are independent exactly, in a form that is far from dependent: there where B
    /// is not that.
    pub(in crate::limit) eliminated: Option<Eliminated>,
}

impl System {
    /// Scales and reduces; `Err` is the proof that `Zx = y` has no solution.
    pub(in crate::limit) fn new(problem: &Problem) -> Result<Self, Farkas> {
        let (d, n) = (problem.samples(), problem.features());
        let raw = problem.z_rows();
        let (row_exp, col_exp) = equilibrate(raw, d, n);
        let mut z = raw.to_vec();
        let plain = col_exp.iter().all(|c| *c == 0);
        for (row, &e) in z.chunks_exact_mut(n).zip(&row_exp) {
            if plain && e.abs() <= 1000 {
                let factor = scale2(1.0, -e);
                row.iter_mut().for_each(|v| *v *= factor);
            } else {
                row.iter_mut().zip(&col_exp).for_each(|(v, c)| *v = scale2(*v, -e - c));
            }
        }
        // Targets first to size 1, then by the size of the least-norm solution.
        let size = (0..d)
            .filter(|&j| problem.y()[j] != 0.0)
            .map(|j| exponent(problem.y()[j]) - row_exp[j])
            .max()
            .unwrap_or(0);
        let y: Vec<f64> = (0..d).map(|j| scale2(problem.y()[j], -row_exp[j] - size)).collect();
        let kappa = col_exp.iter().map(|&c| scale2(1.0, c)).collect();
        let mut system = Self {
            d,
            n,
            r: d,
            b: Vec::new(),
            rhs: Vec::new(),
            kappa,
            least_norm: vec![0.0; n],
            z,
            y,
            row_exp,
            col_exp,
            q: size,
            basis: Basis::Rows,
            dependence: 0.0,
            eliminated: None,
        };
        if !system.use_rows() {
            system.orthonormalise();
            system.check_consistent(problem)?;
            system.eliminate();
        }
        let largest = match &system.eliminated {
            // With B = [I T], b is a solution.
            Some(e) => e.rhs.iter().fold(0.0_f64, |m, v| m.max(v.hi.abs())),
            None => norm_inf(&system.least_norm),
        };
        let shift = if largest > 0.0 { exponent(largest) } else { 0 };
        system.rescale(shift);
        Ok(system)
    }

    /// Measures x and y in units 2^k times larger.
    pub(in crate::limit) fn rescale(&mut self, k: i32) {
        for v in [&mut self.y, &mut self.rhs, &mut self.least_norm] {
            v.iter_mut().for_each(|v| *v = scale2(*v, -k));
        }
        if let Some(eliminated) = &mut self.eliminated {
            eliminated.rhs.iter_mut().for_each(|v| *v = v.scaled(i64::from(-k)));
        }
        self.q += k;
    }

    /// `log a` in the units of x'' (length n) from those of x: `log a_i + log κ_i − q log 2`.
    pub(in crate::limit) fn scale_log_a(&self, log_a: &[f64]) -> Vec<Double2> {
        let shifts = self.col_exp.iter().map(|&c| Double2::log_of_power(c - self.q));
        log_a.iter().zip(shifts).map(|(l, shift)| shift.plus_f64(*l)).collect()
    }

    /// Takes B = Z'' if its rows are far from dependent.
    fn use_rows(&mut self) -> bool {
        let (d, n) = (self.d, self.n);
        if d >= n {
            return false;
        }
        let mut factor = Factor::new(d);
        if !factor.build(&self.z, &vec![1.0; n], 0.0, 0.0) || factor.ridge > 0.0 {
            return false;
        }
        let (lo, hi) = factor.pivots();
        if hi > WELL_CONDITIONED * lo || condition(&factor, &self.z, d, n) > WELL_CONDITIONED {
            return false;
        }
        let mut mu = self.y.clone();
        factor.solve(&mut mu);
        mul_t(&self.z, &mu, &mut self.least_norm);
        self.b = self.z.clone();
        self.rhs = self.y.clone();
        true
    }

    /// Takes B = Qᵀ and solves for the least-norm point.
    fn orthonormalise(&mut self) {
        let qr = PivotedQr::new(&self.z, self.d, self.n);
        self.r = qr.rank;
        self.b = qr.q.clone();
        self.basis = Basis::Orthonormal(qr);
        self.rhs = self.to_b(&self.y);
        mul_t(&self.b, &self.rhs, &mut self.least_norm);
        // One step of refinement against the original rows.
        let (rho, _) = self.residual(&self.least_norm);
        let correction = self.to_b(&rho);
        for (b, c) in self.rhs.iter_mut().zip(&correction) {
            *b += c;
        }
        mul_t(&self.b, &self.rhs, &mut self.least_norm);
    }

    /// Whether the least-norm point meets every row, dropped ones included.
    fn check_consistent(&self, problem: &Problem) -> Result<(), Farkas> {
        if self.r == self.d {
            return Ok(());
        }
        let (rho, size) = self.residual(&self.least_norm);
        // Backward error of the QR and of targets computed as Zx in floating point: c·max(d,n)·ε.
        let tolerance = 64.0 * f64::EPSILON * self.d.max(self.n) as f64;
        if norm_inf(&rho) <= tolerance * norm_inf(&size) {
            return Ok(());
        }
        let u = infeasible::left_null_part(&self.z, self.d, self.n, &rho);
        let u: Vec<f64> = u.iter().zip(&self.row_exp).map(|(u, e)| scale2(*u, -e)).collect();
        // Without an exact decision it counts when the solutions still allowed are absurd: ‖x‖₁
        // above ε^{−1/2} times that of the least-squares point.
        let least = self.unscale(self.l1(&self.least_norm)) / f64::EPSILON.sqrt();
        match infeasible::decide(problem, &self.unscale_x(&self.least_norm), &u, least) {
            Some(proof) => Err(proof),
            None => Ok(()),
        }
    }

    /// Whether B is Z''.
    pub(in crate::limit) fn is_rows(&self) -> bool {
        matches!(self.basis, Basis::Rows)
    }

    /// A right side of Z'' (length d) as one of B (length r).
    pub(in crate::limit) fn to_b(&self, v: &[f64]) -> Vec<f64> {
        match &self.basis {
            Basis::Rows => v.to_vec(),
            Basis::Orthonormal(qr) => {
                let mut out: Vec<f64> = qr.pivot[..qr.rank].iter().map(|&j| v[j]).collect();
                qr.solve_rt(&mut out);
                out
            }
        }
    }

    /// The largest entry of each column of Z'', length n.
    pub(in crate::limit) fn column_sizes(&self) -> Vec<f64> {
        let mut sizes = vec![0.0_f64; self.n];
        for row in self.z.chunks_exact(self.n) {
            for (size, v) in sizes.iter_mut().zip(row) {
                *size = size.max(v.abs());
            }
        }
        sizes
    }

    /// `2^{−row exponent}`: the dual variable of Z from that of Z'' (length d).
    pub(in crate::limit) fn unscale_rows(&self, mu: &[f64]) -> Vec<f64> {
        (0..self.d).map(|j| scale2(mu[j], -self.row_exp[j])).collect()
    }

    /// The dual variable of Z'' from that of Z (both of length d).
    pub(in crate::limit) fn scale_rows(&self, mu: &[f64]) -> Vec<f64> {
        (0..self.d).map(|j| scale2(mu[j], self.row_exp[j])).collect()
    }

    /// μ of Z'' from that of B (length r), 0 for the rows that B does not need.
    pub(in crate::limit) fn to_rows(&self, mu: &[f64]) -> Vec<f64> {
        match &self.basis {
            Basis::Rows => mu.to_vec(),
            Basis::Orthonormal(qr) => {
                let mut v = mu.to_vec();
                qr.solve_r(&mut v);
                let mut rows = vec![0.0; self.d];
                for (k, &value) in v.iter().enumerate() {
                    rows[qr.pivot[k]] = value;
                }
                rows
            }
        }
    }

    /// `y'' − Z''x''` with compensated sums, and `|Z''||x''| + |y''|`.
    pub(in crate::limit) fn residual(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        residual(&self.z, &self.y, x)
    }

    /// `x = 2^q κ⁻¹ x''`.
    pub(in crate::limit) fn unscale_x(&self, x: &[f64]) -> Vec<f64> {
        (0..self.n).map(|i| scale2(x[i], self.q - self.col_exp[i])).collect()
    }

    /// The dual variable of Z from that of B.
    pub(in crate::limit) fn unscale_mu(&self, mu: &[f64]) -> Vec<f64> {
        self.unscale_rows(&self.to_rows(mu))
    }

    /// `‖x‖₁` in the units of `y''`: `Σ |x''_i|/κ_i`.
    pub(in crate::limit) fn l1(&self, x: &[f64]) -> f64 {
        x.iter().zip(&self.kappa).map(|(x, k)| x.abs() / k).sum()
    }

    /// The factor 2^q by which `‖x‖₁` and `yᵀμ` of the scaled system are multiplied.
    pub(in crate::limit) fn unscale(&self, v: f64) -> f64 {
        scale2(v, self.q)
    }
}

/// Exponents of powers of two that bring the largest entry of every row to [1, 2), after the
/// columns where these differ by more than [`COLUMN_SPREAD`].
fn equilibrate(z: &[f64], d: usize, n: usize) -> (Vec<i32>, Vec<i32>) {
    let mut rows = vec![0; d];
    let mut cols = vec![0; n];
    let row_pass = |rows: &mut [i32], cols: &[i32]| {
        for (e, row) in rows.iter_mut().zip(z.chunks_exact(n)) {
            *e = if cols.iter().all(|c| *c == 0) {
                top_exponent(row)
            } else {
                let nonzero = row.iter().zip(cols).filter(|(v, _)| **v != 0.0);
                nonzero.map(|(v, c)| exponent(*v) - c).max().unwrap_or(0)
            };
        }
    };
    row_pass(&mut rows, &cols);
    let mut sizes = vec![None; n];
    for (&e, row) in rows.iter().zip(z.chunks_exact(n)) {
        for (size, v) in sizes.iter_mut().zip(row) {
            if *v != 0.0 {
                let entry = exponent(*v) - e;
                *size = Some(size.map_or(entry, |s: i32| s.max(entry)));
            }
        }
    }
    let low = sizes.iter().flatten().min();
    let high = sizes.iter().flatten().max();
    if let (Some(low), Some(high)) = (low, high)
        && high - low > COLUMN_SPREAD
    {
        // 2^c itself must be a number. Where columns differ by more, tiny ones stay tiny, which
        // Newton's method can bear; a square system is to have none, and its rows take what the
        // columns cannot.
        let middle = if d >= n && *low < -1000 { (low + high) / 2 } else { 0 };
        for (c, size) in cols.iter_mut().zip(&sizes) {
            *c = size.map_or(0, |s| s - middle).clamp(-1000, 1000);
        }
        row_pass(&mut rows, &cols);
    }
    (rows, cols)
}

/// Estimate of the condition number of `G = ZZᵀ` by a few steps of the power method on G and G⁻¹.
fn condition(factor: &Factor, z: &[f64], d: usize, n: usize) -> f64 {
    let start: Vec<f64> = (0..d).map(|j| 1.0 + 0.1 * ((j * 7 + 3) % 11) as f64).collect();
    let mut inverse = start.clone();
    let (mut low, mut high) = (0.0, 0.0);
    for _ in 0..6 {
        let size = norm2(&inverse);
        inverse.iter_mut().for_each(|v| *v /= size);
        factor.solve(&mut inverse);
        low = norm2(&inverse);
    }
    let mut v = start;
    let mut image = vec![0.0; n];
    for _ in 0..6 {
        let size = norm2(&v);
        v.iter_mut().for_each(|v| *v /= size);
        mul_t(z, &v, &mut image);
        mul(z, &image, &mut v);
        high = norm2(&v);
    }
    low * high
}

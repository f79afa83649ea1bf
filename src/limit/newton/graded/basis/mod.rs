//! The linear systems of Newton's method where the entries of x differ by many orders of magnitude.
//!
//! `H = Z D Zᵀ`, `D = diag(κ∘√(x²+a²))`, has a condition number like `max x / min x`: its Cholesky
//! factor in doubles knows nothing of entries below 10⁻¹⁶ of the largest. With r columns P = Z_B of
//! Z, `T = P⁻¹Z` (so that `T_B = I`) and `E = D_B`,
//! ```text
//! H = P (E + T_N D_N T_Nᵀ) Pᵀ = P E^{½} (I + W Wᵀ) E^{½} Pᵀ,     W = E^{−½} T_N D_N^{½}.
//! ```
//! Where B is a basis of (locally) largest weight, no entry of W is large: exchanging columns i ∉ B
//! and B_j multiplies `det(Z_B D_B Z_Bᵀ)` by `W_ji²`, and exchanges are made while some
//! `|W_ji| > 4`. Then I + WWᵀ is well-conditioned whatever D is, the systems with P meet no weights
//! at all, and a solution is right in each coordinate of its own size (Vavasis 1994, Hough &
//! Vavasis 1997 for weighted least squares in general).
//!
//! What T lacks of being right, `ε·cond(P)`, shows in W magnified by the root of the largest ratio
//! of two weights: T is refined with compensated sums where that is large.

use faer::linalg::solvers::{PartialPivLu, Solve};
use faer::{Mat, MatMut};

use crate::limit::newton::equations::Equations;
use crate::numerics::dense::weighted_gram::Factor;
use crate::numerics::dense::{dot, mul, mul_t};
use crate::numerics::exact::bounded_sums::dot_from;
use crate::numerics::exact::double_double::Double2;

use super::heaviest::{FLOOR, heaviest};

/// Ratios of weights beyond this ask for a refined T: `ε·10¹⁰` is the error of W.
const SPREAD: f64 = 1e20;
/// Exchanges are made while the square of an entry of W exceeds this.
const EXCHANGE: f64 = 16.0;
/// Columns of W whose squares all stay below this are left out of `I + WWᵀ`.
const NEGLIGIBLE: f64 = 1e-20;
/// Rank-one updates of T before it is computed anew.
const UPDATES: usize = 40;
/// Passes over the rows in search of exchanges, before the basis is chosen anew.
const PASSES: usize = 6;

/// A basis of the columns of Z (r×n) and the factors that belong to it.
pub(in crate::limit) struct Basis {
    r: usize,
    n: usize,
    /// The columns, length r.
    pub(in crate::limit) columns: Vec<usize>,
    /// T = P⁻¹Z, r×n row-major.
    t: Vec<f64>,
    updates: usize,
    refined: bool,
    lu: PartialPivLu<f64>,
    /// P, r×r row-major, as leading doubles and remainders (none where the equations have none).
    p: [Vec<f64>; 2],
    /// Pᵀ in the same way.
    p_transposed: [Vec<f64>; 2],
    /// E, length r, relative to the largest weight.
    e: Vec<f64>,
    /// All weights relative to the largest, length n.
    relative: Vec<f64>,
    /// The largest weight.
    largest: f64,
    normal: Factor,
    identity: bool,
    /// Whether `normal` is the factor of the present weights without growth.
    plain: bool,
}

impl Basis {
    /// A basis of large weight `D_i ≥ 0` (length n, at least one positive); `None` where Z has no r
    /// independent columns to working precision.
    pub(in crate::limit) fn new(equations: &Equations, weights: &[f64]) -> Option<Self> {
        let (r, n) = (equations.rhs.len(), weights.len());
        let columns = heaviest(&equations.high, r, weights)?;
        let mut basis = Self {
            r,
            n,
            columns,
            t: Vec::new(),
            updates: 0,
            refined: false,
            lu: Mat::<f64>::identity(r, r).partial_piv_lu(),
            p: Default::default(),
            p_transposed: Default::default(),
            e: vec![1.0; r],
            relative: Vec::new(),
            largest: 1.0,
            normal: Factor::new(r),
            identity: true,
            plain: false,
        };
        basis.factor(equations);
        basis.tabulate(equations);
        basis.weigh(equations, weights).then_some(basis)
    }

    /// P and its factors, for the present columns.
    fn factor(&mut self, equations: &Equations) {
        let (r, n, columns) = (self.r, self.n, &self.columns);
        let take = |from: &[f64]| -> [Vec<f64>; 2] {
            if from.is_empty() {
                return Default::default();
            }
            let rows = from.chunks_exact(n).flat_map(|row| columns.iter().map(|&i| row[i]));
            let straight: Vec<f64> = rows.collect();
            let turned = (0..r * r).map(|k| straight[k % r * r + k / r]).collect();
            [straight, turned]
        };
        let [high, high_transposed] = take(&equations.high);
        let [low, low_transposed] = take(&equations.low);
        self.lu = Mat::from_fn(r, r, |j, k| high[j * r + k]).partial_piv_lu();
        self.p = [high, low];
        self.p_transposed = [high_transposed, low_transposed];
    }

    /// `T = P⁻¹Z`, with the columns of the basis exactly those of the identity.
    fn tabulate(&mut self, equations: &Equations) {
        let (r, n, z) = (self.r, self.n, &equations.high);
        let mut t = Mat::from_fn(r, n, |j, i| z[j * n + i]);
        self.lu.solve_in_place(t.as_mut());
        self.t = (0..r * n).map(|p| t[(p / n, p % n)]).collect();
        if self.refined {
            self.refine(equations);
        }
        for (j, &c) in self.columns.iter().enumerate() {
            for k in 0..r {
                self.t[k * n + c] = if k == j { 1.0 } else { 0.0 };
            }
        }
        self.updates = 0;
    }

    /// `T += P⁻¹(Z − PT)`, the difference compensated.
    fn refine(&mut self, equations: &Equations) {
        let (r, n) = (self.r, self.n);
        let mut column = vec![0.0; r];
        for i in 0..n {
            for j in 0..r {
                column[j] = self.t[j * n + i];
            }
            let low = |p: usize| equations.low.get(p).copied().unwrap_or(0.0);
            let target: Vec<(f64, f64)> =
                (0..r).map(|j| (equations.high[j * n + i], low(j * n + i))).collect();
            let mut rest = self.rest(&target, &column);
            self.solve_p(&mut rest);
            for j in 0..r {
                self.t[j * n + i] += rest[j];
            }
        }
    }

    /// Takes other weights and exchanges columns; [`Basis::form`] comes next. `false` where that is
    /// not possible.
    pub(in crate::limit) fn weigh(&mut self, equations: &Equations, weights: &[f64]) -> bool {
        let z = &equations.high;
        let largest = weights.iter().fold(0.0_f64, |m, w| m.max(*w));
        if !(largest > 0.0 && largest.is_finite()) {
            return false;
        }
        let relative: Vec<f64> = weights.iter().map(|w| (w / largest).max(FLOOR)).collect();
        let mut moved = 0;
        let mut settled = false;
        for _ in 0..PASSES {
            let exchanged = self.exchange(&relative);
            moved += exchanged;
            if exchanged == 0 {
                settled = true;
                break;
            }
            if self.updates > UPDATES {
                self.factor(equations);
                self.tabulate(equations);
            }
        }
        if !settled {
            let Some(columns) = heaviest(z, self.r, weights) else { return false };
            self.columns = columns;
            self.factor(equations);
            self.tabulate(equations);
            self.exchange(&relative);
            moved = 1;
        }
        if moved > 0 {
            self.factor(equations);
        }
        self.plain = false;
        self.largest = largest;
        for (e, &c) in self.e.iter_mut().zip(&self.columns) {
            *e = relative[c];
        }
        let spread = self.e.iter().any(|e| *e < 1.0 / SPREAD);
        if spread && (moved > 0 || !self.refined) {
            self.refined = true;
            self.tabulate(equations);
        }
        self.relative = relative;
        true
    }

    /// One pass of exchanges over the rows; how many were made.
    fn exchange(&mut self, relative: &[f64]) -> usize {
        let n = self.n;
        let mut made = 0;
        for j in 0..self.r {
            let e = 1.0 / relative[self.columns[j]];
            let row = &self.t[j * n..(j + 1) * n];
            let mut best = (EXCHANGE, None);
            for i in 0..n {
                let square = row[i] * row[i] * (relative[i] * e);
                if square > best.0 {
                    best = (square, Some(i));
                }
            }
            if let Some(i) = best.1 {
                self.pivot(j, i);
                made += 1;
            }
        }
        made
    }

    /// Column i takes the place of the j-th of the basis: one step of Gauss and Jordan.
    fn pivot(&mut self, j: usize, i: usize) {
        let n = self.n;
        let pivot = self.t[j * n + i];
        let mut row: Vec<f64> = self.t[j * n..(j + 1) * n].iter().map(|v| v / pivot).collect();
        row[i] = 1.0;
        for k in (0..self.r).filter(|k| *k != j) {
            let factor = self.t[k * n + i];
            if factor != 0.0 {
                let target = &mut self.t[k * n..(k + 1) * n];
                for (t, v) in target.iter_mut().zip(&row) {
                    *t -= factor * v;
                }
                target[i] = 0.0;
            }
        }
        self.t[j * n..(j + 1) * n].copy_from_slice(&row);
        self.columns[j] = i;
        self.updates += 1;
    }

    /// Factors `I + WWᵀ` with E multiplied by `growth` (length r, at least 1): a ridge of its own
    /// for each coordinate.
    pub(in crate::limit) fn form(&mut self, growth: &[f64]) -> bool {
        let plain = growth.iter().all(|g| *g == 1.0);
        if plain && self.plain {
            return true;
        }
        self.plain = false;
        let (r, n) = (self.r, self.n);
        let relative = &self.relative;
        for j in 0..r {
            self.e[j] = relative[self.columns[j]] * growth[j];
        }
        let mut basic = vec![false; n];
        self.columns.iter().for_each(|&c| basic[c] = true);
        let root: Vec<f64> = relative.iter().map(|w| w.sqrt()).collect();
        let inverse: Vec<f64> = self.e.iter().map(|e| 1.0 / e.sqrt()).collect();
        let mut largest = vec![0.0_f64; n];
        for j in 0..r {
            let row = &self.t[j * n..(j + 1) * n];
            for i in 0..n {
                let w = row[i] * root[i] * inverse[j];
                largest[i] = largest[i].max(w * w);
            }
        }
        let active: Vec<usize> = (0..n).filter(|&i| !basic[i] && largest[i] > NEGLIGIBLE).collect();
        self.identity = active.is_empty();
        if self.identity {
            self.plain = plain;
            return true;
        }
        // The columns of the basis themselves are the I.
        let k = active.len() + r;
        let mut packed = vec![0.0; r * k];
        for j in 0..r {
            let (row, out) = (&self.t[j * n..(j + 1) * n], &mut packed[j * k..(j + 1) * k]);
            for (o, &i) in out.iter_mut().zip(&active) {
                *o = row[i] * root[i] * inverse[j];
            }
            out[active.len() + j] = 1.0;
        }
        let formed = self.normal.build(&packed, &vec![1.0; k], 0.0, 0.0);
        self.plain = plain && formed;
        formed
    }

    /// `P⁻¹v` with `v = hi + lo` (each length r): right in every coordinate of its own size, down
    /// to twice the working precision of the largest.
    pub(in crate::limit) fn coordinates(&self, v: &[(f64, f64)]) -> Vec<f64> {
        let mut out: Vec<f64> = v.iter().map(|p| p.0).collect();
        self.solve_p(&mut out);
        for _ in 0..3 {
            let mut rest = self.rest(v, &out);
            if rest.iter().all(|v| *v == 0.0) {
                break;
            }
            self.solve_p(&mut rest);
            out.iter_mut().zip(&rest).for_each(|(o, r)| *o += r);
        }
        out
    }

    /// `v − P c`, compensated.
    fn rest(&self, v: &[(f64, f64)], c: &[f64]) -> Vec<f64> {
        let minus: Vec<f64> = c.iter().map(|c| -c).collect();
        let [high, low] = &self.p;
        // Where nothing is to be met there are no rows.
        let r = self.r.max(1);
        let mut low = low.chunks_exact(r);
        high.chunks_exact(r)
            .zip(v)
            .map(|(row, v)| {
                let sum = dot_from(v.0, row, &minus);
                sum.hi + (sum.lo + v.1 + low.next().map_or(0.0, |low| dot(low, &minus)))
            })
            .collect()
    }

    fn solve_p(&self, v: &mut [f64]) {
        let r = self.r;
        self.lu.solve_in_place(MatMut::from_column_major_slice_mut(v, r, 1));
    }

    /// `P⁻ᵀδ`, from the coordinates of the basis to those of the rows, with twice the precision: a
    /// step of 100 along a coordinate of no weight must not move those of the largest by `100ε`.
    pub(in crate::limit) fn to_rows(&self, delta: &[f64]) -> Vec<Double2> {
        let r = self.r;
        let solve = |v: &mut [f64]| {
            self.lu.solve_transpose_in_place(MatMut::from_column_major_slice_mut(v, r, 1));
        };
        let mut out = vec![Double2::ZERO; r];
        let mut rest = delta.to_vec();
        let [high, low] = &self.p_transposed;
        for round in 0..3 {
            solve(&mut rest);
            out.iter_mut().zip(&rest).for_each(|(o, v)| *o = o.plus_f64(*v));
            if round == 2 {
                break;
            }
            let minus: Vec<f64> = out.iter().map(|v| -v.hi).collect();
            let minus_low: Vec<f64> = out.iter().map(|v| -v.lo).collect();
            let mut low = low.chunks_exact(r.max(1));
            let columns = high.chunks_exact(r.max(1));
            for ((rest, delta), column) in rest.iter_mut().zip(delta).zip(columns) {
                let sum = dot_from(*delta, column, &minus);
                let tail = low.next().map_or(0.0, |low| dot(low, &minus));
                *rest = sum.hi + (sum.lo + dot(column, &minus_low) + tail);
            }
        }
        out
    }

    /// `Tv` for v of length n.
    pub(in crate::limit) fn combine(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.r];
        mul(&self.t, v, &mut out);
        out
    }

    /// `Tᵀδ` for δ of length r, in the coordinates of the basis.
    pub(in crate::limit) fn slopes(&self, delta: &[f64], out: &mut [f64]) {
        mul_t(&self.t, delta, out);
    }

    /// `v ← (E + T_N D_N T_Nᵀ)⁻¹ v`, E and D in their own units.
    pub(in crate::limit) fn solve(&self, v: &mut [f64]) {
        for (v, e) in v.iter_mut().zip(&self.e) {
            *v /= e.sqrt();
        }
        if !self.identity {
            self.normal.solve(v);
        }
        for (v, e) in v.iter_mut().zip(&self.e) {
            *v /= e.sqrt() * self.largest;
        }
    }
}

#[cfg(test)]
mod tests;

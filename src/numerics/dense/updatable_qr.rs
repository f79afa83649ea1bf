//! The active set of the homotopy: `Z_S = QR`, kept under columns that come and go.
//!
//! With signs `s` of the active correlations the two vectors that span every residual of a segment
//! are `p = y − QQᵀy` and `u = Z_S(Z_SᵀZ_S)⁻¹s = Qw`, `w = R⁻ᵀs`: at correlation level C the
//! residual is `y − Zx = p + C·u` and the coefficients are `x_S = R⁻¹(Qᵀy) − C·R⁻¹w`. Each is a
//! function of `(S, s)` alone, so errors do not add up along the path. A column that joins adds one
//! direction q: `p ← p − q(qᵀp)`, `u ← u + w_k q`; one that leaves takes the last direction with
//! it, after plane rotations have moved its part of the span there.
//!
//! QR and not the Cholesky factor of `Z_SᵀZ_S`: spectra have condition numbers whose square is
//! beyond 1/ε. Orthogonalization is classical Gram–Schmidt, repeated when more than half of the
//! squared norm was removed (Daniel, Gragg, Kaufman & Stewart 1976), which keeps Q orthonormal to
//! ε.

use super::rows::{add_rows, axpy, axpy_pair, dot, rotate};

/// A column split along the span of the active ones and across it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Split {
    /// `Qᵀz`, length k.
    pub(crate) along: Vec<f64>,
    /// The unit direction of what is left, length d.
    pub(crate) across: Vec<f64>,
    /// Norm of what is left.
    pub(crate) rho: f64,
}

/// Active columns `S` with signs `s` and the factorization `Z_S = QR`.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    d: usize,
    /// Most columns the factorization can hold, min(d, n).
    capacity: usize,
    /// Active columns, in the order of the columns of R.
    pub(crate) columns: Vec<usize>,
    /// Their signs, ±1.
    pub(crate) signs: Vec<f64>,
    /// k×d row-major: the columns of Q, one after the other.
    q: Vec<f64>,
    /// Column j of R in its first j+1 entries.
    r: Vec<Vec<f64>>,
    /// `Qᵀy`, length k.
    qty: Vec<f64>,
    /// `w = R⁻ᵀs`, length k.
    w: Vec<f64>,
    /// `p`, length d.
    pub(crate) p: Vec<f64>,
    /// `u`, length d.
    pub(crate) u: Vec<f64>,
}

impl Active {
    pub(crate) fn new(y: &[f64], capacity: usize) -> Self {
        Self {
            d: y.len(),
            capacity,
            columns: Vec::new(),
            signs: Vec::new(),
            q: Vec::new(),
            r: Vec::new(),
            qty: Vec::new(),
            w: Vec::new(),
            p: y.to_vec(),
            u: vec![0.0; y.len()],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == self.capacity
    }

    /// Splits the column `z`; `false` when nothing but rounding is left across the span.
    pub(crate) fn split(&self, z: &[f64], norm: f64, out: &mut Split) -> bool {
        let k = self.len();
        out.along.clear();
        out.along.resize(k, 0.0);
        out.across.clear();
        out.across.extend_from_slice(z);
        out.rho = norm;
        if self.is_full() || norm == 0.0 {
            return false;
        }
        let mut minus = vec![0.0; k];
        let mut before = norm;
        // Twice is enough; the third round only finds a column inside the span.
        for _ in 0..3 {
            if k == 0 {
                break;
            }
            for (m, row) in minus.iter_mut().zip(self.q.chunks_exact(self.d)) {
                *m = -dot(row, &out.across);
            }
            add_rows(&self.q, self.d, &minus, &mut out.across);
            for (h, m) in out.along.iter_mut().zip(&minus) {
                *h -= m;
            }
            out.rho = dot(&out.across, &out.across).sqrt();
            if out.rho > std::f64::consts::FRAC_1_SQRT_2 * before {
                break;
            }
            before = out.rho;
        }
        // Rounding of the two products leaves at most about √d·ε·‖z‖ of a column inside the span;
        // 16 covers the constant.
        if out.rho <= 16.0 * (self.d as f64).sqrt() * f64::EPSILON * norm {
            return false;
        }
        let scale = 1.0 / out.rho;
        out.across.iter_mut().for_each(|x| *x *= scale);
        true
    }

    /// Adds column `j` with its sign, split beforehand against this very set.
    pub(crate) fn join(&mut self, j: usize, sign: f64, split: &Split) {
        let q = &split.across;
        let w = (sign - dot(&split.along, &self.w)) / split.rho;
        let qty = dot(q, &self.p);
        self.w.push(w);
        self.qty.push(qty);
        axpy(-qty, q, &mut self.p);
        axpy(w, q, &mut self.u);
        self.q.extend_from_slice(q);
        let mut column = Vec::with_capacity(self.len() + 1);
        column.extend_from_slice(&split.along);
        column.push(split.rho);
        self.r.push(column);
        self.columns.push(j);
        self.signs.push(sign);
        if self.len() == self.d {
            // The span is everything: what is left of p is rounding.
            self.p.fill(0.0);
        }
    }

    /// Removes the column at `position`; returns which column it was.
    pub(crate) fn leave(&mut self, position: usize) -> usize {
        let (k, d) = (self.len(), self.d);
        let gone = self.columns.remove(position);
        self.signs.remove(position);
        self.r.remove(position);
        // Column j ≥ position of the shortened R is Hessenberg: rotate rows (i, i+1) away.
        let mut rotations: Vec<(f64, f64)> = Vec::with_capacity(k - position);
        for column in &mut self.r[position..] {
            for (i, &(c, s)) in rotations.iter().enumerate() {
                let (a, b) = (column[position + i], column[position + i + 1]);
                column[position + i] = c * a + s * b;
                column[position + i + 1] = c * b - s * a;
            }
            let last = column.len() - 1;
            let (a, b) = (column[last - 1], column[last]);
            let length = a.hypot(b);
            let (c, s) = if length == 0.0 { (1.0, 0.0) } else { (a / length, b / length) };
            column[last - 1] = length;
            column.pop();
            rotations.push((c, s));
        }
        for (i, &(c, s)) in rotations.iter().enumerate() {
            let row = position + i;
            let (upper, lower) = self.q[row * d..(row + 2) * d].split_at_mut(d);
            rotate(c, s, upper, lower);
            for v in [&mut self.w, &mut self.qty] {
                let (a, b) = (v[row], v[row + 1]);
                v[row] = c * a + s * b;
                v[row + 1] = c * b - s * a;
            }
        }
        let q = &self.q[(k - 1) * d..];
        let (w, qty) = (self.w[k - 1], self.qty[k - 1]);
        axpy(qty, q, &mut self.p);
        axpy(-w, q, &mut self.u);
        self.w.pop();
        self.qty.pop();
        self.q.truncate((k - 1) * d);
        gone
    }

    /// `x_S(C) = end − C·slope`: `end = R⁻¹Qᵀy` and `slope = R⁻¹w`.
    pub(crate) fn solve(&self, end: &mut Vec<f64>, slope: &mut Vec<f64>) {
        end.clone_from(&self.qty);
        slope.clone_from(&self.w);
        for (j, column) in self.r.iter().enumerate().rev() {
            let pivot = column[j];
            let (e, s) = (end[j] / pivot, slope[j] / pivot);
            end[j] = e;
            slope[j] = s;
            axpy_pair(&column[..j], -e, &mut end[..j], -s, &mut slope[..j]);
        }
    }

    /// `R⁻¹(Qᵀy − C·w)`.
    pub(crate) fn solve_at(&self, level: f64) -> Vec<f64> {
        let mut b: Vec<f64> = self.qty.iter().zip(&self.w).map(|(q, w)| q - level * w).collect();
        self.solve_upper(&mut b);
        b
    }

    /// Solves `R v = b` in place.
    pub(crate) fn solve_upper(&self, b: &mut [f64]) {
        for (j, column) in self.r.iter().enumerate().rev() {
            b[j] /= column[j];
            let x = b[j];
            axpy(-x, &column[..j], &mut b[..j]);
        }
    }

    /// Solves `Rᵀ v = b` in place.
    pub(crate) fn solve_lower(&self, b: &mut [f64]) {
        for (j, column) in self.r.iter().enumerate() {
            b[j] = (b[j] - dot(&column[..j], &b[..j])) / column[j];
        }
    }

    /// `Qᵀv` (length k) of a vector of length d.
    pub(crate) fn coordinates(&self, v: &[f64]) -> Vec<f64> {
        self.q.chunks_exact(self.d).map(|row| dot(row, v)).collect()
    }

    /// `out += Q c`.
    pub(crate) fn add_combination(&self, c: &[f64], out: &mut [f64]) {
        add_rows(&self.q, self.d, c, out);
    }

    /// `R⁻¹Qᵀ`, k×d row-major: the inverse of `Z_S` when k = d, a left inverse always.
    pub(crate) fn left_inverse(&self) -> Vec<f64> {
        let (k, d) = (self.len(), self.d);
        let mut rows = self.q.clone();
        let mut weights = Vec::new();
        for i in (0..k).rev() {
            // Row i of R right of the diagonal, then backward substitution on whole rows.
            weights.clear();
            weights.extend(self.r[i + 1..].iter().map(|column| -column[i]));
            let (upper, lower) = rows.split_at_mut((i + 1) * d);
            let row = &mut upper[i * d..];
            add_rows(lower, d, &weights, row);
            let pivot = self.r[i][i];
            row.iter_mut().for_each(|v| *v /= pivot);
        }
        rows
    }

    /// The newest direction of Q (empty for an empty set).
    pub(crate) fn newest(&self) -> &[f64] {
        let k = self.len();
        &self.q[k.saturating_sub(1) * self.d..k * self.d]
    }
}

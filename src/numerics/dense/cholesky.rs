//! Cholesky factorization `H = UᵀU` of a symmetric positive definite matrix, and solves with it.
//!
//! `U` is kept row-major, padded with the identity to a multiple of 8. Up to d = 192 the factor is
//! computed here: 8 rows at a time receive all earlier rows (a small matrix product in registers)
//! and are then eliminated among themselves, 8 columns at a time. Beyond, `faer` factors.
//! Backward stable without pivoting (Higham, *Accuracy and Stability*, theorem 10.3).

use faer::{
    MatMut, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::cholesky::llt::factor::{
        LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
    },
};

use super::dot;
use crate::numerics::simd::{Isa, LANES, kernel};

/// Dimension up to which the factor is computed here.
const SMALL: usize = 192;
/// Parallel tasks into which `faer` divides a factorization: fixed, so that the bits do not depend
/// on the number of threads that carry them out.
const TASKS: usize = 8;
/// Dimension from which threads pay.
const PARALLEL: usize = 768;

/// Workspace for factorizations `H = UᵀU` of one dimension, and the last factor.
///
/// ```
/// use mirrorflow::numerics::dense::cholesky::Cholesky;
///
/// let mut cholesky = Cholesky::new(2);
/// assert!(cholesky.factor(&[4.0, 2.0, 2.0, 3.0]));
/// let mut b = [8.0, 7.0];
/// cholesky.solve(&mut b);
/// assert!((b[0] - 1.25).abs() < 1e-15 && (b[1] - 1.5).abs() < 1e-15);
/// assert!(!cholesky.factor(&[1.0, 2.0, 2.0, 1.0])); // indefinite
/// ```
#[derive(Debug, Clone)]
pub struct Cholesky {
    d: usize,
    /// d padded to a multiple of 8: rows of `upper` are this far apart.
    stride: usize,
    /// `U` on and above the diagonal; what stands below is not used.
    upper: Vec<f64>,
    /// `1/U_ii`.
    inverse_diagonal: Vec<f64>,
}

impl Cholesky {
    /// Room for d×d matrices.
    pub fn new(d: usize) -> Self {
        let stride = d.next_multiple_of(LANES);
        let (upper, inverse_diagonal) = (vec![0.0; stride * stride], vec![1.0; stride]);
        Self { d, stride, upper, inverse_diagonal }
    }

    /// Dimension d.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// Smallest and largest pivot `U_ii²` of the last factor: their ratio bounds the condition
    /// number from below.
    pub(crate) fn pivots(&self) -> (f64, f64) {
        self.inverse_diagonal[..self.d].iter().fold((f64::INFINITY, 0.0), |(low, high), v| {
            let pivot = 1.0 / (v * v);
            (pivot.min(low), pivot.max(high))
        })
    }

    /// Factors `h` (d×d, row-major, symmetric; the upper triangle is read). False when a pivot is
    /// not positive and finite, hence whenever `h` is clearly not positive definite or has a NaN,
    /// and when `h` has not d² entries; the factor is then of no use.
    #[must_use]
    pub fn factor(&mut self, h: &[f64]) -> bool {
        let d = self.d;
        if h.len() != d * d {
            return false;
        }
        for (i, row) in self.upper.chunks_exact_mut(self.stride.max(1)).enumerate() {
            if i < d {
                row[i..d].copy_from_slice(&h[i * d + i..(i + 1) * d]);
                row[d..].fill(0.0);
            } else {
                row.fill(0.0);
                row[i] = 1.0;
            }
        }
        if d <= SMALL {
            return factor_kernel(&mut self.upper, &mut self.inverse_diagonal, self.stride);
        }
        self.factor_blocked()
    }

    /// The row-major upper triangle is the column-major lower one, which `faer` factors in place.
    fn factor_blocked(&mut self) -> bool {
        let (d, params) = (self.d, faer::Spec::<LltParams, f64>::default());
        let request = cholesky_in_place_scratch::<f64>(d, parallel(d), params);
        let mut memory = MemBuffer::new(request);
        let lower =
            MatMut::from_column_major_slice_with_stride_mut(&mut self.upper, d, d, self.stride);
        let done = cholesky_in_place(
            lower,
            LltRegularization::default(),
            parallel(d),
            MemStack::new(&mut memory),
            params,
        )
        .is_ok();
        for i in 0..d {
            let root = self.upper[i * self.stride + i];
            if !(root > 0.0 && root.is_finite()) {
                return false;
            }
            self.inverse_diagonal[i] = 1.0 / root;
        }
        done
    }

    /// `b ← H⁻¹ b`, after a [`Cholesky::factor`] that returned true.
    ///
    /// # Panics
    /// When `b.len() ≠ d`.
    pub fn solve(&self, b: &mut [f64]) {
        let d = self.d;
        assert_eq!(b.len(), d, "the right side has {} entries, expected {d}", b.len());
        if d == self.stride {
            solve_kernel(&self.upper, &self.inverse_diagonal, d, b);
            return;
        }
        let mut on_stack = [0.0; SMALL];
        let mut on_heap = Vec::new();
        let padded = match on_stack.get_mut(..self.stride) {
            Some(padded) => padded,
            None => {
                on_heap.resize(self.stride, 0.0);
                &mut on_heap[..]
            }
        };
        padded[..d].copy_from_slice(b);
        solve_kernel(&self.upper, &self.inverse_diagonal, self.stride, padded);
        b.copy_from_slice(&padded[..d]);
    }

    /// `bᵀ H⁻¹ b`, the squared Newton decrement of a gradient `b`.
    ///
    /// # Panics
    /// When `b.len() ≠ d`.
    pub fn inverse_norm_squared(&self, b: &[f64]) -> f64 {
        let mut x = b.to_vec();
        self.solve(&mut x);
        dot(b, &x)
    }
}

fn parallel(d: usize) -> Par {
    if d < PARALLEL { Par::Seq } else { Par::rayon(TASKS) }
}

kernel!(fn factor_kernel(u: &mut [f64], inverse_diagonal: &mut [f64], n: usize) -> bool
    = factor_body);
kernel!(fn solve_kernel(u: &[f64], inverse_diagonal: &[f64], n: usize, b: &mut [f64])
    = solve_body);

/// `H → U` in place, n a multiple of 8.
#[inline(always)]
fn factor_body<I: Isa>(u: &mut [f64], inverse_diagonal: &mut [f64], n: usize) -> bool {
    for first in (0..n).step_by(LANES) {
        let (done, rows) = u.split_at_mut(first * n);
        let rows = &mut rows[..LANES * n];
        // Eliminate within the diagonal block: triangle[q][r] = U_{first+q, first+r}.
        let mut block = update::<I>(done, rows, n, first, first);
        let mut triangle = [[0.0; LANES]; LANES];
        let mut inverse = [0.0; LANES];
        for q in 0..LANES {
            let pivot = I::lanes(block[q])[q];
            if !(pivot > 0.0 && pivot < f64::INFINITY) {
                return false;
            }
            inverse[q] = 1.0 / pivot.sqrt();
            block[q] = I::mul(block[q], I::splat(inverse[q]));
            triangle[q] = I::lanes(block[q]);
            for r in q + 1..LANES {
                block[r] = I::neg_mul_add(I::splat(triangle[q][r]), block[q], block[r]);
            }
            I::store(block[q], &mut rows[q * n + first..]);
        }
        inverse_diagonal[first..first + LANES].copy_from_slice(&inverse);
        for column in (first + LANES..n).step_by(LANES) {
            let mut block = update::<I>(done, rows, n, first, column);
            for q in 0..LANES {
                block[q] = I::mul(block[q], I::splat(inverse[q]));
                for r in q + 1..LANES {
                    block[r] = I::neg_mul_add(I::splat(triangle[q][r]), block[q], block[r]);
                }
                I::store(block[q], &mut rows[q * n + column..]);
            }
        }
    }
    true
}

/// The 8×8 block of rows `first..` and columns `column..` minus `Σ_k U_{k,row} U_{k,column}` over
/// the finished rows k.
#[inline(always)]
fn update<I: Isa>(
    done: &[f64],
    rows: &[f64],
    n: usize,
    first: usize,
    column: usize,
) -> [I::V; LANES] {
    let mut block: [I::V; LANES] =
        std::array::from_fn(|r| I::load(&rows[r * n + column..r * n + column + LANES]));
    for finished in done.chunks_exact(n) {
        let right = I::load(&finished[column..column + LANES]);
        let left = &finished[first..first + LANES];
        for r in 0..LANES {
            block[r] = I::neg_mul_add(I::splat(left[r]), right, block[r]);
        }
    }
    block
}

/// `Uᵀ(Ux) = b`, in place, n a multiple of 8.
#[inline(always)]
fn solve_body<I: Isa>(u: &[f64], inverse_diagonal: &[f64], n: usize, b: &mut [f64]) {
    // Uᵀ z = b: block by block, each passed on to all later entries.
    for first in (0..n).step_by(LANES) {
        let rows = &u[first * n..(first + LANES) * n];
        let mut head = I::load(&b[first..]);
        let mut z = [0.0; LANES];
        for q in 0..LANES {
            z[q] = I::lanes(head)[q] * inverse_diagonal[first + q];
            // Entries before q are rewritten by numbers that nothing reads.
            head = I::neg_mul_add(I::splat(z[q]), I::load(&rows[q * n + first..]), head);
        }
        b[first..first + LANES].copy_from_slice(&z);
        let wide = z.map(I::splat);
        for column in (first + LANES..n).step_by(LANES) {
            let mut tail = I::load(&b[column..]);
            for q in 0..LANES {
                tail = I::neg_mul_add(wide[q], I::load(&rows[q * n + column..]), tail);
            }
            I::store(tail, &mut b[column..]);
        }
    }
    // U x = z: block by block from the end.
    for first in (0..n).step_by(LANES).rev() {
        let rows = &u[first * n..(first + LANES) * n];
        let mut sums = [I::splat(0.0); LANES];
        for column in (first + LANES..n).step_by(LANES) {
            let x = I::load(&b[column..]);
            for q in 0..LANES {
                sums[q] = I::mul_add(I::load(&rows[q * n + column..]), x, sums[q]);
            }
        }
        for q in (0..LANES).rev() {
            let mut rest = b[first + q] - I::sum(sums[q]);
            for r in q + 1..LANES {
                rest = I::fma(-rows[q * n + first + r], b[first + r], rest);
            }
            b[first + q] = rest * inverse_diagonal[first + q];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `GGᵀ + I/10` for a fixed pseudo-random G: positive definite, no structure.
    fn definite(d: usize) -> Vec<f64> {
        let g: Vec<f64> = (0..d * d).map(|k| ((k * k + 7 * k) as f64).sin()).collect();
        let mut h = vec![0.0; d * d];
        crate::numerics::dense::gram_weighted(&g, d, d, &vec![1.0; d], &mut h);
        for i in 0..d {
            h[i * d + i] += 0.1;
        }
        h
    }

    /// Backward error of a Cholesky solve: `|b − Hx| ≤ γ |Uᵀ||U||x|`, γ ≈ (3d+1)u, and
    /// `(|Uᵀ||U|)_ij ≤ √(H_ii H_jj)` (Higham, theorem 10.4 and its proof); doubled for the
    /// roundings of the check itself.
    fn check(d: usize, h: &[f64], cholesky: &mut Cholesky) {
        assert!(cholesky.factor(h), "d = {d}");
        let b: Vec<f64> = (0..d).map(|i| (i as f64 + 1.0).cos()).collect();
        let mut x = b.clone();
        cholesky.solve(&mut x);
        let scaled: f64 = (0..d).map(|j| h[j * d + j].sqrt() * x[j].abs()).sum();
        for i in 0..d {
            let hx = crate::numerics::dense::dot(&h[i * d..(i + 1) * d], &x);
            let bound = (6 * d + 2) as f64 * f64::EPSILON / 2.0 * h[i * d + i].sqrt() * scaled;
            assert!((hx - b[i]).abs() <= bound, "d = {d}: {} > {bound}", (hx - b[i]).abs());
        }
    }

    #[test]
    fn solves_in_every_dimension() {
        for d in (1..=40).chain([63, 64, 65, 100, 128, 191, 192, 193, 200]) {
            let h = definite(d);
            let mut cholesky = Cholesky::new(d);
            check(d, &h, &mut cholesky);
            // The workspace is reusable, and scale does not matter.
            for scale in [2.0_f64.powi(-900), 2.0_f64.powi(900)] {
                let scaled: Vec<f64> = h.iter().map(|e| e * scale).collect();
                check(d, &scaled, &mut cholesky);
            }
        }
    }

    #[test]
    fn refuses_what_is_not_positive_definite() {
        for d in [1, 5, 8, 20, 192, 200] {
            let good = definite(d);
            let mut cholesky = Cholesky::new(d);
            for at in [0, d / 2, d - 1] {
                for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
                    let mut h = good.clone();
                    h[at * d + at] = bad;
                    assert!(!cholesky.factor(&h), "d = {d}, H[{at},{at}] = {bad}");
                }
            }
            assert!(cholesky.factor(&good));
        }
        let mut cholesky = Cholesky::new(2);
        assert!(!cholesky.factor(&[1.0, 2.0, 2.0, 1.0]), "indefinite");
        assert!(!cholesky.factor(&[1.0, 1.0, 1.0, 1.0]), "singular");
        assert!(!cholesky.factor(&[1.0]), "not 2×2");
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let d = PARALLEL;
        let h = definite(d);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut cholesky = Cholesky::new(d);
                assert!(cholesky.factor(&h));
                let mut x = vec![1.0; d];
                cholesky.solve(&mut x);
                x
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
    }

    #[test]
    fn the_empty_system_has_the_empty_solution() {
        let mut cholesky = Cholesky::new(0);
        assert!(cholesky.factor(&[]));
        cholesky.solve(&mut []);
    }
}

//! The weighted Gram matrix `H = B diag(ω) Bᵀ` of `B` (r×n, row-major) and its Cholesky factor.
//!
//! Every product is split over the *output*, never over the summation index, and each part is
//! sequential: the bits do not depend on the number of threads.

use faer::linalg::cholesky::llt::factor as llt;
use faer::linalg::matmul::{self, triangular::BlockStructure};
use faer::linalg::triangular_solve;
use faer::prelude::default;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::norms::norm_inf;

/// Rows of `H` computed as one task.
const TILE: usize = 48;
/// Below this many multiplications a Gram matrix is faster on one thread.
const PARALLEL_FROM: usize = 1 << 22;

/// `H = B diag(ω) Bᵀ + ρI` with its Cholesky factor, and the room both need.
pub(crate) struct Factor {
    r: usize,
    scaled: Vec<f64>,
    gram: Vec<f64>,
    factor: Mat<f64>,
    stack: faer::dyn_stack::MemBuffer,
    /// The ridge ρ that was added, relative to `trace(H)/r`.
    pub(crate) ridge: f64,
    /// The ridge ρ itself.
    pub(crate) shift: f64,
}

impl Factor {
    /// Room for r×r.
    pub(crate) fn new(r: usize) -> Self {
        let scratch = llt::cholesky_in_place_scratch::<f64>(r, Par::Seq, default());
        Self {
            r,
            scaled: Vec::new(),
            gram: vec![0.0; r * r],
            factor: Mat::zeros(r, r),
            stack: faer::dyn_stack::MemBuffer::new(scratch),
            ridge: 0.0,
            shift: 0.0,
        }
    }

    /// Forms and factors `B diag(ω) Bᵀ + ρI`. Columns with `ω_i ≤ drop·max ω` are left out: their
    /// sum changes H by less than the ridge. The ridge starts at `ridge·trace/r` and grows tenfold
    /// until the factor exists; `false` when it never does (weights zero or not finite).
    pub(crate) fn build(&mut self, b: &[f64], omega: &[f64], drop: f64, ridge: f64) -> bool {
        let (r, n) = (self.r, omega.len());
        // No equation is left where all of Z is zero.
        if r == 0 {
            (self.ridge, self.shift) = (0.0, 0.0);
            return true;
        }
        let largest = norm_inf(omega);
        if !(largest > 0.0 && largest.is_finite()) {
            return false;
        }
        let active: Vec<usize> = (0..n).filter(|&i| omega[i] > drop * largest).collect();
        let k = active.len();
        // H is formed for ω/max ω and the factor rescaled by the caller's right sides: no overflow.
        let root: Vec<f64> = active.iter().map(|&i| (omega[i] / largest).sqrt()).collect();
        self.scaled.resize(r * k, 0.0);
        let pack = |(row, out): (&[f64], &mut [f64])| {
            if k == n {
                for i in 0..n {
                    out[i] = row[i] * root[i];
                }
            } else {
                for (o, (&i, w)) in out.iter_mut().zip(active.iter().zip(&root)) {
                    *o = row[i] * w;
                }
            }
        };
        let parallel = r * r * k >= PARALLEL_FROM;
        if parallel {
            b.par_chunks(n).zip(self.scaled.par_chunks_mut(k)).for_each(pack);
        } else {
            b.chunks(n).zip(self.scaled.chunks_mut(k)).for_each(pack);
        }
        let scaled = &self.scaled[..r * k];
        // Row-major lower triangle, a band of rows per task.
        let band = |(t, rows): (usize, &mut [f64])| {
            let (first, height) = (t * TILE, rows.len() / r);
            let left =
                MatRef::from_row_major_slice(&scaled[first * k..(first + height) * k], height, k);
            let (before, square) =
                MatMut::from_row_major_slice_mut(rows, height, r).split_at_col_mut(first);
            if first > 0 {
                let right = MatRef::from_column_major_slice(&scaled[..first * k], k, first);
                matmul::matmul(before, Accum::Replace, left, right, 1.0, Par::Seq);
            }
            matmul::triangular::matmul(
                square.subcols_mut(0, height),
                BlockStructure::TriangularLower,
                Accum::Replace,
                left,
                BlockStructure::Rectangular,
                left.transpose(),
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
        };
        if parallel {
            self.gram.par_chunks_mut(TILE * r).enumerate().for_each(band);
        } else {
            self.gram.chunks_mut(TILE * r).enumerate().for_each(band);
        }
        let mean = (0..r).map(|j| self.gram[j * r + j]).sum::<f64>() / r as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return false;
        }
        self.ridge = ridge;
        // From 1e-15 to 1: at most 16 tries.
        for _ in 0..16 {
            self.shift = largest * self.ridge * mean;
            for j in 0..r {
                for i in j..r {
                    self.factor[(i, j)] = largest * self.gram[i * r + j];
                }
                self.factor[(j, j)] += self.shift;
            }
            let done = llt::cholesky_in_place(
                self.factor.as_mut(),
                default(),
                Par::Seq,
                faer::dyn_stack::MemStack::new(&mut self.stack),
                default(),
            );
            if done.is_ok() {
                return true;
            }
            self.ridge = (self.ridge * 10.0).max(f64::EPSILON);
        }
        false
    }

    /// `v ← H⁻¹ v`.
    pub(crate) fn solve(&self, v: &mut [f64]) {
        let r = self.r;
        if r == 0 {
            return;
        }
        let mut v = MatMut::from_column_major_slice_mut(v, r, 1);
        let l = self.factor.as_ref();
        triangular_solve::solve_lower_triangular_in_place(l, v.as_mut(), Par::Seq);
        triangular_solve::solve_upper_triangular_in_place(l.transpose(), v.as_mut(), Par::Seq);
    }

    /// Smallest and largest diagonal entry of the factor, squared: their ratio bounds the condition
    /// number of H from below.
    pub(crate) fn pivots(&self) -> (f64, f64) {
        (0..self.r).fold((f64::INFINITY, 0.0_f64), |(lo, hi), j| {
            let p = self.factor[(j, j)] * self.factor[(j, j)];
            (lo.min(p), hi.max(p))
        })
    }
}

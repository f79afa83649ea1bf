//! The rank-revealing QR of `Aᵀ`, by Householder reflections with column pivoting; sequential, so
//! that the bits do not depend on the number of threads.

use faer::linalg::{householder, qr};
use faer::prelude::default;
use faer::{Conj, Mat, MatRef, Par};

/// `Aᵀ Π = Q R` with column pivoting for `A` (d×n, row-major).
pub(crate) struct PivotedQr {
    /// Numerical rank.
    pub(crate) rank: usize,
    /// `Qᵀ`, rank×n row-major: orthonormal basis of the row space of A.
    pub(crate) q: Vec<f64>,
    /// `R`, rank×d row-major, columns in pivot order.
    pub(crate) r: Vec<f64>,
    /// Row of A that stands at each pivot position, length d.
    pub(crate) pivot: Vec<usize>,
}

impl PivotedQr {
    /// Rank: diagonal entries of R above `max(d, n)·8ε·R₁₁`, the backward error of Householder QR.
    pub(crate) fn new(a: &[f64], d: usize, n: usize) -> Self {
        let size = d.min(n);
        let mut at = MatRef::from_column_major_slice(a, n, d).to_owned();
        let block = qr::no_pivoting::factor::recommended_block_size::<f64>(n, d);
        let mut coeff = Mat::zeros(block, size);
        let (mut pivot, mut inverse) = (vec![0usize; d], vec![0usize; d]);
        let mut stack = faer::dyn_stack::MemBuffer::new(
            qr::col_pivoting::factor::qr_in_place_scratch::<usize, f64>(
                n,
                d,
                block,
                Par::Seq,
                default(),
            )
            .or(
                householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(
                    n, block, size,
                ),
            ),
        );
        qr::col_pivoting::factor::qr_in_place(
            at.as_mut(),
            coeff.as_mut(),
            &mut pivot,
            &mut inverse,
            Par::Seq,
            faer::dyn_stack::MemStack::new(&mut stack),
            default(),
        );
        let first = if size > 0 { at[(0, 0)].abs() } else { 0.0 };
        let cut = 8.0 * f64::EPSILON * d.max(n) as f64 * first;
        let rank = (0..size).take_while(|&k| at[(k, k)].abs() > cut).count();
        let mut q = Mat::<f64>::identity(n, rank);
        if rank > 0 {
            householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
                at.as_ref().subcols(0, size),
                coeff.as_ref(),
                Conj::No,
                q.as_mut(),
                Par::Seq,
                faer::dyn_stack::MemStack::new(&mut stack),
            );
        }
        let q = (0..rank).flat_map(|j| q.col(j).iter().copied().collect::<Vec<_>>()).collect();
        let mut r = vec![0.0; rank * d];
        for k in 0..rank {
            for j in k..d {
                r[k * d + j] = at[(k, j)];
            }
        }
        Self { rank, q, r, pivot }
    }

    /// Solves `R₁₁ᵀ b = v` (v: the pivot rows of the right side, in pivot order), in place.
    pub(crate) fn solve_rt(&self, v: &mut [f64]) {
        let d = self.pivot.len();
        for k in 0..self.rank {
            let mut sum = v[k];
            for i in 0..k {
                sum -= self.r[i * d + k] * v[i];
            }
            v[k] = sum / self.r[k * d + k];
        }
    }

    /// Solves `R₁₁ μ = v`, in place.
    pub(crate) fn solve_r(&self, v: &mut [f64]) {
        let d = self.pivot.len();
        for k in (0..self.rank).rev() {
            let mut sum = v[k];
            for i in k + 1..self.rank {
                sum -= self.r[k * d + i] * v[i];
            }
            v[k] = sum / self.r[k * d + k];
        }
    }
}

//! `Z diag(w) Zᵀ`: small ones by tiles of dot products, large ones by `faer`.

use faer::{
    Accum, MatMut, MatRef, Par,
    linalg::matmul::triangular::{BlockStructure, matmul},
};
use rayon::prelude::*;

use crate::numerics::simd::{Isa, LANES, kernel};

/// Multiplications from which [`gram_weighted`] goes to `faer`: below, packing costs more than
/// its kernel saves.
const GRAM_BLOCKED: usize = 8_000_000;

/// `out = Z diag(weights) Zᵀ` (d×d, row-major, both triangles) for row-major `Z` of shape d×n.
///
/// # Panics
/// When a length disagrees with d and n.
///
/// ```
/// let mut out = [0.0; 4];
/// let z = [1.0, 2.0, 3.0, 4.0];
/// mirrorflow::numerics::dense::gram_weighted(&z, 2, 2, &[1.0, 10.0], &mut out);
/// assert_eq!(out, [41.0, 83.0, 83.0, 169.0]);
/// ```
pub fn gram_weighted(z: &[f64], d: usize, n: usize, weights: &[f64], out: &mut [f64]) {
    assert_eq!(z.len(), d * n, "Z has {} entries, expected {d}×{n}", z.len());
    assert_eq!(weights.len(), n, "{} weights, expected {n}", weights.len());
    assert_eq!(out.len(), d * d, "the product has {} entries, expected {d}×{d}", out.len());
    if d * d * n < GRAM_BLOCKED {
        gram_kernel(z, d, n, weights, out);
    } else {
        gram_blocked(z, d, n, weights, out);
    }
    for i in 1..d {
        for j in 0..i {
            out[j * d + i] = out[i * d + j];
        }
    }
}

/// Lower triangle through `faer`, always divided for the same number of tasks, so that the bits do
/// not depend on the number of threads that carry them out.
fn gram_blocked(z: &[f64], d: usize, n: usize, weights: &[f64], out: &mut [f64]) {
    const TASKS: usize = 8;
    let mut weighted = vec![0.0; d * n];
    weighted.par_chunks_mut(n).zip(z.par_chunks(n)).for_each(|(weighted, row)| {
        for ((product, &entry), &weight) in weighted.iter_mut().zip(row).zip(weights) {
            *product = entry * weight;
        }
    });
    matmul(
        MatMut::from_row_major_slice_mut(out, d, d),
        BlockStructure::TriangularLower,
        Accum::Replace,
        MatRef::from_row_major_slice(&weighted, d, n),
        BlockStructure::Rectangular,
        MatRef::from_row_major_slice(z, d, n).transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::rayon(TASKS),
    );
}

kernel!(fn gram_kernel(z: &[f64], d: usize, n: usize, weights: &[f64], out: &mut [f64]) = gram_body);

/// Lower triangle by tiles of 4×4 dot products.
#[inline(always)]
fn gram_body<I: Isa>(z: &[f64], d: usize, n: usize, weights: &[f64], out: &mut [f64]) {
    const TILE: usize = 4;
    let full = d - d % TILE;
    for i in (0..full).step_by(TILE) {
        for j in (0..=i).step_by(TILE) {
            gram_tile::<I, TILE>(z, d, n, weights, out, i, j);
        }
    }
    for i in full..d {
        for j in 0..=i {
            gram_tile::<I, 1>(z, d, n, weights, out, i, j);
        }
    }
}

/// `out[i.., j..]` on a `T×T` tile.
#[inline(always)]
fn gram_tile<I: Isa, const T: usize>(
    z: &[f64],
    d: usize,
    n: usize,
    weights: &[f64],
    out: &mut [f64],
    i: usize,
    j: usize,
) {
    let left: [&[f64]; T] = std::array::from_fn(|r| &z[(i + r) * n..(i + r + 1) * n]);
    let right: [&[f64]; T] = std::array::from_fn(|r| &z[(j + r) * n..(j + r + 1) * n]);
    let mut acc = [[I::splat(0.0); T]; T];
    let full = n - n % LANES;
    for k in (0..full).step_by(LANES) {
        let weight = I::load(&weights[k..k + LANES]);
        let right: [I::V; T] = std::array::from_fn(|c| I::load(&right[c][k..k + LANES]));
        for r in 0..T {
            let weighted = I::mul(I::load(&left[r][k..k + LANES]), weight);
            for c in 0..T {
                acc[r][c] = I::mul_add(weighted, right[c], acc[r][c]);
            }
        }
    }
    if full < n {
        let weight = I::load_part(&weights[full..]);
        let right: [I::V; T] = std::array::from_fn(|c| I::load_part(&right[c][full..]));
        for r in 0..T {
            let weighted = I::mul(I::load_part(&left[r][full..]), weight);
            for c in 0..T {
                acc[r][c] = I::mul_add(weighted, right[c], acc[r][c]);
            }
        }
    }
    for r in 0..T {
        for c in 0..T {
            out[(i + r) * d + j + c] = I::sum(acc[r][c]);
        }
    }
}

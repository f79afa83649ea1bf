//! Products with a dense row-major matrix `Z` (d×n): `Zx`, `Zᵀv`, `Z diag(w) Zᵀ`.
//!
//! In every product the operations that lead to one entry of the result, and their order, depend
//! neither on how rows or columns are grouped nor on the number of threads:
//! - `(Zx)_i` is accumulated in 8 lanes over the columns, which are summed at the end;
//! - `(Zᵀv)_j` is accumulated over the rows, first to last;
//! - `(Z diag(w) Zᵀ)_ij` is accumulated in 8 lanes over the columns, or, for large matrices, by the
//!   matrix product of `faer`, divided for a fixed number of tasks.

pub mod cholesky;
mod gram;
pub(crate) mod norms;
pub(crate) mod packed;
pub(crate) mod pivoted_qr;
// The vector loops of the factors that are kept under change.
pub(crate) mod rows;
pub(crate) mod updatable_qr;
pub(crate) mod weighted_gram;

use rayon::prelude::*;

pub use gram::gram_weighted;

use super::simd::{Isa, LANES, kernel};

/// Entries of `Z` from which `mul` and `mul_t` use several threads: below, a thread costs more
/// than it saves.
const PARALLEL_ENTRIES: usize = 1_000_000;
/// Columns that one task of `mul_t` takes.
const COLUMNS_PER_TASK: usize = 512;

/// The Euclidean length of each of n columns; z row-major with n columns.
pub(crate) fn column_lengths(z: &[f64], n: usize) -> Vec<f64> {
    let mut lengths = vec![0.0; n];
    for row in z.chunks_exact(n.max(1)) {
        lengths.iter_mut().zip(row).for_each(|(l, v)| *l += v * v);
    }
    lengths.iter_mut().for_each(|l| *l = f64::sqrt(*l));
    lengths
}

/// `aᵀb`, accumulated in 32 lanes. Entries beyond the shorter length are ignored.
///
/// ```
/// assert_eq!(mirrorflow::numerics::dense::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    dot_kernel(&a[..n], &b[..n])
}

/// `out = Zx` for row-major `Z` of shape d×n with d = `out.len()`, n = `x.len()`.
///
/// # Panics
/// When `z.len() ≠ d·n`.
///
/// ```
/// let mut out = [0.0; 2];
/// mirrorflow::numerics::dense::mul(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0], &mut out);
/// assert_eq!(out, [3.0, 7.0]);
/// ```
pub fn mul(z: &[f64], x: &[f64], out: &mut [f64]) {
    let (d, n) = (out.len(), x.len());
    assert_eq!(z.len(), d * n, "Z has {} entries, expected {d}×{n}", z.len());
    if n == 0 {
        out.fill(0.0);
    } else if z.len() >= PARALLEL_ENTRIES && d >= 16 {
        let rows = 8 * d.div_ceil(8 * 16);
        out.par_chunks_mut(rows)
            .zip(z.par_chunks(rows * n))
            .for_each(|(out, z)| mul_kernel(z, x, out));
    } else {
        mul_kernel(z, x, out);
    }
}

/// `out = Zᵀv` for row-major `Z` of shape d×n with d = `v.len()`, n = `out.len()`.
///
/// # Panics
/// When `z.len() ≠ d·n`.
///
/// ```
/// let mut out = [0.0; 2];
/// mirrorflow::numerics::dense::mul_t(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0], &mut out);
/// assert_eq!(out, [4.0, 6.0]);
/// ```
pub fn mul_t(z: &[f64], v: &[f64], out: &mut [f64]) {
    let (d, n) = (v.len(), out.len());
    assert_eq!(z.len(), d * n, "Z has {} entries, expected {d}×{n}", z.len());
    if z.len() >= PARALLEL_ENTRIES && n > COLUMNS_PER_TASK {
        out.par_chunks_mut(COLUMNS_PER_TASK)
            .enumerate()
            .for_each(|(task, out)| mul_t_kernel(z, v, out, n, task * COLUMNS_PER_TASK));
    } else {
        mul_t_kernel(z, v, out, n, 0);
    }
}

kernel!(fn dot_kernel(a: &[f64], b: &[f64]) -> f64 = dot_body);
kernel!(fn mul_kernel(z: &[f64], x: &[f64], out: &mut [f64]) = mul_body);
kernel!(fn mul_t_kernel(z: &[f64], v: &[f64], out: &mut [f64], n: usize, first: usize) = mul_t_body);

#[inline(always)]
fn dot_body<I: Isa>(a: &[f64], b: &[f64]) -> f64 {
    let mut acc = [I::splat(0.0); 4];
    let mut a_chunks = a.chunks_exact(4 * LANES);
    let mut b_chunks = b.chunks_exact(4 * LANES);
    for (a, b) in (&mut a_chunks).zip(&mut b_chunks) {
        for (k, acc) in acc.iter_mut().enumerate() {
            *acc = I::mul_add(I::load(&a[k * LANES..]), I::load(&b[k * LANES..]), *acc);
        }
    }
    let mut a_chunks = a_chunks.remainder().chunks_exact(LANES);
    let mut b_chunks = b_chunks.remainder().chunks_exact(LANES);
    for (a, b) in (&mut a_chunks).zip(&mut b_chunks) {
        acc[0] = I::mul_add(I::load(a), I::load(b), acc[0]);
    }
    let (a, b) = (a_chunks.remainder(), b_chunks.remainder());
    if !a.is_empty() {
        acc[1] = I::mul_add(I::load_part(a), I::load_part(b), acc[1]);
    }
    I::sum(I::add(I::add(acc[0], acc[1]), I::add(acc[2], acc[3])))
}

#[inline(always)]
fn mul_body<I: Isa>(z: &[f64], x: &[f64], out: &mut [f64]) {
    let n = x.len();
    let d = out.len();
    let mut i = 0;
    while i + 8 <= d {
        out[i..i + 8].copy_from_slice(&dot_rows::<I, 8>(&z[i * n..(i + 8) * n], x));
        i += 8;
    }
    if i + 4 <= d {
        out[i..i + 4].copy_from_slice(&dot_rows::<I, 4>(&z[i * n..(i + 4) * n], x));
        i += 4;
    }
    while i < d {
        out[i] = dot_rows::<I, 1>(&z[i * n..(i + 1) * n], x)[0];
        i += 1;
    }
}

/// `R` rows times `x`: `R` independent chains, enough to hide the latency of the multiply-add.
#[inline(always)]
fn dot_rows<I: Isa, const R: usize>(z: &[f64], x: &[f64]) -> [f64; R] {
    let n = x.len();
    let rows: [&[f64]; R] = std::array::from_fn(|r| &z[r * n..(r + 1) * n]);
    let mut acc = [I::splat(0.0); R];
    let full = n - n % LANES;
    for j in (0..full).step_by(LANES) {
        let x = I::load(&x[j..j + LANES]);
        for r in 0..R {
            acc[r] = I::mul_add(I::load(&rows[r][j..j + LANES]), x, acc[r]);
        }
    }
    if full < n {
        let x = I::load_part(&x[full..]);
        for r in 0..R {
            acc[r] = I::mul_add(I::load_part(&rows[r][full..]), x, acc[r]);
        }
    }
    std::array::from_fn(|r| I::sum(acc[r]))
}

/// Columns `first .. first + out.len()` of `Zᵀv`.
#[inline(always)]
fn mul_t_body<I: Isa>(z: &[f64], v: &[f64], out: &mut [f64], n: usize, first: usize) {
    // Columns that stay in the nearest cache while all rows pass.
    const COLUMNS: usize = 1024;
    let d = v.len();
    let mut start = first;
    for out in out.chunks_mut(COLUMNS) {
        out.fill(0.0);
        let mut i = 0;
        while i + 8 <= d {
            add_rows::<I, 8>(z, &v[i..], out, n, i * n + start);
            i += 8;
        }
        if i + 4 <= d {
            add_rows::<I, 4>(z, &v[i..], out, n, i * n + start);
            i += 4;
        }
        while i < d {
            add_rows::<I, 1>(z, &v[i..], out, n, i * n + start);
            i += 1;
        }
        start += out.len();
    }
}

/// `out += Σ_r v_r z_r` over `R` rows, in order.
#[inline(always)]
fn add_rows<I: Isa, const R: usize>(z: &[f64], v: &[f64], out: &mut [f64], n: usize, at: usize) {
    let columns = out.len();
    let rows: [&[f64]; R] = std::array::from_fn(|r| &z[at + r * n..at + r * n + columns]);
    let v: [f64; R] = std::array::from_fn(|r| v[r]);
    let wide = v.map(I::splat);
    let full = columns - columns % LANES;
    for j in (0..full).step_by(LANES) {
        let mut sum = I::load(&out[j..j + LANES]);
        for r in 0..R {
            sum = I::mul_add(wide[r], I::load(&rows[r][j..j + LANES]), sum);
        }
        I::store(sum, &mut out[j..j + LANES]);
    }
    for j in full..columns {
        for r in 0..R {
            out[j] = I::fma(v[r], rows[r][j], out[j]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Deterministic entries in (−1, 1) with many significant bits.
    fn entries(len: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
            })
            .collect()
    }

    /// `|fl(aᵀb) − aᵀb| ≤ γ_n |a|ᵀ|b|` with `γ_n ≈ n u` for any order of summation (Higham,
    /// *Accuracy and Stability*, §3.1); twice that, since the reference is rounded too, plus one
    /// rounding for a weight.
    fn close(found: f64, terms: impl Iterator<Item = f64> + Clone, n: usize) -> bool {
        let bound = 2.0 * (n + 2) as f64 * f64::EPSILON / 2.0;
        let magnitude: f64 = terms.clone().map(f64::abs).sum();
        (found - terms.sum::<f64>()).abs() <= bound * magnitude
    }

    fn check(d: usize, n: usize) {
        let z = entries(d * n, (d * 31 + n) as u64);
        let (x, v) = (entries(n, 5), entries(d, 6));
        let weights: Vec<f64> = entries(n, 7).iter().map(|w| w.abs()).collect();
        let (mut zx, mut ztv, mut gram) = (vec![7.0; d], vec![7.0; n], vec![7.0; d * d]);
        mul(&z, &x, &mut zx);
        mul_t(&z, &v, &mut ztv);
        gram_weighted(&z, d, n, &weights, &mut gram);
        let row = |i: usize| &z[i * n..(i + 1) * n];
        for i in 0..d {
            assert!(close(zx[i], row(i).iter().zip(&x).map(|(a, b)| a * b), n), "{d}×{n}, {i}");
            assert!(close(dot(row(i), &x), row(i).iter().zip(&x).map(|(a, b)| a * b), n));
            for j in (0..d).step_by(1 + d / 50) {
                let terms = (0..n).map(|k| row(i)[k] * weights[k] * row(j)[k]);
                assert!(close(gram[i * d + j], terms, n), "{d}×{n}, {i},{j}");
                assert_eq!(gram[i * d + j], gram[j * d + i]);
            }
        }
        for j in 0..n {
            assert!(close(ztv[j], (0..d).map(|i| row(i)[j] * v[i]), d), "{d}×{n}, {j}");
        }
    }

    #[test]
    fn products_of_every_remainder() {
        for d in [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 21] {
            for n in [1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 33, 40, 70] {
                check(d, n);
            }
        }
    }

    #[test]
    fn products_of_large_matrices() {
        // Beyond both thresholds, with sizes that no tile divides.
        check(203, 1031);
        check(131, 8001);
    }

    #[test]
    fn empty_sums_are_zero() {
        let mut out = [7.0; 3];
        mul(&[], &[], &mut out);
        assert_eq!(out, [0.0; 3]);
        mul_t(&[], &[], &mut out);
        assert_eq!(out, [0.0; 3]);
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (d, n) = (131, 8001);
        let z = entries(d * n, 1);
        let (x, v) = (entries(n, 2), entries(d, 3));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut zx, mut ztv) = (vec![0.0; d], vec![0.0; n]);
                let mut gram = vec![0.0; d * d];
                mul(&z, &x, &mut zx);
                mul_t(&z, &v, &mut ztv);
                gram_weighted(&z, d, n, &x, &mut gram);
                (zx, ztv, gram)
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(7));
        let mut sequential = vec![0.0; d];
        mul_kernel(&z, &x, &mut sequential);
        assert_eq!(one.0, sequential);
        let mut sequential = vec![0.0; n];
        mul_t_kernel(&z, &v, &mut sequential, n, 0);
        assert_eq!(one.1, sequential);
    }

    proptest! {
        /// Integers small enough that every order of summation is exact: all paths must agree to
        /// the last bit with the definition.
        #[test]
        fn integer_products_are_exact(d in 1_usize..20, n in 1_usize..50, seed in any::<u64>()) {
            let round = |v: Vec<f64>| v.iter().map(|e| (e * 64.0).round()).collect::<Vec<_>>();
            let z = round(entries(d * n, seed));
            let x = round(entries(n, seed ^ 1));
            let mut out = vec![0.0; d];
            mul(&z, &x, &mut out);
            let mut portable = vec![0.0; d];
            mul_body::<crate::numerics::simd::Portable>(&z, &x, &mut portable);
            prop_assert_eq!(&out, &portable);
            for i in 0..d {
                let exact: f64 = (0..n).map(|j| z[i * n + j] * x[j]).sum();
                prop_assert_eq!(out[i], exact);
            }
        }
    }
}

//! Products with a dense row-major `Z` (d×n), one body for every instruction set.
//!
//! Sums run in fixed lanes added in a fixed order: a result depends on the instruction set, never
//! on the number of threads. Cost: one read of `Z` a product, which at d = 40, n = 100 sits in the
//! first-level cache.

use super::dispatch::{dispatch, madd};

/// Lanes of one running sum: one AVX-512 register, two of AVX2.
const LANES: usize = 8;

/// Adds the lanes in a fixed order.
#[inline(always)]
fn fold(s: [f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    let (mut s0, mut s1) = ([0.0; LANES], [0.0; LANES]);
    let (a_blocks, a_rest) = a.as_chunks::<{ 2 * LANES }>();
    let (b_blocks, b_rest) = b.as_chunks::<{ 2 * LANES }>();
    for (p, q) in a_blocks.iter().zip(b_blocks) {
        for i in 0..LANES {
            s0[i] = madd::<FUSED>(p[i], q[i], s0[i]);
            s1[i] = madd::<FUSED>(p[i + LANES], q[i + LANES], s1[i]);
        }
    }
    let mut rest = 0.0;
    for (p, q) in a_rest.iter().zip(b_rest) {
        rest = madd::<FUSED>(*p, *q, rest);
    }
    for i in 0..LANES {
        s0[i] += s1[i];
    }
    fold(s0) + rest
}

dispatch! {
    /// `aᵀb` for slices of equal length (the shorter one rules).
    ///
    /// ```
    /// assert_eq!(mirrorflow::numerics::dense::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
    /// ```
    pub fn dot(a: &[f64], b: &[f64]) -> f64 = dot_body
}

/// Four rows at a time, so that x is read once for four sums that do not wait for each other.
#[inline(always)]
fn mul_body<const FUSED: bool>(z: &[f64], x: &[f64], out: &mut [f64]) {
    let n = x.len();
    if n == 0 {
        out.fill(0.0);
        return;
    }
    let mut rows = z.chunks_exact(4 * n);
    let mut outs = out.chunks_exact_mut(4);
    for (block, o) in (&mut rows).zip(&mut outs) {
        let (r0, rest) = block.split_at(n);
        let (r1, rest) = rest.split_at(n);
        let (r2, r3) = rest.split_at(n);
        let mut s = [[0.0; LANES]; 4];
        let (xb, xr) = x.as_chunks::<LANES>();
        let (b0, t0) = r0.as_chunks::<LANES>();
        let (b1, t1) = r1.as_chunks::<LANES>();
        let (b2, t2) = r2.as_chunks::<LANES>();
        let (b3, t3) = r3.as_chunks::<LANES>();
        for ((((v, p0), p1), p2), p3) in xb.iter().zip(b0).zip(b1).zip(b2).zip(b3) {
            for i in 0..LANES {
                s[0][i] = madd::<FUSED>(p0[i], v[i], s[0][i]);
                s[1][i] = madd::<FUSED>(p1[i], v[i], s[1][i]);
                s[2][i] = madd::<FUSED>(p2[i], v[i], s[2][i]);
                s[3][i] = madd::<FUSED>(p3[i], v[i], s[3][i]);
            }
        }
        let mut tail = [0.0; 4];
        for ((((v, p0), p1), p2), p3) in xr.iter().zip(t0).zip(t1).zip(t2).zip(t3) {
            tail[0] = madd::<FUSED>(*p0, *v, tail[0]);
            tail[1] = madd::<FUSED>(*p1, *v, tail[1]);
            tail[2] = madd::<FUSED>(*p2, *v, tail[2]);
            tail[3] = madd::<FUSED>(*p3, *v, tail[3]);
        }
        for k in 0..4 {
            o[k] = fold(s[k]) + tail[k];
        }
    }
    for (row, o) in rows.remainder().chunks_exact(n).zip(outs.into_remainder()) {
        *o = dot_body::<FUSED>(row, x);
    }
}

dispatch! {
    /// `out = Z x`: `z` is d×n row-major, `x` has length n, `out` length d.
    ///
    /// ```
    /// let mut out = [0.0; 2];
    /// mirrorflow::numerics::dense::mul(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0], &mut out);
    /// assert_eq!(out, [3.0, 7.0]);
    /// ```
    pub fn mul(z: &[f64], x: &[f64], out: &mut [f64]) = mul_body
}

/// A strip of `W` columns: its sums stay in registers over all rows.
#[inline(always)]
fn strip<const FUSED: bool, const W: usize>(
    z: &[f64],
    n: usize,
    at: usize,
    v: &[f64],
    out: &mut [f64],
) {
    let mut s = [0.0; W];
    for (row, &c) in z.chunks_exact(n).zip(v) {
        if let Some(block) = row[at..].first_chunk::<W>() {
            for i in 0..W {
                s[i] = madd::<FUSED>(block[i], c, s[i]);
            }
        }
    }
    out[at..at + W].copy_from_slice(&s);
}

#[inline(always)]
fn mul_t_body<const FUSED: bool>(z: &[f64], v: &[f64], out: &mut [f64]) {
    let n = out.len();
    if n == 0 {
        return;
    }
    let mut at = 0;
    while at + 64 <= n {
        strip::<FUSED, 64>(z, n, at, v, out);
        at += 64;
    }
    if at + 32 <= n {
        strip::<FUSED, 32>(z, n, at, v, out);
        at += 32;
    }
    while at + 8 <= n {
        strip::<FUSED, 8>(z, n, at, v, out);
        at += 8;
    }
    while at < n {
        strip::<FUSED, 1>(z, n, at, v, out);
        at += 1;
    }
}

dispatch! {
    /// `out = Zᵀ v`: `z` is d×n row-major, `v` has length d, `out` length n.
    ///
    /// ```
    /// let mut out = [0.0; 2];
    /// mirrorflow::numerics::dense::mul_t(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0], &mut out);
    /// assert_eq!(out, [4.0, 6.0]);
    /// ```
    pub fn mul_t(z: &[f64], v: &[f64], out: &mut [f64]) = mul_t_body
}

/// The lower triangle of `(Z diag(s)) Zᵀ` row against four rows at a time, then mirrored. `scaled`
/// holds one scaled row.
#[inline(always)]
fn gram_body<const FUSED: bool>(
    z: &[f64],
    d: usize,
    n: usize,
    s: &[f64],
    scaled: &mut [f64],
    out: &mut [f64],
) {
    for i in 0..d {
        for ((t, p), w) in scaled.iter_mut().zip(&z[i * n..(i + 1) * n]).zip(s) {
            *t = p * w;
        }
        mul_body::<FUSED>(&z[..(i + 1) * n], scaled, &mut out[i * d..i * d + i + 1]);
        for j in 0..i {
            out[j * d + i] = out[i * d + j];
        }
    }
}

dispatch! {
    fn gram_small(z: &[f64], d: usize, n: usize, s: &[f64], scaled: &mut [f64], out: &mut [f64]) = gram_body
}

/// Above this many multiplications a blocked, threaded matrix product is faster than row products.
const BLOCKED: usize = 1 << 20;

/// `out = Z diag(weights) Zᵀ`: `z` is d×n row-major, `weights` has length n, `out` is d×d, both
/// triangles filled, exactly symmetric.
///
/// ```
/// let mut out = [0.0; 4];
/// let z = [1.0, 2.0, 3.0, 4.0];
/// mirrorflow::numerics::dense::gram_weighted(&z, 2, 2, &[1.0, 10.0], &mut out);
/// assert_eq!(out, [41.0, 83.0, 83.0, 169.0]);
/// ```
pub fn gram_weighted(z: &[f64], d: usize, n: usize, weights: &[f64], out: &mut [f64]) {
    if d * d * n <= BLOCKED {
        let mut scaled = vec![0.0; n];
        gram_small(z, d, n, weights, &mut scaled, out);
        return;
    }
    use faer::{
        Accum, MatMut, MatRef, Par,
        linalg::matmul::triangular::{BlockStructure, matmul},
    };
    let mut left = vec![0.0; d * n];
    for (target, row) in left.chunks_exact_mut(n).zip(z.chunks_exact(n)) {
        for ((t, p), w) in target.iter_mut().zip(row).zip(weights) {
            *t = p * w;
        }
    }
    matmul(
        MatMut::from_row_major_slice_mut(&mut *out, d, d),
        BlockStructure::TriangularLower,
        Accum::Replace,
        MatRef::from_row_major_slice(&left, d, n),
        BlockStructure::Rectangular,
        MatRef::from_row_major_slice(z, d, n).transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::rayon(0),
    );
    for i in 0..d {
        for j in 0..i {
            out[j * d + i] = out[i * d + j];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Small integers: every product and sum is exact, so any order gives the same bits.
    fn integers(seed: u64, len: usize) -> Vec<f64> {
        (0..len as u64)
            .map(|i| ((seed.wrapping_mul(31).wrapping_add(i * i * 7 + 3 * i)) % 17) as f64 - 8.0)
            .collect()
    }

    proptest! {
        #[test]
        fn products_are_exact_on_integers(d in 1_usize..12, n in 1_usize..150, seed in 0_u64..1000) {
            let (z, x, v) = (integers(seed, d * n), integers(seed + 1, n), integers(seed + 2, d));
            let mut zx = vec![0.0; d];
            let mut zv = vec![0.0; n];
            let mut gram = vec![0.0; d * d];
            mul(&z, &x, &mut zx);
            mul_t(&z, &v, &mut zv);
            gram_weighted(&z, d, n, &x, &mut gram);
            for i in 0..d {
                let plain: f64 = (0..n).map(|j| z[i * n + j] * x[j]).sum();
                prop_assert_eq!(zx[i], plain);
                prop_assert_eq!(dot(&z[i * n..(i + 1) * n], &x), plain);
                for k in 0..d {
                    let plain: f64 = (0..n).map(|j| z[i * n + j] * x[j] * z[k * n + j]).sum();
                    prop_assert_eq!(gram[i * d + k], plain);
                }
            }
            for j in 0..n {
                let plain: f64 = (0..d).map(|i| z[i * n + j] * v[i]).sum();
                prop_assert_eq!(zv[j], plain);
            }
        }
    }

    #[test]
    fn the_blocked_product_agrees_with_the_small_one() {
        let (d, n) = (70, 300);
        let (z, s) = (integers(1, d * n), integers(2, n));
        let (mut blocked, mut small) = (vec![0.0; d * d], vec![0.0; d * d]);
        assert!(d * d * n > BLOCKED);
        gram_weighted(&z, d, n, &s, &mut blocked);
        gram_small(&z, d, n, &s, &mut vec![0.0; n], &mut small);
        assert_eq!(blocked, small);
    }
}

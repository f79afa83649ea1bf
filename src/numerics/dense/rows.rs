//! The vector loops on which the homotopy spends its time, compiled for each instruction
//! set of [`dispatch`](crate::numerics::dispatch).
//!
//! Sums run in sixteen fixed lanes that are added in one fixed order, so the result depends on the
//! instruction set of the machine but never on the number of threads.

use crate::numerics::dispatch::{dispatch, madd};

/// Lanes of a running sum: two AVX-512 vectors or four AVX2 vectors.
const LANES: usize = 16;

#[inline(always)]
fn fold(lanes: &[f64; LANES]) -> f64 {
    let mut half = [0.0; 8];
    for i in 0..8 {
        half[i] = lanes[i] + lanes[i + 8];
    }
    ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]))
}

/// `aᵀb`.
#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (p, q) in a_blocks.iter().zip(b_blocks) {
        for i in 0..LANES {
            lanes[i] = madd::<FUSED>(p[i], q[i], lanes[i]);
        }
    }
    let mut rest = 0.0;
    for (p, q) in a_rest.iter().zip(b_rest) {
        rest += p * q;
    }
    fold(&lanes) + rest
}

/// `(aᵀb, aᵀc)` in one pass over `a`.
#[inline(always)]
fn dot_pair_body<const FUSED: bool>(a: &[f64], b: &[f64], c: &[f64]) -> (f64, f64) {
    let mut first = [0.0; LANES];
    let mut second = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let (c_blocks, c_rest) = c.as_chunks::<LANES>();
    for ((p, q), r) in a_blocks.iter().zip(b_blocks).zip(c_blocks) {
        for i in 0..LANES {
            first[i] = madd::<FUSED>(p[i], q[i], first[i]);
            second[i] = madd::<FUSED>(p[i], r[i], second[i]);
        }
    }
    let (mut rest_b, mut rest_c) = (0.0, 0.0);
    for ((p, q), r) in a_rest.iter().zip(b_rest).zip(c_rest) {
        rest_b += p * q;
        rest_c += p * r;
    }
    (fold(&first) + rest_b, fold(&second) + rest_c)
}

/// `out += s·a`.
#[inline(always)]
fn axpy_body<const FUSED: bool>(s: f64, a: &[f64], out: &mut [f64]) {
    for (o, p) in out.iter_mut().zip(a) {
        *o = madd::<FUSED>(s, *p, *o);
    }
}

/// `out₁ += s₁·a`, `out₂ += s₂·a` in one pass over `a`.
#[inline(always)]
fn axpy_pair_body<const FUSED: bool>(
    a: &[f64],
    s1: f64,
    out1: &mut [f64],
    s2: f64,
    out2: &mut [f64],
) {
    for ((o1, o2), p) in out1.iter_mut().zip(out2).zip(a) {
        *o1 = madd::<FUSED>(s1, *p, *o1);
        *o2 = madd::<FUSED>(s2, *p, *o2);
    }
}

/// `out += Σ_i s_i row_i` for the rows of a row-major k×d array, four rows a pass.
#[inline(always)]
fn add_rows_body<const FUSED: bool>(rows: &[f64], d: usize, s: &[f64], out: &mut [f64]) {
    let mut blocks = rows.chunks_exact(4 * d);
    let mut weights = s.chunks_exact(4);
    for (block, w) in (&mut blocks).zip(&mut weights) {
        let (r0, rest) = block.split_at(d);
        let (r1, rest) = rest.split_at(d);
        let (r2, r3) = rest.split_at(d);
        for ((((o, a), b), c), e) in out.iter_mut().zip(r0).zip(r1).zip(r2).zip(r3) {
            let first = madd::<FUSED>(w[1], *b, madd::<FUSED>(w[0], *a, *o));
            *o = madd::<FUSED>(w[3], *e, madd::<FUSED>(w[2], *c, first));
        }
    }
    for (row, w) in blocks.remainder().chunks_exact(d).zip(weights.remainder()) {
        axpy_body::<FUSED>(*w, row, out);
    }
}

/// The plane rotation `(a, b) ← (c·a + s·b, c·b − s·a)`.
#[inline(always)]
fn rotate_body<const FUSED: bool>(c: f64, s: f64, a: &mut [f64], b: &mut [f64]) {
    for (p, q) in a.iter_mut().zip(b) {
        let (old_p, old_q) = (*p, *q);
        *p = c * old_p + s * old_q;
        *q = c * old_q - s * old_p;
    }
}

/// Columns whose correlation may reach the bound: appends to `out` every j with
/// `|A·p_j + B·a_j| + E·‖Z_j‖ ≥ C`.
#[inline(always)]
fn screen_body<const FUSED: bool>(
    p: &[f64],
    a: &[f64],
    norm: &[f64],
    coefficients: [f64; 4],
    out: &mut Vec<usize>,
) {
    let [on_p, on_a, on_norm, bound] = coefficients;
    const BLOCK: usize = 64;
    for (block, ((ps, as_), norms)) in
        p.chunks(BLOCK).zip(a.chunks(BLOCK)).zip(norm.chunks(BLOCK)).enumerate()
    {
        let mut reach = [f64::NEG_INFINITY; BLOCK];
        let mut any = false;
        for (((r, p), a), norm) in reach.iter_mut().zip(ps).zip(as_).zip(norms) {
            *r = (on_p * p + on_a * a).abs() + on_norm * norm;
            any |= *r >= bound;
        }
        if any {
            out.extend(
                reach
                    .iter()
                    .enumerate()
                    .filter(|(_, r)| **r >= bound)
                    .map(|(i, _)| block * BLOCK + i),
            );
        }
    }
}

dispatch!(
    /// `aᵀb`.
    pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 = dot_body
);
dispatch!(
    /// `(aᵀb, aᵀc)` in one pass over `a`.
    pub(crate) fn dot_pair(a: &[f64], b: &[f64], c: &[f64]) -> (f64, f64) = dot_pair_body
);
dispatch!(
    /// `out += s·a`.
    pub(crate) fn axpy(s: f64, a: &[f64], out: &mut [f64]) = axpy_body
);
dispatch!(
    /// `out₁ += s₁·a`, `out₂ += s₂·a` in one pass over `a`.
    pub(crate) fn axpy_pair(a: &[f64], s1: f64, out1: &mut [f64], s2: f64, out2: &mut [f64]) =
        axpy_pair_body
);
dispatch!(
    /// `out += Σ_i s_i row_i` for the rows of a row-major k×d array.
    pub(crate) fn add_rows(rows: &[f64], d: usize, s: &[f64], out: &mut [f64]) = add_rows_body
);
dispatch!(
    /// The plane rotation `(a, b) ← (c·a + s·b, c·b − s·a)`.
    pub(crate) fn rotate(c: f64, s: f64, a: &mut [f64], b: &mut [f64]) = rotate_body
);
dispatch!(
    /// Appends to `out` every j with `|A·p_j + B·a_j| + E·‖Z_j‖ ≥ C`,
    /// `coefficients = [A, B, E, C]`.
    pub(crate) fn screen(
        p: &[f64],
        a: &[f64],
        norm: &[f64],
        coefficients: [f64; 4],
        out: &mut Vec<usize>,
    ) = screen_body
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_the_plain_loop() {
        for len in [0, 1, 7, 16, 33, 100] {
            let a: Vec<f64> = (0..len).map(|i| (i as f64 * 0.7).sin()).collect();
            let b: Vec<f64> = (0..len).map(|i| (i as f64 * 1.3).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(p, q)| p * q).sum();
            // Two summation orders differ by at most 2·len·ε·Σ|a_i b_i| ≤ 2·len²·ε.
            let tolerance = 2.0 * (len * len) as f64 * f64::EPSILON;
            assert!((dot(&a, &b) - plain).abs() <= tolerance);
            let (first, second) = dot_pair(&a, &b, &a);
            assert!((first - plain).abs() <= tolerance);
            assert!((second - dot(&a, &a)).abs() <= tolerance);
        }
    }

    #[test]
    fn rows_are_added_whatever_their_number() {
        let d = 5;
        for k in 0..10 {
            let rows: Vec<f64> = (0..k * d).map(|i| i as f64).collect();
            let s: Vec<f64> = (0..k).map(|i| (i as f64) - 3.0).collect();
            let mut out = vec![1.0; d];
            add_rows(&rows, d, &s, &mut out);
            for j in 0..d {
                // Small integers: exact in any order.
                let expected: f64 = 1.0 + (0..k).map(|i| s[i] * rows[i * d + j]).sum::<f64>();
                assert_eq!(out[j], expected);
            }
        }
    }

    #[test]
    fn screening_keeps_what_reaches_the_bound() {
        let p: Vec<f64> = (0..150).map(|i| f64::from(i) / 150.0).collect();
        let a = vec![0.25; 150];
        let norm = vec![1.0; 150];
        let mut out = Vec::new();
        screen(&p, &a, &norm, [1.0, 1.0, 0.125, 0.875], &mut out);
        assert_eq!(out, (75..150).collect::<Vec<_>>());
    }
}

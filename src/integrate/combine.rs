//! Linear combinations of slopes, compiled for the instruction set at hand.

use crate::numerics::dispatch::{dispatch, madd};

/// Entries that are summed side by side.
const BLOCK: usize = 8;

dispatch! {
    /// `out = base + h Σ_i weights_i k_i`; every `k_i` has the length of `out`.
    pub(super) fn combine(base: &[f64], h: f64, weights: &[f64], k: &[Vec<f64>], out: &mut [f64])
        = combine_body
}
dispatch! {
    /// `out = h (Σ_i weights_i k_i + last · f)`.
    pub(super) fn weigh(h: f64, weights: &[f64], k: &[Vec<f64>], last: f64, f: &[f64], out: &mut [f64])
        = weigh_body
}
dispatch! {
    /// `older = a · slope + (1 + κ) newer − κ older`: one stage of a three-term recurrence.
    pub(super) fn recur(a: f64, slope: &[f64], kappa: f64, newer: &[f64], older: &mut [f64])
        = recur_body
}

/// `Σ_i weights_i k_i` on the entries `at … at + 8`.
#[inline(always)]
fn block<const FUSED: bool>(weights: &[f64], k: &[Vec<f64>], at: usize) -> [f64; BLOCK] {
    let mut sum = [0.0; BLOCK];
    for (&w, k) in weights.iter().zip(k) {
        if let Some(k) = k[at..].first_chunk::<BLOCK>() {
            for l in 0..BLOCK {
                sum[l] = madd::<FUSED>(w, k[l], sum[l]);
            }
        }
    }
    sum
}

/// `Σ_i weights_i k_i` at one entry.
#[inline(always)]
fn entry<const FUSED: bool>(weights: &[f64], k: &[Vec<f64>], at: usize) -> f64 {
    weights.iter().zip(k).fold(0.0, |sum, (&w, k)| madd::<FUSED>(w, k[at], sum))
}

#[inline(always)]
fn combine_body<const FUSED: bool>(
    base: &[f64],
    h: f64,
    weights: &[f64],
    k: &[Vec<f64>],
    out: &mut [f64],
) {
    let base = &base[..out.len()];
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let whole = BLOCK * blocks.len();
    for (b, out) in blocks.iter_mut().enumerate() {
        let sum = block::<FUSED>(weights, k, BLOCK * b);
        if let Some(base) = base[BLOCK * b..].first_chunk::<BLOCK>() {
            for l in 0..BLOCK {
                out[l] = madd::<FUSED>(h, sum[l], base[l]);
            }
        }
    }
    for (i, out) in rest.iter_mut().enumerate() {
        *out = madd::<FUSED>(h, entry::<FUSED>(weights, k, whole + i), base[whole + i]);
    }
}

#[inline(always)]
fn weigh_body<const FUSED: bool>(
    h: f64,
    weights: &[f64],
    k: &[Vec<f64>],
    last: f64,
    f: &[f64],
    out: &mut [f64],
) {
    let f = &f[..out.len()];
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let whole = BLOCK * blocks.len();
    for (b, out) in blocks.iter_mut().enumerate() {
        let sum = block::<FUSED>(weights, k, BLOCK * b);
        if let Some(f) = f[BLOCK * b..].first_chunk::<BLOCK>() {
            for l in 0..BLOCK {
                out[l] = h * madd::<FUSED>(last, f[l], sum[l]);
            }
        }
    }
    for (i, out) in rest.iter_mut().enumerate() {
        *out = h * madd::<FUSED>(last, f[whole + i], entry::<FUSED>(weights, k, whole + i));
    }
}

#[inline(always)]
fn recur_body<const FUSED: bool>(
    a: f64,
    slope: &[f64],
    kappa: f64,
    newer: &[f64],
    older: &mut [f64],
) {
    for ((older, newer), slope) in older.iter_mut().zip(newer).zip(slope) {
        let carried = madd::<FUSED>(1.0 + kappa, *newer, -kappa * *older);
        *older = madd::<FUSED>(a, *slope, carried);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_summed_to_the_end() {
        for n in [1, 7, 8, 9, 16, 21] {
            let k: Vec<Vec<f64>> =
                (0..3).map(|i| (0..n).map(|j| f64::from(i) + f64::from(j)).collect()).collect();
            let base: Vec<f64> = (0..n).map(f64::from).collect();
            let (weights, f) = ([1.0, -2.0, 4.0], vec![1.0; k[0].len()]);
            let (mut out, mut scaled) = (vec![f64::NAN; base.len()], vec![f64::NAN; base.len()]);
            combine(&base, 0.5, &weights, &k, &mut out);
            weigh(0.5, &weights, &k, 2.0, &f, &mut scaled);
            // Σ w (i + j) = 6 + 3j, exactly.
            for (j, (out, scaled)) in out.iter().zip(&scaled).enumerate() {
                assert_eq!(*out, j as f64 + 0.5 * (6.0 + 3.0 * j as f64));
                assert_eq!(*scaled, 0.5 * (8.0 + 3.0 * j as f64));
            }
            let mut older = base.clone();
            recur(2.0, &f, 0.5, &base, &mut older);
            assert!(older.iter().zip(&base).all(|(o, b)| *o == 2.0 + b));
        }
    }
}

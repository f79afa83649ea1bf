//! Sums and products as if in twice the working precision, and norms that neither overflow nor
//! underflow.
//!
//! Source: Ogita, Rump & Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005):
//! `|dot2(a,b) − aᵀb| ≤ ε|aᵀb| + γ_n² |a|ᵀ|b|`, `γ_n = nε/(1−nε)`. Assumption: no overflow, and no
//! underflow in the products (|a_i b_i| above 1e−290 or zero); callers scale where that can fail.

use super::scaled::two_sum;
use crate::numerics::dispatch::dispatch;

/// `a·b` as rounded product and exact remainder.
#[inline(always)]
pub(crate) fn two_product<const FUSED: bool>(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    if FUSED {
        return (p, a.mul_add(b, -p));
    }
    // Dekker's splitting into halves of 26 bits.
    let split = |v: f64| {
        let c = 134_217_729.0 * v;
        let high = c - (c - v);
        (high, v - high)
    };
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// The larger of two numbers ≥ 0; ∞ where one is NaN, which `max` would hide.
#[inline]
pub(crate) fn worst(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// `start + aᵀb`, compensated in each of 8 lanes and again over the lanes.
#[inline(always)]
fn dot2_from<const FUSED: bool>(a: &[f64], b: &[f64], start: f64) -> f64 {
    const LANES: usize = 8;
    let (mut sums, mut errors) = ([0.0; LANES], [0.0; LANES]);
    let n = a.len().min(b.len());
    let (a_blocks, a_rest) = a[..n].as_chunks::<LANES>();
    let (b_blocks, b_rest) = b[..n].as_chunks::<LANES>();
    for (p, q) in a_blocks.iter().zip(b_blocks) {
        for l in 0..LANES {
            let (high, low) = two_product::<FUSED>(p[l], q[l]);
            let (sum, rest) = two_sum(sums[l], high);
            sums[l] = sum;
            errors[l] += rest + low;
        }
    }
    let (mut s, mut e) = (start, 0.0);
    for (p, q) in a_rest.iter().zip(b_rest) {
        let (high, low) = two_product::<FUSED>(*p, *q);
        let (sum, rest) = two_sum(s, high);
        s = sum;
        e += rest + low;
    }
    for l in 0..LANES {
        let (sum, rest) = two_sum(s, sums[l]);
        s = sum;
        e += rest + errors[l];
    }
    s + e
}

#[inline(always)]
fn dot2_body<const FUSED: bool>(a: &[f64], b: &[f64]) -> f64 {
    dot2_from::<FUSED>(a, b, 0.0)
}

dispatch! {
    /// `aᵀb` as if in twice the precision (the shorter slice rules).
    ///
    /// ```
    /// use mirrorflow::numerics::exact::sums::dot2;
    /// assert_eq!(dot2(&[1e16, 1.0, -1e16], &[1.0, 1.0, 1.0]), 1.0);
    /// ```
    pub fn dot2(a: &[f64], b: &[f64]) -> f64 = dot2_body
}

#[inline(always)]
fn residual_body<const FUSED: bool>(z: &[f64], x: &[f64], y: &[f64], out: &mut [f64]) {
    if x.is_empty() {
        for (o, y) in out.iter_mut().zip(y) {
            *o = -y;
        }
        return;
    }
    for ((o, row), y) in out.iter_mut().zip(z.chunks_exact(x.len())).zip(y) {
        *o = dot2_from::<FUSED>(row, x, -*y);
    }
}

dispatch! {
    /// `out = Zx − y` as if in twice the precision: `z` d×n row-major, `x` n, `y` and `out` d.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::sums::residual;
    /// let mut r = [0.0];
    /// residual(&[1.0, 1.0], &[1e16, 1.0], &[1e16], &mut r);
    /// assert_eq!(r, [1.0]);
    /// ```
    pub fn residual(z: &[f64], x: &[f64], y: &[f64], out: &mut [f64]) = residual_body
}

#[inline(always)]
fn magnitudes_body<const FUSED: bool>(z: &[f64], x: &[f64], y: &[f64], out: &mut [f64]) {
    const LANES: usize = 8;
    let rows = z.chunks_exact(x.len().max(1));
    for ((o, row), y) in out.iter_mut().zip(rows).zip(y) {
        let mut sums = [0.0; LANES];
        let (z_blocks, z_rest) = row.as_chunks::<LANES>();
        let (x_blocks, x_rest) = x.as_chunks::<LANES>();
        for (z, x) in z_blocks.iter().zip(x_blocks) {
            for l in 0..LANES {
                sums[l] += (z[l] * x[l]).abs();
            }
        }
        let rest: f64 = z_rest.iter().zip(x_rest).map(|(z, x)| (z * x).abs()).sum();
        *o = y.abs() + rest + sums.iter().sum::<f64>();
    }
}

dispatch! {
    /// `out = |Z||x| + |y|`, what the rounding of [`residual`] is measured by: shapes as there,
    /// plain sums, n ≥ 1.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::sums::magnitudes;
    /// let mut size = [0.0];
    /// magnitudes(&[1.0, -2.0], &[3.0, 1.0], &[-1.0], &mut size);
    /// assert_eq!(size, [6.0]);
    /// ```
    pub fn magnitudes(z: &[f64], x: &[f64], y: &[f64], out: &mut [f64]) = magnitudes_body
}

/// `Σ a_i` as if in twice the precision.
///
/// ```
/// assert_eq!(mirrorflow::numerics::exact::sums::sum2(&[1e16, 1.0, -1e16]), 1.0);
/// ```
pub fn sum2(a: &[f64]) -> f64 {
    let (mut s, mut e) = (0.0, 0.0);
    for v in a {
        let (sum, rest) = two_sum(s, *v);
        s = sum;
        e += rest;
    }
    s + e
}

/// `‖a‖₁`, compensated.
///
/// ```
/// assert_eq!(mirrorflow::numerics::exact::sums::norm1(&[1.0, -2.0]), 3.0);
/// ```
pub fn norm1(a: &[f64]) -> f64 {
    let (mut s, mut e) = (0.0, 0.0);
    for v in a {
        let (sum, rest) = two_sum(s, v.abs());
        s = sum;
        e += rest;
    }
    s + e
}

/// `‖a‖_∞`; NaN if there is one.
///
/// ```
/// assert_eq!(mirrorflow::numerics::exact::sums::norm_inf(&[1.0, -2.0]), 2.0);
/// ```
pub fn norm_inf(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m: f64, v| if v.is_nan() || v.abs() > m { v.abs() } else { m })
}

/// `‖a‖₂`, scaled by a power of two so that squares neither overflow nor underflow.
///
/// ```
/// let norm = mirrorflow::numerics::exact::sums::norm2(&[3e200, -4e200]);
/// assert!((norm / 5e200 - 1.0).abs() < 1e-15);
/// ```
pub fn norm2(a: &[f64]) -> f64 {
    let largest = norm_inf(a);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    // A power of two near the largest entry: scaling is exact.
    let unit = f64::from_bits(largest.max(f64::MIN_POSITIVE).to_bits() & (0x7FF << 52));
    let squares: f64 = a.iter().map(|v| (v / unit) * (v / unit)).sum();
    unit * squares.sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against exact integer arithmetic: entries k·2^e, so that the true sum is an i128.
        #[test]
        fn dot2_meets_its_bound(
            terms in prop::collection::vec((-(1_i64 << 30)..(1_i64 << 30), 0_u32..30, -(1_i64 << 30)..(1_i64 << 30)), 1..60)
        ) {
            let mut terms = terms;
            // Cancel nearly everything.
            let mirrored: Vec<_> = terms.iter().map(|(a, e, b)| (*a, *e, -b)).collect();
            terms.extend(mirrored.into_iter().skip(1));
            let a: Vec<f64> = terms.iter().map(|(a, e, _)| *a as f64 * 2f64.powi(*e as i32)).collect();
            let b: Vec<f64> = terms.iter().map(|(_, _, b)| *b as f64).collect();
            let truth: i128 = terms.iter().map(|(a, e, b)| (*a as i128) * (1 << e) * (*b as i128)).sum();
            let size: f64 = a.iter().zip(&b).map(|(a, b)| (a * b).abs()).sum();
            let gamma = terms.len() as f64 * f64::EPSILON;
            let off = (dot2(&a, &b) - truth as f64).abs();
            prop_assert!(off <= f64::EPSILON * (truth as f64).abs() + gamma * gamma * size);
            prop_assert_eq!(dot2_body::<true>(&a, &b), dot2_body::<false>(&a, &b));
        }

        #[test]
        fn norms_keep_their_scale(v in prop::collection::vec(-1.0..1.0_f64, 1..20), e in -300_i32..300) {
            let unit = 2f64.powi(e);
            let scaled: Vec<f64> = v.iter().map(|x| x * unit).collect();
            prop_assert_eq!(norm2(&scaled), norm2(&v) * unit);
            prop_assert!(norm_inf(&scaled) <= norm2(&scaled) * (1.0 + 1e-15));
            prop_assert!(norm2(&scaled) <= norm1(&scaled) * (1.0 + 1e-14));
        }
    }
}

//! `e^v` and σ(v) = 1/(1 + e^{−v}) for the elementwise loops: branch-free, of additions, products and one
//! division only, so that they vectorise and give the same bits on every machine.
//!
//! `e^v = 2^k e^r`, `k = round(v / ln 2)`, with ln 2 in two parts of which the first, 15 bits, makes `kc`
//! exact (Cody and Waite). `e^r = 1 + (h + (r²p(r) − k·lo))`, where `h = v − k·hi` is exact too: what is
//! rounded before the last addition is below ½ and carries at most ¼ ulp of the result, the last addition ½,
//! the small terms under 0.15. In f64 it is `numerics::vector`'s exponential without fused products.

use super::storage::Compute;
use crate::numerics::vector::exp_element;

/// `1.5 · 2^23`: adding and subtracting it rounds to an integer.
const ROUND: f32 = 12_582_912.0;
/// `2^23 + 127`: adding it puts the biased exponent into the low bits.
const BIAS: f32 = 8_388_735.0;
/// ln 2 = `LN2_HI` (15 bits) + `LN2_LO`.
const LN2_HI: f32 = 0.693_145_75;
const LN2_LO: f32 = 1.428_606_8e-6;
/// `(e^r − 1 − r)/r²` on `|r| ≤ ½ ln 2` by interpolation at Chebyshev's nodes: 2^{−30} of `e^r`.
const EXP: [f32; 6] =
    [0.5, 0.166_666_67, 0.041_666_463, 0.008_333_311, 0.001_393_368_6, 0.000_198_910_3];

/// `2^k` for a whole `−126 ≤ k ≤ 127`.
#[inline(always)]
fn power_of_two(k: f32) -> f32 {
    f32::from_bits((k + BIAS).to_bits() << 23)
}

/// `e^v` within 1 ulp (of the subnormal spacing where the result is subnormal); NaN only from NaN.
#[inline(always)]
pub(super) fn exp_f32(v: f32) -> f32 {
    // Beyond these the result is ∞ or 0 for certain; NaN passes both comparisons.
    let v = if v > 100.0 { 100.0 } else { v };
    let v = if v < -110.0 { -110.0 } else { v };
    let k = (v * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let h = v - k * LN2_HI;
    let low = k * LN2_LO;
    let r = h - low;
    let mut p = EXP[5];
    for c in EXP[..5].iter().rev() {
        p = p * r + c;
    }
    let e = 1.0 + (h + (r * r * p - low));
    // Two factors, so that neither leaves the range before the result does.
    let first = if k > 126.0 { 126.0 } else { k };
    let first = if first < -126.0 { -126.0 } else { first };
    e * power_of_two(first) * power_of_two(k - first)
}

/// `e^v` within 1 ulp, as [`exp_f32`].
#[inline(always)]
pub(super) fn exp_f64(v: f64) -> f64 {
    exp_element::<false>(v)
}

/// `(σ(v), σ(v)(1 − σ(v)))` within 5 and 8 ulp: with `e = e^{−|v|}`, `1/(1 + e)` or `e/(1 + e)`, and
/// `e/(1 + e)²`. Nothing cancels or overflows; in units u of rounding e is off by 2u, a sum, a quotient and a
/// product by u each, and a relative error of u is at most one ulp.
#[inline(always)]
pub(super) fn sigmoid<C: Compute>(v: C) -> (C, C) {
    let e = (-v.abs()).exp();
    let top = C::ONE / (C::ONE + e);
    let bottom = e * top;
    let value = if v < C::ZERO { bottom } else { top };
    (value, bottom * top)
}

#[cfg(test)]
mod tests {
    use super::{exp_f32, sigmoid};

    /// Distance from the true value in units in the last place of f32.
    fn ulps(found: f32, truth: f64) -> f64 {
        let near = truth as f32;
        if found == near {
            return 0.0;
        }
        let unit = f64::from(near.abs().max(f32::MIN_POSITIVE).next_up())
            - f64::from(near.abs().max(f32::MIN_POSITIVE));
        (f64::from(found) - truth).abs() / unit
    }

    fn worst_exp(step: usize) -> f64 {
        let mut worst = 0.0_f64;
        for bits in (0..=u32::MAX).step_by(step) {
            let v = f32::from_bits(bits);
            if v.is_nan() {
                assert!(exp_f32(v).is_nan());
            } else {
                // The library's f64 exponential is right to 2^{−52}: nothing beside an f32 ulp.
                worst = worst.max(ulps(exp_f32(v), f64::from(v).exp()));
            }
        }
        worst
    }

    #[test]
    fn exponential_is_right_to_one_ulp() {
        let worst = worst_exp(1013);
        assert!(worst <= 1.0, "{worst} ulp");
    }

    /// All 2³² arguments: `cargo test --release -p mirrorflow -- --ignored every_f32`.
    #[test]
    #[ignore = "all 2^32 arguments take two minutes; the test above takes every 1013th"]
    fn exponential_of_every_f32_is_right_to_one_ulp() {
        let worst = worst_exp(1);
        println!("{worst} ulp");
        assert!(worst <= 1.0, "{worst} ulp");
    }

    #[test]
    fn exponential_saturates() {
        assert_eq!(exp_f32(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp_f32(89.0), f32::INFINITY);
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert_eq!((exp_f32(0.0), exp_f32(-0.0)), (1.0, 1.0));
        assert_eq!(exp_f32(-103.0), f32::from_bits(1));
    }

    #[test]
    fn sigmoid_is_right_to_its_bound_and_saturates() {
        for i in -120_000..120_000 {
            let v = i as f32 * 1e-3;
            let (value, slope) = sigmoid(v);
            let e = (-f64::from(v).abs()).exp();
            let truth = if v < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
            assert!(ulps(value, truth) <= 5.0, "σ({v})");
            assert!(ulps(slope, e / (1.0 + e) / (1.0 + e)) <= 8.0, "σ'({v})");
        }
        assert_eq!(sigmoid(f64::NEG_INFINITY), (0.0, 0.0));
        assert_eq!(sigmoid(f64::INFINITY), (1.0, 0.0));
        assert!(sigmoid(f64::NAN).0.is_nan());
    }
}

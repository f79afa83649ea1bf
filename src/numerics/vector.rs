//! Vectorised `exp`, `a sinh z` and `a cosh z` with `a` given as `log a`.
//!
//! With `b = |z|` where `|z| ≥ ½` and `b = 0` below,
//! `a sinh z = e^{b + log a} · g(z)`, where `g = ½(1 − e^{−2|z|})` resp. `g = sinh z`, and
//! `a cosh z = e^{b + log a} · h(z)`, where `h = ½(1 + e^{−2|z|})` resp. `h = cosh z`.
//! `b + log a` is an exact sum of two doubles (two-sum), so nothing is lost where a large `|z|`
//! cancels a very negative `log a`; no factor over- or underflows before the result does.
//!
//! `e^u = 2^k e^r`, `k = round(u / ln 2)`, `|r| ≤ ½ ln 2`, with `ln 2` in two parts (Cody and
//! Waite); polynomials for `e^r`, `sinh`, `cosh` on the small intervals are minimax (Remez, in 60
//! digits) and accurate to 2^{−55}.
//!
//! Error bounds, by counting roundings and confirmed by tests against 40-digit references:
//! [`exp`] 1 ulp, [`a_sinh_map`] and [`a_sinh_cosh_map`] 3 ulp (of the subnormal spacing where the
//! result is subnormal).

use super::dispatch::{dispatch, madd};
use super::exact::scaled::two_sum;
use super::simd::Isa;

/// `1.5 · 2^52`: adding and subtracting it rounds to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// `2^52 + 1023`: adding it puts the biased exponent into the low bits.
const BIAS: f64 = 4_503_599_627_371_519.0;
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// `ln 2` with 21 trailing zero bits, and the rest.
pub(crate) const LN2_HI: f64 = 0.693_147_180_369_123_8;
pub(crate) const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
/// `(e^r − 1 − r)/r²` on `|r| ≤ ½ ln 2`.
const EXP: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666674,
    0.04166666666662382,
    0.008333333333322139,
    0.0013888888917367246,
    0.00019841269886791807,
    2.4801521057819133e-05,
    2.7557242117466096e-06,
    2.762020157262752e-07,
    2.5110130323222028e-08,
];
/// `(sinh z − z)/z³` in `z²` on `|z| ≤ ½`.
pub(crate) const SINH: [f64; 6] = [
    0.16666666666666666,
    0.00833333333333336,
    0.00019841269841146768,
    2.755731943390228e-06,
    2.5051946566423225e-08,
    1.6116521739729735e-10,
];
/// `(cosh z − 1)/z²` in `z²` on `|z| ≤ ½`.
pub(crate) const COSH: [f64; 6] = [
    0.5,
    0.04166666666666706,
    0.0013888888888704209,
    2.4801587616574694e-05,
    2.755707641884163e-07,
    2.096299411210271e-09,
];
/// Beyond it `e^u` has over- or underflowed, however large the other factor.
const LIMIT: f64 = 1400.0;

/// `out_i = e^{x_i}`, within 1 ulp; `+inf` beyond the largest double, gradual underflow to 0.
///
/// # Panics
/// When the lengths disagree.
///
/// ```
/// let mut out = [1.0; 2];
/// mirrorflow::numerics::vector::exp(&[0.0, -1e9], &mut out);
/// assert_eq!(out, [1.0, 0.0]);
/// ```
pub fn exp(x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len(), "exp of {} numbers into {}", x.len(), out.len());
    exp_kernel(x, out);
}

/// `x_i = a_i sinh z_i` with `log a_i ≤ 1400`, within 3 ulp; `±inf` beyond the largest double,
/// gradual underflow to 0; NaN only from NaN.
///
/// # Panics
/// When the lengths disagree.
///
/// ```
/// let mut x = [0.0];
/// mirrorflow::numerics::vector::a_sinh_map(&[-1e6], &[-1e6], &mut x);
/// assert!((x[0] + 0.5).abs() < 1e-15);
/// ```
pub fn a_sinh_map(z: &[f64], log_a: &[f64], x_out: &mut [f64]) {
    assert!(
        z.len() == log_a.len() && z.len() == x_out.len(),
        "a sinh z of {} and {} numbers into {}",
        z.len(),
        log_a.len(),
        x_out.len()
    );
    a_sinh_kernel(z, log_a, x_out);
}

/// `x_i = a_i sinh z_i` and `s_i = a_i cosh z_i = √(x_i² + a_i²)`, each as [`a_sinh_map`].
///
/// # Panics
/// When the lengths disagree.
///
/// ```
/// let (mut x, mut s) = ([0.0], [0.0]);
/// mirrorflow::numerics::vector::a_sinh_cosh_map(&[0.0], &[0.0], &mut x, &mut s);
/// assert_eq!((x[0], s[0]), (0.0, 1.0));
/// ```
pub fn a_sinh_cosh_map(z: &[f64], log_a: &[f64], x_out: &mut [f64], s_out: &mut [f64]) {
    assert!(
        z.len() == log_a.len() && z.len() == x_out.len() && z.len() == s_out.len(),
        "a sinh z and a cosh z of {} and {} numbers into {} and {}",
        z.len(),
        log_a.len(),
        x_out.len(),
        s_out.len()
    );
    a_sinh_cosh_kernel(z, log_a, x_out, s_out);
}

dispatch!(fn exp_kernel(x: &[f64], out: &mut [f64]) = exp_body);
dispatch!(fn a_sinh_kernel(z: &[f64], log_a: &[f64], x_out: &mut [f64]) = a_sinh_body);
dispatch!(fn a_sinh_cosh_kernel(z: &[f64], log_a: &[f64], x_out: &mut [f64], s_out: &mut [f64])
    = a_sinh_cosh_body);

#[inline(always)]
fn exp_body<const FUSED: bool>(x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = exp_element::<FUSED>(x);
    }
}

/// `e^x` as [`exp`], branch-free, for loops of one's own.
#[inline(always)]
pub(crate) fn exp_element<const FUSED: bool>(x: f64) -> f64 {
    let (p, k) = exp_reduced::<FUSED>(x, 0.0);
    let (first, second) = powers_of_two(k);
    p * first * second
}

#[inline(always)]
fn a_sinh_body<const FUSED: bool>(z: &[f64], log_a: &[f64], x_out: &mut [f64]) {
    for ((x, &z), &log_a) in x_out.iter_mut().zip(z).zip(log_a) {
        *x = a_sinh_cosh::<FUSED>(z, log_a).0;
    }
}

#[inline(always)]
fn a_sinh_cosh_body<const FUSED: bool>(
    z: &[f64],
    log_a: &[f64],
    x_out: &mut [f64],
    s_out: &mut [f64],
) {
    for (((x, s), &z), &log_a) in x_out.iter_mut().zip(s_out).zip(z).zip(log_a) {
        (*x, *s) = a_sinh_cosh::<FUSED>(z, log_a);
    }
}

/// `(a sinh z, a cosh z)`, branch-free, for loops of one's own under [`dispatch!`].
#[inline(always)]
pub(crate) fn a_sinh_cosh<const FUSED: bool>(z: f64, log_a: f64) -> (f64, f64) {
    let z_abs = z.abs();
    let large = z_abs >= 0.5;
    // u = b + log a exactly, as hi + lo.
    let base = if large { z_abs } else { 0.0 };
    let (hi, lo) = two_sum(base, log_a);
    let (p, k) = exp_reduced::<FUSED>(hi, lo);
    let (first, second) = powers_of_two(k);
    // e^{−2|z|}; beyond |z| = 50 it changes nothing.
    let twice = if z_abs > 50.0 { -100.0 } else { -2.0 * z_abs };
    let (q, k) = exp_reduced::<FUSED>(twice, 0.0);
    let decayed = q * power_of_two(k);
    let square = z_abs * z_abs;
    let small_sinh = madd::<FUSED>(z_abs * square, polynomial::<FUSED, 6>(&SINH, square), z_abs);
    let small_cosh = madd::<FUSED>(square, polynomial::<FUSED, 6>(&COSH, square), 1.0);
    let g = if large { madd::<FUSED>(-0.5, decayed, 0.5) } else { small_sinh };
    let h = if large { madd::<FUSED>(0.5, decayed, 0.5) } else { small_cosh };
    // A subnormal g must be scaled up before it is multiplied.
    let x = g * first * p * second;
    let s = h * first * p * second;
    (x.copysign(z), s)
}

/// `sinh z` for `|z| ≤ 300` within 4 ulp, with one reduction for both exponentials: with
/// `z = k ln 2 + r`, `sinh z = ½(2^k − 2^{−k}) cosh r + ½(2^k + 2^{−k}) sinh r`. The first factor
/// is exactly 0 where k = 0; elsewhere the terms cancel at most by the factor
/// `½·(5/4)·2 sinh(½ ln 2) / sinh(½ ln 2) < 1.3` of the result.
#[inline(always)]
pub(crate) fn moderate_sinh<I: Isa>(z: f64) -> f64 {
    let horner = |c: &[f64; 6], x: f64| {
        let mut sum = c[5];
        for i in (0..5).rev() {
            sum = I::fma(sum, x, c[i]);
        }
        sum
    };
    let k = I::fma(z, LOG2_E, ROUND) - ROUND;
    let r = I::fma(-k, LN2_LO, I::fma(-k, LN2_HI, z));
    let square = r * r;
    let sinh = I::fma(r * square, horner(&SINH, square), r);
    let cosh = I::fma(square, horner(&COSH, square), 1.0);
    let (up, down) = (0.5 * power_of_two(k), 0.5 * power_of_two(-k));
    I::fma(up - down, cosh, (up + down) * sinh)
}

/// `e^{hi + lo} = p · 2^k` with `|lo| ≤ ulp(hi)`; k is a whole number, `|k| ≤ 2020`.
#[inline(always)]
pub(crate) fn exp_reduced<const FUSED: bool>(hi: f64, lo: f64) -> (f64, f64) {
    // Comparisons that are false for NaN leave it in place; the sum of infinities has no `lo`.
    let lo = if hi.abs() < LIMIT { lo } else { 0.0 };
    let hi = if hi > LIMIT { LIMIT } else { hi };
    let hi = if hi < -LIMIT { -LIMIT } else { hi };
    let k = madd::<FUSED>(hi, LOG2_E, ROUND) - ROUND;
    let r = madd::<FUSED>(-k, LN2_LO, madd::<FUSED>(-k, LN2_HI, hi)) + lo;
    let square = r * r;
    let tail = madd::<FUSED>(square, polynomial::<FUSED, 10>(&EXP, r), r);
    (1.0 + tail, k)
}

/// `Σ c_i x^i` by Horner's rule.
#[inline(always)]
fn polynomial<const FUSED: bool, const N: usize>(c: &[f64; N], x: f64) -> f64 {
    let mut sum = c[N - 1];
    for i in (0..N - 1).rev() {
        sum = madd::<FUSED>(sum, x, c[i]);
    }
    sum
}

/// `2^k` for a whole `|k| ≤ 1022`.
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k + BIAS).to_bits() << 52)
}

/// `2^k` as a product of two, for a whole `|k| ≤ 2040`; the second is 1 where one is enough.
#[inline(always)]
pub(crate) fn powers_of_two(k: f64) -> (f64, f64) {
    let first = if k > 1020.0 { 1020.0 } else { k };
    let first = if first < -1020.0 { -1020.0 } else { first };
    (power_of_two(first), power_of_two(k - first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::simd::Portable;
    use crate::numerics::special::log_domain::{a_cosh, a_sinh};

    fn both(z: f64, log_a: f64) -> (f64, f64) {
        let (mut x, mut s, mut alone) = ([0.0], [0.0], [0.0]);
        a_sinh_cosh_map(&[z], &[log_a], &mut x, &mut s);
        a_sinh_map(&[z], &[log_a], &mut alone);
        assert_eq!(x[0].to_bits(), alone[0].to_bits(), "z = {z:e}, log a = {log_a:e}");
        (x[0], s[0])
    }

    #[test]
    fn extremes_saturate_and_never_give_nan() {
        for log_a in [0.0, 50.0, -50.0, -1e3, -1e6, -1e300, 700.0, 1400.0] {
            for z in [0.0, 5e-324, 1e-310, 1e-20, 0.3, 1.0, 700.0, 1e6, 1e12, 1e308, f64::INFINITY]
            {
                let (x, s) = both(z, log_a);
                assert!(!x.is_nan() && !s.is_nan(), "z = {z:e}, log a = {log_a:e}: {x} {s}");
                let (minus_x, same_s) = both(-z, log_a);
                assert_eq!(minus_x.to_bits(), (-x).to_bits());
                assert_eq!(same_s.to_bits(), s.to_bits());
                assert!(s >= x);
            }
        }
        assert_eq!(both(1e6 + 800.0, -1e6), (f64::INFINITY, f64::INFINITY));
        assert_eq!(both(1.0, -1e6), (0.0, 0.0));
        assert_eq!(both(0.0, 50.0), (0.0, 50.0_f64.exp()));
        // e^{709.5 − ln 2} is finite although e^{1e6} is not.
        assert!(both(1e6 + 709.5, -1e6).0.is_finite());
        assert!(both(f64::NAN, 0.0).0.is_nan() && both(f64::NAN, 0.0).1.is_nan());
    }

    /// Distance in units in the last place; equal infinities and zeros are at distance 0.
    fn ulps(a: f64, b: f64) -> f64 {
        if a == b { 0.0 } else { (a - b).abs() / (b.abs() - b.abs().next_down().max(0.0)) }
    }

    #[test]
    fn right_to_three_ulp_against_high_precision() {
        // See tests/data/README.md; bits in hexadecimal.
        let golden = include_str!("../../tests/data/log_domain.csv");
        let mut rows = 0;
        for line in golden.lines() {
            let cells: Vec<&str> = line.split(',').collect();
            let bits = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("hex"));
            let (z, log_a, truth) = (bits(cells[1]), bits(cells[2]), bits(cells[3]));
            let found = match cells[0] {
                "a_sinh" => both(z, log_a).0,
                "a_cosh" => both(z, log_a).1,
                _ => continue,
            };
            let off = ulps(found, truth);
            assert!(off <= 3.0, "{} z={z:e} log a={log_a:e}: {found:e}, {off} ulp off", cells[0]);
            rows += 1;
        }
        assert!(rows > 1000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// 4 ulp here and 4 in the scalar function; odd to the bit.
        #[test]
        fn moderate_sinh_agrees_with_the_scalar_function(
            z in prop_oneof![-1.5..1.5_f64, -300.0..300.0_f64, -1e-8..1e-8_f64],
        ) {
            let found = moderate_sinh::<Portable>(z);
            prop_assert!(ulps(found, a_sinh(z, 0.0)) <= 8.0, "z={z:e}: {found:e}");
            prop_assert_eq!(found.to_bits(), (-moderate_sinh::<Portable>(-z)).to_bits());
        }

        /// Two programs for one function: 3 ulp here and 4 there. The vectors have every length,
        /// so that the remainder of the vectorised loop is reached too, and half of the arguments
        /// cancel log a.
        #[test]
        fn agrees_with_the_scalar_functions(
            z in prop::collection::vec(prop_oneof![-2.0..2.0_f64, -800.0..800.0_f64, -1.1e6..1.1e6_f64], 1..40),
            log_a in prop_oneof![-5.0..5.0_f64, -700.0..50.0_f64, -1e6..50.0_f64],
        ) {
            let z: Vec<f64> = z.iter().enumerate()
                .map(|(i, z)| if i % 2 == 0 { *z } else { z.signum() * (z.abs() % 700.0 - log_a).abs() })
                .collect();
            let a = vec![log_a; z.len()];
            let (mut x, mut s) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            a_sinh_cosh_map(&z, &a, &mut x, &mut s);
            let (mut plain_x, mut plain_s) = (x.clone(), s.clone());
            a_sinh_cosh_body::<false>(&z, &a, &mut plain_x, &mut plain_s);
            for i in 0..z.len() {
                let (true_x, true_s) = (a_sinh(z[i], log_a), a_cosh(z[i], log_a));
                for (found, truth) in [(x[i], true_x), (s[i], true_s), (plain_x[i], true_x), (plain_s[i], true_s)] {
                    prop_assert!(ulps(found, truth) <= 7.0, "z={:e}: {:e} {:e}", z[i], found, truth);
                }
            }
        }
    }

    #[test]
    fn a_subnormal_argument_keeps_its_digits_in_a_large_scale() {
        // a sinh z = a z for tiny z: 2^60 · 3·2^{−1074} is exact.
        let (x, _) = both(3.0 * 5e-324, 60.0 * std::f64::consts::LN_2);
        assert!((x / (3.0 * 2.0_f64.powi(-1014)) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn exponentials_agree_with_the_standard_library() {
        let x: Vec<f64> = (-7600..7200).map(|i| f64::from(i) * 0.1 + 1e-3).collect();
        let mut out = vec![0.0; x.len()];
        exp(&x, &mut out);
        for (&x, &found) in x.iter().zip(&out) {
            let expected = x.exp();
            // 1 ulp here, and the library's own rounding.
            let bound = 2.0 * f64::EPSILON * expected + 5e-324;
            assert!(found == expected || (found - expected).abs() <= bound, "e^{x}: {found:e}");
        }
    }
}

//! Vectorised `asinh(x/a)` with a given as `log a`.
//!
//! With `s = |x| e^{−log a}`, formed as `|x| p 2^k` so that no factor over- or underflows before s
//! does:
//! - `s > 2³⁰`: `log 2s = log 2|x| − log a`, the terms added as two doubles; it leaves out
//!   `1/(4s²) < 2^{−62}`;
//! - `s < 2^{−30}`: s itself; it leaves out `s³/6`;
//! - between: `log(1 + u)`, `u = s + s²/(1 + √(1 + s²))`, as the logarithm of the rounded sum and
//!   what the sum lost.
//!
//! `log v = k ln 2 + log m`, m in [√½, √2), `log m = 2 artanh((m − 1)/(m + 1))` by its series up to
//! the 21st power, which leaves 1e-18. Within 4 ulp for `log a ≤ 1400`, by counting roundings and
//! confirmed against 60-digit references.

use crate::numerics::dispatch::{dispatch, madd};
use crate::numerics::exact::scaled::two_sum;
use crate::numerics::vector::{LN2_HI, LN2_LO, exp_reduced, powers_of_two};

/// `1/(2j + 1)`, j = 1, 2, …: the series of artanh.
const ARTANH: [f64; 10] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
];
const FAR: f64 = 1_073_741_824.0;
const NEAR: f64 = 1.0 / FAR;

/// `out_i = asinh(x_i/a_i)` with `log a_i ≤ 1400`, within 4 ulp; NaN and ±∞ from NaN and ±∞; odd to
/// the bit.
///
/// # Panics
/// When the lengths disagree.
///
/// ```
/// let mut out = [0.0; 2];
/// mirrorflow::numerics::special::asinh::asinh_map(&[-0.5, 3.0], &[-1e6, 0.0], &mut out);
/// assert!((out[0] + 1e6).abs() < 1e-9);
/// assert!((out[1] - 3.0_f64.asinh()).abs() < 1e-15);
/// ```
pub fn asinh_map(x: &[f64], log_a: &[f64], out: &mut [f64]) {
    assert!(
        x.len() == log_a.len() && x.len() == out.len(),
        "asinh of {} and {} numbers into {}",
        x.len(),
        log_a.len(),
        out.len()
    );
    asinh_kernel(x, log_a, out);
}

dispatch!(fn asinh_kernel(x: &[f64], log_a: &[f64], out: &mut [f64]) = asinh_body);

#[inline(always)]
fn asinh_body<const FUSED: bool>(x: &[f64], log_a: &[f64], out: &mut [f64]) {
    for ((out, &x), &log_a) in out.iter_mut().zip(x).zip(log_a) {
        *out = asinh_element::<FUSED>(x, log_a);
    }
}

/// Every branch is computed and one selected, so that the loop has none.
#[inline(always)]
fn asinh_element<const FUSED: bool>(x: f64, log_a: f64) -> f64 {
    let size = x.abs();
    let (p, k) = exp_reduced::<FUSED>(-log_a, 0.0);
    let (first, second) = powers_of_two(k);
    let s = size * first * p * second;

    // Far: the large parts, (k + 1) ln 2 (whose first product is exact) and −log a, with what their
    // sum loses.
    let (k, log_m) = log_parts::<FUSED>(size);
    let (sum, lost) = two_sum((k + 1.0) * LN2_HI, -log_a);
    let far = sum + (lost + madd::<FUSED>(k + 1.0, LN2_LO, log_m));

    let square = s * s;
    let u = s + square / (1.0 + (1.0 + square).sqrt());
    let one = 1.0 + u;
    let (k, log_m) = log_parts::<FUSED>(one);
    let middle =
        madd::<FUSED>(k, LN2_HI, madd::<FUSED>(k, LN2_LO, log_m)) + (u - (one - 1.0)) / one;

    let value = if s > FAR { far } else { middle };
    let value = if s < NEAR { s } else { value };
    let value = if size < f64::INFINITY { value } else { size };
    value.copysign(x)
}

/// `log v = k ln 2 + log m` of a finite v > 0: k, whole, and log m.
#[inline(always)]
fn log_parts<const FUSED: bool>(v: f64) -> (f64, f64) {
    let tiny = v < f64::MIN_POSITIVE;
    let v = if tiny { v * 18_014_398_509_481_984.0 } else { v };
    let shift = if tiny { -54.0 } else { 0.0 };
    let bits = v.to_bits();
    // The biased exponent as a number: the low bits of 2⁵².
    let exponent = f64::from_bits(0x4330_0000_0000_0000 | (bits >> 52)) - 4_503_599_627_370_496.0;
    let m = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    let high = m > std::f64::consts::SQRT_2;
    let (m, up) = if high { (0.5 * m, 1.0) } else { (m, 0.0) };
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut sum = ARTANH[9];
    for j in (0..9).rev() {
        sum = madd::<FUSED>(sum, z, ARTANH[j]);
    }
    // s (2 + 2 z sum) with f = s (2 + f): f − s (f − 2 z sum).
    (exponent - 1023.0 + up + shift, f - s * (f - 2.0 * z * sum))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::special::log_domain::asinh_ratio;

    fn one(x: f64, log_a: f64) -> f64 {
        let mut out = [0.0];
        asinh_map(&[x], &[log_a], &mut out);
        out[0]
    }

    /// Distance in units in the last place (of the subnormal spacing there).
    fn ulps(a: f64, b: f64) -> f64 {
        if a == b { 0.0 } else { (a - b).abs() / (b.abs().next_up() - b.abs()) }
    }

    #[test]
    fn right_to_four_ulp_against_high_precision() {
        // See tests/data/README.md; bits in hexadecimal.
        let golden = include_str!("../../../tests/data/log_domain.csv");
        let mut rows = 0;
        for line in golden.lines().filter(|l| l.starts_with("asinh_ratio,")) {
            let cells: Vec<&str> = line.split(',').collect();
            let bits = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("hex"));
            let (x, log_a, truth) = (bits(cells[1]), bits(cells[2]), bits(cells[3]));
            let mut plain = [0.0];
            asinh_body::<false>(&[x], &[log_a], &mut plain);
            for found in [one(x, log_a), plain[0]] {
                let off = ulps(found, truth);
                assert!(off <= 4.0, "x={x:e} log a={log_a:e}: {found:e}, {off} ulp off");
            }
            rows += 1;
        }
        assert!(rows > 1000);
    }

    #[test]
    fn extremes_keep_their_sign_and_are_numbers() {
        for log_a in [0.0, 50.0, -50.0, -745.0, -1e3, -1e6, 1400.0] {
            for x in [0.0, 5e-324, 1e-310, 1e-20, 1.0, 1e308, f64::MAX, f64::INFINITY] {
                let value = one(x, log_a);
                assert!(value >= 0.0, "x = {x:e}, log a = {log_a}: {value}");
                assert_eq!((-value).to_bits(), one(-x, log_a).to_bits());
                assert_eq!(value.is_finite(), x.is_finite());
            }
        }
        assert!(one(f64::NAN, 0.0).is_nan());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Two programs for one function, 4 ulp each; vectors of every length reach the remainder
        /// of the loop. Half of the arguments are of the size of a.
        #[test]
        fn agrees_with_the_scalar_function(
            x in prop::collection::vec(prop_oneof![-2.0..2.0_f64, -1e9..1e9_f64], 1..40),
            log_a in prop_oneof![-5.0..5.0_f64, -700.0..50.0_f64, -1e6..50.0_f64],
        ) {
            let near = log_a.clamp(-600.0, 600.0).exp();
            let x: Vec<f64> =
                x.iter().enumerate().map(|(i, x)| if i % 2 == 0 { *x } else { x * near }).collect();
            let (a, mut out) = (vec![log_a; x.len()], vec![0.0; x.len()]);
            asinh_map(&x, &a, &mut out);
            for (x, found) in x.iter().zip(out) {
                let truth = asinh_ratio(*x, log_a);
                prop_assert!(ulps(found, truth) <= 8.0, "x={x:e}: {found:e} {truth:e}");
            }
        }
    }
}

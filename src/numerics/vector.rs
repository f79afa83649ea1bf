//! The map `x = a sinh z`, `s = a cosh z = √(x²+a²)` over vectors, in the log domain.
//!
//! `e^{±z + log a}` is evaluated with the rounding error of the sum put back (z and log a cancel),
//! by argument reduction to |r| ≤ ½ log 2 and a polynomial; near z = 0 the difference of the two
//! exponentials cancels, and `a·(z + z³/3! + …)` takes its place. No branches: every lane computes
//! both. Where the true value leaves the range, the result is ±∞ or 0, never NaN. Each value is
//! right to 4 ulp (tested against the scalar functions).

use super::dispatch::{dispatch, madd};

/// Adding and subtracting it rounds to an integer, which stands in the low bits in between.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5·2⁵²
const LN2_HI: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
/// Beyond it `e^v` is ∞ or 0 whatever else happens; the exponents below stay in range.
const FAR: f64 = 1400.0;
/// `1/k!` for the exponential, from k = 13 down.
const EXP: [f64; 14] = {
    let mut c = [1.0; 14];
    let mut factorial = 1.0;
    let mut k = 1;
    while k < 14 {
        factorial *= k as f64;
        c[k] = 1.0 / factorial;
        k += 1;
    }
    c
};
/// `1/(2k+1)!` for the sinh.
const SINH: [f64; 10] = {
    let mut c = [1.0; 10];
    let mut factorial = 1.0;
    let mut k = 1;
    while k < 10 {
        factorial *= (2 * k) as f64 * (2 * k + 1) as f64;
        c[k] = 1.0 / factorial;
        k += 1;
    }
    c
};

/// `e^{hi+lo}` for any hi and |lo| ≤ ulp(hi).
#[inline(always)]
fn exp_lane<const FUSED: bool>(hi: f64, lo: f64) -> f64 {
    // Written so that NaN passes through.
    let v = if hi > FAR { FAR } else { hi };
    let v = if v < -FAR { -FAR } else { v };
    let shifted = madd::<FUSED>(v, std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    // The first product is exact (32 and 12 bits), so is the difference.
    let r = v - k * LN2_HI;
    let r = madd::<FUSED>(-k, LN2_LO, r) + lo;
    let mut p = EXP[13];
    let mut i = 13;
    while i > 0 {
        i -= 1;
        p = madd::<FUSED>(p, r, EXP[i]);
    }
    // 2^k as a product of two powers, each in range since |k| ≤ 2020.
    let k = (shifted.to_bits() as i64) << 12 >> 12;
    let half = k >> 1;
    let power = |k: i64| f64::from_bits(((k + 1023) as u64) << 52);
    p * power(half) * power(k - half)
}

/// `(a sinh z, a cosh z)`.
#[inline(always)]
fn sinh_cosh_lane<const FUSED: bool>(z: f64, log_a: f64) -> (f64, f64) {
    let size = z.abs();
    // Rounding errors of log_a ± |z|, exact (two-sum).
    let sum = log_a + size;
    let t = sum - log_a;
    let sum_lo = (log_a - (sum - t)) + (size - t);
    let difference = log_a - size;
    let t = difference - log_a;
    let difference_lo = (log_a - (difference - t)) - (size + t);
    // An infinite z leaves NaN in the remainders.
    let finite = |v: f64| if v == v { v } else { 0.0 };
    let plus = 0.5 * exp_lane::<FUSED>(sum, finite(sum_lo));
    let minus = 0.5 * exp_lane::<FUSED>(difference, finite(difference_lo));
    let square = size * size;
    let mut p = SINH[9];
    let mut i = 9;
    while i > 0 {
        i -= 1;
        p = madd::<FUSED>(p, square, SINH[i]);
    }
    let small = exp_lane::<FUSED>(log_a, 0.0) * (size * p);
    let x = if size < 1.0 { small } else { plus - minus };
    (x.copysign(z), plus + minus)
}

#[inline(always)]
fn map_body<const FUSED: bool>(z: &[f64], log_a: &[f64], x: &mut [f64]) {
    for ((x, z), a) in x.iter_mut().zip(z).zip(log_a) {
        *x = sinh_cosh_lane::<FUSED>(*z, *a).0;
    }
}

#[inline(always)]
fn map_both_body<const FUSED: bool>(z: &[f64], log_a: &[f64], x: &mut [f64], s: &mut [f64]) {
    for (((x, s), z), a) in x.iter_mut().zip(s.iter_mut()).zip(z).zip(log_a) {
        (*x, *s) = sinh_cosh_lane::<FUSED>(*z, *a);
    }
}

dispatch! {
    /// `x_i = a_i sinh z_i` (all of length n).
    ///
    /// ```
    /// let mut x = [0.0];
    /// mirrorflow::numerics::vector::a_sinh_map(&[-1e6], &[-1e6], &mut x);
    /// assert!((x[0] + 0.5).abs() < 1e-15);
    /// ```
    pub fn a_sinh_map(z: &[f64], log_a: &[f64], x: &mut [f64]) = map_body
}

dispatch! {
    /// `x_i = a_i sinh z_i` and `s_i = a_i cosh z_i = √(x_i²+a_i²)` (all of length n).
    ///
    /// ```
    /// let (mut x, mut s) = ([0.0], [0.0]);
    /// mirrorflow::numerics::vector::a_sinh_cosh_map(&[0.0], &[0.0], &mut x, &mut s);
    /// assert_eq!((x[0], s[0]), (0.0, 1.0));
    /// ```
    pub fn a_sinh_cosh_map(z: &[f64], log_a: &[f64], x: &mut [f64], s: &mut [f64]) = map_both_body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::log_domain::{a_cosh, a_sinh};

    fn ulps(a: f64, b: f64) -> f64 {
        if a == b { 0.0 } else { (a - b).abs() / (b.abs().next_up() - b.abs()) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Each side is within 4 ulp of the truth: within 6 of the other as measured here, where
        /// the scalar functions stay below 2.
        #[test]
        fn agrees_with_the_scalar_functions(
            z in prop::collection::vec(prop_oneof![-2.0..2.0_f64, -800.0..800.0_f64, -1.1e6..1.1e6_f64], 1..40),
            log_a in prop_oneof![-5.0..5.0_f64, -700.0..50.0_f64, -1e6..50.0_f64],
        ) {
            // Half of the arguments cancel log a, where that is possible.
            let z: Vec<f64> = z.iter().enumerate()
                .map(|(i, z)| if i % 2 == 0 { *z } else { z.signum() * (z.abs() % 700.0 - log_a).abs() })
                .collect();
            let a = vec![log_a; z.len()];
            let (mut x, mut s, mut alone) = (vec![0.0; z.len()], vec![0.0; z.len()], vec![0.0; z.len()]);
            a_sinh_cosh_map(&z, &a, &mut x, &mut s);
            a_sinh_map(&z, &a, &mut alone);
            prop_assert_eq!(&x, &alone);
            for i in 0..z.len() {
                let (true_x, true_s) = (a_sinh(z[i], log_a), a_cosh(z[i], log_a));
                prop_assert!(ulps(x[i], true_x) <= 6.0, "z={:e} {:e} {:e}", z[i], x[i], true_x);
                prop_assert!(ulps(s[i], true_s) <= 6.0, "z={:e} {:e} {:e}", z[i], s[i], true_s);
            }
        }
    }

    #[test]
    fn the_edges_of_the_range() {
        let z = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e308, -1e308, 0.0, -0.0, 5e-324];
        let mut x = [0.0; 8];
        a_sinh_map(&z, &[-1e6; 8], &mut x);
        assert_eq!(x[0], f64::INFINITY);
        assert_eq!(x[1], f64::NEG_INFINITY);
        assert!(x[2].is_nan());
        assert_eq!((x[3], x[4]), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!((x[5], x[6], x[7]), (0.0, 0.0, 0.0));
    }
}

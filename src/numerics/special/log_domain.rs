//! The functions of the hyperbolic entropy with `a` given as `log a ∈ [−10⁶, 50]`:
//! `asinh(x/a)`, `a sinh z`, `a cosh z`, `√(x²+a²)`, `x asinh(x/a) − √(x²+a²)`.
//!
//! `a` itself may be far below the smallest f64, so it is handled as `m·2^k`
//! (`numerics::exact::scaled`); nothing underflows to a wrong answer or overflows where the true
//! value does not. Each is right to 4 ulp (tested against 60-digit references), except
//! [`entropy`], a difference with a genuine zero: there 4 ulp of the larger term.

use crate::numerics::exact::scaled::{Scaled, two_sum};

/// Above this `e^{−2z}` is below half an ulp of 1.
const ONE_SIDED: f64 = 20.0;

/// `asinh(x/a)`: odd and increasing in x.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::asinh_ratio;
/// assert_eq!(asinh_ratio(0.0, -1e6), 0.0);
/// // log(2x) − log a, although a underflows
/// assert!((asinh_ratio(0.5, -1e6) - 1e6).abs() < 1e-9);
/// ```
pub fn asinh_ratio(x: f64, log_a: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let s = Scaled::from_f64(x.abs()).over(Scaled::exp(log_a, 0.0));
    let value = if s.k > 30 {
        // asinh s = log 2s + O(1/s²), and 1/s² < 2^{−58}.
        Scaled { m: s.m, k: s.k + 1 }.ln()
    } else if s.k < -30 {
        // asinh s = s − O(s³).
        s.to_f64()
    } else {
        let s = s.to_f64();
        let square = s * s;
        (s + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    value.copysign(x)
}

/// `a sinh z`: odd in z; ±∞ only where the true value exceeds the range.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::a_sinh;
/// assert!((a_sinh(1e6, -1e6) - 0.5).abs() < 1e-15);
/// ```
pub fn a_sinh(z: f64, log_a: f64) -> f64 {
    let size = z.abs();
    if size > ONE_SIDED {
        return half_exp(size, log_a).copysign(z);
    }
    // The libm sinh is good to an ulp or two over this range.
    Scaled::from_f64(z.sinh()).times(Scaled::exp(log_a, 0.0)).to_f64()
}

/// `a cosh z = √(x²+a²)` at `x = a sinh z`: even in z.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::a_cosh;
/// assert!((a_cosh(0.0, 1.0) - 1f64.exp()).abs() < 1e-15);
/// ```
pub fn a_cosh(z: f64, log_a: f64) -> f64 {
    let size = z.abs();
    if size > ONE_SIDED {
        return half_exp(size, log_a);
    }
    Scaled::from_f64(z.cosh()).times(Scaled::exp(log_a, 0.0)).to_f64()
}

/// `½ e^{z + log a}`: the sum is kept exactly, since z and log a may cancel.
fn half_exp(z: f64, log_a: f64) -> f64 {
    let (hi, lo) = two_sum(z, log_a);
    if !hi.is_finite() {
        return z + log_a;
    }
    let e = Scaled::exp(hi, lo);
    Scaled { m: e.m, k: e.k - 1 }.to_f64()
}

/// `√(x²+a²)`.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::hypot_a;
/// assert_eq!(hypot_a(-3.0, 4f64.ln()), 5.0);
/// assert_eq!(hypot_a(2.0, -1e6), 2.0);
/// ```
pub fn hypot_a(x: f64, log_a: f64) -> f64 {
    if !x.is_finite() {
        return x.abs();
    }
    let (x, a) = (Scaled::from_f64(x.abs()), Scaled::exp(log_a, 0.0));
    let k = if x.m == 0.0 { a.k } else { a.k.max(x.k) };
    let part = |s: Scaled| Scaled { m: s.m, k: s.k - k }.to_f64();
    Scaled { m: part(x).hypot(part(a)), k }.to_f64()
}

/// `x asinh(x/a) − √(x²+a²)`, twice the untilted integrand of `R_a`: even in x.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::entropy;
/// assert_eq!(entropy(0.0, 0.0), -1.0);
/// ```
pub fn entropy(x: f64, log_a: f64) -> f64 {
    if !x.is_finite() {
        return x.abs();
    }
    let (z, s) = (asinh_ratio(x, log_a), hypot_a(x, log_a));
    let product = x * z;
    if product == f64::INFINITY {
        // The difference may still be in range: halves are exact here.
        return 2.0 * (0.5 * x * z - 0.5 * s);
    }
    product - s
}

/// `log cosh z`, for all z without overflow.
///
/// # Examples
/// ```
/// use mirrorflow::numerics::special::log_domain::log_cosh;
/// assert_eq!(log_cosh(0.0), 0.0);
/// assert_eq!(log_cosh(1e300), 1e300);
/// ```
pub fn log_cosh(z: f64) -> f64 {
    let size = z.abs();
    if size < 1.0 {
        // cosh z = 1 + 2 sinh²(z/2): no cancellation near 0.
        let half = (0.5 * size).sinh();
        (2.0 * half * half).ln_1p()
    } else {
        size + ((-2.0 * size).exp().ln_1p() - std::f64::consts::LN_2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Distance in units in the last place; equal infinities and zeros are at distance 0.
    fn ulps(a: f64, b: f64) -> f64 {
        if a == b {
            return 0.0;
        }
        let spacing = (b.abs().next_up() - b.abs()).min(b.abs() - b.abs().next_down().max(0.0));
        (a - b).abs() / spacing
    }

    /// Rows of `function,x or z,log a,value`, the numbers as hexadecimal bits of f64; the values by
    /// 60-digit arithmetic (`tools/log_domain_golden.py`).
    const GOLDEN: &str = include_str!("../../../tests/data/log_domain.csv");

    #[test]
    fn right_to_four_ulp_against_high_precision() {
        let mut rows = 0;
        for line in GOLDEN.lines() {
            let cells: Vec<&str> = line.split(',').collect();
            let bits = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("hex"));
            let (v, log_a, truth) = (bits(cells[1]), bits(cells[2]), bits(cells[3]));
            let (value, bound) = match cells[0] {
                "asinh_ratio" => (asinh_ratio(v, log_a), 4.0),
                "a_sinh" => (a_sinh(v, log_a), 4.0),
                "a_cosh" => (a_cosh(v, log_a), 4.0),
                "hypot_a" => (hypot_a(v, log_a), 4.0),
                "log_cosh" => (log_cosh(v), 4.0),
                "entropy" => {
                    // 4 ulp of the larger of the two terms, which may cancel.
                    let larger = (v * asinh_ratio(v, log_a)).abs().max(hypot_a(v, log_a));
                    let spacing = larger - larger.next_down();
                    let value = entropy(v, log_a);
                    assert!(
                        value == truth || (value - truth).abs() <= 4.0 * spacing,
                        "{line}: {value:e} for {truth:e}"
                    );
                    rows += 1;
                    continue;
                }
                other => panic!("unknown function {other}"),
            };
            let off = ulps(value, truth);
            assert!(off <= bound, "{line}: {value:e} for {truth:e}, {off} ulp off");
            rows += 1;
        }
        assert!(rows >= 8000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn odd_finite_and_monotone(bits in any::<u64>(), log_a in -1e6..50.0) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            let value = asinh_ratio(x, log_a);
            prop_assert_eq!(value, -asinh_ratio(-x, log_a));
            prop_assert!(value.is_finite());
            // The logarithm of everything here is below 10⁶ + 745.
            prop_assert!(value.abs() < 1.001e6);
            let next = x.next_up();
            prop_assert!(asinh_ratio(next, log_a) >= value - 8.0 * f64::EPSILON * value.abs());
            prop_assert!(hypot_a(x, log_a) >= x.abs() || ulps(hypot_a(x, log_a), x.abs()) <= 1.0);
            prop_assert_eq!(hypot_a(x, log_a), hypot_a(-x, log_a));
        }

        #[test]
        fn sinh_undoes_asinh(bits in any::<u64>(), log_a in -1e6..50.0) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite() && x.abs() > f64::MIN_POSITIVE);
            let z = asinh_ratio(x, log_a);
            let back = a_sinh(z, log_a);
            // z carries 4 ulp, which a sinh multiplies by z coth z.
            let tolerance = 4.0 * f64::EPSILON * (2.0 + z.abs());
            prop_assume!(x.abs() < 1e300);
            prop_assert!((back / x - 1.0).abs() <= tolerance, "{x:e} → {z:e} → {back:e}");
        }

        #[test]
        fn never_nan_on_numbers(z in any::<f64>(), log_a in -1e6..50.0) {
            prop_assume!(!z.is_nan());
            for value in [a_sinh(z, log_a), a_cosh(z, log_a), log_cosh(z)] {
                prop_assert!(!value.is_nan());
            }
            prop_assert_eq!(a_sinh(z, log_a), -a_sinh(-z, log_a));
            prop_assert_eq!(a_cosh(z, log_a), a_cosh(-z, log_a));
            // Overflow only beyond the range: ½ e^{|z| + log a} < 1.7e308.
            if z.abs() + log_a < 709.0 {
                prop_assert!(a_cosh(z, log_a).is_finite());
            }
        }
    }
}

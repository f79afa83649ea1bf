//! Fractions times powers of two as floats: rounded down, up, to nearest.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::numerics::exact::powers::scale2;

/// The largest float that is at most `num/den · 2^e` (den > 0), and whether it is that number.
/// Beyond the range: `f64::MAX`, and −∞ on the other side.
fn floor(num: &BigInt, den: &BigInt, e: i64) -> (f64, bool) {
    if num.is_zero() {
        return (0.0, true);
    }
    let negative = num.is_negative();
    let magnitude = num.abs();
    // 2^size ≤ |value| < 2^{size+2}.
    let size = magnitude.bits() as i64 - den.bits() as i64 - 1 + e;
    if size > 1024 {
        return (if negative { f64::NEG_INFINITY } else { f64::MAX }, false);
    }
    // Quotients of 53 to 55 bits; fewer where the floats are subnormal.
    let mut unit = (size - 52).max(-1074);
    let shift = e - unit;
    let (top, bottom) = if shift >= 0 {
        (magnitude << shift as u64, den.clone())
    } else {
        (magnitude, den << (-shift) as u64)
    };
    let mut quotient = &top / &bottom;
    let mut exact = (&quotient * &bottom) == top;
    while quotient.bits() > 53 {
        exact &= !quotient.bit(0);
        quotient >>= 1;
        unit += 1;
    }
    // |value| lies in [quotient, quotient + 1)·2^unit.
    if negative && !exact {
        quotient += 1;
    }
    let m = quotient.to_f64().unwrap_or(f64::INFINITY);
    let value = if unit > 971 { f64::INFINITY } else { scale2(m, unit as i32) };
    match (negative, value.is_finite()) {
        (false, true) => (value, exact),
        (false, false) => (f64::MAX, false),
        (true, true) => (-value, exact),
        (true, false) => (f64::NEG_INFINITY, false),
    }
}

/// The largest float that is at most `num/den · 2^e`; −∞ when there is none.
pub(in crate::limit) fn below(num: &BigInt, den: &BigInt, e: i64) -> f64 {
    floor(num, den, e).0
}

/// The least float that is at least `num/den · 2^e`; ∞ when there is none.
pub(in crate::limit) fn above(num: &BigInt, den: &BigInt, e: i64) -> f64 {
    -floor(&-num, den, e).0
}

/// One of the two floats around `num/den · 2^e`, the nearer one to a bit more than the last digit;
/// always finite.
pub(in crate::limit) fn nearest(num: &BigInt, den: &BigInt, e: i64) -> f64 {
    let (low, high) = (below(num, den, e), above(num, den, e));
    if low == high || !low.is_finite() || !high.is_finite() {
        return if low.is_finite() { low } else { high };
    }
    // Twice the number against low + high, both shifted to integers.
    let part = |v: f64| {
        super::integers::odd_part(v).map_or(BigInt::ZERO, |(m, k)| BigInt::from(m) << (k + 1074))
    };
    let middle = (part(low) + part(high)) * den;
    let twice: BigInt = num * 2;
    let shift = e + 1074;
    let less = if shift >= 0 {
        (twice << shift as u64) < middle
    } else {
        twice < (middle << (-shift) as u64)
    };
    if less { low } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_outwards_and_to_nearest() {
        let big = |v: i64| BigInt::from(v);
        let (low, high) = (below(&big(1), &big(3), 0), above(&big(1), &big(3), 0));
        assert_eq!(low.next_up(), high);
        assert_eq!(nearest(&big(1), &big(3), 0), 1.0 / 3.0);
        assert_eq!(nearest(&big(-2), &big(3), 0), -2.0 / 3.0);
        assert_eq!(below(&big(-1), &big(3), 0), -high);
        for (v, e) in [(1, 0), (-3, 5), (7, -1074), (1, 1023), (-1, -1074), (0, 9)] {
            let exact = v as f64 * if e < -1000 { 5e-324 } else { 2.0_f64.powi(e) };
            assert_eq!(below(&big(v), &big(1), e.into()), exact);
            assert_eq!(above(&big(v), &big(1), e.into()), exact);
            assert_eq!(nearest(&big(v * 3), &big(3), e.into()), exact);
        }
        // Beyond the range on both sides.
        assert_eq!(below(&big(1), &big(1), 1024), f64::MAX);
        assert_eq!(above(&big(1), &big(1), 1024), f64::INFINITY);
        assert_eq!(above(&big(1), &big(1), 90_000), f64::INFINITY);
        assert_eq!(below(&big(1), &big(1), -2000), 0.0);
        assert_eq!(above(&big(1), &big(1), -2000), 5e-324);
        assert_eq!(below(&big(-1), &big(1), -2000), -5e-324);
        // 2⁵³ + 1 lies between two floats; subnormals have fewer bits.
        let odd = (1_i64 << 53) + 1;
        assert_eq!(below(&big(odd), &big(1), 0), 2.0_f64.powi(53));
        assert_eq!(above(&big(odd), &big(1), 0), 2.0_f64.powi(53) + 2.0);
        assert_eq!(below(&big(7), &big(2), -1074), 3.0 * 5e-324);
        assert_eq!(above(&big(7), &big(2), -1074), 4.0 * 5e-324);
    }
}

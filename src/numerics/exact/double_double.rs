//! Numbers of twice the working precision: an unevaluated sum `hi + lo`, |lo| ≤ ½ ulp(hi).
//!
//! Sums and products follow Dekker (1971) and Knuth (1969) and lose a few units of 2⁻¹⁰⁴. `e^v`
//! reduces `v = k log 2 + r` with log 2 in three parts (products with |k| < 2²¹ are exact, the
//! third part is right to 2⁻¹¹⁸), sums the Taylor series of `e^m − 1`, m = r/64, |m| ≤ 0.0055, to
//! degree 12 (`0.0055¹²/13! < 2⁻¹²²` of m; from degree 7 on doubles do, `0.0055⁶/7! < 2⁻⁵⁷`), and
//! doubles m six times: `e^{2m} − 1 = s(2 + s)`, `s = e^m − 1`. Assumption: no overflow, and no
//! underflow of what counts.

use super::scaled::{LN2_A, LN2_B, LN2_C, two_sum};
use super::sums::two_product;

/// `hi + lo`, unevaluated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Double2 {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

/// `1/j!` for j = 12 to 7.
const TAIL: [f64; 6] = [
    1.0 / 479001600.0,
    1.0 / 39916800.0,
    1.0 / 3628800.0,
    1.0 / 362880.0,
    1.0 / 40320.0,
    1.0 / 5040.0,
];
/// `1/6!`.
const SIXTH: Double2 = Double2 { hi: 0.001388888888888889, lo: -5.300543954373577e-20 };
/// `1/j!` for j = 5 to 1.
const HEAD: [Double2; 5] = [
    Double2 { hi: 0.008333333333333333, lo: 1.1564823173178714e-19 },
    Double2 { hi: 0.041666666666666664, lo: 2.3129646346357427e-18 },
    Double2 { hi: 0.16666666666666666, lo: 9.25185853854297e-18 },
    Double2 { hi: 0.5, lo: 0.0 },
    Double2 { hi: 1.0, lo: 0.0 },
];

/// `a + b` as rounded sum and remainder, for |a| ≥ |b|.
#[inline(always)]
fn quick_two_sum(a: f64, b: f64) -> Double2 {
    let s = a + b;
    Double2 { hi: s, lo: b - (s - a) }
}

impl From<f64> for Double2 {
    fn from(hi: f64) -> Self {
        Self { hi, lo: 0.0 }
    }
}

impl Double2 {
    pub(crate) const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    /// `log 2^k`, for |k| < 2²¹: right to 2⁻¹⁰⁴.
    pub(crate) fn log_of_power(k: i32) -> Self {
        let k = f64::from(k);
        Self::sum(k * LN2_A, k * LN2_B).plus_f64(k * LN2_C)
    }

    /// `a + b`, exactly.
    pub(crate) fn sum(a: f64, b: f64) -> Self {
        let (hi, lo) = two_sum(a, b);
        Self { hi, lo }
    }

    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Self {
        let (s, e) = two_sum(self.hi, other.hi);
        let (t, f) = two_sum(self.lo, other.lo);
        let first = quick_two_sum(s, e + t);
        quick_two_sum(first.hi, first.lo + f)
    }

    /// The sum with a float.
    pub(crate) fn plus_f64(self, other: f64) -> Self {
        let (s, e) = two_sum(self.hi, other);
        quick_two_sum(s, e + self.lo)
    }

    /// The product.
    pub(crate) fn times(self, other: Self) -> Self {
        let (p, e) = two_product::<false>(self.hi, other.hi);
        quick_two_sum(p, e + (self.hi * other.lo + self.lo * other.hi))
    }

    /// The product with a float.
    pub(crate) fn times_f64(self, other: f64) -> Self {
        let (p, e) = two_product::<false>(self.hi, other);
        quick_two_sum(p, e + self.lo * other)
    }

    /// The quotient by a float ≠ 0.
    pub(crate) fn over_f64(self, other: f64) -> Self {
        let q = self.hi / other;
        let (p, e) = two_product::<false>(q, other);
        let rest = (self.hi - p) - e + self.lo;
        quick_two_sum(q, rest / other)
    }

    /// The quotient by a number ≠ 0: long division with two further digits.
    pub(crate) fn over(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self.plus(other.times_f64(-first));
        let second = rest.hi / other.hi;
        let rest = rest.plus(other.times_f64(-second));
        quick_two_sum(first, second).plus_f64(rest.hi / other.hi)
    }

    /// The product with 2^k.
    pub(crate) fn scaled(self, k: i64) -> Self {
        // In two steps: 2^k itself may be no number. Both are exact unless the result underflows.
        let half = k.clamp(-2040, 2040) / 2;
        let rest = k.clamp(-2040, 2040) - half;
        let power = |k: i64| f64::from_bits(((k + 1023) as u64) << 52);
        let (a, b) = (power(half), power(rest));
        Self { hi: self.hi * a * b, lo: self.lo * a * b }
    }

    /// `−(hi + lo)`.
    pub(crate) fn negated(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }

    /// `e^v = m·2^k`, for |v| ≤ 1.4·10⁶ (saturating beyond).
    fn exp_scaled(self) -> (Self, i64) {
        let v = if self.hi.abs() > 1.4e6 {
            Self { hi: 1.4e6_f64.copysign(self.hi), lo: 0.0 }
        } else {
            self
        };
        let k = (v.hi * std::f64::consts::LOG2_E).round();
        let r = v.plus_f64(-(k * LN2_A)).plus_f64(-(k * LN2_B));
        let (p, e) = two_product::<false>(k, LN2_C);
        let r = r.plus(Self { hi: -p, lo: -e });
        let m = Self { hi: r.hi / 64.0, lo: r.lo / 64.0 };
        let rest = TAIL.iter().fold(0.0, |sum, c| sum * m.hi + c);
        let mut s = SIXTH.plus_f64(rest * m.hi);
        for c in HEAD {
            s = s.times(m).plus(c);
        }
        s = s.times(m);
        for _ in 0..6 {
            s = Self { hi: 2.0 * s.hi, lo: 2.0 * s.lo }.plus(s.times(s));
        }
        let sum = s.plus_f64(1.0);
        (sum, k as i64)
    }
}

/// `sinh v` for |v| ≤ ½, by its series to degree 29: `½³¹/31! < 2⁻¹⁴³`.
fn sinh_small(v: Double2) -> Double2 {
    let square = v.times(v);
    let mut sum = Double2 { hi: 1.0, lo: 0.0 };
    for k in (1..=14).rev() {
        let degree = f64::from(2 * k * (2 * k + 1));
        sum = sum.times(square).over_f64(degree).plus_f64(1.0);
    }
    sum.times(v)
}

/// `(a sinh v, a cosh v)`, a given as log a; a cosh v to working precision is enough for its users.
pub(crate) fn a_sinh_cosh(v: Double2, log_a: Double2) -> (Double2, f64) {
    let size = if v.hi < 0.0 { v.negated() } else { v };
    let signed = |x: Double2| if v.hi < 0.0 { x.negated() } else { x };
    let (up, k) = size.plus(log_a).exp_scaled();
    if size.hi > 20.0 {
        // e^{−2|v|} < 2⁻⁵⁷: its own 40 digits in binary are enough.
        let down = (-2.0 * size.hi).exp();
        let x = up.plus(up.times_f64(-down)).scaled(k - 1);
        return (signed(x), up.times_f64(1.0 + down).scaled(k - 1).hi);
    }
    let (down, l) = size.negated().plus(log_a).exp_scaled();
    let down = down.scaled(l - k);
    let root = up.plus(down).scaled(k - 1).hi;
    if size.hi > 0.5 {
        return (signed(up.plus(down.negated()).scaled(k - 1)), root);
    }
    let (a, k) = log_a.exp_scaled();
    (signed(sinh_small(size).times(a).scaled(k)), root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2⁻⁹⁴: the reduction of arguments near 10⁶ costs 2⁻⁹⁷, the rest less.
    const CLOSE: f64 = 5.05e-29;

    fn distance(a: Double2, b: Double2) -> f64 {
        let d = a.plus(b.negated());
        (d.hi / b.hi).abs()
    }

    #[test]
    fn known_values() {
        // e and sinh(¼), as leading float and remainder (mpmath, 60 digits).
        let (e, k) = Double2 { hi: 1.0, lo: 0.0 }.exp_scaled();
        let e = e.scaled(k);
        assert_eq!(e.hi, std::f64::consts::E);
        assert!((e.lo - 1.445_646_891_729_250_2e-16).abs() < 1e-31, "{:e}", e.lo);
        let (x, _) = a_sinh_cosh(Double2 { hi: 0.25, lo: 0.0 }, Double2::ZERO);
        let rest = Double2 { hi: 0.002_612_316_808_168_308, lo: 8.749_874_190_116_692e-20 };
        assert!(distance(x.plus_f64(-0.25), rest) < 1e-29);
    }

    #[test]
    fn logarithms_of_powers_are_undone() {
        for k in [-2_000_000, -1074, -1, 0, 3, 1023, 2_000_000] {
            let (m, l) = Double2::log_of_power(k).exp_scaled();
            assert_eq!(l, i64::from(k));
            // An error of log 2^k is one of 2^k relative to it.
            let allowed = CLOSE + 2f64.powi(-104) * f64::from(k.abs());
            assert!(distance(m, Double2::from(1.0)) < allowed, "{k}: {m:?}");
        }
    }

    proptest! {
        /// `e^{u+v} = e^u e^v`, `sinh 2v = 2 sinh v cosh v` and `sinh² + 1 = cosh²` across all
        /// branches.
        #[test]
        fn functional_equations(u in -6e5..6e5f64, v in -6e5..6e5f64, w in -39.0..39.0f64) {
            let exp = |a: Double2| a.exp_scaled();
            let (ab, k) = exp(Double2::sum(u, v));
            let ((a, i), (b, j)) =
                (exp(Double2 { hi: u, lo: 0.0 }), exp(Double2 { hi: v, lo: 0.0 }));
            prop_assert!(distance(a.times(b).scaled(i + j - k), ab) < 4.0 * CLOSE);
            let sinh = |w: f64| a_sinh_cosh(Double2 { hi: w, lo: 0.0 }, Double2::ZERO).0;
            // sinh 3w = sinh w (3 + 4 sinh² w).
            let w = w / 3.0;
            let three = a_sinh_cosh(Double2 { hi: w, lo: 0.0 }.times_f64(3.0), Double2::ZERO).0;
            let s = sinh(w);
            let right = s.times(s.times(s).times_f64(4.0).plus_f64(3.0));
            prop_assert!(w == 0.0 || distance(three, right) < 16.0 * CLOSE);
        }

        #[test]
        fn quotients_undo_products(a in -1e3..1e3f64, low in -1e-14..1e-14f64, f in 0.1..1e3f64) {
            prop_assume!(a.abs() > 1e-3);
            let v = Double2::sum(a, low);
            prop_assert!(distance(v.times_f64(f).over_f64(f), v) < CLOSE);
            let w = Double2::sum(f, 0.3 * f64::EPSILON * f);
            prop_assert!(distance(v.times(w).over(w), v) < CLOSE);
        }
    }
}

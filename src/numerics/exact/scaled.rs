//! Numbers `m·2^k` with a wide exponent, and `e^v` as one of them.
//!
//! `e^{−10⁶}` is far below the smallest f64, yet its ratio to another such number is an ordinary
//! one. The argument reduction `v = k log 2 + r` is carried out with `log 2` in three parts, so
//! that nothing is lost for |v| up to 1.4·10⁶.

/// `m·2^k` with `m` of moderate size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled {
    pub(crate) m: f64,
    pub(crate) k: i64,
}

/// The leading 32 bits of log 2, the next 32, and the rest: products of the first two with an
/// integer below 2²¹ are exact.
pub(crate) const LN2_A: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
pub(crate) const LN2_B: f64 = f64::from_bits(0x3DEA_39EF_3560_0000);
pub(crate) const LN2_C: f64 = f64::from_bits(0x3BE9_3C76_7300_7E5F);

/// Beyond this |v|, `e^v` is out of reach of any other number handled here.
const FAR: f64 = 1.4e6;

/// `a + b` as rounded sum and exact remainder.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

impl Scaled {
    /// `e^{hi+lo}` to about one ulp, for |hi| ≤ 1.4·10⁶ (saturating beyond) and |lo| ≪ |hi|.
    pub(crate) fn exp(hi: f64, lo: f64) -> Self {
        if hi.is_nan() {
            return Self { m: hi, k: 0 };
        }
        let hi = hi.clamp(-FAR, FAR);
        let k = (hi * std::f64::consts::LOG2_E).round();
        // The first difference is exact (Sterbenz), the products too.
        let (r, e) = two_sum(hi - k * LN2_A, -(k * LN2_B));
        let rest = (lo + e) - k * LN2_C;
        Self { m: r.exp() * (1.0 + rest), k: k as i64 }
    }

    /// A finite f64 with `m ∈ ±[½, 1)`; zero stays zero.
    pub(crate) fn from_f64(x: f64) -> Self {
        if x == 0.0 || !x.is_finite() {
            return Self { m: x, k: 0 };
        }
        // Subnormals are brought into the normal range first.
        let (x, shift) =
            if x.abs() < f64::MIN_POSITIVE { (x * 2.0_f64.powi(54), 54) } else { (x, 0) };
        let exponent = ((x.to_bits() >> 52) & 0x7FF) as i64 - 1022;
        Self { m: x * power(-exponent / 2) * power(-exponent - -exponent / 2), k: exponent - shift }
    }

    /// The nearest f64, rounded once: ±∞ above the range, a subnormal or 0 below it.
    pub(crate) fn to_f64(self) -> f64 {
        let k = self.k.clamp(-2040, 2040);
        let half = k / 2;
        self.m * power(half) * power(k - half)
    }

    /// The quotient.
    pub(crate) fn over(self, other: Self) -> Self {
        Self { m: self.m / other.m, k: self.k - other.k }
    }

    /// The product.
    pub(crate) fn times(self, other: Self) -> Self {
        Self { m: self.m * other.m, k: self.k + other.k }
    }

    /// `log |m·2^k|`, without the cancellation of adding `log m` to a rounded `k log 2`.
    pub(crate) fn ln(self) -> f64 {
        let k = self.k as f64;
        let (s, e) = two_sum(k * LN2_A, self.m.abs().ln());
        s + (e + k * LN2_B + k * LN2_C)
    }
}

/// `2^k` for `−1022 ≤ k ≤ 1023`.
fn power(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_ln2_add_up() {
        assert_eq!(LN2_A + LN2_B, std::f64::consts::LN_2);
        for part in [LN2_A, LN2_B] {
            assert_eq!(part.to_bits() & ((1 << 20) - 1), 0, "32 bits");
        }
    }

    proptest! {
        #[test]
        fn splitting_is_exact(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            let s = Scaled::from_f64(x);
            prop_assert_eq!(s.to_f64(), x);
            prop_assert!(x == 0.0 || (0.5..1.0).contains(&s.m.abs()));
        }
    }
}

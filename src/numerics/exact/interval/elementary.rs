//! Elementary functions of intervals, enclosed rigorously from the four operations alone: no
//! accuracy of the system's `exp` or `log` is assumed.
//!
//! `exp`: with `r = x 2⁻ˢ`, `|r| ≤ 1/16` (exact), the Taylor sum to degree 10 errs by less than
//! `e^{1/16} |r|¹¹/11! < 2⁻⁶⁸`; then s squarings. `log y`: for any guess g,
//! `log y = g + log(1 + δ)` with `1 + δ = y e^{−g}`, and `δ/(1+δ) ≤ log(1+δ) ≤ δ`. All functions
//! here increase, so the ends decide.

use super::Interval;

/// Where `exp` is bounded by what is known instead of being computed.
const LARGE: f64 = 700.0;

fn exp_point(x: f64) -> Interval {
    if x > LARGE {
        return Interval { lo: exp_point(LARGE).lo, hi: f64::INFINITY };
    }
    if x < -LARGE {
        return Interval { lo: 0.0, hi: exp_point(-LARGE).hi };
    }
    let (mut r, mut squarings) = (x, 0);
    while r.abs() > 0.0625 {
        r *= 0.5;
        squarings += 1;
    }
    let r = Interval::point(r);
    // Horner: 1 + r(1 + r/2 (1 + r/3 (…))).
    let mut sum = Interval::point(1.0);
    for k in (1..=10).rev() {
        sum = sum * r / Interval::point(f64::from(k)) + 1.0;
    }
    sum = sum + Interval::around(0.0, 2f64.powi(-68));
    for _ in 0..squarings {
        sum = sum.sqr();
    }
    sum
}

/// For a finite `y > 0`.
fn ln_point(y: f64) -> Interval {
    let guess = y.ln();
    let delta = exp_point(-guess) * Interval::point(y) - 1.0;
    if !(delta.lo > -0.5 && delta.hi < 1.0) {
        return Interval::ENTIRE;
    }
    let lower = Interval::point(delta.lo) / (Interval::point(delta.lo) + 1.0);
    Interval::point(guess) + Interval { lo: lower.lo, hi: delta.hi }
}

impl Interval {
    /// `e^x`.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::interval::Interval;
    /// let e = Interval::point(1.0).exp();
    /// assert!(e.contains(std::f64::consts::E) && e.width() < 1e-13);
    /// ```
    pub fn exp(self) -> Self {
        Self {
            lo: if self.lo.is_finite() { exp_point(self.lo).lo } else { 0.0 },
            hi: exp_upper(self.hi),
        }
    }

    /// `log x`; `None` where the interval reaches 0 or below, or is not bounded.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::interval::Interval;
    /// let log = Interval::point(2.0).ln().expect("2 is positive");
    /// assert!(log.contains(std::f64::consts::LN_2) && log.width() < 1e-14);
    /// assert!(Interval::ZERO.ln().is_none());
    /// ```
    pub fn ln(self) -> Option<Self> {
        (self.lo > 0.0 && self.hi.is_finite())
            .then(|| Self { lo: ln_point(self.lo).lo, hi: ln_point(self.hi).hi })
    }

    /// `sinh x = ½(e^x − e^{−x})`, to the absolute accuracy of `e^{|x|}`.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::interval::Interval;
    /// assert!(Interval::point(1.0).sinh().contains(1.0_f64.sinh()));
    /// ```
    pub fn sinh(self) -> Self {
        let at = |x: f64| {
            let e = Self { lo: x, hi: x }.exp();
            (e - Self { lo: -x, hi: -x }.exp()) * 0.5
        };
        Self::outward(at(self.lo).lo, at(self.hi).hi)
    }

    /// `cosh x = ½(e^x + e^{−x})`.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::interval::Interval;
    /// assert!(Interval::point(1.0).cosh().contains(1.0_f64.cosh()));
    /// ```
    pub fn cosh(self) -> Self {
        // Even, and increasing in |x|.
        let at = |x: f64| (Self { lo: x, hi: x }.exp() + Self { lo: -x, hi: -x }.exp()) * 0.5;
        Self::outward(at(self.mig()).lo, at(self.mag()).hi)
    }

    /// `asinh x = log(x + √(x²+1))`, odd; `None` where the interval is not bounded.
    ///
    /// ```
    /// use mirrorflow::numerics::exact::interval::Interval;
    /// let one = Interval::point(1.0).sinh().asinh().expect("bounded");
    /// assert!(one.contains(1.0) && one.width() < 1e-13);
    /// ```
    pub fn asinh(self) -> Option<Self> {
        let at = |x: f64| {
            let size = Self::point(x.abs());
            let value = (size + (size.sqr() + 1.0).sqrt()?).ln()?;
            Some(if x < 0.0 { -value } else { value })
        };
        (self.is_finite()).then_some(())?;
        Some(Self { lo: at(self.lo)?.lo, hi: at(self.hi)?.hi })
    }
}

fn exp_upper(x: f64) -> f64 {
    if x == f64::INFINITY { f64::INFINITY } else { exp_point(x.max(-LARGE - 1.0)).hi }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Interval;

    /// Values from another tool, right to an ulp or two, which is what `room` leaves them.
    #[test]
    fn known_values() {
        let cases: [(f64, f64); 5] = [
            (-30.5, 5.675_685_232_632_72e-14),
            (-0.001, 0.999_000_499_833_375),
            (0.3, 1.349_858_807_576_003),
            (10.0, 22_026.465_794_806_718),
            (123.456, 4.132_944_352_778_106e53),
        ];
        for (x, value) in cases {
            let found = Interval::point(x).exp();
            let room = 4e-15 * value;
            assert!(found.lo - room <= value && value <= found.hi + room, "exp {x}: {found}");
            assert!(found.width() <= 1e-11 * value, "exp {x} is only known to {found}");
        }
    }

    #[test]
    fn extremes_are_bounds() {
        let all = Interval::ENTIRE.exp();
        assert!(all.lo == 0.0 && all.hi == f64::INFINITY);
        assert!(Interval::point(1e4).exp().hi == f64::INFINITY);
        assert!(Interval::point(-1e4).exp().contains(0.0));
        assert!(Interval::ENTIRE.asinh().is_none() && Interval::ENTIRE.ln().is_none());
        assert!(Interval::ENTIRE.cosh().lo >= 0.9);
    }

    proptest! {
        #[test]
        fn exp_turns_sums_into_products(x in -300.0..300.0, y in -300.0..300.0) {
            let (x, y) = (Interval::point(x), Interval::point(y));
            prop_assert!((x + y).exp().intersection(x.exp() * y.exp()).is_some());
        }

        #[test]
        fn ln_inverts_exp(x in -300.0..300.0) {
            let back = Interval::point(x).exp().ln().expect("positive");
            prop_assert!(back.contains(x) && back.width() < 1e-10);
        }

        #[test]
        fn asinh_inverts_sinh_and_is_odd(x in -20.0..20.0) {
            let sinh = Interval::point(x).sinh();
            let back = sinh.asinh().expect("bounded");
            prop_assert!(back.contains(x));
            prop_assert!((-sinh).asinh().expect("bounded").contains(-x));
        }

        #[test]
        fn cosh_and_sinh_obey_their_identity(x in -20.0..20.0) {
            let x = Interval::point(x);
            let one = x.cosh().sqr() - x.sinh().sqr();
            prop_assert!(one.contains(1.0));
        }

        #[test]
        fn wider_in_is_wider_out(x in -20.0..20.0, width in 0.0..5.0) {
            let (point, wide) = (Interval::point(x), Interval::around(x, width));
            prop_assert!(point.exp().is_subset_of(wide.exp()));
            prop_assert!(point.sinh().is_subset_of(wide.sinh()));
            prop_assert!(point.cosh().is_subset_of(wide.cosh()));
        }
    }
}

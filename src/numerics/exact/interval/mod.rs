//! Intervals with outward rounding: whatever is computed contains the exact result.
//!
//! `X ∘ Y ⊇ {x ∘ y : x ∈ X, y ∈ Y}` for `∘ ∈ {+, −, ×, ÷}`, with end points rounded outwards
//! (`numerics::rounding`), hence the tightest enclosure in floating point wherever nothing
//! over- or underflows. An operation without a bound (division by an interval that contains 0,
//! `∞ − ∞`) gives the whole line: never a NaN, never a wrong bound.
//!
//! Source: Moore, Kearfott & Cloud, *Introduction to Interval Analysis*, 2009; Rump,
//! *Verification methods*, Acta Numerica 2010.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::rounding::{add_down, add_up, div_down, div_up, mul_down, mul_up, sqrt_down, sqrt_up};
use crate::{Error, Result};

mod elementary;
mod sums;
pub use sums::{dot, dot_interval, norm1, norm1_interval, residual, residual_interval};

/// A closed interval `[lo, hi]`, `lo ≤ hi`; an end may be infinite.
///
/// ```
/// use mirrorflow::numerics::exact::interval::Interval;
/// let third = Interval::point(1.0) / Interval::point(3.0);
/// assert!(third.lo() < third.hi() && third.width() < 1e-16);
/// assert!((third * 3.0).contains(1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

impl Interval {
    /// `(−∞, ∞)`: nothing is known.
    pub const ENTIRE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
    /// `[0, 0]`.
    pub const ZERO: Self = Self { lo: 0.0, hi: 0.0 };

    /// `[lo, hi]`.
    ///
    /// # Errors
    /// When an end is NaN, `lo > hi`, or no real number lies between them.
    pub fn new(lo: f64, hi: f64) -> Result<Self> {
        if lo <= hi && lo < f64::INFINITY && hi > f64::NEG_INFINITY {
            Ok(Self { lo, hi })
        } else {
            Err(Error::Domain {
                what: "an interval".into(),
                expected: "lo ≤ hi with a real number in between".into(),
                found: format!("[{lo}, {hi}]"),
            })
        }
    }

    /// Ends that are known to be bounds, or useless ones (NaN, wrong infinities): those become
    /// the whole line's.
    fn outward(lo: f64, hi: f64) -> Self {
        Self {
            lo: if lo < f64::INFINITY { lo } else { f64::NEG_INFINITY },
            hi: if hi > f64::NEG_INFINITY { hi } else { f64::INFINITY },
        }
    }

    /// `[x, x]`; the whole line where `x` is not finite.
    pub fn point(x: f64) -> Self {
        if x.is_finite() { Self { lo: x, hi: x } } else { Self::ENTIRE }
    }

    /// `[center − radius, center + radius]`, rounded outwards; the whole line where an argument is
    /// NaN or the radius is negative.
    pub fn around(center: f64, radius: f64) -> Self {
        if !center.is_finite() || radius.is_nan() || radius < 0.0 {
            return Self::ENTIRE;
        }
        Self::outward(add_down(center, -radius), add_up(center, radius))
    }

    /// The lower end.
    pub fn lo(self) -> f64 {
        self.lo
    }
    /// The upper end.
    pub fn hi(self) -> f64 {
        self.hi
    }
    /// Whether both ends are finite.
    pub fn is_finite(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }
    /// Whether `x` lies in it.
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }
    /// Whether every point lies in `other`.
    pub fn is_subset_of(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }
    /// Whether it lies in the interior of `other`: the test of a Krawczyk step.
    pub fn is_interior_of(self, other: Self) -> bool {
        (other.lo < self.lo || other.lo == f64::NEG_INFINITY)
            && (self.hi < other.hi || other.hi == f64::INFINITY)
    }
    /// The smallest interval that contains both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }
    /// What both have in common; `None` when they are disjoint.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Self { lo, hi })
    }
    /// At least `hi − lo`.
    pub fn width(self) -> f64 {
        add_up(self.hi, -self.lo)
    }
    /// A point near the middle, inside; 0 for the whole line, an end of the range for a half line.
    pub fn mid(self) -> f64 {
        let middle = 0.5 * self.lo + 0.5 * self.hi;
        if middle.is_nan() {
            return 0.0;
        }
        // The halves of two subnormals may both round away from the middle.
        middle.clamp(self.lo, self.hi).clamp(f64::MIN, f64::MAX)
    }
    /// The distance from [`Interval::mid`] to the farther end, rounded up.
    pub fn rad(self) -> f64 {
        let middle = self.mid();
        add_up(self.hi, -middle).max(add_up(middle, -self.lo))
    }
    /// `max |x|`.
    pub fn mag(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }
    /// `min |x|`.
    pub fn mig(self) -> f64 {
        if self.contains(0.0) { 0.0 } else { self.lo.abs().min(self.hi.abs()) }
    }
    /// `{|x|}`.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { lo: self.mig(), hi: self.mag() }
    }
    /// `{x²}`: not `x · x`, which forgets that both factors are the same.
    #[must_use]
    pub fn sqr(self) -> Self {
        let (least, most) = (self.mig(), self.mag());
        Self::outward(mul_down(least, least), mul_up(most, most))
    }
    /// `{√x : x ≥ 0}`; `None` when there is no such x.
    pub fn sqrt(self) -> Option<Self> {
        (self.hi >= 0.0).then(|| Self { lo: sqrt_down(self.lo.max(0.0)), hi: sqrt_up(self.hi) })
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{:e}, {:e}]", self.lo, self.hi)
    }
}

impl From<f64> for Interval {
    fn from(x: f64) -> Self {
        Self::point(x)
    }
}

impl Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::outward(add_down(self.lo, other.lo), add_up(self.hi, other.hi))
    }
}

impl Sub for Interval {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let (a, b, c, d) = (self.lo, self.hi, other.lo, other.hi);
        let lo = mul_down(a, c).min(mul_down(a, d)).min(mul_down(b, c)).min(mul_down(b, d));
        let hi = mul_up(a, c).max(mul_up(a, d)).max(mul_up(b, c)).max(mul_up(b, d));
        Self::outward(lo, hi)
    }
}

impl Div for Interval {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        if other.contains(0.0) {
            return Self::ENTIRE;
        }
        let (a, b, c, d) = (self.lo, self.hi, other.lo, other.hi);
        let lo = div_down(a, c).min(div_down(a, d)).min(div_down(b, c)).min(div_down(b, d));
        let hi = div_up(a, c).max(div_up(a, d)).max(div_up(b, c)).max(div_up(b, d));
        Self::outward(lo, hi)
    }
}

macro_rules! with_float {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait<f64> for Interval {
            type Output = Self;
            fn $method(self, other: f64) -> Self {
                self.$method(Self::point(other))
            }
        }
    )*};
}
with_float!(Add add, Sub sub, Mul mul, Div div);

#[cfg(test)]
mod tests;

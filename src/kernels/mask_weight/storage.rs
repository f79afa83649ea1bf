//! What parameters are stored as, and what they are computed in: f32 in f32, f64 in f64, bf16 in f32.
//!
//! A bf16 is the upper half of an f32: 8 bits of exponent, 8 significant bits. Loading is exact; storing
//! rounds to nearest, ties to even (half the numbers that tie round each way), overflows to ±∞ from
//! `(2 − 2^{−8})·2^{127}` on, and keeps NaN quiet.

use std::{
    fmt::Debug,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// A number as it lies in memory. Implemented for `f32`, `f64` and [`Bf16`].
///
/// ```
/// use mirrorflow::kernels::mask_weight::{Bf16, Storage};
/// // 1 + 2⁻⁸ lies half-way between two bf16; the even one is 1.
/// assert_eq!(Bf16::store(1.0 + 1.0 / 256.0).load(), 1.0);
/// assert_eq!(0.1_f32.wide(), f64::from(0.1_f32));
/// ```
pub trait Storage:
    Copy + Default + PartialEq + Debug + Send + Sync + private::Sealed + 'static
{
    /// What it is computed in.
    type Compute: Compute;
    /// Its name, as safetensors and NumPy call it.
    const NAME: &'static str;
    /// Bits of [`Storage::magnitude`] that can differ: one less than of the number.
    const MAGNITUDE_BITS: u32;
    /// The value, exactly.
    fn load(self) -> Self::Compute;
    /// The nearest value, ties to even.
    fn store(value: Self::Compute) -> Self;
    /// The value as f64, exactly.
    fn wide(self) -> f64;
    /// The value nearest to an f64, ties to even: rounded once.
    fn narrow(value: f64) -> Self;
    /// The bits of |v|: ordered as |v| is, NaN above ∞.
    fn magnitude(self) -> u64;
    /// Neither NaN nor ±∞.
    fn finite(self) -> bool;
}

/// A number to compute with: `f32` or `f64`, no operation fused.
pub trait Compute:
    Storage<Compute = Self>
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// √v, correctly rounded.
    fn sqrt(self) -> Self;
    /// |v|.
    fn abs(self) -> Self;
    /// |v| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// `e^v` within 1 ulp, the same bits on every machine.
    fn exp(self) -> Self;
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for super::Bf16 {}
}

macro_rules! compute {
    ($t:ident, $name:literal, $bits:literal, $infinity:literal, $exp:path) => {
        impl Storage for $t {
            type Compute = $t;
            const NAME: &'static str = $name;
            const MAGNITUDE_BITS: u32 = $bits;
            #[inline(always)]
            fn load(self) -> $t {
                self
            }
            #[inline(always)]
            fn store(value: $t) -> $t {
                value
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn narrow(value: f64) -> $t {
                value as $t
            }
            #[inline(always)]
            fn magnitude(self) -> u64 {
                #[allow(clippy::unnecessary_cast)] // of u64 to itself
                let bits = self.abs().to_bits() as u64;
                bits
            }
            #[inline(always)]
            fn finite(self) -> bool {
                self.abs().to_bits() < $infinity
            }
        }

        impl Compute for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            #[inline(always)]
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> $t {
                $t::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: $t) -> $t {
                $t::copysign(self, sign)
            }
            #[inline(always)]
            fn exp(self) -> $t {
                $exp(self)
            }
        }
    };
}
compute!(f32, "F32", 31, 0x7F80_0000, super::elementary::exp_f32);
compute!(f64, "F64", 63, 0x7FF0_0000_0000_0000, super::elementary::exp_f64);

/// A bfloat16, with the memory layout of one (two bytes).
///
/// ```
/// use mirrorflow::kernels::mask_weight::Bf16;
/// assert_eq!(Bf16::from_f32(3.140_625).to_bits(), 0x4049);
/// assert_eq!(Bf16::from_bits(0x3F80).to_f32(), 1.0);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[repr(transparent)]
pub struct Bf16(u16);

/// As floating-point numbers compare: −0 equals 0, NaN nothing.
impl PartialEq for Bf16 {
    fn eq(&self, other: &Self) -> bool {
        self.to_f32() == other.to_f32()
    }
}

impl Bf16 {
    /// The number with these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[inline(always)]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// The nearest bf16, ties to even; NaN stays NaN.
    #[inline(always)]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        // Adding just under half a unit, and the last bit to break ties, carries where it rounds up.
        let rounded = bits.wrapping_add(0x7FFF + ((bits >> 16) & 1)) >> 16;
        let quiet = (bits >> 16) | 0x0040;
        Self(if value.is_nan() { quiet } else { rounded } as u16)
    }

    /// Its value.
    #[inline(always)]
    pub const fn to_f32(self) -> f32 {
        f32::from_bits((self.0 as u32) << 16)
    }
}

impl Storage for Bf16 {
    type Compute = f32;
    const NAME: &'static str = "BF16";
    const MAGNITUDE_BITS: u32 = 15;
    #[inline(always)]
    fn load(self) -> f32 {
        self.to_f32()
    }
    #[inline(always)]
    fn store(value: f32) -> Self {
        Self::from_f32(value)
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self.to_f32())
    }
    /// By way of the f32 rounded to odd (towards 0, the last bit set where inexact), from which rounding
    /// again is rounding once.
    #[inline(always)]
    fn narrow(value: f64) -> Self {
        let near = value as f32;
        let back = f64::from(near);
        if back == value || value.is_nan() {
            return Self::from_f32(near);
        }
        let toward_zero =
            if back.abs() > value.abs() { near.to_bits() - 1 } else { near.to_bits() };
        Self::from_f32(f32::from_bits(toward_zero | 1))
    }
    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.0 & 0x7FFF)
    }
    #[inline(always)]
    fn finite(self) -> bool {
        self.0 & 0x7FFF < 0x7F80
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Bf16, Storage};

    /// The nearest bf16 by search among the neighbours, in exact f64 arithmetic.
    fn nearest(value: f64) -> f64 {
        let top = f64::from(Bf16::from_bits(0x7F7F).to_f32());
        // One step beyond the largest, as if the exponent went on.
        let beyond = 2.0_f64.powi(128);
        let magnitude = value.abs();
        let mut below = 0_u16;
        for bit in (0..15).rev() {
            let next = below | (1 << bit);
            if next <= 0x7F7F && Bf16::from_bits(next).wide() <= magnitude {
                below = next;
            }
        }
        let low = Bf16::from_bits(below).wide();
        let high = if low == top { beyond } else { Bf16::from_bits(below + 1).wide() };
        let (down, up) = (magnitude - low, high - magnitude);
        let round_up = up < down || (up == down && below & 1 == 1);
        let found = if round_up { high } else { low };
        (if found == beyond { f64::INFINITY } else { found }).copysign(value)
    }

    #[test]
    fn every_bf16_survives_the_way_through_f32_and_f64() {
        for bits in 0..=u16::MAX {
            let v = Bf16::from_bits(bits);
            let (by_f32, by_f64) = (Bf16::store(v.load()), Bf16::narrow(v.wide()));
            if v.load().is_nan() {
                assert!(by_f32.load().is_nan() && by_f64.load().is_nan() && !v.finite());
            } else {
                assert_eq!((by_f32.to_bits(), by_f64.to_bits()), (bits, bits));
                assert_eq!(v.finite(), v.load().is_finite());
            }
        }
    }

    #[test]
    fn ties_go_to_even_and_the_largest_numbers_to_infinity() {
        // Half-way above each of a run of neighbours.
        for bits in 0x3F80..0x3FA0_u16 {
            let tie = f32::from_bits((u32::from(bits) << 16) | 0x8000);
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            assert_eq!(Bf16::from_f32(tie).to_bits(), even);
            assert_eq!(Bf16::from_f32(tie.next_up()).to_bits(), bits + 1);
            assert_eq!(Bf16::from_f32(tie.next_down()).to_bits(), bits);
            // f64 too near to the tie for f32 to tell.
            assert_eq!(Bf16::narrow(f64::from(tie).next_up()).to_bits(), bits + 1);
            assert_eq!(Bf16::narrow(f64::from(tie).next_down()).to_bits(), bits);
        }
        assert_eq!(Bf16::from_f32(f32::MAX).load(), f32::INFINITY);
        assert_eq!(Bf16::narrow(-1e300).load(), f32::NEG_INFINITY);
        // A NaN whose payload lies in the lower half only must not become ∞.
        assert!(Bf16::from_f32(f32::from_bits(0x7F80_0001)).load().is_nan());
        assert!(Bf16::from_f32(f32::from_bits(0xFFFF_FFFF)).load().is_nan());
    }

    proptest! {
        #[test]
        fn stores_the_nearest(bits: u32, wide_bits: u64) {
            let v = f32::from_bits(bits);
            if !v.is_nan() {
                prop_assert_eq!(Bf16::store(v).wide(), nearest(f64::from(v)));
            }
            let v = f64::from_bits(wide_bits);
            if !v.is_nan() {
                prop_assert_eq!(Bf16::narrow(v).wide(), nearest(v));
            }
        }

        #[test]
        fn magnitudes_are_ordered_as_the_numbers(a: u32, b: u32) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            if !a.is_nan() && !b.is_nan() {
                prop_assert_eq!(a.abs() < b.abs(), a.magnitude() < b.magnitude());
                prop_assert_eq!(a.abs() < b.abs(), a.wide().magnitude() < b.wide().magnitude());
                let (a, b) = (Bf16::store(a), Bf16::store(b));
                prop_assert_eq!(a.load().abs() < b.load().abs(), a.magnitude() < b.magnitude());
            }
        }
    }
}

//! Vectors with one run of a batch to a lane, in f32 or f64, one register on each instruction set.
//!
//! The arithmetic of a lane never sees another lane, so what a run comes to does not depend on its
//! neighbours. A kernel is an `#[inline(always)]` function generic over [`Lanes`], compiled once
//! per instruction set by [`lane_kernel!`]; [`Real::width`] is the number of lanes that this
//! processor's version of it uses.

use super::dispatch::{Level, level};

/// A vector of [`Lanes::WIDTH`] numbers.
///
/// The methods are safe to write and sound to call only from a body that [`lane_kernel!`] compiles
/// for this instruction set.
pub(crate) trait Lanes {
    /// One number.
    type T: Real;
    /// The vector.
    type V: Copy;
    /// Lanes of a vector.
    const WIDTH: usize;
    /// Twice the registers: larger tiles pay.
    const MANY_REGISTERS: bool;
    /// Each lane `a`.
    fn splat(a: Self::T) -> Self::V;
    /// Vector number `k` of `s`.
    ///
    /// # Safety
    /// `s` holds more than `k` vectors.
    unsafe fn load(s: &[Self::T], k: usize) -> Self::V;
    /// Into vector number `k` of `s`.
    ///
    /// # Safety
    /// As [`Lanes::load`].
    unsafe fn store(v: Self::V, s: &mut [Self::T], k: usize);
    /// `a + b`.
    fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`.
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`.
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `√a`.
    fn sqrt(a: Self::V) -> Self::V;
    /// `|a|`.
    fn abs(a: Self::V) -> Self::V;
    /// The larger; `b` where one is NaN.
    fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, fused where the hardware can.
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c − a · b`, likewise.
    fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `2^k` for whole k; 0 and ∞ outside the normal range.
    fn pow2(k: Self::V) -> Self::V;
}

/// A floating-point format of a batch.
pub(crate) trait Real:
    Copy + Default + PartialEq + Send + Sync + std::fmt::Debug + 'static
{
    /// Its vectors on AVX-512.
    type Avx512: Lanes<T = Self>;
    /// Its vectors on AVX2 with FMA.
    type Avx2: Lanes<T = Self>;
    /// Its vectors elsewhere.
    type Portable: Lanes<T = Self>;
    /// Adding and subtracting it rounds to a whole number.
    const ROUND: Self;
    /// `ln 2` in two parts; a whole number within the range of the format's uses times the first is
    /// exact.
    const LN2: [Self; 2];
    /// Rounded.
    fn from_f64(v: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;

    /// Lanes of the vectors in use.
    fn width() -> usize {
        match level() {
            Level::Avx512 => Self::Avx512::WIDTH,
            Level::Avx2 => Self::Avx2::WIDTH,
            Level::Plain => Self::Portable::WIDTH,
        }
    }
}

impl Real for f64 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F64x8;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F64x4;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx512 = PortableF64;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx2 = PortableF64;
    type Portable = PortableF64;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // 21 trailing zero bits in the first: exact for |k| < 2²¹.
    const LN2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    fn from_f64(v: f64) -> f64 {
        v
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Real for f32 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F32x16;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F32x8;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx512 = PortableF32;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx2 = PortableF32;
    type Portable = PortableF32;
    const ROUND: f32 = 12_582_912.0;
    // Nine significant bits in the first: exact for |k| < 2¹⁵.
    const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    fn from_f64(v: f64) -> f32 {
        v as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

macro_rules! portable {
    ($name:ident, $t:ty, $bits:ty, $width:literal, $bias:expr, $shift:literal, $top:expr) => {
        /// Plain arithmetic on arrays, products rounded.
        pub(crate) struct $name;

        impl Lanes for $name {
            type T = $t;
            type V = [$t; $width];
            const WIDTH: usize = $width;
            const MANY_REGISTERS: bool = false;
            #[inline(always)]
            fn splat(a: $t) -> Self::V {
                [a; $width]
            }
            #[inline(always)]
            unsafe fn load(s: &[$t], k: usize) -> Self::V {
                std::array::from_fn(|l| s[k * $width + l])
            }
            #[inline(always)]
            unsafe fn store(v: Self::V, s: &mut [$t], k: usize) {
                s[k * $width..][..$width].copy_from_slice(&v);
            }
            #[inline(always)]
            fn add(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] + b[l])
            }
            #[inline(always)]
            fn sub(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] - b[l])
            }
            #[inline(always)]
            fn mul(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] * b[l])
            }
            #[inline(always)]
            fn div(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] / b[l])
            }
            #[inline(always)]
            fn sqrt(a: Self::V) -> Self::V {
                a.map(<$t>::sqrt)
            }
            #[inline(always)]
            fn abs(a: Self::V) -> Self::V {
                a.map(<$t>::abs)
            }
            #[inline(always)]
            fn max(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| if a[l] > b[l] { a[l] } else { b[l] })
            }
            #[inline(always)]
            fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] * b[l] + c[l])
            }
            #[inline(always)]
            fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::array::from_fn(|l| c[l] - a[l] * b[l])
            }
            #[inline(always)]
            fn pow2(k: Self::V) -> Self::V {
                // `2^p + bias` has the biased exponent in its low bits.
                k.map(|k| {
                    let (least, most) = (-$top + 1.0, $top + 1.0);
                    let k = if k > least { k } else { least - 1.0 };
                    let k = if k < most { k } else { most };
                    <$t>::from_bits((k + $bias).to_bits() << $shift)
                })
            }
        }
    };
}

portable!(PortableF64, f64, u64, 4, 4_503_599_627_371_519.0, 52, 1023.0);
portable!(PortableF32, f32, u32, 8, 8_388_735.0, 23, 127.0);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    macro_rules! vector {
        ($name:ident, $t:ty, $v:ty, $width:literal, $many:literal, $bias:expr, $shift:literal, $top:expr;
         $set1:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $sqrt:ident
         $max:ident $min:ident $fmadd:ident $fnmadd:ident $abs:expr, $shl:expr) => {
            /// One register.
            pub(crate) struct $name;

            // SAFETY of every block below: `lane_kernel!` has found the instruction set; loads and
            // stores are inside the slice by their contract, which debug builds check.
            impl Lanes for $name {
                type T = $t;
                type V = $v;
                const WIDTH: usize = $width;
                const MANY_REGISTERS: bool = $many;
                #[inline(always)]
                fn splat(a: $t) -> $v {
                    unsafe { $set1(a) }
                }
                #[inline(always)]
                unsafe fn load(s: &[$t], k: usize) -> $v {
                    debug_assert!((k + 1) * $width <= s.len());
                    unsafe { $load(s.as_ptr().add(k * $width)) }
                }
                #[inline(always)]
                unsafe fn store(v: $v, s: &mut [$t], k: usize) {
                    debug_assert!((k + 1) * $width <= s.len());
                    unsafe { $store(s.as_mut_ptr().add(k * $width), v) }
                }
                #[inline(always)]
                fn add(a: $v, b: $v) -> $v {
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                fn sub(a: $v, b: $v) -> $v {
                    unsafe { $sub(a, b) }
                }
                #[inline(always)]
                fn mul(a: $v, b: $v) -> $v {
                    unsafe { $mul(a, b) }
                }
                #[inline(always)]
                fn div(a: $v, b: $v) -> $v {
                    unsafe { $div(a, b) }
                }
                #[inline(always)]
                fn sqrt(a: $v) -> $v {
                    unsafe { $sqrt(a) }
                }
                #[inline(always)]
                fn abs(a: $v) -> $v {
                    unsafe { $abs(a) }
                }
                #[inline(always)]
                fn max(a: $v, b: $v) -> $v {
                    unsafe { $max(a, b) }
                }
                #[inline(always)]
                fn mul_add(a: $v, b: $v, c: $v) -> $v {
                    unsafe { $fmadd(a, b, c) }
                }
                #[inline(always)]
                fn neg_mul_add(a: $v, b: $v, c: $v) -> $v {
                    unsafe { $fnmadd(a, b, c) }
                }
                #[inline(always)]
                fn pow2(k: $v) -> $v {
                    unsafe {
                        let k = $min($max(k, $set1(-$top)), $set1($top + 1.0));
                        $shl($add(k, $set1($bias)))
                    }
                }
            }
        };
    }

    vector!(F64x8, f64, __m512d, 8, true, 4_503_599_627_371_519.0, 52, 1023.0;
        _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd
        _mm512_div_pd _mm512_sqrt_pd _mm512_max_pd _mm512_min_pd _mm512_fmadd_pd _mm512_fnmadd_pd
        |a| _mm512_abs_pd(a),
        |k| _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(k))));
    vector!(F64x4, f64, __m256d, 4, false, 4_503_599_627_371_519.0, 52, 1023.0;
        _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd
        _mm256_div_pd _mm256_sqrt_pd _mm256_max_pd _mm256_min_pd _mm256_fmadd_pd _mm256_fnmadd_pd
        |a| _mm256_andnot_pd(_mm256_set1_pd(-0.0), a),
        |k| _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(k))));
    vector!(F32x16, f32, __m512, 16, true, 8_388_735.0, 23, 127.0;
        _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps
        _mm512_div_ps _mm512_sqrt_ps _mm512_max_ps _mm512_min_ps _mm512_fmadd_ps _mm512_fnmadd_ps
        |a| _mm512_abs_ps(a),
        |k| _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(k))));
    vector!(F32x8, f32, __m256, 8, false, 8_388_735.0, 23, 127.0;
        _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps
        _mm256_div_ps _mm256_sqrt_ps _mm256_max_ps _mm256_min_ps _mm256_fmadd_ps _mm256_fnmadd_ps
        |a| _mm256_andnot_ps(_mm256_set1_ps(-0.0), a),
        |k| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(k))));
}

/// Defines `fn name<T: Real, …>(args)` that runs `body::<L, …>(args)` with the vectors of this
/// processor's best instruction set. `body` must be `#[inline(always)]`.
macro_rules! lane_kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$t:ident $(, $g:ident: $b:path)*>($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        $(#[$meta])*
        $vis fn $name<$t: $crate::numerics::lanes::Real $(, $g: $b)*>($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn avx512<$t: $crate::numerics::lanes::Real $(, $g: $b)*>($($arg: $ty),*) {
                    $body::<$t::Avx512 $(, $g)*>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2<$t: $crate::numerics::lanes::Real $(, $g: $b)*>($($arg: $ty),*) {
                    $body::<$t::Avx2 $(, $g)*>($($arg),*)
                }
                match $crate::numerics::dispatch::level() {
                    // SAFETY: `level` has detected these features on this CPU.
                    $crate::numerics::dispatch::Level::Avx512 => {
                        return unsafe { avx512::<$t $(, $g)*>($($arg),*) };
                    }
                    // SAFETY: as above.
                    $crate::numerics::dispatch::Level::Avx2 => {
                        return unsafe { avx2::<$t $(, $g)*>($($arg),*) };
                    }
                    $crate::numerics::dispatch::Level::Plain => {}
                }
            }
            $body::<$t::Portable $(, $g)*>($($arg),*)
        }
    };
}
pub(crate) use lane_kernel;

//! Numbers of the network kernels, f32 and f64, and vectors of them on each instruction set.
//!
//! A kernel that keeps tiles in registers is an `#[inline(always)]` body generic over [`Lanes`], compiled
//! once per instruction set by [`kernel!`] and chosen at run time. Sums run over the lanes side by side
//! and over everything else in one fixed order, so widths differ only where one rounds a fused product
//! once and another twice.

use crate::kernels::{device::Plain, mask_weight::Storage};
use std::{
    fmt::{Debug, Display},
    ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign},
};

/// A vector of numbers. Its methods are sound only in a body that [`kernel!`] compiles for the
/// instruction set; only [`Real`] names the implementors.
pub trait Lanes: 'static {
    /// What the lanes hold.
    type E: Real;
    /// The vector.
    type V: Copy;
    /// Lanes of a vector.
    const N: usize;
    /// Whether 32 vectors fit the registers (else 16).
    const MANY: bool;
    /// Every lane `a`.
    fn splat(a: Self::E) -> Self::V;
    /// # Safety
    /// `from` is valid for reading [`Lanes::N`] numbers.
    unsafe fn load(from: *const Self::E) -> Self::V;
    /// # Safety
    /// `to` is valid for writing [`Lanes::N`] numbers.
    unsafe fn store(v: Self::V, to: *mut Self::E);
    /// `a + b`.
    fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`.
    fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a · b + c` of single numbers, rounded as in the lanes.
    fn fma1(a: Self::E, b: Self::E, c: Self::E) -> Self::E;
}

/// f32 or f64.
pub trait Real:
    Plain
    + Storage<Compute = Self>
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + 'static
{
    /// Vectors with AVX-512.
    #[doc(hidden)]
    type Avx512: Lanes<E = Self>;
    /// Vectors with AVX2.
    #[doc(hidden)]
    type Avx2: Lanes<E = Self>;
    /// Vectors without either.
    #[doc(hidden)]
    type Portable: Lanes<E = Self>;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Nearest number.
    fn of(a: f64) -> Self;
    /// Exact.
    fn f64(self) -> f64;
    /// eᵃ.
    fn exp(self) -> Self;
    /// √a.
    fn sqrt(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

macro_rules! real {
    ($t:ty, $plain:literal) => {
        impl Real for $t {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = x86::Avx512<$t>;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = x86::Avx2<$t>;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx512 = Portable<$t>;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx2 = Portable<$t>;
            type Portable = Portable<$t>;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn of(a: f64) -> Self {
                a as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
        }

        impl Lanes for Portable<$t> {
            type E = $t;
            type V = [$t; $plain];
            const N: usize = $plain;
            const MANY: bool = cfg!(target_arch = "aarch64");
            #[inline(always)]
            fn splat(a: $t) -> Self::V {
                [a; $plain]
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self::V {
                // SAFETY: the caller's promise; arrays need no alignment beyond the number's.
                unsafe { from.cast::<Self::V>().read() }
            }
            #[inline(always)]
            unsafe fn store(v: Self::V, to: *mut $t) {
                // SAFETY: as above.
                unsafe { to.cast::<Self::V>().write(v) }
            }
            #[inline(always)]
            fn add(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|l| a[l] + b[l])
            }
            #[inline(always)]
            fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::array::from_fn(|l| Self::fma1(a[l], b[l], c[l]))
            }
            #[inline(always)]
            fn fma1(a: $t, b: $t, c: $t) -> $t {
                // A fused product emulated in software would be a hundred times slower.
                if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
            }
        }
    };
}

/// Vectors of 128 bits, as every 64-bit target has them.
#[derive(Debug)]
pub struct Portable<T>(std::marker::PhantomData<T>);

real!(f32, 4);
real!(f64, 2);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::{arch::x86_64::*, marker::PhantomData};

    /// One 512-bit register.
    #[derive(Debug)]
    pub struct Avx512<T>(PhantomData<T>);
    /// One 256-bit register.
    #[derive(Debug)]
    pub struct Avx2<T>(PhantomData<T>);

    macro_rules! lanes {
        ($set:ident<$t:ty>, $v:ty, $n:literal, $many:literal, $splat:ident, $load:ident, $store:ident,
            $add:ident, $fma:ident) => {
            // SAFETY of every block below: `kernel!` has found the instruction set; pointers are the
            // caller's promise.
            impl Lanes for $set<$t> {
                type E = $t;
                type V = $v;
                const N: usize = $n;
                const MANY: bool = $many;
                #[inline(always)]
                fn splat(a: $t) -> $v {
                    unsafe { $splat(a) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $t) -> $v {
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(v: $v, to: *mut $t) {
                    unsafe { $store(to, v) }
                }
                #[inline(always)]
                fn add(a: $v, b: $v) -> $v {
                    unsafe { $add(a, b) }
                }
                #[inline(always)]
                fn fma(a: $v, b: $v, c: $v) -> $v {
                    unsafe { $fma(a, b, c) }
                }
                #[inline(always)]
                fn fma1(a: $t, b: $t, c: $t) -> $t {
                    a.mul_add(b, c)
                }
            }
        };
    }

    lanes!(
        Avx512<f32>,
        __m512,
        16,
        true,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_fmadd_ps
    );
    lanes!(
        Avx512<f64>,
        __m512d,
        8,
        true,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_fmadd_pd
    );
    lanes!(
        Avx2<f32>,
        __m256,
        8,
        false,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_fmadd_ps
    );
    lanes!(
        Avx2<f64>,
        __m256d,
        4,
        false,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_fmadd_pd
    );
}

/// Lanes of the vectors this CPU gets.
pub(in crate::kernels::network) fn width<T: Real>() -> usize {
    use crate::numerics::dispatch::{Level, level};
    match level() {
        Level::Avx512 => <T::Avx512 as Lanes>::N,
        Level::Avx2 => <T::Avx2 as Lanes>::N,
        Level::Plain => <T::Portable as Lanes>::N,
    }
}

/// Defines `fn name<T: Real>(args) -> ret` that runs `body::<L: Lanes<E = T>>(args)` compiled for the best
/// instruction set of this processor. `body` must be `#[inline(always)]`.
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        $vis fn $name<T: $crate::kernels::network::Real>($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn avx512<T: $crate::kernels::network::Real>($($arg: $ty),*) $(-> $ret)? {
                    $body::<T::Avx512>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2<T: $crate::kernels::network::Real>($($arg: $ty),*) $(-> $ret)? {
                    $body::<T::Avx2>($($arg),*)
                }
                match $crate::numerics::dispatch::level() {
                    // SAFETY: `level` has detected these features on this CPU.
                    $crate::numerics::dispatch::Level::Avx512 => return unsafe { avx512::<T>($($arg),*) },
                    // SAFETY: as above.
                    $crate::numerics::dispatch::Level::Avx2 => return unsafe { avx2::<T>($($arg),*) },
                    $crate::numerics::dispatch::Level::Plain => {}
                }
            }
            $body::<T::Portable>($($arg),*)
        }
    };
}
pub(in crate::kernels::network) use kernel;

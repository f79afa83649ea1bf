//! Vectors of 8 doubles on each instruction set, for kernels that keep tiles in registers.
//!
//! Loops that map elementwise are vectorised by the compiler under
//! [`dispatch!`](super::dispatch::dispatch); it cannot be trusted with several running sums at
//! once (it mixes their lanes by transposing). Such a kernel is an `#[inline(always)]` function
//! generic over [`Isa`], compiled once per instruction set by [`kernel!`].

/// Lanes of a vector: one AVX-512 register, two of AVX2.
pub(crate) const LANES: usize = 8;

/// The instruction set of a generic body: a vector of [`LANES`] lanes, and the scalar
/// multiply-add.
///
/// The methods are safe to write and sound to call only from a body that [`kernel!`] compiles for
/// this instruction set; the implementors other than [`Portable`] are named nowhere else.
pub(crate) trait Isa {
    /// [`LANES`] numbers.
    type V: Copy;
    /// Registers for sixteen running sums and more; eight and a few otherwise.
    const MANY_REGISTERS: bool;
    /// Each lane `a`.
    fn splat(a: f64) -> Self::V;
    /// The first [`LANES`] entries of `s` (panics where there are fewer).
    fn load(s: &[f64]) -> Self::V;
    /// Fewer than [`LANES`] entries, the other lanes 0.
    fn load_part(s: &[f64]) -> Self::V;
    /// Into the first [`LANES`] entries of `s` (panics where there are fewer).
    fn store(v: Self::V, s: &mut [f64]);
    /// `a + b`.
    fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`.
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`, as [`Isa::fma`] in each lane.
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c − a · b`.
    fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The lanes as an array.
    #[inline(always)]
    fn lanes(v: Self::V) -> [f64; LANES] {
        let mut out = [0.0; LANES];
        Self::store(v, &mut out);
        out
    }
    /// The sum of the lanes, halving the width each time.
    #[inline(always)]
    fn sum(v: Self::V) -> f64 {
        let v = Self::lanes(v);
        let quad: [f64; 4] = std::array::from_fn(|l| v[l] + v[l + 4]);
        (quad[0] + quad[2]) + (quad[1] + quad[3])
    }
    /// The sum of each of eight vectors, in the order of [`Isa::sum`].
    #[inline(always)]
    fn sums(v: [Self::V; LANES]) -> Self::V {
        Self::load(&v.map(Self::sum))
    }
    /// `a·b + c`: fused in hardware, or rounded twice where there is no such instruction (a fused
    /// product emulated in software would be a hundred times slower).
    fn fma(a: f64, b: f64, c: f64) -> f64;
}

/// Plain arithmetic on arrays, without fused multiply-add (with it on AArch64, which always has
/// it).
pub(crate) struct Portable;

impl Isa for Portable {
    type V = [f64; LANES];
    const MANY_REGISTERS: bool = false;
    #[inline(always)]
    fn splat(a: f64) -> Self::V {
        [a; LANES]
    }
    #[inline(always)]
    fn load(s: &[f64]) -> Self::V {
        std::array::from_fn(|l| s[l])
    }
    #[inline(always)]
    fn load_part(s: &[f64]) -> Self::V {
        std::array::from_fn(|l| s.get(l).copied().unwrap_or(0.0))
    }
    #[inline(always)]
    fn store(v: Self::V, s: &mut [f64]) {
        s[..LANES].copy_from_slice(&v);
    }
    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|l| a[l] + b[l])
    }
    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|l| a[l] * b[l])
    }
    #[inline(always)]
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|l| Self::fma(a[l], b[l], c[l]))
    }
    #[inline(always)]
    fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|l| Self::fma(-a[l], b[l], c[l]))
    }
    #[cfg(target_arch = "aarch64")]
    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    #[cfg(not(target_arch = "aarch64"))]
    #[inline(always)]
    fn fma(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Isa, LANES};
    use std::arch::x86_64::*;

    /// One 512-bit register.
    pub(crate) struct Avx512;

    // SAFETY of every block below: `kernel!` has found the instruction set; loads and stores
    // stay inside slices whose length is checked.
    impl Isa for Avx512 {
        type V = __m512d;
        const MANY_REGISTERS: bool = true;
        #[inline(always)]
        fn splat(a: f64) -> Self::V {
            unsafe { _mm512_set1_pd(a) }
        }
        #[inline(always)]
        fn load(s: &[f64]) -> Self::V {
            let s = &s[..LANES];
            unsafe { _mm512_loadu_pd(s.as_ptr()) }
        }
        #[inline(always)]
        fn load_part(s: &[f64]) -> Self::V {
            let mask = ((1_u32 << s.len().min(LANES)) - 1) as u8;
            unsafe { _mm512_maskz_loadu_pd(mask, s.as_ptr()) }
        }
        #[inline(always)]
        fn store(v: Self::V, s: &mut [f64]) {
            let s = &mut s[..LANES];
            unsafe { _mm512_storeu_pd(s.as_mut_ptr(), v) }
        }
        #[inline(always)]
        fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_add_pd(a, b) }
        }
        #[inline(always)]
        fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_mul_pd(a, b) }
        }
        #[inline(always)]
        fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { _mm512_fmadd_pd(a, b, c) }
        }
        #[inline(always)]
        fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { _mm512_fnmadd_pd(a, b, c) }
        }
        #[inline(always)]
        fn sum(v: Self::V) -> f64 {
            unsafe {
                let quad = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
                sum_quad(quad)
            }
        }
        /// Each register is halved while two are joined: three rounds of shuffles and additions.
        #[inline(always)]
        fn sums(v: [Self::V; LANES]) -> Self::V {
            unsafe {
                // Quads of two vectors: lanes l and l + 4 are added.
                let quads = |a, b| {
                    let low = _mm512_shuffle_f64x2::<0x44>(a, b);
                    _mm512_add_pd(low, _mm512_shuffle_f64x2::<0xEE>(a, b))
                };
                // Pairs of four vectors: lanes 0 and 2, 1 and 3 of each quad are added.
                let pairs = |a, b| {
                    let low = _mm512_shuffle_f64x2::<0x88>(a, b);
                    _mm512_add_pd(low, _mm512_shuffle_f64x2::<0xDD>(a, b))
                };
                let even = pairs(quads(v[0], v[2]), quads(v[4], v[6]));
                let odd = pairs(quads(v[1], v[3]), quads(v[5], v[7]));
                let low = _mm512_unpacklo_pd(even, odd);
                _mm512_add_pd(low, _mm512_unpackhi_pd(even, odd))
            }
        }
        #[inline(always)]
        fn fma(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }

    /// Two 256-bit registers.
    pub(crate) struct Avx2;

    // SAFETY of every block below: as above.
    impl Isa for Avx2 {
        type V = (__m256d, __m256d);
        const MANY_REGISTERS: bool = false;
        #[inline(always)]
        fn splat(a: f64) -> Self::V {
            let v = unsafe { _mm256_set1_pd(a) };
            (v, v)
        }
        #[inline(always)]
        fn load(s: &[f64]) -> Self::V {
            let s = &s[..LANES];
            unsafe { (_mm256_loadu_pd(s.as_ptr()), _mm256_loadu_pd(s.as_ptr().add(4))) }
        }
        #[inline(always)]
        fn load_part(s: &[f64]) -> Self::V {
            let padded: [f64; LANES] = std::array::from_fn(|l| s.get(l).copied().unwrap_or(0.0));
            Self::load(&padded)
        }
        #[inline(always)]
        fn store(v: Self::V, s: &mut [f64]) {
            let s = &mut s[..LANES];
            unsafe {
                _mm256_storeu_pd(s.as_mut_ptr(), v.0);
                _mm256_storeu_pd(s.as_mut_ptr().add(4), v.1);
            }
        }
        #[inline(always)]
        fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_add_pd(a.0, b.0), _mm256_add_pd(a.1, b.1)) }
        }
        #[inline(always)]
        fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_mul_pd(a.0, b.0), _mm256_mul_pd(a.1, b.1)) }
        }
        #[inline(always)]
        fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { (_mm256_fmadd_pd(a.0, b.0, c.0), _mm256_fmadd_pd(a.1, b.1, c.1)) }
        }
        #[inline(always)]
        fn neg_mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            unsafe { (_mm256_fnmadd_pd(a.0, b.0, c.0), _mm256_fnmadd_pd(a.1, b.1, c.1)) }
        }
        #[inline(always)]
        fn sum(v: Self::V) -> f64 {
            unsafe { sum_quad(_mm256_add_pd(v.0, v.1)) }
        }
        #[inline(always)]
        fn fma(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }

    /// `(q₀ + q₂) + (q₁ + q₃)`.
    #[inline(always)]
    unsafe fn sum_quad(quad: __m256d) -> f64 {
        unsafe {
            let pair = _mm_add_pd(_mm256_castpd256_pd128(quad), _mm256_extractf128_pd::<1>(quad));
            _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)))
        }
    }
}

/// Defines `fn name(args) -> ret` that runs `body::<I: Isa>(args)` compiled for the best
/// instruction set of this processor. `body` must be `#[inline(always)]`.
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::numerics::simd::Avx512>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<$crate::numerics::simd::Avx2>($($arg),*)
                }
                match $crate::numerics::dispatch::level() {
                    // SAFETY: `level` has detected these features on this CPU.
                    $crate::numerics::dispatch::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::numerics::dispatch::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::numerics::dispatch::Level::Plain => {}
                }
            }
            $body::<$crate::numerics::simd::Portable>($($arg),*)
        }
    };
}
pub(crate) use kernel;

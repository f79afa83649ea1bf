//! One body, compiled for AVX-512, for AVX2 with FMA and for the plain target, chosen at run time.
//!
//! The body is an `#[inline(always)]` function with a `const FUSED: bool` parameter. It may call
//! [`madd`], which is one fused instruction where `FUSED` and two operations elsewhere (never the
//! software `fma` of a CPU without one). Lanes are spelled as fixed-size arrays, which LLVM turns
//! into registers of the width at hand; sums therefore have the same order on every level, and
//! the levels differ only by the fused rounding.

use std::sync::atomic::{AtomicU8, Ordering};

/// Instruction sets with versions of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Whatever the target guarantees.
    Plain,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, DQ and VL.
    Avx512,
}

/// The best level of this CPU, detected once.
#[inline]
pub(crate) fn level() -> Level {
    // 0: not yet known. Racing threads detect the same value.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    match KNOWN.load(Ordering::Relaxed) {
        1 => Level::Plain,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => {
            let found = detect();
            let code = match found {
                Level::Plain => 1,
                Level::Avx2 => 2,
                Level::Avx512 => 3,
            };
            KNOWN.store(code, Ordering::Relaxed);
            found
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
    let avx512 = std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Plain,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Plain
}

/// `a·b + c`, fused where `FUSED`.
#[inline(always)]
pub(crate) fn madd<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Defines a function that runs `$body::<FUSED>` at the best level of the CPU.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[inline]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match $crate::numerics::dispatch::level() {
                    // SAFETY: `level` has detected these features on this CPU.
                    $crate::numerics::dispatch::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::numerics::dispatch::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::numerics::dispatch::Level::Plain => {}
                }
            }
            $body::<false>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// Defines a generic function that runs `$body` compiled for each level. The body has no fused
/// operation, so that the bits are the same on every level; its generics stand in brackets:
/// `fn name[T: Trait](args) = body`. References among the arguments are known not to overlap.
macro_rules! each_level {
    ($(#[$meta:meta])* $vis:vis fn $name:ident[$($generics:tt)*]($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        $vis fn $name<$($generics)*>($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn avx512<$($generics)*>($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2<$($generics)*>($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                match $crate::numerics::dispatch::level() {
                    // SAFETY: `level` has detected these features on this CPU.
                    $crate::numerics::dispatch::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::numerics::dispatch::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::numerics::dispatch::Level::Plain => {}
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use each_level;

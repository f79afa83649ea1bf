//! Norms and counts, the same bits on any number of threads.
//!
//! Sums are of f64: lane l of a chunk adds its elements l, l + 32, l + 64, … in order, the 32 lanes are
//! added in halves (l and l + 16, then l and l + 8, …), and chunks along the tree of the module `chunks`.
//! The relative error of a sum of n terms of one sign is below `(512 + 5 + log₂(n/16384) + 1)·2^{−53}`.

use crate::kernels::{
    check::same_length,
    mask_weight::{
        chunks::{CHUNK, reduce},
        storage::{Compute, Storage},
    },
};
use crate::{Result, numerics::dispatch::each_level};

/// Running sums of a chunk.
pub(in crate::kernels::mask_weight) const LANES: usize = 32;
const _: () = assert!(CHUNK.is_multiple_of(LANES));

/// The sum of the lanes, in halves.
#[inline(always)]
pub(in crate::kernels::mask_weight) fn fold(mut sums: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            sums[l] += sums[l + width];
        }
        width /= 2;
    }
    sums[0]
}

/// What a parameter measures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measures {
    /// ‖x‖₁; NaN where an entry is.
    pub l1: f64,
    /// ‖x‖²₂; NaN where an entry is.
    pub l2_squared: f64,
    /// Entries other than ±0 (NaN is one).
    pub nonzeros: usize,
}

/// ‖x‖₁, ‖x‖²₂ and the number of nonzeros, in one pass.
///
/// ```
/// let found = mirrorflow::kernels::mask_weight::host::measure(&[3.0_f32, 0.0, -4.0]);
/// assert_eq!((found.l1, found.l2_squared, found.nonzeros), (7.0, 25.0, 2));
/// ```
pub fn measure<S: Storage>(x: &[S]) -> Measures {
    reduce(x, &|_, x| measures(x), &|a, b| Measures {
        l1: a.l1 + b.l1,
        l2_squared: a.l2_squared + b.l2_squared,
        nonzeros: a.nonzeros + b.nonzeros,
    })
}

#[inline(always)]
fn measures_body<S: Storage>(x: &[S]) -> Measures {
    let (mut l1, mut l2, mut zeros) = ([0.0; LANES], [0.0; LANES], [0_u32; LANES]);
    let mut add = |l: usize, v: f64| {
        l1[l] += v.abs();
        l2[l] += v * v;
        zeros[l] += u32::from(v == 0.0);
    };
    let blocks = x.chunks_exact(LANES);
    let rest = blocks.remainder();
    for x in blocks {
        for l in 0..LANES {
            add(l, x[l].wide());
        }
    }
    for l in 0..rest.len() {
        add(l, rest[l].wide());
    }
    let zeros: u32 = zeros.iter().sum();
    Measures { l1: fold(l1), l2_squared: fold(l2), nonzeros: x.len() - zeros as usize }
}

each_level!(fn measures[S: Storage](x: &[S]) -> Measures = measures_body);

/// The number of entries whose sign differs between two states: positive in one, negative in the other.
/// An entry that is 0 or NaN in either has not flipped.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::sign_flips;
/// assert_eq!(sign_flips(&[1.0, -1.0, 0.0, 2.0], &[-1.0, -2.0, 1.0, -0.0])?, 1);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn sign_flips<S: Storage, T: Storage>(before: &[S], after: &[T]) -> Result<usize> {
    same_length("after", after.len(), "before", before.len())?;
    Ok(reduce((before, after), &|_, (a, b)| flips(a, b) as usize, &|a, b| a + b))
}

#[inline(always)]
fn flips_body<S: Storage, T: Storage>(before: &[S], after: &[T]) -> u32 {
    let mut count = 0;
    for (a, b) in before.iter().zip(after) {
        let (a, b) = (a.load(), b.load());
        let (zero_a, zero_b) = (S::Compute::ZERO, T::Compute::ZERO);
        count += u32::from(((a > zero_a) & (b < zero_b)) | ((a < zero_a) & (b > zero_b)));
    }
    count
}

each_level!(fn flips[S: Storage, T: Storage](before: &[S], after: &[T]) -> u32 = flips_body);

//! The k largest magnitudes, exactly k of them, in one layer or over several.
//!
//! Entries are ordered by |x|, among equals the one with the lower index first (in several layers: the earlier
//! layer first). The bits of |x| are ordered as |x|, so the k-th largest is found digit by digit, 11 bits at a time
//! from the top: a histogram of the digit among those that agree so far says in which bin it lies. Of
//! those equal to it the first ones are kept that are still needed. Counting, so the same on any number of threads;
//! f32 is read three times, f64 six times, and nothing is moved or sorted.

use rayon::prelude::*;

use crate::kernels::{
    check::same_length,
    mask_weight::{
        chunks::{CHUNK, each, reduce},
        storage::Storage,
    },
};
use crate::{Error, Result, numerics::dispatch::each_level};

/// Bits of a digit.
const DIGIT: u32 = 11;
const BINS: usize = 1 << DIGIT;
/// Entries of a histogram: many beside its bins.
const HISTOGRAM: usize = 1 << 18;

/// Where the kept entries end: the last one of them in the order of magnitude, then layer, then index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Its magnitude; what is larger is kept, what is smaller is not.
    pub magnitude: f64,
    /// Its layer.
    pub layer: usize,
    /// Its index in that layer: equals up to here are kept.
    pub index: usize,
    /// Bits of the magnitude.
    bits: u64,
}

impl Cut {
    pub(in crate::kernels) fn new(magnitude: f64, layer: usize, index: usize, bits: u64) -> Self {
        Self { magnitude, layer, index, bits }
    }

    pub(in crate::kernels) fn bits(&self) -> u64 {
        self.bits
    }

    /// Up to where equals count in a layer of n numbers.
    pub(in crate::kernels) fn end(&self, layer: usize, n: usize) -> usize {
        match layer.cmp(&self.layer) {
            std::cmp::Ordering::Less => n,
            std::cmp::Ordering::Equal => self.index + 1,
            std::cmp::Ordering::Greater => 0,
        }
    }
}

/// Writes masks that keep the `keep` largest magnitudes over all layers: byte 1 where kept, else 0. `None` is
/// returned where nothing is kept.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::keep_largest;
/// let (a, b) = ([0.1, -3.0, 2.0], [2.0, 2.0]);
/// let (mut of_a, mut of_b) = ([0; 3], [0; 2]);
/// let cut = keep_largest(&[&a[..], &b], 3, &mut [&mut of_a[..], &mut of_b])?;
/// assert_eq!((of_a, of_b), ([0, 1, 1], [1, 0]));
/// assert_eq!(cut.map(|c| (c.magnitude, c.layer, c.index)), Some((2.0, 1, 0)));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a mask has another length than its layer, `keep` is more than there are entries, or an entry is NaN (it has
/// no place in the order; ±∞ has).
pub fn keep_largest<S: Storage>(
    layers: &[&[S]],
    keep: usize,
    masks: &mut [&mut [u8]],
) -> Result<Option<Cut>> {
    if masks.len() != layers.len() {
        return Err(Error::Shape {
            what: "masks".into(),
            expected: format!("({}) as layers", layers.len()),
            found: format!("({})", masks.len()),
        });
    }
    for (l, (layer, mask)) in layers.iter().zip(masks.iter()).enumerate() {
        same_length(&format!("masks[{l}]"), mask.len(), &format!("layers[{l}]"), layer.len())?;
    }
    let cut = cut_at(layers, keep)?;
    for (l, (layer, mask)) in layers.iter().zip(masks.iter_mut()).enumerate() {
        match cut {
            None => mask.fill(0),
            Some(cut) => write_mask(cut, l, layer, mask),
        }
    }
    Ok(cut)
}

/// Where the `keep` largest magnitudes end, without writing masks. `None` for `keep` = 0.
///
/// ```
/// let cut = mirrorflow::kernels::mask_weight::host::cut_at(&[&[1.0_f32, -5.0, 3.0][..]], 2)?;
/// assert_eq!(cut.map(|c| c.magnitude), Some(3.0));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`keep_largest`].
pub fn cut_at<S: Storage>(layers: &[&[S]], keep: usize) -> Result<Option<Cut>> {
    let total: usize = layers.iter().map(|l| l.len()).sum();
    if keep > total {
        return Err(Error::Domain {
            what: "the number of entries to keep".into(),
            expected: format!("at most the {total} that there are"),
            found: keep.to_string(),
        });
    }
    for (l, layer) in layers.iter().enumerate() {
        let nan = reduce(
            *layer,
            &|offset, part: &[S]| {
                let first = || part.iter().position(|v| v.wide().is_nan()).map(|i| offset + i);
                if any_nan(part) { first() } else { None }
            },
            &|a, b| a.or(b),
        );
        if let Some(index) = nan {
            let (what, index) = (format!("layers[{l}]"), index.to_string());
            return Err(Error::NotFinite { what, index, value: f64::NAN });
        }
    }
    if keep == 0 {
        return Ok(None);
    }
    let (bits, mut equals) = kth_magnitude(layers, keep);
    for (layer, values) in layers.iter().enumerate() {
        let (offset, count) = count_until(values, bits, equals);
        equals -= count;
        if equals == 0 {
            let index = offset;
            let magnitude = values[index].wide().abs();
            return Ok(Some(Cut { magnitude, layer, index, bits }));
        }
    }
    unreachable!("the histogram counted as many equals as there are")
}

/// The bits of the `keep`-th largest magnitude, and how many of those equal to it are kept.
fn kth_magnitude<S: Storage>(layers: &[&[S]], keep: usize) -> (u64, usize) {
    let mut needed = keep;
    let mut prefix = 0_u64;
    let mut low = S::MAGNITUDE_BITS;
    while low > 0 {
        let high = low;
        low = low.saturating_sub(DIGIT);
        let counts = layers
            .par_iter()
            .flat_map(|layer| layer.par_chunks(HISTOGRAM))
            .map(|part| histogram(part, prefix, low, high))
            .reduce(|| vec![0; BINS], add);
        let mut bin = (1_usize << (high - low)) - 1;
        while (counts[bin] as usize) < needed {
            needed -= counts[bin] as usize;
            bin -= 1;
        }
        prefix = (prefix << (high - low)) | bin as u64;
    }
    (prefix, needed)
}

/// How many of those that agree with `prefix` above bit `high` have each digit in the bits `low..high`.
fn histogram<S: Storage>(part: &[S], prefix: u64, low: u32, high: u32) -> Vec<u64> {
    // Two halves, so that neighbours of one digit do not wait for each other.
    let mut counts = [[0_u32; BINS]; 2];
    let digit = (1 << (high - low)) - 1;
    let mut count = |half: usize, v: S| {
        let bits = v.magnitude();
        if bits >> high == prefix {
            counts[half][(bits >> low) as usize & digit & (BINS - 1)] += 1;
        }
    };
    let pairs = part.chunks_exact(2);
    pairs.remainder().iter().for_each(|v| count(0, *v));
    for pair in pairs {
        count(0, pair[0]);
        count(1, pair[1]);
    }
    let [a, b] = counts;
    a.iter().zip(b).map(|(a, b)| u64::from(*a) + u64::from(b)).collect()
}

fn add(mut a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

#[inline(always)]
fn any_nan_body<S: Storage>(values: &[S]) -> bool {
    let mut any = false;
    for v in values {
        let v = v.load();
        #[allow(clippy::eq_op)] // what only NaN does
        let nan = v != v;
        any |= nan;
    }
    any
}

each_level!(fn any_nan[S: Storage](values: &[S]) -> bool = any_nan_body);

/// The index of the `wanted`-th entry with these bits, and `wanted`; or (0, how many there are) where there
/// are fewer.
fn count_until<S: Storage>(values: &[S], bits: u64, wanted: usize) -> (usize, usize) {
    let mut found = 0;
    for (c, chunk) in values.chunks(CHUNK).enumerate() {
        let here = chunk.iter().filter(|v| v.magnitude() == bits).count();
        if found + here >= wanted {
            let nth = wanted - found - 1;
            let place = chunk
                .iter()
                .enumerate()
                .filter(|(_, v)| v.magnitude() == bits)
                .nth(nth)
                .map_or(0, |(i, _)| i);
            return (c * CHUNK + place, wanted);
        }
        found += here;
    }
    (0, found)
}

fn write_mask<S: Storage>(cut: Cut, layer: usize, values: &[S], mask: &mut [u8]) {
    let end = cut.end(layer, values.len());
    let (values, tail) = values.split_at(end);
    let (mask, mask_tail) = mask.split_at_mut(end);
    each((values, mask), &|(values, mask)| from_bits(cut.bits, values, mask));
    each((tail, mask_tail), &|(values, mask)| from_bits(cut.bits + 1, values, mask));
}

/// Byte 1 where the magnitude has at least these bits.
#[inline(always)]
fn from_bits_body<S: Storage>(bits: u64, values: &[S], mask: &mut [u8]) {
    for (mask, v) in mask.iter_mut().zip(values) {
        *mask = u8::from(v.magnitude() >= bits);
    }
}

each_level!(fn from_bits[S: Storage](bits: u64, values: &[S], mask: &mut [u8]) = from_bits_body);

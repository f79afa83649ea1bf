//! Norms, sign flips and the k largest on arrays.

use super::host::{self, Cut, Measures};
use crate::{
    Error, Result,
    kernels::{
        array::{
            View, ViewMut, apart,
            home::{Work, both, launch, typed},
        },
        check::same_length,
        device::{Argument, Memory, Source, Tried, bytes_mut, long},
        mask_weight::chunks::CHUNK,
        network::Real,
    },
};

/// The kernels of counts.
pub static SOURCE: Source = Source {
    name: "count",
    text: include_str!("device.cu"),
    kernels: both!(
        ["fold_lanes", "add_neighbours"],
        "digit_counts",
        "write_mask",
        "measure",
        "sign_flips"
    ),
};

/// Lanes of a chunk.
const LANES: usize = 32;
/// Bits of a digit of a magnitude, and values of it.
const DIGIT: u32 = 4;
const DIGITS: usize = 1 << DIGIT;

/// The chunks of n numbers, and where their sums stand in scratch: 32 lanes for each, then a sum for each.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels::mask_weight) struct Sizes {
    chunks: usize,
}

impl Sizes {
    pub(in crate::kernels::mask_weight) fn of(n: usize) -> Self {
        Self { chunks: n.div_ceil(CHUNK).max(1) }
    }

    pub(in crate::kernels::mask_weight) fn lanes(self) -> usize {
        self.chunks * LANES
    }

    /// Bytes of a sum in the making.
    pub(in crate::kernels::mask_weight) fn sums(self) -> usize {
        8 * (self.lanes() + self.chunks)
    }

    /// Lanes and sums of the `k`-th sum in scratch.
    pub(in crate::kernels::mask_weight) fn places(
        self,
        scratch: Memory,
        k: usize,
    ) -> (Argument, Argument) {
        let first = k * self.sums();
        (Argument::At(scratch, first), Argument::At(scratch, first + 8 * self.lanes()))
    }
}

/// Adds lanes and chunks; the whole ends in the first of `sums`.
///
/// # Safety
/// `lanes` and `sums` are as long as `sizes` says.
pub(in crate::kernels::mask_weight) unsafe fn fold(
    work: &mut Work<'_>,
    sizes: Sizes,
    lanes: Argument,
    sums: Argument,
) -> Tried<()> {
    let chunks = long(sizes.chunks);
    // SAFETY: the caller's promise.
    unsafe {
        work.over(&SOURCE, "fold_lanes", sizes.chunks, &[chunks, lanes, sums])?;
        let mut distance = 1;
        while distance < sizes.chunks {
            let pairs = sizes.chunks.div_ceil(2 * distance);
            work.over(&SOURCE, "add_neighbours", pairs, &[chunks, long(distance), sums])?;
            distance *= 2;
        }
    }
    Ok(())
}

/// ‖x‖₁, ‖x‖²₂ and nonzeros: [`host::measure`]. Waits for the device.
///
/// # Errors
/// When the device fails.
pub fn measure<T: Real>(x: View<'_, T>) -> Result<Measures> {
    let Some(on) = x.session() else { return Ok(host::measure(x.host()?)) };
    let (n, sizes, x) = (x.len(), Sizes::of(x.len()), x.at(on)?);
    let zeros_at = 2 * sizes.sums();
    on.work(zeros_at + 4 * sizes.lanes(), |work| {
        let scratch = work.scratch;
        let (first, l1) = sizes.places(scratch, 0);
        let (second, l2) = sizes.places(scratch, 1);
        let zeros = Argument::At(scratch, zeros_at);
        // SAFETY: the arguments of the kernels in their order; scratch is as long as `sizes` says.
        unsafe {
            let arguments = [long(n), x, first, second, zeros];
            work.over(&SOURCE, typed!(T, "measure"), sizes.lanes(), &arguments)?;
            fold(work, sizes, first, l1)?;
            fold(work, sizes, second, l2)?;
        }
        let mut sums = [0.0; 2];
        for (k, sum) in sums.iter_mut().enumerate() {
            let offset = k * sizes.sums() + 8 * sizes.lanes();
            work.session.read(scratch, offset, bytes_mut(std::slice::from_mut(sum)))?;
        }
        let mut zeros = vec![0_u32; sizes.lanes()];
        work.session.read(scratch, zeros_at, bytes_mut(&mut zeros))?;
        let zeros: usize = zeros.iter().map(|z| *z as usize).sum();
        Ok(Measures { l1: sums[0], l2_squared: sums[1], nonzeros: n - zeros })
    })
}

/// Entries whose sign has changed: [`host::sign_flips`]. Waits for the device.
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn sign_flips<T: Real>(before: View<'_, T>, after: View<'_, T>) -> Result<usize> {
    let Some(on) = before.session() else {
        return host::sign_flips(before.host()?, after.host()?);
    };
    let n = before.len();
    same_length("after", after.len(), "before", n)?;
    let (sizes, before, after) = (Sizes::of(n), before.at(on)?, after.at(on)?);
    on.work(4 * sizes.lanes(), |work| {
        let scratch = work.scratch;
        let arguments = [long(n), before, after, Argument::Memory(scratch)];
        // SAFETY: the arguments of the kernel in its order; scratch has a count for each lane.
        unsafe { work.over(&SOURCE, typed!(T, "sign_flips"), sizes.lanes(), &arguments)? };
        let mut counts = vec![0_u32; sizes.lanes()];
        work.session.read(scratch, 0, bytes_mut(&mut counts))?;
        Ok(counts.iter().map(|c| *c as usize).sum())
    })
}

/// Masks of the `keep` largest magnitudes over all layers: [`host::keep_largest`]. Waits for the device.
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn keep_largest<T: Real>(
    layers: &[View<'_, T>],
    keep: usize,
    masks: Vec<ViewMut<'_, u8>>,
) -> Result<Option<Cut>> {
    if masks.iter().all(|m| m.session().is_none()) {
        let layers = layers.iter().map(|l| l.host()).collect::<Result<Vec<_>>>()?;
        let mut masks = masks.into_iter().map(ViewMut::host).collect::<Result<Vec<_>>>()?;
        return host::keep_largest(&layers, keep, &mut masks);
    }
    same_length("masks", masks.len(), "layers", layers.len())?;
    let total: usize = layers.iter().map(View::len).sum();
    if keep > total {
        return Err(Error::Domain {
            what: "the number of entries to keep".into(),
            expected: format!("at most the {total} that there are"),
            found: keep.to_string(),
        });
    }
    for (l, (layer, mask)) in layers.iter().zip(&masks).enumerate() {
        same_length(&format!("masks[{l}]"), mask.len(), &format!("layers[{l}]"), layer.len())?;
        // A sum of magnitudes is NaN only where one of them is.
        if measure(*layer)?.l1.is_nan() {
            let first = layer.to_vec()?.iter().position(|v| v.f64().is_nan());
            let index = first.unwrap_or_default().to_string();
            let what = format!("layers[{l}]");
            return Err(Error::NotFinite { what, index, value: f64::NAN });
        }
    }
    let cut = if keep == 0 { None } else { Some(cut_at(layers, keep)?) };
    for (l, (layer, mask)) in layers.iter().zip(masks).enumerate() {
        // With nothing kept, every magnitude lies below these bits.
        let (bits, end) = match cut {
            None => (u64::MAX - 1, 0),
            Some(cut) => (cut.bits(), cut.end(l, layer.len())),
        };
        let Some(on) = layer.session() else { return Err(apart()) };
        let n = layer.len();
        let bits = Argument::Long(bits);
        launch!(on, T, "write_mask", n, [long(n), bits, long(end), layer.at(on)?, mask.at(on)?])?;
    }
    Ok(cut)
}

/// Where the `keep` largest end, digit by digit from the top.
fn cut_at<T: Real>(layers: &[View<'_, T>], keep: usize) -> Result<Cut> {
    let (mut needed, mut prefix, mut low) = (keep, 0_u64, T::MAGNITUDE_BITS);
    while low > 0 {
        let high = low;
        low = low.saturating_sub(DIGIT);
        let mut counts = [0_usize; DIGITS];
        for layer in layers {
            let of_lanes = digit_counts(*layer, low, high, prefix)?;
            for (k, count) in of_lanes.iter().enumerate() {
                counts[k % DIGITS] += *count as usize;
            }
        }
        let mut digit = (1_usize << (high - low)) - 1;
        while counts[digit] < needed {
            needed -= counts[digit];
            digit -= 1;
        }
        prefix = (prefix << (high - low)) | digit as u64;
    }
    // The `needed`-th of those with these bits, chunk by chunk.
    for (l, layer) in layers.iter().enumerate() {
        let equals = digit_counts(*layer, 0, 0, prefix)?;
        for (c, counts) in equals.chunks(LANES * DIGITS).enumerate() {
            let here: usize = counts.iter().map(|c| *c as usize).sum();
            if here < needed {
                needed -= here;
                continue;
            }
            let chunk = layer.part(c * CHUNK..layer.len().min((c + 1) * CHUNK)).to_vec()?;
            let mut found = chunk.iter().enumerate().filter(|(_, v)| v.magnitude() == prefix);
            if let Some((i, v)) = found.nth(needed - 1) {
                return Ok(Cut::new(v.wide().abs(), l, c * CHUNK + i, prefix));
            }
        }
    }
    Err(Error::Device {
        device: "a device".into(),
        why: "its counts of magnitudes contradict each other".into(),
    })
}

/// 16 counts for each lane of each chunk.
fn digit_counts<T: Real>(x: View<'_, T>, low: u32, high: u32, prefix: u64) -> Result<Vec<u32>> {
    let Some(on) = x.session() else { return Err(apart()) };
    let (n, sizes, x) = (x.len(), Sizes::of(x.len()), x.at(on)?);
    on.work(4 * DIGITS * sizes.lanes(), |work| {
        let scratch = work.scratch;
        let (low, high) = (Argument::Int(low as i32), Argument::Int(high as i32));
        let arguments = [long(n), low, high, Argument::Long(prefix), x, Argument::Memory(scratch)];
        // SAFETY: the arguments of the kernel in its order; scratch has 16 counts for each lane.
        unsafe { work.over(&SOURCE, typed!(T, "digit_counts"), sizes.lanes(), &arguments)? };
        let mut counts = vec![0_u32; DIGITS * sizes.lanes()];
        work.session.read(scratch, 0, bytes_mut(&mut counts))?;
        Ok(counts)
    })
}

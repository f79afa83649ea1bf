//! Room for what a batch records, R×B×wide, and its parts for those who fill it.

use crate::{Error, Result};

/// Room for `records × runs × wide` numbers, NaN until they are known.
pub(super) fn records_of(records: usize, runs: usize, wide: usize) -> Result<Vec<f64>> {
    let too_large = || Error::Domain {
        what: format!("{records} records of {runs} runs of {wide} numbers"),
        expected:
            "what fits in memory: fewer times, or the batch in parts (the results are the same)"
                .into(),
        found: format!("{:.1e} bytes", 8.0 * records as f64 * runs as f64 * wide as f64),
    };
    let len =
        records.checked_mul(runs).and_then(|len| len.checked_mul(wide)).ok_or_else(too_large)?;
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| too_large())?;
    out.resize(len, f64::NAN);
    Ok(out)
}

/// `[queue][record]`: the parts of an R×B×wide array that belong to each queue of runs.
pub(super) fn pieces(
    all: &mut [f64],
    records: usize,
    runs: usize,
    wide: usize,
    queue: usize,
) -> Vec<Vec<&mut [f64]>> {
    let mut out: Vec<Vec<&mut [f64]>> = Vec::new();
    out.resize_with(runs.div_ceil(queue), || Vec::with_capacity(records));
    if runs * wide == 0 {
        return out;
    }
    for slab in all.chunks_exact_mut(runs * wide) {
        for (out, piece) in out.iter_mut().zip(slab.chunks_mut(queue * wide)) {
            out.push(piece);
        }
    }
    out
}

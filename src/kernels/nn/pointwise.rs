//! ReLU and sums, entry by entry.

use rayon::prelude::*;

use super::{Real, check_len};
use crate::Result;

/// Entries of a piece of work.
const CHUNK: usize = 1 << 14;

/// `y = max(x, 0)` in place; NaN stays.
pub fn relu<T: Real>(x: &mut [T]) {
    x.par_chunks_mut(CHUNK).for_each(|x| {
        for x in x {
            *x = if *x < T::ZERO { T::ZERO } else { *x };
        }
    });
}

/// The gradient of [`relu`] in place: `dx = dy` where y > 0, else 0.
///
/// # Errors
/// When the lengths differ.
pub fn relu_backward<T: Real>(y: &[T], dy: &mut [T]) -> Result<()> {
    check_len("dy of a ReLU", dy.len(), y.len())?;
    dy.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(|(dy, y)| {
        for (dy, y) in dy.iter_mut().zip(y) {
            *dy = if *y > T::ZERO { *dy } else { T::ZERO };
        }
    });
    Ok(())
}

/// `to += from`.
///
/// # Errors
/// When the lengths differ.
pub fn add<T: Real>(to: &mut [T], from: &[T]) -> Result<()> {
    check_len("the second of two summands", from.len(), to.len())?;
    to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK)).for_each(|(to, from)| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += *from;
        }
    });
    Ok(())
}

/// `to = from`.
///
/// # Errors
/// When the lengths differ.
pub fn copy<T: Real>(to: &mut [T], from: &[T]) -> Result<()> {
    check_len("the source of a copy", from.len(), to.len())?;
    to.par_chunks_mut(CHUNK)
        .zip(from.par_chunks(CHUNK))
        .for_each(|(to, from)| to.copy_from_slice(from));
    Ok(())
}

/// Swaps the axes of each image: `pixels×channels` to `channels×pixels` or, with `back`, the other way.
/// PyTorch flattens images channel by channel.
///
/// # Errors
/// When the lengths are not whole images or differ.
pub fn transpose<T: Real>(
    from: &[T],
    to: &mut [T],
    pixels: usize,
    channels: usize,
    back: bool,
) -> Result<()> {
    let image = pixels * channels;
    check_len("the last image of a transposition", from.len() % image.max(1), 0)?;
    check_len("the result of a transposition", to.len(), from.len())?;
    let (rows, columns) = if back { (channels, pixels) } else { (pixels, channels) };
    to.par_chunks_mut(image).zip(from.par_chunks(image)).for_each(|(to, from)| {
        for row in 0..rows {
            for column in 0..columns {
                to[column * rows + row] = from[row * columns + column];
            }
        }
    });
    Ok(())
}

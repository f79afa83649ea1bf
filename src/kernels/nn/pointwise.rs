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

/// Each image `pixels×channels` as `channels×pixels`: PyTorch flattens images channel by channel.
///
/// # Errors
/// When the lengths are not whole images or differ.
pub fn flatten<T: Real>(x: &[T], y: &mut [T], pixels: usize, channels: usize) -> Result<()> {
    let image = images_of(x, y, pixels * channels)?;
    y.par_chunks_mut(image).zip(x.par_chunks(image)).for_each(|(y, x)| {
        for (p, c) in (0..pixels).flat_map(|p| (0..channels).map(move |c| (p, c))) {
            y[c * pixels + p] = x[p * channels + c];
        }
    });
    Ok(())
}

/// The gradient of [`flatten`]: `dx = …` or, with `accumulate`, `dx += …`.
///
/// # Errors
/// As [`flatten`].
pub fn flatten_backward<T: Real>(
    dy: &[T],
    dx: &mut [T],
    pixels: usize,
    channels: usize,
    accumulate: bool,
) -> Result<()> {
    let image = images_of(dy, dx, pixels * channels)?;
    dx.par_chunks_mut(image).zip(dy.par_chunks(image)).for_each(|(dx, dy)| {
        for (p, c) in (0..pixels).flat_map(|p| (0..channels).map(move |c| (p, c))) {
            let (dx, dy) = (&mut dx[p * channels + c], dy[c * pixels + p]);
            *dx = if accumulate { *dx + dy } else { dy };
        }
    });
    Ok(())
}

fn images_of<T>(from: &[T], to: &[T], image: usize) -> Result<usize> {
    check_len("the last image of a batch to flatten", from.len() % image.max(1), 0)?;
    check_len("a flattened batch", to.len(), from.len())?;
    Ok(image.max(1))
}

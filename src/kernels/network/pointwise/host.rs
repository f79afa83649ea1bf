//! ReLU and sums, entry by entry.

use rayon::prelude::*;

use crate::Result;
use crate::kernels::check::check_len;
use crate::kernels::network::Real;

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

/// `Φ(x)` and `φ(x)`, distribution and density of a standard normal.
///
/// By a continued fraction beyond ±4 (to a few ε of itself) and a series inside (to a few ε of 1), in f64; GELU is a small
/// part of a network's time.
fn normal(x: f64) -> (f64, f64) {
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let far = x.abs();
    let tail = if far > 4.0 {
        // 1 − Φ(x) = φ(x)/(x + 1/(x + 2/(x + 3/…))): forty terms leave 1e-17 from 4 on.
        let fraction = (1..=40).rev().fold(far, |f, k| far + f64::from(k) / f);
        density / fraction
    } else {
        // Φ(x) = ½ + φ(x)(x + x³/3 + x⁵/15 + …): positive terms, no cancellation.
        let (mut term, mut sum) = (far, far);
        for k in 1..60 {
            term *= far * far / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    };
    (if x < 0.0 { tail } else { 1.0 - tail }, density)
}

/// GELU, `y = x Φ(x)` (Hendrycks & Gimpel 2016; PyTorch's exact form).
///
/// # Errors
/// When the lengths differ.
pub fn gelu<T: Real>(x: &[T], y: &mut [T]) -> Result<()> {
    check_len("y of a GELU", y.len(), x.len())?;
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
        for (y, x) in y.iter_mut().zip(x) {
            *y = T::of(x.f64() * normal(x.f64()).0);
        }
    });
    Ok(())
}

/// The gradient of [`gelu`] in place: `dx = dy (Φ(x) + x φ(x))`.
///
/// # Errors
/// When the lengths differ.
pub fn gelu_backward<T: Real>(x: &[T], dy: &mut [T]) -> Result<()> {
    check_len("dy of a GELU", dy.len(), x.len())?;
    dy.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(dy, x)| {
        for (dy, x) in dy.iter_mut().zip(x) {
            let (distribution, density) = normal(x.f64());
            *dy = T::of(dy.f64() * (distribution + x.f64() * density));
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

//! Class token and positions: `y[0] = class + position[0]`, `y[p + 1] = x[p] + position[p + 1]` for every image, and the first
//! token alone. Copies, in order: a small part of a network's time.
//!
//! An image has N tokens of C numbers with the class token, N − 1 without.

use crate::Result;
use crate::kernels::check::check_len;
use crate::kernels::network::Real;

/// `y` out of `x`: class (C), positions (N×C), x B×(N−1)×C, y B×N×C.
///
/// # Errors
/// When the lengths do not fit.
pub fn forward<T: Real>(x: &[T], class: &[T], position: &[T], y: &mut [T]) -> Result<()> {
    let (image, channels) = (position.len(), class.len());
    check_images(y.len(), image, x.len(), image.saturating_sub(channels))?;
    for (y, x) in y.chunks_exact_mut(image).zip(x.chunks_exact(image - channels)) {
        for ((y, x), position) in y.iter_mut().zip(class.iter().chain(x)).zip(position) {
            *y = *x + *position;
        }
    }
    Ok(())
}

/// That there are as many images in two arrays.
fn check_images(a: usize, of_a: usize, b: usize, of_b: usize) -> Result<()> {
    check_len("the last image of tokens", a % of_a.max(1), 0)?;
    check_len("tokens", b, a / of_a.max(1) * of_b)
}

/// The gradients of the class token and of the positions out of `dy`.
///
/// # Errors
/// As [`forward`].
pub fn backward_sums<T: Real>(dy: &[T], class: &mut [T], position: &mut [T]) -> Result<()> {
    check_images(dy.len(), position.len(), 0, 0)?;
    check_len("the class token", class.len().min(position.len()), class.len())?;
    position.fill(T::ZERO);
    for dy in dy.chunks_exact(position.len()) {
        for (position, dy) in position.iter_mut().zip(dy) {
            *position += *dy;
        }
    }
    class.copy_from_slice(&position[..class.len()]);
    Ok(())
}

/// `dx`, or `dx += …` with `accumulate`, out of `dy`; `image` is N×C.
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Real>(
    dy: &[T],
    image: usize,
    channels: usize,
    dx: &mut [T],
    accumulate: bool,
) -> Result<()> {
    check_images(dy.len(), image, dx.len(), image.saturating_sub(channels))?;
    for (dx, dy) in dx.chunks_exact_mut(image - channels).zip(dy.chunks_exact(image)) {
        write(&dy[channels..], dx, accumulate);
    }
    Ok(())
}

/// The first token of each image, `y` B×C out of `x` B×N×C; `image` is N×C.
///
/// # Errors
/// As [`forward`].
pub fn first<T: Real>(x: &[T], image: usize, channels: usize, y: &mut [T]) -> Result<()> {
    check_images(x.len(), image, y.len(), channels)?;
    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(image)) {
        y.copy_from_slice(&x[..channels]);
    }
    Ok(())
}

/// The gradient of [`first`]: `dx`, or `dx += …` with `accumulate`.
///
/// # Errors
/// As [`forward`].
pub fn first_backward<T: Real>(
    dy: &[T],
    image: usize,
    channels: usize,
    dx: &mut [T],
    accumulate: bool,
) -> Result<()> {
    check_images(dx.len(), image, dy.len(), channels)?;
    for (dx, dy) in dx.chunks_exact_mut(image).zip(dy.chunks_exact(channels)) {
        let (first, rest) = dx.split_at_mut(channels);
        write(dy, first, accumulate);
        if !accumulate {
            rest.fill(T::ZERO);
        }
    }
    Ok(())
}

fn write<T: Real>(from: &[T], to: &mut [T], accumulate: bool) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = if accumulate { *to + *from } else { *from };
    }
}

//! Class token and positions: `y[0] = class + position[0]`, `y[p + 1] = x[p] + position[p + 1]` for every image, and the first
//! token alone. Copies, in order: a small part of a network's time.

use mirrorflow::kernels::nn::Real;

pub(super) fn forward<T: Real>(x: &[T], class: &[T], position: &[T], channels: usize, y: &mut [T]) {
    let image = position.len();
    for (y, x) in y.chunks_exact_mut(image).zip(x.chunks_exact(image - channels)) {
        for ((y, x), position) in y.iter_mut().zip(class.iter().chain(x)).zip(position) {
            *y = *x + *position;
        }
    }
}

/// The gradients of the class token and of the positions.
pub(super) fn sums<T: Real>(dy: &[T], class: &mut [T], position: &mut [T]) {
    position.fill(T::ZERO);
    for dy in dy.chunks_exact(position.len()) {
        for (position, dy) in position.iter_mut().zip(dy) {
            *position += *dy;
        }
    }
    class.copy_from_slice(&position[..class.len()]);
}

pub(super) fn backward<T: Real>(dy: &[T], channels: usize, dx: &mut [T], accumulate: bool) {
    // dy has one token more than dx: the number of images is that of the difference.
    let images = (dy.len() - dx.len()) / channels;
    let (with, without) = (dy.len() / images, dx.len() / images);
    for (dx, dy) in dx.chunks_exact_mut(without).zip(dy.chunks_exact(with)) {
        write(&dy[channels..], dx, accumulate);
    }
}

pub(super) fn first<T: Real>(x: &[T], tokens: usize, channels: usize, y: &mut [T]) {
    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(tokens * channels)) {
        y.copy_from_slice(&x[..channels]);
    }
}

pub(super) fn first_backward<T: Real>(
    dy: &[T],
    tokens: usize,
    channels: usize,
    dx: &mut [T],
    accumulate: bool,
) {
    for (dx, dy) in dx.chunks_exact_mut(tokens * channels).zip(dy.chunks_exact(channels)) {
        let (first, rest) = dx.split_at_mut(channels);
        write(dy, first, accumulate);
        if !accumulate {
            rest.fill(T::ZERO);
        }
    }
}

fn write<T: Real>(from: &[T], to: &mut [T], accumulate: bool) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = if accumulate { *to + *from } else { *from };
    }
}

//! Augmentation of training images: a frame of zeros (after normalisation) and a random cut of the
//! old size, then a flip with probability ½ (He et al. 2016, for CIFAR).

use rand::Rng;

use crate::network::Shape;

/// What is done to training images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Augment {
    /// Width of the frame before the random cut.
    pub crop: usize,
    /// Whether images are flipped left to right.
    pub flip: bool,
}

/// One image, bytes to normalised numbers, augmented where there is an `rng`.
pub(super) fn write(
    bytes: &[u8],
    shape: Shape,
    normal: &[(f32, f32)],
    augment: Option<(&Augment, &mut impl Rng)>,
    to: &mut [f32],
) {
    let (down, across, flip) = match augment {
        Some((augment, rng)) => {
            let c = augment.crop as i64;
            let mut shift = || if c > 0 { rng.random_range(-c..=c) } else { 0 };
            let (down, across) = (shift(), shift());
            (down, across, augment.flip && rng.random::<bool>())
        }
        None => (0, 0, false),
    };
    let c = shape.channels;
    for y in 0..shape.height {
        for x in 0..shape.width {
            let to = &mut to[(y * shape.width + x) * c..][..c];
            let column = if flip { shape.width - 1 - x } else { x };
            let inside = |i: usize, by: i64, size: usize| {
                usize::try_from(i as i64 + by).ok().filter(|i| *i < size)
            };
            match (inside(y, down, shape.height), inside(column, across, shape.width)) {
                (Some(y), Some(x)) => {
                    let from = &bytes[(y * shape.width + x) * c..][..c];
                    for ((to, from), (mean, deviation)) in to.iter_mut().zip(from).zip(normal) {
                        *to = (f32::from(*from) / 255.0 - mean) / deviation;
                    }
                }
                _ => to.fill(0.0),
            }
        }
    }
}

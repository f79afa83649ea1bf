//! Images and labels: read, checked, augmented, batched.
//!
//! | name | what | where |
//! |---|---|---|
//! | `digits` | 8×8 handwritten digits, embedded | nowhere: no download needed |
//! | `mnist`, `fashion-mnist` | 28×28, IDX files, gzipped or not | `train-images-idx3-ubyte[.gz]` or `train-images.idx3-ubyte[.gz]`, … in the folder, or where torchvision has them in it |
//! | `cifar10`, `cifar100` | 32×32 colour, binary version | `data_batch_1.bin`, … or `train.bin`, … in the folder, or in the archive's own in it |
//! | `folder` | JPEG and PNG files, one folder a class (ImageNet's layout) | `train/CLASS/*`, `val/CLASS/*` |
//! | `generated` | noise of any shape, to try configurations out | nowhere |

mod augment;
mod cifar;
mod digits;
mod folder;
mod idx;
mod image;
mod loader;
mod room;
mod set;

use std::{
    fs,
    path::{Path, PathBuf},
};

use mirrorflow::{Error, Result};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

pub use augment::Augment;
pub use loader::{Batch, Loader};
pub use set::Set;

pub(crate) use room::{gigabytes, has_room};

use crate::network::Shape;

/// Where the pixels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// All in memory, NHWC, one byte each.
    Memory(Vec<u8>),
    /// A file each, decoded when asked for.
    Files(Vec<PathBuf>),
}

/// Labelled images of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The shape of an image.
    pub shape: Shape,
    /// Number of classes.
    pub classes: usize,
    /// The class of every image.
    pub labels: Vec<u32>,
    /// What is taken off each channel, and by what it is then divided (values from 0 to 1).
    pub normal: Vec<(f32, f32)>,
    pub(crate) pixels: Pixels,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    pub(crate) fn in_memory(
        name: &str,
        shape: Shape,
        classes: usize,
        bytes: Vec<u8>,
        labels: Vec<u32>,
    ) -> Self {
        let normal = moments(&bytes, shape.channels);
        Self { name: name.into(), shape, classes, labels, normal, pixels: Pixels::Memory(bytes) }
    }

    /// Takes the normalisation from these images.
    fn measure(&mut self) {
        if let Pixels::Memory(bytes) = &self.pixels {
            self.normal = moments(bytes, self.shape.channels);
        }
    }

    /// The images of these numbers.
    fn select(&self, numbers: &[usize]) -> Self {
        let len = self.shape.len();
        let pixels = match &self.pixels {
            Pixels::Memory(bytes) => {
                let of = |i: &usize| &bytes[i * len..(i + 1) * len];
                Pixels::Memory(numbers.iter().flat_map(of).copied().collect())
            }
            Pixels::Files(files) => {
                Pixels::Files(numbers.iter().map(|i| files[*i].clone()).collect())
            }
        };
        let labels = numbers.iter().map(|i| self.labels[*i]).collect();
        Self { pixels, labels, name: self.name.clone(), normal: self.normal.clone(), ..*self }
    }

    /// Keeps `count` of the images, drawn by `seed`, aside: (the others, those).
    ///
    /// # Errors
    /// When that would leave none.
    pub fn split(&self, count: usize, seed: u64) -> Result<(Self, Self)> {
        if count >= self.len() {
            return Err(Error::Domain {
                what: format!("validation images of {}", self.name),
                expected: format!("fewer than its {} training images", self.len()),
                found: count.to_string(),
            });
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut stream(seed, Purpose::Split, 0));
        let (aside, rest) = order.split_at_mut(count);
        aside.sort_unstable();
        rest.sort_unstable();
        Ok((self.select(rest), self.select(aside)))
    }

    /// The first `count` images, or all where there are fewer.
    pub fn first(&self, count: usize) -> Self {
        self.select(&(0..count.min(self.len())).collect::<Vec<_>>())
    }
}

/// Mean and standard deviation of each channel, from 0 to 1; a channel that does not vary is left
/// at its scale.
fn moments(bytes: &[u8], channels: usize) -> Vec<(f32, f32)> {
    let of = |channel: usize| {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for b in bytes[channel..].iter().step_by(channels) {
            sum += u64::from(*b);
            squares += u64::from(*b) * u64::from(*b);
        }
        let count = (bytes.len() / channels).max(1) as f64;
        let mean = sum as f64 / count;
        let deviation = (squares as f64 / count - mean * mean).max(0.0).sqrt();
        ((mean / 255.0) as f32, if deviation > 0.0 { (deviation / 255.0) as f32 } else { 1.0 })
    };
    (0..channels).map(of).collect()
}

/// What random numbers are for; streams of one seed are independent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Initial weights.
    Weights = 1,
    /// Validation images.
    Split = 2,
    /// Order and augmentation of an epoch.
    Epoch = 3,
    /// Generated images.
    Generate = 4,
}

/// The random numbers of a seed for a purpose, the `number`-th stream.
pub(crate) fn stream(seed: u64, purpose: Purpose, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 48) | number);
    rng
}

/// The training and the test images of a set, by name, from `folder` (which `digits` and
/// `generated` do not need).
///
/// # Errors
/// When there is no such set, or a file is missing, cut off, damaged or inconsistent: which one and
/// what is wrong.
///
/// # Examples
/// ```
/// let (train, test) = mirrorflow_deep::data::open("digits", None)?;
/// assert_eq!((train.len(), test.len(), train.classes), (1438, 359, 10));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn open(name: &str, folder: Option<&Path>) -> Result<(Dataset, Dataset)> {
    Set::named(name)?.open(folder)
}

/// Noise in the shape of a real set: `count` images, labels in turn.
pub fn generated(shape: Shape, classes: usize, count: usize, seed: u64) -> Dataset {
    let mut rng = stream(seed, Purpose::Generate, 0);
    let bytes = (0..count * shape.len()).map(|_| rng.random::<u8>()).collect();
    let labels = (0..count).map(|i| (i % classes.max(1)) as u32).collect();
    Dataset::in_memory("generated", shape, classes, bytes, labels)
}

fn wrong(path: &Path, why: impl Into<String>) -> Error {
    Error::File { path: path.into(), why: why.into() }
}

/// The bytes of a file, where there is memory for them.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::metadata(path).map_err(|e| wrong(path, e.to_string()))?.len() as usize;
    if !has_room(bytes) {
        let why = format!("takes {}, which do not fit into memory", gigabytes(bytes));
        return Err(wrong(path, why));
    }
    fs::read(path).map_err(|e| wrong(path, e.to_string()))
}

#[cfg(test)]
mod tests;

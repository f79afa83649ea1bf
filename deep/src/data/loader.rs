//! Batches, made by a thread ahead of the training that uses them.
//!
//! Epoch e of a seed has an order of its own, and image i in it augmentations of its own: functions
//! of (seed, e) and (seed, e, i) alone, so threads and resumed runs see the same batches. Buffers
//! go back and forth and are not allocated anew.

use std::{
    ops::Range,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use mirrorflow::Result;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Augment, Dataset, Pixels, Purpose, augment, folder, stream};

/// Normalised images (B×height×width×channels) and their classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The images.
    pub x: Vec<f32>,
    /// Their classes.
    pub labels: Vec<u32>,
}

/// The batches of one epoch.
#[derive(Debug)]
pub struct Loader {
    ready: Receiver<Result<Batch>>,
    back: SyncSender<Batch>,
}

/// Batches made ahead.
const AHEAD: usize = 2;

impl Loader {
    /// The training batches of an epoch: all images in a random order, augmented; the last batch
    /// may be smaller. A last batch of a single image is left out (batch norm has no variance for
    /// it).
    pub fn train(
        data: &Arc<Dataset>,
        batch: usize,
        augment: Augment,
        seed: u64,
        epoch: u64,
    ) -> Self {
        let mut order: Vec<usize> = (0..data.len()).collect();
        order.shuffle(&mut stream(seed, Purpose::Epoch, epoch));
        Self::start(data, order, batch, Some((augment, seed, epoch)))
    }

    /// All images in order, as they are.
    pub fn evaluate(data: &Arc<Dataset>, batch: usize) -> Self {
        Self::start(data, (0..data.len()).collect(), batch, None)
    }

    fn start(
        data: &Arc<Dataset>,
        order: Vec<usize>,
        batch: usize,
        augment: Option<(Augment, u64, u64)>,
    ) -> Self {
        let (to_user, ready) = sync_channel(AHEAD);
        let (back, from_user) = sync_channel::<Batch>(AHEAD + 2);
        let data = Arc::clone(data);
        thread::spawn(move || {
            for numbers in order.chunks(batch.max(1)) {
                if augment.is_some() && numbers.len() == 1 && batch > 1 {
                    continue;
                }
                let mut batch = from_user.try_recv().unwrap_or_default();
                let made = fill(&data, numbers, augment, &mut batch).map(|()| batch);
                let stop = made.is_err();
                // The user may have left early.
                if to_user.send(made).is_err() || stop {
                    return;
                }
            }
        });
        Self { ready, back }
    }

    /// The next batch, or none when the epoch is over.
    ///
    /// # Errors
    /// When an image file cannot be read.
    pub fn next(&self) -> Result<Option<Batch>> {
        self.ready.recv().ok().transpose()
    }

    /// Gives a batch back, for its memory.
    pub fn recycle(&self, batch: Batch) {
        // Where there is no room the memory is freed instead.
        let _ = self.back.try_send(batch);
    }
}

fn fill(
    data: &Dataset,
    numbers: &[usize],
    augment: Option<(Augment, u64, u64)>,
    batch: &mut Batch,
) -> Result<()> {
    let len = data.shape.len();
    batch.labels.clear();
    batch.labels.extend(numbers.iter().map(|i| data.labels[*i]));
    batch.x.resize(numbers.len() * len, 0.0);
    match &data.pixels {
        // A nanosecond a byte: to hand that out to threads costs more than it takes, and keeps them
        // from training.
        Pixels::Memory(_) => batch
            .x
            .chunks_mut(len)
            .zip(numbers)
            .try_for_each(|(to, number)| image(data, *number, augment, to)),
        Pixels::Files(_) => batch
            .x
            .par_chunks_mut(len)
            .zip(numbers)
            .try_for_each(|(to, number)| image(data, *number, augment, to)),
    }
}

fn image(
    data: &Dataset,
    number: usize,
    augment: Option<(Augment, u64, u64)>,
    to: &mut [f32],
) -> Result<()> {
    let mut rng = augment.map(|(_, seed, epoch)| {
        // A generator for each image of each epoch.
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        rng.set_stream((7 << 48) | number as u64);
        rng
    });
    let augment = augment.map(|a| a.0);
    match &data.pixels {
        Pixels::Memory(bytes) => {
            let range: Range<usize> = number * data.shape.len()..(number + 1) * data.shape.len();
            let augment = augment.as_ref().zip(rng.as_mut());
            augment::write(&bytes[range], data.shape, &data.normal, augment, to);
        }
        Pixels::Files(files) => {
            let bytes = folder::decode(&files[number], data.shape.height, rng.as_mut())?;
            // The random window has done the cropping.
            let augment = augment.map(|a| Augment { crop: 0, ..a });
            let augment = augment.as_ref().zip(rng.as_mut());
            augment::write(&bytes, data.shape, &data.normal, augment, to);
        }
    }
    Ok(())
}

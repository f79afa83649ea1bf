//! What a run takes: memory, counted before any of it is taken, and the time of a step.

use std::time::Instant;

use mirrorflow::{
    Result,
    kernels::array::{Array, Home},
};

use super::Setup;
use crate::{
    config::domain,
    data::{gigabytes, has_room},
    engine::{Mode, Model, numbers_per_image},
    method::State,
};

/// Bytes a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What is trained, with the network's own copy of its weights.
    pub parameters: usize,
    /// The optimiser's state.
    pub optimizer: usize,
    /// The gradient of the parameters.
    pub gradient: usize,
    /// Activations of a batch and their gradients.
    pub activations: usize,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> usize {
        let rest = self.parameters.saturating_add(self.optimizer).saturating_add(self.gradient);
        rest.saturating_add(self.activations)
    }
}

impl Setup {
    /// What a run takes.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn memory(&self) -> Result<Memory> {
        self.memory_with(self.config.train.batch)
    }

    fn memory_with(&self, images: usize) -> Result<Memory> {
        let (all, weights) = (self.network.parameter_count(), self.network.weight_count());
        let [trained, states] = self.of_method(weights)?;
        let others = (all - weights) * self.optimizer(0.0).states();
        let activations = numbers_per_image(&self.network).saturating_mul(images);
        let bytes = |numbers: usize| numbers.saturating_mul(size_of::<f32>());
        Ok(Memory {
            parameters: bytes(all.saturating_add(trained)),
            optimizer: bytes(states.saturating_add(others)),
            gradient: bytes(all),
            activations: bytes(activations),
        })
    }

    /// Numbers that the method trains or keeps beside so many weights, and states of the optimiser:
    /// what it has for one weight and for two tells how they grow.
    fn of_method(&self, weights: usize) -> Result<[usize; 2]> {
        let count = |len| {
            let mut method = self.method_of(&Home::Processor, len)?;
            let numbers = |s: &State<f32>| s.0.iter().map(|b| b.len()).sum::<usize>();
            let (mut trained, mut states) = (method.beside(), 0);
            for (_, variable) in method.variables() {
                trained += variable.value.len();
                states += numbers(&variable.state);
            }
            states += method.states().into_iter().map(|(_, s)| numbers(s)).sum::<usize>();
            Ok::<_, mirrorflow::Error>([trained, states])
        };
        let (one, two) = (count(1)?, count(2)?);
        Ok([0, 1].map(|k| {
            (two[k] - one[k]).saturating_mul(weights.saturating_sub(1)).saturating_add(one[k])
        }))
    }

    /// Whether there is memory for the network and the activations of so many images; a device says
    /// so itself.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn check_room(&self, images: usize) -> Result<()> {
        let memory = self.memory_with(images)?;
        if matches!(self.device, Home::Machine(_)) || has_room(memory.total()) {
            return Ok(());
        }
        let rest = Memory { activations: 0, ..memory }.total();
        if !has_room(rest) {
            let found = format!(
                "{} for images of {}, which takes {}",
                self.network.name(),
                self.network.input(),
                gigabytes(rest)
            );
            return Err(domain("network.name", "a network that fits into memory", &found));
        }
        let found = format!("{images}, which takes {}", gigabytes(memory.total()));
        Err(domain("train.batch", "a batch that fits into memory", &found))
    }

    /// Seconds of a training step: with few images and scaled to the batch, or with the whole batch
    /// where that takes less than a second. The best of up to three, after one that warms up.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn seconds_of_step(&self) -> Result<f64> {
        let all = self.config.train.batch;
        let few = all.min(8);
        let scaled = self.seconds_with(few)? * all as f64 / few as f64;
        if few < all && scaled < 1.0 { self.seconds_with(all) } else { Ok(scaled) }
    }

    fn seconds_with(&self, images: usize) -> Result<f64> {
        self.check_room(images)?;
        let mut model = Model::<f32>::at(&self.device, &self.network, images)?;
        let parameters = Array::from_slice(&self.device, &self.initial())?;
        let mut gradient = Array::<f32>::zeros(&self.device, parameters.len())?;
        let (x, labels) = (vec![0.5; images * self.network.input().len()], vec![0; images]);
        let mut best = f64::INFINITY;
        for round in 0..4 {
            let started = Instant::now();
            model.forward(&x, &parameters, Mode::Train)?;
            model.backward(&labels, &parameters, &mut gradient)?;
            let seconds = started.elapsed().as_secs_f64();
            if round > 0 {
                best = best.min(seconds);
                // What takes long needs no repetition.
                if seconds > 0.1 {
                    break;
                }
            }
        }
        Ok(best)
    }
}

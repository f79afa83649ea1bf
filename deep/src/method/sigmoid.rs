//! Continuous Sparsification (Savarese, Silva & Maire 2020): `x = σ(b s)⊙w` with `α Σ σ(b s)` beside the loss; b grows
//! geometrically from 1 to its last value during training, and at the end weights with s ≤ 0 are pruned. w may itself be m⊙w.

use mirrorflow::{
    Result,
    kernels::{
        mask_weight::{PlainPenalty, sigmoid_mask, sigmoid_mask_backward, update_plain},
        nn::Buffer,
    },
};

use super::{Latent, Method, Number, Place, Step, Updated, Variable, masked, note};

/// Continuous Sparsification.
#[derive(Debug)]
pub struct Continuous<T> {
    start: f64,
    last: f64,
    s: Variable<T>,
    w: Latent<T>,
    /// ∂/∂s of a layer.
    slope: Buffer<T>,
}

impl<T: Number> Continuous<T> {
    /// With the first s of every weight, the last b (200 in the paper), room for all weights in s, and w.
    pub fn new(start: f64, last: f64, s: Variable<T>, w: Latent<T>) -> Self {
        Self { start, last, s, w, slope: Buffer::default() }
    }

    fn sharpness(&self, step: &Step<'_>) -> f64 {
        self.last.powf(step.progress)
    }

    /// x of the s and w there are.
    fn form(&self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        for place in step.weights {
            let (s, w) = (&self.s.value[place.packed.clone()], self.w.value(place));
            sigmoid_mask(s, w, self.sharpness(step), &mut x[place.at.clone()])?;
            masked(step, place, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for Continuous<T> {
    fn start(&mut self, weights: &[Place], x: &mut [T]) -> Result<()> {
        self.s.value.fill(T::of(self.start));
        for place in weights {
            let x = &mut x[place.at.clone()];
            self.w.start(place, x)?;
            let s = &self.s.value[place.packed.clone()];
            sigmoid_mask(s, self.w.value(place), 1.0, x)?;
        }
        Ok(())
    }

    fn update(&mut self, step: &Step<'_>, g: &mut [T], x: &mut [T]) -> Result<Updated> {
        let b = self.sharpness(step);
        let none = PlainPenalty::default();
        let mut updated = None;
        for place in step.weights {
            masked(step, place, g)?;
            // The gradient of w takes the place of x, which is made anew below.
            let (g, to) = (&g[place.at.clone()], &mut x[place.at.clone()]);
            let slope = self.slope.first(g.len());
            let (s, w) = (&self.s.value[place.packed.clone()], self.w.value(place));
            sigmoid_mask_backward(s, w, b, step.strength, g, slope, to)?;
            let (optimizer, number) = (&step.optimizer, step.step);
            let s = self.s.part(&place.packed);
            note(&mut updated, update_plain(optimizer, number, &none, s, slope, None)?, place);
            note(&mut updated, self.w.update(step, place, to, step.weight_decay)?, place);
        }
        self.form(step, x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        self.w.refresh()?;
        self.form(step, x)
    }

    fn finish(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        self.weights(step, x)?;
        for place in step.weights {
            for (x, s) in x[place.at.clone()].iter_mut().zip(&self.s.value[place.packed.clone()]) {
                *x = if *s > T::ZERO { *x } else { T::ZERO };
            }
        }
        Ok(())
    }

    fn masked_share(&self) -> Option<f64> {
        let gone = self.s.value.iter().filter(|s| **s <= T::ZERO).count();
        Some(gone as f64 / self.s.value.len().max(1) as f64)
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        let mut all = vec![("s", &mut self.s)];
        all.extend(self.w.variables("w"));
        all
    }

    fn resumed(&mut self) -> Result<()> {
        self.w.refresh()
    }

    fn beside(&self) -> usize {
        self.w.beside()
    }
}

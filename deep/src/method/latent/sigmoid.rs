//! Continuous Sparsification (Savarese, Silva & Maire 2020): `x = σ(b s)⊙w` with `α Σ σ(b s)`
//! beside the loss; b grows geometrically from 1 to its last value during training, and at the end
//! weights with s ≤ 0 are pruned. Those with s > 0 keep their σ(b s) as they were trained, where
//! the paper takes 1 for it; with b = 200 the two differ by less than 2 % from s = 0.02 on. w may
//! itself be m⊙w.

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, ViewMut},
        mask_weight::{
            PlainPenalty,
            factors::apply_mask,
            map::{hard_mask, sigmoid_mask, sigmoid_mask_backward},
            update::update_plain,
        },
    },
};

use super::Latent;
use crate::method::{Method, Number, Slot, Step, Updated, Variable, masked, note};

/// Continuous Sparsification.
#[derive(Debug)]
pub struct Continuous<T: Number> {
    start: f64,
    last: f64,
    s: Variable<T>,
    w: Latent<T>,
    /// ∂/∂s of a layer.
    slope: Array<T>,
}

impl<T: Number> Continuous<T> {
    /// With the first s of every weight, the last b (200 in the paper), room for all weights in s,
    /// and w.
    pub fn new(start: f64, last: f64, s: Variable<T>, w: Latent<T>) -> Self {
        Self { start, last, s, w, slope: Array::default() }
    }

    fn sharpness(&self, step: &Step<'_>) -> f64 {
        self.last.powf(step.progress)
    }

    /// x of the s and w there are.
    fn form(&self, step: &Step<'_>, x: &mut ViewMut<'_, T>) -> Result<()> {
        for slot in step.weights {
            let (s, w) = (self.s.value.part(slot.packed.clone()), self.w.value(slot));
            sigmoid_mask(s, w, self.sharpness(step), x.part_mut(slot.at.clone()))?;
            masked(step, slot, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for Continuous<T> {
    fn start(&mut self, weights: &[Slot], mut x: ViewMut<'_, T>) -> Result<()> {
        self.s.value.fill(T::of(self.start))?;
        for slot in weights {
            let x = x.part_mut(slot.at.clone());
            self.w.start(slot, x.view())?;
            let s = self.s.value.part(slot.packed.clone());
            sigmoid_mask(s, self.w.value(slot), 1.0, x)?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        mut g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
        let b = self.sharpness(step);
        let none = PlainPenalty::default();
        let mut updated = None;
        for slot in step.weights {
            masked(step, slot, &mut g)?;
            // The gradient of w takes the place of x, which is made anew below.
            let (g, mut to) = (g.part(slot.at.clone()), x.part_mut(slot.at.clone()));
            let mut slope = self.slope.room(&self.s.value.home(), g.len())?;
            let (s, w) = (self.s.value.part(slot.packed.clone()), self.w.value(slot));
            sigmoid_mask_backward(s, w, b, step.strength, g, slope.again(), to.again())?;
            let (optimizer, number) = (&step.optimizer, step.step);
            let s = self.s.part(&slot.packed);
            let health = update_plain(optimizer, number, &none, s, slope.view(), None)?;
            note(&mut updated, health, slot);
            let health = self.w.update(step, slot, to.view(), step.weight_decay)?;
            note(&mut updated, health, slot);
        }
        self.form(step, &mut x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, mut x: ViewMut<'_, T>) -> Result<()> {
        self.w.refresh()?;
        self.form(step, &mut x)
    }

    fn finish(&mut self, step: &Step<'_>, mut x: ViewMut<'_, T>) -> Result<()> {
        self.weights(step, x.again())?;
        let mut keep = Array::<u8>::zeros(&self.s.value.home(), self.s.value.len())?;
        hard_mask(self.s.value.view(), keep.view_mut())?;
        step.weights.iter().try_for_each(|slot| {
            apply_mask(keep.part(slot.packed.clone()), x.part_mut(slot.at.clone()))
        })
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

//! STR (Kusupati et al. 2020): `x = sign(θ)·relu(|θ| − σ(s))` with one s for each layer, learned
//! along with θ. The strength α is the weight decay of θ and of s, which drives s up from its
//! negative start: the threshold grows. θ may itself be m⊙w.

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, ViewMut},
        mask_weight::{
            PlainPenalty,
            map::{soft_threshold, soft_threshold_backward},
            update::update_plain,
        },
    },
};

use super::Latent;
use crate::method::{Method, Number, Slot, Step, Updated, Variable, masked, note};

/// STR.
#[derive(Debug)]
pub struct SoftThreshold<T: Number> {
    start: f64,
    theta: Latent<T>,
    s: Variable<T>,
    /// ∂/∂s of a layer, one number.
    slope: Array<T>,
}

impl<T: Number> SoftThreshold<T> {
    /// With the first s of every layer, θ, and room for a number a layer.
    pub fn new(start: f64, theta: Latent<T>, s: Variable<T>) -> Self {
        Self { start, theta, s, slope: Array::default() }
    }
}

impl<T: Number> SoftThreshold<T> {
    /// x of the θ and s there are.
    fn form(&self, step: &Step<'_>, x: &mut ViewMut<'_, T>) -> Result<()> {
        for (layer, slot) in step.weights.iter().enumerate() {
            let (theta, s) = (self.theta.value(slot), self.s.value.part(layer..layer + 1));
            soft_threshold(theta, s, x.part_mut(slot.at.clone()))?;
            masked(step, slot, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for SoftThreshold<T> {
    fn start(&mut self, weights: &[Slot], mut x: ViewMut<'_, T>) -> Result<()> {
        self.s.value.fill(T::of(self.start))?;
        for (layer, slot) in weights.iter().enumerate() {
            let x = x.part_mut(slot.at.clone());
            self.theta.start(slot, x.view())?;
            let s = self.s.value.part(layer..layer + 1);
            soft_threshold(self.theta.value(slot), s, x)?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        mut g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
        let penalty = PlainPenalty { weight_decay: step.strength, l1: 0.0 };
        let mut updated = None;
        for (layer, slot) in step.weights.iter().enumerate() {
            masked(step, slot, &mut g)?;
            let (s, g) = (self.s.value.part(layer..layer + 1), g.part(slot.at.clone()));
            // The gradient of θ takes the place of x, which is made anew below.
            let mut to = x.part_mut(slot.at.clone());
            let mut slope = self.slope.room(&self.s.value.home(), 1)?;
            let theta = self.theta.value(slot);
            soft_threshold_backward(theta, s, g, to.again(), slope.again())?;
            let health = self.theta.update(step, slot, to.view(), step.strength)?;
            note(&mut updated, health, slot);
            let (optimizer, number) = (&step.optimizer, step.step);
            let s = self.s.part(&(layer..layer + 1));
            let health = update_plain(optimizer, number, &penalty, s, slope.view(), None)?;
            note(&mut updated, health, slot);
        }
        self.form(step, &mut x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, mut x: ViewMut<'_, T>) -> Result<()> {
        self.theta.refresh()?;
        self.form(step, &mut x)
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        let mut all = self.theta.variables("theta");
        all.push(("s", &mut self.s));
        all
    }

    fn resumed(&mut self) -> Result<()> {
        self.theta.refresh()
    }

    fn beside(&self) -> usize {
        self.theta.beside()
    }
}

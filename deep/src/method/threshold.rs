//! STR (Kusupati et al. 2020): `x = sign(θ)·relu(|θ| − σ(s))` with one s for each layer, learned along with θ. The strength
//! α is the weight decay of θ and of s, which drives s up from its negative start: the threshold grows. θ may itself be m⊙w.

use mirrorflow::{
    Result,
    kernels::mask_weight::{PlainPenalty, soft_threshold, soft_threshold_backward, update_plain},
};

use super::{Latent, Method, Number, Place, Step, Updated, Variable, masked, note};

/// STR.
#[derive(Debug)]
pub struct SoftThreshold<T> {
    start: f64,
    theta: Latent<T>,
    s: Variable<T>,
}

impl<T: Number> SoftThreshold<T> {
    /// With the first s of every layer, θ, and room for a number a layer.
    pub fn new(start: f64, theta: Latent<T>, s: Variable<T>) -> Self {
        Self { start, theta, s }
    }
}

impl<T: Number> SoftThreshold<T> {
    /// x of the θ and s there are.
    fn form(&self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        for (layer, place) in step.weights.iter().enumerate() {
            let (theta, s) = (self.theta.value(place), self.s.value[layer].f64());
            soft_threshold(theta, s, &mut x[place.at.clone()])?;
            masked(step, place, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for SoftThreshold<T> {
    fn start(&mut self, weights: &[Place], x: &mut [T]) -> Result<()> {
        self.s.value.fill(T::of(self.start));
        for place in weights {
            let x = &mut x[place.at.clone()];
            self.theta.start(place, x)?;
            soft_threshold(self.theta.value(place), self.start, x)?;
        }
        Ok(())
    }

    fn update(&mut self, step: &Step<'_>, g: &mut [T], x: &mut [T]) -> Result<Updated> {
        let penalty = PlainPenalty { weight_decay: step.strength, l1: 0.0 };
        let mut updated = None;
        for (layer, place) in step.weights.iter().enumerate() {
            masked(step, place, g)?;
            let (s, g) = (self.s.value[layer].f64(), &g[place.at.clone()]);
            // The gradient of θ takes the place of x, which is made anew below.
            let to = &mut x[place.at.clone()];
            let slope = soft_threshold_backward(self.theta.value(place), s, g, to)?;
            note(&mut updated, self.theta.update(step, place, to, step.strength)?, place);
            let (optimizer, number) = (&step.optimizer, step.step);
            let s = self.s.part(&(layer..layer + 1));
            let health = update_plain(optimizer, number, &penalty, s, &[T::of(slope)], None)?;
            note(&mut updated, health, place);
        }
        self.form(step, x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        self.theta.refresh()?;
        self.form(step, x)
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

//! Powerpropagation (Schwarz et al. 2021): `x = θ|θ|^{p−1}`, started at the θ of the initial x; p =
//! 2 is m⊙w with m = |w|. θ may itself be m⊙w; with p = 1 nothing but that (and HAM's step) is
//! left.

use mirrorflow::{
    Error, Result,
    kernels::{
        array::ViewMut,
        mask_weight::map::{power, power_backward},
    },
};

use super::Latent;
use crate::method::{Method, Number, Slot, Step, Updated, Variable, masked, note};

/// Powerpropagation.
#[derive(Debug)]
pub struct Power<T: Number> {
    p: f64,
    theta: Latent<T>,
}

impl<T: Number> Power<T> {
    /// With the power p ≥ 1 and θ.
    ///
    /// # Errors
    /// When p is below 1 or not finite.
    pub fn new(p: f64, theta: Latent<T>) -> Result<Self> {
        if p >= 1.0 && p.is_finite() {
            return Ok(Self { p, theta });
        }
        Err(Error::Domain {
            what: "method.power".into(),
            expected: "a finite number of at least 1".into(),
            found: p.to_string(),
        })
    }

    /// x of the θ there is.
    fn form(&self, step: &Step<'_>, x: &mut ViewMut<'_, T>) -> Result<()> {
        for slot in step.weights {
            power(self.theta.value(slot), self.p, x.part_mut(slot.at.clone()))?;
            masked(step, slot, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for Power<T> {
    fn start(&mut self, weights: &[Slot], mut x: ViewMut<'_, T>) -> Result<()> {
        for slot in weights {
            let mut x = x.part_mut(slot.at.clone());
            // Once in a run, so on the processor wherever the network is.
            let root = |x: T| x.f64().signum() * x.f64().abs().powf(1.0 / self.p);
            let theta: Vec<T> = x.view().to_vec()?.into_iter().map(|x| T::of(root(x))).collect();
            x.again().write(&theta)?;
            self.theta.start(slot, x.view())?;
            power(self.theta.value(slot), self.p, x)?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        mut g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
        let mut updated = None;
        for slot in step.weights {
            masked(step, slot, &mut g)?;
            // The gradient of θ takes the place of x, which is made anew below.
            let mut to = x.part_mut(slot.at.clone());
            power_backward(self.theta.value(slot), self.p, g.part(slot.at.clone()), to.again())?;
            let health = self.theta.update(step, slot, to.view(), step.weight_decay)?;
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
        self.theta.variables("theta")
    }

    fn resumed(&mut self) -> Result<()> {
        self.theta.refresh()
    }

    fn beside(&self) -> usize {
        self.theta.beside()
    }
}

//! Powerpropagation (Schwarz et al. 2021): `x = θ|θ|^{p−1}`, started at the θ of the initial x; p = 2 is m⊙w with m = |w|.
//! θ may itself be m⊙w; with p = 1 nothing but that (and HAM's step) is left.

use mirrorflow::{
    Error, Result,
    kernels::mask_weight::{power, power_backward},
};

use super::{Latent, Method, Number, Place, Step, Updated, Variable, masked, note};

/// Powerpropagation.
#[derive(Debug)]
pub struct Power<T> {
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
    fn form(&self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        for place in step.weights {
            power(self.theta.value(place), self.p, &mut x[place.at.clone()])?;
            masked(step, place, x)?;
        }
        Ok(())
    }
}

impl<T: Number> Method<T> for Power<T> {
    fn start(&mut self, weights: &[Place], x: &mut [T]) -> Result<()> {
        for place in weights {
            let x = &mut x[place.at.clone()];
            for x in x.iter_mut() {
                let value = x.f64();
                *x = T::of(value.signum() * value.abs().powf(1.0 / self.p));
            }
            self.theta.start(place, x)?;
            power(self.theta.value(place), self.p, x)?;
        }
        Ok(())
    }

    fn update(&mut self, step: &Step<'_>, g: &mut [T], x: &mut [T]) -> Result<Updated> {
        let mut updated = None;
        for place in step.weights {
            masked(step, place, g)?;
            // The gradient of θ takes the place of x, which is made anew below.
            let to = &mut x[place.at.clone()];
            power_backward(self.theta.value(place), self.p, &g[place.at.clone()], to)?;
            note(&mut updated, self.theta.update(step, place, to, step.weight_decay)?, place);
        }
        self.form(step, x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        self.theta.refresh()?;
        self.form(step, x)
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

//! Powerpropagation (Schwarz et al. 2021): `x = θ|θ|^{p−1}`, started at the θ of the initial x; p = 2 is m⊙w with m = |w|.

use mirrorflow::{
    Error, Result,
    kernels::mask_weight::{power, power_backward, update_plain},
};

use super::{Method, Number, Place, Step, Updated, Variable, masked, note};

/// Powerpropagation.
#[derive(Debug)]
pub struct Power<T> {
    p: f64,
    theta: Variable<T>,
}

impl<T: Number> Power<T> {
    /// With the power p ≥ 1 and room for all weights.
    ///
    /// # Errors
    /// When p is below 1 or not finite.
    pub fn new(p: f64, theta: Variable<T>) -> Result<Self> {
        if p >= 1.0 && p.is_finite() {
            return Ok(Self { p, theta });
        }
        Err(Error::Domain {
            what: "method.power".into(),
            expected: "a finite number of at least 1".into(),
            found: p.to_string(),
        })
    }
}

impl<T: Number> Method<T> for Power<T> {
    fn start(&mut self, weights: &[Place], x: &mut [T]) -> Result<()> {
        for place in weights {
            let x = &mut x[place.at.clone()];
            let theta = &mut self.theta.value[place.packed.clone()];
            for (theta, x) in theta.iter_mut().zip(&*x) {
                let x = x.f64();
                *theta = T::of(x.signum() * x.abs().powf(1.0 / self.p));
            }
            power(theta, self.p, x)?;
        }
        Ok(())
    }

    fn update(&mut self, step: &Step<'_>, g: &mut [T], x: &mut [T]) -> Result<Updated> {
        let mut updated = None;
        for place in step.weights {
            masked(step, place, g)?;
            // The gradient of θ takes the place of x, which is made anew below.
            let to = &mut x[place.at.clone()];
            power_backward(
                &self.theta.value[place.packed.clone()],
                self.p,
                &g[place.at.clone()],
                to,
            )?;
            let (penalty, theta) = (step.plain(0.0), self.theta.part(&place.packed));
            let health =
                update_plain(&step.optimizer, step.step, &penalty, theta, to, step.keep(place))?;
            note(&mut updated, health, place);
        }
        self.weights(step, x)?;
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        for place in step.weights {
            power(&self.theta.value[place.packed.clone()], self.p, &mut x[place.at.clone()])?;
            masked(step, place, x)?;
        }
        Ok(())
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        vec![("theta", &mut self.theta)]
    }
}

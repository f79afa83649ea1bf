//! The method of a configuration for a network: what is trained, and the strengths over the epochs.

use mirrorflow::{Error, Result, kernels::array::Home};
use rayon::prelude::*;

use super::Setup;
use crate::{
    config::{self, Settings, domain},
    method::{
        Continuous, Factors, HamMethod, Kind, Latent, Method, Multiplicative, Plain, Power, Shape,
        SoftThreshold, State, Strength, Variable,
    },
};

/// The first α of HAM, in parts of the gradient's factor a: it shrinks what has a gradient below
/// α/a.
const HAM: f64 = 0.05;
/// τ of the first strength of a target sparsity ([`crate::method::Control`]), but of some methods.
const FIRST: f64 = 0.4;

/// The first α of a method that is to end at a sparsity, where Σ η/(1 − μ) over all steps is
/// `steps`.
fn first(method: &config::Method, steps: f64) -> f64 {
    match method {
        config::Method::Ham { gradient, .. } => HAM * gradient,
        config::Method::L1 { .. } => 0.1 / steps,
        config::Method::L1Mask { .. } => 0.8 / steps,
        config::Method::Str { .. } => 1.5 / steps,
        config::Method::Continuous { .. } => 0.025 / steps,
        _ => FIRST / steps,
    }
}

/// The strengths of the method's own penalty and of m and w beside it, in epochs of so many steps.
pub(super) fn strengths(c: &Settings, steps: usize) -> Result<(Strength, Strength)> {
    let epochs = c.train.epochs;
    let sum = |k: u64| (0..steps).map(|s| c.rate.at(k as f64 + s as f64 / steps as f64)).sum();
    let rates: Vec<f64> = (0..epochs).into_par_iter().map(sum).collect();
    let none = || Strength::new(0.0, Shape::Constant, epochs);
    let all = rates.iter().sum::<f64>();
    let steps = all / c.optimizer.fresh();
    let own = match c.method.penalty() {
        None => none()?,
        Some(penalty) => {
            let first = first(&c.method, steps);
            let own = penalty.strength(&rates, first)?;
            // These show within a run too late what their strength does (`train/search.rs`).
            let unseen =
                matches!(c.method, config::Method::Continuous { .. } | config::Method::Ham { .. });
            match penalty {
                config::Penalty::Target { first: given, .. } if unseen => {
                    own.with_total(given.unwrap_or(first) * all, Shape::Constant)?
                }
                _ => own,
            }
        }
    };
    let factors = match &c.factors {
        Some(f) => f.penalty.strength(&rates, FIRST / steps)?,
        None => none()?,
    };
    Ok((own, factors))
}

/// Weights kept at a sparsity.
pub(crate) fn kept(weights: usize, sparsity: f64) -> usize {
    ((1.0 - sparsity) * weights as f64).round() as usize
}

/// Whether the wanted sparsity can be had at all.
pub(super) fn check_target(setup: &Setup) -> Result<()> {
    let Some(target) = setup.strength.target().or(setup.factors.target()) else { return Ok(()) };
    let (weights, layers) = (setup.network.weight_count(), setup.weights.len());
    let kept = kept(weights, target);
    if kept < layers || kept == weights {
        // Fewer weights than layers: no path is left from the image to the classes.
        let (most, least) = (1.0 - layers as f64 / weights as f64, 1.0 / weights as f64);
        let right = format!(
            "from {least:.2e} to {most:.6}: of {weights} weights at least one for each of {layers} layers"
        );
        return Err(domain("method.target", &right, &target.to_string()));
    }
    Ok(())
}

impl Setup {
    /// The same with a total in place of feedback for the strength that a target sparsity hangs on,
    /// under the method's own schedule.
    pub(crate) fn with_total(&self, total: f64) -> Result<Self> {
        let mut new = self.clone();
        match (&self.config.factors, self.config.method.penalty()) {
            (Some(f), _) if self.factors.target().is_some() => {
                new.factors = self.factors.with_total(total, f.penalty.shape())?;
            }
            (_, Some(penalty)) => {
                new.strength = self.strength.with_total(total, penalty.shape())?;
            }
            (_, None) => {}
        }
        Ok(new)
    }

    /// The method with room for this network's weights.
    ///
    /// # Errors
    /// When one of its numbers is out of range.
    pub(crate) fn method(&self) -> Result<Box<dyn Method<f32>>> {
        self.method_of(&self.device, self.network.weight_count())
    }

    /// The same with room for so many weights.
    pub(super) fn method_of(&self, device: &Home, len: usize) -> Result<Box<dyn Method<f32>>> {
        let optimizer = self.optimizer(0.0);
        let variable = |len| Variable::at(device, len, &optimizer);
        let state = || State::at(device, len, &optimizer);
        // PILoT under the method.
        let under = self.config.factors.as_ref().map(|f| f.beta);
        let factors = |kind, beta: f64| {
            let beta = under.unwrap_or(beta);
            let factors = Factors::new(kind, beta, variable(len)?, variable(len)?);
            Ok::<Box<dyn Method<f32>>, Error>(Box::new(factors))
        };
        let latent = |ham: Option<Multiplicative>| {
            Ok::<_, Error>(match under {
                Some(beta) => Latent::factors(beta, variable(len)?, variable(len)?, ham),
                None => Latent::plain(variable(len)?, ham),
            })
        };
        Ok(match &self.config.method {
            config::Method::Dense => Box::new(Plain::new(false, state()?)),
            config::Method::L1 { .. } => match under {
                Some(beta) => factors(Kind::ProductL1, beta)?,
                None => Box::new(Plain::new(true, state()?)),
            },
            config::Method::L1Mask { beta, .. } => factors(Kind::MaskL1, *beta)?,
            config::Method::Spred { beta, .. } | config::Method::Pilot { beta, .. } => {
                factors(Kind::Decay, *beta)?
            }
            config::Method::SignIn { beta } => factors(Kind::Rescaled, *beta)?,
            config::Method::Str { start, ham, .. } => {
                let s = variable(self.weights.len())?;
                Box::new(SoftThreshold::new(*start, latent(*ham)?, s))
            }
            config::Method::Powerprop { power, ham } => {
                Box::new(Power::new(*power, latent(*ham)?)?)
            }
            config::Method::Continuous { start, last, ham, .. } => {
                Box::new(Continuous::new(*start, *last, variable(len)?, latent(*ham)?))
            }
            config::Method::Ham { gradient, .. } => match under {
                // x = θ, and HAM's step on what θ is made of.
                Some(_) => {
                    let ham = Multiplicative { gradient: *gradient, decay: None };
                    Box::new(Power::new(1.0, latent(Some(ham))?)?)
                }
                None => Box::new(HamMethod::new(*gradient, state()?)),
            },
        })
    }
}

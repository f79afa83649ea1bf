//! `x = m⊙w`: L1 on m, spred, PILoT and Sign-In.
//!
//! Started at `m₀⊙w₀ = x₀`, `m₀² − w₀² = β`. With `α(‖m‖²+‖w‖²)` beside the loss the flow of x is the mirror flow of the
//! hyperbolic entropy with `a = (β/2)e^{−4∫α}`: from L2 to L1 as α accumulates (PILoT; β = 0 is spred, where L1 alone
//! acts and no sign can change). Sign-In sets `m² − w² = β` anew after every epoch and has no penalty. L1 on m, L1 on x and
//! Sign-In may have PILoT's decay beside them.

use mirrorflow::{
    Result,
    kernels::mask_weight::{self, FactorPenalty, factor_start, rescale, update_factors},
};

use super::{Method, Number, Place, Step, Updated, Variable, masked, note};

/// What the strength α multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `‖m‖² + ‖w‖²`.
    Decay,
    /// `‖m‖₁`.
    MaskL1,
    /// `‖m⊙w‖₁`.
    ProductL1,
    /// Nothing: m and w are rescaled after every epoch.
    Rescaled,
}

/// m and w.
#[derive(Debug)]
pub struct Factors<T> {
    kind: Kind,
    beta: f64,
    m: Variable<T>,
    w: Variable<T>,
}

impl<T: Number> Factors<T> {
    /// With room for all weights in m and in w.
    pub fn new(kind: Kind, beta: f64, m: Variable<T>, w: Variable<T>) -> Self {
        Self { kind, beta, m, w }
    }
}

impl<T: Number> Method<T> for Factors<T> {
    fn start(&mut self, weights: &[Place], x: &mut [T]) -> Result<()> {
        for place in weights {
            let m = &mut self.m.value[place.packed.clone()];
            let w = &mut self.w.value[place.packed.clone()];
            factor_start(&x[place.at.clone()], self.beta, m, w)?;
            mask_weight::product(m, w, &mut x[place.at.clone()])?;
        }
        Ok(())
    }

    fn update(&mut self, step: &Step<'_>, g: &mut [T], x: &mut [T]) -> Result<Updated> {
        // Beside another penalty, the decay of m and w has a strength of its own.
        let mut penalty =
            FactorPenalty { factors: step.factor_strength, ..FactorPenalty::default() };
        match self.kind {
            Kind::Decay => penalty.factors = step.strength,
            Kind::MaskL1 => penalty.mask_l1 = step.strength,
            Kind::ProductL1 => penalty.l1 = step.strength,
            Kind::Rescaled => {}
        }
        let mut updated = None;
        for place in step.weights {
            let (m, w) = (self.m.part(&place.packed), self.w.part(&place.packed));
            let (g, x) = (&g[place.at.clone()], &mut x[place.at.clone()]);
            let keep = step.keep(place);
            let health = update_factors(&step.optimizer, step.step, &penalty, m, w, g, keep, x)?;
            note(&mut updated, health, place);
        }
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        for place in step.weights {
            let (m, w) = (&self.m.value[place.packed.clone()], &self.w.value[place.packed.clone()]);
            mask_weight::product(m, w, &mut x[place.at.clone()])?;
            masked(step, place, x)?;
        }
        Ok(())
    }

    fn end_of_epoch(&mut self, step: &Step<'_>, x: &mut [T]) -> Result<()> {
        if self.kind == Kind::Rescaled {
            rescale(self.beta, &mut self.m.value, &mut self.w.value)?;
            self.weights(step, x)?;
        }
        Ok(())
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        vec![("m", &mut self.m), ("w", &mut self.w)]
    }
}

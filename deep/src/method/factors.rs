//! `x = m⊙w`: L1 on m, spred, PILoT and Sign-In.
//!
//! Started at `m₀⊙w₀ = x₀`, `m₀² − w₀² = β`. With `α(‖m‖²+‖w‖²)` beside the loss the flow of x is
//! the mirror flow of the hyperbolic entropy with `a = (β/2)e^{−4∫α}`: from L2 to L1 as α
//! accumulates (PILoT; β = 0 is spred, where L1 alone acts and no sign can change). Sign-In sets
//! `m² − w² = β` anew after every epoch and has no penalty. L1 on m, L1 on x and Sign-In may have
//! PILoT's decay beside them.

use mirrorflow::{
    Result,
    kernels::{
        array::ViewMut,
        mask_weight::{
            FactorPenalty,
            factors::{self, factor_start, rescale},
            update::update_factors,
        },
    },
};

use super::{Method, Number, Slot, Step, Updated, Variable, masked, note};

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
pub struct Factors<T: Number> {
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
    fn start(&mut self, weights: &[Slot], mut x: ViewMut<'_, T>) -> Result<()> {
        for slot in weights {
            let at = slot.packed.clone();
            let (m, w) = (self.m.value.part_mut(at.clone()), self.w.value.part_mut(at.clone()));
            factor_start(x.part(slot.at.clone()), self.beta, m, w)?;
            let (m, w) = (self.m.value.part(at.clone()), self.w.value.part(at));
            factors::product(m, w, x.part_mut(slot.at.clone()))?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
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
        for slot in step.weights {
            let (m, w) = (self.m.part(&slot.packed), self.w.part(&slot.packed));
            let (g, x) = (g.part(slot.at.clone()), x.part_mut(slot.at.clone()));
            let keep = step.keep(slot);
            let health = update_factors(&step.optimizer, step.step, &penalty, m, w, g, keep, x)?;
            note(&mut updated, health, slot);
        }
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, mut x: ViewMut<'_, T>) -> Result<()> {
        for slot in step.weights {
            let at = slot.packed.clone();
            let (m, w) = (self.m.value.part(at.clone()), self.w.value.part(at));
            factors::product(m, w, x.part_mut(slot.at.clone()))?;
            masked(step, slot, &mut x)?;
        }
        Ok(())
    }

    fn end_of_epoch(&mut self, step: &Step<'_>, x: ViewMut<'_, T>) -> Result<()> {
        if self.kind == Kind::Rescaled {
            rescale(self.beta, self.m.value.view_mut(), self.w.value.view_mut())?;
            self.weights(step, x)?;
        }
        Ok(())
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        vec![("m", &mut self.m), ("w", &mut self.w)]
    }
}

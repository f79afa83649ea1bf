//! HAM (Jacobs et al. 2026): after each step of the optimiser `x ← x·e^{η(−a sign(x)∇f − α)}`, the
//! exponent cut at ±5: a multiplicative step, which shrinks weights that the loss does not hold.

use mirrorflow::{
    Result,
    kernels::{
        array::ViewMut,
        mask_weight::{Ham, factors::apply_mask, update::ham_step},
    },
};

use super::{Method, Number, Plain, Slot, State, Step, Updated, Variable};

/// HAM: `a` is the factor of the gradient (200 in the paper), the strength α the decay (1e-3).
#[derive(Debug)]
pub struct HamMethod<T: Number> {
    plain: Plain<T>,
    a: f64,
}

impl<T: Number> HamMethod<T> {
    /// With `state` for all weights.
    pub fn new(a: f64, state: State<T>) -> Self {
        Self { plain: Plain::new(false, state), a }
    }
}

impl<T: Number> Method<T> for HamMethod<T> {
    fn start(&mut self, weights: &[Slot], x: ViewMut<'_, T>) -> Result<()> {
        self.plain.start(weights, x)
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        mut g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
        let updated = self.plain.update(step, g.again(), x.again())?;
        let ham = Ham { rate: step.rate(), alpha: self.a, beta: step.strength };
        for slot in step.weights {
            let mut g = g.part_mut(slot.at.clone());
            // A pruned weight stays 0 whatever its gradient.
            step.keep(slot).map_or(Ok(()), |keep| apply_mask(keep, g.again()))?;
            ham_step(&ham, g.view(), x.part_mut(slot.at.clone()))?;
        }
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, x: ViewMut<'_, T>) -> Result<()> {
        self.plain.weights(step, x)
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        Vec::new()
    }

    fn states(&mut self) -> Vec<(&'static str, &mut State<T>)> {
        self.plain.states()
    }
}

//! The weights themselves, `f(x) + ½λ₂‖x‖² + α‖x‖₁`: dense training (α = 0) and L1 (the subgradient
//! of least norm at 0).

use mirrorflow::{
    Result,
    kernels::{array::ViewMut, mask_weight::update},
};

use super::{Method, Number, Slot, State, Step, Updated, Variable, masked, note};

/// Dense training, or with L1 on x.
#[derive(Debug)]
pub struct Plain<T: Number> {
    l1: bool,
    state: State<T>,
}

impl<T: Number> Plain<T> {
    /// With `state` for all weights; `l1` takes the strength as the factor of ‖x‖₁.
    pub fn new(l1: bool, state: State<T>) -> Self {
        Self { l1, state }
    }
}

impl<T: Number> Method<T> for Plain<T> {
    fn start(&mut self, _: &[Slot], _: ViewMut<'_, T>) -> Result<()> {
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step<'_>,
        g: ViewMut<'_, T>,
        mut x: ViewMut<'_, T>,
    ) -> Result<Updated> {
        let penalty = step.plain(if self.l1 { step.strength } else { 0.0 });
        let mut updated = None;
        for slot in step.weights {
            let value = x.part_mut(slot.at.clone());
            let x = update::Parameter { value, state: self.state.part(&slot.packed) };
            let (keep, g) = (step.keep(slot), g.part(slot.at.clone()));
            let health = update::update_plain(&step.optimizer, step.step, &penalty, x, g, keep)?;
            note(&mut updated, health, slot);
        }
        Ok(updated)
    }

    fn weights(&mut self, step: &Step<'_>, mut x: ViewMut<'_, T>) -> Result<()> {
        step.weights.iter().try_for_each(|slot| masked(step, slot, &mut x))
    }

    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)> {
        Vec::new()
    }

    fn states(&mut self) -> Vec<(&'static str, &mut State<T>)> {
        vec![("x", &mut self.state)]
    }
}

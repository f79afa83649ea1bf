//! Exact pruning: to a count of weights, to a sparsity that was wanted, and from cycle to cycle
//! with rewinding.

use mirrorflow::{
    Result,
    kernels::{
        array::Array,
        mask_weight::{
            count::{keep_largest, measure},
            factors::apply_mask,
        },
    },
};

use super::{Trainer, l1, nest::nest, step_after};
use crate::{method::CUT, setup};

impl Trainer<'_> {
    /// A mask of exactly `count` weights, the largest of all layers together, and x with the others
    /// 0.
    pub(in crate::train) fn pruned(&self, count: usize) -> Result<(Array<u8>, Array<f32>)> {
        let mut keep = Array::zeros(&self.setup.device, self.before.len())?;
        let layers = self.weights();
        let (mut masks, mut rest) = (Vec::new(), keep.view_mut());
        for layer in &layers {
            let (mask, after) = rest.split_at(layer.len());
            masks.push(mask);
            rest = after;
        }
        keep_largest(&layers, count, masks)?;
        let mut x = self.x.try_clone()?;
        for slot in &self.setup.weights {
            apply_mask(keep.part(slot.packed.clone()), x.part_mut(slot.at.clone()))?;
        }
        Ok((keep, x))
    }

    /// Prunes to the exact count of a sparsity that was wanted and reached.
    pub(in crate::train) fn settle(&mut self) -> Result<()> {
        if let Some(kept) = self.wanted()
            && let Some(x) = self.settled(kept)?.1
        {
            self.x = x;
        }
        Ok(())
    }

    /// Where a sparsity was wanted and is not there: it, and the part of ‖x‖₁ that pruning to it
    /// would take.
    pub(in crate::train) fn missed(&self) -> Result<Option<(f64, f64)>> {
        let Some(kept) = self.wanted() else { return Ok(None) };
        let (lost, reached) = self.settled(kept)?;
        let target = 1.0 - kept as f64 / self.before.len() as f64;
        Ok(reached.is_none().then_some((target, lost)))
    }

    /// Weights to keep for the sparsity that is wanted.
    fn wanted(&self) -> Option<usize> {
        let target = self.strength.target().or(self.factors.target())?;
        Some(setup::kept(self.before.len(), target))
    }

    /// The part of ‖x‖₁ beyond the `kept` largest weights, and x without it where that counts as
    /// reached.
    fn settled(&self, kept: usize) -> Result<(f64, Option<Array<f32>>)> {
        let (_, x) = self.pruned(kept)?;
        let left: Vec<_> = self.setup.weights.iter().map(|p| x.part(p.at.clone())).collect();
        let mut nonzeros = 0;
        for weights in self.weights() {
            nonzeros += measure(weights)?.nonzeros;
        }
        let lost = 1.0 - l1(&left)? / l1(&self.weights())?.max(f64::MIN_POSITIVE);
        // Fewer than nine tenths of what was asked for is something else, and so is a cut into what
        // counts.
        let reached = lost <= CUT && 10 * nonzeros >= 9 * kept;
        Ok((lost, reached.then_some(x)))
    }

    /// Everything IMP goes back to, when it is time to remember it.
    pub(super) fn snapshot(&mut self) -> Result<()> {
        let wanted = self.setup.config.prune.rewind_epoch();
        if self.cycle > 0 || wanted != Some(self.epoch) {
            return Ok(());
        }
        let mut all = vec![self.x.to_vec()?];
        for (_, statistic) in self.model.statistics() {
            all.push(statistic.to_vec()?);
        }
        for (_, variable) in self.method.variables() {
            all.push(variable.value.to_vec()?);
        }
        self.rewind = Some(all);
        Ok(())
    }

    /// Prunes to the next density and rewinds, for another cycle.
    pub(in crate::train) fn next_cycle(&mut self) -> Result<()> {
        self.cycle += 1;
        self.epoch = 0;
        if self.is_over() {
            return Ok(());
        }
        let prune = &self.setup.config.prune;
        let weights = self.setup.network.weight_count() as f64;
        let count = (weights * prune.keep.powi(self.cycle as i32)).round() as usize;
        let mut keep = self.pruned(count)?.0;
        if let Some(before) = &self.keep {
            let mut now = keep.to_vec()?;
            nest(&before.to_vec()?, &mut now);
            keep.view_mut().write(&now)?;
        }
        self.keep = Some(keep);
        if let Some(all) = &self.rewind {
            let mut from = all.iter();
            let mut back =
                |to: &mut Array<f32>| from.next().map_or(Ok(()), |from| to.view_mut().write(from));
            back(&mut self.x)?;
            self.model.statistics_mut().try_for_each(|(_, s)| back(s))?;
            self.method.variables().into_iter().try_for_each(|(_, v)| back(&mut v.value))?;
            self.epoch = prune.rewind_epoch().unwrap_or(0);
        }
        self.rest.reset()?;
        self.method.states().into_iter().try_for_each(|(_, s)| s.reset())?;
        self.method.variables().into_iter().try_for_each(|(_, v)| v.state.reset())?;
        self.step = 0;
        self.restart_strengths()?;
        let step = step_after(self.setup, self.keep.as_ref(), self.epoch)?;
        self.method.weights(&step, self.x.view_mut())
    }
}

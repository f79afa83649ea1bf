//! The state of a run and what moves it: epochs, evaluation, pruning, rewinding.

mod nest;
mod pruning;

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Home, View},
        mask_weight::count::{measure, sign_flips},
        network::{loss::Totals, pointwise},
    },
};

use super::{Setup, checkpoint::weights};
use crate::{
    config::{Method, Optimizer},
    data::{Dataset, Loader},
    engine::{Mode, Model},
    method::{self, Report, Slot, State, Step, Strength, droppable, update_rest},
};

/// Loss and accuracy over a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    pub(super) loss: f64,
    pub(super) accuracy: f64,
}

/// How an epoch ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Epoch {
    Done(Score),
    /// A number was no longer finite: in this array of parameters, or in the loss.
    Diverged(String),
}

/// One line of `layers.csv`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LayerLine {
    pub(super) name: String,
    pub(super) weights: usize,
    pub(super) nonzeros: usize,
    pub(super) l1: f64,
    /// Weights whose sign changed during the epoch.
    pub(super) flips: usize,
}

#[derive(Debug)]
pub(super) struct Trainer<'a> {
    pub(super) setup: &'a Setup,
    pub(super) model: Model<f32>,
    /// The network's parameters.
    pub(super) x: Array<f32>,
    gradient: Array<f32>,
    /// Loss and hits of the epoch, or of an evaluation.
    totals: Totals,
    /// State of the optimiser of biases and batch norm.
    pub(super) rest: State<f32>,
    pub(super) method: Box<dyn method::Method<f32>>,
    pub(super) strength: Strength,
    /// Of m and w beside the method's own penalty.
    factors: Strength,
    /// Weights not pruned.
    pub(super) keep: Option<Array<u8>>,
    /// Cycle, epoch in it and step since the state of the optimiser was 0.
    pub(super) cycle: u64,
    pub(super) epoch: u64,
    pub(super) step: u64,
    /// What IMP goes back to: x, running statistics, variables.
    pub(super) rewind: Option<Vec<Vec<f32>>>,
    /// Packed weights at the beginning of the epoch.
    before: Array<f32>,
    /// Where it runs, and where it ran before it was resumed.
    pub(super) device: String,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(setup: &'a Setup) -> Result<Self> {
        setup.check_room(setup.config.train.batch)?;
        let optimizer = setup.optimizer(0.0);
        let rest = setup.network.parameter_count() - setup.network.weight_count();
        let device = &setup.device;
        let mut model = Model::at(device, &setup.network, setup.config.train.batch)?;
        let mut x = setup.initial();
        if let Some(path) = &setup.config.network.weights {
            let file = weights::File::read(path, "")?;
            weights::load(path, &file, &setup.network, &mut model, &mut x)?;
        }
        let mut trainer = Self {
            setup,
            model,
            x: match device {
                Home::Processor => x.into(),
                Home::Machine(_) => Array::from_slice(device, &x)?,
            },
            gradient: Array::zeros(device, setup.network.parameter_count())?,
            totals: Totals::new(device)?,
            rest: State::at(device, rest, &optimizer)?,
            method: setup.method()?,
            strength: setup.strength.clone(),
            factors: setup.factors.clone(),
            keep: None,
            cycle: 0,
            epoch: 0,
            step: 0,
            rewind: None,
            before: Array::zeros(device, setup.network.weight_count())?,
            device: device.to_string(),
        };
        trainer.method.start(&setup.weights, trainer.x.view_mut())?;
        if let Home::Machine(on) = device {
            // What another run on it left.
            on.all_finite()?;
        }
        Ok(trainer)
    }

    /// Cycles and epochs are all done.
    pub(super) fn is_over(&self) -> bool {
        self.cycle >= self.setup.config.prune.cycles()
    }

    fn at(&self, step: usize) -> f64 {
        self.epoch as f64 + step as f64 / self.setup.steps as f64
    }

    /// α of this epoch.
    pub(super) fn alpha(&self) -> f64 {
        self.strength.alpha(self.epoch)
    }

    /// The learning rate at the beginning of this epoch.
    pub(super) fn rate(&self) -> f64 {
        self.setup.config.rate.at(self.at(0))
    }

    /// Trains for one epoch; `tick` after every step.
    pub(super) fn epoch(&mut self, tick: &mut dyn FnMut(usize)) -> Result<Epoch> {
        self.part_of_epoch(self.setup.steps, tick)
    }

    /// So many steps, of as many first epochs as that takes, to see how long they take.
    pub(super) fn some_steps(&mut self, steps: usize) -> Result<()> {
        let mut left = steps;
        while left > 0 {
            self.epoch = 0;
            self.restart_strengths()?;
            let mut done = 0;
            self.part_of_epoch(left.min(self.setup.steps), &mut |number| done = number)?;
            // A network that diverges at once has nothing to time.
            if done == 0 {
                break;
            }
            left -= done.min(left);
        }
        Ok(())
    }

    fn part_of_epoch(&mut self, steps: usize, tick: &mut dyn FnMut(usize)) -> Result<Epoch> {
        self.snapshot()?;
        let setup = self.setup;
        for slot in &setup.weights {
            let before = self.before.part_mut(slot.packed.clone());
            pointwise::copy(self.x.part(slot.at.clone()), before)?;
        }
        let (c, strength) = (&setup.config, self.alpha());
        let factor_strength = self.factors.alpha(self.epoch);
        // Cycles see batches of their own.
        let number = self.cycle * c.train.epochs + self.epoch;
        let loader = Loader::train(&setup.train, c.train.batch, c.data.augment, c.seed, number);
        self.totals.reset()?;
        for number in 0..steps {
            let Some(batch) = loader.next()? else { break };
            self.model.forward(&batch.x, &self.x, Mode::Train)?;
            let (g, totals) = (&mut self.gradient, &mut self.totals);
            self.model.add_backward(&batch.labels, &self.x, g, totals)?;
            loader.recycle(batch);
            // A device is asked once in a while, and at the end.
            if (self.totals.is_at_hand() || number % LOOK == LOOK - 1)
                && let Some(place) = self.not_finite()?
            {
                return Ok(Epoch::Diverged(place));
            }
            self.step += 1;
            let t = self.at(number);
            let step = Step {
                optimizer: setup.optimizer(t),
                step: self.step,
                weight_decay: c.weight_decay,
                strength,
                factor_strength,
                progress: t / c.train.epochs as f64,
                weights: &setup.weights,
                keep: self.keep.as_ref().map(Array::view),
            };
            let (g, mut x) = (self.gradient.view_mut(), self.x.view_mut());
            let rest = update_rest(&step, &setup.rest, &mut self.rest, g.view(), x.again())?;
            if let Some(layer) = self.method.update(&step, g, x)?.or(rest) {
                return Ok(Epoch::Diverged(layer));
            }
            tick(number + 1);
        }
        if let Some(place) = self.not_finite()? {
            return Ok(Epoch::Diverged(place));
        }
        let (method, x) = (&mut self.method, self.x.view_mut());
        method.end_of_epoch(&step_after(setup, self.keep.as_ref(), self.epoch + 1)?, x)?;
        let score = Score::of(&self.totals)?;
        let l1 = l1(&self.weights())?;
        // Sorting all weights is only for who asks.
        let sparsity = if self.strength.is_controlled() || self.factors.is_controlled() {
            let weights = self.weights().iter().map(View::to_vec).collect::<Result<Vec<_>>>()?;
            droppable(&weights.iter().map(Vec::as_slice).collect::<Vec<_>>(), self.jitter(strength))
        } else {
            0.0
        };
        self.report(Report { accuracy: score.accuracy, l1, sparsity })?;
        self.epoch += 1;
        Ok(Epoch::Done(score))
    }

    /// How far from 0 steps of L1 on x take a weight that belongs there: `ηα/(1 − momentum)` under
    /// SGD.
    fn jitter(&self, alpha: f64) -> f32 {
        let c = &self.setup.config;
        let (Method::L1 { .. }, None, Optimizer::Sgd { momentum, .. }) =
            (&c.method, &c.factors, c.optimizer)
        else {
            return 0.0;
        };
        (self.setup.config.rate.at(self.at(self.setup.steps)) * alpha / (1.0 - momentum)) as f32
    }

    /// Where a number is not finite, as far as it is known: the loss, and on a device (which does
    /// not say so step by step) the parameters.
    fn not_finite(&self) -> Result<Option<String>> {
        if let Home::Machine(on) = &self.setup.device
            && !on.all_finite()?
        {
            let x = self.x.to_vec()?;
            let slots = self.setup.weights.iter().chain(&self.setup.rest);
            let bad = |p: &&Slot| x[p.at.clone()].iter().any(|x| !x.is_finite());
            let name = { slots }.find(bad).map(|p| p.name.clone());
            return Ok(Some(name.unwrap_or_else(|| "the variables of the method".into())));
        }
        let finite = self.totals.read()?.loss.is_finite();
        Ok((!finite).then(|| "the loss".into()))
    }

    /// The weights of every layer.
    fn weights(&self) -> Vec<View<'_, f32>> {
        self.setup.weights.iter().map(|p| self.x.part(p.at.clone())).collect()
    }

    /// Tells the strengths how an epoch went.
    pub(super) fn report(&mut self, report: Report) -> Result<()> {
        self.strength.report(report)?;
        self.factors.report(report)
    }

    /// The strengths at the beginning of a cycle.
    pub(super) fn restart_strengths(&mut self) -> Result<()> {
        let rewound = self.setup.config.prune.rewind_epoch().filter(|_| self.cycle > 0);
        let first = rewound.unwrap_or(0);
        self.strength.restart(first)?;
        self.factors.restart(first)
    }

    /// Σ αη so far in this cycle: of the method's penalty and of m and w beside it.
    pub(super) fn spent(&self) -> [f64; 2] {
        [self.strength.spent(), self.factors.spent()]
    }

    /// Norms, zeros and sign flips of every layer of weights.
    pub(super) fn layers(&self) -> Result<Vec<LayerLine>> {
        let line = |slot: &Slot| {
            let x = self.x.part(slot.at.clone());
            let found = measure(x)?;
            let flips = sign_flips(self.before.part(slot.packed.clone()), x)?;
            let (weights, nonzeros, l1) = (x.len(), found.nonzeros, found.l1);
            Ok(LayerLine { name: slot.name.clone(), weights, nonzeros, l1, flips })
        };
        self.setup.weights.iter().map(line).collect()
    }

    /// Loss and accuracy of the parameters `x` over a set.
    pub(super) fn evaluate(
        &mut self,
        data: &std::sync::Arc<Dataset>,
        x: Option<&Array<f32>>,
    ) -> Result<Score> {
        let loader = Loader::evaluate(data, self.setup.config.train.batch);
        self.totals.reset()?;
        while let Some(batch) = loader.next()? {
            self.model.forward(&batch.x, x.unwrap_or(&self.x), Mode::Evaluate)?;
            self.model.add_scores(&batch.labels, &mut self.totals)?;
            loader.recycle(batch);
        }
        Score::of(&self.totals)
    }

    /// What the method leaves, at the end of a cycle.
    pub(super) fn finish(&mut self) -> Result<()> {
        let step = step_after(self.setup, self.keep.as_ref(), self.epoch)?;
        self.method.finish(&step, self.x.view_mut())
    }
}

/// Steps between two looks at a device.
const LOOK: usize = 64;

/// ‖x‖₁ over all layers.
fn l1(layers: &[View<'_, f32>]) -> Result<f64> {
    layers.iter().try_fold(0.0, |sum, x| Ok(sum + measure(*x)?.l1))
}

impl Score {
    fn of(totals: &Totals) -> Result<Self> {
        let found = totals.read()?;
        let accuracy = found.correct as f64 / found.rows.max(1) as f64;
        Ok(Self { loss: found.loss, accuracy })
    }
}

/// A step that moves nothing, at the beginning of an epoch.
pub(super) fn step_after<'a>(
    setup: &'a Setup,
    keep: Option<&'a Array<u8>>,
    epoch: u64,
) -> Result<Step<'a>> {
    let epochs = setup.config.train.epochs as f64;
    Ok(Step {
        optimizer: setup.optimizer(epoch as f64),
        step: 1,
        weight_decay: 0.0,
        strength: 0.0,
        factor_strength: 0.0,
        progress: epoch as f64 / epochs,
        weights: &setup.weights,
        keep: keep.map(Array::view),
    })
}

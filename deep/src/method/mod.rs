//! The methods: how the network's weights x hang on what is trained, and what is added to the loss.
//!
//! | method | weights | beside the loss | file |
//! |---|---|---|---|
//! | `dense` | x | ½λ₂‖x‖² | `plain` |
//! | `l1` | x | α‖x‖₁ | `plain` |
//! | `l1-mask` | m⊙w | α‖m‖₁ | `factors` |
//! | `spred` | m⊙w, β = 0 | α(‖m‖²+‖w‖²), α constant | `factors` |
//! | `pilot` | m⊙w, β = 1 | α(‖m‖²+‖w‖²), α by Algorithm 1 | `factors` |
//! | `sign-in` | m⊙w, m² − w² = β kept | | `factors` |
//! | `str` | sign(θ) relu(\|θ\| − σ(s)) | ½α(‖θ‖² + s²) | `threshold` |
//! | `powerprop` | θ\|θ\|^{p−1} | | `power` |
//! | `continuous` | σ(b s)⊙w, b growing | α Σσ(b s) | `sigmoid` |
//! | `ham` | x | x ← x e^{η(−a sign(x)∇f − α)} after each step | `ham` |
//!
//! `l1`, `l1-mask`, `sign-in`, `str`, `powerprop`, `continuous` and `ham` can be combined with
//! PILoT (`[method.factors]`): what they train is then m⊙w, with α(‖m‖²+‖w‖²) on a schedule of its
//! own; HAM's step can follow that of `str`, `powerprop` and `continuous` (`[method.ham]`).
//! Whatever the method, weights can be pruned once or iteratively (`[prune]`).
//!
//! Only weights of convolutions and linear layers are touched; biases and batch norm have the
//! optimiser's weight decay and nothing else. Each method is a [`Method`] on packed weights: the
//! weights of all layers in a row.

mod factors;
mod ham;
mod latent;
mod plain;
mod strength;

use std::ops::Range;

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Buffer, Home, View, ViewMut},
        mask_weight::{Health, Optimizer, PlainPenalty, Storage, factors::apply_mask, update},
        network::Real,
    },
};

use crate::network::{Network, Role};

pub use factors::{Factors, Kind};
pub use ham::HamMethod;
pub use latent::{Continuous, Latent, Multiplicative, Power, SoftThreshold};
pub use plain::Plain;
pub(crate) use strength::CUT;
pub use strength::{Control, Report, Shape, Strength, droppable};

/// f32 or f64 as the kernels of networks and those of parameters know them.
pub trait Number: Real + Storage<Compute = Self> {}
impl<T: Real + Storage<Compute = T>> Number for T {}

/// Where an array stands among all parameters and in a packed row of some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Among all parameters.
    pub at: Range<usize>,
    /// In the packed row.
    pub packed: Range<usize>,
}

/// The slots of the weights, and of all else.
pub fn slots(network: &Network) -> (Vec<Slot>, Vec<Slot>) {
    let pack = |weights: bool| {
        let mut end = 0;
        let chosen = network.parameters().iter().filter(|p| (p.role == Role::Weight) == weights);
        chosen
            .map(|p| {
                let packed = end..end + p.len();
                end = packed.end;
                Slot { name: p.name.clone(), at: p.range(), packed }
            })
            .collect()
    };
    (pack(true), pack(false))
}

/// A packed row of parameters with the state of its optimiser.
#[derive(Debug)]
pub struct Variable<T: Number> {
    /// The parameters.
    pub value: Array<T>,
    /// The optimiser's state.
    pub state: State<T>,
}

impl<T: Number> Variable<T> {
    /// Zeros, on the processor.
    pub fn new(len: usize, optimizer: &Optimizer) -> Self {
        Self { value: Buffer::new(len).into(), state: State::new(len, optimizer) }
    }

    /// Zeros on any device.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn at(device: &Home, len: usize, optimizer: &Optimizer) -> Result<Self> {
        let (value, state) = (Array::zeros(device, len)?, State::at(device, len, optimizer)?);
        Ok(Self { value, state })
    }

    fn part(&mut self, range: &Range<usize>) -> update::Parameter<'_, T> {
        update::Parameter {
            value: self.value.part_mut(range.clone()),
            state: self.state.part(range),
        }
    }
}

/// The state of an optimiser beside a packed row.
#[derive(Debug)]
pub struct State<T: Number>(pub [Array<T>; 2]);

impl<T: Number> State<T> {
    /// As many rows of zeros as the optimiser keeps, on the processor.
    pub fn new(len: usize, optimizer: &Optimizer) -> Self {
        let row = |k| Buffer::new(if k < optimizer.states() { len } else { 0 }).into();
        Self([row(0), row(1)])
    }

    /// The same on any device.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn at(device: &Home, len: usize, optimizer: &Optimizer) -> Result<Self> {
        let row = |k| Array::zeros(device, if k < optimizer.states() { len } else { 0 });
        Ok(Self([row(0)?, row(1)?]))
    }

    /// Back to zero.
    ///
    /// # Errors
    /// When the device fails.
    pub fn reset(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(|s| s.fill(T::ZERO))
    }

    fn part(&mut self, range: &Range<usize>) -> [ViewMut<'_, T>; 2] {
        let [a, b] = &mut self.0;
        [a, b].map(|s| s.part_mut(if s.is_empty() { 0..0 } else { range.clone() }))
    }
}

/// One step of training.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The optimiser with the rate of this step.
    pub optimizer: Optimizer,
    /// Its number, from 1, since the state was zero.
    pub step: u64,
    /// λ₂ of the optimiser.
    pub weight_decay: f64,
    /// The method's strength α now.
    pub strength: f64,
    /// α of `α(‖m‖²+‖w‖²)` now where that stands beside the method's own penalty.
    pub factor_strength: f64,
    /// Training done, from 0 to 1.
    pub progress: f64,
    /// The slots of the weights.
    pub weights: &'a [Slot],
    /// Which weights are not pruned, packed.
    pub keep: Option<View<'a, u8>>,
}

impl<'a> Step<'a> {
    fn keep(&self, slot: &Slot) -> Option<View<'a, u8>> {
        self.keep.map(|keep| keep.part(slot.packed.clone()))
    }

    /// The learning rate.
    fn rate(&self) -> f64 {
        match self.optimizer {
            Optimizer::Sgd(sgd) => sgd.rate,
            Optimizer::Adam(adam) => adam.rate,
            _ => 0.0,
        }
    }

    fn plain(&self, l1: f64) -> PlainPenalty {
        PlainPenalty { weight_decay: self.weight_decay, l1 }
    }
}

/// Whether an update left all numbers finite, else in which slot not.
pub type Updated = Option<String>;

fn note(updated: &mut Updated, health: Health, slot: &Slot) {
    if updated.is_none() && !health.is_finite() {
        *updated = Some(slot.name.clone());
    }
}

/// How weights hang on what is trained. Everything stands on the network's device; one beside the
/// processor says only later whether all numbers that an update left are finite
/// ([`SharedSession::all_finite`](mirrorflow::kernels::array::SharedSession::all_finite)).
pub trait Method<T: Number>: std::fmt::Debug + Send {
    /// Takes the initial weights out of `x` (all parameters) and sets them to what the method makes
    /// of them.
    ///
    /// # Errors
    /// When a parameter of the method is out of range.
    fn start(&mut self, weights: &[Slot], x: ViewMut<'_, T>) -> Result<()>;

    /// One step with `g = ∂f/∂x`, and the next x. `g` may be overwritten.
    ///
    /// # Errors
    /// When a parameter of the method is out of range.
    fn update(&mut self, step: &Step<'_>, g: ViewMut<'_, T>, x: ViewMut<'_, T>) -> Result<Updated>;

    /// x out of the variables, with pruned weights 0: after they were read from a checkpoint or
    /// rewound.
    ///
    /// # Errors
    /// When a parameter of the method is out of range.
    fn weights(&mut self, step: &Step<'_>, x: ViewMut<'_, T>) -> Result<()>;

    /// At the end of an epoch: what the method does once in a while.
    ///
    /// # Errors
    /// When a parameter of the method is out of range.
    fn end_of_epoch(&mut self, _step: &Step<'_>, _x: ViewMut<'_, T>) -> Result<()> {
        Ok(())
    }

    /// At the end of training: what the method leaves as the network's weights.
    ///
    /// # Errors
    /// When a parameter of the method is out of range.
    fn finish(&mut self, _step: &Step<'_>, _x: ViewMut<'_, T>) -> Result<()> {
        Ok(())
    }

    /// What is trained, by name.
    fn variables(&mut self) -> Vec<(&'static str, &mut Variable<T>)>;

    /// After its variables were read from a checkpoint, with the x that goes with them: what else
    /// hangs on them.
    ///
    /// # Errors
    /// Never, with variables of its own.
    fn resumed(&mut self) -> Result<()> {
        Ok(())
    }

    /// Numbers it keeps beside x and what is trained.
    fn beside(&self) -> usize {
        0
    }

    /// States of an optimiser that go with x itself, by name.
    fn states(&mut self) -> Vec<(&'static str, &mut State<T>)> {
        Vec::new()
    }
}

/// `x = keep⊙x` on a slot.
fn masked<T: Number>(step: &Step<'_>, slot: &Slot, x: &mut ViewMut<'_, T>) -> Result<()> {
    let Some(keep) = step.keep(slot) else { return Ok(()) };
    apply_mask(keep, x.part_mut(slot.at.clone()))
}

/// Steps of the parameters that no method touches.
///
/// # Errors
/// When a parameter of the optimiser is out of range.
pub fn update_rest<T: Number>(
    step: &Step<'_>,
    rest: &[Slot],
    state: &mut State<T>,
    g: View<'_, T>,
    mut x: ViewMut<'_, T>,
) -> Result<Updated> {
    let mut updated = None;
    for slot in rest {
        let value = x.part_mut(slot.at.clone());
        let parameter = update::Parameter { value, state: state.part(&slot.packed) };
        let (optimizer, penalty) = (&step.optimizer, step.plain(0.0));
        let health = update::update_plain(
            optimizer,
            step.step,
            &penalty,
            parameter,
            g.part(slot.at.clone()),
            None,
        )?;
        note(&mut updated, health, slot);
    }
    Ok(updated)
}

#[cfg(test)]
mod tests;

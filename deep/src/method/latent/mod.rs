//! What stands under STR, Powerpropagation and Continuous Sparsification: their θ is trained
//! itself, or is `θ = m⊙w` with `m₀² − w₀² = β` and α(‖m‖²+‖w‖²) beside the loss (PILoT's start and
//! schedule), and either may have HAM's step after the optimiser's, on each array that is trained
//! with its own gradient.
//!
//! By the chain rule `∂f/∂m = g⊙w`, `∂f/∂w = g⊙m` with `g = ∂f/∂θ`, whatever the network makes of
//! θ: the fused kernels of m⊙w take `∂f/∂θ` for their gradient.

mod power;
mod sigmoid;
mod threshold;

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, View},
        mask_weight::{
            FactorPenalty, Ham, Health, PlainPenalty,
            factors::{self, factor_start, product_backward},
            update::{ham_step, update_factors, update_plain},
        },
        network::pointwise,
    },
};

pub use power::Power;
pub use sigmoid::Continuous;
pub use threshold::SoftThreshold;

use super::{Number, Slot, Step, Variable};

/// HAM's numbers: the factor of the gradient and the decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiplicative {
    /// a of `e^{η(−a sign(θ)∇f − α)}`.
    pub gradient: f64,
    /// α of it; the method's strength where nothing is given.
    pub decay: Option<f64>,
}

impl Multiplicative {
    fn at(&self, step: &Step<'_>) -> Ham {
        Ham { rate: step.rate(), alpha: self.gradient, beta: self.decay.unwrap_or(step.strength) }
    }
}

/// m and w of a θ.
#[derive(Debug)]
struct Pair<T: Number> {
    beta: f64,
    m: Variable<T>,
    w: Variable<T>,
    /// m⊙w, packed.
    theta: Array<T>,
    /// The gradients of m and w of a layer, for HAM.
    slopes: [Array<T>; 2],
}

impl<T: Number> Pair<T> {
    /// Room for θ where m and w are.
    fn make_room(&mut self) -> Result<()> {
        let len = self.m.value.len();
        self.theta.room(&self.m.value.home(), len).map(|_| ())
    }
}

#[derive(Debug)]
enum Of<T: Number> {
    Itself(Variable<T>),
    Factors(Box<Pair<T>>),
}

/// A packed θ, trained itself or as m⊙w.
#[derive(Debug)]
pub struct Latent<T: Number> {
    of: Of<T>,
    ham: Option<Multiplicative>,
}

impl<T: Number> Latent<T> {
    /// θ trained itself.
    pub fn plain(theta: Variable<T>, ham: Option<Multiplicative>) -> Self {
        Self { of: Of::Itself(theta), ham }
    }

    /// `θ = m⊙w` with `m₀² − w₀² = β`.
    pub fn factors(beta: f64, m: Variable<T>, w: Variable<T>, ham: Option<Multiplicative>) -> Self {
        // Room for it is made at the start.
        let (theta, slopes) = (Array::default(), [Array::default(), Array::default()]);
        Self { of: Of::Factors(Box::new(Pair { beta, m, w, theta, slopes })), ham }
    }

    /// Starts a slot at this θ.
    pub(super) fn start(&mut self, slot: &Slot, theta: View<'_, T>) -> Result<()> {
        let at = slot.packed.clone();
        match &mut self.of {
            Of::Itself(v) => pointwise::copy(theta, v.value.part_mut(at)),
            Of::Factors(pair) => {
                pair.make_room()?;
                let (m, w) = (pair.m.value.part_mut(at.clone()), pair.w.value.part_mut(at.clone()));
                factor_start(theta, pair.beta, m, w)?;
                let (m, w) = (pair.m.value.part(at.clone()), pair.w.value.part(at.clone()));
                factors::product(m, w, pair.theta.part_mut(at))
            }
        }
    }

    /// θ of a slot.
    pub(super) fn value(&self, slot: &Slot) -> View<'_, T> {
        match &self.of {
            Of::Itself(v) => v.value.part(slot.packed.clone()),
            Of::Factors(pair) => pair.theta.part(slot.packed.clone()),
        }
    }

    /// θ of all slots out of m and w, after these were set from outside.
    pub(super) fn refresh(&mut self) -> Result<()> {
        match &mut self.of {
            Of::Itself(_) => Ok(()),
            Of::Factors(pair) => {
                pair.make_room()?;
                let (m, w) = (pair.m.value.view(), pair.w.value.view());
                factors::product(m, w, pair.theta.view_mut())
            }
        }
    }

    /// One step of a slot from `g = ∂f/∂θ`; `decay` is the weight decay of θ where it is trained
    /// itself.
    pub(super) fn update(
        &mut self,
        step: &Step<'_>,
        slot: &Slot,
        g: View<'_, T>,
        decay: f64,
    ) -> Result<Health> {
        let (at, keep, number) = (slot.packed.clone(), step.keep(slot), step.step);
        let ham = self.ham.map(|h| h.at(step));
        match &mut self.of {
            Of::Itself(v) => {
                let penalty = PlainPenalty { weight_decay: decay, l1: 0.0 };
                let health = update_plain(&step.optimizer, number, &penalty, v.part(&at), g, keep)?;
                if let Some(ham) = ham {
                    ham_step(&ham, g, v.value.part_mut(at))?;
                }
                Ok(health)
            }
            Of::Factors(pair) => {
                let Pair { m, w, theta, slopes: [gm, gw], .. } = &mut **pair;
                if ham.is_some() {
                    let device = m.value.home();
                    let (gm, gw) = (gm.room(&device, g.len())?, gw.room(&device, g.len())?);
                    let (m, w) = (m.value.part(at.clone()), w.value.part(at.clone()));
                    product_backward(m, w, g, gm, gw)?;
                }
                let penalty =
                    FactorPenalty { factors: step.factor_strength, ..FactorPenalty::default() };
                let (pm, pw, to) = (m.part(&at), w.part(&at), theta.part_mut(at.clone()));
                let health =
                    update_factors(&step.optimizer, number, &penalty, pm, pw, g, keep, to)?;
                if let Some(ham) = ham {
                    ham_step(&ham, gm.part(0..g.len()), m.value.part_mut(at.clone()))?;
                    ham_step(&ham, gw.part(0..g.len()), w.value.part_mut(at.clone()))?;
                    let (m, w) = (m.value.part(at.clone()), w.value.part(at.clone()));
                    factors::product(m, w, theta.part_mut(at.clone()))?;
                    if let Some(keep) = keep {
                        factors::apply_mask(keep, theta.part_mut(at))?;
                    }
                }
                Ok(health)
            }
        }
    }

    /// What is trained, under `name` where that is θ itself.
    pub(super) fn variables(
        &mut self,
        name: &'static str,
    ) -> Vec<(&'static str, &mut Variable<T>)> {
        match &mut self.of {
            Of::Itself(v) => vec![(name, v)],
            Of::Factors(pair) => vec![("m", &mut pair.m), ("factor", &mut pair.w)],
        }
    }

    /// Numbers it keeps beside what is trained.
    pub(super) fn beside(&self) -> usize {
        match &self.of {
            Of::Itself(_) => 0,
            Of::Factors(pair) => pair.m.value.len(),
        }
    }
}

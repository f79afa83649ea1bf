//! The optimisers, as PyTorch defines them, for one number p with gradient g at step t = 1, 2, …:
//!
//! | | with coupled decay λ | state, from 0 |
//! |---|---|---|
//! | SGD | `g += λp`; `b = μb + g`; `p −= ηb`, Nesterov `p −= η(g + μb)` | b where μ ≠ 0 |
//! | Adam | `g += λp`; `a += (1−β₁)(g−a)`; `v = β₂v + (1−β₂)g²`; `p −= η/(1−β₁ᵗ) · a/(√v/√(1−β₂ᵗ) + ε)` | a, v |
//! | AdamW | `p ·= 1 − ηλ` in place of `g += λp` | a, v |
//!
//! PyTorch's first momentum buffer is g itself; with dampening 0 that is `μ·0 + g`, so a state of zeros is
//! the right start. Sources: the algorithms in the documentation of `torch.optim.SGD`, `Adam` and `AdamW`;
//! Loshchilov & Hutter, "Decoupled weight decay regularization" (ICLR 2019).

use crate::kernels::{
    check::{not_negative, within},
    mask_weight::storage::{Compute, Storage},
};
use crate::{Error, Result, kernels::device::Argument};

/// Stochastic gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate η.
    pub rate: f64,
    /// Momentum μ; 0 for none (and no state).
    pub momentum: f64,
    /// Nesterov's variant.
    pub nesterov: bool,
}

/// Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate η.
    pub rate: f64,
    /// β₁ and β₂.
    pub betas: (f64, f64),
    /// ε.
    pub epsilon: f64,
    /// AdamW: quadratic penalties shrink the parameter and stay out of the moments.
    pub decoupled: bool,
}

/// How a parameter moves along its gradient.
///
/// ```
/// use mirrorflow::kernels::mask_weight::{Adam, Optimizer, Sgd};
/// let sgd = Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.9, nesterov: false });
/// assert_eq!(sgd.states(), 1);
/// assert_eq!(Optimizer::Adam(Adam { rate: 1e-3, ..Adam::default() }).states(), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// SGD with or without momentum.
    Sgd(Sgd),
    /// Adam or AdamW.
    Adam(Adam),
}

/// PyTorch's defaults.
impl Default for Adam {
    fn default() -> Self {
        Self { rate: 1e-3, betas: (0.9, 0.999), epsilon: 1e-8, decoupled: false }
    }
}

impl Optimizer {
    /// Numbers of state beside each parameter.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd(sgd) => usize::from(sgd.momentum != 0.0),
            Self::Adam(_) => 2,
        }
    }

    /// That its parameters make sense.
    ///
    /// # Errors
    /// When a rate is negative or not finite, μ, β₁ or β₂ outside `[0, 1)`, or Nesterov's variant is asked
    /// for without momentum.
    pub fn check(&self) -> Result<()> {
        let fraction =
            |name: &str, v: f64| within(name, v, (0.0..1.0).contains(&v), "from 0 to below 1");
        match self {
            Self::Sgd(sgd) => {
                not_negative("the learning rate", sgd.rate)?;
                fraction("the momentum", sgd.momentum)?;
                if sgd.nesterov && sgd.momentum == 0.0 {
                    return Err(Error::Domain {
                        what: "the momentum".into(),
                        expected: "positive for Nesterov's variant".into(),
                        found: "0".into(),
                    });
                }
                Ok(())
            }
            Self::Adam(adam) => {
                not_negative("the learning rate", adam.rate)?;
                fraction("beta1", adam.betas.0)?;
                fraction("beta2", adam.betas.1)?;
                not_negative("epsilon", adam.epsilon)
            }
        }
    }

    /// The arguments of a device's step t with a quadratic penalty of gradient λp: kind, rate, a … e, shrink, coupled,
    /// which are the numbers of the [`Rule`]s below and of [`Decay`].
    ///
    /// # Errors
    /// As [`Optimizer::check`], or when the step is 0.
    pub(in crate::kernels) fn rule(&self, step: u64, lambda: f64) -> Result<[Argument; 9]> {
        self.check()?;
        check_step(step)?;
        let (kind, numbers) = match self {
            Self::Sgd(s) if s.momentum == 0.0 => (0, [s.rate, 0.0, 0.0, 0.0, 0.0, 0.0]),
            Self::Sgd(s) => {
                let m = Momentum::<f64>::new(s);
                (1, [m.rate, m.momentum, m.own, m.kept, 0.0, 0.0])
            }
            Self::Adam(a) => {
                let m = Moments::<f64>::new(a, step);
                let squares = [m.keep_square, m.gain_square, m.correction, m.epsilon];
                (2, [m.step, m.gain, squares[0], squares[1], squares[2], squares[3]])
            }
        };
        let Decay { shrink, coupled } = self.decay::<f64>(lambda);
        let [a, b, c, d, e, f] = numbers.map(Argument::Double);
        Ok([
            Argument::Int(kind),
            a,
            b,
            c,
            d,
            e,
            f,
            Argument::Double(shrink),
            Argument::Double(coupled),
        ])
    }

    /// The two factors of a quadratic penalty with gradient λp at this optimiser: `p ·= shrink` before, and
    /// `g += coupled·p`.
    pub(super) fn decay<C: Compute>(&self, lambda: f64) -> Decay<C> {
        match self {
            Self::Adam(adam) if adam.decoupled => {
                Decay { shrink: C::narrow(1.0 - adam.rate * lambda), coupled: C::ZERO }
            }
            _ => Decay { shrink: C::ONE, coupled: C::narrow(lambda) },
        }
    }
}

/// That a step is counted from 1.
pub(super) fn check_step(step: u64) -> Result<()> {
    if step > 0 {
        return Ok(());
    }
    Err(Error::Domain {
        what: "the step".into(),
        expected: "at least 1: the first step is 1".into(),
        found: "0".into(),
    })
}

/// See [`Optimizer::decay`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Decay<C> {
    pub(super) shrink: C,
    pub(super) coupled: C,
}

/// A step of one number, in the precision of the loop.
pub(super) trait Rule<C>: Copy + Send + Sync {
    /// Numbers of state that are used.
    const STATES: usize;
    /// `(p, first, second)` after the step; states that are not used go through.
    fn step(self, p: C, g: C, first: C, second: C) -> (C, C, C);
}

/// `p −= ηg`.
#[derive(Clone, Copy)]
pub(super) struct Descent<C> {
    rate: C,
}

impl<C: Compute> Descent<C> {
    pub(super) fn new(sgd: &Sgd) -> Self {
        Self { rate: C::narrow(sgd.rate) }
    }
}

impl<C: Compute> Rule<C> for Descent<C> {
    const STATES: usize = 0;
    #[inline(always)]
    fn step(self, p: C, g: C, first: C, second: C) -> (C, C, C) {
        (p - self.rate * g, first, second)
    }
}

/// SGD with momentum.
#[derive(Clone, Copy)]
pub(super) struct Momentum<C> {
    rate: C,
    momentum: C,
    /// The step is `g·own + b·kept`: b alone, or Nesterov's g + μb.
    own: C,
    kept: C,
}

impl<C: Compute> Momentum<C> {
    pub(super) fn new(sgd: &Sgd) -> Self {
        let momentum = C::narrow(sgd.momentum);
        let (own, kept) = if sgd.nesterov { (C::ONE, momentum) } else { (C::ZERO, C::ONE) };
        Self { rate: C::narrow(sgd.rate), momentum, own, kept }
    }
}

impl<C: Compute> Rule<C> for Momentum<C> {
    const STATES: usize = 1;
    #[inline(always)]
    fn step(self, p: C, g: C, first: C, second: C) -> (C, C, C) {
        let b = self.momentum * first + g;
        (p - self.rate * (self.own * g + self.kept * b), b, second)
    }
}

/// Adam at one step; the factors that depend on t alone are computed once, in f64.
#[derive(Clone, Copy)]
pub(super) struct Moments<C> {
    /// η/(1 − β₁ᵗ).
    step: C,
    /// 1 − β₁, β₂, 1 − β₂.
    gain: C,
    keep_square: C,
    gain_square: C,
    /// 1/√(1 − β₂ᵗ): a product is quicker than PyTorch's quotient, and as exact.
    correction: C,
    epsilon: C,
}

impl<C: Compute> Moments<C> {
    pub(super) fn new(adam: &Adam, t: u64) -> Self {
        let (beta1, beta2) = adam.betas;
        let t = t as f64;
        Self {
            step: C::narrow(adam.rate / (1.0 - beta1.powf(t))),
            gain: C::narrow(1.0 - beta1),
            keep_square: C::narrow(beta2),
            gain_square: C::narrow(1.0 - beta2),
            correction: C::narrow(1.0 / (1.0 - beta2.powf(t)).sqrt()),
            epsilon: C::narrow(adam.epsilon),
        }
    }
}

impl<C: Compute> Rule<C> for Moments<C> {
    const STATES: usize = 2;
    #[inline(always)]
    fn step(self, p: C, g: C, first: C, second: C) -> (C, C, C) {
        let a = first + self.gain * (g - first);
        let v = self.keep_square * second + self.gain_square * g * g;
        let scale = v.sqrt() * self.correction + self.epsilon;
        (p - self.step * a / scale, a, v)
    }
}

/// `g` plus the gradient of `c|v|`; at 0 the element of the subdifferential with the least norm. (PyTorch
/// differentiates |v| at 0 to 0, which lets v leave 0 for any g ≠ 0.)
#[inline(always)]
pub(super) fn with_l1<C: Compute>(g: C, v: C, c: C) -> C {
    let clipped = if g < -c { -c } else { g };
    let clipped = if clipped > c { c } else { clipped };
    let away = g + c.copysign(v);
    if v == C::ZERO { g - clipped } else { away }
}

/// What is learnt by an update beside the new numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Health {
    /// Every number written is finite.
    Finite,
    /// This is the first place where a number written (a parameter, its state, or x) is NaN or ±∞; all
    /// places are written.
    NotFinite {
        /// Its index.
        index: usize,
    },
}

impl Health {
    /// Whether every number is finite.
    pub fn is_finite(self) -> bool {
        self == Self::Finite
    }

    pub(super) fn from_first(index: Option<usize>) -> Self {
        index.map_or(Self::Finite, |index| Self::NotFinite { index })
    }
}

/// Which entries of x a mask keeps.
pub(super) trait Keep: Copy + Send + Sync {
    fn keeps(self, i: usize) -> bool;
}

/// All of them.
#[derive(Clone, Copy)]
pub(super) struct All;

impl Keep for All {
    #[inline(always)]
    fn keeps(self, _: usize) -> bool {
        true
    }
}

/// Those whose byte is not 0.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Keep for Bytes<'_> {
    #[inline(always)]
    fn keeps(self, i: usize) -> bool {
        self.0[i] != 0
    }
}

/// The value where it is kept, 0 elsewhere, NaN or not.
#[inline(always)]
pub(super) fn kept<C: Compute>(keep: bool, v: C) -> C {
    if keep { v } else { C::ZERO }
}

/// The first index at which one of the slices is not finite.
pub(super) fn first_not_finite<P: Storage>(slices: &[&[P]]) -> Option<usize> {
    slices.iter().filter_map(|s| s.iter().position(|v| !v.finite())).min()
}

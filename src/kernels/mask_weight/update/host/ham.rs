//! HAM, the hyperbolic aware minimization step of Jacobs et al. (2026): after each optimiser step
//! `x ← x · exp(η(−α sign(x) ∇f − β))`, the exponent held within ±5.
//!
//! It is a step of the mirror flow of m⊙w on a plain x: where sign(x)∇f > 0 it speeds the way to 0, but
//! never beyond.

use crate::kernels::{
    check::{not_negative, same_length},
    mask_weight::{
        chunks::each,
        storage::{Compute, Storage},
    },
};
use crate::{Result, numerics::dispatch::each_level};

/// The parameters of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ham {
    /// Learning rate η of the optimiser's step before it.
    pub rate: f64,
    /// Strength α ≥ 0; the paper's 200.
    pub alpha: f64,
    /// Decay β ≥ 0; the paper's 1e-3.
    pub beta: f64,
}

impl Ham {
    pub(in crate::kernels) fn check(&self) -> Result<()> {
        not_negative("the learning rate", self.rate)?;
        not_negative("alpha", self.alpha)?;
        not_negative("beta", self.beta)
    }
}

/// The largest exponent.
const LIMIT: f64 = 5.0;

/// `x ← x · exp(η(−α sign(x) g − β))` with `g = ∇f` of the step before.
///
/// ```
/// use mirrorflow::kernels::mask_weight::{Ham, host::ham_step};
/// let mut x = [1.0, -1.0, 0.0];
/// ham_step(&Ham { rate: 0.5, alpha: 2.0, beta: 0.0 }, &[1.0, 100.0, 1.0], &mut x)?;
/// assert!((x[0] - (-1.0_f64).exp()).abs() < 1e-15);
/// assert!((x[1] + 5.0_f64.exp()).abs() < 1e-12); // held at 5
/// assert_eq!(x[2], 0.0);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree or a parameter is negative or not finite.
pub fn ham_step<P, G>(ham: &Ham, g: &[G], x: &mut [P]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("x", x.len(), "g", g.len())?;
    ham.check()?;
    let pull = P::Compute::narrow(ham.rate * ham.alpha);
    let decay = P::Compute::narrow(ham.rate * ham.beta);
    each((g, x), &|(g, x)| scale(pull, decay, g, x));
    Ok(())
}

#[inline(always)]
fn scale_body<P, G>(pull: P::Compute, decay: P::Compute, g: &[G], x: &mut [P])
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let limit = P::Compute::narrow(LIMIT);
    for (x, g) in x.iter_mut().zip(g) {
        let (v, g) = (x.load(), g.load());
        // sign(0) matters not: 0 stays 0.
        let along = if v < P::Compute::ZERO { -g } else { g };
        let exponent = -(pull * along) - decay;
        let exponent = if exponent > limit { limit } else { exponent };
        let exponent = if exponent < -limit { -limit } else { exponent };
        *x = P::store(v * exponent.exp());
    }
}

each_level!(fn scale[P: Storage, G: Storage<Compute = P::Compute>](
    pull: P::Compute,
    decay: P::Compute,
    g: &[G],
    x: &mut [P],
) = scale_body);

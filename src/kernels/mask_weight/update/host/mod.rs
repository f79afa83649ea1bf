//! One step of training in one pass over memory: the gradient `g = ∂f/∂x` comes back to the parameters,
//! penalties are added, the optimiser moves, the next x is formed.
//!
//! For `x = m⊙w` and `f(x) + α(‖m‖² + ‖w‖²) + λ₁‖m‖₁ + λ‖x‖₁`, elementwise, with `ĝ = g + λ sign x`:
//! `∂/∂m = ĝw + 2αm + λ₁ sign m`, `∂/∂w = ĝm + 2αw`.
//! For a plain x: `g + λ₂x + λ sign x`. At 0, sign is the element that makes the gradient smallest.
//!
//! With k numbers of state per parameter (0, 1 or 2) a step reads `2(1+k)+1` numbers and writes
//! `2(1+k)+1`: 40 bytes per weight in f32 with momentum. Taken apart (x ↦ gradients, decay, momentum,
//! step, product) the same step moves 120.

mod ham;
mod optimizer;
#[cfg(test)]
mod tests;

pub use self::{
    ham::{Ham, ham_step},
    optimizer::{Adam, Health, Optimizer, Sgd},
};

use self::optimizer::{
    All, Bytes, Decay, Descent, Keep, Moments, Momentum, Rule, check_step, first_not_finite, kept,
    with_l1,
};
use crate::kernels::{
    check::{not_negative, same_length},
    mask_weight::{
        chunks::{Maybe, reduce},
        storage::{Compute, Storage},
    },
};
use crate::{Error, Result, numerics::dispatch::each_level};

/// What is added to the loss of `x = m⊙w`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FactorPenalty {
    /// α of `α(‖m‖² + ‖w‖²)`: PyTorch's `weight_decay = 2α` on m and on w.
    pub factors: f64,
    /// The factor of ‖m‖₁.
    pub mask_l1: f64,
    /// The factor of ‖m⊙w‖₁.
    pub l1: f64,
}

/// What is added to the loss of a plain parameter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PlainPenalty {
    /// λ₂ of `½λ₂‖x‖²`: PyTorch's `weight_decay`.
    pub weight_decay: f64,
    /// The factor of ‖x‖₁.
    pub l1: f64,
}

impl FactorPenalty {
    pub(in crate::kernels) fn check(&self) -> Result<()> {
        not_negative("alpha", self.factors)?;
        not_negative("the factor of ‖m‖₁", self.mask_l1)?;
        not_negative("the factor of ‖x‖₁", self.l1)
    }
}

impl PlainPenalty {
    pub(in crate::kernels) fn check(&self) -> Result<()> {
        not_negative("the weight decay", self.weight_decay)?;
        not_negative("the factor of ‖x‖₁", self.l1)
    }
}

/// A parameter and the state of its optimiser, n numbers each.
#[derive(Debug)]
pub struct Parameter<'a, P> {
    /// The parameter.
    pub value: &'a mut [P],
    /// [`Optimizer::states`] slices of length n, zero before the first step; the others empty.
    pub state: [&'a mut [P]; 2],
}

impl<'a, P: Storage> Parameter<'a, P> {
    /// A parameter whose optimiser has no state.
    pub fn stateless(value: &'a mut [P]) -> Self {
        Self { value, state: [&mut [], &mut []] }
    }

    fn check(&self, name: &str, n: usize, states: usize) -> Result<()> {
        same_length(name, self.value.len(), "g", n)?;
        for (k, state) in self.state.iter().enumerate() {
            let expected = if k < states { n } else { 0 };
            if state.len() != expected {
                return Err(Error::Shape {
                    what: format!("{name}.state[{k}]"),
                    expected: format!("({expected}) for an optimiser with {states} states"),
                    found: format!("({})", state.len()),
                });
            }
        }
        Ok(())
    }
}

/// One step of m and w from `g = ∂f/∂x`, and the next `x = m⊙w`.
///
/// `step` counts from 1. With `keep` (n bytes) the network is `x = keep⊙m⊙w`: the other entries of g count
/// as 0 and those of x become 0, while m and w go on under the penalty alone. Parameters and state are P,
/// gradients and x G: f32 with bf16, say, as long as both compute in the same precision.
///
/// ```
/// use mirrorflow::kernels::mask_weight::{FactorPenalty, Health, Optimizer, Sgd, host::{Parameter, update_factors}};
/// let sgd = Optimizer::Sgd(Sgd { rate: 0.5, momentum: 0.9, nesterov: false });
/// let penalty = FactorPenalty { factors: 0.25, ..FactorPenalty::default() };
/// let (mut m, mut w, mut bm, mut bw, mut x) = ([1.0], [2.0], [0.0], [0.0], [0.0]);
/// let health = update_factors(
///     &sgd,
///     1,
///     &penalty,
///     Parameter { value: &mut m, state: [&mut bm, &mut []] },
///     Parameter { value: &mut w, state: [&mut bw, &mut []] },
///     &[-1.0],
///     None,
///     &mut x,
/// )?;
/// // ∂/∂m = −1·2 + ½·1, ∂/∂w = −1·1 + ½·2
/// assert_eq!((m[0], w[0], bm[0], bw[0]), (1.75, 2.0, -1.5, 0.0));
/// assert_eq!((x[0], health), (3.5, Health::Finite));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When lengths disagree, `step` is 0, or a parameter of the optimiser or the penalty is out of range.
pub fn update_factors<P, G>(
    optimizer: &Optimizer,
    step: u64,
    penalty: &FactorPenalty,
    m: Parameter<'_, P>,
    w: Parameter<'_, P>,
    g: &[G],
    keep: Option<&[u8]>,
    x: &mut [G],
) -> Result<Health>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let n = g.len();
    m.check("m", n, optimizer.states())?;
    w.check("w", n, optimizer.states())?;
    same_length("x", x.len(), "g", n)?;
    check(optimizer, step, keep, n)?;
    penalty.check()?;
    let terms = FactorTerms {
        decay: optimizer.decay(2.0 * penalty.factors),
        mask_l1: P::Compute::narrow(penalty.mask_l1),
        l1: P::Compute::narrow(penalty.l1),
    };
    Ok(match optimizer {
        Optimizer::Sgd(s) if s.momentum == 0.0 => {
            factors_at(Descent::new(s), terms, m, w, g, keep, x)
        }
        Optimizer::Sgd(s) => factors_at(Momentum::new(s), terms, m, w, g, keep, x),
        Optimizer::Adam(a) => factors_at(Moments::new(a, step), terms, m, w, g, keep, x),
    })
}

/// One step of a plain parameter x from `g = ∂f/∂x`.
///
/// With `keep` (n bytes) the other entries of x and of its state become 0.
///
/// ```
/// use mirrorflow::kernels::mask_weight::{Optimizer, PlainPenalty, Sgd, host::{Parameter, update_plain}};
/// let sgd = Optimizer::Sgd(Sgd { rate: 0.5, momentum: 0.0, nesterov: false });
/// let penalty = PlainPenalty { weight_decay: 0.0, l1: 1.0 };
/// let mut x = [2.0_f32, 0.0, 3.0];
/// let keep = Some(&[1, 1, 0][..]);
/// let g = [1.0_f32, 0.75, 1.0];
/// let health = update_plain(&sgd, 1, &penalty, Parameter::stateless(&mut x), &g, keep)?;
/// assert_eq!(x, [1.0, 0.0, 0.0]); // |g| ≤ 1 holds the second at 0
/// assert!(health.is_finite());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`update_factors`].
pub fn update_plain<P, G>(
    optimizer: &Optimizer,
    step: u64,
    penalty: &PlainPenalty,
    x: Parameter<'_, P>,
    g: &[G],
    keep: Option<&[u8]>,
) -> Result<Health>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    x.check("x", g.len(), optimizer.states())?;
    check(optimizer, step, keep, g.len())?;
    penalty.check()?;
    let decay = optimizer.decay(penalty.weight_decay);
    let l1 = P::Compute::narrow(penalty.l1);
    Ok(match optimizer {
        Optimizer::Sgd(s) if s.momentum == 0.0 => plain_at(Descent::new(s), decay, l1, x, g, keep),
        Optimizer::Sgd(s) => plain_at(Momentum::new(s), decay, l1, x, g, keep),
        Optimizer::Adam(a) => plain_at(Moments::new(a, step), decay, l1, x, g, keep),
    })
}

fn check(optimizer: &Optimizer, step: u64, keep: Option<&[u8]>, n: usize) -> Result<()> {
    optimizer.check()?;
    check_step(step)?;
    keep.map_or(Ok(()), |keep| same_length("keep", keep.len(), "g", n))
}

/// The penalty of the factors in the precision of the loop.
#[derive(Clone, Copy)]
struct FactorTerms<C> {
    decay: Decay<C>,
    mask_l1: C,
    l1: C,
}

fn factors_at<P, G, R>(
    rule: R,
    terms: FactorTerms<P::Compute>,
    m: Parameter<'_, P>,
    w: Parameter<'_, P>,
    g: &[G],
    keep: Option<&[u8]>,
    x: &mut [G],
) -> Health
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
    R: Rule<P::Compute>,
{
    let [m1, m2] = m.state.map(Maybe);
    let [w1, w2] = w.state.map(Maybe);
    let bytes = Maybe(keep.unwrap_or(&[]));
    let parts = (m.value, w.value, m1, m2, w1, w2, g, bytes, x);
    let first = reduce(
        parts,
        &|offset, (m, w, m1, m2, w1, w2, g, bytes, x)| {
            let (m1, m2, w1, w2) = (m1.0, m2.0, w1.0, w2.0);
            let bad = match keep {
                None => factors(rule, terms, m, w, m1, m2, w1, w2, g, All, x),
                Some(_) => factors(rule, terms, m, w, m1, m2, w1, w2, g, Bytes(bytes.0), x),
            };
            // Only a chunk that is known to have one is searched.
            let find = || {
                let of_x = first_not_finite(&[&*x]);
                first_not_finite(&[m, w, m1, m2, w1, w2]).into_iter().chain(of_x).min()
            };
            if bad { find().map(|i| offset + i) } else { None }
        },
        &|a, b| a.or(b),
    );
    Health::from_first(first)
}

/// The loop over a chunk; whether any number written is not finite.
#[inline(always)]
fn factors_body<P, G, R, K>(
    rule: R,
    terms: FactorTerms<P::Compute>,
    m: &mut [P],
    w: &mut [P],
    m1: &mut [P],
    m2: &mut [P],
    w1: &mut [P],
    w2: &mut [P],
    g: &[G],
    keep: K,
    x: &mut [G],
) -> bool
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
    R: Rule<P::Compute>,
    K: Keep,
{
    let n = g.len();
    let (m, w, x) = (&mut m[..n], &mut w[..n], &mut x[..n]);
    let first = if R::STATES > 0 { n } else { 0 };
    let second = if R::STATES > 1 { n } else { 0 };
    let (m1, w1) = (&mut m1[..first], &mut w1[..first]);
    let (m2, w2) = (&mut m2[..second], &mut w2[..second]);
    let Decay { shrink, coupled } = terms.decay;
    let zero = P::Compute::ZERO;
    let mut bad = false;
    for i in 0..n {
        let keep = keep.keeps(i);
        let (vm, vw) = (m[i].load(), w[i].load());
        let slope = kept(keep, with_l1(g[i].load(), vm * vw, terms.l1));
        let gm = with_l1(slope * vw + coupled * vm, vm, terms.mask_l1);
        let gw = slope * vm + coupled * vw;
        let (am, aw) = if R::STATES > 0 { (m1[i].load(), w1[i].load()) } else { (zero, zero) };
        let (bm, bw) = if R::STATES > 1 { (m2[i].load(), w2[i].load()) } else { (zero, zero) };
        let (vm, am, bm) = rule.step(shrink * vm, gm, am, bm);
        let (vw, aw, bw) = rule.step(shrink * vw, gw, aw, bw);
        let (vm, vw) = (P::store(vm), P::store(vw));
        let vx = G::store(kept(keep, vm.load() * vw.load()));
        (m[i], w[i], x[i]) = (vm, vw, vx);
        bad |= !vm.finite() | !vw.finite() | !vx.finite();
        if R::STATES > 0 {
            (m1[i], w1[i]) = (P::store(am), P::store(aw));
            bad |= !m1[i].finite() | !w1[i].finite();
        }
        if R::STATES > 1 {
            (m2[i], w2[i]) = (P::store(bm), P::store(bw));
            bad |= !m2[i].finite() | !w2[i].finite();
        }
    }
    bad
}

each_level!(fn factors[P: Storage, G: Storage<Compute = P::Compute>, R: Rule<P::Compute>, K: Keep](
    rule: R,
    terms: FactorTerms<P::Compute>,
    m: &mut [P],
    w: &mut [P],
    m1: &mut [P],
    m2: &mut [P],
    w1: &mut [P],
    w2: &mut [P],
    g: &[G],
    keep: K,
    x: &mut [G],
) -> bool = factors_body);

fn plain_at<P, G, R>(
    rule: R,
    decay: Decay<P::Compute>,
    l1: P::Compute,
    x: Parameter<'_, P>,
    g: &[G],
    keep: Option<&[u8]>,
) -> Health
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
    R: Rule<P::Compute>,
{
    let [x1, x2] = x.state.map(Maybe);
    let parts = (x.value, x1, x2, g, Maybe(keep.unwrap_or(&[])));
    let first = reduce(
        parts,
        &|offset, (x, x1, x2, g, bytes)| {
            let (x1, x2) = (x1.0, x2.0);
            let bad = match keep {
                None => plain(rule, decay, l1, x, x1, x2, g, All),
                Some(_) => plain(rule, decay, l1, x, x1, x2, g, Bytes(bytes.0)),
            };
            if bad { first_not_finite(&[x, x1, x2]).map(|i| offset + i) } else { None }
        },
        &|a, b| a.or(b),
    );
    Health::from_first(first)
}

#[inline(always)]
fn plain_body<P, G, R, K>(
    rule: R,
    decay: Decay<P::Compute>,
    l1: P::Compute,
    x: &mut [P],
    x1: &mut [P],
    x2: &mut [P],
    g: &[G],
    keep: K,
) -> bool
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
    R: Rule<P::Compute>,
    K: Keep,
{
    let n = g.len();
    let x = &mut x[..n];
    let x1 = &mut x1[..if R::STATES > 0 { n } else { 0 }];
    let x2 = &mut x2[..if R::STATES > 1 { n } else { 0 }];
    let zero = P::Compute::ZERO;
    let mut bad = false;
    for i in 0..n {
        let keep = keep.keeps(i);
        let v = x[i].load();
        let slope = with_l1(g[i].load() + decay.coupled * v, v, l1);
        let a = if R::STATES > 0 { x1[i].load() } else { zero };
        let b = if R::STATES > 1 { x2[i].load() } else { zero };
        let (v, a, b) = rule.step(decay.shrink * v, slope, a, b);
        x[i] = P::store(kept(keep, v));
        bad |= !x[i].finite();
        if R::STATES > 0 {
            x1[i] = P::store(kept(keep, a));
            bad |= !x1[i].finite();
        }
        if R::STATES > 1 {
            x2[i] = P::store(kept(keep, b));
            bad |= !x2[i].finite();
        }
    }
    bad
}

each_level!(fn plain[P: Storage, G: Storage<Compute = P::Compute>, R: Rule<P::Compute>, K: Keep](
    rule: R,
    decay: Decay<P::Compute>,
    l1: P::Compute,
    x: &mut [P],
    x1: &mut [P],
    x2: &mut [P],
    g: &[G],
    keep: K,
) -> bool = plain_body);

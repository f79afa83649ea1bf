//! Sigmoid masks, Continuous Sparsification (Savarese, Silva & Maire, "Winning the lottery with continuous
//! sparsification", NeurIPS 2020): `x = σ(βs)⊙w`, β grown over the training; at the end `x = 1{s > 0}⊙w`.
//!
//! With `g = ∂f/∂x` and the penalty `λ Σ σ(βs)`: `∂/∂w = g σ(βs)`, `∂/∂s = β σ(1−σ) (g w + λ)`.

use crate::kernels::{
    check::{not_negative, same_length, within},
    mask_weight::{
        chunks::each,
        elementary::sigmoid,
        storage::{Compute, Storage},
    },
};
use crate::{Result, numerics::dispatch::each_level};

/// `x = σ(βs)⊙w`.
///
/// ```
/// let mut x = [0.0; 2];
/// mirrorflow::kernels::mask_weight::host::sigmoid_mask(&[0.0, -1e9], &[3.0, 1.0], 2.0, &mut x)?;
/// assert_eq!(x, [1.5, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree or β is not positive and finite.
pub fn sigmoid_mask<P, G>(s: &[P], w: &[P], beta: f64, x: &mut [G]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("w", w.len(), "s", s.len())?;
    same_length("x", x.len(), "s", s.len())?;
    check_sigmoid(beta, 0.0)?;
    let beta = P::Compute::narrow(beta);
    each((s, w, x), &|(s, w, x)| masked(beta, s, w, x));
    Ok(())
}

/// That β is positive and λ not negative.
pub(in crate::kernels) fn check_sigmoid(beta: f64, lambda: f64) -> Result<()> {
    within("beta", beta, beta > 0.0 && beta.is_finite(), "a positive finite number")?;
    not_negative("lambda", lambda)
}

#[inline(always)]
fn masked_body<P, G>(beta: P::Compute, s: &[P], w: &[P], x: &mut [G])
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    for ((x, s), w) in x.iter_mut().zip(s).zip(w) {
        *x = G::store(sigmoid(beta * s.load()).0 * w.load());
    }
}

each_level!(fn masked[P: Storage, G: Storage<Compute = P::Compute>](
    beta: P::Compute,
    s: &[P],
    w: &[P],
    x: &mut [G],
) = masked_body);

/// The gradients to s and w, the penalty `λ Σ σ(βs)` (`lambda`) included.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::sigmoid_mask_backward;
/// let (mut g_s, mut g_w) = ([0.0], [0.0]);
/// sigmoid_mask_backward(&[0.0], &[3.0], 2.0, 1.0, &[1.0], &mut g_s, &mut g_w)?;
/// assert_eq!((g_s, g_w), ([2.0], [0.5])); // 2·¼·(1·3 + 1)
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`sigmoid_mask`], or when λ is negative or not finite.
pub fn sigmoid_mask_backward<P, G>(
    s: &[P],
    w: &[P],
    beta: f64,
    lambda: f64,
    g: &[G],
    g_s: &mut [G],
    g_w: &mut [G],
) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let n = g.len();
    for (name, length) in [("s", s.len()), ("w", w.len()), ("g_s", g_s.len()), ("g_w", g_w.len())] {
        same_length(name, length, "g", n)?;
    }
    check_sigmoid(beta, lambda)?;
    let (beta, lambda) = (P::Compute::narrow(beta), P::Compute::narrow(lambda));
    each((s, w, g, g_s, g_w), &|(s, w, g, g_s, g_w)| backward(beta, lambda, s, w, g, g_s, g_w));
    Ok(())
}

#[inline(always)]
fn backward_body<P, G>(
    beta: P::Compute,
    lambda: P::Compute,
    s: &[P],
    w: &[P],
    g: &[G],
    g_s: &mut [G],
    g_w: &mut [G],
) where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    for ((((g_s, g_w), s), w), g) in g_s.iter_mut().zip(g_w).zip(s).zip(w).zip(g) {
        let (value, slope) = sigmoid(beta * s.load());
        *g_w = G::store(g.load() * value);
        *g_s = G::store(beta * slope * (g.load() * w.load() + lambda));
    }
}

each_level!(fn backward[P: Storage, G: Storage<Compute = P::Compute>](
    beta: P::Compute,
    lambda: P::Compute,
    s: &[P],
    w: &[P],
    g: &[G],
    g_s: &mut [G],
    g_w: &mut [G],
) = backward_body);

/// The mask that the sigmoids end at: byte 1 where s > 0, else 0. Returns how many are kept.
///
/// ```
/// let mut keep = [9; 3];
/// let kept = mirrorflow::kernels::mask_weight::host::hard_mask(&[0.1, 0.0, -2.0], &mut keep)?;
/// assert_eq!((keep, kept), ([1, 0, 0], 1));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn hard_mask<P: Storage>(s: &[P], keep: &mut [u8]) -> Result<usize> {
    same_length("keep", keep.len(), "s", s.len())?;
    each((s, &mut *keep), &|(s, keep)| {
        for (keep, s) in keep.iter_mut().zip(s) {
            *keep = u8::from(s.load() > P::Compute::ZERO);
        }
    });
    Ok(keep.iter().map(|k| usize::from(*k)).sum())
}

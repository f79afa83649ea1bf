//! STR, soft threshold reparameterization (Kusupati et al., "Soft threshold weight reparameterization for
//! learnable sparsity", ICML 2020): `x = sign(θ) relu(|θ| − σ(s))` with one learnt s for a layer.
//!
//! Where `|θ| > σ(s)`: `∂x/∂θ = 1`, `∂x/∂s = −sign(θ) σ(s)(1 − σ(s))`; elsewhere 0. So `∂f/∂θ = g` on the
//! support and `∂f/∂s = −σ(1−σ) Σ sign(θ) g` over it. As a function of θ it is the proximal map of `σ(s)‖·‖₁`.

use crate::kernels::{
    check::same_length,
    mask_weight::{
        chunks::{each, reduce},
        count::host::measure::{LANES, fold},
        elementary::sigmoid,
        storage::{Compute, Storage},
    },
};
use crate::{Result, numerics::dispatch::each_level};

/// `x = sign(θ) relu(|θ| − σ(s))`.
///
/// ```
/// let mut x = [0.0; 3];
/// // σ(0) = ½
/// mirrorflow::kernels::mask_weight::host::soft_threshold(&[2.0, -0.75, 0.25], 0.0, &mut x)?;
/// assert_eq!(x, [1.5, -0.25, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn soft_threshold<P, G>(theta: &[P], s: f64, x: &mut [G]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("x", x.len(), "theta", theta.len())?;
    let cut = P::Compute::narrow(sigmoid(s).0);
    each((theta, x), &|(theta, x)| shrink(cut, theta, x));
    Ok(())
}

#[inline(always)]
fn shrink_body<P, G>(cut: P::Compute, theta: &[P], x: &mut [G])
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    for (x, theta) in x.iter_mut().zip(theta) {
        let theta = theta.load();
        let over = theta.abs() - cut;
        // NaN is not ≤ 0 and goes through.
        let over = if over <= P::Compute::ZERO { P::Compute::ZERO } else { over };
        *x = G::store(over.copysign(theta));
    }
}

each_level!(fn shrink[P: Storage, G: Storage<Compute = P::Compute>](
    cut: P::Compute,
    theta: &[P],
    x: &mut [G],
) = shrink_body);

/// `∂f/∂θ` from `g = ∂f/∂x`, into `g_theta`, and `∂f/∂s`, which is returned: summed in f64 in an order that
/// does not depend on the threads.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::soft_threshold_backward;
/// let mut g_theta = [0.0; 3];
/// let g_s = soft_threshold_backward(&[2.0, -0.75, 0.25], 0.0, &[1.0, 3.0, 9.0], &mut g_theta)?;
/// assert_eq!(g_theta, [1.0, 3.0, 0.0]);
/// assert_eq!(g_s, 0.25 * (3.0 - 1.0)); // σ'(0) = ¼
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn soft_threshold_backward<P, G>(theta: &[P], s: f64, g: &[G], g_theta: &mut [G]) -> Result<f64>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("theta", theta.len(), "g", g.len())?;
    same_length("g_theta", g_theta.len(), "g", g.len())?;
    let (value, slope) = sigmoid(s);
    let cut = P::Compute::narrow(value);
    let sum = reduce(
        (theta, g, g_theta),
        &|_, (theta, g, g_theta)| gate(cut, theta, g, g_theta),
        &|a, b| a + b,
    );
    Ok(-slope * sum)
}

/// The gradient on the support, and `Σ sign(θ) g` over it.
#[inline(always)]
fn gate_body<P, G>(cut: P::Compute, theta: &[P], g: &[G], g_theta: &mut [G]) -> f64
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let mut sums = [0.0; LANES];
    let whole = g.len() - g.len() % LANES;
    let (theta, theta_rest) = theta.split_at(whole);
    let (g, g_rest) = g.split_at(whole);
    let (g_theta, g_theta_rest) = g_theta.split_at_mut(whole);
    let blocks = theta.chunks_exact(LANES).zip(g.chunks_exact(LANES));
    for ((theta, g), g_theta) in blocks.zip(g_theta.chunks_exact_mut(LANES)) {
        for l in 0..LANES {
            sums[l] += gate_one(cut, theta[l], g[l], &mut g_theta[l]);
        }
    }
    let rest = theta_rest.iter().zip(g_rest).zip(g_theta_rest).zip(&mut sums);
    for (((theta, g), g_theta), sum) in rest {
        *sum += gate_one(cut, *theta, *g, g_theta);
    }
    fold(sums)
}

#[inline(always)]
fn gate_one<P, G>(cut: P::Compute, theta: P, g: G, g_theta: &mut G) -> f64
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let theta = theta.load();
    let slope = if theta.abs() <= cut { P::Compute::ZERO } else { g.load() };
    *g_theta = G::store(slope);
    let slope = slope.wide();
    if theta < P::Compute::ZERO { -slope } else { slope }
}

each_level!(fn gate[P: Storage, G: Storage<Compute = P::Compute>](
    cut: P::Compute,
    theta: &[P],
    g: &[G],
    g_theta: &mut [G],
) -> f64 = gate_body);

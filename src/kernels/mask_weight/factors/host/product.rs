//! `x = m⊙w` and its gradient `∂f/∂m = g⊙w`, `∂f/∂w = g⊙m`, where `g = ∂f/∂x`; masks.
//!
//! Training needs only [`product`], once: [`update_factors`](crate::kernels::mask_weight::host::update_factors) has the rest in its
//! pass. [`product_backward`] is for gradients that go elsewhere (clipping, sums over workers, checks).

use crate::kernels::{
    check::same_length,
    mask_weight::{chunks::each, storage::Storage},
};
use crate::{Result, numerics::dispatch::each_level};

/// `x = m⊙w`, each product rounded once (twice where x is narrower).
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::product;
/// let mut x = [0.0_f32; 2];
/// product(&[2.0_f32, 1.0], &[0.5, -3.0], &mut x)?;
/// assert_eq!(x, [1.0, -3.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn product<P, G>(m: &[P], w: &[P], x: &mut [G]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("w", w.len(), "m", m.len())?;
    same_length("x", x.len(), "m", m.len())?;
    each((m, w, x), &|(m, w, x)| products(m, w, x));
    Ok(())
}

#[inline(always)]
fn products_body<P: Storage, G: Storage<Compute = P::Compute>>(m: &[P], w: &[P], x: &mut [G]) {
    for ((x, m), w) in x.iter_mut().zip(m).zip(w) {
        *x = G::store(m.load() * w.load());
    }
}

each_level!(fn products[P: Storage, G: Storage<Compute = P::Compute>](m: &[P], w: &[P], x: &mut [G])
    = products_body);

/// `g_m = g⊙w` and `g_w = g⊙m`.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::product_backward;
/// let (mut gm, mut gw) = ([0.0], [0.0]);
/// product_backward(&[2.0], &[3.0], &[0.5], &mut gm, &mut gw)?;
/// assert_eq!((gm, gw), ([1.5], [1.0]));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn product_backward<P, G>(m: &[P], w: &[P], g: &[G], g_m: &mut [P], g_w: &mut [P]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    let n = g.len();
    for (name, length) in [("m", m.len()), ("w", w.len()), ("g_m", g_m.len()), ("g_w", g_w.len())] {
        same_length(name, length, "g", n)?;
    }
    each((m, w, g, g_m, g_w), &|(m, w, g, g_m, g_w)| backward(m, w, g, g_m, g_w));
    Ok(())
}

#[inline(always)]
fn backward_body<P: Storage, G: Storage<Compute = P::Compute>>(
    m: &[P],
    w: &[P],
    g: &[G],
    g_m: &mut [P],
    g_w: &mut [P],
) {
    for ((((g_m, g_w), m), w), g) in g_m.iter_mut().zip(g_w).zip(m).zip(w).zip(g) {
        *g_m = P::store(g.load() * w.load());
        *g_w = P::store(g.load() * m.load());
    }
}

each_level!(fn backward[P: Storage, G: Storage<Compute = P::Compute>](
    m: &[P],
    w: &[P],
    g: &[G],
    g_m: &mut [P],
    g_w: &mut [P],
) = backward_body);

/// Sets the entries of x to 0 whose byte in `keep` is 0.
///
/// ```
/// let mut x = [1.0, f64::NAN];
/// mirrorflow::kernels::mask_weight::host::apply_mask(&[1, 0], &mut x)?;
/// assert_eq!(x, [1.0, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree.
pub fn apply_mask<S: Storage>(keep: &[u8], x: &mut [S]) -> Result<()> {
    same_length("keep", keep.len(), "x", x.len())?;
    each((keep, x), &|(keep, x)| masked(keep, x));
    Ok(())
}

#[inline(always)]
fn masked_body<S: Storage>(keep: &[u8], x: &mut [S]) {
    for (x, keep) in x.iter_mut().zip(keep) {
        *x = if *keep != 0 { *x } else { S::default() };
    }
}

each_level!(fn masked[S: Storage](keep: &[u8], x: &mut [S]) = masked_body);

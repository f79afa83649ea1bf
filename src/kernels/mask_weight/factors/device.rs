//! Products and starts of factors on arrays.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{both, launch},
        },
        check::same_length,
        device::{Argument, Source, long},
        network::Real,
    },
};

/// The kernels of factors.
pub static SOURCE: Source = Source {
    name: "factors",
    text: include_str!("device.cu"),
    kernels: both!([], "product", "product_backward", "apply_mask", "factor_start", "rescale"),
};

/// `x = m⊙w`: [`host::product`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn product<T: Real>(m: View<'_, T>, w: View<'_, T>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.session() else {
        return host::product(m.host()?, w.host()?, x.host()?);
    };
    same_length("w", w.len(), "m", m.len())?;
    same_length("x", x.len(), "m", m.len())?;
    launch!(on, T, "product", m.len(), [long(m.len()), m.at(on)?, w.at(on)?, x.at(on)?])
}

/// `g_m = g⊙w` and `g_w = g⊙m`: [`host::product_backward`].
///
/// # Errors
/// As [`product`].
pub fn product_backward<T: Real>(
    m: View<'_, T>,
    w: View<'_, T>,
    g: View<'_, T>,
    g_m: ViewMut<'_, T>,
    g_w: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = g_m.session() else {
        let (g_m, g_w) = (g_m.host()?, g_w.host()?);
        return host::product_backward(m.host()?, w.host()?, g.host()?, g_m, g_w);
    };
    let n = g.len();
    for (name, len) in [("m", m.len()), ("w", w.len()), ("g_m", g_m.len()), ("g_w", g_w.len())] {
        same_length(name, len, "g", n)?;
    }
    let all = [long(n), m.at(on)?, w.at(on)?, g.at(on)?, g_m.at(on)?, g_w.at(on)?];
    let [count, m, w, g, g_m, g_w] = all;
    launch!(on, T, "product_backward", n, [count, m, w, g, g_m, g_w])
}

/// `x = keep⊙x`: [`host::apply_mask`].
///
/// # Errors
/// As [`product`].
pub fn apply_mask<T: Real>(keep: View<'_, u8>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.session() else {
        return host::apply_mask(keep.host()?, x.host()?);
    };
    same_length("keep", keep.len(), "x", x.len())?;
    launch!(on, T, "apply_mask", x.len(), [long(x.len()), keep.at(on)?, x.at(on)?])
}

/// Factors of x: [`host::factor_start`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn factor_start<T: Real>(
    x: View<'_, T>,
    beta: f64,
    m: ViewMut<'_, T>,
    w: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = m.session() else {
        return host::factor_start(x.host()?, beta, m.host()?, w.host()?);
    };
    let n = x.len();
    same_length("m", m.len(), "x", n)?;
    same_length("w", w.len(), "x", n)?;
    host::check_beta(beta)?;
    let beta = Argument::Double(beta);
    launch!(on, T, "factor_start", n, [long(n), beta, x.at(on)?, m.at(on)?, w.at(on)?])
}

/// Sign-In's rescaling: [`host::rescale`].
///
/// # Errors
/// As [`factor_start`].
pub fn rescale<T: Real>(beta: f64, m: ViewMut<'_, T>, w: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = m.session() else {
        return host::rescale(beta, m.host()?, w.host()?);
    };
    let n = m.len();
    same_length("w", w.len(), "m", n)?;
    host::check_beta(beta)?;
    launch!(on, T, "rescale", n, [long(n), Argument::Double(beta), m.at(on)?, w.at(on)?])
}

//! STR, Powerpropagation and sigmoid masks on arrays.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{both, launch, typed},
        },
        check::same_length,
        device::{Argument, Source, long},
        mask_weight::count::device as count,
        network::Real,
    },
};

/// The kernels of maps.
pub static SOURCE: Source = Source {
    name: "map",
    text: include_str!("device.cu"),
    kernels: both!(
        [],
        "soft_threshold",
        "soft_threshold_backward",
        "soft_threshold_slope",
        "power",
        "power_backward",
        "sigmoid_mask",
        "sigmoid_mask_backward",
        "hard_mask"
    ),
};

/// STR, `x = sign(θ) relu(|θ| − σ(s))`, s one number: [`host::soft_threshold`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn soft_threshold<T: Real>(
    theta: View<'_, T>,
    s: View<'_, T>,
    x: ViewMut<'_, T>,
) -> Result<()> {
    same_length("s", s.len(), "a threshold has", 1)?;
    let Some(on) = x.session() else {
        return host::soft_threshold(theta.host()?, s.host()?[0].f64(), x.host()?);
    };
    let n = theta.len();
    same_length("x", x.len(), "theta", n)?;
    launch!(on, T, "soft_threshold", n, [long(n), s.at(on)?, theta.at(on)?, x.at(on)?])
}

/// `∂f/∂θ` and `∂f/∂s` (one number): [`host::soft_threshold_backward`].
///
/// # Errors
/// As [`soft_threshold`].
pub fn soft_threshold_backward<T: Real>(
    theta: View<'_, T>,
    s: View<'_, T>,
    g: View<'_, T>,
    g_theta: ViewMut<'_, T>,
    g_s: ViewMut<'_, T>,
) -> Result<()> {
    same_length("s", s.len(), "a threshold has", 1)?;
    same_length("g_s", g_s.len(), "a threshold has", 1)?;
    let Some(on) = g_theta.session() else {
        let (theta, s, g) = (theta.host()?, s.host()?[0].f64(), g.host()?);
        let slope = host::soft_threshold_backward(theta, s, g, g_theta.host()?)?;
        g_s.host()?[0] = T::of(slope);
        return Ok(());
    };
    let n = g.len();
    same_length("theta", theta.len(), "g", n)?;
    same_length("g_theta", g_theta.len(), "g", n)?;
    let (s, theta, g) = (s.at(on)?, theta.at(on)?, g.at(on)?);
    let (g_theta, g_s) = (g_theta.at(on)?, g_s.at(on)?);
    let sizes = count::Sizes::of(n);
    on.work(sizes.sums(), |work| {
        let (lanes, sums) = sizes.places(work.scratch, 0);
        let arguments = [long(n), s, theta, g, g_theta, lanes];
        // SAFETY: the arguments of the kernels in their order; the lengths were checked, the scratch is as large as
        // `sizes` says.
        unsafe {
            let name = typed!(T, "soft_threshold_backward");
            work.over(&SOURCE, name, sizes.lanes(), &arguments)?;
            count::fold(work, sizes, lanes, sums)?;
            work.over(&SOURCE, typed!(T, "soft_threshold_slope"), 1, &[s, sums, g_s])
        }
    })
}

/// Powerpropagation, `x = θ|θ|^{p−1}`: [`host::power`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn power<T: Real>(theta: View<'_, T>, p: f64, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.session() else {
        return host::power(theta.host()?, p, x.host()?);
    };
    let n = theta.len();
    same_length("x", x.len(), "theta", n)?;
    host::check_power(p)?;
    launch!(on, T, "power", n, [long(n), Argument::Double(p), theta.at(on)?, x.at(on)?])
}

/// `∂f/∂θ = p|θ|^{p−1} g`: [`host::power_backward`].
///
/// # Errors
/// As [`power`].
pub fn power_backward<T: Real>(
    theta: View<'_, T>,
    p: f64,
    g: View<'_, T>,
    g_theta: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = g_theta.session() else {
        return host::power_backward(theta.host()?, p, g.host()?, g_theta.host()?);
    };
    let n = g.len();
    same_length("theta", theta.len(), "g", n)?;
    same_length("g_theta", g_theta.len(), "g", n)?;
    host::check_power(p)?;
    let (p, theta, g) = (Argument::Double(p), theta.at(on)?, g.at(on)?);
    launch!(on, T, "power_backward", n, [long(n), p, theta, g, g_theta.at(on)?])
}

/// Continuous Sparsification, `x = σ(βs)⊙w`: [`host::sigmoid_mask`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn sigmoid_mask<T: Real>(
    s: View<'_, T>,
    w: View<'_, T>,
    beta: f64,
    x: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = x.session() else {
        return host::sigmoid_mask(s.host()?, w.host()?, beta, x.host()?);
    };
    let n = s.len();
    same_length("w", w.len(), "s", n)?;
    same_length("x", x.len(), "s", n)?;
    host::check_sigmoid(beta, 0.0)?;
    let beta = Argument::Double(beta);
    launch!(on, T, "sigmoid_mask", n, [long(n), beta, s.at(on)?, w.at(on)?, x.at(on)?])
}

/// The gradients to s and w, `λ Σ σ(βs)` included: [`host::sigmoid_mask_backward`].
///
/// # Errors
/// As [`sigmoid_mask`].
pub fn sigmoid_mask_backward<T: Real>(
    s: View<'_, T>,
    w: View<'_, T>,
    beta: f64,
    lambda: f64,
    g: View<'_, T>,
    g_s: ViewMut<'_, T>,
    g_w: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = g_s.session() else {
        let (s, w, g) = (s.host()?, w.host()?, g.host()?);
        return host::sigmoid_mask_backward(s, w, beta, lambda, g, g_s.host()?, g_w.host()?);
    };
    let n = g.len();
    for (name, len) in [("s", s.len()), ("w", w.len()), ("g_s", g_s.len()), ("g_w", g_w.len())] {
        same_length(name, len, "g", n)?;
    }
    host::check_sigmoid(beta, lambda)?;
    let (beta, lambda) = (Argument::Double(beta), Argument::Double(lambda));
    let (s, w, g) = (s.at(on)?, w.at(on)?, g.at(on)?);
    let (g_s, g_w) = (g_s.at(on)?, g_w.at(on)?);
    launch!(on, T, "sigmoid_mask_backward", n, [long(n), beta, lambda, s, w, g, g_s, g_w])
}

/// Byte 1 where s > 0: [`host::hard_mask`], without the count.
///
/// # Errors
/// As [`soft_threshold`].
pub fn hard_mask<T: Real>(s: View<'_, T>, keep: ViewMut<'_, u8>) -> Result<()> {
    let Some(on) = keep.session() else {
        return host::hard_mask(s.host()?, keep.host()?).map(|_| ());
    };
    let n = s.len();
    same_length("keep", keep.len(), "s", n)?;
    launch!(on, T, "hard_mask", n, [long(n), s.at(on)?, keep.at(on)?])
}

//! ReLU, GELU, sums, copies and flattening on arrays.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{both, launch},
        },
        check::{images, same_length},
        device::{Source, int, long},
        network::Real,
    },
};

/// The kernels of single numbers.
pub static SOURCE: Source = Source {
    name: "pointwise",
    text: include_str!("device.cu"),
    kernels: both!(
        [],
        "relu",
        "relu_backward",
        "gelu",
        "gelu_backward",
        "add",
        "copy",
        "flatten",
        "flatten_backward"
    ),
};

macro_rules! between {
    ($($(#[$meta:meta])* $name:ident($from:ident, $to:ident), $kernel:literal, $what:literal: $host:expr;)*) => {$(
        $(#[$meta])*
        ///
        /// # Errors
        /// When the lengths or places disagree, or the device fails.
        pub fn $name<T: Real>($from: View<'_, T>, $to: ViewMut<'_, T>) -> Result<()> {
            let Some(on) = $to.session() else {
                let ($from, $to) = ($from.host()?, $to.host()?);
                return $host;
            };
            same_length($what, $to.len(), "the other", $from.len())?;
            let n = $from.len();
            launch!(on, T, $kernel, n, [long(n), $from.at(on)?, $to.at(on)?])
        }
    )*};
}
between! {
    /// The gradient of ReLU in place: [`host::relu_backward`].
    relu_backward(y, dy), "relu_backward", "dy of a ReLU": host::relu_backward(y, dy);
    /// GELU: [`host::gelu`].
    gelu(x, y), "gelu", "y of a GELU": host::gelu(x, y);
    /// The gradient of GELU in place: [`host::gelu_backward`].
    gelu_backward(x, dy), "gelu_backward", "dy of a GELU": host::gelu_backward(x, dy);
    /// `to += from`: [`host::add`].
    add(from, to), "add", "a summand": host::add(to, from);
    /// `to = from`: [`host::copy`].
    copy(from, to), "copy", "a copy": host::copy(to, from);
}

/// `max(x, 0)` in place: [`host::relu`].
///
/// # Errors
/// When the device fails.
pub fn relu<T: Real>(x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.session() else {
        host::relu(x.host()?);
        return Ok(());
    };
    let n = x.len();
    launch!(on, T, "relu", n, [long(n), x.at(on)?, x.at(on)?])
}

/// Images channel by channel: [`host::flatten`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn flatten<T: Real>(
    x: View<'_, T>,
    y: ViewMut<'_, T>,
    pixels: usize,
    channels: usize,
) -> Result<()> {
    let Some(on) = y.session() else {
        return host::flatten(x.host()?, y.host()?, pixels, channels);
    };
    let (n, image) = (x.len(), pixels * channels);
    images("a flattened batch", n, image, y.len(), image)?;
    launch!(on, T, "flatten", n, [long(n), int(pixels), int(channels), x.at(on)?, y.at(on)?])
}

/// The gradient of [`flatten`]: [`host::flatten_backward`].
///
/// # Errors
/// As [`flatten`].
pub fn flatten_backward<T: Real>(
    dy: View<'_, T>,
    dx: ViewMut<'_, T>,
    pixels: usize,
    channels: usize,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
        return host::flatten_backward(dy.host()?, dx.host()?, pixels, channels, accumulate);
    };
    let (n, image) = (dx.len(), pixels * channels);
    images("a flattened batch", n, image, dy.len(), image)?;
    let (pixels, channels, add) = (int(pixels), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "flatten_backward", n, [long(n), pixels, channels, dy, dx, add])
}

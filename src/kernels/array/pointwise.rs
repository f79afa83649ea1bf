//! ReLU, GELU, sums, flattening, tokens and pooling of [`nn`](crate::kernels::nn) on arrays (`pointwise.cu`).

use super::{
    View, ViewMut,
    accelerator::{both, int, launch, long},
};
use crate::{
    Result,
    kernels::{
        machine::{Argument, Source},
        mask_weight::chunks::same_length,
        nn::{
            Real, pointwise,
            pool::{Kind, Pool},
            tokens,
        },
    },
};

/// The kernels of `pointwise.cu`.
pub static SOURCE: Source = Source {
    name: "pointwise",
    text: include_str!("../nn/pointwise.cu"),
    kernels: both!(
        [],
        "relu",
        "relu_backward",
        "gelu",
        "gelu_backward",
        "add",
        "copy",
        "flatten",
        "first_token",
        "flatten_backward",
        "tokens_backward",
        "first_token_backward",
        "tokens",
        "tokens_sums",
        "pool",
        "pool_backward"
    ),
};

macro_rules! between {
    ($($(#[$meta:meta])* $name:ident($from:ident, $to:ident), $kernel:literal, $what:literal: $host:expr;)*) => {$(
        $(#[$meta])*
        ///
        /// # Errors
        /// When the lengths or places disagree, or the device fails.
        pub fn $name<T: Real>($from: View<'_, T>, $to: ViewMut<'_, T>) -> Result<()> {
            let Some(on) = $to.accelerator() else {
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
    /// The gradient of ReLU in place: [`pointwise::relu_backward`].
    relu_backward(y, dy), "relu_backward", "dy of a ReLU": pointwise::relu_backward(y, dy);
    /// GELU: [`pointwise::gelu`].
    gelu(x, y), "gelu", "y of a GELU": pointwise::gelu(x, y);
    /// The gradient of GELU in place: [`pointwise::gelu_backward`].
    gelu_backward(x, dy), "gelu_backward", "dy of a GELU": pointwise::gelu_backward(x, dy);
    /// `to += from`: [`pointwise::add`].
    add(from, to), "add", "a summand": pointwise::add(to, from);
    /// `to = from`: [`pointwise::copy`].
    copy(from, to), "copy", "a copy": pointwise::copy(to, from);
}

/// `max(x, 0)` in place: [`pointwise::relu`].
///
/// # Errors
/// When the device fails.
pub fn relu<T: Real>(x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.accelerator() else {
        pointwise::relu(x.host()?);
        return Ok(());
    };
    let n = x.len();
    launch!(on, T, "relu", n, [long(n), x.at(on)?, x.at(on)?])
}

/// That two arrays are as many whole images.
fn images(what: &str, a: usize, of_a: usize, b: usize, of_b: usize) -> Result<()> {
    same_length(what, a % of_a.max(1), "whole images leave", 0)?;
    same_length(what, b, "as many images", a / of_a.max(1) * of_b)
}

/// Images channel by channel: [`pointwise::flatten`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn flatten<T: Real>(
    x: View<'_, T>,
    y: ViewMut<'_, T>,
    pixels: usize,
    channels: usize,
) -> Result<()> {
    let Some(on) = y.accelerator() else {
        return pointwise::flatten(x.host()?, y.host()?, pixels, channels);
    };
    let (n, image) = (x.len(), pixels * channels);
    images("a flattened batch", n, image, y.len(), image)?;
    launch!(on, T, "flatten", n, [long(n), int(pixels), int(channels), x.at(on)?, y.at(on)?])
}

/// The gradient of [`flatten`]: [`pointwise::flatten_backward`].
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
    let Some(on) = dx.accelerator() else {
        return pointwise::flatten_backward(dy.host()?, dx.host()?, pixels, channels, accumulate);
    };
    let (n, image) = (dx.len(), pixels * channels);
    images("a flattened batch", n, image, dy.len(), image)?;
    let (pixels, channels, add) = (int(pixels), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "flatten_backward", n, [long(n), pixels, channels, dy, dx, add])
}

/// Class token and positions: [`tokens::forward`].
///
/// # Errors
/// As [`flatten`].
pub fn tokens_forward<T: Real>(
    x: View<'_, T>,
    class: View<'_, T>,
    position: View<'_, T>,
    y: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.accelerator() else {
        return tokens::forward(x.host()?, class.host()?, position.host()?, y.host()?);
    };
    let (n, image, channels) = (y.len(), position.len(), class.len());
    images("tokens", n, image, x.len(), image.saturating_sub(channels))?;
    let (x, class, position, y) = (x.at(on)?, class.at(on)?, position.at(on)?, y.at(on)?);
    launch!(on, T, "tokens", n, [long(n), int(image), int(channels), x, class, position, y])
}

/// The gradients of class token and positions: [`tokens::backward_sums`].
///
/// # Errors
/// As [`flatten`].
pub fn tokens_sums<T: Real>(
    dy: View<'_, T>,
    class: ViewMut<'_, T>,
    position: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = position.accelerator() else {
        return tokens::backward_sums(dy.host()?, class.host()?, position.host()?);
    };
    let (image, channels) = (position.len(), class.len());
    images("tokens", dy.len(), image, 0, 0)?;
    same_length("the class token", channels.min(image), "a part of the positions", channels)?;
    let count = int(dy.len() / image.max(1));
    let (dy, class, position) = (dy.at(on)?, class.at(on)?, position.at(on)?);
    launch!(on, T, "tokens_sums", image, [count, int(image), int(channels), dy, class, position])
}

/// The gradient of the pixels: [`tokens::backward`].
///
/// # Errors
/// As [`flatten`].
pub fn tokens_backward<T: Real>(
    dy: View<'_, T>,
    image: usize,
    channels: usize,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.accelerator() else {
        return tokens::backward(dy.host()?, image, channels, dx.host()?, accumulate);
    };
    let n = dx.len();
    images("tokens", dy.len(), image, n, image.saturating_sub(channels))?;
    let (image, channels, add) = (int(image), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "tokens_backward", n, [long(n), image, channels, dy, dx, add])
}

/// The first token: [`tokens::first`].
///
/// # Errors
/// As [`flatten`].
pub fn first_token<T: Real>(
    x: View<'_, T>,
    image: usize,
    channels: usize,
    y: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.accelerator() else {
        return tokens::first(x.host()?, image, channels, y.host()?);
    };
    let n = y.len();
    images("tokens", x.len(), image, n, channels)?;
    launch!(on, T, "first_token", n, [long(n), int(image), int(channels), x.at(on)?, y.at(on)?])
}

/// The gradient of [`first_token`]: [`tokens::first_backward`].
///
/// # Errors
/// As [`flatten`].
pub fn first_token_backward<T: Real>(
    dy: View<'_, T>,
    image: usize,
    channels: usize,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.accelerator() else {
        return tokens::first_backward(dy.host()?, image, channels, dx.host()?, accumulate);
    };
    let n = dx.len();
    images("tokens", n, image, dy.len(), channels)?;
    let (image, channels, add) = (int(image), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "first_token_backward", n, [long(n), image, channels, dy, dx, add])
}

/// Kind and sizes of a pooling, and numbers of an image before and after it.
fn sizes(p: &Pool) -> ([Argument<'static>; 7], usize, usize) {
    let kind = usize::from(p.kind == Kind::Mean);
    let all = [kind, p.height, p.width, p.channels, p.window, p.stride, p.padding].map(int);
    (all, p.height * p.width * p.channels, p.out_height() * p.out_width() * p.channels)
}

/// Pooling: [`Pool::forward`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn pool<T: Real>(pool: &Pool, x: View<'_, T>, y: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = y.accelerator() else { return pool.forward(x.host()?, y.host()?) };
    pool.check()?;
    let (n, ([k, h, w, c, size, s, p], input, output)) = (y.len(), sizes(pool));
    images("y of a pooling", x.len(), input, n, output)?;
    launch!(on, T, "pool", n, [long(n), k, h, w, c, size, s, p, x.at(on)?, y.at(on)?])
}

/// The gradient of pooling: [`Pool::backward`].
///
/// # Errors
/// As [`pool()`].
pub fn pool_backward<T: Real>(
    pool: &Pool,
    x: View<'_, T>,
    y: View<'_, T>,
    dy: View<'_, T>,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.accelerator() else {
        return pool.backward(x.host()?, y.host()?, dy.host()?, dx.host()?, accumulate);
    };
    pool.check()?;
    let (n, ([k, h, w, c, size, s, p], input, output)) = (dx.len(), sizes(pool));
    images("y of a pooling", n, input, y.len(), output)?;
    same_length("x of a pooling", x.len(), "dx", n)?;
    same_length("dy of a pooling", dy.len(), "y", y.len())?;
    let (x, y, dy, dx) = (x.at(on)?, y.at(on)?, dy.at(on)?, dx.at(on)?);
    let add = int(usize::from(accumulate));
    launch!(on, T, "pool_backward", n, [long(n), k, h, w, c, size, s, p, x, y, dy, dx, add])
}

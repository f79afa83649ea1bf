//! Tokens on arrays.

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

/// The kernels of tokens.
pub static SOURCE: Source = Source {
    name: "tokens",
    text: include_str!("device.cu"),
    kernels: both!(
        [],
        "tokens",
        "tokens_sums",
        "tokens_backward",
        "first_token",
        "first_token_backward"
    ),
};

/// Class token and positions: [`host::forward`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn forward<T: Real>(
    x: View<'_, T>,
    class: View<'_, T>,
    position: View<'_, T>,
    y: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        return host::forward(x.host()?, class.host()?, position.host()?, y.host()?);
    };
    let (n, image, channels) = (y.len(), position.len(), class.len());
    images("tokens", n, image, x.len(), image.saturating_sub(channels))?;
    let (x, class, position, y) = (x.at(on)?, class.at(on)?, position.at(on)?, y.at(on)?);
    launch!(on, T, "tokens", n, [long(n), int(image), int(channels), x, class, position, y])
}

/// The gradients of class token and positions: [`host::backward_sums`].
///
/// # Errors
/// As [`forward`].
pub fn backward_sums<T: Real>(
    dy: View<'_, T>,
    class: ViewMut<'_, T>,
    position: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = position.session() else {
        return host::backward_sums(dy.host()?, class.host()?, position.host()?);
    };
    let (image, channels) = (position.len(), class.len());
    images("tokens", dy.len(), image, 0, 0)?;
    same_length("the class token", channels.min(image), "a part of the positions", channels)?;
    let count = int(dy.len() / image.max(1));
    let (dy, class, position) = (dy.at(on)?, class.at(on)?, position.at(on)?);
    launch!(on, T, "tokens_sums", image, [count, int(image), int(channels), dy, class, position])
}

/// The gradient of the pixels: [`host::backward`].
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Real>(
    dy: View<'_, T>,
    image: usize,
    channels: usize,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
        return host::backward(dy.host()?, image, channels, dx.host()?, accumulate);
    };
    let n = dx.len();
    images("tokens", dy.len(), image, n, image.saturating_sub(channels))?;
    let (image, channels, add) = (int(image), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "tokens_backward", n, [long(n), image, channels, dy, dx, add])
}

/// The first token: [`host::first`].
///
/// # Errors
/// As [`forward`].
pub fn first<T: Real>(
    x: View<'_, T>,
    image: usize,
    channels: usize,
    y: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        return host::first(x.host()?, image, channels, y.host()?);
    };
    let n = y.len();
    images("tokens", x.len(), image, n, channels)?;
    launch!(on, T, "first_token", n, [long(n), int(image), int(channels), x.at(on)?, y.at(on)?])
}

/// The gradient of [`first`]: [`host::first_backward`].
///
/// # Errors
/// As [`forward`].
pub fn first_backward<T: Real>(
    dy: View<'_, T>,
    image: usize,
    channels: usize,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
        return host::first_backward(dy.host()?, image, channels, dx.host()?, accumulate);
    };
    let n = dx.len();
    images("tokens", n, image, dy.len(), channels)?;
    let (image, channels, add) = (int(image), int(channels), int(usize::from(accumulate)));
    let (dy, dx) = (dy.at(on)?, dx.at(on)?);
    launch!(on, T, "first_token_backward", n, [long(n), image, channels, dy, dx, add])
}

//! Pooling on arrays.

use super::{Kind, Pool};
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{both, launch},
        },
        check::{images, same_length},
        device::{Argument, Source, int, long},
        network::Real,
    },
};

/// The kernels of pooling.
pub static SOURCE: Source = Source {
    name: "pool",
    text: include_str!("device.cu"),
    kernels: both!([], "pool", "pool_backward"),
};

/// Kind and sizes of a pooling, and numbers of an image before and after it.
fn sizes(p: &Pool) -> ([Argument; 7], usize, usize) {
    let kind = usize::from(p.kind == Kind::Mean);
    let all = [kind, p.height, p.width, p.channels, p.window, p.stride, p.padding].map(int);
    (all, p.height * p.width * p.channels, p.out_height() * p.out_width() * p.channels)
}

/// Pooling: [`Pool::forward`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn forward<T: Real>(pool: &Pool, x: View<'_, T>, y: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = y.session() else { return pool.forward(x.host()?, y.host()?) };
    pool.check()?;
    let (n, ([k, h, w, c, size, s, p], input, output)) = (y.len(), sizes(pool));
    images("y of a pooling", x.len(), input, n, output)?;
    launch!(on, T, "pool", n, [long(n), k, h, w, c, size, s, p, x.at(on)?, y.at(on)?])
}

/// The gradient of pooling: [`Pool::backward`].
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Real>(
    pool: &Pool,
    x: View<'_, T>,
    y: View<'_, T>,
    dy: View<'_, T>,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
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

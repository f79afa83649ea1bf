//! Layer norm on arrays.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            Buffer, View, ViewMut,
            home::{both, typed},
        },
        check::same_length,
        device::{Argument, Launch, Source, int, long},
        network::{
            Real,
            norm::{
                Affine, Pair,
                columns::{self, Sums},
                fits,
            },
        },
    },
};

/// The kernels of layer norm.
pub static SOURCE: Source = Source {
    name: "layer_norm",
    text: include_str!("device.cu"),
    kernels: both!([], "layer_moments", "layer_forward", "layer_sums", "layer_input"),
};

/// The launch of a kernel that has a block for each row.
fn rows(rows: usize) -> Launch {
    Launch { grid: rows.clamp(1, 1 << 14) as u32, block: 128, shared: 0 }
}

/// Layer norm: [`host::forward`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn forward<T: Real>(x: View<'_, T>, affine: Affine<'_, T>, y: ViewMut<'_, T>) -> Result<()> {
    let Affine { weight, bias, epsilon, .. } = affine;
    let Some(on) = y.session() else {
        return host::forward(x.host()?, weight.host()?, bias.host()?, epsilon, y.host()?);
    };
    let (n, columns) = (x.len(), weight.len());
    fits(n, columns, y.len(), bias.len())?;
    let count = n / columns;
    let (x, weight, bias, y) = (x.at(on)?, weight.at(on)?, bias.at(on)?, y.at(on)?);
    on.work(2 * count * size_of::<T>(), |work| {
        let moments = Argument::Memory(work.scratch);
        // SAFETY: as above.
        unsafe {
            let of = [int(count), int(columns), Argument::Double(epsilon), x, moments];
            work.session.launch(&SOURCE, typed!(T, "layer_moments"), rows(count), &of)?;
            let of = [long(n), int(columns), x, moments, weight, bias, y];
            work.over(&SOURCE, typed!(T, "layer_forward"), n, &of)
        }
    })
}

/// `dγ` and `dβ` of layer norm: [`host::backward_sums`].
///
/// # Errors
/// As [`forward`].
pub fn backward_sums<T: Real>(
    x: View<'_, T>,
    epsilon: f64,
    dy: View<'_, T>,
    (dweight, dbias): Pair<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = dweight.session() else {
        let sums = (dweight.host()?, dbias.host()?);
        return host::backward_sums(x.host()?, epsilon, dy.host()?, sums, scratch);
    };
    let columns = dweight.len();
    fits(x.len(), columns, dy.len(), dbias.len())?;
    let (sums, count) = (Sums::of(x.len(), columns), x.len() / columns);
    let (x, dy) = (x.at(on)?, dy.at(on)?);
    let (dweight, dbias) = (dweight.at(on)?, dbias.at(on)?);
    let [a, b, c] = sums.arguments();
    on.work(sums.bytes() + 2 * count * size_of::<T>(), |work| {
        let parts = Argument::Memory(work.scratch);
        let moments = Argument::At(work.scratch, sums.bytes());
        // SAFETY: as above.
        unsafe {
            let of = [int(count), int(columns), Argument::Double(epsilon), x, moments];
            work.session.launch(&SOURCE, typed!(T, "layer_moments"), rows(count), &of)?;
            let of = [a, b, c, x, moments, dy, parts];
            work.over(&SOURCE, typed!(T, "layer_sums"), sums.items(), &of)?;
            for (first, to) in [(0, dweight), (columns, dbias)] {
                let parts = Argument::At(work.scratch, 8 * first);
                let of = [int(columns), int(sums.chunks()), int(2 * columns), parts, to];
                work.over(&columns::SOURCE, typed!(T, "column_fold"), columns, &of)?;
            }
        }
        Ok(())
    })
}

/// `dx` of layer norm: [`host::backward_input`].
///
/// # Errors
/// As [`forward`].
pub fn backward_input<T: Real>(
    x: View<'_, T>,
    weight: View<'_, T>,
    epsilon: f64,
    dy: View<'_, T>,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
        let (x, weight, dy) = (x.host()?, weight.host()?, dy.host()?);
        return host::backward_input(x, weight, epsilon, dy, dx.host()?, accumulate);
    };
    let columns = weight.len();
    fits(x.len(), columns, dy.len(), columns)?;
    same_length("dx of a layer norm", dx.len(), "x", x.len())?;
    let count = x.len() / columns;
    let (x, weight, dy, dx) = (x.at(on)?, weight.at(on)?, dy.at(on)?, dx.at(on)?);
    on.work(2 * count * size_of::<T>(), |work| {
        let moments = Argument::Memory(work.scratch);
        let add = int(usize::from(accumulate));
        // SAFETY: as above.
        unsafe {
            let of = [int(count), int(columns), Argument::Double(epsilon), x, moments];
            work.session.launch(&SOURCE, typed!(T, "layer_moments"), rows(count), &of)?;
            let of = [int(count), int(columns), x, moments, weight, dy, dx, add];
            work.session.launch(&SOURCE, typed!(T, "layer_input"), rows(count), &of)
        }
    })
}

//! Batch norm on arrays.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            Buffer, View, ViewMut,
            home::{both, launch, typed},
        },
        check::same_length,
        device::{Argument, Source, int, long},
        network::{
            Real,
            norm::{Affine, Pair, columns::Sums, fits},
        },
    },
};

/// The kernels of batch norm.
pub static SOURCE: Source = Source {
    name: "batch_norm",
    text: include_str!("device.cu"),
    kernels: both!(
        [],
        "batch_moments",
        "batch_statistics",
        "batch_scales",
        "batch_apply",
        "batch_sums",
        "batch_slopes",
        "batch_gradient"
    ),
};

impl<'a, T: Real> Affine<'a, T> {
    fn host(self) -> Result<host::Affine<'a, T>> {
        let (weight, bias) = (self.weight.host()?, self.bias.host()?);
        Ok(host::Affine { weight, bias, epsilon: self.epsilon, relu: self.relu })
    }
}

/// Training: [`host::forward_train`], with the running statistics, their momentum, and what is kept.
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn train<T: Real>(
    x: View<'_, T>,
    affine: Affine<'_, T>,
    residual: Option<View<'_, T>>,
    (running, momentum): (Pair<'_, T>, f64),
    kept: Pair<'_, T>,
    y: ViewMut<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        let residual = residual.map(View::host).transpose()?;
        let running =
            host::Running { mean: running.0.host()?, variance: running.1.host()?, momentum };
        let kept = host::Kept { mean: kept.0.host()?, inverse: kept.1.host()? };
        let (x, affine, y) = (x.host()?, affine.host()?, y.host()?);
        return host::forward_train(x, &affine, residual, running, kept, y, scratch);
    };
    let channels = affine.weight.len();
    fits(x.len(), channels, y.len(), affine.bias.len())?;
    for pair in [&running, &kept] {
        same_length("a statistic of a batch norm", pair.0.len(), "its channels", channels)?;
        same_length("a statistic of a batch norm", pair.1.len(), "its channels", channels)?;
    }
    let sums = Sums::of(x.len(), channels);
    let n = x.len();
    let (of_x, of_y) = (x.at(on)?, y.at(on)?);
    let residual = match residual {
        Some(r) => {
            same_length("the residual of a batch norm", r.len(), "x", n)?;
            r.at(on)?
        }
        None => Argument::Null,
    };
    let statistics = [
        affine.weight.at(on)?,
        affine.bias.at(on)?,
        kept.0.at(on)?,
        kept.1.at(on)?,
        running.0.at(on)?,
        running.1.at(on)?,
    ];
    let [a, b, c] = sums.arguments();
    on.work(sums.bytes() + 16 * channels, |work| {
        let scratch = work.scratch;
        let parts = Argument::Memory(scratch);
        let scale = Argument::At(scratch, sums.bytes());
        let shift = Argument::At(scratch, sums.bytes() + 8 * channels);
        let mut all =
            vec![a, b, c, parts, Argument::Double(affine.epsilon), Argument::Double(momentum)];
        all.extend(statistics);
        all.extend([scale, shift]);
        let relu = int(usize::from(affine.relu));
        // SAFETY: the arguments of the kernels in their order, of the lengths just checked.
        unsafe {
            let moments = [a, b, c, of_x, parts];
            work.over(&SOURCE, typed!(T, "batch_moments"), sums.items(), &moments)?;
            work.over(&SOURCE, typed!(T, "batch_statistics"), channels, &all)?;
            let apply = [long(n), int(channels), of_x, scale, shift, residual, relu, of_y];
            work.over(&SOURCE, typed!(T, "batch_apply"), n, &apply)
        }
    })
}

/// Evaluation: [`host::forward_eval`].
///
/// # Errors
/// As [`train`].
pub fn eval<T: Real>(
    x: View<'_, T>,
    affine: Affine<'_, T>,
    residual: Option<View<'_, T>>,
    (mean, variance): (View<'_, T>, View<'_, T>),
    y: ViewMut<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        let residual = residual.map(View::host).transpose()?;
        let running = (mean.host()?, variance.host()?);
        let (x, affine, y) = (x.host()?, affine.host()?, y.host()?);
        return host::forward_eval(x, &affine, residual, running, y, scratch);
    };
    let (n, channels) = (x.len(), affine.weight.len());
    fits(n, channels, y.len(), affine.bias.len())?;
    same_length("the running mean", mean.len(), "its channels", channels)?;
    same_length("the running variance", variance.len(), "its channels", channels)?;
    let residual = match residual {
        Some(r) => {
            same_length("the residual of a batch norm", r.len(), "x", n)?;
            r.at(on)?
        }
        None => Argument::Null,
    };
    let (x, y) = (x.at(on)?, y.at(on)?);
    let (weight, bias) = (affine.weight.at(on)?, affine.bias.at(on)?);
    let (mean, variance) = (mean.at(on)?, variance.at(on)?);
    on.work(16 * channels, |work| {
        let (scale, shift) =
            (Argument::Memory(work.scratch), Argument::At(work.scratch, 8 * channels));
        let epsilon = Argument::Double(affine.epsilon);
        let scales = [int(channels), epsilon, weight, bias, mean, variance, scale, shift];
        let relu = int(usize::from(affine.relu));
        // SAFETY: as above.
        unsafe {
            work.over(&SOURCE, typed!(T, "batch_scales"), channels, &scales)?;
            let apply = [long(n), int(channels), x, scale, shift, residual, relu, y];
            work.over(&SOURCE, typed!(T, "batch_apply"), n, &apply)
        }
    })
}

/// Masks `dy` to g and sums `dγ`, `dβ`: [`host::backward_sums`].
///
/// # Errors
/// As [`train`].
pub fn backward_sums<T: Real>(
    x: View<'_, T>,
    y: View<'_, T>,
    dy: ViewMut<'_, T>,
    relu: bool,
    (mean, inverse): (View<'_, T>, View<'_, T>),
    (dweight, dbias): Pair<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = dy.session() else {
        let kept = (mean.host()?, inverse.host()?);
        let (dweight, dbias) = (dweight.host()?, dbias.host()?);
        return host::backward_sums(
            x.host()?,
            y.host()?,
            dy.host()?,
            relu,
            kept,
            dweight,
            dbias,
            scratch,
        );
    };
    let channels = dweight.len();
    fits(x.len(), channels, y.len(), dbias.len())?;
    same_length("dy of a batch norm", dy.len(), "x", x.len())?;
    same_length("the mean of a batch norm", mean.len(), "its channels", channels)?;
    same_length("1/σ of a batch norm", inverse.len(), "its channels", channels)?;
    let sums = Sums::of(x.len(), channels);
    let (x, y, dy) = (x.at(on)?, y.at(on)?, dy.at(on)?);
    let (mean, inverse) = (mean.at(on)?, inverse.at(on)?);
    let (dweight, dbias) = (dweight.at(on)?, dbias.at(on)?);
    let [a, b, c] = sums.arguments();
    on.work(sums.bytes(), |work| {
        let parts = Argument::Memory(work.scratch);
        let relu = int(usize::from(relu));
        // SAFETY: as above.
        unsafe {
            let of = [a, b, c, x, y, dy, relu, mean, parts];
            work.over(&SOURCE, typed!(T, "batch_sums"), sums.items(), &of)?;
            let of = [a, b, c, parts, inverse, dweight, dbias];
            work.over(&SOURCE, typed!(T, "batch_slopes"), channels, &of)
        }
    })
}

/// Turns g into `dx` in place: [`host::backward_apply`].
///
/// # Errors
/// As [`train`].
pub fn backward_apply<T: Real>(
    x: View<'_, T>,
    g: ViewMut<'_, T>,
    weight: View<'_, T>,
    (mean, inverse): (View<'_, T>, View<'_, T>),
    (dweight, dbias): (View<'_, T>, View<'_, T>),
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let Some(on) = g.session() else {
        let kept = (mean.host()?, inverse.host()?);
        let sums = (dweight.host()?, dbias.host()?);
        return host::backward_apply(x.host()?, g.host()?, weight.host()?, kept, sums, scratch);
    };
    let (n, channels) = (x.len(), weight.len());
    fits(n, channels, g.len(), dbias.len())?;
    for v in [mean, inverse, dweight] {
        same_length("a sum of a batch norm", v.len(), "its channels", channels)?;
    }
    let (x, weight) = (x.at(on)?, weight.at(on)?);
    let (mean, inverse, dweight, dbias) =
        (mean.at(on)?, inverse.at(on)?, dweight.at(on)?, dbias.at(on)?);
    let g = g.at(on)?;
    let channels = int(channels);
    launch!(
        on,
        T,
        "batch_gradient",
        n,
        [long(n), channels, x, g, weight, mean, inverse, dweight, dbias]
    )
}

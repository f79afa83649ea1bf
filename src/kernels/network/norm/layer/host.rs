//! Layer normalisation of rows: `y = γ·(x − μ)/√(σ² + ε) + β` with μ, σ² (biased) of each row of C numbers (Ba, Kiros & Hinton
//! 2016; PyTorch's `LayerNorm`). With `x̂ = (x − μ)/√(σ² + ε)`, `g = γ⊙dy`:
//! `dx = (g − mean(g) − x̂·mean(g⊙x̂))/√(σ² + ε)`, `dγ = Σ_rows dy⊙x̂`, `dβ = Σ_rows dy`.

use rayon::prelude::*;

use crate::Result;
use crate::kernels::check::check_len;
use crate::kernels::{array::Buffer, network::Real};

/// Rows of a piece of work; sums over rows are taken inside pieces, then over the pieces in order.
const ROWS: usize = 32;

/// `y` out of `x`.
///
/// # Errors
/// When x is not a whole number of rows (of the length of γ), or β or y does not fit.
///
/// # Examples
/// ```
/// use mirrorflow::kernels::network::norm::layer::host::forward;
/// let mut y = [0.0; 2];
/// forward(&[1.0, 3.0], &[1.0, 2.0], &[0.0, 1.0], 0.0, &mut y)?;
/// assert_eq!(y, [-1.0, 3.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn forward<T: Real>(
    x: &[T],
    weight: &[T],
    bias: &[T],
    epsilon: f64,
    y: &mut [T],
) -> Result<()> {
    let columns = check(x, weight.len(), y.len())?;
    check_len("β of a layer norm", bias.len(), columns)?;
    y.par_chunks_mut(columns * ROWS).zip(x.par_chunks(columns * ROWS)).for_each(|(y, x)| {
        for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
            let (mean, inverse) = moments(x, epsilon);
            for i in 0..columns {
                y[i] = weight[i] * ((x[i] - mean) * inverse) + bias[i];
            }
        }
    });
    Ok(())
}

/// `dγ` and `dβ` out of `dy`.
///
/// # Errors
/// As [`forward`].
pub fn backward_sums<T: Real>(
    x: &[T],
    epsilon: f64,
    dy: &[T],
    (dweight, dbias): (&mut [T], &mut [T]),
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let columns = check(x, dweight.len(), dy.len())?;
    check_len("dβ of a layer norm", dbias.len(), columns)?;
    let piece = columns * ROWS;
    let parts = scratch.first(x.len().div_ceil(piece) * 2 * columns);
    let work = parts.par_chunks_mut(2 * columns).zip(x.par_chunks(piece).zip(dy.par_chunks(piece)));
    work.for_each(|(part, (x, dy))| {
        part.fill(T::ZERO);
        let (slope, sum) = part.split_at_mut(columns);
        for (x, dy) in x.chunks_exact(columns).zip(dy.chunks_exact(columns)) {
            let (mean, inverse) = moments(x, epsilon);
            for i in 0..columns {
                slope[i] += dy[i] * ((x[i] - mean) * inverse);
                sum[i] += dy[i];
            }
        }
    });
    for i in 0..columns {
        let total = |at: usize| parts.chunks_exact(2 * columns).map(|p| p[at].f64()).sum::<f64>();
        dweight[i] = T::of(total(i));
        dbias[i] = T::of(total(columns + i));
    }
    Ok(())
}

/// `dx`, or `dx += …` with `accumulate`, out of `dy`.
///
/// # Errors
/// As [`forward`].
pub fn backward_input<T: Real>(
    x: &[T],
    weight: &[T],
    epsilon: f64,
    dy: &[T],
    dx: &mut [T],
    accumulate: bool,
) -> Result<()> {
    let columns = check(x, weight.len(), dy.len())?;
    check_len("dx of a layer norm", dx.len(), x.len())?;
    let piece = columns * ROWS;
    let work = dx.par_chunks_mut(piece).zip(x.par_chunks(piece).zip(dy.par_chunks(piece)));
    work.for_each(|(dx, (x, dy))| {
        let rows = x.chunks_exact(columns).zip(dy.chunks_exact(columns));
        for (dx, (x, dy)) in dx.chunks_exact_mut(columns).zip(rows) {
            let (mean, inverse) = moments(x, epsilon);
            let (mut sum, mut slope) = (0.0, 0.0);
            for i in 0..columns {
                let g = (weight[i] * dy[i]).f64();
                sum += g;
                slope += g * ((x[i] - mean) * inverse).f64();
            }
            let share = 1.0 / columns as f64;
            let (sum, slope) = (T::of(sum * share), T::of(slope * share));
            for i in 0..columns {
                let normal = (x[i] - mean) * inverse;
                let value = (weight[i] * dy[i] - sum - normal * slope) * inverse;
                dx[i] = if accumulate { dx[i] + value } else { value };
            }
        }
    });
    Ok(())
}

/// Mean and `1/√(σ² + ε)` of a row, summed in f64.
fn moments<T: Real>(x: &[T], epsilon: f64) -> (T, T) {
    let share = 1.0 / x.len() as f64;
    let mean = x.iter().map(|x| x.f64()).sum::<f64>() * share;
    let squares = x.iter().map(|x| (x.f64() - mean) * (x.f64() - mean)).sum::<f64>();
    (T::of(mean), T::of(1.0 / (squares * share + epsilon).sqrt()))
}

fn check<T>(x: &[T], columns: usize, y: usize) -> Result<usize> {
    check_len("the last row of x of a layer norm", x.len() % columns.max(1), 0)?;
    check_len("y of a layer norm", y, x.len())?;
    Ok(columns)
}

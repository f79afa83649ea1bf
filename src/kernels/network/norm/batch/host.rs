//! Batch normalisation, fused with a residual sum and ReLU:
//! `y = relu?(γ·(x − μ)/√(σ² + ε) + β + r?)`, one μ, σ² for each channel over all images and pixels
//! (Ioffe & Szegedy 2015; PyTorch's `BatchNorm2d`: σ² biased in the forward pass, unbiased in the running statistics,
//! `running += momentum·(batch − running)`).
//!
//! With `g = dy` where y > 0 (with ReLU), M pixels, `x̂ = (x − μ)/√(σ² + ε)`:
//! `dβ = Σ g`, `dγ = Σ g·x̂`, `dx = γ/√(σ² + ε) · (g − dβ/M − x̂·dγ/M)`, `dr = g`.
//!
//! Statistics are taken over chunks of a fixed number of pixels, inside a chunk in two passes about its own mean, and
//! chunks are merged in order in f64 (Chan, Golub & LeVeque 1979): a mean far from zero costs no digits.

use rayon::prelude::*;

use crate::Result;
use crate::kernels::check::check_len;
use crate::kernels::{
    array::Buffer,
    network::{
        Real,
        real::{Lanes, kernel},
    },
};

/// What a training pass keeps for its backward pass: a number each for every channel.
#[derive(Debug)]
pub struct Kept<'a, T> {
    /// μ of the batch.
    pub mean: &'a mut [T],
    /// `1/√(σ² + ε)`.
    pub inverse: &'a mut [T],
}

/// Parameters γ, β and what stands beside them.
#[derive(Debug, Clone, Copy)]
pub struct Affine<'a, T> {
    /// γ.
    pub weight: &'a [T],
    /// β.
    pub bias: &'a [T],
    /// ε, 1e-5 in PyTorch.
    pub epsilon: f64,
    /// Whether ReLU follows.
    pub relu: bool,
}

/// Running statistics, updated by every training pass.
#[derive(Debug)]
pub struct Running<'a, T> {
    /// Mean.
    pub mean: &'a mut [T],
    /// Unbiased variance.
    pub variance: &'a mut [T],
    /// Weight of the new batch, 0.1 in PyTorch.
    pub momentum: f64,
}

/// Numbers of a chunk, about: what the first cache holds of x and of dy.
const CHUNK: usize = 2048;

fn chunk_len(channels: usize) -> usize {
    (CHUNK / channels).max(1) * channels
}

/// The pass of training: statistics of this batch.
///
/// # Errors
/// When a length does not fit the number of channels (that of γ).
///
/// # Examples
/// ```
/// use mirrorflow::kernels::{array::Buffer, network::norm::batch::host::{Affine, Kept, Running, forward_train}};
/// let affine = Affine { weight: &[1.0], bias: &[0.0], epsilon: 0.0, relu: false };
/// let (mut mean, mut variance, mut y) = ([0.0], [1.0], [0.0; 2]);
/// let running = Running { mean: &mut mean, variance: &mut variance, momentum: 0.1 };
/// let (mut of_batch, mut inverse) = ([0.0], [0.0]);
/// let kept = Kept { mean: &mut of_batch, inverse: &mut inverse };
/// forward_train(&[1.0, 5.0], &affine, None, running, kept, &mut y, &mut Buffer::default())?;
/// assert_eq!(y, [-1.0, 1.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn forward_train<T: Real>(
    x: &[T],
    affine: &Affine<'_, T>,
    residual: Option<&[T]>,
    running: Running<'_, T>,
    kept: Kept<'_, T>,
    y: &mut [T],
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let channels = affine.weight.len();
    check(x, affine, residual, y)?;
    check_len("running mean", running.mean.len(), channels)?;
    check_len("running variance", running.variance.len(), channels)?;
    check_len("mean of a batch norm", kept.mean.len(), channels)?;
    check_len("1/σ of a batch norm", kept.inverse.len(), channels)?;
    let pixels = x.len() / channels;
    let chunk = chunk_len(channels);
    let chunks = x.len().div_ceil(chunk);
    let (parts, rest) =
        scratch.first(chunks * 2 * channels + 2 * channels).split_at_mut(chunks * 2 * channels);
    parts.par_chunks_mut(2 * channels).zip(x.par_chunks(chunk)).for_each(|(part, x)| {
        moments(x, part);
    });
    let (scale, shift) = rest.split_at_mut(channels);
    for c in 0..channels {
        let (mut count, mut mean, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (part, x) in parts.chunks_exact(2 * channels).zip(x.chunks(chunk)) {
            let (n, delta) = ((x.len() / channels) as f64, part[c].f64() - mean);
            count += n;
            mean += delta * n / count;
            squares += part[channels + c].f64() + delta * delta * (count - n) * n / count;
        }
        let variance = squares / count;
        let inverse = 1.0 / (variance + affine.epsilon).sqrt();
        kept.mean[c] = T::of(mean);
        kept.inverse[c] = T::of(inverse);
        // One pixel has no unbiased variance; PyTorch refuses it, the biased one (0) is kept here.
        let unbiased = squares / (pixels.max(2) - 1) as f64;
        let blend = |old: T, new: f64| T::of(old.f64() + running.momentum * (new - old.f64()));
        running.mean[c] = blend(running.mean[c], mean);
        running.variance[c] = blend(running.variance[c], unbiased);
        scale[c] = T::of(affine.weight[c].f64() * inverse);
        shift[c] = T::of(affine.bias[c].f64() - affine.weight[c].f64() * inverse * mean);
    }
    apply(x, scale, shift, residual, affine.relu, y);
    Ok(())
}

/// The pass of evaluation: running statistics.
///
/// # Errors
/// As [`forward_train`].
pub fn forward_eval<T: Real>(
    x: &[T],
    affine: &Affine<'_, T>,
    residual: Option<&[T]>,
    (mean, variance): (&[T], &[T]),
    y: &mut [T],
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let channels = affine.weight.len();
    check(x, affine, residual, y)?;
    check_len("running mean", mean.len(), channels)?;
    check_len("running variance", variance.len(), channels)?;
    let (scale, shift) = scratch.first(2 * channels).split_at_mut(channels);
    for c in 0..channels {
        let a = affine.weight[c].f64() / (variance[c].f64() + affine.epsilon).sqrt();
        scale[c] = T::of(a);
        shift[c] = T::of(affine.bias[c].f64() - a * mean[c].f64());
    }
    apply(x, scale, shift, residual, affine.relu, y);
    Ok(())
}

/// The first half of the backward pass: masks `dy` to g where ReLU follows (y is what the forward pass gave) and
/// sums `dγ`, `dβ`. g is also the gradient of the residual.
///
/// # Errors
/// As [`forward_train`].
pub fn backward_sums<T: Real>(
    x: &[T],
    y: &[T],
    dy: &mut [T],
    relu: bool,
    (mean, inverse): (&[T], &[T]),
    dweight: &mut [T],
    dbias: &mut [T],
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let channels = dweight.len();
    check_len("dβ", dbias.len(), channels)?;
    check_len("y of a batch norm", y.len(), x.len())?;
    check_len("dy of a batch norm", dy.len(), x.len())?;
    check_len("mean of a batch norm", mean.len(), channels)?;
    check_len("1/σ of a batch norm", inverse.len(), channels)?;
    let chunk = chunk_len(channels);
    let parts = scratch.first(x.len().div_ceil(chunk) * 2 * channels);
    let places = x.par_chunks(chunk).zip(y.par_chunks(chunk)).zip(dy.par_chunks_mut(chunk));
    parts.par_chunks_mut(2 * channels).zip(places).for_each(|(part, ((x, y), dy))| {
        gradient_sums(x, y, dy, relu, mean, part);
    });
    for c in 0..channels {
        let sum = |at: usize| parts.chunks_exact(2 * channels).map(|p| p[at].f64()).sum::<f64>();
        dbias[c] = T::of(sum(c));
        dweight[c] = T::of(sum(channels + c) * inverse[c].f64());
    }
    Ok(())
}

/// The second half: turns g into `dx` in place.
///
/// # Errors
/// As [`forward_train`].
pub fn backward_apply<T: Real>(
    x: &[T],
    g: &mut [T],
    weight: &[T],
    (mean, inverse): (&[T], &[T]),
    (dweight, dbias): (&[T], &[T]),
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let channels = weight.len();
    check_len("g of a batch norm", g.len(), x.len())?;
    check_len("dγ", dweight.len(), channels)?;
    check_len("dβ", dbias.len(), channels)?;
    check_len("mean of a batch norm", mean.len(), channels)?;
    check_len("1/σ of a batch norm", inverse.len(), channels)?;
    let pixels = (x.len() / channels) as f64;
    let rows = scratch.first(3 * channels);
    let (a, rest) = rows.split_at_mut(channels);
    let (b, c) = rest.split_at_mut(channels);
    for i in 0..channels {
        let inverse = inverse[i].f64();
        let scale = weight[i].f64() * inverse;
        let slope = -scale * inverse * dweight[i].f64() / pixels;
        a[i] = T::of(scale);
        b[i] = T::of(slope);
        c[i] = T::of(-scale * dbias[i].f64() / pixels);
    }
    let (a, b, c) = (&*a, &*b, &*c);
    let chunk = chunk_len(channels);
    g.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).for_each(|(g, x)| {
        gradient(x, g, a, b, c, mean);
    });
    Ok(())
}

fn check<T: Real>(x: &[T], affine: &Affine<'_, T>, residual: Option<&[T]>, y: &[T]) -> Result<()> {
    let channels = affine.weight.len();
    check_len("β of a batch norm", affine.bias.len(), channels)?;
    check_len("the last pixel of x of a batch norm", x.len() % channels.max(1), 0)?;
    check_len("y of a batch norm", y.len(), x.len())?;
    residual.map_or(Ok(()), |r| check_len("the residual of a batch norm", r.len(), x.len()))
}

fn apply<T: Real>(
    x: &[T],
    scale: &[T],
    shift: &[T],
    residual: Option<&[T]>,
    relu: bool,
    y: &mut [T],
) {
    let chunk = chunk_len(scale.len());
    match residual {
        Some(r) => y
            .par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk))
            .zip(r.par_chunks(chunk))
            .for_each(|((y, x), r)| normalize_add(x, r, scale, shift, relu, y)),
        None => y
            .par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk))
            .for_each(|(y, x)| normalize(x, scale, shift, relu, y)),
    }
}

/// Numbers of several pixels side by side, where channels are few and divide it: sums that stay in registers.
const SIDE: usize = 64;

/// `sums[c] += f(number, c)` over all pixels.
#[inline(always)]
fn over_pixels<E: Real>(x: &[E], sums: &mut [E], f: impl Fn(E, usize, E) -> E) {
    let channels = sums.len();
    let mut rest = x;
    if channels < SIDE && SIDE.is_multiple_of(channels) {
        let (blocks, left) = x.as_chunks::<SIDE>();
        let mut side = [E::ZERO; SIDE];
        for x in blocks {
            for i in 0..SIDE {
                side[i] = f(x[i], i, side[i]);
            }
        }
        for side in side.chunks_exact(channels) {
            sums.iter_mut().zip(side).for_each(|(sum, side)| *sum += *side);
        }
        rest = left;
    }
    for x in rest.chunks_exact(channels) {
        for c in 0..channels {
            sums[c] = f(x[c], c, sums[c]);
        }
    }
}

/// `a` again and again, as far as [`over_pixels`] looks.
#[inline(always)]
fn beside<E: Real>(a: &[E]) -> [E; SIDE] {
    std::array::from_fn(|i| a[i % a.len()])
}

#[inline(always)]
fn moments_body<L: Lanes>(x: &[L::E], part: &mut [L::E]) {
    let channels = part.len() / 2;
    let (mean, squares) = part.split_at_mut(channels);
    mean.fill(L::E::ZERO);
    squares.fill(L::E::ZERO);
    over_pixels(x, mean, |x, _, sum| sum + x);
    let share = L::E::of(channels as f64 / x.len() as f64);
    mean.iter_mut().for_each(|m| *m = *m * share);
    let square = |apart: L::E, sum: L::E| L::fma1(apart, apart, sum);
    if channels < SIDE {
        let mean = beside(mean);
        over_pixels(x, squares, |x, c, sum| square(x - mean[c], sum));
    } else {
        over_pixels(x, squares, |x, c, sum| square(x - mean[c], sum));
    }
}

kernel! {
    /// Mean and sum of squares about it of each channel of a chunk.
    fn moments(x: &[T], part: &mut [T]) = moments_body
}

#[inline(always)]
fn normalize_body<L: Lanes>(
    x: &[L::E],
    scale: &[L::E],
    shift: &[L::E],
    relu: bool,
    y: &mut [L::E],
) {
    let channels = scale.len();
    let floor = if relu { L::E::ZERO } else { L::E::of(f64::NEG_INFINITY) };
    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        for c in 0..channels {
            let value = L::fma1(x[c], scale[c], shift[c]);
            // NaN goes through, so that divergence is seen.
            y[c] = if value < floor { floor } else { value };
        }
    }
}

kernel! { fn normalize(x: &[T], scale: &[T], shift: &[T], relu: bool, y: &mut [T]) = normalize_body }

#[inline(always)]
fn normalize_add_body<L: Lanes>(
    x: &[L::E],
    r: &[L::E],
    scale: &[L::E],
    shift: &[L::E],
    relu: bool,
    y: &mut [L::E],
) {
    let channels = scale.len();
    let floor = if relu { L::E::ZERO } else { L::E::of(f64::NEG_INFINITY) };
    let rows = x.chunks_exact(channels).zip(r.chunks_exact(channels));
    for (y, (x, r)) in y.chunks_exact_mut(channels).zip(rows) {
        for c in 0..channels {
            let value = L::fma1(x[c], scale[c], shift[c]) + r[c];
            y[c] = if value < floor { floor } else { value };
        }
    }
}

kernel! {
    fn normalize_add(x: &[T], r: &[T], scale: &[T], shift: &[T], relu: bool, y: &mut [T]) = normalize_add_body
}

#[inline(always)]
fn gradient_sums_body<L: Lanes>(
    x: &[L::E],
    y: &[L::E],
    dy: &mut [L::E],
    relu: bool,
    mean: &[L::E],
    part: &mut [L::E],
) {
    let channels = mean.len();
    let (sum, slope) = part.split_at_mut(channels);
    sum.fill(L::E::ZERO);
    slope.fill(L::E::ZERO);
    if relu {
        for (dy, y) in dy.iter_mut().zip(y) {
            *dy = if *y > L::E::ZERO { *dy } else { L::E::ZERO };
        }
    }
    let mut done = 0;
    if channels < SIDE && SIDE.is_multiple_of(channels) {
        let mean = beside(mean);
        let (mut sums, mut slopes) = ([L::E::ZERO; SIDE], [L::E::ZERO; SIDE]);
        for (dy, x) in dy.as_chunks::<SIDE>().0.iter().zip(x.as_chunks::<SIDE>().0) {
            for i in 0..SIDE {
                sums[i] += dy[i];
                slopes[i] = L::fma1(dy[i], x[i] - mean[i], slopes[i]);
            }
        }
        for i in 0..SIDE {
            sum[i % channels] += sums[i];
            slope[i % channels] += slopes[i];
        }
        done = dy.len() / SIDE * SIDE;
    }
    for (dy, x) in dy[done..].chunks_exact(channels).zip(x[done..].chunks_exact(channels)) {
        for c in 0..channels {
            sum[c] += dy[c];
            slope[c] = L::fma1(dy[c], x[c] - mean[c], slope[c]);
        }
    }
}

kernel! {
    /// Masks and sums a chunk.
    fn gradient_sums(x: &[T], y: &[T], dy: &mut [T], relu: bool, mean: &[T], part: &mut [T]) = gradient_sums_body
}

#[inline(always)]
fn gradient_body<L: Lanes>(
    x: &[L::E],
    g: &mut [L::E],
    a: &[L::E],
    b: &[L::E],
    c: &[L::E],
    mean: &[L::E],
) {
    let channels = mean.len();
    let (a, b, c) = (&a[..channels], &b[..channels], &c[..channels]);
    for (g, x) in g.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
        for i in 0..channels {
            g[i] = L::fma1(a[i], g[i], L::fma1(b[i], x[i] - mean[i], c[i]));
        }
    }
}

kernel! {
    fn gradient(x: &[T], g: &mut [T], a: &[T], b: &[T], c: &[T], mean: &[T]) = gradient_body
}

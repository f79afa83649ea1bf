//! The arithmetic of a block of descents: two products with Z, and the step of each objective. `n×LANES` is n groups
//! of [`LANES`] numbers, one for each run.

use crate::kernels::batch::LANES;
use crate::numerics::{
    dispatch::dispatch,
    simd::{Isa, LANES as WIDTH, kernel},
};

/// `R = ZX − Y`: `x` n×LANES, `y` and `r` d×LANES.
#[inline(always)]
fn product_body<I: Isa>(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) {
    // As many rows of Z as have their running sums in registers.
    if I::MANY_REGISTERS {
        product_tiles::<I, 4>(z, x, y, r);
    } else {
        product_tiles::<I, 2>(z, x, y, r);
    }
}

#[inline(always)]
fn product_tiles<I: Isa, const TILE: usize>(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) {
    let n = x.len() / LANES;
    for (t, (r, y)) in r.chunks_mut(TILE * LANES).zip(y.chunks(TILE * LANES)).enumerate() {
        let rows = &z[t * TILE * n..];
        let minus = I::splat(-1.0);
        let height = r.len() / LANES;
        // A row that is not there repeats the last that is: its sums are thrown away.
        let row: [&[f64]; TILE] = std::array::from_fn(|j| {
            let j = j.min(height - 1);
            &rows[j * n..(j + 1) * n]
        });
        let mut sums = [[I::splat(0.0); 2]; TILE];
        for (i, x) in x.chunks_exact(LANES).enumerate() {
            let (low, high) = (I::load(x), I::load(&x[WIDTH..]));
            for j in 0..TILE {
                let z = I::splat(row[j][i]);
                sums[j] = [I::mul_add(z, low, sums[j][0]), I::mul_add(z, high, sums[j][1])];
            }
        }
        for (j, (r, y)) in r.chunks_exact_mut(LANES).zip(y.chunks_exact(LANES)).enumerate() {
            I::store(I::mul_add(minus, I::load(y), sums[j][0]), r);
            I::store(I::mul_add(minus, I::load(&y[WIDTH..]), sums[j][1]), &mut r[WIDTH..]);
        }
    }
}

kernel!(pub(super) fn product(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) = product_body);

/// `G = scale ZᵀR`: `r` d×LANES, `g` n×LANES.
#[inline(always)]
fn transposed_body<I: Isa>(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) {
    if I::MANY_REGISTERS {
        transposed_tiles::<I, 4>(z, r, scale, g);
    } else {
        transposed_tiles::<I, 2>(z, r, scale, g);
    }
}

#[inline(always)]
fn transposed_tiles<I: Isa, const TILE: usize>(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) {
    let n = g.len() / LANES;
    for (t, g) in g.chunks_mut(TILE * LANES).enumerate() {
        let (first, width) = (t * TILE, g.len() / LANES);
        let mut sums = [[I::splat(0.0); 2]; TILE];
        for (row, r) in z.chunks_exact(n).zip(r.chunks_exact(LANES)) {
            let (low, high) = (I::load(r), I::load(&r[WIDTH..]));
            for i in 0..TILE {
                let z = I::splat(row[first + i.min(width - 1)]);
                sums[i] = [I::mul_add(z, low, sums[i][0]), I::mul_add(z, high, sums[i][1])];
            }
        }
        let scale = I::splat(scale);
        for (i, g) in g.chunks_exact_mut(LANES).enumerate() {
            I::store(I::mul(scale, sums[i][0]), g);
            I::store(I::mul(scale, sums[i][1]), &mut g[WIDTH..]);
        }
    }
}

kernel!(pub(super) fn transposed(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) = transposed_body);

/// Applies `step(first, second, g, alpha) → (first, second)` to every entry; `x = first·second`, and
/// `poison` becomes NaN in the lanes where an entry is not finite (0 · ∞ and 0 · NaN are NaN).
macro_rules! factors {
    ($name:ident, $body:ident, $step:expr) => {
        #[inline(always)]
        fn $body<const FUSED: bool>(
            first: &mut [f64],
            second: &mut [f64],
            x: &mut [f64],
            g: &[f64],
            eta: f64,
            alpha: &[f64; LANES],
            poison: &mut [f64; LANES],
        ) {
            let chunks = first.chunks_exact_mut(LANES).zip(second.chunks_exact_mut(LANES));
            for (((m, w), x), g) in
                chunks.zip(x.chunks_exact_mut(LANES)).zip(g.chunks_exact(LANES))
            {
                for l in 0..LANES {
                    let (next_m, next_w) = $step(m[l], w[l], g[l], eta, alpha[l]);
                    (m[l], w[l]) = (next_m, next_w);
                    x[l] = next_m * next_w;
                    poison[l] += 0.0 * (x[l] + next_m + next_w);
                }
            }
        }
        dispatch!(
            pub(super) fn $name(
                first: &mut [f64],
                second: &mut [f64],
                x: &mut [f64],
                g: &[f64],
                eta: f64,
                alpha: &[f64; LANES],
                poison: &mut [f64; LANES],
            ) = $body
        );
    };
}

/// `g + α sign(v)` with the element of least norm at v = 0.
#[inline(always)]
fn with_l1(g: f64, v: f64, alpha: f64) -> f64 {
    let at_zero = g - g.max(-alpha).min(alpha);
    let away = g + alpha.copysign(v);
    if v == 0.0 { at_zero } else { away }
}

factors!(mask_weight, mask_weight_body, |m: f64, w: f64, g: f64, eta: f64, alpha: f64| {
    let (keep, push) = (1.0 - 2.0 * eta * alpha, eta * g);
    (keep * m - push * w, keep * w - push * m)
});
factors!(mask_l1, mask_l1_body, |m: f64, w: f64, g: f64, eta: f64, alpha: f64| {
    (m - eta * with_l1(g * w, m, alpha), w - eta * g * m)
});

#[inline(always)]
fn plain_l1_body<const FUSED: bool>(
    first: &mut [f64],
    x: &mut [f64],
    g: &[f64],
    eta: f64,
    alpha: &[f64; LANES],
    poison: &mut [f64; LANES],
) {
    let chunks = first.chunks_exact_mut(LANES).zip(x.chunks_exact_mut(LANES));
    for ((v, x), g) in chunks.zip(g.chunks_exact(LANES)) {
        for l in 0..LANES {
            v[l] -= eta * with_l1(g[l], v[l], alpha[l]);
            poison[l] += 0.0 * v[l];
        }
        x.copy_from_slice(v);
    }
}

dispatch!(
    pub(super) fn plain_l1(
        first: &mut [f64],
        x: &mut [f64],
        g: &[f64],
        eta: f64,
        alpha: &[f64; LANES],
        poison: &mut [f64; LANES],
    ) = plain_l1_body
);

//! `Z` by rows, padded with zeros to whole registers and aligned to cache lines: the fastest `Zx`
//! and `Zᵀv` for small problems, in which a flow spends its time.
//!
//! Both products read the one copy, so that 40×100 (33 KiB) stays in the first-level cache. `Zᵀv`
//! is a sum of scaled rows whose partial sums stay in registers: up to 16 registers a panel; narrow
//! panels run two rows side by side, so that additions do not wait for each other. `Zx` takes eight
//! rows at a time against `x`, each with a running register, and sums the eight registers together.
//! The order of summation depends on the shape only.
//!
//! Floor of a pair of products: two loads and two multiply-adds of a register a cycle,
//! `2 · 5 · 8 · 13` register operations at 40×100, that is 520 cycles.

use crate::numerics::simd::{Isa, LANES, kernel};
use crate::numerics::vector::moderate_sinh;

/// Rows that [`Packed::mul`] takes together.
const BLOCK: usize = 8;

/// `count` rounded up to whole registers.
pub(crate) fn padded(count: usize) -> usize {
    count.div_ceil(LANES) * LANES
}

/// One register, one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([f64; LANES]);

/// A d×n matrix by padded rows.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    /// `tall()` rows of `wide() / LANES` lines.
    lines: Vec<Line>,
    rows: usize,
    columns: usize,
}

impl Packed {
    /// Packs `z`, row-major d×n.
    pub(crate) fn new(z: &[f64], d: usize, n: usize) -> Self {
        let stride = padded(n) / LANES;
        let mut lines = vec![Line([0.0; LANES]); padded(d) * stride];
        for i in 0..d {
            for j in 0..n {
                lines[i * stride + j / LANES].0[j % LANES] = z[i * n + j];
            }
        }
        Self { lines, rows: d, columns: n }
    }
    /// `padded(d)`.
    pub(crate) fn tall(&self) -> usize {
        padded(self.rows)
    }
    /// `padded(n)`.
    pub(crate) fn wide(&self) -> usize {
        padded(self.columns)
    }
    /// `Zx` for `x` of length ≥ n into `out` of length `tall()`.
    #[inline]
    pub(crate) fn mul(&self, x: &[f64], out: &mut [f64]) {
        row_products(&self.lines, &x[..self.columns], &mut out[..padded(self.rows)]);
    }
    /// `x = s a ⊙ sinh(θ − 2Zᵀv)` and `Zx` in one pass, where every exponent is moderate:
    /// `|θ − 2Zᵀv| ≤ 300`. Elsewhere returns false, and `x` and `out` are unspecified. `x`, `a` and
    /// θ have length `wide()`, zero beyond n, `out` has length `tall()`.
    #[inline]
    pub(crate) fn sinh_product(
        &self,
        v: &[f64],
        a: &[f64],
        s: f64,
        theta: &[f64],
        x: &mut [f64],
        out: &mut [f64],
    ) -> bool {
        sinh_product(&self.lines, &v[..self.rows], a, s, theta, self.columns, x, out)
    }
    /// `Zᵀv` for `v` of length ≥ d into `out` of length `wide()`.
    #[inline]
    pub(crate) fn mul_t(&self, v: &[f64], out: &mut [f64]) {
        scaled_rows(&self.lines, &v[..self.rows], &mut out[..padded(self.columns)]);
    }
}

kernel! {
    /// `out_i = row_i · x`; `out` has a whole number of blocks.
    fn row_products(lines: &[Line], x: &[f64], out: &mut [f64]) = row_products_body
}
kernel! {
    /// `out = Σ_i v_i row_i`; the rows have the length of `out`, a multiple of [`LANES`].
    fn scaled_rows(lines: &[Line], v: &[f64], out: &mut [f64]) = scaled_rows_body
}

kernel! {
    /// [`Packed::sinh_product`] for n columns.
    fn sinh_product(
        lines: &[Line], v: &[f64], a: &[f64], s: f64, theta: &[f64], n: usize,
        x: &mut [f64], out: &mut [f64],
    ) -> bool = sinh_product_body
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a kernel over plain buffers")]
fn sinh_product_body<I: Isa>(
    lines: &[Line],
    v: &[f64],
    a: &[f64],
    s: f64,
    theta: &[f64],
    n: usize,
    x: &mut [f64],
    out: &mut [f64],
) -> bool {
    const MODERATE: u64 = 300.0_f64.to_bits();
    scaled_rows_body::<I>(lines, v, x);
    let mut largest = 0_u64;
    for (x, theta) in x.iter_mut().zip(theta) {
        *x = I::fma(-2.0, *x, *theta);
        // The order of absolute values is that of their bits; NaN comes last.
        largest = largest.max(x.abs().to_bits());
    }
    if largest > MODERATE {
        return false;
    }
    for (x, a) in x.iter_mut().zip(a) {
        *x = (s * a) * moderate_sinh::<I>(*x);
    }
    row_products_body::<I>(lines, &x[..n], out);
    true
}

#[inline(always)]
fn row_products_body<I: Isa>(lines: &[Line], x: &[f64], out: &mut [f64]) {
    let stride = x.len().div_ceil(LANES);
    let (whole, rest) = x.as_chunks::<LANES>();
    for (rows, out) in lines.chunks_exact((BLOCK * stride).max(1)).zip(out.chunks_exact_mut(BLOCK))
    {
        // Of one known length, so that the loads below need no checks.
        let row: [&[Line]; BLOCK] = std::array::from_fn(|r| &rows[r * stride..][..whole.len()]);
        let mut sum = [I::splat(0.0); BLOCK];
        for (c, x) in whole.iter().enumerate() {
            let x = I::load(x);
            for r in 0..BLOCK {
                sum[r] = I::mul_add(I::load(&row[r][c].0), x, sum[r]);
            }
        }
        if !rest.is_empty() {
            let x = I::load_part(rest);
            for r in 0..BLOCK {
                sum[r] = I::mul_add(I::load(&rows[(r + 1) * stride - 1].0), x, sum[r]);
            }
        }
        I::store(I::sums(sum), out);
    }
}

/// Registers `at … at + W` of `Σ_i v_i row_i`, two rows side by side where `PAIR`.
#[inline(always)]
fn panel<I: Isa, const W: usize, const PAIR: bool>(
    lines: &[Line],
    v: &[f64],
    at: usize,
    stride: usize,
    out: &mut [f64],
) {
    let mut even = [I::splat(0.0); W];
    let mut odd = [I::splat(0.0); W];
    let step = if PAIR { 2 } else { 1 };
    for (rows, c) in lines.chunks_exact(step * stride).zip(v.chunks_exact(step)) {
        let first = &rows[at..][..W];
        let scale = I::splat(c[0]);
        for i in 0..W {
            even[i] = I::mul_add(I::load(&first[i].0), scale, even[i]);
        }
        if PAIR {
            let second = &rows[stride + at..][..W];
            let scale = I::splat(c[1]);
            for i in 0..W {
                odd[i] = I::mul_add(I::load(&second[i].0), scale, odd[i]);
            }
        }
    }
    if PAIR {
        if v.len() % 2 == 1 {
            let last = &lines[(v.len() - 1) * stride + at..][..W];
            let scale = I::splat(v[v.len() - 1]);
            for i in 0..W {
                even[i] = I::mul_add(I::load(&last[i].0), scale, even[i]);
            }
        }
        for i in 0..W {
            even[i] = I::add(even[i], odd[i]);
        }
    }
    for (sum, out) in even.iter().zip(out[at * LANES..].chunks_exact_mut(LANES)) {
        I::store(*sum, out);
    }
}

#[inline(always)]
fn scaled_rows_body<I: Isa>(lines: &[Line], v: &[f64], out: &mut [f64]) {
    let stride = out.len() / LANES;
    let mut at = 0;
    while at < stride {
        let left = (stride - at).min(16);
        match left {
            1 => panel::<I, 1, true>(lines, v, at, stride, out),
            2 => panel::<I, 2, true>(lines, v, at, stride, out),
            3 => panel::<I, 3, true>(lines, v, at, stride, out),
            4 => panel::<I, 4, true>(lines, v, at, stride, out),
            5 => panel::<I, 5, true>(lines, v, at, stride, out),
            6 => panel::<I, 6, true>(lines, v, at, stride, out),
            7 => panel::<I, 7, true>(lines, v, at, stride, out),
            8 => panel::<I, 8, false>(lines, v, at, stride, out),
            9 => panel::<I, 9, false>(lines, v, at, stride, out),
            10 => panel::<I, 10, false>(lines, v, at, stride, out),
            11 => panel::<I, 11, false>(lines, v, at, stride, out),
            12 => panel::<I, 12, false>(lines, v, at, stride, out),
            13 => panel::<I, 13, false>(lines, v, at, stride, out),
            14 => panel::<I, 14, false>(lines, v, at, stride, out),
            15 => panel::<I, 15, false>(lines, v, at, stride, out),
            _ => panel::<I, 16, false>(lines, v, at, stride, out),
        }
        at += left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers: every sum is exact, so any order gives the same bits.
    #[test]
    fn products_of_every_width_are_those_of_the_definition() {
        for d in [1usize, 2, 7, 8, 9, 17, 40] {
            for n in 1..=140 {
                let z: Vec<f64> = (0..d * n).map(|i| ((i * 7) % 11) as f64 - 5.0).collect();
                let x: Vec<f64> = (0..n).map(|i| ((i * 3) % 7) as f64 - 3.0).collect();
                let v: Vec<f64> = (0..d).map(|i| (i % 5) as f64 - 2.0).collect();
                let packed = Packed::new(&z, d, n);
                let (mut zx, mut ztv) = (vec![1.0; packed.tall()], vec![1.0; packed.wide()]);
                packed.mul(&x, &mut zx);
                packed.mul_t(&v, &mut ztv);
                for i in 0..d {
                    let want: f64 = (0..n).map(|j| z[i * n + j] * x[j]).sum();
                    assert_eq!(zx[i], want, "{d}x{n} row {i}");
                }
                for j in 0..n {
                    let want: f64 = (0..d).map(|i| z[i * n + j] * v[i]).sum();
                    assert_eq!(ztv[j], want, "{d}x{n} column {j}");
                }
                assert!(zx[d..].iter().chain(&ztv[n..]).all(|&v| v == 0.0));
            }
        }
    }
}

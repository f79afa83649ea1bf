//! `Z` kept twice, by rows and by columns, each padded with zeros to whole registers: the fastest
//! `Zx` and `Zᵀv` for small problems, in which a flow spends its time.
//!
//! Both products are sums of scaled rows (of Z, of Zᵀ) whose partial sums stay in registers: up to 16
//! registers a panel; narrow panels run two rows side by side, so that additions do not wait for
//! each other. The order of summation depends on the shape only.

use super::dispatch::{dispatch, madd};

/// Doubles of one register.
pub(crate) const LANES: usize = 8;

/// `count` rounded up to whole registers.
pub(crate) fn padded(count: usize) -> usize {
    count.div_ceil(LANES) * LANES
}

/// A d×n matrix by rows and by columns.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    by_rows: Vec<f64>,
    by_columns: Vec<f64>,
    rows: usize,
    columns: usize,
}

impl Packed {
    /// Packs `z`, row-major d×n.
    pub(crate) fn new(z: &[f64], d: usize, n: usize) -> Self {
        let (wide, tall) = (padded(n), padded(d));
        let mut by_rows = vec![0.0; d * wide];
        let mut by_columns = vec![0.0; n * tall];
        for i in 0..d {
            for j in 0..n {
                by_rows[i * wide + j] = z[i * n + j];
                by_columns[j * tall + i] = z[i * n + j];
            }
        }
        Self { by_rows, by_columns, rows: d, columns: n }
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
        scaled_rows(&self.by_columns, &x[..self.columns], &mut out[..padded(self.rows)]);
    }
    /// `Zᵀv` for `v` of length ≥ d into `out` of length `wide()`.
    #[inline]
    pub(crate) fn mul_t(&self, v: &[f64], out: &mut [f64]) {
        scaled_rows(&self.by_rows, &v[..self.rows], &mut out[..padded(self.columns)]);
    }
}

/// Columns `at … at + W` of `Σ_i v_i row_i`, two rows side by side where `PAIR`.
#[inline(always)]
fn panel<const FUSED: bool, const W: usize, const PAIR: bool>(
    z: &[f64],
    v: &[f64],
    at: usize,
    out: &mut [f64],
) {
    let stride = out.len();
    let mut even = [0.0; W];
    if PAIR {
        let mut odd = [0.0; W];
        for (rows, c) in z.chunks_exact(2 * stride).zip(v.chunks_exact(2)) {
            let (first, second) = rows.split_at(stride);
            if let (Some(a), Some(b)) =
                (first[at..].first_chunk::<W>(), second[at..].first_chunk::<W>())
            {
                for i in 0..W {
                    even[i] = madd::<FUSED>(a[i], c[0], even[i]);
                }
                for i in 0..W {
                    odd[i] = madd::<FUSED>(b[i], c[1], odd[i]);
                }
            }
        }
        for i in 0..W {
            even[i] += odd[i];
        }
    }
    let done = if PAIR { v.len() / 2 * 2 } else { 0 };
    for (row, &c) in z[done * stride..].chunks_exact(stride).zip(&v[done..]) {
        if let Some(a) = row[at..].first_chunk::<W>() {
            for i in 0..W {
                even[i] = madd::<FUSED>(a[i], c, even[i]);
            }
        }
    }
    out[at..at + W].copy_from_slice(&even);
}

#[inline(always)]
fn scaled_rows_body<const FUSED: bool>(z: &[f64], v: &[f64], out: &mut [f64]) {
    let mut at = 0;
    while at < out.len() {
        let left = (out.len() - at).min(16 * LANES);
        match left / LANES {
            1 => panel::<FUSED, 8, true>(z, v, at, out),
            2 => panel::<FUSED, 16, true>(z, v, at, out),
            3 => panel::<FUSED, 24, true>(z, v, at, out),
            4 => panel::<FUSED, 32, true>(z, v, at, out),
            5 => panel::<FUSED, 40, true>(z, v, at, out),
            6 => panel::<FUSED, 48, true>(z, v, at, out),
            7 => panel::<FUSED, 56, true>(z, v, at, out),
            8 => panel::<FUSED, 64, false>(z, v, at, out),
            9 => panel::<FUSED, 72, false>(z, v, at, out),
            10 => panel::<FUSED, 80, false>(z, v, at, out),
            11 => panel::<FUSED, 88, false>(z, v, at, out),
            12 => panel::<FUSED, 96, false>(z, v, at, out),
            13 => panel::<FUSED, 104, false>(z, v, at, out),
            14 => panel::<FUSED, 112, false>(z, v, at, out),
            15 => panel::<FUSED, 120, false>(z, v, at, out),
            _ => panel::<FUSED, 128, false>(z, v, at, out),
        }
        at += left;
    }
}

dispatch! {
    /// `out = Σ_i v_i row_i`; the rows of `z` have the length of `out`, a multiple of [`LANES`].
    fn scaled_rows(z: &[f64], v: &[f64], out: &mut [f64]) = scaled_rows_body
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

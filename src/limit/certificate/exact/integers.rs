//! `Zx = y` in integers: every float is an integer times a power of two.
//!
//! With exponents `e_i` of the rows, `c_j` of the columns and `q` of the targets,
//! ```text
//! Z_ij = 2^{e_i + c_j} A_ij,   y_i = 2^{e_i + q} b_i,   x_j = 2^{q − c_j} x'_j,   Ax' = b,
//! ‖x‖₁ = 2^{q − c} Σ w_j|x'_j|,   w_j = 2^{c − c_j},   c = max c_j,
//! ```
//! and `|Z_jᵀμ| ≤ 1` is `|A_jᵀμ'| ≤ w_j` for `μ'_i = 2^{e_i + c} μ_i`. All of it is exact. The
//! columns have exponents of their own only where their sizes differ much, so that the integers
//! stay short.
//!
//! A is kept as `Σ_l 2^{60l} A⁽ˡ⁾` with entries of `A⁽ˡ⁾` below 2⁶⁰: products with words need no
//! long arithmetic.

use num_bigint::BigInt;

use crate::problem::Problem;

/// Bits of a plane.
pub(in crate::limit) const BITS: u32 = 60;
/// Columns whose sizes differ by at most 2 to this power share their exponent.
const SPREAD: i32 = 20;
/// Most words that the planes may take.
const MOST: usize = 40_000_000;

/// The integer system.
pub(in crate::limit) struct Integers {
    pub(in crate::limit) d: usize,
    pub(in crate::limit) n: usize,
    /// The planes of A, each d×n row-major.
    pub(in crate::limit) planes: Vec<Vec<i64>>,
    /// b, length d.
    pub(in crate::limit) targets: Vec<BigInt>,
    /// log₂ w_j, length n.
    pub(in crate::limit) log_weights: Vec<u32>,
    /// e_i, length d.
    pub(in crate::limit) rows: Vec<i32>,
    /// c_j, length n.
    pub(in crate::limit) columns: Vec<i32>,
    /// c.
    pub(in crate::limit) widest: i32,
    /// q.
    pub(in crate::limit) target: i32,
}

/// `v = m·2^e` with m odd; `None` for 0.
pub(in crate::limit) fn odd_part(v: f64) -> Option<(i64, i32)> {
    if v == 0.0 || !v.is_finite() {
        return None;
    }
    let bits = v.to_bits();
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let field = ((bits >> 52) & 0x7FF) as i32;
    let (m, e) = if field == 0 { (fraction, -1074) } else { (fraction | (1 << 52), field - 1075) };
    let zeros = m.trailing_zeros();
    let m = m >> zeros;
    Some((if v < 0.0 { -m } else { m }, e + zeros as i32))
}

/// Exponent of the leading bit of `m·2^e`.
fn top((m, e): (i64, i32)) -> i32 {
    e + 63 - m.unsigned_abs().leading_zeros() as i32
}

impl Integers {
    /// `None` when the integers would not fit into memory.
    pub(in crate::limit) fn new(problem: &Problem) -> Option<Self> {
        let (d, n) = (problem.samples(), problem.features());
        let parts: Vec<Option<(i64, i32)>> =
            problem.z_rows().iter().map(|v| odd_part(*v)).collect();
        let columns = column_exponents(&parts, d, n);
        let rows: Vec<i32> = parts
            .chunks_exact(n)
            .map(|row| {
                let low = row.iter().zip(&columns).filter_map(|(v, c)| v.map(|(_, e)| e - c));
                low.min().unwrap_or(0)
            })
            .collect();
        let shift = |k: usize, e: i32| e - rows[k / n] - columns[k % n];
        let longest = parts.iter().enumerate().filter_map(|(k, v)| v.map(|v| shift(k, top(v))));
        let count = (longest.max().unwrap_or(0) as u32 / BITS + 1) as usize;
        if count.saturating_mul(d * n) > MOST {
            return None;
        }
        let mut planes = vec![vec![0_i64; d * n]; count];
        for (k, part) in parts.iter().enumerate() {
            let Some((m, e)) = *part else { continue };
            let s = shift(k, e) as u32;
            let wide = u128::from(m.unsigned_abs()) << (s % BITS);
            let plane = (s / BITS) as usize;
            let low = (wide & ((1 << BITS) - 1)) as i64;
            let high = (wide >> BITS) as i64;
            planes[plane][k] = m.signum() * low;
            if high != 0 {
                planes[plane + 1][k] = m.signum() * high;
            }
        }
        let parts: Vec<Option<(i64, i32)>> = problem.y().iter().map(|v| odd_part(*v)).collect();
        let relative = |(i, v): (usize, &Option<(i64, i32)>)| v.map(|(_, e)| e - rows[i]);
        let target = parts.iter().enumerate().filter_map(relative).min().unwrap_or(0);
        let targets = parts
            .iter()
            .zip(&rows)
            .map(|(v, row)| v.map_or(BigInt::ZERO, |(m, e)| BigInt::from(m) << (e - row - target)))
            .collect();
        let widest = columns.iter().copied().max().unwrap_or(0);
        let log_weights = columns.iter().map(|c| (widest - c) as u32).collect();
        Some(Self { d, n, planes, targets, log_weights, rows, columns, widest, target })
    }

    /// `A_ij`.
    pub(in crate::limit) fn entry(&self, i: usize, j: usize) -> BigInt {
        let mut value = BigInt::ZERO;
        for plane in self.planes.iter().rev() {
            value = (value << BITS) + plane[i * self.n + j];
        }
        value
    }

    /// `Σ_k A[i, columns_k] v_k`.
    pub(in crate::limit) fn row_product(
        &self,
        i: usize,
        columns: &[usize],
        v: &[BigInt],
    ) -> BigInt {
        self.sum(columns.iter().map(|j| i * self.n + j), v)
    }

    /// `Σ_k A[rows_k, j] v_k`.
    pub(in crate::limit) fn column_product(
        &self,
        j: usize,
        rows: &[usize],
        v: &[BigInt],
    ) -> BigInt {
        self.sum(rows.iter().map(|i| i * self.n + j), v)
    }

    fn sum(&self, places: impl Iterator<Item = usize> + Clone, v: &[BigInt]) -> BigInt {
        let mut value = BigInt::ZERO;
        for plane in self.planes.iter().rev() {
            value <<= BITS;
            for (place, v) in places.clone().zip(v) {
                match plane[place] {
                    0 => {}
                    1 => value += v,
                    -1 => value -= v,
                    a => value += v * a,
                }
            }
        }
        value
    }
}

/// c_j: where the sizes of the columns differ much, the exponent of the largest entry after the
/// rows are brought to one size, else 0.
fn column_exponents(parts: &[Option<(i64, i32)>], d: usize, n: usize) -> Vec<i32> {
    let mut columns = vec![0_i32; n];
    for _ in 0..2 {
        let mut found: Vec<Option<i32>> = vec![None; n];
        for i in 0..d {
            let row = &parts[i * n..(i + 1) * n];
            let size = row.iter().zip(&columns).filter_map(|(v, c)| v.map(|v| top(v) - c)).max();
            for (to, v) in found.iter_mut().zip(row) {
                if let (Some(size), Some(v)) = (size, v) {
                    let entry = top(*v) - size;
                    *to = Some(to.map_or(entry, |t| t.max(entry)));
                }
            }
        }
        columns = found.into_iter().map(|c| c.unwrap_or(0)).collect();
    }
    let (low, high) = (columns.iter().min(), columns.iter().max());
    if let (Some(low), Some(high)) = (low, high)
        && high - low <= SPREAD
    {
        columns.fill(0);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integers_are_the_floats() {
        let z = vec![1.5, -3e-300, 5e-324, 0.0, 1e300, -0.0, 7.0, 0.1, 1e18];
        let y = vec![0.1, -5e-324, 3.0];
        let problem = Problem::from_rows(z.clone(), y.clone()).unwrap();
        let a = Integers::new(&problem).unwrap();
        // 2^4000 Z_ij, both ways.
        for i in 0..3 {
            for j in 0..3 {
                let (m, e) = odd_part(z[i * 3 + j]).unwrap_or((0, 0));
                let left = BigInt::from(m) << (e + 4000);
                assert_eq!(left, a.entry(i, j) << (a.rows[i] + a.columns[j] + 4000));
            }
            let (m, e) = odd_part(y[i]).unwrap();
            let left = BigInt::from(m) << (e + 4000);
            assert_eq!(left, a.targets[i].clone() << (a.rows[i] + a.target + 4000));
        }
        let v = [BigInt::from(3), BigInt::from(-1_i64 << 50)];
        let expected = a.entry(1, 0) * &v[0] + a.entry(1, 2) * &v[1];
        assert_eq!(a.row_product(1, &[0, 2], &v), expected);
        let expected = a.entry(0, 1) * &v[0] + a.entry(2, 1) * &v[1];
        assert_eq!(a.column_product(1, &[0, 2], &v), expected);
    }
}

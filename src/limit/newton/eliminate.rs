//! Rows that are nearly dependent, made far from dependent: elimination with twice the working
//! precision.
//!
//! With r rows and r columns of Z chosen by complete pivoting, `P` their square, `C = P⁻¹` and
//! ```text
//! B = C Z_rows,   b = C y_rows,   Bx = b  ⇔  Z_rows x = y_rows,   μ_rows = Cᵀ μ_B,
//! ```
//! B has the identity in the chosen columns, so that its rows are far from dependent whatever those
//! of Z were. B, b and C are pairs of doubles; a smallest pivot δ (relative to the largest entry)
//! leaves them `2⁻¹⁰⁰/δ` of error. Unless that is too much work, the elimination is therefore done
//! again in integers, `v·2⁵¹²`, with the pivots that are known by then: all steps together leave
//! some r/δ² units of the last bit, and the pairs are right to rounding; see
//! [`Eliminated::digits`].

use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

use crate::numerics::exact::double_double::Double2;

/// Pivots below this, relative to the largest entry, are what rounding with twice the precision
/// leaves of 0.
const RANK: f64 = 1e-25;
/// Rounding of the elimination, relative to the largest entry.
const ROUNDING: f64 = 1e-30;
/// Digits that an answer needs whose entries are to be right to nine digits down to 10⁻¹² of the
/// largest, and one more.
pub(in crate::limit) const NEEDED: f64 = 22.0;
/// Bits behind the point of integers.
const BITS: i32 = 512;
/// Numbers below `2^−CUT` are what rounding of integers leaves of 0.
const CUT: u64 = 340;
/// Products of integers that are affordable: about half a second.
const PRODUCTS: usize = 4_000_000;

/// `Bx = b`, B = `[I T]` up to the order of columns.
pub(in crate::limit) struct Eliminated {
    /// Rows of Z that are kept, length r.
    pub(in crate::limit) rows: Vec<usize>,
    /// Columns of the identity, in the order of the rows.
    pub(in crate::limit) columns: Vec<usize>,
    /// B, r×n row-major, as leading doubles and remainders.
    pub(in crate::limit) high: Vec<f64>,
    pub(in crate::limit) low: Vec<f64>,
    /// b, length r.
    pub(in crate::limit) rhs: Vec<Double2>,
    /// C, r×r row-major.
    inverse: Vec<Double2>,
    /// Decimal digits that B has.
    pub(in crate::limit) digits: f64,
    /// The smallest pivot relative to the largest entry of Z.
    pub(in crate::limit) pivot: f64,
    /// Whether the rows left out are combinations of those kept, with their targets.
    pub(in crate::limit) closed: bool,
}

impl Eliminated {
    /// From Z (d×n row-major) and y (length d).
    pub(in crate::limit) fn new(z: &[f64], y: &[f64], d: usize, n: usize) -> Self {
        let double = |v: &f64| Double2 { hi: *v, lo: 0.0 };
        // Z, y and the identity side by side: what is done to Z makes C of the identity.
        let width = n + 1 + d;
        let mut table = vec![Double2::ZERO; d * width];
        for (j, line) in table.chunks_exact_mut(width).enumerate() {
            line.iter_mut().zip(&z[j * n..(j + 1) * n]).for_each(|(t, v)| *t = double(v));
            line[n] = double(&y[j]);
            line[n + 1 + j] = Double2 { hi: 1.0, lo: 0.0 };
        }
        let largest = z.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let (mut rows, mut columns) = (Vec::new(), Vec::new());
        let mut pivot = 1.0_f64;
        let mut left = 0.0;
        while rows.len() < d.min(n) {
            let (mut best, mut at) = (0.0, (0, 0));
            for j in (0..d).filter(|j: &usize| !rows.contains(j)) {
                for (i, v) in table[j * width..j * width + n].iter().enumerate() {
                    if v.hi.abs() > best {
                        (best, at) = (v.hi.abs(), (j, i));
                    }
                }
            }
            left = best / largest;
            if left.is_nan() || left <= RANK {
                break;
            }
            pivot = pivot.min(left);
            left = 0.0;
            clear(&mut table, width, at);
            rows.push(at.0);
            columns.push(at.1);
        }
        let closed = left == 0.0 || {
            let size = |j: usize| (y[j].abs(), table[j * width + n].hi.abs());
            let largest = rows.iter().fold(0.0_f64, |m, &j| m.max(size(j).1));
            (0..d)
                .filter(|j: &usize| !rows.contains(j))
                .all(|j| size(j).1 <= RANK * largest.max(size(j).0))
        };
        let r = rows.len();
        let kept = |k: usize| &table[rows[k] * width..(rows[k] + 1) * width];
        let part =
            |f: fn(&Double2) -> f64| (0..r).flat_map(|k| kept(k)[..n].iter().map(f)).collect();
        let (high, low) = (part(|v| v.hi), part(|v| v.lo));
        let inverse: Vec<Double2> =
            (0..r).flat_map(|k| rows.iter().map(move |j| kept(k)[n + 1 + j])).collect();
        // What is but rounding of the terms of b is 0.
        let terms = |k: usize| (0..r).map(move |j| (k * r + j, j));
        let rhs = (0..r)
            .map(|k| {
                let size: f64 = terms(k).map(|(p, j)| (inverse[p].hi * y[rows[j]]).abs()).sum();
                let b = kept(k)[n];
                if b.hi.abs() <= ROUNDING * size { Double2::ZERO } else { b }
            })
            .collect();
        let digits = (pivot / ROUNDING).log10();
        let mut found = Self { rows, columns, high, low, rhs, inverse, digits, pivot, closed };
        if closed && r * r * (n + 1 + r) <= PRODUCTS {
            found.again_in_integers(z, y, n);
        }
        found
    }

    /// B, b and C to rounding, with the pivots at hand.
    fn again_in_integers(&mut self, z: &[f64], y: &[f64], n: usize) {
        let r = self.rows.len();
        let width = n + 1 + r;
        let mut table: Vec<BigInt> = Vec::with_capacity(r * width);
        for (k, &j) in self.rows.iter().enumerate() {
            let own = (0..r).map(|i| if i == k { 1.0 } else { 0.0 });
            let line = z[j * n..(j + 1) * n].iter().copied().chain([y[j]]).chain(own);
            table.extend(line.map(fixed));
        }
        for (k, &column) in self.columns.iter().enumerate() {
            let pivot = table[k * width + column].clone();
            if pivot.is_zero() {
                return;
            }
            let line: Vec<BigInt> =
                table[k * width..(k + 1) * width].iter().map(|v| (v << BITS) / &pivot).collect();
            for (j, other) in table.chunks_exact_mut(width).enumerate() {
                if j == k {
                    other.clone_from_slice(&line);
                    continue;
                }
                let factor = other[column].clone();
                if !factor.is_zero() {
                    for (v, p) in other.iter_mut().zip(&line).filter(|(_, p)| !p.is_zero()) {
                        *v -= (p * &factor) >> BITS;
                    }
                }
            }
        }
        for (k, line) in table.chunks_exact(width).enumerate() {
            for (i, v) in line.iter().map(pair).enumerate() {
                if i < n {
                    (self.high[k * n + i], self.low[k * n + i]) = (v.hi, v.lo);
                } else if i == n {
                    self.rhs[k] = v;
                } else {
                    self.inverse[k * r + (i - n - 1)] = v;
                }
            }
            for (l, &column) in self.columns.iter().enumerate() {
                let at = k * n + column;
                (self.high[at], self.low[at]) = (f64::from(u8::from(k == l)), 0.0);
            }
        }
        self.digits = -ROUNDING.log10();
    }

    /// μ of the kept rows from that of B: `Cᵀμ_B`.
    pub(in crate::limit) fn to_rows(&self, mu: &[Double2]) -> Vec<f64> {
        let r = self.rows.len();
        (0..r)
            .map(|j| {
                let terms = (0..r).map(|k| self.inverse[k * r + j].times(mu[k]));
                terms.fold(Double2::ZERO, Double2::plus).hi
            })
            .collect()
    }
}

/// `v·2^BITS`, rounded down where v has bits beyond; v is at most about 1 in units of its row.
fn fixed(v: f64) -> BigInt {
    let bits = v.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, (bits & ((1 << 52) - 1)) as i64);
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let mantissa = BigInt::from(if v < 0.0 { -mantissa } else { mantissa });
    let shift = exponent + BITS;
    if shift >= 0 { mantissa << shift } else { mantissa >> -shift }
}

/// The number that is `v·2^−BITS`.
fn pair(v: &BigInt) -> Double2 {
    let scale = 2f64.powi(-BITS);
    if v.bits() < (BITS as u64) - CUT {
        return Double2::ZERO;
    }
    let hi = v.to_f64().unwrap_or(f64::NAN) * scale;
    let lo = if hi.is_finite() { (v - fixed(hi)).to_f64().unwrap_or(0.0) * scale } else { 0.0 };
    Double2 { hi, lo }
}

/// One step of Gauss and Jordan: the row of the pivot divided by it, its column cleared elsewhere.
fn clear(table: &mut [Double2], width: usize, (row, column): (usize, usize)) {
    let pivot = table[row * width + column];
    let line = &mut table[row * width..(row + 1) * width];
    line.iter_mut().for_each(|v| *v = v.over(pivot));
    line[column] = Double2 { hi: 1.0, lo: 0.0 };
    let line = line.to_vec();
    for (j, other) in table.chunks_exact_mut(width).enumerate() {
        let factor = other[column].negated();
        if j == row || factor.hi == 0.0 {
            continue;
        }
        for (v, p) in other.iter_mut().zip(&line) {
            if p.hi != 0.0 {
                *v = v.plus(p.times(factor));
            }
        }
        other[column] = Double2::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_an_ulp_apart_have_their_solution() {
        let ulp = f64::EPSILON;
        let e = Eliminated::new(&[1.0, 1.0 + ulp, 1.0, 1.0], &[ulp, 0.0], 2, 2);
        let mut x = [0.0; 2];
        for (line, b) in e.high.chunks_exact(2).zip(&e.rhs) {
            let i = usize::from(line[0] == 0.0);
            assert_eq!(line[1 - i], 0.0);
            x[i] = b.hi / line[i];
        }
        assert_eq!(x, [-1.0, 1.0]);
        assert!(e.closed && e.digits > 29.0);
    }

    #[test]
    fn combinations_are_left_out_with_their_targets() {
        let z = [1.0, 2.0, 4.0, 0.0, 3.0, 1.0, 2.0, 7.0, 9.0];
        let open = |y: &[f64]| Eliminated::new(&z, y, 3, 3);
        let e = open(&[1.0, 1.0, 3.0]);
        assert!(e.rows.len() == 2 && e.closed);
        assert!(!open(&[1.0, 1.0, 3.5]).closed);
        assert_eq!(Eliminated::new(&[0.0; 4], &[0.0; 2], 2, 2).rows.len(), 0);
    }

    proptest! {
        /// With targets that are exactly those of x: `Bx = b`, and `Bᵀμ_B = Z_rowsᵀμ` for μ of its
        /// rows.
        #[test]
        fn solutions_and_duals_are_kept(
            seed in prop::collection::vec((-8i32..=8, -2i32..=2), 3 * 5),
            x in prop::collection::vec(-16i32..=16, 5),
            mu in prop::collection::vec(-1.0..1.0f64, 3),
            near in 0.0..1.0f64,
        ) {
            let (d, n) = (3, 5);
            let tiny = 2f64.powi(-44);
            let mut z: Vec<f64> = seed.iter().map(|(a, k)| f64::from(*a) + f64::from(*k) * tiny).collect();
            if near < 0.5 {
                // The last row is the first but for its last digits.
                for i in 0..n {
                    z[2 * n + i] = z[i] + f64::from(seed[i].1) * tiny;
                }
            }
            let x: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let y: Vec<f64> =
                z.chunks_exact(n).map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect();
            let e = Eliminated::new(&z, &y, d, n);
            prop_assert!(e.closed);
            let error = 10f64.powf(-e.digits) * 1e3;
            for (k, b) in e.rhs.iter().enumerate() {
                let terms = (0..n).map(|i| {
                    Double2 { hi: e.high[k * n + i], lo: e.low[k * n + i] }.times_f64(-x[i])
                });
                let rest = terms.fold(*b, Double2::plus);
                let size: f64 = (0..n).map(|i| (e.high[k * n + i] * x[i]).abs()).sum();
                prop_assert!(rest.hi.abs() <= error * (1.0 + size), "{} {error}", rest.hi);
            }
            let mu: Vec<Double2> =
                mu[..e.rows.len()].iter().map(|v| Double2 { hi: *v, lo: 0.0 }).collect();
            let rows = e.to_rows(&mu);
            for i in 0..n {
                let left: f64 = (0..mu.len()).map(|k| e.high[k * n + i] * mu[k].hi).sum();
                let terms = || e.rows.iter().zip(&rows).map(|(j, m)| z[j * n + i] * m);
                let (right, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
                prop_assert!((left - right).abs() <= 1e-14 * (1.0 + size), "{left} {right}");
            }
        }
    }
}

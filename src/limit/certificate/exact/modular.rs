//! Arithmetic modulo a prime of 62 bits, and elimination there.
//!
//! Montgomery's form: `a` is kept as `a·2⁶⁴ mod p`, so that a product needs no division. A matrix
//! that is regular modulo p is regular; the reverse holds but for a chance of about d/p, so that
//! whatever rests on a *zero* modulo p is checked in integers afterwards.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::Work;
use super::integers::Integers;

/// Primes to try, one after the other.
pub(in crate::limit) const PRIMES: [u64; 4] =
    [0x30b7_7c58_b4ed_a0bf, 0x225f_ac53_4d5d_bb17, 0x2182_a17c_f6c1_1497, 0x21b3_f6b9_c430_1745];

/// The field.
#[derive(Debug, Clone, Copy)]
pub(in crate::limit) struct Field {
    pub(in crate::limit) p: u64,
    /// `−p⁻¹ mod 2⁶⁴`.
    inverse: u64,
    /// `2¹²⁸ mod p`.
    square: u64,
    /// `2⁶⁴ mod p`.
    pub(in crate::limit) one: u64,
}

impl Field {
    pub(in crate::limit) fn new(p: u64) -> Self {
        // Newton's iteration doubles the right bits of p⁻¹: 3, 6, 12, 24, 48, 96.
        let mut inverse = p;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(inverse)));
        }
        let one = ((1_u128 << 64) % u128::from(p)) as u64;
        let square = (u128::from(one) * u128::from(one) % u128::from(p)) as u64;
        Self { p, inverse: inverse.wrapping_neg(), square, one }
    }

    /// `ab/2⁶⁴ mod p`: the product when exactly one of the two is in Montgomery's form, or both and
    /// the result shall be.
    #[inline(always)]
    pub(in crate::limit) fn mul(&self, a: u64, b: u64) -> u64 {
        let t = u128::from(a) * u128::from(b);
        let m = (t as u64).wrapping_mul(self.inverse);
        let r = ((t + u128::from(m) * u128::from(self.p)) >> 64) as u64;
        if r >= self.p { r - self.p } else { r }
    }

    #[inline(always)]
    pub(in crate::limit) fn add(&self, a: u64, b: u64) -> u64 {
        let s = a + b;
        if s >= self.p { s - self.p } else { s }
    }

    #[inline(always)]
    pub(in crate::limit) fn sub(&self, a: u64, b: u64) -> u64 {
        if a >= b { a - b } else { a + self.p - b }
    }

    /// Into Montgomery's form.
    pub(in crate::limit) fn enter(&self, a: u64) -> u64 {
        self.mul(a, self.square)
    }

    /// The residue of an integer, in the ordinary form.
    pub(in crate::limit) fn residue(&self, v: &BigInt) -> u64 {
        let r = (v % self.p).to_i128().unwrap_or(0);
        (if r < 0 { r + i128::from(self.p) } else { r }) as u64
    }

    /// `a⁻¹` in Montgomery's form, of one that is not 0.
    fn invert(&self, a: u64) -> u64 {
        let (mut base, mut power, mut e) = (a, self.one, self.p - 2);
        while e > 0 {
            if e & 1 == 1 {
                power = self.mul(power, base);
            }
            base = self.mul(base, base);
            e >>= 1;
        }
        power
    }

    /// `A_ij mod p` for `A = Σ 2^{60l} A⁽ˡ⁾`, in Montgomery's form.
    fn entry(&self, a: &Integers, place: usize) -> u64 {
        let base = self.enter(1 << super::integers::BITS);
        let mut value = 0;
        for plane in a.planes.iter().rev() {
            let v = plane[place];
            let size = self.enter(v.unsigned_abs() % self.p);
            value = self.mul(value, base);
            value = if v < 0 { self.sub(value, size) } else { self.add(value, size) };
        }
        value
    }

    /// Column j of A on the rows given.
    pub(in crate::limit) fn column(&self, a: &Integers, j: usize, rows: &[usize]) -> Vec<u64> {
        rows.iter().map(|i| self.entry(a, i * a.n + j)).collect()
    }

    /// `M v` for M row-major of `v.len()` columns.
    pub(in crate::limit) fn apply(&self, m: &[u64], v: &[u64]) -> Vec<u64> {
        m.chunks_exact(v.len())
            .map(|row| row.iter().zip(v).fold(0, |s, (a, b)| self.add(s, self.mul(*a, *b))))
            .collect()
    }

    /// Makes `vector = M·(column)` the k-th unit vector by operations on the rows of M; false when
    /// its k-th entry is 0.
    pub(in crate::limit) fn pivot(&self, m: &mut [u64], vector: &[u64], k: usize) -> bool {
        if vector[k] == 0 {
            return false;
        }
        let width = vector.len();
        let scale = self.invert(vector[k]);
        let mut pivot: Vec<u64> = m[k * width..(k + 1) * width].to_vec();
        pivot.iter_mut().for_each(|v| *v = self.mul(*v, scale));
        for (i, row) in m.chunks_exact_mut(width).enumerate() {
            if i == k {
                row.copy_from_slice(&pivot);
            } else if vector[i] != 0 {
                for (v, p) in row.iter_mut().zip(&pivot) {
                    *v = self.sub(*v, self.mul(vector[i], *p));
                }
            }
        }
        true
    }
}

/// A regular square part of A, as large as there is one (modulo p).
pub(in crate::limit) struct Regular {
    pub(in crate::limit) rows: Vec<usize>,
    /// `columns[k]` belongs to `rows[k]`.
    pub(in crate::limit) columns: Vec<usize>,
    /// Its inverse modulo p, in Montgomery's form, row-major: row k for `columns[k]`.
    pub(in crate::limit) inverse: Vec<u64>,
}

/// The first columns in the order given that are independent of those before, with rows to them.
pub(in crate::limit) fn regular(
    field: &Field,
    a: &Integers,
    order: impl Iterator<Item = usize>,
    work: &mut Work,
) -> Option<Regular> {
    let d = a.d;
    // The matrix M of d×d words is the largest thing here.
    work.spend(16 * (d as u64).pow(2))?;
    let all: Vec<usize> = (0..d).collect();
    let mut m = vec![0; d * d];
    (0..d).for_each(|i| m[i * d + i] = field.one);
    let mut chosen: Vec<Option<usize>> = vec![None; d];
    let mut rank = 0;
    for j in order {
        if rank == d.min(a.n) {
            break;
        }
        work.spend((d * (d + a.planes.len())) as u64)?;
        let vector = field.apply(&m, &field.column(a, j, &all));
        if let Some(k) = (0..d).find(|&k| chosen[k].is_none() && vector[k] != 0) {
            work.spend((d * d) as u64)?;
            field.pivot(&mut m, &vector, k);
            chosen[k] = Some(j);
            rank += 1;
        }
    }
    let (rows, columns): (Vec<usize>, Vec<usize>) =
        chosen.iter().enumerate().filter_map(|(i, c)| c.map(|j| (i, j))).unzip();
    // A row of M that was pivoted combines pivoted rows only.
    let mut inverse = Vec::with_capacity(rows.len() * rows.len());
    for i in &rows {
        inverse.extend(rows.iter().map(|k| m[i * d + k]));
    }
    Some(Regular { rows, columns, inverse })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    #[test]
    fn the_field_agrees_with_plain_arithmetic() {
        for p in PRIMES {
            let field = Field::new(p);
            let (a, b) = (0x1234_5678_9abc_def1 % p, 0x0fed_cba9_8765_4321 % p);
            let plain = (u128::from(a) * u128::from(b) % u128::from(p)) as u64;
            assert_eq!(field.mul(field.enter(a), b), plain);
            let one = field.mul(field.invert(field.enter(a)), field.enter(a));
            assert_eq!(one, field.one);
            assert_eq!(field.residue(&(BigInt::from(-1) - (BigInt::from(p) << 99))), p - 1);
            // Fermat.
            assert_eq!(field.invert(field.one), field.one);
        }
    }

    #[test]
    fn the_rank_and_the_inverse_are_right() {
        let z = vec![1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0, 8.0, 0.5, 0.0, 1e-30, 1e40];
        let problem = Problem::from_rows(z, vec![1.0; 3]).unwrap();
        let a = Integers::new(&problem).unwrap();
        let field = Field::new(PRIMES[0]);
        let found = regular(&field, &a, [1, 0, 2, 3].into_iter(), &mut Work::new(1 << 40)).unwrap();
        assert_eq!((found.rows.clone(), found.columns.clone()), (vec![0, 2], vec![1, 0]));
        for (k, j) in found.columns.iter().enumerate() {
            let image = field.apply(&found.inverse, &field.column(&a, *j, &found.rows));
            assert_eq!(
                image,
                (0..2).map(|i| if i == k { field.one } else { 0 }).collect::<Vec<_>>()
            );
        }
        assert!(regular(&field, &a, 0..4, &mut Work::new(3)).is_none());
    }
}

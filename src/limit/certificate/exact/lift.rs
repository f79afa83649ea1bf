//! Exact solutions of square integer systems by p-adic lifting (Dixon, *Numer. Math.* 40, 1982).
//!
//! With `M = A⁻¹ mod p` the digits of `x = Σ_k c_k pᵏ` are `c_k = M r_k mod p`,
//! `r_{k+1} = (r_k − A c_k)/p`, `r_0 = b`: each costs two products of a matrix with words, where
//! elimination would work with numbers as long as the determinant. From enough digits the fractions
//! follow by half of Euclid's algorithm, with one denominator for all; how many are enough is found
//! by trying, because the result is checked: `A·num = den·b` in integers.

use num_bigint::{BigInt, Sign};
use num_traits::{One, Signed, Zero};

use super::Work;
use super::integers::{BITS, Integers};
use super::modular::Field;

/// Fractions `num_k/den`, `den > 0`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::limit) struct Fractions {
    pub(in crate::limit) num: Vec<BigInt>,
    pub(in crate::limit) den: BigInt,
}

/// A regular square part of A with its inverse modulo p.
pub(in crate::limit) struct Square<'a> {
    pub(in crate::limit) field: Field,
    pub(in crate::limit) a: &'a Integers,
    pub(in crate::limit) rows: Vec<usize>,
    pub(in crate::limit) columns: Vec<usize>,
    /// Row k belongs to `columns[k]`; Montgomery's form.
    pub(in crate::limit) inverse: Vec<u64>,
}

/// Products that 127 bits hold: 60 bits of an entry, 62 of a digit.
const BLOCK: usize = 16;

impl Square<'_> {
    /// Puts column j in the place of `columns[k]`; false when the result is singular modulo p.
    pub(in crate::limit) fn replace(&mut self, k: usize, j: usize) -> bool {
        let column = self.field.column(self.a, j, &self.rows);
        let vector = self.field.apply(&self.inverse, &column);
        let regular = self.field.pivot(&mut self.inverse, &vector, k);
        if regular {
            self.columns[k] = j;
        }
        regular
    }

    /// `x` with `Ax = b`.
    pub(in crate::limit) fn solve(&self, b: &[BigInt], work: &mut Work) -> Option<Fractions> {
        let planes = self.gather(false);
        let check = |x: &[BigInt], k: usize| self.a.row_product(self.rows[k], &self.columns, x);
        self.lift(&planes, &self.inverse, b, check, work)
    }

    /// `x` with `Aᵀx = b`.
    pub(in crate::limit) fn solve_transposed(
        &self,
        b: &[BigInt],
        work: &mut Work,
    ) -> Option<Fractions> {
        let (planes, r) = (self.gather(true), self.rows.len());
        let mut inverse = vec![0; r * r];
        for i in 0..r {
            for k in 0..r {
                inverse[i * r + k] = self.inverse[k * r + i];
            }
        }
        let check = |x: &[BigInt], k: usize| self.a.column_product(self.columns[k], &self.rows, x);
        self.lift(&planes, &inverse, b, check, work)
    }

    /// The planes of the square part or of its transposed.
    fn gather(&self, transposed: bool) -> Vec<Vec<i64>> {
        let n = self.a.n;
        let plane = |plane: &Vec<i64>| -> Vec<i64> {
            if transposed {
                let rows =
                    |j: &usize| self.rows.iter().map(|i| plane[i * n + j]).collect::<Vec<_>>();
                self.columns.iter().flat_map(rows).collect()
            } else {
                let columns =
                    |i: &usize| self.columns.iter().map(|j| plane[i * n + j]).collect::<Vec<_>>();
                self.rows.iter().flat_map(columns).collect()
            }
        };
        self.a.planes.iter().map(plane).collect()
    }

    fn lift(
        &self,
        planes: &[Vec<i64>],
        inverse: &[u64],
        b: &[BigInt],
        check: impl Fn(&[BigInt], usize) -> BigInt,
        work: &mut Work,
    ) -> Option<Fractions> {
        let r = b.len();
        if b.iter().all(Zero::is_zero) {
            return Some(Fractions { num: vec![BigInt::ZERO; r], den: BigInt::one() });
        }
        let field = &self.field;
        let width = b.iter().map(BigInt::bits).max().unwrap_or(0);
        let entry = u64::from(BITS) * planes.len() as u64;
        // By Hadamard numerators and denominator stay below 2 to half this power.
        let most = (2 * (r as u64 * (entry + 8) + width) + 64) / 61 + 2;
        let mut rest = b.to_vec();
        let mut digits: Vec<Vec<u64>> = Vec::new();
        let mut next_try = (width + 128) / 61 + 2;
        while (digits.len() as u64) < most {
            // A long product costs about ten times one of words.
            work.spend((r * r * (1 + planes.len()) + 20 * r * (planes.len() + 2)) as u64)?;
            let residues: Vec<u64> = rest.iter().map(|v| field.residue(v)).collect();
            let digit = field.apply(inverse, &residues);
            for (i, rest) in rest.iter_mut().enumerate() {
                let mut product = BigInt::ZERO;
                for plane in planes.iter().rev() {
                    product <<= BITS;
                    let row = &plane[i * r..(i + 1) * r];
                    for (row, digit) in row.chunks(BLOCK).zip(digit.chunks(BLOCK)) {
                        let pairs = row.iter().zip(digit);
                        product +=
                            pairs.map(|(a, c)| i128::from(*a) * i128::from(*c)).sum::<i128>();
                    }
                }
                *rest -= product;
                *rest /= field.p;
            }
            digits.push(digit);
            let count = digits.len() as u64;
            if count < next_try && count < most {
                continue;
            }
            next_try = count + count / 2 + 1;
            let long = count * count;
            work.spend(long * 60 + r as u64 * long)?;
            if let Some(found) = reconstruct(&digits, field.p, r) {
                work.spend(r as u64 * r as u64 * planes.len() as u64 * (count + 10))?;
                if (0..r).all(|k| check(&found.num, k) == &found.den * &b[k]) {
                    return Some(found);
                }
            }
        }
        None
    }
}

/// The fractions of least numerators and one denominator with these digits.
fn reconstruct(digits: &[Vec<u64>], p: u64, r: usize) -> Option<Fractions> {
    let modulus = BigInt::from(p).pow(digits.len() as u32);
    let bound = (&modulus / 2_u32).sqrt();
    let mut den = BigInt::one();
    let mut num: Vec<BigInt> = Vec::with_capacity(r);
    for i in 0..r {
        let mut value = BigInt::ZERO;
        for digit in digits.iter().rev() {
            value = value * p + digit[i];
        }
        value = (value * &den) % &modulus;
        let other = &value - &modulus;
        if value <= bound {
            num.push(value);
        } else if -&other <= bound {
            num.push(other);
        } else {
            let (n, d) = half_euclid(&modulus, value, &bound)?;
            den *= &d;
            if den > bound {
                return None;
            }
            num.iter_mut().for_each(|v| *v *= &d);
            num.push(n);
        }
    }
    Some(Fractions { num, den })
}

/// `n/d ≡ v mod m` with |n|, d ≤ bound.
fn half_euclid(m: &BigInt, v: BigInt, bound: &BigInt) -> Option<(BigInt, BigInt)> {
    let (mut r0, mut r1) = (m.clone(), v);
    let (mut t0, mut t1) = (BigInt::ZERO, BigInt::one());
    while &r1 > bound {
        let quotient = &r0 / &r1;
        let r2 = &r0 - &quotient * &r1;
        (r0, r1) = (r1, r2);
        let t2 = &t0 - &quotient * &t1;
        (t0, t1) = (t1, t2);
    }
    if t1.is_zero() || &t1.abs() > bound {
        return None;
    }
    Some(if t1.sign() == Sign::Minus { (-r1, -t1) } else { (r1, t1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::certificate::exact::modular::{PRIMES, regular};
    use crate::problem::Problem;

    fn square(a: &Integers) -> Square<'_> {
        let field = Field::new(PRIMES[1]);
        let found = regular(&field, a, 0..a.n, &mut Work::new(1 << 40)).unwrap();
        Square { field, a, rows: found.rows, columns: found.columns, inverse: found.inverse }
    }

    #[test]
    fn a_hilbert_system_is_solved_exactly() {
        // 27720/(i + j + 1) for 6 rows, all integers; A·(1, −2, 3, −4, 5, −6) as the right side.
        let size = 6;
        let z: Vec<f64> = (0..36).map(|k| 27720.0 / (k / size + k % size + 1) as f64).collect();
        let problem = Problem::from_rows(z, vec![7.0; size]).unwrap();
        let a = Integers::new(&problem).unwrap();
        let square = square(&a);
        let x = [1, -2, 3, -4, 5, -6].map(BigInt::from);
        let all: Vec<usize> = (0..size).collect();
        let b: Vec<BigInt> = square.rows.iter().map(|i| a.row_product(*i, &all, &x)).collect();
        let found = square.solve(&b, &mut Work::new(1 << 40)).unwrap();
        let expected: Vec<BigInt> = square.columns.iter().map(|j| &x[*j] * &found.den).collect();
        assert_eq!(found.num, expected);
    }

    #[test]
    fn fractions_solve_the_system_and_its_transposed() {
        let z = vec![3.0, 1e-9, 0.1, -2.5, 1.0 / 3.0, 7e5, 0.0, -1.0, 1e9];
        let problem = Problem::from_rows(z, vec![1.0, 2.0, 3.0]).unwrap();
        let a = Integers::new(&problem).unwrap();
        let mut square = square(&a);
        let b: Vec<BigInt> = [5, -11, 13].map(BigInt::from).to_vec();
        let x = square.solve(&b, &mut Work::new(1 << 40)).unwrap();
        for i in 0..3 {
            assert_eq!(a.row_product(square.rows[i], &square.columns, &x.num), &x.den * &b[i]);
        }
        let x = square.solve_transposed(&b, &mut Work::new(1 << 40)).unwrap();
        for k in 0..3 {
            assert_eq!(a.column_product(square.columns[k], &square.rows, &x.num), &x.den * &b[k]);
        }
        // Twice the same column is singular.
        let first = square.columns[0];
        assert!(!square.replace(1, first));
        assert!(square.solve(&b, &mut Work::new(10)).is_none());
    }
}

//! The simplex method in exact arithmetic, from a basis that floating point found.
//!
//! The variables are the positive and negative parts of x'. Every regular basis is feasible for
//! *some* signs, `s = sign x'_B`, so that there is no first phase. With `A_Bᵀμ' = s ∘ w_B` a column
//! with `|A_jᵀμ'| > w_j` enters, by the largest ratio; after a step of length 0 by the lowest
//! index, leaving by the lowest index as well (Bland 1977), until a step has a length: then it
//! ends.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

use super::integers::Integers;
use super::lift::{Fractions, Square};
use super::modular::{Field, PRIMES, regular};
use super::round::{above, below, nearest};
use super::{Exact, Vertex, Work, contradiction};
use crate::limit::certificate::enclosure;
use crate::numerics::exact::bounded_sums::transposed_product;
use crate::problem::Problem;

/// Rows from which on the bounds of a vertex end the search when they agree.
const LARGE: usize = 32;
/// Relative distance of the bounds at which they do.
const AGREE: f64 = 1e-12;

/// The minimum, from the pair (x, μ) on; entries that are not finite count as 0.
pub(in crate::limit) fn decide(problem: &Problem, x: &[f64], mu: &[f64], work: u64) -> Exact {
    search(problem, x, mu, true, &mut Work::new(work))
}

/// Whether there is any solution: the vertex that x leads to, minimal or not.
pub(in crate::limit) fn solvable(problem: &Problem, x: &[f64], work: u64) -> Exact {
    search(problem, x, &vec![0.0; problem.samples()], false, &mut Work::new(work))
}

fn search(problem: &Problem, x: &[f64], mu: &[f64], minimise: bool, work: &mut Work) -> Exact {
    let tame = |v: &[f64]| -> Vec<f64> {
        v.iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect()
    };
    let (x, mu) = (tame(x), tame(mu));
    let (d, n) = (problem.samples(), problem.features());
    // The least that is to be done, before any memory is taken.
    if work.left < 4 * (d * n) as u64 {
        return Exact::Refused;
    }
    let Some(a) = Integers::new(problem) else { return Exact::Refused };
    let products: Vec<f64> =
        transposed_product(problem.z_rows(), n, &mu).iter().map(|s| s.value()).collect();
    let size = |j: usize| if products[j].is_nan() { 0.0 } else { products[j].abs() };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| {
        (x[j].abs().total_cmp(&x[i].abs())).then(size(j).total_cmp(&size(i))).then(i.cmp(&j))
    });
    let side = |j: usize| {
        let v = if x[j] == 0.0 { products[j] } else { x[j] };
        if v < 0.0 { Sign::Minus } else { Sign::Plus }
    };
    let signs: Vec<Sign> = (0..n).map(side).collect();
    let known = enclosure::lower(problem, &mu, &vec![0.0; d]);
    let mut search =
        Search { problem, a: &a, minimise, signs, lower: known, best: None, pivots: 0 };
    for p in PRIMES {
        match search.run(Field::new(p), &order, work) {
            Some(Outcome::Decided(exact)) => return exact,
            // What is not 0 was 0 modulo p: the next prime goes on from the same basis.
            Some(Outcome::Unlucky(first)) => {
                order.sort_by_key(|j| !first.contains(j));
            }
            None => break,
        }
    }
    // The exact solution with the bounds so far.
    match search.best {
        Some(vertex) => Exact::Vertex(Vertex { lower: search.lower, ..vertex }),
        None => Exact::Refused,
    }
}

enum Outcome {
    Decided(Exact),
    Unlucky(Vec<usize>),
}

struct Search<'a> {
    problem: &'a Problem,
    a: &'a Integers,
    /// Whether the first solution is not enough.
    minimise: bool,
    /// Side of every column: of x in the basis, where it would be outside.
    signs: Vec<Sign>,
    /// The best lower bound.
    lower: f64,
    best: Option<Vertex>,
    pivots: usize,
}

impl Search<'_> {
    /// `None` when the work is used up.
    fn run(&mut self, field: Field, order: &[usize], work: &mut Work) -> Option<Outcome> {
        let a = self.a;
        let start = regular(&field, a, order.iter().copied(), work)?;
        let (rows, columns, inverse) = (start.rows, start.columns, start.inverse);
        let mut square = Square { field, a, rows, columns, inverse };
        let targets: Vec<BigInt> = square.rows.iter().map(|i| a.targets[*i].clone()).collect();
        let mut bland = false;
        loop {
            let x = square.solve(&targets, work)?;
            if let Some(row) = self.unmet(&square, &x, work)? {
                return Some(match self.contradiction(&square, row, work)? {
                    Some(u) => Outcome::Decided(Exact::NoSolution(contradiction::farkas(
                        self.problem,
                        a,
                        &u,
                    ))),
                    None => Outcome::Unlucky(square.columns),
                });
            }
            for (j, v) in square.columns.iter().zip(&x.num) {
                if !v.is_zero() {
                    self.signs[*j] = v.sign();
                }
            }
            if !self.minimise {
                let none = Fractions { num: vec![BigInt::ZERO; square.rows.len()], den: 1.into() };
                let vertex = self.vertex(&square, &x, &none);
                return Some(Outcome::Decided(Exact::Vertex(vertex)));
            }
            let prices: Vec<BigInt> =
                square.columns.iter().map(|j| self.signed_weight(*j)).collect();
            let mu = square.solve_transposed(&prices, work)?;
            let entering = self.price(&square, &mu, bland, work)?;
            let vertex = self.vertex(&square, &x, &mu);
            self.raise_lower(&square, &x, entering.as_ref(), bland);
            let agree = square.rows.len() > LARGE
                && vertex.upper.is_finite()
                && vertex.upper - self.lower <= AGREE * vertex.upper;
            self.best = Some(vertex);
            let Some(entering) = entering.filter(|_| !agree) else {
                let vertex = self.best.take()?;
                return Some(Outcome::Decided(Exact::Vertex(Vertex {
                    lower: self.lower,
                    optimal: true,
                    ..vertex
                })));
            };
            let column: Vec<BigInt> =
                square.rows.iter().map(|i| a.entry(*i, entering.column)).collect();
            let direction = square.solve(&column, work)?;
            // No column to leave would mean a minimum without bound, which norms do not have.
            let leaving = self.leaving(&square, &x, &direction, entering.sign)?;
            bland = x.num[leaving].is_zero();
            work.spend(4 * (square.rows.len() as u64).pow(2))?;
            self.signs[entering.column] = entering.sign;
            self.pivots += 1;
            if !square.replace(leaving, entering.column) {
                square.columns[leaving] = entering.column;
                return Some(Outcome::Unlucky(square.columns));
            }
        }
    }

    /// `w_j` with the sign of column j.
    fn signed_weight(&self, j: usize) -> BigInt {
        BigInt::from_biguint(
            self.signs[j],
            num_bigint::BigUint::from(1_u32) << self.a.log_weights[j],
        )
    }

    /// A row that x does not satisfy.
    fn unmet(&self, square: &Square<'_>, x: &Fractions, work: &mut Work) -> Option<Option<usize>> {
        let rest = (0..self.a.d).filter(|i| !square.rows.contains(i));
        let length = x.den.bits() / 64 + 16;
        for i in rest {
            work.spend(square.rows.len() as u64 * self.a.planes.len() as u64 * length)?;
            if self.a.row_product(i, &square.columns, &x.num) != &x.den * &self.a.targets[i] {
                return Some(Some(i));
            }
        }
        Some(None)
    }

    /// u with `uᵀA = 0` and `uᵀb ≠ 0` from a row that the solution of the others does not satisfy:
    /// the row less its combination of the others. `None` inside when it does not depend on them.
    fn contradiction(
        &self,
        square: &Square<'_>,
        row: usize,
        work: &mut Work,
    ) -> Option<Option<Vec<BigInt>>> {
        let a = self.a;
        let target: Vec<BigInt> = square.columns.iter().map(|j| a.entry(row, *j)).collect();
        let c = square.solve_transposed(&target, work)?;
        let mut u = vec![BigInt::ZERO; a.d];
        for (i, c) in square.rows.iter().zip(&c.num) {
            u[*i] = -c;
        }
        u[row] = c.den.clone();
        let support: Vec<usize> = (0..a.d).filter(|i| !u[*i].is_zero()).collect();
        let values: Vec<BigInt> = support.iter().map(|i| u[*i].clone()).collect();
        let length = c.den.bits() / 64 + 16;
        work.spend((a.n * support.len() * a.planes.len()) as u64 * length)?;
        let vanishes = (0..a.n).all(|j| a.column_product(j, &support, &values).is_zero());
        let product: BigInt = support.iter().zip(&values).map(|(i, v)| v * &a.targets[*i]).sum();
        if !vanishes || product.is_zero() {
            return Some(None);
        }
        if product.is_negative() {
            u.iter_mut().for_each(|v| *v = -&*v);
        }
        Some(Some(u))
    }

    /// The column to enter, the first or the one that violates most.
    fn price(
        &self,
        square: &Square<'_>,
        mu: &Fractions,
        bland: bool,
        work: &mut Work,
    ) -> Option<Option<Entering>> {
        let a = self.a;
        let length = mu.den.bits() / 64 + 16;
        let mut inside = vec![false; a.n];
        square.columns.iter().for_each(|j| inside[*j] = true);
        let mut best: Option<Entering> = None;
        for j in (0..a.n).filter(|j| !inside[*j]) {
            work.spend(square.rows.len() as u64 * a.planes.len() as u64 * length)?;
            let product = a.column_product(j, &square.rows, &mu.num);
            let bound = &mu.den << a.log_weights[j];
            if product.abs() <= bound {
                continue;
            }
            let ratio = log2(&product) - log2(&bound);
            if best.as_ref().is_none_or(|b| ratio > b.ratio && !bland) {
                let sign = product.sign();
                best = Some(Entering { column: j, sign, ratio, product, bound });
            }
        }
        Some(best)
    }

    /// `Σ w_j|x'_j|` over the denominator of x.
    fn sum(&self, square: &Square<'_>, x: &Fractions) -> BigInt {
        square.columns.iter().zip(&x.num).map(|(j, v)| v.abs() << self.a.log_weights[*j]).sum()
    }

    /// The exponent of the units of `‖x'‖`.
    fn unit(&self) -> i64 {
        i64::from(self.a.target) - i64::from(self.a.widest)
    }

    /// `‖x‖₁ = bᵀμ'` at every vertex, and μ' scaled by its largest violation is feasible.
    fn raise_lower(
        &mut self,
        square: &Square<'_>,
        x: &Fractions,
        violation: Option<&Entering>,
        bland: bool,
    ) {
        let sum = self.sum(square, x);
        let bound = match violation {
            None => below(&sum, &x.den, self.unit()),
            // What the lowest index leaves unseen may be larger.
            Some(_) if bland => return,
            // The ratios were compared to 1e-9 only.
            Some(v) => (below(&(sum * &v.bound), &(&x.den * &v.product.abs()), self.unit())
                * (1.0 - 1e-8))
                .next_down(),
        };
        self.lower = self.lower.max(bound);
    }

    /// The vertex, rounded.
    fn vertex(&self, square: &Square<'_>, x: &Fractions, mu: &Fractions) -> Vertex {
        let a = self.a;
        let upper = above(&self.sum(square, x), &x.den, self.unit());
        let mut point = vec![0.0; a.n];
        for (j, v) in square.columns.iter().zip(&x.num) {
            let e = i64::from(a.target) - i64::from(a.columns[*j]);
            point[*j] = nearest(v, &x.den, e);
        }
        let mut dual = vec![0.0; a.d];
        for (i, v) in square.rows.iter().zip(&mu.num) {
            let e = -i64::from(a.rows[*i]) - i64::from(a.widest);
            dual[*i] = nearest(v, &mu.den, e);
        }
        Vertex {
            x: point,
            mu: dual,
            lower: self.lower,
            upper,
            optimal: false,
            columns: square.columns.clone(),
            pivots: self.pivots,
        }
    }

    /// The column of the basis that reaches 0 first as the entering one grows.
    fn leaving(
        &self,
        square: &Square<'_>,
        x: &Fractions,
        direction: &Fractions,
        entering: Sign,
    ) -> Option<usize> {
        let mut best: Option<usize> = None;
        for k in 0..square.columns.len() {
            // x_k falls when its side and its direction agree.
            let side = self.signs[square.columns[k]];
            let change = direction.num[k].sign() * entering;
            if change == Sign::NoSign || change != side {
                continue;
            }
            let sooner = match best {
                None => true,
                Some(b) => {
                    let left = x.num[k].abs() * direction.num[b].abs();
                    let right = x.num[b].abs() * direction.num[k].abs();
                    match left.cmp(&right) {
                        Ordering::Less => true,
                        Ordering::Equal => square.columns[k] < square.columns[b],
                        Ordering::Greater => false,
                    }
                }
            };
            if sooner {
                best = Some(k);
            }
        }
        best
    }
}

/// A column that violates `|A_jᵀμ'| ≤ w_j`.
struct Entering {
    column: usize,
    sign: Sign,
    /// log₂ of `|A_jᵀμ'|/w_j`, to floating-point accuracy.
    ratio: f64,
    product: BigInt,
    /// w_j, in the same units.
    bound: BigInt,
}

/// log₂|v| of v ≠ 0.
fn log2(v: &BigInt) -> f64 {
    let shift = v.bits().saturating_sub(64);
    (v.magnitude() >> shift).to_f64().unwrap_or(1.0).log2() + shift as f64
}

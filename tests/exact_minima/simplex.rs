//! `min ‖x‖₁ s.t. Zx = y` by a dense tableau of integers: two phases, Bland's rule, pivots that
//! keep all entries integers (Edmonds; Bareiss). Slow, and independent of the library's route.

use mirrorflow::problem::Problem;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

/// What is exactly so.
pub(crate) enum Minimum {
    /// `num/den`, den > 0.
    Value { num: BigInt, den: BigInt },
    /// No x solves the system.
    None,
}

/// Rows `(Z_i, y_i)`, each times a power of two that makes it integer.
pub(crate) fn integer_rows(problem: &Problem) -> Vec<Vec<BigInt>> {
    let n = problem.features();
    let row = |(row, y): (&[f64], &f64)| -> Vec<BigInt> {
        let all: Vec<BigInt> = row.iter().chain([y]).map(|v| super::scaled(*v)).collect();
        let even = all.iter().filter_map(BigInt::trailing_zeros).min().unwrap_or(0);
        let sign = if all[n].is_negative() { -1 } else { 1 };
        all.into_iter().map(|v| (v >> even) * sign).collect()
    };
    problem.z_rows().chunks_exact(n).zip(problem.y()).map(row).collect()
}

struct Tableau {
    rows: Vec<Vec<BigInt>>,
    costs: [Vec<BigInt>; 2],
    basis: Vec<usize>,
    /// All entries are over this denominator.
    den: BigInt,
}

impl Tableau {
    fn pivot(&mut self, r: usize, c: usize) {
        let pivot = self.rows[r].clone();
        let p = pivot[c].clone();
        let others = self.rows.iter_mut().enumerate().filter(|(i, _)| *i != r).map(|(_, row)| row);
        for row in others.chain(&mut self.costs) {
            let factor = row[c].clone();
            for (v, q) in row.iter_mut().zip(&pivot) {
                *v = (&*v * &p - &factor * q) / &self.den;
            }
        }
        self.den = p;
        self.basis[r] = c;
    }

    fn run(&mut self, phase: usize, columns: usize) {
        loop {
            let sign = self.den.signum();
            let enters = |v: &BigInt| (v * &sign).is_negative();
            let Some(c) = (0..columns).find(|j| enters(&self.costs[phase][*j])) else { return };
            let mut best: Option<usize> = None;
            for i in 0..self.rows.len() {
                let a = &self.rows[i][c] * &sign;
                if !a.is_positive() {
                    continue;
                }
                let better = best.is_none_or(|b| {
                    let last = self.rows[i].len() - 1;
                    let left = &self.rows[i][last] * (&self.rows[b][c] * &sign) * &sign;
                    let right = &self.rows[b][last] * &a * &sign;
                    left < right || (left == right && self.basis[i] < self.basis[b])
                });
                if better {
                    best = Some(i);
                }
            }
            self.pivot(best.expect("the objective is bounded"), c);
        }
    }
}

/// The minimum for rows with targets ≥ 0.
pub(crate) fn minimum(data: &[Vec<BigInt>]) -> Minimum {
    let (d, n) = (data.len(), data[0].len() - 1);
    let mut rows = Vec::new();
    for (i, row) in data.iter().enumerate() {
        let mut full: Vec<BigInt> = row[..n].to_vec();
        full.extend(row[..n].iter().map(|v| -v));
        full.extend((0..d).map(|k| BigInt::from(u8::from(k == i))));
        full.push(row[n].clone());
        rows.push(full);
    }
    let width = 2 * n + d + 1;
    let mut first = vec![BigInt::zero(); width];
    for j in (0..2 * n).chain([width - 1]) {
        first[j] = -rows.iter().map(|row| &row[j]).sum::<BigInt>();
    }
    let second = (0..width).map(|j| BigInt::from(u8::from(j < 2 * n))).collect();
    let basis = (2 * n..2 * n + d).collect();
    let mut tableau = Tableau { rows, costs: [first, second], basis, den: BigInt::one() };
    tableau.run(0, 2 * n);
    if !tableau.costs[0][width - 1].is_zero() {
        return Minimum::None;
    }
    for i in (0..d).rev() {
        if tableau.basis[i] >= 2 * n {
            match (0..2 * n).find(|j| !tableau.rows[i][*j].is_zero()) {
                Some(c) => tableau.pivot(i, c),
                None => {
                    tableau.rows.remove(i);
                    tableau.basis.remove(i);
                }
            }
        }
    }
    tableau.run(1, 2 * n);
    let last = width - 1;
    let num: BigInt = tableau.rows.iter().map(|row| &row[last]).sum();
    Minimum::Value { num: num * tableau.den.signum(), den: tableau.den.abs() }
}

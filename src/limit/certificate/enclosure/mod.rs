//! `l1_lower ≤ min{‖x‖₁ : Zx = y} ≤ l1_upper` as a theorem about the given floating-point Z and y.
//!
//! *Lower.* For every x with `Zx = y` and every μ: `yᵀμ = xᵀZᵀμ ≤ ‖x‖₁‖Zᵀμ‖_∞`, so `yᵀμ/‖Zᵀμ‖_∞`
//! with the numerator rounded down and the denominator up. Any μ will do; a poor one gives a poor
//! bound. *Upper.* Any exactly feasible point. Near x there is one: fix the coefficients outside d
//! independent columns B (the support first, by size, then a pivoted choice), and prove with
//! Krawczyk's operator that `Z_B x_B = y − Z_{B^c} x_{B^c}` has a solution in a small box; sum the
//! magnitudes upwards.
//!
//! Both μ and x_B are refined to sums of two floats, so that ill-conditioned data cost digits that
//! are there to spare. Columns are scaled by powers of two (exact) before the proof. With dependent
//! rows there is no such B, and nothing is proved about feasibility: the status says so.

mod krawczyk;

use std::fmt;

use super::{check, column};
use crate::Result;
use crate::limit::lasso::scaled::{exponent, scale_by};
use crate::numerics::dense::rows;
use crate::numerics::dense::updatable_qr::{Active, Split};
use crate::numerics::exact::bounded_sums::{Sum, dot_from, transposed_product_pair};
use crate::numerics::exact::interval::Interval;
use crate::problem::Problem;

/// What the proof came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnclosureStatus {
    /// Both bounds are proved.
    Proved,
    /// Both bounds are proved, in exact arithmetic.
    Exact,
    /// No d independent columns: rows are dependent (or n < d), so that `Zx = y` can be solved only
    /// for special y, which rounding cannot decide. `l1_upper` is ∞; remove dependent rows.
    RankDeficient,
    /// The columns are too nearly dependent for a proof in double precision; `l1_upper` is ∞.
    IllConditioned,
}

impl EnclosureStatus {
    /// Whether it is proved that `Zx = y` has a solution.
    pub fn is_solvable(self) -> bool {
        matches!(self, Self::Proved | Self::Exact)
    }
}

impl fmt::Display for EnclosureStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proved => "both bounds are proved",
            Self::Exact => "both bounds are proved, in exact arithmetic",
            Self::RankDeficient => {
                "rows of Z are dependent (or n < d): no upper bound can be proved; remove them"
            }
            Self::IllConditioned => {
                "the columns are too nearly dependent to prove an upper bound in double precision"
            }
        })
    }
}

/// Proved bounds of the L1 minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Enclosure {
    /// No solution of `Zx = y` has a smaller `‖x‖₁`.
    pub l1_lower: f64,
    /// Some exact solution of `Zx = y` has `‖x‖₁` at most this; ∞ when none was proved.
    pub l1_upper: f64,
    /// Upper bound of `‖I − MZ_B‖_∞` in the proof (< 1 where it succeeded; 1 where it was not
    /// tried).
    pub contraction: f64,
    /// Radius of the box of the proof, in the coefficient where it is largest: how well the exactly
    /// feasible point is known. ∞ when there is none.
    pub radius: f64,
    /// No coefficient of the exactly feasible point is farther than this from that of the given x.
    /// ∞ when there is none.
    pub distance: f64,
    /// The columns B of the proof.
    pub columns: Vec<usize>,
    /// What was proved.
    pub status: EnclosureStatus,
}

impl Enclosure {
    /// `(l1_upper − l1_lower)/l1_upper`; 0 when both are 0, ∞ without an upper bound.
    pub fn relative_width(&self) -> f64 {
        if self.l1_upper == 0.0 {
            0.0
        } else if self.l1_upper.is_finite() {
            (self.l1_upper - self.l1_lower) / self.l1_upper
        } else {
            f64::INFINITY
        }
    }
}

/// Encloses the optimum of `min ‖x‖₁ s.t. Zx = y` from an approximate pair x (length n), μ (length
/// d): valid for any pair, narrow for a good one.
///
/// # Errors
/// When a length is wrong or an entry is not finite.
///
/// ```
/// use mirrorflow::limit::{EnclosureStatus, enclose};
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// // 3x₁ + x₂ = 1: the optimum is 1/3, which no float is.
/// let problem = Problem::new(array![[3.0, 1.0]], array![1.0])?;
/// let proof = enclose(&problem, &[0.333, 0.0], &[0.333])?;
/// assert_eq!(proof.status, EnclosureStatus::Proved);
/// assert!(proof.l1_lower <= 1.0 / 3.0 && 1.0 / 3.0 <= proof.l1_upper);
/// assert!(proof.relative_width() < 1e-15);
/// # Ok(())
/// # }
/// ```
pub fn enclose(problem: &Problem, x: &[f64], mu: &[f64]) -> Result<Enclosure> {
    check("x", x, problem.features())?;
    check("mu", mu, problem.samples())?;
    let (d, n) = (problem.samples(), problem.features());
    let basis = Basis::choose(problem, x, mu);
    let mut enclosure = Enclosure {
        l1_lower: lower(problem, mu, &vec![0.0; d]),
        l1_upper: f64::INFINITY,
        contraction: 1.0,
        radius: f64::INFINITY,
        distance: f64::INFINITY,
        columns: basis.columns.clone(),
        status: EnclosureStatus::RankDeficient,
    };
    if problem.y().iter().all(|v| *v == 0.0) {
        // x = 0 is exactly feasible.
        enclosure.l1_lower = 0.0;
        enclosure.l1_upper = 0.0;
        enclosure.radius = 0.0;
        enclosure.distance = x.iter().fold(0.0, |m, v| m.max(v.abs()));
        enclosure.status = EnclosureStatus::Proved;
        return Ok(enclosure);
    }
    if basis.columns.len() < d {
        return Ok(enclosure);
    }
    enclosure.status = EnclosureStatus::IllConditioned;
    let inverse = basis.factors.left_inverse();
    let alpha = krawczyk::contraction(&inverse, &basis.rows, d);
    enclosure.contraction = alpha;
    let refined = refine_dual(problem, &basis, &inverse, mu);
    enclosure.l1_lower = enclosure.l1_lower.max(lower(problem, mu, &refined));

    // Everything outside B stays where it is.
    let mut inside = vec![false; n];
    basis.columns.iter().for_each(|&j| inside[j] = true);
    let outside: Vec<usize> = (0..n).filter(|&j| !inside[j] && x[j] != 0.0).collect();
    let start: Vec<f64> =
        basis.columns.iter().zip(&basis.exponents).map(|(&j, &e)| scale_by(x[j], e)).collect();
    let residual = |high: &[f64], low: &[f64]| -> Vec<Sum> {
        let minus: Vec<f64> =
            outside.iter().map(|&j| -x[j]).chain(high.iter().chain(low).map(|v| -v)).collect();
        let mut entries = Vec::with_capacity(minus.len());
        problem
            .z_rows()
            .chunks_exact(n)
            .zip(basis.rows.chunks_exact(d))
            .zip(problem.y())
            .map(|((row, scaled), &y)| {
                entries.clear();
                entries.extend(outside.iter().map(|&j| row[j]));
                entries.extend_from_slice(scaled);
                entries.extend_from_slice(scaled);
                dot_from(y, &entries, &minus)
            })
            .collect()
    };
    if !basis.exact {
        return Ok(enclosure);
    }
    let Some(point) = krawczyk::enclose(&inverse, alpha, start, residual) else {
        return Ok(enclosure);
    };
    // ‖x‖₁ ≤ Σ_B (±(high + low) + radius)·2^{−e} + Σ_outside |x_j|, rounded upwards.
    let (mut values, mut signs) = (Vec::new(), Vec::new());
    let mut radii = Interval::ZERO;
    let (mut widest, mut distance) = (0.0_f64, 0.0_f64);
    for (i, &e) in basis.exponents.iter().enumerate() {
        let sign = scale_by(1.0_f64.copysign(point.high[i]), -e);
        values.extend([point.high[i], point.low[i]]);
        signs.extend([sign, sign]);
        let radius = scale_by(point.radius[i], -e).next_up();
        radii = radii + Interval::point(radius);
        widest = widest.max(radius);
        let unscaled = |v: f64| Interval::point(scale_by(v, -e));
        let apart =
            unscaled(point.high[i]) - Interval::point(x[basis.columns[i]]) + unscaled(point.low[i]);
        // MIN_POSITIVE: for what the unscaling may lose to underflow.
        let apart = Interval::point(apart.mag()) + Interval::point(radius.max(f64::MIN_POSITIVE));
        distance = distance.max(apart.hi());
    }
    for &j in &outside {
        values.push(x[j]);
        signs.push(1.0_f64.copysign(x[j]));
    }
    let upper = (Interval::point(dot_from(0.0, &values, &signs).upper()) + radii).hi();
    if upper.is_finite() {
        enclosure.l1_upper = upper;
        enclosure.radius = widest;
        enclosure.distance = distance;
        enclosure.status = EnclosureStatus::Proved;
    }
    Ok(enclosure)
}

/// `yᵀ(μ + μ')/‖Zᵀ(μ + μ')‖_∞` rounded down, at least 0.
pub(in crate::limit) fn lower(problem: &Problem, mu: &[f64], tail: &[f64]) -> f64 {
    let products = transposed_product_pair(problem.z_rows(), problem.features(), mu, tail);
    let norm = products.iter().fold(0.0_f64, |m, s| m.max(s.magnitude()));
    let both = [problem.y(), problem.y()].concat();
    let value = dot_from(0.0, &both, &[mu, tail].concat()).lower();
    if !(value.is_finite() && norm.is_finite()) {
        return 0.0;
    }
    let bound = (Interval::point(value) / Interval::point(norm)).lo();
    if bound.is_finite() { bound.max(0.0) } else { 0.0 }
}

/// A correction μ' with which the tight constraints of B hold to the square of rounding.
fn refine_dual(problem: &Problem, basis: &Basis, inverse: &[f64], mu: &[f64]) -> Vec<f64> {
    let (d, n) = (problem.samples(), problem.features());
    let mut tail = vec![0.0; d];
    for _ in 0..2 {
        let products = transposed_product_pair(problem.z_rows(), n, mu, &tail);
        let norm = products.iter().fold(0.0_f64, |m, s| m.max(s.value().abs()));
        // Z_Bᵀμ' = what is missing on the tight columns, 0 on the others: μ' = Mᵀ(missing).
        let missing: Vec<f64> = basis
            .columns
            .iter()
            .zip(&basis.exponents)
            .map(|(&j, &e)| {
                let c = products[j];
                let tight = c.value().abs() > (1.0 - 1e-6) * norm;
                let miss = (norm.copysign(c.hi) - c.hi) - c.lo;
                if tight { scale_by(miss, -e) } else { 0.0 }
            })
            .collect();
        rows::add_rows(inverse, d, &missing, &mut tail);
    }
    tail
}

/// d independent columns, scaled by powers of two.
struct Basis {
    columns: Vec<usize>,
    /// Column j of the basis is `2^{−e_j} Z_{B_j}`, of largest entry in [1, 2).
    exponents: Vec<i32>,
    factors: Active,
    /// The scaled columns as a d×d row-major matrix.
    rows: Vec<f64>,
    /// Whether the scaling lost no bit.
    exact: bool,
}

impl Basis {
    /// The support of x by decreasing size, then the column farthest from the span so far, from
    /// those with the largest |Z_jᵀμ|, until there are d.
    fn choose(problem: &Problem, x: &[f64], mu: &[f64]) -> Self {
        let (d, n) = (problem.samples(), problem.features());
        let mut basis = Self {
            columns: Vec::new(),
            exponents: Vec::new(),
            factors: Active::new(&vec![0.0; d], d.min(n)),
            rows: Vec::new(),
            exact: true,
        };
        let mut support: Vec<usize> = (0..n).filter(|&j| x[j] != 0.0).collect();
        support.sort_by(|&i, &j| x[j].abs().total_cmp(&x[i].abs()).then(i.cmp(&j)));
        let mut taken: Vec<Vec<f64>> = Vec::new();
        for &j in &support {
            // Coefficients of rounding size are better fixed than made part of a bad basis.
            if basis.columns.len() < d
                && let Some(unit) = basis.try_add(problem, j, 1e-8)
            {
                taken.push(unit);
            }
        }
        if basis.columns.len() < d {
            basis.complete(problem, mu, &mut taken);
        }
        if basis.columns.len() == d {
            basis.rows = vec![0.0; d * d];
            for (k, column) in taken.iter().enumerate() {
                for (i, v) in column.iter().enumerate() {
                    basis.rows[i * d + k] = *v;
                }
            }
        }
        basis
    }

    /// Adds column j unless it is nearer than `least` (relatively) to the span.
    fn try_add(&mut self, problem: &Problem, j: usize, least: f64) -> Option<Vec<f64>> {
        let full = column(problem, j);
        let e = exponent(&full);
        let unit: Vec<f64> = full.iter().map(|&v| scale_by(v, -e)).collect();
        let norm = rows::dot(&unit, &unit).sqrt();
        let mut split = Split::default();
        if !self.factors.split(&unit, norm, &mut split) || split.rho < least * norm {
            return None;
        }
        self.exact &= unit.iter().zip(&full).all(|(u, f)| scale_by(*u, e) == *f);
        self.factors.join(j, 1.0, &split);
        self.columns.push(j);
        self.exponents.push(e);
        Some(unit)
    }

    fn complete(&mut self, problem: &Problem, mu: &[f64], taken: &mut Vec<Vec<f64>>) {
        let (d, n) = (problem.samples(), problem.features());
        let products = transposed_product_pair(problem.z_rows(), n, mu, &vec![0.0; d]);
        let mut inside = vec![false; n];
        self.columns.iter().for_each(|&j| inside[j] = true);
        let mut order: Vec<usize> = (0..n).filter(|&j| !inside[j]).collect();
        let size = |j: usize| products[j].value().abs();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)).then(i.cmp(&j)));
        // A pool three times as large as needed first; everything if that is not enough.
        let small = order.len().min(3 * (d - self.columns.len()) + 16);
        for pool in [&order[..small], &order[..]] {
            // Distance² from the span, for columns of norm 1, updated as directions are added.
            let units: Vec<Vec<f64>> = pool
                .iter()
                .map(|&j| {
                    let full = column(problem, j);
                    let e = exponent(&full);
                    let v: Vec<f64> = full.iter().map(|&v| scale_by(v, -e)).collect();
                    let norm = rows::dot(&v, &v).sqrt();
                    v.iter().map(|v| if norm > 0.0 { v / norm } else { 0.0 }).collect()
                })
                .collect();
            let mut distance: Vec<f64> = units
                .iter()
                .map(|v| {
                    let along = self.factors.coordinates(v);
                    rows::dot(v, v) - rows::dot(&along, &along)
                })
                .collect();
            for _ in 0..2 * pool.len() {
                if self.columns.len() == d {
                    return;
                }
                let farthest = (0..pool.len())
                    .max_by(|&a, &b| distance[a].total_cmp(&distance[b]).then(b.cmp(&a)));
                let Some(k) = farthest.filter(|&k| distance[k] > 1e-24) else { break };
                distance[k] = 0.0;
                if inside[pool[k]] {
                    continue;
                }
                let Some(unit) = self.try_add(problem, pool[k], 1e-12) else { continue };
                taken.push(unit);
                inside[pool[k]] = true;
                let q = self.factors.newest();
                for (gap, v) in distance.iter_mut().zip(&units) {
                    if *gap > 0.0 {
                        let c = rows::dot(q, v);
                        *gap = (*gap - c * c).max(0.0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

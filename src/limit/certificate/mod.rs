//! Is (x, μ) an L1-minimal solution of `Zx = y`? Asked from the outside, of any pair from any
//! route.
//!
//! LP: `min ‖x‖₁ s.t. Zx = y`; dual: `max yᵀμ s.t. ‖Zᵀμ‖_∞ ≤ 1`. With `μ̂ = μ/max(1, ‖Zᵀμ‖_∞)` weak
//! duality gives `yᵀμ̂ ≤ opt`, and `opt ≤ ‖x‖₁` if `Zx = y`. The residual `r = y − Zx` is not
//! exactly zero; by LP duality it moves the optimum by `rᵀμ̂` to first order, so a gap means
//! something only beside `Σ|r_i μ̂_i|`. Uniqueness: every minimiser lives on the tight columns
//! `T = {j: |Z_jᵀμ̂| = 1}` of an optimal μ̂, so there is only one if `Z_T` has full column rank
//! (Fuchs 2004 for T = S). At a degenerate vertex, such as a planted sparse truth, T may be larger
//! than the support S; then the off-support slack `δ = 1 − max_{j∉S}|Z_jᵀμ̂|` of this μ̂ is 0
//! although x is unique. All sums are compensated.

pub(super) mod enclosure;
pub(super) mod exact;
pub(super) mod infeasible;

pub use enclosure::{Enclosure, EnclosureStatus, enclose};

use crate::numerics::dense::updatable_qr::{Active, Split};
use crate::numerics::exact::bounded_sums::{Sum, dot, residual, transposed_product};
use crate::numerics::exact::sums::norm2;
use crate::problem::Problem;
use crate::{Error, Result};

/// Entries below this part of the largest do not count as support.
const SUPPORT: f64 = 1e-10;
/// Dual constraints closer than this to their bound count as tight.
const TIGHT: f64 = 1e-9;

/// What an approximate pair (x, μ) proves, up to rounding; an enclosure proves it
/// without that reservation.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// `‖Zx − y‖₂`.
    pub residual: f64,
    /// `‖Zx − y‖₂/‖y‖₂`; the residual itself when y = 0.
    pub primal_feasibility: f64,
    /// `max_i |Zx − y|_i / (|y_i| + Σ_j |Z_ij x_j|)`: how far each row is from being satisfied in
    /// its own scale, so that a row of small entries counts as much as one of large ones.
    pub row_residual: f64,
    /// `‖Zᵀμ‖_∞`: feasible when ≤ 1.
    pub dual_norm: f64,
    /// `‖x‖₁`.
    pub l1: f64,
    /// `yᵀμ̂`, a lower bound of the optimum.
    pub dual_value: f64,
    /// `‖x‖₁ − yᵀμ̂`; negative only when x is infeasible.
    pub gap: f64,
    /// `gap/‖x‖₁`, 0 when both are 0.
    pub relative_gap: f64,
    /// `Σ|r_i μ̂_i|/‖x‖₁`: what the residual may mean for the optimum, 0 when r = 0.
    pub residual_effect: f64,
    /// Columns with `|x_j| > 1e-10·‖x‖_∞`.
    pub support: Vec<usize>,
    /// Numerical rank of `Z_S`.
    pub rank: usize,
    /// Columns of the support and those with `|Z_jᵀμ̂| ≥ 1 − 1e-9`.
    pub tight: Vec<usize>,
    /// Numerical rank of `Z_T`.
    pub tight_rank: usize,
    /// Slack off the tight columns, `1 − max_{j∉T}|Z_jᵀμ̂|` (1 when T is everything).
    pub tight_margin: f64,
    /// Off-support slack `δ = 1 − max_{j∉S}|Z_jᵀμ̂|` (1 when S is everything).
    pub margin: f64,
}

impl Certificate {
    /// Feasible, and optimal up to a relative error `tolerance`, residual included.
    pub fn holds(&self, tolerance: f64) -> bool {
        // Written so that NaN fails.
        self.primal_feasibility <= tolerance
            && self.row_residual <= tolerance
            && self.relative_gap.abs() <= tolerance
            && self.residual_effect <= tolerance
    }
    /// The largest of what [`holds`](Self::holds) compares; NaN counts as ∞.
    pub fn defect(&self) -> f64 {
        [self.primal_feasibility, self.row_residual, self.relative_gap.abs(), self.residual_effect]
            .into_iter()
            .fold(0.0, |m: f64, v| if v.is_nan() { f64::INFINITY } else { m.max(v) })
    }
    /// Whether the minimiser is unique as far as this dual point can tell, given that the
    /// certificate holds: independent tight columns, and slack above `tolerance` off them.
    pub fn is_unique(&self, tolerance: f64) -> bool {
        self.tight_margin > tolerance && self.tight_rank == self.tight.len()
    }
}

/// Certifies x (length n) and μ (length d) for `min ‖x‖₁ s.t. Zx = y`.
///
/// # Errors
/// When a length is wrong or an entry is not finite.
///
/// ```
/// use mirrorflow::limit::certify;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// let problem = Problem::new(array![[1.0, 2.0]], array![4.0])?;
/// assert!(certify(&problem, &[0.0, 2.0], &[0.5])?.holds(1e-15));
/// assert!(!certify(&problem, &[4.0, 0.0], &[0.5])?.holds(1e-3)); // feasible, not minimal
/// assert!(!certify(&problem, &[0.0, 1.9], &[0.5])?.holds(1e-3)); // infeasible
/// # Ok(())
/// # }
/// ```
pub fn certify(problem: &Problem, x: &[f64], mu: &[f64]) -> Result<Certificate> {
    check("x", x, problem.features())?;
    check("mu", mu, problem.samples())?;
    let mut certificate = certify_unranked(problem, x, mu);
    certificate.rank = rank(problem, &certificate.support);
    certificate.tight_rank = rank(problem, &certificate.tight);
    Ok(certificate)
}

/// Refuses a vector of the wrong length or with an entry that is not finite.
pub(in crate::limit) fn check(what: &str, v: &[f64], len: usize) -> Result<()> {
    if v.len() != len {
        return Err(Error::Shape {
            what: what.into(),
            expected: format!("({len})"),
            found: format!("({})", v.len()),
        });
    }
    match v.iter().position(|x| !x.is_finite()) {
        Some(i) => Err(Error::NotFinite { what: what.into(), index: i.to_string(), value: v[i] }),
        None => Ok(()),
    }
}

/// The certificate without the ranks (0), which cost the most.
pub(in crate::limit) fn certify_unranked(problem: &Problem, x: &[f64], mu: &[f64]) -> Certificate {
    let (z, y, n) = (problem.z_rows(), problem.y(), problem.features());
    let r: Vec<f64> = residual(z, n, y, x).iter().map(Sum::value).collect();
    let row_residual = r.iter().zip(y).zip(z.chunks_exact(n)).map(|((r, y), row)| {
        let size = y.abs() + row.iter().zip(x).map(|(z, x)| (z * x).abs()).sum::<f64>();
        if *r == 0.0 { 0.0 } else { r.abs() / size }
    });
    let row_residual = row_residual.fold(0.0, |m: f64, v| if v > m || v.is_nan() { v } else { m });
    let correlations = transposed_product(z, n, mu);
    let dual_norm = correlations.iter().fold(0.0_f64, |m, c| m.max(c.value().abs()));
    let scale = dual_norm.max(1.0);
    let ones = vec![1.0; n];
    let magnitudes: Vec<f64> = x.iter().map(|v| v.abs()).collect();
    let l1 = dot(&magnitudes, &ones).value();
    let dual_value = dot(y, mu).value() / scale;
    let gap = l1 - dual_value;
    let relative = |v: f64| if v == 0.0 { 0.0 } else { v / l1 };
    let largest = magnitudes.iter().fold(0.0_f64, |m, v| m.max(*v));
    let on = |j: usize| magnitudes[j] > SUPPORT * largest;
    let support: Vec<usize> = (0..n).filter(|&j| on(j)).collect();
    let size = |j: usize| correlations[j].value().abs() / scale;
    let is_tight = |j: usize| on(j) || size(j) >= 1.0 - TIGHT;
    let tight: Vec<usize> = (0..n).filter(|&j| is_tight(j)).collect();
    let slack = |inside: &dyn Fn(usize) -> bool| {
        let most = (0..n).filter(|&j| !inside(j)).map(size).reduce(f64::max);
        most.map_or(1.0, |most| 1.0 - most)
    };
    let (margin, tight_margin) = (slack(&on), slack(&is_tight));
    let norm_r = norm2(&r);
    let norm_y = norm2(y);
    let effect: f64 = r.iter().zip(mu).map(|(r, m)| (r * (m / scale)).abs()).sum();
    Certificate {
        residual: norm_r,
        row_residual,
        primal_feasibility: if norm_y == 0.0 { norm_r } else { norm_r / norm_y },
        dual_norm,
        l1,
        dual_value,
        gap,
        relative_gap: relative(gap),
        residual_effect: relative(effect),
        support,
        rank: 0,
        tight,
        tight_rank: 0,
        tight_margin,
        margin,
    }
}

/// Numerical rank of the columns `support`, by orthogonalization to rounding.
fn rank(problem: &Problem, support: &[usize]) -> usize {
    let (d, n) = (problem.samples(), problem.features());
    let mut active = Active::new(&vec![0.0; d], d.min(n));
    let mut split = Split::default();
    for &j in support {
        let column = column(problem, j);
        // Scaled to norm 1, so that squares neither overflow nor underflow.
        let length = norm2(&column);
        let unit: Vec<f64> = column.iter().map(|v| v / length).collect();
        if length > 0.0 && active.split(&unit, 1.0, &mut split) {
            active.join(j, 1.0, &split);
        }
    }
    active.len()
}

/// Column j of Z.
pub(in crate::limit) fn column(problem: &Problem, j: usize) -> Vec<f64> {
    let (n, z) = (problem.features(), problem.z_rows());
    z.iter().skip(j).step_by(n).copied().collect()
}

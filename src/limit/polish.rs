//! From an approximate pair (x, μ) to the exact vertex: solve on the support.
//!
//! A vertex of `min ‖x‖₁ s.t. Zx = y` is fixed by its support S (independent columns) and signs s:
//! `Z_S x_S = y` and `Z_Sᵀμ = s`. Given S, both are solved by `Z_S = QR` and refined with
//! compensated residuals: `x_S ← x_S + R⁻¹Qᵀ(y − Z_S x_S)`, and the dual point is moved as little
//! as possible, `μ ← μ + QR⁻ᵀ(s − Z_Sᵀμ)`. S is guessed from the magnitudes of x and from the tight
//! dual constraints; a guess counts only if the result is certified.

use super::certificate::{certify_unranked, check, column};
use super::lasso::scaled::{exponent, scale_by};
use super::{Certificate, L1Solution, Route, Status};
use crate::numerics::dense::rows;
use crate::numerics::dense::updatable_qr::{Active, Split};
use crate::numerics::exact::bounded_sums::{Sum, dot, residual, transposed_product};
use crate::problem::Problem;

/// Relative gap, residual and its effect up to which an L1 solution counts as certified.
pub(super) const CERTIFIED: f64 = 1e-9;
/// Guesses of the support that are tried.
const GUESSES: usize = 8;

/// The vertex next to the approximate pair (x, μ) of lengths n and d, certified to a relative gap
/// of 1e-9; `None` when no guess of the support leads to one (or an argument has a wrong length or
/// an entry that is not finite). The route is given as [`Route::Ladder`]: set it to the one the
/// pair came from.
///
/// ```
/// use mirrorflow::limit::polish;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
/// # fn main() -> mirrorflow::Result<()> {
/// let problem = Problem::new(array![[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]], array![4.0, 1.0])?;
/// let vertex = polish(&problem, &[1e-4, 1.9999, 1.0001], &[0.5001, 0.9998]);
/// assert_eq!(vertex.map(|v| v.x), Some(vec![0.0, 2.0, 1.0]));
/// # Ok(())
/// # }
/// ```
pub fn polish(problem: &Problem, x: &[f64], mu: &[f64]) -> Option<L1Solution> {
    polish_certified(problem, x, mu).map(|(solution, _)| solution)
}

/// [`polish`] with the certificate it rests on.
pub(super) fn polish_certified(
    problem: &Problem,
    x: &[f64],
    mu: &[f64],
) -> Option<(L1Solution, Certificate)> {
    let (d, n) = (problem.samples(), problem.features());
    check("x", x, n).ok()?;
    check("mu", mu, d).ok()?;
    for guess in guesses(problem, x, mu) {
        let (x, mu, signs_agree) = solve_on(problem, &guess, mu);
        if !signs_agree || x.iter().chain(&mu).any(|v| !v.is_finite()) {
            continue;
        }
        let certificate = certify_unranked(problem, &x, &mu);
        if certificate.holds(CERTIFIED) {
            let solution = L1Solution {
                l1: certificate.l1,
                x,
                mu,
                route: Route::Ladder,
                status: Status::Converged,
                iterations: 0,
                infeasibility: None,
            };
            return Some((solution, certificate));
        }
    }
    None
}

/// Guesses of the support with signs, most promising first: cut where sorted |x| falls most, then
/// the d largest, then the tight dual constraints.
fn guesses(problem: &Problem, x: &[f64], mu: &[f64]) -> Vec<Vec<(usize, f64)>> {
    let (d, n) = (problem.samples(), problem.features());
    let mut order: Vec<usize> = (0..n).filter(|&j| x[j] != 0.0).collect();
    order.sort_by(|&i, &j| x[j].abs().total_cmp(&x[i].abs()).then(i.cmp(&j)));
    let most = order.len().min(d);
    let size = |k: usize| order.get(k).map_or(f64::MIN_POSITIVE, |&j| x[j].abs());
    let mut cuts: Vec<usize> = (1..=most).collect();
    let fall = |k: usize| size(k - 1).ln() - size(k).ln();
    cuts.sort_by(|&a, &b| fall(b).total_cmp(&fall(a)).then(a.cmp(&b)));
    cuts.truncate(GUESSES - 2);
    if !cuts.contains(&most) {
        cuts.push(most);
    }
    let mut all: Vec<Vec<(usize, f64)>> = cuts
        .into_iter()
        .map(|k| order[..k].iter().map(|&j| (j, 1.0_f64.copysign(x[j]))).collect())
        .collect();
    let correlations: Vec<f64> =
        transposed_product(problem.z_rows(), n, mu).iter().map(Sum::value).collect();
    let top = correlations.iter().fold(0.0_f64, |m, c| m.max(c.abs()));
    let mut tight: Vec<usize> = (0..n).filter(|&j| correlations[j].abs() > 0.999 * top).collect();
    tight.sort_by(|&i, &j| correlations[j].abs().total_cmp(&correlations[i].abs()).then(i.cmp(&j)));
    tight.truncate(d);
    all.push(tight.into_iter().map(|j| (j, 1.0_f64.copysign(correlations[j]))).collect());
    all
}

/// x and μ on a support with signs: (x, μ, whether x has these signs).
pub(super) fn solve_on(
    problem: &Problem,
    support: &[(usize, f64)],
    mu: &[f64],
) -> (Vec<f64>, Vec<f64>, bool) {
    let (d, n, z, y) = (problem.samples(), problem.features(), problem.z_rows(), problem.y());
    let (ez, ey) = (exponent(z), exponent(y));
    let scaled = |v: &[f64], e: i32| v.iter().map(|&v| scale_by(v, -e)).collect::<Vec<f64>>();
    let mut active = Active::new(&scaled(y, ey), d.min(n));
    let mut columns = Vec::new();
    let mut split = Split::default();
    for &(j, sign) in support {
        let full = column(problem, j);
        let unit = scaled(&full, ez);
        let norm = rows::dot(&unit, &unit).sqrt();
        if active.split(&unit, norm, &mut split) {
            active.join(j, sign, &split);
            columns.push(full);
        }
    }
    let (mut end, mut slope) = (Vec::new(), Vec::new());
    active.solve(&mut end, &mut slope);
    let mut x = vec![0.0; n];
    for (&j, v) in active.columns.iter().zip(&end) {
        x[j] = scale_by(*v, ey - ez);
    }
    let mut mu = mu.to_vec();
    // Each round gains the digits that the condition number leaves; two reach rounding up to κ =
    // 1e8.
    for _ in 0..2 {
        let r: Vec<f64> = residual(z, n, y, &x).iter().map(|s| scale_by(s.value(), -ey)).collect();
        let mut step = active.coordinates(&r);
        active.solve_upper(&mut step);
        for (&j, v) in active.columns.iter().zip(&step) {
            x[j] += scale_by(*v, ey - ez);
        }
        let mut miss: Vec<f64> =
            columns.iter().zip(&active.signs).map(|(c, s)| s - dot(c, &mu).value()).collect();
        active.solve_lower(&mut miss);
        let mut shift = vec![0.0; d];
        active.add_combination(&miss, &mut shift);
        for (m, s) in mu.iter_mut().zip(&shift) {
            *m += scale_by(*s, -ez);
        }
    }
    let agree = active.columns.iter().zip(&active.signs).all(|(&j, s)| x[j] * s >= 0.0);
    (x, mu, agree)
}

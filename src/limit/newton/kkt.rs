//! How right an answer of [`newton`](super) is: residuals in the original data.
//!
//! **Residuals.** With `s = 2Zᵀμ + θ₀` and both sums compensated, [`Limit::kkt_residual`] is the
//! larger of
//! ```text
//! max_j |Zx − y|_j / (|Z||x| + |y|)_j                                       (primal)
//! max_i |asinh(x_i/a_i) − s_i| / (1 + |s_i| + |θ_i| + 2(|Z|ᵀ|μ|)_i)          (stationarity)
//! ```
//! the componentwise backward errors of the two equations (in a row whose `|Z||x| + |y|` is below
//! rounding of `max_i (|Z_ji|/c_i)·Σ c_i|x_i|`, c_i the largest entry of column i, that norm is
//! added to it: Arioli, Demmel & Duff 1989; where x_i underflows to 0 the second asks that
//! `a_i sinh s_i` does so too). A value of a few ε means that x and μ solve the equations of a
//! problem whose entries differ from the given ones in the last digits. How far x itself is from
//! the exact point depends on the condition of Z.

use crate::numerics::exact::sums::worst;
use crate::numerics::special::log_domain;
use crate::potential::HyperbolicEntropy;
use crate::problem::Problem;

use crate::numerics::dense::norms::norm2;
use crate::numerics::exact::powers::{exponent, residual, scale2, top_exponent, transposed};

/// Powers of two up to this, and products of two of their roots, are numbers.
const LARGE: i32 = 900;

/// Rows smaller than this many times `nε` of the norms of Z and x are judged by these norms.
const SMALL_ROW: f64 = 1e3;

/// `(kkt_residual, feasibility)` of any `(x, μ)`: see the head of the module. x has length n, μ
/// length d.
///
/// # Example
/// ```
/// use mirrorflow::limit::newton::kkt_residual;
/// use mirrorflow::potential::HyperbolicEntropy;
/// use mirrorflow::problem::Problem;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 1.0]], array![2.0])?;
/// let entropy = HyperbolicEntropy::uniform(2, 0.0)?;
/// // x = (1, 1) = sinh(2μ): μ = asinh(1)/2.
/// let (kkt, _) = kkt_residual(&problem, &entropy, &[1.0, 1.0], &[0.5 * 1.0_f64.asinh()]);
/// assert!(kkt < 1e-15);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn kkt_residual(
    problem: &Problem,
    entropy: &HyperbolicEntropy,
    x: &[f64],
    mu: &[f64],
) -> (f64, f64) {
    // Rows and columns of Z, x and μ are brought to size 1 by powers of two: exact, and no product
    // overflows or vanishes.
    let (d, n) = (problem.samples(), x.len());
    let raw = problem.z_rows();
    let rows: Vec<i32> = raw.chunks_exact(n.max(1)).map(top_exponent).collect();
    let columns = column_exponents(raw, n, &rows);
    let plain = columns.iter().all(|c| *c == 0);
    let mut z = raw.to_vec();
    for (row, &e) in z.chunks_exact_mut(n.max(1)).zip(&rows) {
        if plain && e.abs() <= 1000 {
            let factor = scale2(1.0, -e);
            row.iter_mut().for_each(|v| *v *= factor);
        } else {
            row.iter_mut().zip(&columns).for_each(|(v, c)| *v = scale2(*v, -e - c));
        }
    }
    let size = |v: f64, by: i32| (v != 0.0).then(|| exponent(v) + by);
    // Targets count: an x that underflowed to 0 does not meet them.
    let targets = problem.y().iter().zip(&rows).filter_map(|(v, e)| size(*v, -*e));
    let entries = x.iter().zip(&columns).filter_map(|(v, c)| size(*v, *c));
    let k = entries.chain(targets).max().unwrap_or(0);
    let f = mu.iter().zip(&rows).filter_map(|(v, e)| size(*v, *e)).max().unwrap_or(0);
    let f = if f > LARGE { f } else { 0 };
    let y: Vec<f64> = (0..d).map(|j| scale2(problem.y()[j], -rows[j] - k)).collect();
    let x_unit: Vec<f64> = (0..n).map(|i| scale2(x[i], columns[i] - k)).collect();
    let mu: Vec<f64> = (0..d).map(|j| scale2(mu[j], rows[j] - f)).collect();
    let (rho, size) = residual(&z, &y, &x_unit);
    let quotient = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a / b };
    // Columns in their own units: no entry of Z counts for more than its column.
    let mut sizes = vec![0.0_f64; n];
    for row in z.chunks_exact(n.max(1)) {
        sizes.iter_mut().zip(row).for_each(|(c, v)| *c = c.max(v.abs()));
    }
    let whole: f64 = sizes.iter().zip(&x_unit).map(|(c, x)| c * x.abs()).sum();
    let cut = SMALL_ROW * (n + 1) as f64 * f64::EPSILON;
    let primal = (0..d)
        .map(|j| {
            // No norm is larger than `whole`: most rows need none.
            if size[j] > cut * whole {
                return quotient(rho[j].abs(), size[j]);
            }
            let row = &z[j * n..(j + 1) * n];
            let share = row.iter().zip(&sizes).map(|(z, c)| quotient(z.abs(), *c));
            let norm = share.fold(0.0_f64, f64::max) * whole;
            // The second denominator of Arioli, Demmel and Duff, where the first one vanishes.
            let size = if size[j] <= cut * norm { size[j] + norm } else { size[j] };
            quotient(rho[j].abs(), size)
        })
        .fold(0.0, worst);
    let (ztu, spread) = transposed(&z, &mu, n);
    let stationarity = (0..x.len())
        .map(|i| {
            let (log_a, theta) = (entropy.log_a()[i], entropy.theta()[i]);
            // Where s is the difference of much larger terms, in units of 2^g.
            let g = f + columns[i];
            if g > LARGE {
                let rest = log_domain::asinh_ratio(x[i], log_a) - theta;
                let error = (scale2(rest, -g) - 2.0 * ztu[i]).abs();
                let terms = scale2(1.0 + theta.abs(), -g) + 2.0 * ztu[i].abs();
                return quotient(error, terms + 2.0 * spread[i]);
            }
            let (product, spread) = (scale2(ztu[i], g), scale2(spread[i], g));
            let s = 2.0 * product + theta;
            let smallest = f64::MIN_POSITIVE.ln();
            let error = if x[i].abs() >= f64::MIN_POSITIVE || log_a > smallest {
                (log_domain::asinh_ratio(x[i], log_a) - s).abs()
            } else {
                (s.abs() + log_a - std::f64::consts::LN_2 - smallest).max(0.0)
            };
            quotient(error, 1.0 + s.abs() + theta.abs() + 2.0 * spread)
        })
        .fold(0.0, worst);
    let rho: Vec<f64> = (0..d).map(|j| scale2(rho[j], rows[j] + k)).collect();
    let y_norm = norm2(problem.y());
    let feasibility = if y_norm > 0.0 { norm2(&rho) / y_norm } else { norm2(&rho) };
    (primal.max(stationarity), feasibility)
}

/// Exponents of the columns of Z, its rows being in units of `2^rows`: 0 for those that are not
/// tiny.
fn column_exponents(z: &[f64], n: usize, rows: &[i32]) -> Vec<i32> {
    let mut most = vec![None; n];
    for (row, e) in z.chunks_exact(n.max(1)).zip(rows) {
        for (most, v) in most.iter_mut().zip(row) {
            if *v != 0.0 {
                *most = (*most).max(Some(exponent(*v) - e));
            }
        }
    }
    most.into_iter().map(|e| e.filter(|e| *e < -LARGE / 2).unwrap_or(0)).collect()
}

//! Power-of-two scaling, exact, so that neither squares nor products of entries of 1e±150 leave the
//! range.

use crate::numerics::dense::rows::dot;
use crate::problem::Problem;

/// `v·2^e` without overflow on the way.
pub(in crate::limit) fn scale_by(v: f64, e: i32) -> f64 {
    let step = |v: f64, e: i32| v * 2.0_f64.powi(e.clamp(-1000, 1000));
    let half = e / 2;
    step(step(v, half), e - half)
}

/// The exponent e with `2^e ≤ max|v| < 2^{e+1}`, 0 for a zero array.
pub(in crate::limit) fn exponent(v: &[f64]) -> i32 {
    let max = v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if max == 0.0 { 0 } else { max.log2().floor() as i32 }
}

/// Columns of `2^{−e}Z` one after the other, `2^{−e'}y`, and the norms of the columns.
pub(in crate::limit) struct Scaled {
    /// n×d row-major.
    pub(in crate::limit) columns: Vec<f64>,
    pub(in crate::limit) y: Vec<f64>,
    pub(in crate::limit) norms: Vec<f64>,
    /// e.
    pub(in crate::limit) z_exponent: i32,
    /// e'.
    pub(in crate::limit) y_exponent: i32,
}

impl Scaled {
    pub(in crate::limit) fn new(problem: &Problem) -> Self {
        let (d, n) = (problem.samples(), problem.features());
        let z = problem.z_rows();
        let (z_exponent, y_exponent) = (exponent(z), exponent(problem.y()));
        let columns = transposed(z, d, n, z_exponent);
        let norms = columns.chunks_exact(d.max(1)).map(|c| dot(c, c).sqrt()).collect();
        let y = problem.y().iter().map(|&v| scale_by(v, -y_exponent)).collect();
        Self { columns, y, norms, z_exponent, y_exponent }
    }
}

/// The n×d transpose of a row-major d×n array, times 2^{−e}; in blocks that fit the cache.
fn transposed(z: &[f64], d: usize, n: usize, e: i32) -> Vec<f64> {
    const BLOCK: usize = 16;
    let mut out = vec![0.0; n * d];
    let single = e.abs() <= 1000;
    let factor = 2.0_f64.powi(-e.clamp(-1000, 1000));
    for i0 in (0..d).step_by(BLOCK) {
        let i1 = (i0 + BLOCK).min(d);
        for j0 in (0..n).step_by(BLOCK) {
            let j1 = (j0 + BLOCK).min(n);
            for j in j0..j1 {
                for i in i0..i1 {
                    out[j * d + i] = z[i * n + j] * factor;
                }
            }
        }
    }
    if !single {
        for (j, column) in out.chunks_exact_mut(d).enumerate() {
            for (i, v) in column.iter_mut().enumerate() {
                *v = scale_by(z[i * n + j], -e);
            }
        }
    }
    out
}

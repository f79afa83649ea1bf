//! How far a point with a small residual is from a solution of `Zx = y`.
//!
//! A residual `r = y − Zx` bounds nothing by itself: where rows are nearly dependent, the nearest
//! solution lies `‖r‖/σ_min(Z)` away. Craig's method (conjugate gradients for
//! `min ‖C⁻¹δ‖₂ s.t. Zδ = r`, C the inverse lengths of the columns, rows scaled to length 1) finds
//! the missing δ: each round costs two products, and with a condition number κ of the scaled Z the
//! residual falls by `(κ−1)/(κ+1)`. What a direction of small singular values hides of r is still
//! there when all others are done: that part of `r`, rounding, is about `‖r‖/√d`, so that a
//! residual smaller by [`REST`] has seen it for every d up to 10⁶.
//!
//! Source: Craig (1955), in the form of Björck, *Numerical Methods for Least Squares Problems*,
//! §7.4.

use crate::numerics::dense::{column_lengths, mul, mul_t};
use crate::numerics::exact::bounded_sums::{Sum, residual};
use crate::numerics::exact::sums::norm2;
use crate::problem::Problem;

/// What may be left of r.
const REST: f64 = 1e-3;
/// Rounds: condition numbers up to about 10 need no more.
const ROUNDS: usize = 30;

/// Whether a solution of `Zx = y` lies within `tolerance·‖x‖₁` of x, as far as these rounds can
/// tell; `false` also where they do not end.
pub(in crate::limit) fn is_near_a_solution(problem: &Problem, x: &[f64], tolerance: f64) -> bool {
    let (z, y, n) = (problem.z_rows(), problem.y(), problem.features());
    let inverse = |length: f64| if length > 0.0 { 1.0 / length } else { 0.0 };
    let columns: Vec<f64> = column_lengths(z, n).into_iter().map(inverse).collect();
    let rows: Vec<f64> = z.chunks_exact(n).map(|row| inverse(norm2(row))).collect();
    let r = residual(z, n, y, x);
    let mut left: Vec<f64> = r.iter().map(Sum::value).zip(&rows).map(|(r, s)| r * s).collect();
    let size = norm2(&left);
    if size == 0.0 {
        return true;
    }
    // δ = Cv; p is the direction in the units of v.
    let (mut v, mut p, mut image) = (vec![0.0; n], vec![0.0; n], vec![0.0; y.len()]);
    let (mut work_n, mut work_d) = (vec![0.0; n], vec![0.0; y.len()]);
    let mut beta = 0.0;
    let mut square = size * size;
    for _ in 0..ROUNDS {
        for j in 0..left.len() {
            work_d[j] = left[j] * rows[j];
        }
        mul_t(z, &work_d, &mut work_n);
        for i in 0..n {
            p[i] = columns[i] * work_n[i] + beta * p[i];
            work_n[i] = columns[i] * p[i];
        }
        let length = norm2(&p);
        let alpha = square / (length * length);
        mul(z, &work_n, &mut image);
        v.iter_mut().zip(&p).for_each(|(v, p)| *v += alpha * p);
        for j in 0..left.len() {
            left[j] -= alpha * image[j] * rows[j];
        }
        let next = norm2(&left);
        if next <= REST * size {
            let missing: f64 = v.iter().zip(&columns).map(|(v, c)| (v * c).abs()).sum();
            // NaN is no.
            return missing <= tolerance * x.iter().map(|x| x.abs()).sum::<f64>();
        }
        if !next.is_finite() {
            return false;
        }
        beta = next * next / square;
        square = next * next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_near_a_solution;
    use crate::problem::Problem;

    fn near(z: [f64; 6], y: [f64; 2], x: [f64; 3]) -> bool {
        let problem = Problem::from_rows(z.to_vec(), y.to_vec()).expect("a problem");
        is_near_a_solution(&problem, &x, 1e-9)
    }

    #[test]
    fn rows_that_are_far_from_dependent_show_the_distance() {
        let z = [1.0, 2.0, 0.0, 0.0, 1.0, 1.0];
        assert!(near(z, [4.0, 1.0], [2.0, 1.0, 0.0]));
        assert!(near(z, [4.0, 1.0], [2.0, 1.0, 1e-10]));
        assert!(!near(z, [4.0, 1.0], [2.0, 1.0, 1e-8]));
    }

    #[test]
    fn rows_that_are_nearly_dependent_hide_it() {
        // The second row minus the first is e(1, −1, 1)·x = e: x = (1, 0, 0) is right, (0, 1, 0)
        // misses by 2e only.
        let e = 1e-10;
        let z = [1.0, 1.0, 0.0, 1.0 + e, 1.0 - e, e];
        assert!(!near(z, [1.0, 1.0 + e], [0.0, 1.0, 0.0]));
    }

    #[test]
    fn units_of_rows_and_columns_do_not_matter() {
        let z = [1e-8, 2e8, 0.0, 0.0, 1e12, 1e4];
        assert!(near(z, [4e-8, 0.0], [4.0, 0.0, 0.0]));
        assert!(!near(z, [4e-8, 1e-4], [4.0, 0.0, 0.0]));
    }
}

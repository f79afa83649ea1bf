//! Proof that a square system has a solution next to an approximate one.
//!
//! For `Bx = b` with B d×d and any matrix M let `α ≥ ‖I − MB‖_∞`. If `α < 1`, B is nonsingular and
//! the exact solution x* obeys, for every x̃ with residual `r = b − Bx̃`,
//! `|x* − x̃| ≤ |M||r| + α/(1 − α)·‖|M||r|‖_∞` in each component: the Krawczyk operator
//! `K(X) = x̃ + Mr + (I − MB)(X − x̃)` maps this box into itself (Krawczyk 1969; Rump,
//! *Verification methods*, Acta Numerica 2010, §10).
//!
//! `I − MB` is computed in floating point; entry (i, j) is off by at most `γ_d(|M||B|)_ij + u|·|`,
//! whatever the order of the sums and with or without fused operations, `γ_d = du/(1 − du)`. Row
//! sums of `|M||B|` need only two matrix-vector products. x̃ is a sum of two floats, so that the
//! residual can be made small against the condition number, and the residual carries its own proven
//! bound.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatRef, Par};

use crate::numerics::exact::bounded_sums::{Sum, dot_from};

/// A box around `high + low` that contains the exact solution.
#[derive(Debug, Clone)]
pub(in crate::limit) struct Enclosed {
    pub(in crate::limit) high: Vec<f64>,
    pub(in crate::limit) low: Vec<f64>,
    /// Radius of the box in each component.
    pub(in crate::limit) radius: Vec<f64>,
}

/// A sum of `terms` non-negative floats, each off by a few roundings, as an upper bound.
fn up(sum: f64, terms: usize) -> f64 {
    // Relative error of a sum of m rounded terms: at most (m + 8)·u to first order; doubled.
    (sum * (1.0 + (terms + 8) as f64 * f64::EPSILON)).next_up() + terms as f64 * f64::MIN_POSITIVE
}

/// An upper bound of `‖I − MB‖_∞`; both d×d row-major.
pub(in crate::limit) fn contraction(inverse: &[f64], matrix: &[f64], d: usize) -> f64 {
    let m = MatRef::from_row_major_slice(inverse, d, d);
    let b = MatRef::from_row_major_slice(matrix, d, d);
    let mut product = faer::Mat::<f64>::zeros(d, d);
    // One thread: the same bits on every machine with the same instruction set.
    matmul(product.as_mut(), Accum::Replace, m, b, 1.0, Par::Seq);
    let row_sums: Vec<f64> =
        matrix.chunks_exact(d).map(|row| up(row.iter().map(|v| v.abs()).sum(), d)).collect();
    let mut worst = 0.0_f64;
    for (i, row) in inverse.chunks_exact(d).enumerate() {
        let size = up(row.iter().zip(&row_sums).map(|(m, s)| m.abs() * s).sum(), d);
        let mut distance = 0.0;
        for j in 0..d {
            let identity = if i == j { 1.0 } else { 0.0 };
            distance += (product[(i, j)] - identity).abs();
        }
        // γ_d ≤ 2du/(1) for du ≤ 1/2; ε = 2u, so d·ε is twice the rounding of the product.
        let rounding = up((d + 2) as f64 * f64::EPSILON * size, 4);
        let total = up(distance, d) + rounding;
        // NaN must not pass as small.
        worst = if total.is_nan() { f64::INFINITY } else { worst.max(total.next_up()) };
    }
    worst
}

/// Rounds of refinement: each gains at least one digit while α ≤ 0.1, and two floats hold 32.
const ROUNDS: usize = 40;

/// Encloses the solution of `Bx = b` from a start and an approximate inverse; `residual(x, x')`
/// must enclose `b − B(x + x')`. `None` when nothing can be proved.
pub(in crate::limit) fn enclose(
    inverse: &[f64],
    alpha: f64,
    start: Vec<f64>,
    residual: impl Fn(&[f64], &[f64]) -> Vec<Sum>,
) -> Option<Enclosed> {
    let d = start.len();
    if alpha.is_nan() || alpha >= 0.5 {
        return None;
    }
    let mut low = vec![0.0; d];
    let mut high = start;
    let mut best: Option<(f64, Enclosed)> = None;
    for _ in 0..ROUNDS {
        let r = residual(&high, &low);
        let size: Vec<f64> = r.iter().map(Sum::magnitude).collect();
        let moved: Vec<f64> = inverse
            .chunks_exact(d)
            .map(|row| up(row.iter().zip(&size).map(|(m, s)| m.abs() * s).sum(), d))
            .collect();
        let largest = moved.iter().fold(0.0_f64, |m, v| m.max(*v));
        if !largest.is_finite() {
            break;
        }
        if best.as_ref().is_some_and(|(width, _)| largest >= *width) {
            break;
        }
        let common = up(alpha / (1.0 - alpha).next_down() * largest, 4);
        let radius: Vec<f64> = moved.iter().map(|m| (m + common).next_up()).collect();
        let stalled = best.as_ref().is_some_and(|(width, _)| largest >= 0.5 * width);
        best = Some((largest, Enclosed { high: high.clone(), low: low.clone(), radius }));
        if stalled || largest == 0.0 {
            break;
        }
        let values: Vec<f64> = r.iter().map(Sum::value).collect();
        for (i, row) in inverse.chunks_exact(d).enumerate() {
            let step = dot_from(0.0, row, &values).value();
            // (high, low) + step, normalised.
            let sum = high[i] + step;
            let t = sum - high[i];
            let error = (high[i] - (sum - t)) + (step - t);
            let tail = low[i] + error;
            high[i] = sum + tail;
            low[i] = tail - (high[i] - sum);
        }
    }
    best.map(|(_, enclosed)| enclosed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::exact::bounded_sums::dot_from;

    fn residual_of<'a>(
        b: &'a [f64],
        y: &'a [f64],
        d: usize,
    ) -> impl Fn(&[f64], &[f64]) -> Vec<Sum> + 'a {
        move |high, low| {
            (0..d)
                .map(|i| {
                    let row = [&b[i * d..(i + 1) * d], &b[i * d..(i + 1) * d]].concat();
                    let minus: Vec<f64> = high.iter().chain(low).map(|v| -v).collect();
                    dot_from(y[i], &row, &minus)
                })
                .collect()
        }
    }

    #[test]
    fn encloses_a_rational_solution() {
        // [[3, 1], [1, 3]] x = [1, 2] has x = (1/8, 5/8); M is the inverse off by a few percent.
        let b = [3.0, 1.0, 1.0, 3.0];
        let m = [0.37, -0.12, -0.13, 0.38];
        let alpha = contraction(&m, &b, 2);
        assert!(alpha > 0.02 && alpha < 0.1, "{alpha}");
        let y = [1.0, 2.0];
        let found = enclose(&m, alpha, vec![0.0, 0.0], residual_of(&b, &y, 2)).unwrap();
        for (i, exact) in [0.125, 0.625].into_iter().enumerate() {
            let distance = ((found.high[i] - exact) + found.low[i]).abs();
            assert!(distance <= found.radius[i]);
            assert!(found.radius[i] < 1e-25, "{:?}", found.radius);
        }
    }

    #[test]
    fn proves_nothing_of_a_singular_or_badly_inverted_matrix() {
        let b = [1.0, 2.0, 2.0, 4.0];
        let m = [1.0, 0.0, 0.0, 1.0];
        assert!(contraction(&m, &b, 2) >= 1.0);
        let alpha = contraction(&m, &b, 2);
        assert!(enclose(&m, alpha, vec![0.0; 2], residual_of(&b, &[1.0, 1.0], 2)).is_none());
        assert!(contraction(&[f64::NAN; 4], &b, 2).is_infinite());
    }
}

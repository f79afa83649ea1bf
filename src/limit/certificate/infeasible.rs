//! Inconsistent `Zx = y`: a combination of the rows that proves it.
//!
//! The part u of y outside the range of Z has `Zᵀu = 0` and `yᵀu = ‖u‖² > 0`, so no x solves
//! `Zx = y` (Farkas, or Fredholm's alternative). In floating point `Zᵀu` is only small; what the
//! computed u still proves is `‖x‖₁ ≥ yᵀu/‖Zᵀu‖_∞` for every solution: see [`Farkas`]. Whether
//! there is one is decided in exact arithmetic wherever the size allows.

use super::exact;
use super::exact::Exact;
use crate::limit::Farkas;
use crate::numerics::dense::mul_t;
use crate::numerics::dense::pivoted_qr::PivotedQr;
use crate::numerics::exact::bounded_sums::{dot, transposed_product};
use crate::numerics::exact::interval::Interval;
use crate::numerics::exact::powers::{exponent, scale2};
use crate::numerics::exact::sums::norm2;
use crate::problem::Problem;

/// Work that one such question may take.
const WORK: u64 = 2 * exact::SECOND;

/// The part of `rho` (length d) orthogonal to the columns of Z (row-major d×n): projected twice, so
/// that it is orthogonal to working precision.
pub(in crate::limit) fn left_null_part(z: &[f64], d: usize, n: usize, rho: &[f64]) -> Vec<f64> {
    let mut zt = vec![0.0; d * n];
    for j in 0..d {
        for i in 0..n {
            zt[i * d + j] = z[j * n + i];
        }
    }
    let range = PivotedQr::new(&zt, n, d);
    let mut u = rho.to_vec();
    let mut back = vec![0.0; d];
    for _ in 0..2 {
        let coordinates: Vec<f64> =
            range.q.chunks_exact(d).map(|q| crate::numerics::dense::dot(q, &u)).collect();
        if coordinates.is_empty() {
            break;
        }
        mul_t(&range.q, &coordinates, &mut back);
        for (u, b) in u.iter_mut().zip(&back) {
            *u -= b;
        }
    }
    u
}

/// A relative residual that every x has, below which rows agree to rounding: that is no
/// contradiction where answers are numerical.
const ROUNDING: f64 = 1e-10;

/// Whether a system that the floating-point vector u shows to be inconsistent is so: decided
/// exactly, from the approximate point x on, or where the problem is too large for that by
/// `‖x‖₁ ≥ least` for every solution.
pub(in crate::limit) fn decide(
    problem: &Problem,
    x: &[f64],
    u: &[f64],
    least: f64,
) -> Option<Farkas> {
    match exact::solvable(problem, x, WORK) {
        Exact::NoSolution(farkas) => Some(farkas).filter(|f| f.residual > ROUNDING),
        Exact::Vertex(_) => None,
        Exact::Refused => {
            numerical(problem, u).filter(|f| f.yt_u > 0.0 && f.l1_lower >= least && least > 0.0)
        }
    }
}

/// What u (length d) says in floating point; `None` for one that is 0 or not finite.
pub(in crate::limit) fn numerical(problem: &Problem, u: &[f64]) -> Option<Farkas> {
    let top = u.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if top == 0.0 || u.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let u: Vec<f64> = u.iter().map(|v| scale2(*v, -exponent(top))).collect();
    let products = transposed_product(problem.z_rows(), problem.features(), &u);
    let sum = dot(problem.y(), &u);
    let size = |v: f64| if v.is_nan() { f64::INFINITY } else { v };
    let zt_u = products.iter().fold(0.0_f64, |m, s| m.max(size(s.value().abs())));
    // Rounded outwards, with what underflow may have swallowed: never 0.
    let most = products.iter().fold(f64::MIN_POSITIVE, |m, s| m.max(s.magnitude()));
    let bound = (Interval::point(sum.lower().max(0.0)) / Interval::point(most)).lo();
    let y = problem.y().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let length = norm2(&problem.y().iter().map(|v| v / y).collect::<Vec<_>>()) * norm2(&u);
    Some(Farkas {
        zt_u_inf: zt_u,
        yt_u: sum.value(),
        l1_lower: if bound.is_finite() { bound.max(0.0) } else { 0.0 },
        residual: (sum.value() / y / length).clamp(0.0, 1.0),
        u,
        exact: None,
    })
}

//! Inconsistent `Zx = y`: a combination of the rows that proves it.
//!
//! The part u of y outside the range of Z has `Zᵀu = 0` and `yᵀu = ‖u‖² > 0`, so no x solves
//! `Zx = y` (Farkas, or Fredholm's alternative). In floating point `Zᵀu` is only small; what the
//! computed u still proves is `‖x‖₁ ≥ yᵀu/‖Zᵀu‖_∞` for every solution: see [`Farkas`].

use super::Farkas;
use super::newton_linalg::{PivotedQr, dot, mul_t, norm_inf};
use super::newton_sums::{dot2, exponent, scale2, transposed};

/// The part of `rho` (length d) orthogonal to the columns of Z (row-major d×n): projected twice, so
/// that it is orthogonal to working precision.
pub(super) fn left_null_part(z: &[f64], d: usize, n: usize, rho: &[f64]) -> Vec<f64> {
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
        let coordinates: Vec<f64> = range.q.chunks_exact(d).map(|q| dot(q, &u)).collect();
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

/// The certificate of u for the unscaled data: `Z_i = κ_i 2^{e} Z''_i`, `y = 2^{q+e} y''`,
/// `u = 2^{−e} u''`, so that `Z_iᵀu = κ_i Z''_iᵀu''` and `yᵀu = 2^q y''ᵀu''` exactly.
pub(super) fn farkas(
    z: &[f64],
    y: &[f64],
    u: &[f64],
    kappa: &[f64],
    row_exp: &[i32],
    q: i32,
) -> Farkas {
    let unscaled = |u: &[f64], k: i32| -> Vec<f64> {
        u.iter().zip(row_exp).map(|(u, e)| scale2(*u, k - e)).collect()
    };
    let top = (u.iter().zip(row_exp))
        .filter(|(u, _)| **u != 0.0)
        .map(|(u, e)| exponent(*u) - e)
        .max()
        .unwrap_or(0);
    let (ztu, _) = transposed(z, u, kappa.len());
    let ztu: Vec<f64> = ztu.iter().zip(kappa).map(|(v, k)| v * k).collect();
    let (zt_u, yt_u) = (norm_inf(&ztu), dot2(0.0, y, u));
    Farkas {
        u: unscaled(u, -top),
        zt_u_inf: scale2(zt_u, -top),
        yt_u: scale2(yt_u, q - top),
        l1_lower: if zt_u > 0.0 { scale2(yt_u / zt_u, q) } else { f64::INFINITY },
    }
}

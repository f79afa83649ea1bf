//! Exact powers of two and the compensated residual of `Zx = y`.

use super::sums;

use super::bounded_sums::{add_row, dot_from};

/// `⌊log₂|v|⌋` of a finite v ≠ 0 (subnormals included).
pub(crate) fn exponent(v: f64) -> i32 {
    let bits = |v: f64| ((v.to_bits() >> 52) & 0x7ff) as i32;
    match bits(v) {
        0 => bits(v * 2f64.powi(64)) - 1023 - 64,
        e => e - 1023,
    }
}

/// The largest [`exponent`] of the entries, 0 when all are zero.
pub(crate) fn top_exponent(v: &[f64]) -> i32 {
    let top = v.iter().fold(0.0_f64, |m, a| m.max(a.abs()));
    if top > 0.0 && top.is_finite() { exponent(top) } else { 0 }
}

/// `v·2^k` for any k: exact unless the result is subnormal or overflows.
pub(crate) fn scale2(mut v: f64, mut k: i32) -> f64 {
    while k > 1000 && v != 0.0 && v.is_finite() {
        v *= 2f64.powi(1000);
        k -= 1000;
    }
    while k < -1000 && v != 0.0 {
        v *= 2f64.powi(-1000);
        k += 1000;
    }
    v * 2f64.powi(k.clamp(-1000, 1000))
}

/// `Σ u_i v_i` as if in twice the working precision (Ogita, Rump, Oishi), started at `start`.
pub(crate) fn dot2(start: f64, u: &[f64], v: &[f64]) -> f64 {
    dot_from(start, u, v).value()
}

/// `y − Zx` (compensated) and `|Z||x| + |y|`, both of length d; Z row-major d×n.
pub(crate) fn residual(z: &[f64], y: &[f64], x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut rho, mut size) = (vec![0.0; y.len()], vec![0.0; y.len()]);
    sums::residual(z, x, y, &mut rho);
    rho.iter_mut().for_each(|r| *r = -*r);
    sums::magnitudes(z, x, y, &mut size);
    (rho, size)
}

/// `Zᵀu` (compensated) and `|Z|ᵀ|u|`, both of length n; Z row-major d×n.
pub(crate) fn transposed(z: &[f64], u: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut sum, mut error, mut size) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for (row, &u) in z.chunks_exact(n.max(1)).zip(u) {
        add_row(row, u, &mut sum, &mut error, &mut size);
    }
    for (s, e) in sum.iter_mut().zip(&error) {
        *s += e;
    }
    (sum, size)
}

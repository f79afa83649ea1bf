//! `asinh(x/a)`, `a sinh z` and `a cosh z` for `a` given as `log a`, to a few ulp of `|z| + |log a|`.

/// `asinh(x/a)`; above `e^20` the square root is `x/a` to rounding.
pub(super) fn asinh_ratio(x: f64, log_a: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let lx = x.abs().ln();
    if lx - log_a > 20.0 {
        (lx + std::f64::consts::LN_2 - log_a).copysign(x)
    } else {
        ((lx - log_a).exp()).asinh().copysign(x)
    }
}
/// `a sinh z`.
pub(super) fn a_sinh(z: f64, log_a: f64) -> f64 {
    if z.abs() < 1.0 {
        return log_a.exp() * z.sinh();
    }
    let z_abs = z.abs();
    (0.5 * ((z_abs + log_a).exp() - (log_a - z_abs).exp())).copysign(z)
}
/// `a cosh z`.
pub(super) fn a_cosh(z: f64, log_a: f64) -> f64 {
    let z_abs = z.abs();
    0.5 * ((z_abs + log_a).exp() + (log_a - z_abs).exp())
}
/// `(a sinh z, a cosh z)`.
pub(super) fn a_sinh_cosh(z: f64, log_a: f64) -> (f64, f64) {
    let z_abs = z.abs();
    let (up, down) = (0.5 * (z_abs + log_a).exp(), 0.5 * (log_a - z_abs).exp());
    let sinh = if z_abs < 1.0 { log_a.exp() * z.sinh() } else { (up - down).copysign(z) };
    (sinh, up + down)
}

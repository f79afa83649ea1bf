//! `asinh(x/a)`, `a sinh z`, `a cosh z`, `√(x²+a²)` with `a` given as `log a`.

/// `asinh(x/a)`.
pub fn asinh_ratio(x: f64, log_a: f64) -> f64 {
    (x / log_a.exp()).asinh()
}
/// `a sinh z`.
pub fn a_sinh(z: f64, log_a: f64) -> f64 {
    let z_abs = z.abs();
    (0.5 * ((z_abs + log_a).exp() - (log_a - z_abs).exp())).copysign(z)
}
/// `a cosh z`.
pub fn a_cosh(z: f64, log_a: f64) -> f64 {
    let z_abs = z.abs();
    0.5 * ((z_abs + log_a).exp() + (log_a - z_abs).exp())
}
/// `√(x²+a²)`.
pub fn hypot_a(x: f64, log_a: f64) -> f64 {
    x.hypot(log_a.exp())
}

//! Stretches of time no longer than a few roundings of the time itself: what is left before a
//! requested time or a jump one ulp away. No method can place its stages there, and skipping them
//! would lose the integral of a strong decay; one Euler step is exact where the field is constant,
//! and its error is estimated as any other: `½h(F(t+h, s+hF) − F)`.

use crate::flow::Flow;

/// A length below which stages at `t` are not told apart.
pub(in crate::integrate) fn least(t: f64) -> f64 {
    (8.0 * f64::EPSILON * t).max(f64::MIN_POSITIVE / f64::EPSILON)
}

/// `y_new = y + h f`, the field there, and the error estimate; `false` where a number is not
/// finite.
pub(in crate::integrate) fn euler(
    flow: &dyn Flow,
    (t, h): (f64, f64),
    (y, f): (&[f64], &[f64]),
    y_new: &mut [f64],
    f_new: &mut [f64],
    err: &mut [f64],
) -> bool {
    for i in 0..y.len() {
        y_new[i] = y[i] + h * f[i];
    }
    flow.field(t + h, y_new, f_new);
    for i in 0..y.len() {
        err[i] = 0.5 * h * (f_new[i] - f[i]);
    }
    y_new.iter().chain(f_new.iter()).chain(err.iter()).all(|v| v.is_finite())
}

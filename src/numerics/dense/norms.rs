//! Norms for which what is no number is infinitely large, so that no comparison lets it pass.

/// `‖v‖₂` without overflow or underflow of the squares.
pub(crate) fn norm2(v: &[f64]) -> f64 {
    let largest = norm_inf(v);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum: f64 = v.iter().map(|a| (a / largest) * (a / largest)).sum();
    largest * sum.sqrt()
}

/// `‖v‖_∞`; infinite when an entry is not a number.
pub(crate) fn norm_inf(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m: f64, a| if a.is_nan() { f64::INFINITY } else { m.max(a.abs()) })
}

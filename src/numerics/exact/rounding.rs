//! The four operations and the square root, rounded downwards: `down(a ∘ b) ≤ a ∘ b` for the exact
//! `a ∘ b`, and upwards by symmetry.
//!
//! The processor rounds to nearest; the sign of the rounding error, which an error-free
//! transformation gives (Knuth 1969 for sums, Dekker 1971 for products, quotients and roots),
//! tells whether to step to the neighbour. So the bound is the best one, except where the
//! transformation could over- or underflow: there the neighbour is taken in any case. Nothing here
//! needs a rounding mode or a fused multiply-add.
//!
//! `0 · ±∞ = 0`, as the end points of intervals need it. An operation without a value (`∞ − ∞`,
//! `0/0`, `∞/∞`, the root of a negative number) gives −∞, the lower bound that says nothing.

use super::scaled::two_sum;
use super::sums::two_product;

/// Products between these bounds, of factors between them, have an exact error: its last bit stays
/// above 2^−1074, and splitting a factor does not overflow (2^996 ≈ 6.7e299).
const SAFE: std::ops::RangeInclusive<f64> = 1e-290..=1e299;

fn safe(v: f64) -> bool {
    SAFE.contains(&v.abs())
}

/// `value` or its lower neighbour, by the sign of `exact − value`; the neighbour where the sign is
/// not known (NaN).
fn below(value: f64, error: f64) -> f64 {
    if error >= 0.0 { value } else { value.next_down() }
}

/// What an overflowed or undefined rounded result says about the exact one.
fn beyond(value: f64, finite_operands: bool) -> f64 {
    if value.is_nan() {
        f64::NEG_INFINITY
    } else if value == f64::INFINITY && finite_operands {
        f64::MAX
    } else {
        value
    }
}

/// At most `a + b`.
pub(crate) fn add_down(a: f64, b: f64) -> f64 {
    let (sum, error) = two_sum(a, b);
    if sum.is_finite() { below(sum, error) } else { beyond(sum, a.is_finite() && b.is_finite()) }
}

/// At most `a · b`.
pub(crate) fn mul_down(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 {
        return 0.0;
    }
    let product = a * b;
    if !product.is_finite() {
        return beyond(product, a.is_finite() && b.is_finite());
    }
    if safe(product) && safe(a) && safe(b) {
        return below(product, two_product::<false>(a, b).1);
    }
    // The sign is known even where the size has underflowed.
    let bound = product.next_down();
    if (a > 0.0) == (b > 0.0) { bound.max(0.0) } else { bound }
}

/// At most `a / b`.
pub(crate) fn div_down(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return f64::NEG_INFINITY;
    }
    let quotient = a / b;
    if !quotient.is_finite() {
        return beyond(quotient, a.is_finite() && b.is_finite());
    }
    if a == 0.0 {
        return 0.0;
    }
    if safe(quotient) && safe(a) && safe(b) {
        // a − quotient·b is a float: its sign is exact.
        let (product, error) = two_product::<false>(quotient, b);
        let rest = (a - product) - error;
        return below(quotient, if b > 0.0 { rest } else { -rest });
    }
    let bound = quotient.next_down();
    if (a > 0.0) == (b > 0.0) { bound.max(0.0) } else { bound }
}

/// `√a` to nearest, with the sign of `√a` minus it where that is known, NaN where not.
fn sqrt_with_error(a: f64) -> (f64, f64) {
    let root = a.sqrt();
    if a == 0.0 || a == f64::INFINITY {
        return (root, 0.0);
    }
    if !safe(a) {
        return (root, f64::NAN);
    }
    // a − root² is a float: its sign is exact.
    let (square, error) = two_product::<false>(root, root);
    (root, (a - square) - error)
}

/// At most `√a`.
pub(crate) fn sqrt_down(a: f64) -> f64 {
    let (root, error) = sqrt_with_error(a);
    if root.is_nan() { f64::NEG_INFINITY } else { below(root, error) }
}

/// At least `√a`.
pub(crate) fn sqrt_up(a: f64) -> f64 {
    let (root, error) = sqrt_with_error(a);
    if root.is_nan() { f64::INFINITY } else { -below(-root, -error) }
}

/// At least `a + b`.
pub(crate) fn add_up(a: f64, b: f64) -> f64 {
    -add_down(-a, -b)
}

/// At least `a · b`.
pub(crate) fn mul_up(a: f64, b: f64) -> f64 {
    -mul_down(-a, b)
}

/// At least `a / b`.
pub(crate) fn div_up(a: f64, b: f64) -> f64 {
    -div_down(-a, b)
}

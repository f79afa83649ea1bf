//! What is asked of the arguments of a kernel.

use crate::{Error, Result};

/// That `name` has as many elements as `than` has.
pub(super) fn same_length(name: &str, found: usize, than: &str, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape {
        what: name.into(),
        expected: format!("({expected}) as {than}"),
        found: format!("({found})"),
    })
}

/// That a parameter lies where it must.
pub(super) fn within(name: &str, value: f64, right: bool, expected: &str) -> Result<()> {
    if right {
        return Ok(());
    }
    Err(Error::Domain { what: name.into(), expected: expected.into(), found: value.to_string() })
}

/// That a parameter is finite and not negative.
pub(super) fn not_negative(name: &str, value: f64) -> Result<()> {
    within(name, value, value >= 0.0 && value.is_finite(), "a finite number of at least 0")
}

/// `what` has the length it must have.
pub(super) fn check_len(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        expected: format!("{expected} numbers"),
        found: format!("{found} numbers"),
    })
}

/// That two arrays are as many whole images.
pub(super) fn images(what: &str, a: usize, of_a: usize, b: usize, of_b: usize) -> Result<()> {
    same_length(what, a % of_a.max(1), "whole images leave", 0)?;
    same_length(what, b, "as many images", a / of_a.max(1) * of_b)
}

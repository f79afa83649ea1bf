//! What can be wrong with an input. A run that merely ends early is a status of its result, not an
//! error.

use std::path::PathBuf;

/// The result of everything that validates input.
pub type Result<T> = std::result::Result<T, Error>;

/// Bad input: what was wrong, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array has the wrong shape.
    #[error("{what} has shape {found}, expected {expected}")]
    Shape {
        /// Name of the array.
        what: String,
        /// The shape it should have.
        expected: String,
        /// The shape it has.
        found: String,
    },
    /// An array has an entry that is NaN or infinite.
    #[error("{what}[{index}] is {value}, expected a finite number")]
    NotFinite {
        /// Name of the array.
        what: String,
        /// Where, as `i` or `i,j`.
        index: String,
        /// What stands there.
        value: f64,
    },
    /// A parameter lies outside its domain.
    #[error("{what} is {}, expected {expected}", readable(.found))]
    Domain {
        /// Name of the parameter.
        what: String,
        /// What would be right.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A text does not follow its grammar.
    #[error("cannot read {what} {text:?}: {why}")]
    Parse {
        /// What the text should have been.
        what: String,
        /// The text.
        text: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A file is not what it should be.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A device cannot do what was asked of it.
    #[error("{device}: {why}")]
    Device {
        /// The device, as `cuda:0`.
        device: String,
        /// What is missing and what would be right.
        why: String,
    },
}

/// What was found; a number of hundreds of digits, which is how `f64` writes 1e-300, with a power
/// of ten.
fn readable(found: &str) -> String {
    const LONG: usize = 24;
    match found.parse::<f64>() {
        Ok(value) if found.len() > LONG => format!("{value:e}"),
        _ => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn numbers_that_are_wrong_are_readable() {
        for (found, text) in [
            (1e-300.to_string(), "beta is 1e-300, expected less"),
            ((-1e300).to_string(), "beta is -1e300, expected less"),
            (0.1.to_string(), "beta is 0.1, expected less"),
            (
                "a word of more than twenty-four letters".into(),
                "beta is a word of more than twenty-four letters, expected less",
            ),
        ] {
            let error = Error::Domain { what: "beta".into(), expected: "less".into(), found };
            assert_eq!(error.to_string(), text);
        }
    }
}

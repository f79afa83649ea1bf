//! What a caption says, checked on the data of the figure.

use serde::Serialize;

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The paper, of the figure or theorem drawn.
    Paper,
    /// The toolkit, as derived or proven elsewhere in it.
    Toolkit,
}

/// A statement with the numbers it was decided by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// Who says it.
    pub source: Source,
    /// What is said; mathematics between dollars.
    pub says: String,
    /// The numbers, by name.
    pub measured: Vec<(String, f64)>,
    /// Whether the numbers bear it out.
    pub holds: bool,
}

impl Statement {
    /// What the paper says.
    pub(crate) fn paper(says: &str, holds: bool, measured: Vec<(String, f64)>) -> Self {
        Self { source: Source::Paper, says: says.into(), measured, holds }
    }

    /// What the toolkit says.
    pub(crate) fn toolkit(says: &str, holds: bool, measured: Vec<(String, f64)>) -> Self {
        Self { source: Source::Toolkit, says: says.into(), measured, holds }
    }

    /// `name value, …`
    pub(crate) fn numbers(&self) -> String {
        let each =
            |(name, value): &(String, f64)| format!("{name} {}", number(*value).replace('-', "−"));
        self.measured.iter().map(each).collect::<Vec<_>>().join(", ")
    }
}

/// Three digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() || value.fract() == 0.0 && size < 1e6 {
        return format!("{value}");
    }
    if (1e-3..1e4).contains(&size) {
        let digits = (2.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
        return format!("{value:.digits$}");
    }
    format!("{value:.2e}")
}

//! The problem `(Z, y)`: validated once, then trusted everywhere.

use ndarray::{Array1, Array2, ArrayView2};

use crate::{Error, Result};

/// Linear regression data `Z` (d×n, rows are samples) with targets `y` (d): finite, `d ≥ 1`,
/// `n ≥ 1`, dimensions consistent.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    name: String,
    z: Array2<f64>,
    y: Array1<f64>,
    x_true: Option<Array1<f64>>,
}

impl Problem {
    /// Validates and takes the data.
    ///
    /// # Errors
    /// When an array is empty, the shapes disagree or an entry is not finite.
    pub fn new(z: Array2<f64>, y: Array1<f64>) -> Result<Self> {
        if z.nrows() != y.len() {
            return Err(Error::Shape {
                what: "y".into(),
                expected: format!("({})", z.nrows()),
                found: format!("({})", y.len()),
            });
        }
        let z = z.as_standard_layout().into_owned();
        Ok(Self { name: "problem".into(), z, y, x_true: None })
    }

    /// Number of samples d.
    pub fn samples(&self) -> usize {
        self.z.nrows()
    }
    /// Number of features n.
    pub fn features(&self) -> usize {
        self.z.ncols()
    }
    /// The data `Z`, d×n, row-major contiguous.
    pub fn z(&self) -> ArrayView2<'_, f64> {
        self.z.view()
    }
    /// `Z` as a flat row-major slice of length d·n.
    pub fn z_rows(&self) -> &[f64] {
        self.z.as_slice().unwrap_or(&[])
    }
    /// The targets `y`, length d.
    pub fn y(&self) -> &[f64] {
        self.y.as_slice().unwrap_or(&[])
    }
    /// The planted truth, where there is one, length n.
    pub fn x_true(&self) -> Option<&[f64]> {
        self.x_true.as_ref().and_then(|x| x.as_slice())
    }
    /// What the problem is called in reports.
    pub fn name(&self) -> &str {
        &self.name
    }
}

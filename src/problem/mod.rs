//! The problem `(Z, y)`: validated once, then trusted everywhere.
//!
//! Assumptions enforced here: `Z` is d×n with d ≥ 1 and n ≥ 1, `y` has length d, every entry is
//! finite. Whether `Zx = y` has many, one or no solution is a fact a problem reports
//! ([`Problem::shape`]), not a condition on it.
//!
//! Files come in through [`ProblemFile::read`] (`.npz`, `.csv`), results go out through
//! [`npz::Writer`](crate::io::npz::Writer); [`generate`] makes synthetic problems, [`known`] has
//! those with exact answers, [`real`] measured data, and [`Loss`] the losses
//! `f(x) = (1/d) Σ_j ℓ((Zx)_j, y_j)`.

mod file;
pub mod generate;
pub mod known;
mod loss;
mod objective;
pub mod real;

pub use file::ProblemFile;
pub use generate::{Design, Generator, Targets, Values};
pub use loss::Loss;

use ndarray::{Array1, Array2, ArrayView2};

use crate::{Error, Result};

/// Linear regression data `Z` (d×n, rows are samples) with targets `y` (d): finite, `d ≥ 1`,
/// `n ≥ 1`, dimensions consistent.
///
/// ```
/// use mirrorflow::problem::{Problem, Shape};
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 1.0]], array![1.0])?.with_name("sum to one");
/// assert_eq!((problem.samples(), problem.features()), (1, 2));
/// assert_eq!(problem.shape(), Shape::Underdetermined);
///
/// let bad = Problem::new(array![[1.0, f64::NAN]], array![1.0]);
/// assert_eq!(bad.unwrap_err().to_string(), "Z[0,1] is NaN, expected a finite number");
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    name: String,
    z: Array2<f64>,
    y: Array1<f64>,
    x_true: Option<Array1<f64>>,
}

/// How many equations `Zx = y` has for how many unknowns. It says nothing about rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// d < n: fewer samples than features.
    Underdetermined,
    /// d = n.
    Square,
    /// d > n: more samples than features.
    Overdetermined,
}

impl Problem {
    /// Validates and takes the data: `z` is d×n, `y` has length d.
    ///
    /// # Errors
    /// When an array is empty, the shapes disagree or an entry is not finite.
    pub fn new(z: Array2<f64>, y: Array1<f64>) -> Result<Self> {
        let (d, n) = z.dim();
        if d == 0 || n == 0 {
            return Err(Error::Shape {
                what: "Z".into(),
                expected: "(d, n) with d >= 1 samples and n >= 1 features".into(),
                found: format!("({d}, {n})"),
            });
        }
        if y.len() != d {
            return Err(Error::Shape {
                what: "y".into(),
                expected: format!("({d}), one target for each row of Z"),
                found: format!("({})", y.len()),
            });
        }
        // Kept as they are where they are in order already: Z may be most of the memory.
        let z = if z.is_standard_layout() { z } else { z.as_standard_layout().into_owned() };
        let y = if y.is_standard_layout() { y } else { y.as_standard_layout().into_owned() };
        if let Some(((i, j), &value)) = z.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite { what: "Z".into(), index: format!("{i},{j}"), value });
        }
        check_finite("y", y.iter())?;
        Ok(Self { name: "problem".into(), z, y, x_true: None })
    }

    /// The same with `Z` as a flat row-major array of length d·n, where d is the length of `y`.
    ///
    /// # Errors
    /// As [`Problem::new`], and when the length of `z` is not a multiple of d.
    pub fn from_rows(z: Vec<f64>, y: Vec<f64>) -> Result<Self> {
        let (len, d) = (z.len(), y.len());
        let n = len.checked_div(d).unwrap_or(0);
        let z = Array2::from_shape_vec((d, n), z).map_err(|_| Error::Shape {
            what: "Z".into(),
            expected: format!("a flat array of d*n entries for the d = {d} targets"),
            found: format!("({len})"),
        })?;
        Self::new(z, Array1::from_vec(y))
    }

    /// Gives the problem the name that reports use.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds the planted truth, of length n.
    ///
    /// # Errors
    /// When the length is not n or an entry is not finite.
    pub fn with_x_true(mut self, x_true: Vec<f64>) -> Result<Self> {
        check_vector("x_true", &x_true, self.features())?;
        self.x_true = Some(Array1::from_vec(x_true));
        Ok(self)
    }

    /// Number of samples d.
    pub fn samples(&self) -> usize {
        self.z.nrows()
    }
    /// Number of features n.
    pub fn features(&self) -> usize {
        self.z.ncols()
    }
    /// Whether there are fewer, as many or more samples than features.
    pub fn shape(&self) -> Shape {
        match self.samples().cmp(&self.features()) {
            std::cmp::Ordering::Less => Shape::Underdetermined,
            std::cmp::Ordering::Equal => Shape::Square,
            std::cmp::Ordering::Greater => Shape::Overdetermined,
        }
    }
    /// The data `Z`, d×n, row-major contiguous.
    pub fn z(&self) -> ArrayView2<'_, f64> {
        self.z.view()
    }
    /// `Z` as a flat row-major slice of length d·n.
    pub fn z_rows(&self) -> &[f64] {
        // `new` stores the standard layout, for which this is always `Some`.
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

    /// The singular values of `Z`, decreasing, min(d, n) of them; `None` if the decomposition does
    /// not converge.
    pub fn singular_values(&self) -> Option<Vec<f64>> {
        // Scaled by a power of two (exact), so that entries of 1e±150 neither overflow nor vanish.
        let largest = self.z_rows().iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if largest == 0.0 {
            return Some(vec![0.0; self.samples().min(self.features())]);
        }
        let exponent = largest.log2().floor().clamp(-1000.0, 1000.0) as i32;
        let (down, up) = (2f64.powi(-exponent), 2f64.powi(exponent));
        let z = self.z();
        let scaled = faer::Mat::from_fn(self.samples(), self.features(), |i, j| z[[i, j]] * down);
        let values = scaled.singular_values().ok()?;
        Some(values.into_iter().map(|s| s * up).collect())
    }
}

/// `Err` at the first entry that is NaN or infinite.
pub(crate) fn check_finite<'a>(
    what: &str,
    values: impl IntoIterator<Item = &'a f64>,
) -> Result<()> {
    for (i, &value) in values.into_iter().enumerate() {
        if !value.is_finite() {
            return Err(Error::NotFinite { what: what.into(), index: i.to_string(), value });
        }
    }
    Ok(())
}

/// `Err` unless `values` has length n and finite entries.
pub(crate) fn check_vector(what: &str, values: &[f64], n: usize) -> Result<()> {
    if values.len() != n {
        return Err(Error::Shape {
            what: what.into(),
            expected: format!("({n}), one entry for each column of Z"),
            found: format!("({})", values.len()),
        });
    }
    check_finite(what, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn message(result: Result<Problem>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn wrong_shapes_are_told_one_dimension_at_a_time() {
        let y = array![1.0, 2.0];
        for (z, text) in [
            (Array2::zeros((0, 3)), "Z has shape (0, 3), expected (d, n) with d >= 1"),
            (Array2::zeros((2, 0)), "Z has shape (2, 0)"),
            (Array2::zeros((3, 3)), "y has shape (2), expected (3)"),
        ] {
            let found = message(Problem::new(z, y.clone()));
            assert!(found.starts_with(text), "{found}");
        }
        assert!(message(Problem::from_rows(vec![1.0; 5], vec![1.0; 2])).starts_with("Z has shape"));
        assert!(message(Problem::from_rows(vec![], vec![])).starts_with("Z has shape (0, 0)"));
    }

    #[test]
    fn entries_that_are_not_finite_are_named() {
        let mut z = Array2::ones((2, 3));
        z[[1, 2]] = f64::INFINITY;
        assert_eq!(
            message(Problem::new(z, array![1.0, 1.0])),
            "Z[1,2] is inf, expected a finite number"
        );
        let bad_y = Problem::new(Array2::ones((2, 3)), array![1.0, f64::NAN]);
        assert_eq!(message(bad_y), "y[1] is NaN, expected a finite number");
        let problem = Problem::new(array![[1.0, 2.0]], array![1.0]).unwrap();
        assert!(message(problem.clone().with_x_true(vec![1.0])).contains("x_true has shape (1)"));
        assert!(message(problem.with_x_true(vec![1.0, f64::NAN])).starts_with("x_true[1] is NaN"));
    }

    #[test]
    fn any_memory_order_gives_row_major_data() {
        let wide = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let transposed = wide.t().as_standard_layout().into_owned().reversed_axes();
        assert!(!transposed.is_standard_layout());
        let backwards = array![2.0, 1.0].slice_move(s![..;-1]);
        let problem = Problem::new(transposed, backwards).unwrap();
        assert_eq!(problem.z_rows(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(problem.y(), [1.0, 2.0]);
        assert_eq!(problem.shape(), Shape::Underdetermined);
        let tall = Problem::new(wide.t().to_owned(), array![1.0, 2.0, 3.0]).unwrap();
        assert_eq!(tall.shape(), Shape::Overdetermined);
    }

    #[test]
    fn singular_values_survive_extreme_scales() {
        // Rows orthogonal with norms 5 and 2: the singular values are exactly those norms.
        for scale in [1.0, 1e150, 1e-150, 1e300, 1e-300] {
            let z = array![[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]] * scale;
            let values = Problem::new(z, array![1.0, 1.0]).unwrap().singular_values().unwrap();
            for (found, exact) in values.iter().zip([5.0 * scale, 2.0 * scale]) {
                assert!((found - exact).abs() <= 8.0 * f64::EPSILON * exact, "{found} {exact}");
            }
        }
    }
}

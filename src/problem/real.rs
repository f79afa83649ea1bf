//! Measured data that ships with the project; see `data/README.md` for source and licence.

use std::io::Cursor;

use super::{Problem, ProblemFile};
use crate::Result;

static FERMENTATION: &[u8] = include_bytes!("../../data/fermentation/fermentation.npz");

/// Raman spectra of 21 fermentation samples at 1047 shifts (`Z`, 21×1047) and their glucose in g/L
/// (`y`): underdetermined, columns strongly correlated and not centred.
///
/// From the Python package chemotools 0.5.0 (MIT).
///
/// ```
/// let problem = mirrorflow::problem::real::fermentation()?;
/// assert_eq!((problem.samples(), problem.features()), (21, 1047));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// Never with the data as shipped; the type is that of the reader it goes through.
pub fn fermentation() -> Result<Problem> {
    let file = ProblemFile::read_npz_from(Cursor::new(FERMENTATION), "fermentation.npz")?;
    Ok(file.problem.with_name("fermentation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fermentation_is_the_published_data() {
        let problem = fermentation().unwrap();
        // First and last entries of the published CSV files.
        assert_eq!(problem.z()[[0, 0]], 0.493506);
        assert_eq!(problem.z()[[0, 2]], 0.356846);
        assert_eq!(&problem.y()[1..3], [0.0, 35.3120196]);
        let sigma = problem.singular_values().unwrap();
        let condition = sigma[0] / sigma[20];
        // Full row rank, and ill-conditioned: a Gaussian 21×1047 matrix has condition below 1.4.
        assert!((20.0..1e9).contains(&condition), "{condition}");
    }
}

//! The squared loss: for predictions z and targets t (B×C), `f = (1/B) Σ_b ½‖z_b − t_b‖²` and `∂f/∂z = (z − t)/B`: the loss
//! `(1/d) Σ_j ½r_j²` of the library's problems, with d = B samples and C = 1. The sum is f64, rows in order.

use crate::kernels::check::check_len;
use crate::kernels::network::Real;
use crate::{Error, Result};

/// The loss of a batch of `batch` rows, and with `gradient` (B×C) its gradient.
///
/// # Errors
/// When there is no row or the lengths do not fit.
///
/// # Examples
/// ```
/// use mirrorflow::kernels::network::loss::squared::squared;
/// let mut gradient = [0.0; 2];
/// assert_eq!(squared(&[3.0, 1.0], &[1.0, 1.0], 2, Some(&mut gradient))?, 1.0);
/// assert_eq!(gradient, [1.0, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn squared<T: Real>(
    predictions: &[T],
    targets: &[T],
    batch: usize,
    gradient: Option<&mut [T]>,
) -> Result<f64> {
    check_len("the targets", targets.len(), predictions.len())?;
    if batch == 0 || !predictions.len().is_multiple_of(batch) {
        return Err(Error::Shape {
            what: "the predictions".into(),
            expected: format!("one or more whole rows for a batch of {batch}"),
            found: format!("{} numbers", predictions.len()),
        });
    }
    let share = 1.0 / batch as f64;
    let apart = |(z, t): (&T, &T)| z.f64() - t.f64();
    let sum: f64 = predictions.iter().zip(targets).map(apart).map(|r| 0.5 * r * r).sum();
    if let Some(gradient) = gradient {
        check_len("the gradient of the predictions", gradient.len(), predictions.len())?;
        for (g, pair) in gradient.iter_mut().zip(predictions.iter().zip(targets)) {
            *g = T::of(apart(pair) * share);
        }
    }
    Ok(sum * share)
}

#[cfg(test)]
mod tests {
    use super::squared;

    #[test]
    fn targets_that_do_not_fit_are_refused() {
        assert!(squared(&[1.0, 2.0], &[1.0], 2, None).is_err());
        assert!(squared(&[1.0, 2.0, 3.0], &[0.0; 3], 2, None).is_err());
        assert!(squared::<f64>(&[], &[], 0, None).is_err());
        assert!(squared(&[1.0], &[1.0], 1, Some(&mut [0.0; 2])).is_err());
    }
}

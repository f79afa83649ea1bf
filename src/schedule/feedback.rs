//! The feedback schedule: weight decay that grows while training goes well and shrinks else.
//!
//! After epoch k = 1, …, T, trained with `α_{k−1}`, with accuracy `acc_k` and `acc_0 = 0`:
//! ```text
//! α_k = δ·α_{k−1}  if acc_k ≥ acc_{k−1} and ‖x‖₁ ≥ K and k ≤ T/2,   else  α_{k−1}/δ
//! ```
//! Assumptions: `α_0 ≥ 0`, `δ ≥ 1`, `K ≥ 0`, `T ≥ 1`. Source: Jacobs & Burkholz, "Mask in the
//! Mirror", ICLR 2025, Algorithm 1.
//!
//! It is an object of its own, not a [`Schedule`](super::Schedule): its α depends on the run, so it
//! has no A(t) in advance.

use crate::{Error, Result};

/// The state of the feedback schedule after some epochs.
///
/// ```
/// use mirrorflow::schedule::feedback::Feedback;
/// // α₀ = 0.1, δ = 2, K = 1, T = 4: growth is possible in epochs 1 and 2 only.
/// let mut feedback = Feedback::new(0.1, 2.0, 1.0, 4)?;
/// assert_eq!(feedback.update(0.5, 3.0)?, 0.2);  // accuracy grew
/// assert_eq!(feedback.update(0.4, 3.0)?, 0.1);  // it fell
/// assert_eq!(feedback.update(0.9, 3.0)?, 0.05); // past T/2
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    alpha: f64,
    factor: f64,
    l1_floor: f64,
    epochs: u64,
    epoch: u64,
    accuracy: f64,
}

impl Feedback {
    /// Starts with `α_0 = alpha`, the factor δ, the floor K of ‖x‖₁ and T epochs.
    ///
    /// # Errors
    /// When α_0 or K is negative, δ < 1, one of them is not finite, or T = 0.
    pub fn new(alpha: f64, factor: f64, l1_floor: f64, epochs: u64) -> Result<Self> {
        at_least("alpha", alpha, 0.0)?;
        at_least("delta", factor, 1.0)?;
        at_least("K", l1_floor, 0.0)?;
        if epochs == 0 {
            return Err(domain("T", "at least one epoch", 0.0));
        }
        Ok(Self { alpha, factor, l1_floor, epochs, epoch: 0, accuracy: 0.0 })
    }

    /// The α to train the next epoch with.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// How many epochs have been reported.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Reports the training accuracy and ‖x‖₁ at the end of an epoch; returns the next α.
    ///
    /// α stays finite: growth beyond the largest f64 stops there.
    ///
    /// # Errors
    /// When a value is NaN or infinite, ‖x‖₁ is negative, or all T epochs have been reported.
    pub fn update(&mut self, accuracy: f64, l1: f64) -> Result<f64> {
        if !accuracy.is_finite() {
            return Err(domain("accuracy", "a finite number", accuracy));
        }
        at_least("l1", l1, 0.0)?;
        if self.epoch == self.epochs {
            let right = format!("at most the {} epochs of the schedule", self.epochs);
            return Err(domain("epoch", &right, (self.epoch + 1) as f64));
        }
        self.epoch += 1;
        // k ≤ T/2 without rounding an odd T.
        let first_half = self.epoch <= self.epochs / 2;
        if accuracy >= self.accuracy && l1 >= self.l1_floor && first_half {
            self.alpha = (self.alpha * self.factor).min(f64::MAX);
        } else {
            self.alpha /= self.factor;
        }
        self.accuracy = accuracy;
        Ok(self.alpha)
    }
}

fn at_least(name: &str, value: f64, least: f64) -> Result<()> {
    if value.is_finite() && value >= least {
        return Ok(());
    }
    Err(domain(name, &format!("a finite number >= {least}"), value))
}

fn domain(name: &str, expected: &str, found: f64) -> Error {
    Error::Domain {
        what: format!("feedback schedule: {name}"),
        expected: expected.into(),
        found: found.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_three_conditions_alone_stops_the_growth() {
        let start = Feedback::new(1.0, 1.5, 2.0, 5).unwrap();
        // Equal accuracy and equal floor count as reached.
        assert_eq!(start.clone().update(0.0, 2.0).unwrap(), 1.5);
        assert_eq!(start.clone().update(-0.1, 2.0).unwrap(), 1.0 / 1.5);
        assert_eq!(start.clone().update(0.0, 1.99).unwrap(), 1.0 / 1.5);
        // T = 5: epochs 1 and 2 satisfy k ≤ 2.5, epoch 3 does not.
        let mut run = start;
        let alphas: Vec<f64> = (1..=5).map(|k| run.update(0.1 * k as f64, 9.0).unwrap()).collect();
        let expected = [1.5, 2.25, 2.25 / 1.5, 2.25 / 1.5 / 1.5, 2.25 / 1.5 / 1.5 / 1.5];
        assert_eq!(alphas, expected);
        assert!(run.update(1.0, 9.0).unwrap_err().to_string().contains("at most the 5 epochs"));
    }

    #[test]
    fn bad_parameters_and_reports_are_told() {
        for (args, name) in [
            ((-1.0, 2.0, 0.0, 3), "alpha"),
            ((1.0, 0.99, 0.0, 3), "delta"),
            ((1.0, f64::NAN, 0.0, 3), "delta"),
            ((1.0, 2.0, f64::INFINITY, 3), "K"),
            ((1.0, 2.0, 0.0, 0), "T"),
        ] {
            let error = Feedback::new(args.0, args.1, args.2, args.3).unwrap_err().to_string();
            assert!(error.starts_with(&format!("feedback schedule: {name} is")), "{error}");
        }
        let mut run = Feedback::new(1.0, 2.0, 0.0, 3).unwrap();
        assert!(run.update(f64::NAN, 1.0).is_err());
        assert!(run.update(0.5, f64::NAN).is_err());
        // A refused report leaves the state as it was.
        assert_eq!((run.alpha(), run.epoch()), (1.0, 0));
    }
}

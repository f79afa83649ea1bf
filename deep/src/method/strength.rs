//! The strength α over the epochs k = 0, …, T − 1: a shape `h_k` times a number, or the feedback of Algorithm 1.
//!
//! What counts for m⊙w is `∫ αη = Σ_steps α_k η`, which fixes how far β shrinks (`β e^{−4∫αη}`): the number can be given by
//! that total, `α_0 = total / Σ_steps h_k η`, and then means the same for any learning rate and number of steps.

use mirrorflow::{Error, Result, schedule::feedback::Feedback};

/// How α goes with the epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// 1.
    Constant,
    /// `1 − k/T`.
    Linear,
    /// `1/(k + 1)`.
    Harmonic,
    /// `1/(k + 1)²`.
    Quadratic,
    /// `p^k`.
    Geometric(f64),
    /// `δ` times the last one or `1/δ` of it, by accuracy and `‖x‖₁ ≥ K` (Algorithm 1).
    Feedback {
        /// δ ≥ 1.
        delta: f64,
        /// K ≥ 0.
        floor: f64,
    },
}

/// α as it goes.
#[derive(Debug, Clone)]
pub struct Strength {
    first: f64,
    shape: Shape,
    epochs: u64,
    feedback: Option<Feedback>,
    /// What has been reported to the feedback, to bring it back from a checkpoint.
    reports: Vec<[f64; 2]>,
}

impl Strength {
    /// Starts at `first` for T = `epochs`.
    ///
    /// # Errors
    /// When `first` is negative or not finite, or the shape's own numbers are out of range.
    pub fn new(first: f64, shape: Shape, epochs: u64) -> Result<Self> {
        if !(first >= 0.0 && first.is_finite()) {
            return Err(domain("method.strength", "a finite number of at least 0", first));
        }
        if let Shape::Geometric(p) = shape
            && !(p > 0.0 && p <= 1.0)
        {
            return Err(domain("method.ratio", "above 0 and at most 1", p));
        }
        let feedback = match shape {
            Shape::Feedback { delta, floor } => Some(Feedback::new(first, delta, floor, epochs)?),
            _ => None,
        };
        Ok(Self { first, shape, epochs, feedback, reports: Vec::new() })
    }

    /// Starts such that `Σ_k h_k·rates[k] = total / α_0`, where `rates[k]` is the sum of the learning rates of the steps of
    /// epoch k.
    ///
    /// # Errors
    /// As [`Strength::new`], and with feedback, which cannot know its total beforehand.
    ///
    /// # Examples
    /// ```
    /// use mirrorflow_deep::method::{Shape, Strength};
    /// // Two epochs of ten steps at rate 0.1: α·2 = 3.
    /// let strength = Strength::of_total(3.0, Shape::Constant, &[1.0, 1.0])?;
    /// assert_eq!(strength.alpha(0), 1.5);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn of_total(total: f64, shape: Shape, rates: &[f64]) -> Result<Self> {
        if let Shape::Feedback { .. } = shape {
            let right = "a fixed schedule (constant, linear, harmonic, quadratic, geometric)";
            return Err(domain("method.total with the feedback schedule", right, total));
        }
        let unit = Self::new(1.0, shape, rates.len() as u64)?;
        let sum: f64 = rates.iter().enumerate().map(|(k, r)| unit.alpha(k as u64) * r).sum();
        Self::new(total / sum, shape, rates.len() as u64)
    }

    /// α of epoch k of a cycle.
    pub fn alpha(&self, epoch: u64) -> f64 {
        let k = epoch as f64;
        let shape = match self.shape {
            Shape::Constant => 1.0,
            Shape::Linear => 1.0 - k / self.epochs as f64,
            Shape::Harmonic => 1.0 / (k + 1.0),
            Shape::Quadratic => (k + 1.0).powi(-2),
            Shape::Geometric(p) => p.powf(k),
            Shape::Feedback { .. } => {
                return self.feedback.as_ref().map_or(self.first, Feedback::alpha);
            }
        };
        self.first * shape
    }

    /// Reports an epoch: its training accuracy and ‖x‖₁.
    ///
    /// # Errors
    /// When one is not finite.
    pub fn report(&mut self, accuracy: f64, l1: f64) -> Result<()> {
        if let Some(feedback) = &mut self.feedback {
            feedback.update(accuracy, l1)?;
            self.reports.push([accuracy, l1]);
        }
        Ok(())
    }

    /// All reports so far, for a checkpoint.
    pub fn reports(&self) -> &[[f64; 2]] {
        &self.reports
    }

    /// Starts over, for another cycle.
    ///
    /// # Errors
    /// Never: it was valid before.
    pub fn restart(&mut self) -> Result<()> {
        *self = Self::new(self.first, self.shape, self.epochs)?;
        Ok(())
    }
}

fn domain(what: &str, expected: &str, found: f64) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.to_string() }
}

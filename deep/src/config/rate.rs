//! The learning rate at time t (in epochs): linear warm-up over `warmup` epochs, times one of
//! 1, `½(1 + cos(π (t − warmup)/(T − warmup)))` (Loshchilov & Hutter 2017), or `factor^{milestones passed}`.

use mirrorflow::{Error, Result};

/// How the rate goes after warm-up.
#[derive(Debug, Clone, PartialEq)]
pub enum RateShape {
    /// It stays.
    Constant,
    /// Down to 0 along half a cosine.
    Cosine,
    /// Multiplied by a factor after some epochs.
    Step {
        /// The epochs.
        milestones: Vec<f64>,
        /// The factor.
        factor: f64,
    },
}

/// A learning rate over T epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    base: f64,
    warmup: f64,
    epochs: f64,
    shape: RateShape,
}

impl Rate {
    /// A rate that reaches `base` after `warmup` epochs.
    ///
    /// # Errors
    /// When the base is not positive, warm-up is not shorter than training, or a milestone or the factor is out of range.
    ///
    /// # Examples
    /// ```
    /// use mirrorflow_deep::config::{Rate, RateShape};
    /// let rate = Rate::new(0.2, 2.0, 10, RateShape::Cosine)?;
    /// assert_eq!(rate.at(1.0), 0.1);
    /// assert!((rate.at(6.0) - 0.1).abs() < 1e-15);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn new(base: f64, warmup: f64, epochs: u64, shape: RateShape) -> Result<Self> {
        let domain = |what: &str, expected: &str, found: String| {
            Err(Error::Domain { what: what.into(), expected: expected.into(), found })
        };
        if !(base > 0.0 && base.is_finite()) {
            return domain("optimizer.rate", "a positive finite number", base.to_string());
        }
        if !(warmup >= 0.0 && warmup < epochs as f64) {
            return domain(
                "optimizer.warmup",
                "at least 0 and less than train.epochs",
                warmup.to_string(),
            );
        }
        if let RateShape::Step { milestones, factor } = &shape {
            if !(*factor > 0.0 && *factor <= 1.0) {
                return domain("optimizer.factor", "above 0 and at most 1", factor.to_string());
            }
            // A short trial need not come to them all.
            if milestones.is_empty() || !milestones.iter().all(|m| *m > 0.0 && m.is_finite()) {
                let found = format!("{milestones:?}");
                return domain("optimizer.milestones", "one or more positive epochs", found);
            }
        }
        Ok(Self { base, warmup, epochs: epochs as f64, shape })
    }

    /// At time t, in epochs from 0.
    pub fn at(&self, t: f64) -> f64 {
        let warm = if t < self.warmup { t / self.warmup } else { 1.0 };
        let shape = match &self.shape {
            RateShape::Constant => 1.0,
            RateShape::Cosine => {
                let part = ((t - self.warmup) / (self.epochs - self.warmup)).clamp(0.0, 1.0);
                0.5 * (1.0 + (std::f64::consts::PI * part).cos())
            }
            RateShape::Step { milestones, factor } => {
                factor.powi(milestones.iter().filter(|m| **m <= t).count() as i32)
            }
        };
        self.base * warm * shape
    }
}

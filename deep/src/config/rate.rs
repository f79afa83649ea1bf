//! The learning rate at time t (in epochs): linear warm-up over `warmup` epochs, times one of 1,
//! `½(1 + cos(π (t − warmup)/(T − warmup)))` (Loshchilov & Hutter 2017), or
//! `factor^{milestones passed}`.

use mirrorflow::{Error, Result};

use super::{OptimizerConfig, domain};

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
    /// Checks the rate of `[optimizer]`, with the weight decay that goes with it.
    pub(super) fn of(o: &OptimizerConfig, epochs: u64) -> Result<Self> {
        let shape = match o.schedule.as_str() {
            "constant" => RateShape::Constant,
            "cosine" => RateShape::Cosine,
            "step" => {
                let (milestones, factor) = (o.milestones.clone(), o.factor.unwrap_or(0.1));
                RateShape::Step { milestones, factor }
            }
            other => return Err(domain("optimizer.schedule", "constant, cosine or step", other)),
        };
        if !matches!(shape, RateShape::Step { .. }) {
            let keys = [("milestones", !o.milestones.is_empty()), ("factor", o.factor.is_some())];
            if let Some((key, _)) = keys.iter().find(|(_, given)| *given) {
                let found = format!("one with schedule = {:?}", o.schedule);
                let right = "only with schedule = \"step\"";
                return Err(domain(&format!("optimizer.{key}"), right, &found));
            }
        }
        if !(o.weight_decay >= 0.0 && o.weight_decay.is_finite()) {
            let found = o.weight_decay.to_string();
            return Err(domain("optimizer.weight_decay", "a finite number of at least 0", &found));
        }
        Self::new(o.rate, o.warmup, epochs, shape)
    }

    /// A rate that reaches `base` after `warmup` epochs.
    ///
    /// # Errors
    /// When the base is not positive, warm-up is not shorter than training, or a milestone or the
    /// factor is out of range.
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

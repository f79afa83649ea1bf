//! The strength α over the epochs k = 0, …, T − 1: a shape `h_k` times a number, or the feedback of
//! Algorithm 1.
//!
//! What counts for m⊙w is `∫ αη = Σ_steps α_k η`, which fixes how far β shrinks (`β e^{−4∫αη}`):
//! the number can be given by that total, `α_0 = total / Σ_steps h_k η`, and then means the same
//! for any learning rate and number of steps.
//!
//! With feedback the shape `f_k` is known only as it goes. Its total is kept by spending what is
//! left over what is to come, as Algorithm 1 has it where accuracy keeps growing (`p_k = f_k`,
//! `p_{j+1} = δ p_j` up to T/2, then `p_j/δ`):
//! `α_k = f_k (total − Σ_{j<k} α_j η_j) / Σ_{j≥k} p_j η_j`, with η_j the sum of the learning rates
//! of epoch j.

mod control;

use mirrorflow::{Error, Result, schedule::feedback::Feedback};

pub(crate) use control::CUT;
pub use control::{Control, droppable};

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
    /// Whatever leads to a share of the weights that are 0, as far as one run shows it
    /// ([`Control`]).
    Target(f64),
}

/// How an epoch went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Training accuracy.
    pub accuracy: f64,
    /// ‖x‖₁.
    pub l1: f64,
    /// The share of the weights that can be dropped; 0 where nobody asks.
    pub sparsity: f64,
}

impl Report {
    pub(crate) fn bits(&self) -> [u64; 3] {
        [self.accuracy, self.l1, self.sparsity].map(f64::to_bits)
    }

    pub(crate) fn from_bits(bits: [u64; 3]) -> Self {
        let [accuracy, l1, sparsity] = bits.map(f64::from_bits);
        Self { accuracy, l1, sparsity }
    }
}

/// α as it goes.
#[derive(Debug, Clone)]
pub struct Strength {
    first: f64,
    shape: Shape,
    epochs: u64,
    /// The sum of the learning rates of every epoch; empty where nobody knows.
    rates: Vec<f64>,
    /// What feedback must spend.
    total: Option<f64>,
    feedback: Option<Feedback>,
    control: Option<Control>,
    /// The share of weights that should be 0 at the end, where nothing but the total is there to
    /// reach it.
    aim: Option<f64>,
    /// The first epoch of the cycle.
    begin: u64,
    spent: f64,
    /// What has been reported, to bring it back from a checkpoint.
    reports: Vec<Report>,
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
        match shape {
            Shape::Geometric(p) if !(p > 0.0 && p <= 1.0) => {
                return Err(domain("method.ratio", "above 0 and at most 1", p));
            }
            Shape::Target(s) if !(s > 0.0 && s < 1.0) => {
                return Err(domain("method.target", "a share above 0 and below 1", s));
            }
            Shape::Target(_) if first == 0.0 => {
                let right = "a positive first value for method.target to change";
                return Err(domain("method.strength", right, first));
            }
            _ => {}
        }
        let mut new = Self {
            first,
            shape,
            epochs,
            rates: Vec::new(),
            total: None,
            feedback: None,
            control: None,
            aim: None,
            begin: 0,
            spent: 0.0,
            reports: Vec::new(),
        };
        new.restart(0)?;
        Ok(new)
    }

    /// Starts such that `Σ_k α_k·rates[k] = total`, where `rates[k]` is the sum of the learning
    /// rates of the steps of epoch k.
    ///
    /// # Errors
    /// As [`Strength::new`], and for a target sparsity, whose total nobody knows.
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
        let epochs = rates.len() as u64;
        match shape {
            Shape::Target(_) => {
                Err(domain("method.total with method.target", "one of them", total))
            }
            Shape::Feedback { .. } => {
                if !(total >= 0.0 && total.is_finite()) {
                    return Err(domain("method.total", "a finite number of at least 0", total));
                }
                let shape = Self { total: Some(total), ..Self::new(1.0, shape, epochs)? };
                shape.with_rates(rates)
            }
            _ => {
                let unit = Self::new(1.0, shape, epochs)?;
                let sum: f64 =
                    rates.iter().enumerate().map(|(k, r)| unit.alpha(k as u64) * r).sum();
                Self::new(total / sum, shape, epochs)?.with_rates(rates)
            }
        }
    }

    /// The same aim, rates and epochs with a given total under a given shape: feedback within the
    /// run gives way to it.
    ///
    /// # Errors
    /// As [`Strength::of_total`].
    pub fn with_total(&self, total: f64, shape: Shape) -> Result<Self> {
        let aim = self.target();
        Ok(Self { aim, ..Self::of_total(total, shape, &self.rates)? })
    }

    /// With the sum of the learning rates of every epoch, for [`Strength::spent`].
    ///
    /// # Errors
    /// Never: it was valid before.
    pub fn with_rates(mut self, rates: &[f64]) -> Result<Self> {
        self.rates = rates.to_vec();
        self.restart(0)?;
        Ok(self)
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
            Shape::Target(_) => {
                return self.control.as_ref().map_or(self.first, Control::alpha);
            }
            Shape::Feedback { delta, .. } => {
                let now = self.feedback.as_ref().map_or(self.first, Feedback::alpha);
                return self.total.map_or(now, |total| now * self.level(total, epoch, now, delta));
            }
        };
        self.first * shape
    }

    /// What is left of the total over what is to come.
    fn level(&self, total: f64, epoch: u64, now: f64, delta: f64) -> f64 {
        let (mut expected, mut ahead) = (now, 0.0);
        for (j, rate) in self.rates.iter().enumerate().skip(epoch as usize) {
            ahead += expected * rate;
            let number = (j as u64 + 1).saturating_sub(self.begin);
            expected = if number <= self.epochs / 2 { expected * delta } else { expected / delta };
        }
        if ahead > 0.0 { (total - self.spent).max(0.0) / ahead } else { 0.0 }
    }

    /// Reports an epoch.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn report(&mut self, report: Report) -> Result<()> {
        let epoch = self.begin + self.reports.len() as u64;
        self.spent += self.alpha(epoch) * self.rates.get(epoch as usize).copied().unwrap_or(0.0);
        if let Some(feedback) = &mut self.feedback {
            feedback.update(report.accuracy, report.l1)?;
        }
        if let Some(control) = &mut self.control {
            control.update(report.sparsity);
        }
        self.reports.push(report);
        Ok(())
    }

    /// Σ αη of the epochs reported in this cycle (0 where the rates are unknown).
    pub fn spent(&self) -> f64 {
        self.spent
    }

    /// Whether it needs [`Report::sparsity`].
    pub fn is_controlled(&self) -> bool {
        self.control.is_some()
    }

    /// The share of weights that should be 0 at the end, where one is wanted.
    pub fn target(&self) -> Option<f64> {
        self.control.as_ref().map(Control::target).or(self.aim)
    }

    /// All reports of this cycle, for a checkpoint.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Starts over, for a cycle that begins with epoch `begin`.
    ///
    /// # Errors
    /// Never: it was valid before.
    pub fn restart(&mut self, begin: u64) -> Result<()> {
        (self.feedback, self.control) = match self.shape {
            Shape::Feedback { delta, floor } => {
                (Some(Feedback::new(self.first, delta, floor, self.epochs)?), None)
            }
            Shape::Target(target) => (None, Some(Control::new(target, self.epochs, self.first))),
            _ => (None, None),
        };
        (self.begin, self.spent) = (begin, 0.0);
        self.reports.clear();
        Ok(())
    }
}

fn domain(what: &str, expected: &str, found: f64) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.to_string() }
}

//! What a check returns: outcome, grade, the worst margin with its place, a counterexample where
//! the statement fails, and a control that shows the check can fail.

use serde::Serialize;

/// Whether a statement is quoted or corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As the paper prints it.
    AsPrinted,
    /// As it holds.
    AsItHolds,
    /// An agreement between independent routes to the same number.
    CrossCheck,
}

/// How strong the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// By a rigorous enclosure or an exact computation.
    Certified,
    /// To a stated, derived tolerance.
    Numerical,
    /// Sampled.
    Empirical,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Within tolerance on every instance that satisfies the assumptions.
    Holds,
    /// Violated beyond tolerance on at least one of them.
    Fails,
    /// No instance counted, or a computation ended early.
    Inconclusive,
}

/// One statement of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Quoted or corrected.
    pub form: Form,
    /// The statement, in the symbols of the documentation.
    pub text: &'static str,
    /// The outcome that was derived or proved; another one is an alarm.
    pub expected: Outcome,
}

/// A measured quantity against its tolerance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The violation: an error or `lhs − rhs`.
    pub value: f64,
    /// What rounding and integration error allow.
    pub tolerance: f64,
    /// On which instance, where.
    pub at: String,
}

impl Measured {
    /// `value / tolerance`: the statement holds there when it is at most 1. A value that is not a
    /// number counts as a violation.
    pub fn ratio(&self) -> f64 {
        if self.value.is_nan() || self.tolerance.is_nan() {
            f64::INFINITY
        } else if self.value <= 0.0 {
            0.0
        } else {
            self.value / self.tolerance
        }
    }
}

/// An instance that violates a statement, with numbers a reader can redo by hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterexample {
    /// The instance in one line.
    pub instance: String,
    /// Why it violates the statement, with the numbers.
    pub by_hand: String,
    /// What the statement gives.
    pub stated: f64,
    /// What is true.
    pub truth: f64,
}

/// The same check with one assumption dropped: it must fail, else it shows nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// What was dropped or falsified.
    pub dropped: &'static str,
    /// Whether the check failed, as it must.
    pub failed: bool,
    /// What it measured.
    pub worst: Option<Measured>,
}

/// Numbers that a finding rests on, for the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// Column heads.
    pub columns: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
}

/// The result of checking one statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What came out.
    pub outcome: Outcome,
    /// How strong the evidence is.
    pub grade: Grade,
    /// How many instances satisfied the assumptions.
    pub instances: usize,
    /// Instances that did not count, and why.
    pub skipped: Vec<String>,
    /// The measurement with the largest ratio of value to tolerance.
    pub worst: Option<Measured>,
    /// How the tolerance was derived.
    pub tolerance: &'static str,
    /// Where the statement fails: an instance to redo by hand.
    pub counterexample: Option<Counterexample>,
    /// Where the statement holds: the check with an assumption dropped.
    pub control: Option<Control>,
    /// Further numbers.
    pub tables: Vec<Table>,
}

/// One finding for each statement of a claim, in their order, or why there is none.
pub type Check = mirrorflow::Result<Vec<Finding>>;

/// Collects measurements over instances.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    instances: usize,
    skipped: Vec<String>,
    worst: Option<Measured>,
}

impl Tally {
    /// Counts one instance.
    pub fn count(&mut self) {
        self.instances += 1;
    }

    /// Notes an instance that does not satisfy the assumptions or ended early.
    pub fn skip(&mut self, why: impl Into<String>) {
        self.skipped.push(why.into());
    }

    /// Takes a measurement; the worst is kept.
    pub fn measure(&mut self, value: f64, tolerance: f64, at: impl Into<String>) {
        let new = Measured { value, tolerance, at: at.into() };
        if self.worst.as_ref().is_none_or(|old| new.ratio() > old.ratio()) {
            self.worst = Some(new);
        }
    }

    /// The outcome so far.
    pub fn outcome(&self) -> Outcome {
        match &self.worst {
            Some(worst) if worst.ratio() > 1.0 => Outcome::Fails,
            Some(_) if self.instances > 0 => Outcome::Holds,
            _ => Outcome::Inconclusive,
        }
    }

    /// Closes the tally as a finding.
    pub fn finding(self, grade: Grade, tolerance: &'static str) -> Finding {
        Finding {
            outcome: self.outcome(),
            grade,
            instances: self.instances,
            skipped: self.skipped,
            worst: self.worst,
            tolerance,
            counterexample: None,
            control: None,
            tables: Vec::new(),
        }
    }

    /// Closes the tally of a run with an assumption dropped.
    pub fn control(self, dropped: &'static str) -> Control {
        Control { dropped, failed: self.outcome() == Outcome::Fails, worst: self.worst }
    }
}

impl Finding {
    /// Adds a counterexample.
    pub fn with_counterexample(mut self, counterexample: Counterexample) -> Self {
        self.counterexample = Some(counterexample);
        self
    }

    /// Adds a control. A statement that holds while its control holds too was not tested: its
    /// outcome becomes inconclusive.
    pub fn with_control(mut self, control: Control) -> Self {
        if self.outcome == Outcome::Holds && !control.failed {
            self.outcome = Outcome::Inconclusive;
        }
        self.control = Some(control);
        self
    }

    /// Adds a table.
    pub fn with_table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_is_inconclusive() {
        assert_eq!(Tally::default().outcome(), Outcome::Inconclusive);
    }

    #[test]
    fn a_nan_is_a_violation_and_stays_the_worst() {
        let mut tally = Tally::default();
        tally.count();
        tally.measure(f64::NAN, 1.0, "nan");
        tally.measure(0.5, 1.0, "fine");
        assert_eq!(tally.outcome(), Outcome::Fails);
    }

    #[test]
    fn a_check_whose_control_holds_shows_nothing() {
        let mut tally = Tally::default();
        tally.count();
        tally.measure(0.5, 1.0, "fine");
        let control = tally.clone().control("nothing");
        let finding = tally.finding(Grade::Numerical, "derived").with_control(control);
        assert_eq!(finding.outcome, Outcome::Inconclusive);
    }
}

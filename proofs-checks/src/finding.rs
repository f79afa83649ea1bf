//! What a check returns: outcome, grade, the worst margin with its place, a counterexample where
//! the statement fails, and a control that shows the check can fail.

use mirrorflow::numerics::written::written;
use serde::Serialize;

use crate::Proof;

/// Whether a statement is quoted, corrected, or beyond what holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As the paper prints it.
    AsPrinted,
    /// As it holds.
    AsItHolds,
    /// What one might expect besides, and what fails: true of some instances, not of all.
    NotInGeneral,
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
    /// Quoted, corrected, or beyond what holds.
    pub form: Form,
    /// The statement, in the symbols of the documentation.
    pub text: &'static str,
    /// The outcome that was derived or proved; another one is an alarm.
    pub expected: Outcome,
}

/// What a statement says of its two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// `lhs = rhs`.
    Equal,
    /// `lhs ≤ rhs`.
    AtMost,
}

impl Relation {
    /// By how much two numbers violate it: `|lhs − rhs|` or `lhs − rhs`.
    pub fn excess(self, lhs: f64, rhs: f64) -> f64 {
        match self {
            // Two equal infinities are equal, not NaN apart.
            _ if lhs == rhs => 0.0,
            Self::Equal => (lhs - rhs).abs(),
            Self::AtMost => lhs - rhs,
        }
    }

    /// `=` or `≤`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::AtMost => "≤",
        }
    }
}

/// Two sides of a statement, computed on one instance at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The left side.
    pub lhs: f64,
    /// The right side.
    pub rhs: f64,
    /// What rounding, integration and stopping allow the statement to miss.
    pub tolerance: f64,
    /// Where on the instance: a time, a coordinate; may be empty.
    pub place: String,
}

impl Gap {
    /// `lhs` against `rhs`.
    pub fn new(lhs: f64, rhs: f64, tolerance: f64) -> Self {
        Self { lhs, rhs, tolerance, place: String::new() }
    }

    /// The size of something that should vanish.
    pub fn residual(value: f64, tolerance: f64) -> Self {
        Self::new(value, 0.0, tolerance)
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Says when.
    #[must_use]
    pub fn at_time(self, t: f64) -> Self {
        self.at(format!("t = {}", written(t, 4)))
    }

    /// The excess over the tolerance.
    pub(crate) fn measured(&self, relation: Relation, instance: &str) -> Measured {
        let at = match (instance.is_empty(), self.place.is_empty()) {
            (_, true) => instance.to_owned(),
            (true, false) => self.place.clone(),
            (false, false) => format!("{instance}, {}", self.place),
        };
        let value = relation.excess(self.lhs, self.rhs);
        Measured { lhs: self.lhs, rhs: self.rhs, value, tolerance: self.tolerance, at }
    }
}

/// A measured quantity against its tolerance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The left side of the statement.
    pub lhs: f64,
    /// The right side.
    pub rhs: f64,
    /// The violation: `|lhs − rhs|` or `lhs − rhs`.
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

    /// How close it is to a violation, comparable across instances: the violation relative to both
    /// sides while the statement holds with room, then the ratio, then its logarithm.
    pub fn score(&self) -> f64 {
        let ratio = self.ratio();
        if ratio > 1.0 {
            1.0 + ratio.ln()
        } else if ratio > 0.0 {
            ratio
        } else {
            let size = self.lhs.abs() + self.rhs.abs();
            if size > 0.0 && size.is_finite() { self.value / size } else { 0.0 }
        }
    }
}

/// An instance that violates a statement, with numbers a reader can redo by hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterexample {
    /// The instance in one line.
    pub instance: String,
    /// The instance as data.
    pub data: serde_json::Value,
    /// Why it violates the statement, with the numbers.
    pub by_hand: String,
    /// The left side there.
    pub lhs: f64,
    /// The right side there.
    pub rhs: f64,
    /// What these two are, as a reader knows them: the names under which they are shown.
    pub of: [&'static str; 2],
    /// The proof, where both sides could be enclosed.
    pub proof: Option<Proof>,
    /// Where it comes from.
    pub found: &'static str,
}

/// How hard a counterexample was looked for beyond the instances of the claim.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Search {
    /// Instances tried, those included that did not satisfy the assumptions.
    pub tried: usize,
    /// The largest ratio of violation to tolerance that local maximisation reached.
    pub worst_ratio: f64,
}

/// The same check with one assumption dropped: it must fail, else it shows nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// What was dropped or falsified.
    pub dropped: String,
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
    /// The same check with an assumption dropped: each must fail.
    pub controls: Vec<Control>,
    /// The same check with a constant of the statement changed: each must fail.
    pub mutants: Vec<Control>,
    /// The search for counterexamples beyond the instances.
    pub search: Option<Search>,
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
        self.take(Measured { lhs: value, rhs: 0.0, value, tolerance, at: at.into() });
    }

    /// Takes a measurement that is made already.
    pub(crate) fn take(&mut self, new: Measured) {
        if self.worst.as_ref().is_none_or(|old| new.score() > old.score()) {
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
            controls: Vec::new(),
            mutants: Vec::new(),
            search: None,
            tables: Vec::new(),
        }
    }

    /// Closes the tally of a run with an assumption dropped.
    pub fn control(self, dropped: impl Into<String>) -> Control {
        let dropped = dropped.into();
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
        self.controls.push(control);
        self
    }

    /// Adds a wrong constant that must be noticed, with the rule of [`Finding::with_control`].
    pub fn with_mutant(mut self, mutant: Control) -> Self {
        if self.outcome == Outcome::Holds && !mutant.failed {
            self.outcome = Outcome::Inconclusive;
        }
        self.mutants.push(mutant);
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

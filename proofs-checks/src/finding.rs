//! What a check returns: outcome, grade, the worst margin with its place, a counterexample where
//! the statement fails, and a control that shows the check can fail.

use std::fmt;

use mirrorflow::numerics::{interval::Interval, written::written};
use serde::{Serialize, Serializer, ser::SerializeStruct};

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

/// Enclosures of both sides by interval arithmetic, far enough apart that the statement is false of
/// the exact real numbers: a theorem, not a float.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Contains the left side.
    pub lhs: Interval,
    /// Contains the right side.
    pub rhs: Interval,
    /// What the two are enclosures of, as a reader knows them.
    pub of: [String; 2],
    /// How both were enclosed, in a sentence.
    pub how: String,
}

impl Proof {
    /// Two quantities by name with their enclosures.
    pub fn new(lhs: (&str, Interval), rhs: (&str, Interval), how: impl Into<String>) -> Self {
        let of = [lhs.0.to_owned(), rhs.0.to_owned()];
        Self { lhs: lhs.1, rhs: rhs.1, of, how: how.into() }
    }

    /// Whether the enclosures leave no room for `relation`.
    pub fn refutes(&self, relation: Relation) -> bool {
        let above = self.lhs.lo() > self.rhs.hi();
        match relation {
            Relation::AtMost => above,
            Relation::Equal => above || self.lhs.hi() < self.rhs.lo(),
        }
    }
}

impl fmt::Display for Proof {
    /// `p in [0.1, 0.2], q = 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lhs, rhs] = [self.lhs, self.rhs].map(outward);
        write!(f, "{} {lhs}, {} {rhs}", self.of[0], self.of[1])
    }
}

/// `in [0.1, 0.2]` in seven digits, rounded outwards so that it still encloses; `= 1` where it is one number.
pub(crate) fn outward(of: Interval) -> String {
    const DIGITS: usize = 7;
    if of.lo() == of.hi() && written(of.lo(), 17).len() <= DIGITS + 2 {
        return format!("= {}", written(of.lo(), 17));
    }
    let end = |value: f64, direction: f64| {
        let text = written(value, DIGITS);
        let off = text.parse::<f64>().is_ok_and(|read| (read - value) * direction < 0.0);
        // Half a unit of the last digit was rounded the wrong way: a whole unit more.
        if off {
            let unit = 10f64.powi(value.abs().log10().floor() as i32 + 1 - DIGITS as i32);
            written(value + direction * unit, DIGITS)
        } else {
            text
        }
    };
    format!("in [{}, {}]", end(of.lo(), -1.0), end(of.hi(), 1.0))
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Proof", 4)?;
        out.serialize_field("lhs", &[self.lhs.lo(), self.lhs.hi()])?;
        out.serialize_field("rhs", &[self.rhs.lo(), self.rhs.hi()])?;
        out.serialize_field("of", &self.of)?;
        out.serialize_field("how", &self.how)?;
        out.end()
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
    fn a_proof_needs_enclosures_that_are_apart() {
        let proof = |lhs: f64, rhs: f64| {
            Proof::new(("p", Interval::around(lhs, 0.25)), ("q", Interval::around(rhs, 0.25)), "")
        };
        assert!(proof(2.0, 1.0).refutes(Relation::AtMost));
        assert!(!proof(1.0, 2.0).refutes(Relation::AtMost));
        assert!(proof(1.0, 2.0).refutes(Relation::Equal));
        assert!(!proof(1.0, 1.25).refutes(Relation::Equal));
    }

    #[test]
    fn enclosures_are_written_outwards() {
        let of = |lo: f64, hi: f64| outward(Interval::new(lo, hi).expect("in order"));
        assert_eq!(of(0.625_145_117_250_4, 0.625_145_117_250_5), "in [0.6251451, 0.6251452]");
        assert_eq!(of(-0.5, -0.5), "= -0.5");
        assert_eq!(of(0.0, 0.0), "= 0");
        for (lo, hi) in
            [(1.0 / 3.0, 1.0 / 3.0), (-2.0 / 3.0, 1e-300 / 3.0), (-7e8 / 9.0, 1e9 / 9.0)]
        {
            let text = of(lo, hi);
            let ends = text.trim_start_matches("in [").trim_end_matches(']');
            let (low, high) = ends.split_once(", ").expect("two ends");
            let [low, high] = [low, high].map(|t| t.parse::<f64>().expect("a number"));
            assert!(low <= lo && hi <= high, "{text} around [{lo:e}, {hi:e}]");
            assert!(low >= lo - 3e-7 * lo.abs() && high <= hi + 3e-7 * hi.abs(), "{text} is wide");
        }
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

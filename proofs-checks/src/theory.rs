//! A claim as an object: what it assumes, on what it is checked, what it states, how each statement
//! is measured, and what would show the measurement to be blind.
//!
//! A [`Theory`] is built once and becomes a [`Claim`]. Its instances are of type `I`; what all its
//! statements need of an instance (a trajectory, a limit) is computed once, as `P`.

use crate::{
    Claim, Context, Domain, Form, Gap, Grade, Outcome, Proof, Relation, Statement, Table, check,
    domain::Draw,
};
use mirrorflow::Result;

/// What was computed on an instance for all statements at once, or why it does not count.
pub enum Prepared<P> {
    /// The instance counts.
    Ready(P),
    /// It does not: a computation ended early, or an assumption about the outcome is not met.
    Undecided(String),
}

pub(crate) type Measure<I, P> = Box<dyn Fn(&I, &P) -> Vec<Gap> + Send + Sync>;
type Prepare<I, P> = Box<dyn Fn(&I, &Context) -> Result<Prepared<P>> + Send + Sync>;
type Prove<I> = Box<dyn Fn(&I) -> Result<Option<Proof>> + Send + Sync>;
type Explain<I> = Box<dyn Fn(&I, &Gap) -> String + Send + Sync>;
type Tabulate = Box<dyn Fn(&Context) -> Result<Table> + Send + Sync>;
type Instances<I> = Box<dyn Fn(&Context) -> Result<Vec<I>> + Send + Sync>;

/// An assumption that can be asked of an instance.
pub(crate) struct Assumption<I> {
    pub(crate) text: &'static str,
    pub(crate) holds: Box<dyn Fn(&I) -> bool + Send + Sync>,
}

/// What must make the check of a statement fail.
pub(crate) enum Dropped<I, P> {
    /// Another quantity on the same instances.
    Measure(&'static str, Measure<I, P>),
    /// The same quantity on instances outside the named assumption.
    Instances(&'static str, Instances<I>),
}

/// One statement with its measurement.
pub struct Law<I, P> {
    pub(crate) statement: Statement,
    pub(crate) grade: Grade,
    pub(crate) relation: Relation,
    pub(crate) tolerance: &'static str,
    pub(crate) measure: Measure<I, P>,
    pub(crate) dropped: Vec<Dropped<I, P>>,
    pub(crate) mutants: Vec<(&'static str, Measure<I, P>)>,
    pub(crate) known: Vec<Box<dyn Fn() -> Result<I> + Send + Sync>>,
    pub(crate) prove: Option<Prove<I>>,
    pub(crate) explain: Option<Explain<I>>,
    pub(crate) sides: [&'static str; 2],
    pub(crate) tables: Vec<Tabulate>,
}

impl<I: Domain, P: 'static> Law<I, P> {
    fn new(form: Form, text: &'static str) -> Self {
        Self {
            statement: Statement { form, text, expected: Outcome::Holds },
            grade: Grade::Numerical,
            relation: Relation::Equal,
            tolerance: "",
            measure: Box::new(|_, _| Vec::new()),
            dropped: Vec::new(),
            mutants: Vec::new(),
            known: Vec::new(),
            prove: None,
            explain: None,
            sides: ["left side", "right side"],
            tables: Vec::new(),
        }
    }

    /// A statement as its source prints it.
    pub fn as_printed(text: &'static str) -> Self {
        Self::new(Form::AsPrinted, text)
    }

    /// A statement as it holds.
    pub fn as_it_holds(text: &'static str) -> Self {
        Self::new(Form::AsItHolds, text)
    }

    /// What one might expect besides and what fails: it comes with a counterexample.
    pub fn not_in_general(text: &'static str) -> Self {
        Self::new(Form::NotInGeneral, text).fails()
    }

    /// An agreement between two routes to one number.
    pub fn cross_check(text: &'static str) -> Self {
        Self::new(Form::CrossCheck, text)
    }

    /// It is known to fail as it is printed; statements are expected to hold otherwise.
    #[must_use]
    pub fn fails(mut self) -> Self {
        self.statement.expected = Outcome::Fails;
        self
    }

    /// The grade of its evidence; `Numerical` otherwise. A proven counterexample is `Certified`.
    #[must_use]
    pub fn graded(mut self, grade: Grade) -> Self {
        self.grade = grade;
        self
    }

    /// States `lhs = rhs` for every [`Gap`] that `measure` returns; `rule` says how its tolerance is
    /// derived.
    #[must_use]
    pub fn equal(
        mut self,
        rule: &'static str,
        measure: impl Fn(&I, &P) -> Vec<Gap> + Send + Sync + 'static,
    ) -> Self {
        (self.relation, self.tolerance) = (Relation::Equal, rule);
        self.measure = Box::new(measure);
        self
    }

    /// States `lhs ≤ rhs` for every [`Gap`] that `measure` returns.
    #[must_use]
    pub fn at_most(
        mut self,
        rule: &'static str,
        measure: impl Fn(&I, &P) -> Vec<Gap> + Send + Sync + 'static,
    ) -> Self {
        (self.relation, self.tolerance) = (Relation::AtMost, rule);
        self.measure = Box::new(measure);
        self
    }

    /// A control: the same relation for a quantity in which something needed is left out. It must
    /// fail on the instances of the claim.
    #[must_use]
    pub fn control(
        mut self,
        what: &'static str,
        measure: impl Fn(&I, &P) -> Vec<Gap> + Send + Sync + 'static,
    ) -> Self {
        self.dropped.push(Dropped::Measure(what, Box::new(measure)));
        self
    }

    /// A control: the statement on instances that break exactly the assumption with this text. It
    /// must fail there.
    #[must_use]
    pub fn without(
        mut self,
        assumption: &'static str,
        instances: impl Fn(&Context) -> Result<Vec<I>> + Send + Sync + 'static,
    ) -> Self {
        self.dropped.push(Dropped::Instances(assumption, Box::new(instances)));
        self
    }

    /// A mutant: the statement with a constant changed, say by 1 %. The check must notice.
    #[must_use]
    pub fn mutant(
        mut self,
        what: &'static str,
        measure: impl Fn(&I, &P) -> Vec<Gap> + Send + Sync + 'static,
    ) -> Self {
        self.mutants.push((what, Box::new(measure)));
        self
    }

    /// A counterexample known by hand; the search may still find a simpler one.
    #[must_use]
    pub fn known(mut self, instance: impl Fn() -> Result<I> + Send + Sync + 'static) -> Self {
        self.known.push(Box::new(instance));
        self
    }

    /// Names of both sides of a counterexample, for a reader; `left side` and `right side` otherwise.
    #[must_use]
    pub fn comparing(mut self, lhs: &'static str, rhs: &'static str) -> Self {
        self.sides = [lhs, rhs];
        self
    }

    /// Encloses both sides on an instance, rigorously; `None` where that is out of reach.
    #[must_use]
    pub fn proven_by(
        mut self,
        prove: impl Fn(&I) -> Result<Option<Proof>> + Send + Sync + 'static,
    ) -> Self {
        self.prove = Some(Box::new(prove));
        self
    }

    /// Explains a counterexample in numbers that a reader can redo.
    #[must_use]
    pub fn explained(
        mut self,
        explain: impl Fn(&I, &Gap) -> String + Send + Sync + 'static,
    ) -> Self {
        self.explain = Some(Box::new(explain));
        self
    }
}

impl<I, P> Law<I, P> {
    /// A table of numbers that belong to the statement, in every report.
    #[must_use]
    pub fn with_table(
        mut self,
        table: impl Fn(&Context) -> Result<Table> + Send + Sync + 'static,
    ) -> Self {
        self.tables.push(Box::new(table));
        self
    }
}

/// A claim under construction; see `examples/my_claim.rs`.
pub struct Theory<I, P> {
    pub(crate) id: &'static str,
    title: &'static str,
    source: &'static str,
    pub(crate) assumptions: Vec<Assumption<I>>,
    outcome_assumptions: Vec<&'static str>,
    pub(crate) instances: Instances<I>,
    pub(crate) draw: Option<Draw<I>>,
    pub(crate) prepare: Prepare<I, P>,
    pub(crate) laws: Vec<Law<I, P>>,
    pub(crate) effort: f64,
}

impl<I: Domain, P: Send + Sync + 'static> Theory<I, P> {
    /// A claim checked on `instances`; `prepare` computes what its statements share.
    pub fn new(
        id: &'static str,
        title: &'static str,
        source: &'static str,
        instances: impl Fn(&Context) -> Result<Vec<I>> + Send + Sync + 'static,
        prepare: impl Fn(&I, &Context) -> Result<Prepared<P>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            title,
            source,
            assumptions: Vec::new(),
            outcome_assumptions: Vec::new(),
            instances: Box::new(instances),
            draw: None,
            prepare: Box::new(prepare),
            laws: Vec::new(),
            effort: 1.0,
        }
    }

    /// An assumption; instances that do not satisfy it are never counted.
    #[must_use]
    pub fn assume(
        mut self,
        text: &'static str,
        holds: impl Fn(&I) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.assumptions.push(Assumption { text, holds: Box::new(holds) });
        self
    }

    /// An assumption on what comes out, such as `f(x_t) → 0`: `prepare` decides it and returns
    /// [`Prepared::Undecided`] where it is not met.
    #[must_use]
    pub fn assume_of_outcome(mut self, text: &'static str) -> Self {
        self.outcome_assumptions.push(text);
        self
    }

    /// How the falsifier draws instances; without it only the given ones are checked.
    #[must_use]
    pub fn drawn_by(mut self, draw: Draw<I>) -> Self {
        self.draw = Some(draw);
        self
    }

    /// Scales the falsifier's budget: below 1 where one instance is expensive.
    #[must_use]
    pub fn with_effort(mut self, effort: f64) -> Self {
        self.effort = effort;
        self
    }

    /// Adds a statement.
    #[must_use]
    pub fn law(mut self, law: Law<I, P>) -> Self {
        self.laws.push(law);
        self
    }

    /// The claim, to be run with others.
    pub fn claim(self) -> Claim {
        let assumptions = self
            .assumptions
            .iter()
            .map(|a| a.text)
            .chain(self.outcome_assumptions.iter().copied())
            .collect();
        let statements = self.laws.iter().map(|law| law.statement).collect();
        let (id, title, source) = (self.id, self.title, self.source);
        Claim::new(id, title, source, assumptions, statements, move |context| {
            check::check(&self, context)
        })
    }
}

//! A claim as the registry, the engine and the reports see it.

use crate::{Check, Context, Statement};

/// One claim: statements that stand or fall together on the same instances.
pub struct Claim {
    /// Short name, as `mirrorflow verify ID` takes it.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Where it is printed, with the version.
    pub source: &'static str,
    /// What an instance must satisfy to count.
    pub assumptions: Vec<&'static str>,
    /// The statements, in the order of their findings.
    pub statements: Vec<Statement>,
    check: Box<dyn Fn(&Context) -> Check + Send + Sync>,
}

impl Claim {
    /// A claim with a check of its own: one [`crate::Finding`] for each statement, in their order.
    /// Most claims are built from a [`crate::Theory`] instead, which brings the falsifier.
    pub fn new(
        id: &'static str,
        title: &'static str,
        source: &'static str,
        assumptions: Vec<&'static str>,
        statements: Vec<Statement>,
        check: impl Fn(&Context) -> Check + Send + Sync + 'static,
    ) -> Self {
        Self { id, title, source, assumptions, statements, check: Box::new(check) }
    }

    /// Checks every statement.
    ///
    /// # Errors
    /// When an instance cannot be made or computed on at all: a defect of the claim, not an outcome.
    pub fn check(&self, context: &Context) -> Check {
        (self.check)(context)
    }
}

//! What a check may spend and where its randomness comes from.

use mirrorflow::Result;

use crate::instance::{self, Instance};

/// How much to spend, and the seed of everything random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Budget {
    /// Fewer and smaller instances.
    pub quick: bool,
    /// Seed of the synthetic instances.
    pub seed: u64,
}

/// Handed to every check.
#[derive(Debug, Clone)]
pub struct Context {
    /// What may be spent.
    pub budget: Budget,
}

impl Context {
    /// A context for one run.
    pub fn new(budget: Budget) -> Self {
        Self { budget }
    }

    /// The instances every claim is checked on: synthetic problems of several sizes and kinds,
    /// the known problems, and the real one.
    ///
    /// # Errors
    /// When a generator refuses its parameters (a defect of this crate).
    pub fn instances(&self) -> Result<Vec<Instance>> {
        instance::standard(self.budget)
    }
}

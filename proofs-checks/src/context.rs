//! What a check may spend and where its randomness comes from.

use mirrorflow::{Result, schedule::Schedule};

use crate::{
    Case,
    instance::{self, Instance},
};

/// How much to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Fewer and smaller instances: the whole table in under a minute.
    Quick,
    /// The usual.
    #[default]
    Default,
    /// A long search for counterexamples.
    Thorough,
}

/// How much to spend, and the seed of everything random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Budget {
    /// Sizes and counts of instances, length of searches.
    pub effort: Effort,
    /// Seed of the synthetic instances and of the search for counterexamples.
    pub seed: u64,
}

impl Budget {
    /// Whether only the least is asked for.
    pub fn is_quick(&self) -> bool {
        self.effort == Effort::Quick
    }
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

    /// Every instance under every schedule of [`Context::schedules`], squared loss.
    ///
    /// # Errors
    /// As [`Context::instances`].
    pub fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for instance in self.instances()? {
            for schedule in Self::schedules(instance.time_scale()) {
                cases.push(Case::new(instance.clone(), schedule));
            }
        }
        Ok(cases)
    }

    /// Schedules of every kind, scaled to the time `tau` of an instance; all have A ≤ 1 at `10 tau`.
    pub fn schedules(tau: f64) -> Vec<Schedule> {
        vec![
            Schedule::None,
            Schedule::Constant { c: 0.05 / tau },
            Schedule::Geometric { c: 0.5 / tau, r: 1.0 / tau },
            Schedule::Switch { c: 0.4 / tau, at: 0.7 * tau },
        ]
    }
}

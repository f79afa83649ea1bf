//! Pruning by magnitude, once or in cycles: level or cycle k keeps `keep^k` of the weights.

use mirrorflow::Result;

use super::{PruneConfig, domain, within};

/// Levels of one-shot pruning and cycles of iterative pruning at most: each is an evaluation or a
/// training.
const LEVELS: u64 = 10_000;
/// Share of the weights each level or cycle keeps where nothing is said.
const KEEP: f64 = 0.8;

/// What is pruned, in range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prune {
    /// Share of the weights each level or cycle keeps.
    pub keep: f64,
    /// Levels of one-shot pruning after training; 0 is none.
    pub levels: u32,
    /// Iterative pruning, where there are several cycles.
    pub iterative: Option<Iterative>,
}

/// Several cycles of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iterative {
    /// How many, at least 2.
    pub cycles: u64,
    /// What each of them begins with.
    pub rewind: Rewind,
}

/// What a cycle after the first begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewind {
    /// The weights of this epoch of the first cycle (IMP).
    Weights {
        /// See the variant.
        epoch: u64,
    },
    /// The weights as they are, and the learning rate from its beginning (LRR).
    Rate,
}

impl Default for Prune {
    fn default() -> Self {
        Self { keep: KEEP, levels: 0, iterative: None }
    }
}

impl Prune {
    /// Checks a section, of a run of so many epochs.
    ///
    /// # Errors
    /// When a number is out of range, or a key does not go with another.
    pub fn of(p: &PruneConfig, epochs: u64) -> Result<Self> {
        let keep = p.keep.unwrap_or(KEEP);
        if !(keep > 0.0 && keep < 1.0) {
            return Err(domain("prune.keep", "a share above 0 and below 1", &keep.to_string()));
        }
        let epoch = p.rewind_epoch;
        let rewind = match (p.cycles, p.rewind.as_deref()) {
            (0, _) => return Err(domain("prune.cycles", "at least 1", "0")),
            (1, None) => None,
            (2.., Some("weights")) => Some(Rewind::Weights { epoch }),
            (2.., Some("rate")) => Some(Rewind::Rate),
            (1, Some(_)) => {
                return Err(domain("prune.rewind", "nothing where prune.cycles is 1", "one"));
            }
            (_, other) => {
                let found = other.unwrap_or("not there");
                return Err(domain("prune.rewind", "\"weights\" or \"rate\"", found));
            }
        };
        within("prune.cycles", p.cycles, LEVELS)?;
        within("prune.levels", u64::from(p.levels).max(1), LEVELS)?;
        if p.keep.is_some() && p.levels == 0 && p.cycles == 1 {
            let right = "only with prune.levels or prune.cycles";
            return Err(domain("prune.keep", right, "one without"));
        }
        if epoch >= epochs {
            let right = "less than train.epochs";
            return Err(domain("prune.rewind_epoch", right, &epoch.to_string()));
        }
        if epoch > 0 && !matches!(rewind, Some(Rewind::Weights { .. })) {
            let right = "only with prune.rewind = \"weights\"";
            return Err(domain("prune.rewind_epoch", right, &epoch.to_string()));
        }
        let iterative = rewind.map(|rewind| Iterative { cycles: p.cycles, rewind });
        Ok(Self { keep, levels: p.levels, iterative })
    }

    /// Cycles of training; 1 is plain training.
    pub fn cycles(&self) -> u64 {
        self.iterative.map_or(1, |i| i.cycles)
    }

    /// The epoch whose weights every cycle goes back to, where it does.
    pub fn rewind_epoch(&self) -> Option<u64> {
        match self.iterative?.rewind {
            Rewind::Weights { epoch } => Some(epoch),
            Rewind::Rate => None,
        }
    }

    /// Rows of the table of pruned networks: a level each, and the network itself; or a cycle each.
    pub(crate) fn rows(&self) -> usize {
        self.iterative.map_or(self.levels as usize + 1, |i| i.cycles as usize)
    }
}

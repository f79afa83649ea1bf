//! Configurations: the file as written ([`Config`], TOML), which may stand on another, its `base`;
//! and what it says once all of it is in range and goes together ([`Settings`]). A run reads the
//! settings only; the file is kept beside them as what the run says of itself.

mod base;
mod method;
mod penalty;
mod prune;
mod rate;
mod settings;
mod written;

use mirrorflow::{Error, Result};

pub(crate) use base::{complaint, merged, with_base};
pub use method::{Factors, Method};
pub use penalty::Penalty;
pub use prune::{Iterative, Prune, Rewind};
pub use rate::{Rate, RateShape};
pub use settings::{Data, Optimizer, Settings, Source};
pub use written::{
    Config, DataConfig, FactorsConfig, HamConfig, MethodConfig, NetworkConfig, OptimizerConfig,
    PruneConfig, TrainConfig,
};

pub(crate) fn domain(what: &str, expected: &str, found: &str) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.into() }
}

/// That a count is from 1 to so many.
fn within(what: &str, found: u64, most: u64) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    let right = if found == 0 { "at least 1".into() } else { format!("at most {most}") };
    Err(domain(what, &right, &found.to_string()))
}

#[cfg(test)]
mod tests;

//! Training: a configuration as written ([`Config`]), checked ([`Setup`]), run ([`train`]).

mod build;
mod checkpoint;
mod combine;
mod config;
mod files;
mod nest;
mod overhead;
mod rate;
mod report;
mod run;
mod search;
mod table;
mod trainer;

pub use build::{Memory, Setup};
pub(crate) use build::{check_pruning, open};
pub use config::{
    Config, DataConfig, FactorsConfig, HamConfig, MethodConfig, NetworkConfig, OptimizerConfig,
    PruneConfig, TrainConfig,
};
pub use overhead::Overhead;
pub(crate) use overhead::write as write_overhead;
pub use rate::{Rate, RateShape};
pub(crate) use run::finished;
pub use run::{Outcome, train};
pub use table::{Row, latex};

#[cfg(test)]
mod tests;

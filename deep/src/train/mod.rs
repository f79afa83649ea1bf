//! Training: a configuration as written ([`Config`]), checked ([`Setup`]), run ([`train`]).

mod build;
mod check;
mod checkpoint;
mod combine;
mod config;
mod files;
mod memory;
mod nest;
mod outcome;
mod overhead;
mod rate;
mod report;
mod run;
mod seal;
mod search;
mod table;
mod trainer;
mod weights;

pub use build::Setup;
pub(crate) use build::open;
pub(crate) use check::pruning as check_pruning;
pub(crate) use checkpoint::both;
pub use config::{
    Config, DataConfig, FactorsConfig, HamConfig, MethodConfig, NetworkConfig, OptimizerConfig,
    PruneConfig, TrainConfig,
};
pub use memory::Memory;
pub use outcome::{Outcome, Pruned};
pub use overhead::Overhead;
pub(crate) use overhead::write as write_overhead;
pub use rate::{Rate, RateShape};
pub use run::train;
pub(crate) use run::{finished, same_but_device};
pub use table::{Row, latex};

#[cfg(test)]
mod tests;

//! Training: a configuration as written ([`Config`]), checked ([`Setup`]), run ([`train`]).

mod build;
mod checkpoint;
mod config;
mod files;
mod rate;
mod run;
mod table;
mod trainer;

pub use build::{Memory, Setup};
pub use config::{
    Config, DataConfig, MethodConfig, NetworkConfig, OptimizerConfig, PruneConfig, TrainConfig,
};
pub use rate::{Rate, RateShape};
pub use run::{Outcome, train};
pub use table::{Row, latex};

#[cfg(test)]
mod tests;

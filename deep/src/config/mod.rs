//! Configurations: the file as written ([`Config`]), with its values in range and going together.

mod rate;
mod written;

pub use rate::{Rate, RateShape};
pub use written::{
    Config, DataConfig, FactorsConfig, HamConfig, MethodConfig, NetworkConfig, OptimizerConfig,
    PruneConfig, TrainConfig,
};

//! One step of training: backward, penalty, optimiser and next x in one pass.

mod device;
pub mod host;

pub use self::{
    device::{Parameter, SOURCE, ham_step, update_factors, update_plain},
    host::{Adam, FactorPenalty, Ham, Health, Optimizer, PlainPenalty, Sgd},
};

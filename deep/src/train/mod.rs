//! Training: a [`Setup`] run to its tables ([`train`]).

mod checkpoint;
mod outcome;
mod report;
mod run;
mod search;
mod trainer;

pub(crate) use checkpoint::both;
pub use outcome::{Outcome, Pruned};
pub use report::{Overhead, Row, latex};
pub(crate) use report::{label, write_overhead};
pub use run::train;
pub(crate) use run::{finished, same_but_device};

use crate::setup::Setup;

#[cfg(test)]
mod tests;

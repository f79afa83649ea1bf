//! Training: a [`Setup`] run to its tables ([`train`]).

mod checkpoint;
mod outcome;
mod report;
mod run;
mod search;
mod trainer;

use std::path::Path;

use mirrorflow::{Error, Result};

pub(crate) use checkpoint::both;
pub use outcome::{Outcome, Pruned};
pub use report::{Overhead, Row, latex};
pub(crate) use report::{label, write_overhead};
pub(crate) use run::{finished, same_but_device};

use crate::setup::Setup;

/// Runs a setup, writing to a folder; with `resume` from its checkpoint. `say` hears of progress.
///
/// # Errors
/// When the folder cannot be written, holds a run already (without `resume`) or none (with it), or
/// the checkpoint is of another configuration or damaged.
pub fn train(
    setup: &Setup,
    out: &Path,
    resume: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Outcome> {
    own_input(setup, out)?;
    if setup.config.runs > 1 {
        return search::train(setup, out, resume, say);
    }
    run::once(setup, out, resume, say).map(|run| run.outcome)
}

/// Weights to begin with may lie in the folder of the run, but not where it writes its own.
fn own_input(setup: &Setup, out: &Path) -> Result<()> {
    let Some(weights) = &setup.config.network.weights else { return Ok(()) };
    let Ok(input) = weights.canonicalize() else { return Ok(()) };
    for name in ["model.safetensors", "checkpoint.safetensors"] {
        if out.join(name).canonicalize().is_ok_and(|output| output == input) {
            let why = "is network.weights, which this run would write over: choose another folder (--out)";
            return Err(Error::File { path: out.join(name), why: why.into() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! How a run ended.

use std::path::PathBuf;

use mirrorflow::numerics::written::written;

/// The network with fewer weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pruned {
    /// Weights kept.
    pub kept: usize,
    /// Share of the weights that is 0.
    pub sparsity: f64,
    /// Accuracy on the test images.
    pub test: f64,
}

/// `; at 90 % sparsity 95.1 %, …`, after something else.
fn at_sparsities(pruned: &[Pruned]) -> String {
    let mut text = String::new();
    for (k, p) in pruned.iter().enumerate() {
        let (before, after) = if k == 0 { ("; ", " sparsity") } else { (", ", "") };
        let (sparsity, test) = (written(100.0 * p.sparsity, 4), 100.0 * p.test);
        text.push_str(&format!("{before}at {sparsity} %{after} {test:.2} %"));
    }
    text
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// All epochs of all cycles.
    Done {
        /// Accuracy on the test images, before any pruning after training.
        test: f64,
        /// Share of weights that is 0, before any pruning after training.
        sparsity: f64,
        /// What is left at sparsities that everybody compares at.
        pruned: Vec<Pruned>,
    },
    /// All epochs, but the sparsity wanted was not reached: the network is left as training left
    /// it.
    Missed {
        /// The share of weights wanted to be 0.
        target: f64,
        /// The share that is 0.
        sparsity: f64,
        /// The part of ‖x‖₁ that pruning to the target would take.
        lost: f64,
        /// Accuracy on the test images.
        test: f64,
        /// As of a run that is done.
        pruned: Vec<Pruned>,
    },
    /// A number was no longer finite.
    Diverged {
        /// Cycle and epoch, from 1.
        cycle: u64,
        /// See `cycle`.
        epoch: u64,
        /// The array of parameters, or the loss.
        place: String,
        /// The last good checkpoint, where there is one.
        checkpoint: Option<PathBuf>,
    },
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done { test, sparsity, pruned } => {
                write!(f, "test accuracy {:.2} %", 100.0 * test)?;
                // A hundredth of a percent and less is no sparsity.
                if *sparsity >= 1e-4 {
                    write!(f, " with {} % of the weights 0", written(100.0 * sparsity, 4))?;
                }
                f.write_str(&at_sparsities(pruned))
            }
            Self::Missed { target, sparsity, lost, test, pruned } => {
                let why = if sparsity > target {
                    "it has fewer weights already: take a smaller first strength".to_owned()
                } else {
                    let lost = 100.0 * lost;
                    format!(
                        "pruning to it would take {lost:.2} % of the weights' sum of magnitudes (at most 5 % may): take more epochs, or a larger first strength"
                    )
                };
                let [target, sparsity] = [target, sparsity].map(|v| written(100.0 * v, 4));
                let test = 100.0 * test;
                write!(
                    f,
                    "target sparsity {target} % missed, {sparsity} % of the weights 0: {why}; test accuracy {test:.2} %{}",
                    at_sparsities(pruned)
                )
            }
            Self::Diverged { cycle, epoch, place, checkpoint } => {
                write!(
                    f,
                    "not finite in {place}, cycle {cycle}, epoch {epoch}: take a smaller rate or strength; "
                )?;
                match checkpoint {
                    Some(path) => write!(f, "the last good checkpoint is {}", path.display()),
                    None => f.write_str("there is no checkpoint yet"),
                }
            }
        }
    }
}

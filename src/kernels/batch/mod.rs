//! Many runs at once.
//!
//! *Layout*, the same for every kernel: a batch of B runs on problems with n features is B×n, row-major,
//! one run after the other; what belongs to a run alone (a schedule, an outcome) is B long. Records are
//! R×B×n. Inside, a kernel takes runs in blocks of [`LANES`], one run to a lane of the vector unit, features
//! one after the other: each number of Z that is read serves all lanes. A lane computes what it would
//! compute alone, so results do not depend on the size of the batch or on the number of threads, bit for
//! bit. Every run has an outcome of its own; one that diverges leaves the others as they are.

pub mod descent;
pub mod limit;
mod matrices;
pub mod mirror_flow;
pub mod philox;
mod pieces;
mod records;
mod schedule;
mod state;

use std::fmt;

/// Runs of a block: two vectors of eight doubles.
pub const LANES: usize = 16;

/// How one run of a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All steps were taken.
    Complete,
    /// An input of this run is NaN or infinite: nothing was computed for it.
    NotFinite {
        /// Name of the array.
        array: &'static str,
        /// The entry, counted in this run's part of the array.
        index: usize,
    },
    /// The state was no longer finite after this step (counted from 1); records from there on are NaN.
    Diverged {
        /// The step.
        step: u64,
    },
    /// No step was short enough for the tolerance; records from there on are NaN.
    StepTooSmall {
        /// Steps taken.
        step: u64,
    },
    /// All the steps allowed were taken before the end; records from there on are NaN.
    TooManySteps {
        /// Steps taken.
        step: u64,
    },
    /// The batch was cancelled after this many steps; records from there on are NaN.
    Cancelled {
        /// Steps taken.
        step: u64,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("all steps taken"),
            Self::NotFinite { array, index } => {
                write!(f, "{array}[{index}] of this run is not a finite number")
            }
            Self::Diverged { step } => {
                write!(f, "not finite after step {step}: take smaller steps")
            }
            Self::StepTooSmall { step } => write!(
                f,
                "after step {step} no step was short enough for the tolerance: raise rtol or atol"
            ),
            Self::TooManySteps { step } => {
                write!(f, "gave up after step {step}: allow more steps or raise the tolerance")
            }
            Self::Cancelled { step } => write!(f, "cancelled after step {step}"),
        }
    }
}

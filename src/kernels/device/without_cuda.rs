//! What stands for [`cuda`](super) where the library is built without that feature: no device, and why.

#[path = "cuda/missing.rs"]
mod missing;

pub use missing::Missing;

use super::{Machine, Session};
use crate::Result;

/// A CUDA device, of which there are none.
#[derive(Debug, Clone)]
pub enum CudaMachine {}

impl CudaMachine {
    /// None can be opened.
    ///
    /// # Errors
    /// That the feature is missing.
    pub fn open(_: usize) -> std::result::Result<Self, Missing> {
        Err(Missing::Feature)
    }
}

impl Machine for CudaMachine {
    fn name(&self) -> String {
        match *self {}
    }
    fn free_memory(&self) -> Result<usize> {
        match *self {}
    }
    fn shared_memory(&self) -> usize {
        match *self {}
    }
    fn open(&self) -> Result<Box<dyn Session>> {
        match *self {}
    }
}

/// How many devices there are: that cannot be known.
///
/// # Errors
/// That the feature is missing.
pub fn count() -> std::result::Result<usize, Missing> {
    Err(Missing::Feature)
}

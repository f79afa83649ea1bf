//! Files: NumPy's `.npz` and `.npy`, tables of text, and outputs that are never half there.

mod atomic;
pub mod csv;
pub(crate) mod memory;
pub(crate) mod npy;
pub mod npz;
pub(crate) mod stranger;

pub use atomic::{abandon_temporaries, write_atomically};
pub use memory::available as available_memory;

use std::path::Path;

use crate::Error;

/// An error about the file at `path`.
pub(crate) fn file_error(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::File { path: path.to_path_buf(), why: why.to_string() }
}

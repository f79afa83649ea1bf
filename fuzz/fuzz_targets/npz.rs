//! Any bytes as an `.npz` file: an error or a valid problem, never a panic.
#![no_main]

use std::io::Cursor;

use mirrorflow::problem::{ProblemFile, npz};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = npz::read_arrays_from(Cursor::new(bytes), "fuzz.npz");
    if let Ok(file) = ProblemFile::read_npz_from(Cursor::new(bytes), "fuzz.npz") {
        assert!(file.problem.z_rows().iter().chain(file.problem.y()).all(|v| v.is_finite()));
    }
});

//! Problem files: `.npz` with `Z` (d×n) and `y` (d), optional `m0`, `w0`, `x_true` (n), float32 or
//! float64 in C or Fortran order; or `.csv` with `y` in the last column.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use super::npz::{Archive, Data, file_error};
use super::{Problem, check_vector, csv, npy};
use crate::{Error, Result};

/// What a problem file holds: the problem and, where it names them, the start factors.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemFile {
    /// The problem, named after the file.
    pub problem: Problem,
    /// The start `m₀`, of length n and finite, if the file has one.
    pub m0: Option<Vec<f64>>,
    /// The start `w₀`, of length n and finite, if the file has one.
    pub w0: Option<Vec<f64>>,
}

impl ProblemFile {
    /// Reads a `.npz` or `.csv` file; the ending decides which.
    ///
    /// ```
    /// use mirrorflow::problem::ProblemFile;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("tiny.csv");
    /// std::fs::write(&path, "1,1,1\n").unwrap();
    /// let file = ProblemFile::read(&path)?;
    /// assert_eq!((file.problem.name(), file.problem.features()), ("tiny", 2));
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read, lacks an array, or an array has the wrong type, rank or shape
    /// or an entry that is not finite. The message names the file and the place in it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let open = || File::open(path).map(BufReader::new).map_err(|e| file_error(path, e));
        let mut file = match ending.as_deref() {
            Some("npz") => Self::read_npz_from(open()?, path)?,
            Some("csv") => Self { problem: csv::read_from(open()?, path)?, m0: None, w0: None },
            _ => return Err(file_error(path, "has an unknown ending, expected .npz or .csv")),
        };
        if let Some(stem) = path.file_stem().and_then(|s| s.to_str()) {
            file.problem = file.problem.with_name(stem);
        }
        Ok(file)
    }

    /// Reads an `.npz` archive from any seekable source; `label` names it in errors.
    ///
    /// # Errors
    /// As [`ProblemFile::read`].
    pub fn read_npz_from(source: impl Read + Seek, label: impl AsRef<Path>) -> Result<Self> {
        let mut archive = Archive::open(source, label.as_ref())?;
        let names = archive.names();
        for key in ["Z", "y"] {
            if !names.iter().any(|n| n == key) {
                let there = archive.listing();
                let why = format!("has no array {key:?}; it holds {there}, expected Z and y");
                return Err(file_error(archive.path(), why));
            }
        }
        let (z_shape, z) = floats(&mut archive, "Z", 2)?;
        let (_, y) = floats(&mut archive, "y", 1)?;
        let label = archive.path().to_path_buf();
        let within = |e: Error| file_error(&label, e);
        if z_shape.first() != Some(&y.len()) {
            return Err(within(Error::Shape {
                what: "y".into(),
                expected: format!(
                    "({}), one target for each row of Z {}",
                    z_shape.first().copied().unwrap_or(0),
                    npy::shape_text(&z_shape)
                ),
                found: format!("({})", y.len()),
            }));
        }
        let dim = (y.len(), z_shape.get(1).copied().unwrap_or(0));
        let z = ndarray::Array2::from_shape_vec(dim, z).map_err(|e| file_error(&label, e))?;
        let mut problem = Problem::new(z, ndarray::Array1::from_vec(y)).map_err(within)?;
        let n = problem.features();
        let mut optional = |key: &str| -> Result<Option<Vec<f64>>> {
            if !names.iter().any(|name| name == key) {
                return Ok(None);
            }
            let (_, values) = floats(&mut archive, key, 1)?;
            check_vector(key, &values, n).map_err(within)?;
            Ok(Some(values))
        };
        let m0 = optional("m0")?;
        let w0 = optional("w0")?;
        if let Some(x_true) = optional("x_true")? {
            problem = problem.with_x_true(x_true).map_err(within)?;
        }
        Ok(Self { problem, m0, w0 })
    }
}

/// An array of float32 or float64 of the given rank: its shape and entries.
fn floats<R: Read + Seek>(
    archive: &mut Archive<R>,
    name: &str,
    rank: usize,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let array = archive.read_if(name, |header| {
        if header.kind != npy::Kind::Float {
            return Err(format!("has dtype '{}', expected float32 or float64", header.descr));
        }
        if header.shape.len() != rank {
            let shape = npy::shape_text(&header.shape);
            let right = if rank == 2 { "two axes (d, n)" } else { "one axis" };
            return Err(format!("has shape {shape}, expected {right}"));
        }
        Ok(())
    })?;
    match array.data {
        Data::F64(values) => Ok((array.shape, values)),
        _ => Err(archive.error(name, "is not floating point")),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

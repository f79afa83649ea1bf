//! Problem files: `.npz` with `Z` (d×n) and `y` (d), optional `m0`, `w0`, `x_true` (n), or `.csv`
//! with `y` by its name or in the last column.
//!
//! In an `.npz` every real type is read that float64 holds exactly (floats of 2, 4 and 8 bytes,
//! integers, truth values; C or Fortran order). A vector may be a column or a row; `m0` and `w0`
//! may be scalars, for all coordinates alike.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use super::{Problem, check_vector};
use crate::io::{csv, memory, npy, stranger};
use crate::io::{file_error, npz::Archive};
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
    /// What its reader should know: an index left out, a target that is not the last column, ….
    pub notes: Vec<String>,
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
            Some("csv") => Self::read_csv_from(open()?, path)?,
            _ => return Err(file_error(path, stranger::by_ending(path))),
        };
        if let Some(stem) = path.file_stem().and_then(|s| s.to_str()) {
            file.problem = file.problem.with_name(stem);
        }
        Ok(file)
    }

    /// Reads a table of text from any source; `label` names it in errors.
    ///
    /// # Errors
    /// As [`ProblemFile::read`].
    pub fn read_csv_from(source: impl Read, label: impl AsRef<Path>) -> Result<Self> {
        let path = label.as_ref();
        let csv::Table { z, y, notes } = csv::read_from(source, path)?;
        let problem = Problem::new(z, y).map_err(|e| file_error(path, e))?;
        Ok(Self { problem, m0: None, w0: None, notes })
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
                let why = format!(
                    "has no array {key:?}; it holds {there}, expected Z and y: \
                     numpy.savez('{}', Z=…, y=…)",
                    archive.path().display()
                );
                return Err(file_error(archive.path(), why));
            }
        }
        let label = archive.path().to_path_buf();
        let within = |e: Error| file_error(&label, e);
        let (shape, z) = numbers(&mut archive, "Z", |shape| match shape {
            [_, _] => Ok(()),
            [_] => Err("two axes (d, n): Z[None, :] is one sample, Z[:, None] one feature".into()),
            _ => Err("two axes (d, n)".into()),
        })?;
        let (d, n) = (shape.first().copied().unwrap_or(0), shape.get(1).copied().unwrap_or(0));
        let (_, y) = numbers(&mut archive, "y", |shape| match vector(shape) {
            Some(length) if length == d => Ok(()),
            found => {
                let mut right =
                    format!("({d},), one target for each row of Z {}", npy::shape_text(&[d, n]));
                if found == Some(n) {
                    right.push_str("; rows are samples: does Z=Z.T fit?");
                } else if found.is_none() && shape.first() == Some(&d) {
                    right.push_str(": one target at a time, y=y[:, 0]");
                }
                Err(right)
            }
        })?;
        let z = ndarray::Array2::from_shape_vec((d, n), z).map_err(|e| file_error(&label, e))?;
        let mut problem = Problem::new(z, ndarray::Array1::from_vec(y)).map_err(within)?;
        let mut optional = |key: &str, scalar: bool| -> Result<Option<Vec<f64>>> {
            if !names.iter().any(|name| name == key) {
                return Ok(None);
            }
            let (shape, mut values) = numbers(&mut archive, key, |shape| match vector(shape) {
                Some(_) if scalar && shape.is_empty() => Ok(()),
                Some(length) if length == n => Ok(()),
                _ => Err(format!("({n},), one entry for each column of Z")),
            })?;
            // One number for all.
            if shape.is_empty() {
                values.resize(n, values.first().copied().unwrap_or(0.0));
            }
            check_vector(key, &values, n).map_err(within)?;
            Ok(Some(values))
        };
        let m0 = optional("m0", true)?;
        let w0 = optional("w0", true)?;
        if let Some(x_true) = optional("x_true", false)? {
            problem = problem.with_x_true(x_true).map_err(within)?;
        }
        Ok(Self { problem, m0, w0, notes: Vec::new() })
    }
}

/// The length of an array that is one vector: along one axis, with others of length 1, or a scalar.
fn vector(shape: &[usize]) -> Option<usize> {
    match shape {
        [] => Some(1),
        [length] | [length, 1] | [1, length] => Some(*length),
        _ => None,
    }
}

/// An array of numbers whose shape `fits`: its shape and entries.
fn numbers<R: Read + Seek>(
    archive: &mut Archive<R>,
    name: &str,
    fits: impl FnOnce(&[usize]) -> std::result::Result<(), String>,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let path = archive.path().to_path_buf();
    archive.open_array(name, |mut entry, header| {
        use npy::Kind::{Bytes, Other, Unicode};
        if matches!(header.kind, Other | Bytes | Unicode) {
            return Err(wrong_type(name, &header.descr, &path));
        }
        let shape = npy::shape_text(&header.shape);
        fits(&header.shape).map_err(|right| format!("has shape {shape}, expected {right}"))?;
        let (count, _) = header.size()?;
        // Six times its size is what a solve holds at once of Z, packed, scaled and factored.
        memory::check("it and what is computed from it", count.saturating_mul(6 * 8))?;
        Ok((header.shape.clone(), npy::read_floats(&mut entry, header)?))
    })
}

/// What is wrong with a type, and the line that mends it.
fn wrong_type(name: &str, descr: &str, path: &Path) -> String {
    let letter = descr.trim_start_matches(['<', '>', '=', '|']).chars().next().unwrap_or(' ');
    let (what, to) = match letter {
        'c' => (" (complex)", ".real"),
        'O' => (" (Python objects)", ".astype(float)"),
        'S' | 'U' => (" (text)", ".astype(float)"),
        'f' | 'g' => ("", ".astype(float)"),
        'M' | 'm' => (" (times)", ".astype('i8').astype(float)"),
        // What NumPy has no name for, such as bfloat16.
        _ => ("", ".astype('f4')"),
    };
    let load = if letter == 'O' { ", allow_pickle=True" } else { "" };
    let file = path.display();
    format!(
        "has dtype '{descr}'{what}, expected real numbers (floats of 2, 4 or 8 bytes, integers, truth \
         values); convert it: python -c \"import numpy as np; a = dict(np.load('{file}'{load})); \
         a['{name}'] = a['{name}']{to}; np.savez('OUT.npz', **a)\""
    )
}

#[cfg(test)]
mod tests;

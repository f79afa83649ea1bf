//! Problems as text: one sample a line, columns separated by commas, semicolons or tabs.
//!
//! The target is the column called `y`, else the last one. The first line may be a header: words,
//! or the integers 0, 1, 2, … of a data frame without names. An index (a first column without a
//! name that counts the rows) is left out, and said. Lines end with LF, CR LF or CR, but not inside
//! a quoted cell; blank lines and lines that begin with `#` are skipped, a byte order mark is
//! ignored. In files of semicolons or tabs `1,5` is 1.5 where no number has a point.

mod header;
mod lines;

use std::io::Read;
use std::path::Path;

use ndarray::{Array1, Array2};

use super::file_error;
use super::memory;
use super::npy::MAX_ARRAY_BYTES;
use crate::Result;
use header::{Columns, quoted};
use lines::{Line, Style, cells, number};

/// Samples and targets as a text gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// One sample a row, d×n.
    pub z: Array2<f64>,
    /// The targets, length d.
    pub y: Array1<f64>,
    /// What its reader should know: an index left out, a target that is not the last column, ….
    pub notes: Vec<String>,
}

/// Reads a table from text; `label` names the source in errors.
///
/// ```
/// let text = "a,b,y\n1,2,3\n4,5,6\n";
/// let table = mirrorflow::io::csv::read_from(text.as_bytes(), "text")?;
/// assert_eq!(table.z, ndarray::array![[1.0, 2.0], [4.0, 5.0]]);
/// assert_eq!(table.y.to_vec(), [3.0, 6.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When an entry is no finite number, a line has another number of columns than the first, there
/// are fewer than two columns or no lines of data, a column has no name and is no index, or the
/// text is not in UTF-8. Errors give line and column, from 1.
pub fn read_from(source: impl Read, label: impl AsRef<Path>) -> Result<Table> {
    let path = label.as_ref();
    let mut bytes = Vec::new();
    let read = source.take(MAX_ARRAY_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| file_error(path, e))?;
    parse(&bytes, path).map_err(|why| file_error(path, why))
}

fn parse(bytes: &[u8], path: &Path) -> std::result::Result<Table, String> {
    if bytes.len() as u64 > MAX_ARRAY_BYTES {
        return Err(format!(
            "is larger than the {MAX_ARRAY_BYTES} bytes of text this reader takes; store it as .npz"
        ));
    }
    // A cell of two bytes becomes a number of eight, beside the list of the lines.
    memory::check("its numbers", 5 * bytes.len() as u64)?;
    let text = lines::decode(bytes, path)?;
    let mut all = lines::lines(text);
    let declared = all.first().and_then(|l| lines::declared_delimiter(l.1));
    if declared.is_some() {
        all.remove(0);
    }
    let plain: Vec<Line<'_>> = all
        .iter()
        .filter(|l| !l.1.trim_ascii_start().starts_with(b"#"))
        .take(60)
        .copied()
        .collect();
    let delimiter = match declared {
        Some(delimiter) => delimiter,
        None => lines::delimiter(&plain).map_err(|(line, how)| {
            let (separated, convert) = how.split_once(": ").unwrap_or((how, ""));
            let file = path.display();
            format!(
                "line {line} is separated by {separated}, expected commas, semicolons or tabs; \
                 convert it: {convert} < \"{file}\" > OUT.csv"
            )
        })?,
    };
    let mut style = Style { delimiter, decimal_comma: false };
    let width = plain.first().and_then(|l| cells(l.1, delimiter)).map(|c| c.len());
    // Rows from here on; the last comment before them may name the columns.
    let mut comment = None;
    let mut rows: Vec<Line<'_>> = Vec::with_capacity(all.len());
    for line in &all {
        if !lines::is_comment(line.1, style, width) {
            rows.push(*line);
        } else if rows.is_empty() {
            comment = Some(*line);
        }
    }
    style.decimal_comma = lines::decimal_comma(&rows, delimiter)?;
    let (columns, used, mut notes) = header::columns(&rows, comment.as_ref(), style)?;
    if style.decimal_comma {
        notes.push("commas are read as decimal points".into());
    }
    let (z, y) = numbers(&rows, used, &columns, style)?;
    let n = columns.count - 1 - usize::from(columns.index.is_some());
    let z = Array2::from_shape_vec((y.len(), n), z).map_err(|e| e.to_string())?;
    Ok(Table { z, y: Array1::from_vec(y), notes })
}

/// The features, row by row, and the targets.
fn numbers(
    rows: &[Line<'_>],
    used: usize,
    columns: &Columns,
    style: Style,
) -> std::result::Result<(Vec<f64>, Vec<f64>), String> {
    let (mut z, mut y) = (Vec::new(), Vec::new());
    let count = columns.count;
    let top = rows.first().map_or(1, |l| l.0);
    for (k, (line, raw)) in rows.iter().enumerate() {
        let row = cells(raw, style.delimiter)
            .ok_or_else(|| format!("line {line} has a quote that does not end"))?;
        if count < 2 {
            return Err(format!(
                "line {line} has one column, expected features and the target y, separated by commas"
            ));
        }
        if row.len() != count {
            let found = row.len();
            let mut why =
                format!("line {line} has {found} columns, expected {count} as in line {top}");
            if k == 1 && used == 1 && found == count + 1 {
                why.push_str(
                    "; names of rows before the first column? leave them out (R: row.names = FALSE)",
                );
            }
            return Err(why);
        }
        if k < used {
            continue;
        }
        for (j, cell) in row.iter().enumerate() {
            if columns.index == Some(j) {
                continue;
            }
            match number(cell, style) {
                Some(v) if v.is_finite() => {
                    if j == columns.target {
                        y.push(v)
                    } else {
                        z.push(v)
                    }
                }
                found => {
                    let text = quoted(&String::from_utf8_lossy(cell));
                    let at = columns.told(j);
                    if found.is_some() {
                        return Err(format!(
                            "line {line}, {at}: {text} is not finite, expected a finite number"
                        ));
                    }
                    let body = rows.get(used..).unwrap_or(&[]);
                    let hint = hint(cell, k == 0, body, j, style);
                    return Err(format!("line {line}, {at}: {text} is not a number{hint}"));
                }
            }
        }
    }
    if y.is_empty() {
        return Err("holds no lines of data".into());
    }
    if count == 2 && columns.index.is_some() {
        return Err("has no features beside its index and its target y".into());
    }
    Ok((z, y))
}

/// What may be meant by a cell that is no number.
fn hint(cell: &[u8], first: bool, body: &[Line<'_>], j: usize, style: Style) -> String {
    let is = |word: &str| cell.eq_ignore_ascii_case(word.as_bytes());
    let numeric = |line: &Line<'_>| {
        cells(line.1, style.delimiter).and_then(|c| number(c.get(j)?, style)).is_some()
    };
    let text = if is("true") || is("false") {
        " (write truth values as 1 and 0)"
    } else if lines::like_thousands(cell) {
        " (write it without a comma, or decimals with a point)"
    } else if cell.contains(&b',') && lines::lenient(cell).is_some() {
        " (write decimals with a point)"
    } else if let Some(value) = lines::spelled(cell) {
        return format!(" (write it as {value})");
    } else if body.len() > 1 && !body.iter().any(numeric) {
        ", and no cell of this column is: leave the column out, or code it as numbers"
    } else if lines::is_missing(cell) {
        " (a missing value: fill it in, or leave its sample out)"
    } else if first {
        " (a header must hold no numbers)"
    } else {
        ""
    };
    text.into()
}

#[cfg(test)]
mod tests;

//! Problems as comma-separated text: one sample a line, the last column is `y`.
//!
//! The first line may be a header (names only, no numbers). Empty lines and lines that begin with
//! `#` are skipped; a byte order mark is ignored.

use std::io::Read;
use std::path::Path;

use ndarray::{Array1, Array2};

use super::Problem;
use super::npz::file_error;
use crate::Result;

/// Reads a problem from comma-separated text; `label` names the source in errors.
///
/// ```
/// let text = "a,b,y\n1,2,3\n4,5,6\n";
/// let problem = mirrorflow::problem::csv::read_from(text.as_bytes(), "text")?;
/// assert_eq!(problem.z_rows(), [1.0, 2.0, 4.0, 5.0]);
/// assert_eq!(problem.y(), [3.0, 6.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When an entry is no finite number, a line has another number of columns than the first, or
/// there are fewer than two columns or no lines of data. Errors give line and column, from 1.
pub fn read_from(source: impl Read, label: impl AsRef<Path>) -> Result<Problem> {
    let path = label.as_ref();
    let mut text = Vec::new();
    let mut source = source;
    source.read_to_end(&mut text).map_err(|e| file_error(path, e))?;
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let mut columns = None;
    let (mut z, mut y) = (Vec::new(), Vec::new());
    let mut first = true;
    // Line by line, so that the number of a line is that of the user's editor: numbers hold no
    // quoted line breaks.
    for (k, raw) in text.split(|b| *b == b'\n').enumerate() {
        let raw = raw.trim_ascii();
        if raw.is_empty() || raw.starts_with(b"#") {
            continue;
        }
        let line = k + 1;
        if raw.iter().filter(|b| **b == b'"').count() % 2 == 1 {
            return Err(file_error(path, format!("line {line} has a quote that does not end")));
        }
        let record = split(raw).map_err(|e| file_error(path, e))?;
        let is_first = std::mem::replace(&mut first, false);
        let expected = *columns.get_or_insert(record.len());
        if expected < 2 {
            let why = "has one column, expected comma-separated features and the target y last";
            return Err(file_error(path, format!("line {line} {why}")));
        }
        if record.len() != expected {
            let found = record.len();
            let why = format!("line {line} has {found} columns, expected {expected} as in line 1");
            return Err(file_error(path, why));
        }
        let fields: Vec<Option<f64>> = record.iter().map(number).collect();
        if is_first && fields.iter().all(Option::is_none) {
            continue;
        }
        for (j, (field, value)) in record.iter().zip(&fields).enumerate() {
            let at = format!("line {line}, column {}", j + 1);
            let text = String::from_utf8_lossy(field.get(..40).unwrap_or(field));
            match value {
                Some(v) if v.is_finite() => {
                    if j + 1 == expected {
                        y.push(*v);
                    } else {
                        z.push(*v);
                    }
                }
                Some(_) => {
                    let why = format!("{at}: {text:?} is not finite, expected a finite number");
                    return Err(file_error(path, why));
                }
                None => {
                    let hint = if is_first { " (a header must hold no numbers)" } else { "" };
                    let why = format!("{at}: {text:?} is not a number{hint}");
                    return Err(file_error(path, why));
                }
            }
        }
    }
    let n = columns.unwrap_or(1).saturating_sub(1);
    if y.is_empty() {
        return Err(file_error(path, "holds no lines of data"));
    }
    let z = Array2::from_shape_vec((y.len(), n), z).map_err(|e| file_error(path, e))?;
    Problem::new(z, Array1::from_vec(y)).map_err(|e| file_error(path, e))
}

/// The fields of one line, unquoted and trimmed.
fn split(line: &[u8]) -> ::csv::Result<::csv::ByteRecord> {
    let mut record = ::csv::ByteRecord::new();
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(::csv::Trim::All)
        .from_reader(line)
        .read_byte_record(&mut record)?;
    Ok(record)
}

/// The number a field spells, if it spells one.
fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> std::result::Result<Problem, String> {
        read_from(text.as_ref(), "data.csv").map_err(|e| e.to_string())
    }

    #[test]
    fn a_header_comments_and_empty_lines_are_optional() {
        let plain = read("1,2,3\n4,5,6\n").unwrap();
        for text in [
            "a,b,y\n1,2,3\n4,5,6\n",
            "\u{feff}a,b,y\r\n1,2,3\r\n4,5,6",
            "# made by hand\n\n1, 2 ,3\n\n\"4\",5.0,6e0\n",
            "\u{feff}1,2,3\n+4,.5e1,6.\n",
        ] {
            let problem = read(text).unwrap();
            assert_eq!(problem.z_rows(), plain.z_rows(), "{text}");
            assert_eq!(problem.y(), plain.y(), "{text}");
        }
    }

    #[test]
    fn errors_give_line_and_column() {
        for (text, why) in [
            ("1,2\n3,x\n", "data.csv: line 2, column 2: \"x\" is not a number"),
            ("a,b\n1,nan\n", "data.csv: line 2, column 2: \"nan\" is not finite"),
            ("a,b\n1,1e999\n", "data.csv: line 2, column 2: \"1e999\" is not finite"),
            ("1,2\n3,\n", "data.csv: line 2, column 2: \"\" is not a number"),
            (
                "1,b\n3,4\n",
                "line 1, column 2: \"b\" is not a number (a header must hold no numbers)",
            ),
            ("1,2\n\n3,4,5\n", "data.csv: line 3 has 3 columns, expected 2"),
            ("1;2\n3;4\n", "data.csv: line 1 has one column, expected comma-separated"),
            ("1,2\n3,\"4\n", "data.csv: line 2 has a quote that does not end"),
            ("", "data.csv: holds no lines of data"),
            ("a,b\n", "data.csv: holds no lines of data"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.contains(why), "{text:?}: {found}");
        }
        let not_text = read(b"1,2\n3,\xff\xfe\n").unwrap_err();
        assert!(not_text.contains("line 2, column 2"), "{not_text}");
    }
}

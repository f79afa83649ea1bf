//! The roles of the columns: which line names them, which one is the target, which an index.

use std::borrow::Cow;

use super::lines::{Line, Style, cells, is_missing, lenient, number, spelled};

/// What the columns are.
#[derive(Debug)]
pub(super) struct Columns {
    /// Their names, where a line gives them.
    pub(super) names: Option<Vec<String>>,
    /// How many there are, an index included.
    pub(super) count: usize,
    /// The target.
    pub(super) target: usize,
    /// An index, which is left out.
    pub(super) index: Option<usize>,
}

impl Columns {
    /// `column 3 ("city")`, from 1.
    pub(super) fn told(&self, j: usize) -> String {
        match self.names.as_ref().and_then(|names| names.get(j)) {
            Some(name) if !name.is_empty() => format!("column {} ({})", j + 1, quoted(name)),
            _ => format!("column {}", j + 1),
        }
    }
}

/// A text for an error: of bounded length, on one line.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

type Cells<'a> = [Cow<'a, [u8]>];

/// Whether a line of integers counts from `from`: `from`, `from`+1, ….
fn counts<'a, 'b: 'a>(cells: impl Iterator<Item = &'a Cow<'b, [u8]>>, from: usize) -> bool {
    cells.enumerate().all(|(k, cell)| **cell == *(from + k).to_string().as_bytes())
}

/// Whether the first row names the columns: `Ok(Some(note))` where it does, with what to say of it.
///
/// Names are words; numbers spelled as they are not read are none, lest a sample go. Integers 0, 1,
/// 2, … are names too (a data frame without names is saved so), also behind the empty cell of an
/// index and beside words; where such a line may as well be a sample that is an error.
fn names_columns(
    first: &Line<'_>,
    row: &Cells<'_>,
    rows: &[Line<'_>],
    style: Style,
) -> Result<Option<Option<String>>, String> {
    let is_number = |c: &Cow<'_, [u8]>| number(c, style).is_some();
    let bare =
        row.split_first().map_or(row, |(head, tail)| if head.is_empty() { tail } else { row });
    let words = bare.iter().filter(|c| !is_number(c)).count();
    let is_y = |c: &Cow<'_, [u8]>| c.eq_ignore_ascii_case(b"y");
    // A missing value is no name; empty ones are told by `roles`.
    if row.iter().any(|c| is_missing(c) && !c.is_empty()) || row.iter().all(|c| c.is_empty()) {
        return Ok(None);
    }
    if row.iter().any(is_y) {
        return Ok(Some(None));
    }
    if words == bare.len() {
        return Ok(if bare.iter().all(|c| spelled(c).is_some()) { None } else { Some(None) });
    }
    if bare.iter().any(|c| c.is_empty()) || !counts(bare.iter().filter(|c| is_number(c)), 0) {
        return Ok(None);
    }
    let text = row.iter().map(|c| String::from_utf8_lossy(c)).collect::<Vec<_>>().join(",");
    let note = format!("line {} ({}) is taken for the header, no sample", first.0, quoted(&text));
    if bare.len() < row.len() {
        return Ok(Some(None));
    }
    if words > 0 {
        return Ok(Some(Some(note)));
    }
    // Nothing but integers: is it a sample?
    let tail = rows.get(1..).unwrap_or(&[]);
    let Some(next) = tail.first() else { return Ok(None) };
    let goes_on = cells(next.1, style.delimiter)
        .is_some_and(|c| counts(c.iter(), row.len()) && c.len() == row.len());
    let whole = |cell: &[u8]| {
        let digits = cell.strip_prefix(b"-").or(cell.strip_prefix(b"+")).unwrap_or(cell);
        digits.iter().all(u8::is_ascii_digit)
    };
    let all_whole = || {
        tail.iter().all(|(_, line)| {
            cells(line, style.delimiter).is_none_or(|all| all.iter().all(|c| whole(c)))
        })
    };
    if goes_on || (row.len() < 3 && all_whole()) {
        return Err(format!(
            "line {} ({}) may be a header or a sample: give the columns names in a line of words",
            first.0,
            quoted(&text)
        ));
    }
    Ok(Some(Some(note)))
}

/// What the columns are, how many of `rows` name them (0 or 1), and what to say of it. `comment` is
/// the last comment before the rows.
pub(super) fn columns(
    rows: &[Line<'_>],
    comment: Option<&Line<'_>>,
    style: Style,
) -> Result<(Columns, usize, Vec<String>), String> {
    let mut notes = Vec::new();
    let Some(first) = rows.first() else { return Err("holds no lines of data".into()) };
    let row = cells(first.1, style.delimiter)
        .ok_or_else(|| format!("line {} has a quote that does not end", first.0))?;
    let count = row.len();
    let texts = |row: &Cells<'_>| -> Vec<String> {
        row.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect()
    };
    let (mut names, mut used) = (None, 0);
    if let Some(note) = names_columns(first, &row, rows, style)? {
        (names, used) = (Some((first.0, texts(&row))), 1);
        notes.extend(note);
    } else if let Some((line, raw)) = comment {
        // `numpy.savetxt` writes a header behind a `#`.
        let raw = raw.trim_ascii_start();
        let named = cells(raw.strip_prefix(b"#").unwrap_or(raw), style.delimiter);
        let named = named.filter(|c| {
            c.len() == count
                && c.iter().any(|c| c.eq_ignore_ascii_case(b"y"))
                && c.iter().all(|c| lenient(c).is_none())
        });
        names = named.map(|c| (*line, texts(&c)));
    }
    let mut columns = Columns { names: None, count, target: count.saturating_sub(1), index: None };
    if let Some((line, names)) = names {
        if rows.len() > used {
            roles(&mut columns, line, &names, &rows[used..], style, &mut notes)?;
        }
        columns.names = Some(names);
    }
    Ok((columns, used, notes))
}

/// Finds the target and an index by name.
fn roles(
    columns: &mut Columns,
    line: usize,
    names: &[String],
    rows: &[Line<'_>],
    style: Style,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let called = |name: &str| -> Vec<usize> {
        (0..names.len()).filter(|j| names.get(*j).is_some_and(|n| n == name)).collect()
    };
    match (called("y").as_slice(), called("Y").as_slice()) {
        ([one], _) | ([], [one]) => columns.target = *one,
        ([], []) => {}
        ([a, b, ..], _) | ([], [a, b, ..]) => {
            return Err(format!(
                "line {line}: columns {} and {} are both called y, expected one target",
                a + 1,
                b + 1
            ));
        }
    }
    if columns.target + 1 != columns.count {
        notes.push(format!("column {} is the target, since it is called y", columns.target + 1));
    }
    let unnamed = |name: &str| name.is_empty() || name.starts_with("Unnamed: ");
    for (j, name) in names.iter().enumerate() {
        let index = matches!(name.to_ascii_lowercase().as_str(), "index" | "id" | "level_0");
        if !(unnamed(name) || (index && j == 0 && rows.len() > 1)) || j == columns.target {
            continue;
        }
        let from = [0.0, 1.0].into_iter().find(|from| counting(rows, j, *from, style));
        let title = if name.is_empty() { "has no name".into() } else { format!("is {name:?}") };
        match from {
            Some(from) if j == 0 => {
                columns.index = Some(0);
                notes.push(format!(
                    "column 1 {title} and counts the rows from {from}: an index, left out"
                ));
            }
            _ if unnamed(name) => {
                return Err(format!(
                    "column {} {title} in line {line}: give it a name, or leave it out (an index: \
                     df.to_csv(\"F.csv\", index=False))",
                    j + 1
                ));
            }
            _ => {}
        }
    }
    if names.get(columns.target).is_some_and(|n| unnamed(n)) {
        return Err(format!(
            "the last column, the target, has no name in line {line}: call it y, or delete the \
             delimiter at the end of the lines"
        ));
    }
    Ok(())
}

/// Whether column j counts the rows: from, from + 1, ….
fn counting(rows: &[Line<'_>], j: usize, from: f64, style: Style) -> bool {
    rows.iter().enumerate().all(|(k, (_, line))| {
        let cell = cells(line, style.delimiter).and_then(|c| number(c.get(j)?, style));
        cell == Some(from + k as f64)
    })
}

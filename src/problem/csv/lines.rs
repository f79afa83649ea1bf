//! From bytes to lines of cells: encoding, line ends, comments, the delimiter, quotes.

use std::borrow::Cow;
use std::path::Path;

use super::super::stranger;

/// A line with its number in the user's editor, from 1.
pub(super) type Line<'a> = (usize, &'a [u8]);

/// How cells are separated and decimals written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) delimiter: u8,
    pub(super) decimal_comma: bool,
}

/// What spreadsheets write where a formula failed; a line that begins with one is no comment.
const ERROR_VALUES: [&str; 13] = [
    "#N/A", "#NA", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!", "#SPILL!", "#CALC!",
    "#FIELD!", "#BUSY!", "#ERROR!",
];

/// How a missing value is written.
const MISSING: [&str; 13] =
    ["", "NA", "N/A", "<NA>", "NULL", "NONE", "NAN", "NIL", "MISSING", "-", "--", "?", "."];

/// The text without its byte order mark, if it is one in UTF-8 or a superset of ASCII.
pub(super) fn decode<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a [u8], String> {
    let wide = |name: &str| {
        let file = path.display();
        Err(format!(
            "is {name} text, expected UTF-8; convert it: iconv -f {name} -t UTF-8 \"{file}\" > OUT.csv"
        ))
    };
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return wide("UTF-32");
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return wide("UTF-16");
    }
    // Without a mark: every second byte of digits and commas is zero.
    let head = bytes.get(..bytes.len().min(64) & !1).unwrap_or(bytes);
    let zeros = |at: usize| head.len() >= 4 && head.iter().skip(at).step_by(2).all(|b| *b == 0);
    match (zeros(0), zeros(1)) {
        (false, true) => return wide("UTF-16LE"),
        (true, false) => return wide("UTF-16BE"),
        _ => {}
    }
    if let Some(why) = stranger::by_content(bytes, path) {
        return Err(why);
    }
    Ok(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes))
}

/// The lines that are not blank; LF, CR LF and a lone CR end one.
pub(super) fn lines(text: &[u8]) -> Vec<Line<'_>> {
    let (mut all, mut rest, mut number) = (Vec::new(), text, 0);
    while !rest.is_empty() {
        number += 1;
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").or(after.get(1..)).unwrap_or(&[]);
        if !line.trim_ascii().is_empty() {
            all.push((number, line));
        }
    }
    all
}

/// The delimiter a first line `sep=;` names, as spreadsheets write it.
pub(super) fn declared_delimiter(line: &[u8]) -> Option<u8> {
    match line.trim_ascii_start().get(..4)? {
        head if head.eq_ignore_ascii_case(b"sep=") => match line.trim_ascii_start().get(4..)? {
            [one] | [one, b' '] => Some(*one),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a line that begins with `#` is a comment rather than a row whose first cell does: not
/// where that cell is an error value of a spreadsheet, nor where a word with numbers beside it makes
/// a row of the right length. A number after the `#` is a row commented out.
pub(super) fn is_comment(line: &[u8], style: Style, columns: Option<usize>) -> bool {
    if !line.trim_ascii_start().starts_with(b"#") {
        return false;
    }
    let Some(cells) = cells(line, style.delimiter) else { return true };
    let Some((first, others)) = cells.split_first() else { return true };
    if ERROR_VALUES.iter().any(|e| first.eq_ignore_ascii_case(e.as_bytes())) {
        return false;
    }
    let word = first.get(1..).unwrap_or(&[]);
    let spaced = word.first().is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'#' | b'!'));
    let row = Some(cells.len()) == columns && others.iter().any(|c| lenient(c).is_some());
    spaced || number(word, style).is_some() || !row
}

/// The cells of a line, trimmed and without their quotes; `None` where a quote does not end.
pub(super) fn cells(line: &[u8], delimiter: u8) -> Option<Vec<Cow<'_, [u8]>>> {
    // A tab is white space too, but not where it separates.
    let blank = |b: &u8| b.is_ascii_whitespace() && *b != delimiter;
    let trim = |cell: &'_ [u8]| {
        let start = cell.iter().position(|b| !blank(b)).unwrap_or(cell.len());
        let end = cell.iter().rposition(|b| !blank(b)).map_or(start, |last| last + 1);
        (start, end)
    };
    let mut all = Vec::new();
    if !line.contains(&b'"') {
        for cell in line.split(|b| *b == delimiter) {
            let (start, end) = trim(cell);
            all.push(Cow::Borrowed(cell.get(start..end).unwrap_or(cell)));
        }
        return Some(all);
    }
    let mut rest = line;
    loop {
        let (start, _) = trim(rest);
        let inside = rest.get(start..).unwrap_or(&[]);
        if let Some(mut quoted) = inside.strip_prefix(b"\"") {
            let mut cell = Vec::new();
            loop {
                let end = quoted.iter().position(|b| *b == b'"')?;
                let (text, after) = quoted.split_at(end);
                cell.extend_from_slice(text);
                // Two quotes are one inside.
                match after.strip_prefix(b"\"\"") {
                    Some(more) => {
                        cell.push(b'"');
                        quoted = more;
                    }
                    None => {
                        quoted = after.get(1..).unwrap_or(&[]);
                        break;
                    }
                }
            }
            let end = quoted.iter().position(|b| *b == delimiter).unwrap_or(quoted.len());
            cell.extend_from_slice(quoted.get(..end).unwrap_or(&[]));
            all.push(Cow::Owned(cell.trim_ascii().to_vec()));
            rest = quoted.get(end..).unwrap_or(&[]);
        } else {
            let end = rest.iter().position(|b| *b == delimiter).unwrap_or(rest.len());
            let cell = rest.get(..end).unwrap_or(&[]);
            let (start, stop) = trim(cell);
            all.push(Cow::Borrowed(cell.get(start..stop).unwrap_or(cell)));
            rest = rest.get(end..).unwrap_or(&[]);
        }
        match rest.split_first() {
            Some((_, more)) => rest = more,
            None => return Some(all),
        }
    }
}

/// The number a cell spells, if it spells one.
pub(super) fn number(cell: &[u8], style: Style) -> Option<f64> {
    let text = std::str::from_utf8(cell).ok()?;
    if style.decimal_comma && text.contains(',') {
        return if text.contains('.') { None } else { text.replacen(',', ".", 1).parse().ok() };
    }
    text.parse().ok()
}

/// [`number`] with a decimal point or comma.
pub(super) fn lenient(cell: &[u8]) -> Option<f64> {
    number(cell, Style { delimiter: b';', decimal_comma: true })
}

/// Whether a cell says that its value is missing.
pub(super) fn is_missing(cell: &[u8]) -> bool {
    let is = |word: &&str| cell.eq_ignore_ascii_case(word.as_bytes());
    MISSING.iter().any(is) || ERROR_VALUES.iter().any(is)
}

/// The delimiter under which most of the first lines are numbers throughout: comma, semicolon or tab.
pub(super) fn delimiter(lines: &[Line<'_>]) -> Result<u8, (usize, &'static str)> {
    let score = |delimiter: u8| {
        let (mut complete, mut numbers) = (0, 0);
        for (_, line) in lines.iter().take(50) {
            let all = cells(line, delimiter).unwrap_or_default();
            let blank = delimiter == b' ';
            let counted: Vec<_> = all.iter().filter(|c| !(blank && c.is_empty())).collect();
            let read = |c: &[u8]| match delimiter {
                b',' => number(c, Style { delimiter, decimal_comma: false }),
                _ => lenient(c),
            };
            let good = counted.iter().filter(|c| read(c).is_some()).count();
            // A single number is no row, whatever would have separated it.
            if counted.len() > 1 {
                complete += usize::from(good == counted.len());
                numbers += good;
            }
        }
        (complete, numbers)
    };
    let mut best = (b',', score(b','));
    for candidate in [b';', b'\t', b'|', b' '] {
        let found = score(candidate);
        if found > best.1 {
            best = (candidate, found);
        }
    }
    let at = lines.first().map_or(1, |l| l.0);
    match best.0 {
        b'|' => Err((at, "'|': tr '|' ','")),
        b' ' => Err((at, "spaces: awk '{$1=$1} 1' OFS=,")),
        found => Ok(found),
    }
}

/// Whether commas are decimal points in a file whose delimiter is another; `Err` where that cannot
/// be told from separators of thousands, or points are there too.
pub(super) fn decimal_comma(rows: &[Line<'_>], delimiter: u8) -> Result<bool, String> {
    if delimiter == b',' {
        return Ok(false);
    }
    let (mut comma, mut thousands, mut point) = (None, None, None);
    for (line, raw) in rows {
        for cell in cells(raw, delimiter).unwrap_or_default() {
            let text = || (*line, String::from_utf8_lossy(&cell).into_owned());
            if cell.contains(&b',') && lenient(&cell).is_some() {
                let kind = if like_thousands(&cell) { &mut thousands } else { &mut comma };
                kind.get_or_insert_with(text);
            } else if cell.contains(&b'.') && lenient(&cell).is_some() {
                point.get_or_insert_with(text);
            }
        }
    }
    let Some((line, cell)) = comma.or(thousands.clone()) else { return Ok(false) };
    match point {
        Some((other, with)) => Err(format!(
            "line {line} has {cell:?} and line {other} has {with:?}: a comma cannot be a decimal point beside points; write all numbers alike"
        )),
        None if thousands.is_some_and(|(_, t)| t == cell) => Err(format!(
            "line {line}: {cell:?} may have a decimal comma or one that groups thousands; write decimals with a point, or no commas"
        )),
        None => Ok(true),
    }
}

/// `1,234` and `12,345`: one to three digits, not 0 first, and three more.
fn like_thousands(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").or(cell.strip_prefix(b"+")).unwrap_or(cell);
    let Some(at) = digits.iter().position(|b| *b == b',') else { return false };
    let (whole, part) = digits.split_at(at);
    let all = |v: &[u8]| v.iter().all(u8::is_ascii_digit);
    (1..=3).contains(&whole.len())
        && !whole.starts_with(b"0")
        && part.len() == 4
        && all(whole)
        && all(&part[1..])
}

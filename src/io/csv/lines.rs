//! From bytes to lines of cells: encoding, line ends, comments, the delimiter, quotes.

use std::borrow::Cow;
use std::path::Path;

use crate::io::stranger;

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
const MISSING: [&str; 18] = [
    "", "NA", "N/A", "N.A.", "<NA>", "NULL", "NONE", "NAN", "NIL", "MISSING", "-", "--", "?", ".",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
];

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
    if let Some(name) = unmarked(bytes) {
        return wide(name);
    }
    if let Some(why) = stranger::by_content(bytes, path) {
        return Err(why);
    }
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let line = lines(&bytes[..at]).last().map_or(1, |l| l.0);
        return Err(format!("line {line} has a zero byte, which no text has"));
    }
    Ok(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes))
}

/// The wide encoding of a text that begins without a mark: digits and delimiters have zeros in it.
fn unmarked(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..bytes.len().min(4096) & !3)?;
    let count = head.len() / 4;
    let zeros = |k: usize| head.iter().skip(k).step_by(4).filter(|b| **b == 0).count();
    let [a, b, c, d] = [0, 1, 2, 3].map(zeros);
    // Characters beyond Latin have no zero; a text in UTF-8 has none anywhere.
    match () {
        () if count == 0 => None,
        () if a == 0 && c == count && d == count => Some("UTF-32LE"),
        () if d == 0 && a == count && b == count => Some("UTF-32BE"),
        () if a + c == 0 && b + d >= count => Some("UTF-16LE"),
        () if b + d == 0 && a + c >= count => Some("UTF-16BE"),
        () => None,
    }
}

/// The lines that are not blank; LF, CR LF and a lone CR end one, but not inside a quoted cell.
pub(super) fn lines(text: &[u8]) -> Vec<Line<'_>> {
    let (mut all, mut rest, mut number) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        let (line, after) = rest.split_at(length(rest));
        rest = after.strip_prefix(b"\r\n").or(after.get(1..)).unwrap_or(&[]);
        if !line.trim_ascii().is_empty() {
            all.push((number, line));
        }
        let inside = line.windows(2).filter(|w| *w == b"\r\n").count();
        number += 1 + line.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() - inside;
    }
    all
}

/// The length of the first line.
fn length(text: &[u8]) -> usize {
    let ends = |b: &u8| matches!(b, b'\n' | b'\r');
    let plain = text.iter().position(ends).unwrap_or(text.len());
    let line = text.get(..plain).unwrap_or(text);
    if !line.contains(&b'"') || line.trim_ascii_start().starts_with(b"#") {
        return plain;
    }
    // A quote at the beginning of a cell opens it; two of them inside are one.
    let (mut open, mut fresh) = (false, true);
    for (at, byte) in text.iter().enumerate() {
        match (byte, open) {
            (b'"', true) => (open, fresh) = (false, true),
            (b'"', false) => open = fresh,
            (_, true) => {}
            (b'\n' | b'\r', false) => return at,
            (b',' | b';' | b'\t' | b'|', false) => fresh = true,
            (byte, false) => fresh &= byte.is_ascii_whitespace(),
        }
    }
    // A quote that does not end is an error of its own line.
    if open { plain } else { text.len() }
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
/// where that cell is an error value of a spreadsheet, nor where a word with numbers beside it
/// makes a row of the right length. A number after the `#` is a row commented out.
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

/// The number that a cell spells as this reader does not read it: `1D3`, `1 000`, `$5`, `5 %`,
/// `−1`, `0x1F`.
pub(super) fn spelled(cell: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(cell).ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '%'));
    // What groups digits leaves three of them behind it.
    let mut groups =
        text.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '’' | '_')).skip(1);
    let three = |g: &str| g.chars().take_while(char::is_ascii_digit).count() == 3;
    if !groups.all(three) {
        return None;
    }
    let mut plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’' | '_' | '$' | '€' | '£' | '¥'))
        .map(|c| match c {
            '−' => '-',
            '０'..='９' => char::from(b'0' + (u32::from(c) - u32::from('０')) as u8),
            other => other.to_ascii_lowercase(),
        })
        .collect();
    let (sign, digits) = plain.strip_prefix('-').map_or((1.0, &*plain), |rest| (-1.0, rest));
    if let Some(hex) = digits.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(|v| sign * v as f64);
    }
    let comma = plain.rfind(',');
    match (comma, plain.rfind('.')) {
        // The last of the two marks the decimals, the other groups.
        (Some(comma), Some(point)) if comma > point => {
            plain = plain.replace('.', "").replacen(',', ".", 1);
        }
        (Some(_), _) => plain = plain.replace(',', ""),
        _ => {}
    }
    let plain = plain.trim_end_matches('f').replacen('d', "e", 1);
    // Infinities have no digit.
    plain.parse().ok().filter(|_| plain.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a cell says that its value is missing.
pub(super) fn is_missing(cell: &[u8]) -> bool {
    let is = |word: &&str| cell.eq_ignore_ascii_case(word.as_bytes());
    MISSING.iter().any(is) || ERROR_VALUES.iter().any(is)
}

/// The delimiter under which most of the first lines are numbers throughout: comma, semicolon or
/// tab.
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
pub(super) fn like_thousands(cell: &[u8]) -> bool {
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

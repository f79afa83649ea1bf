//! The header of an `.npy` file: what it declares, read and written.

use std::io::Read;

use super::read_exactly;

/// The most bytes one array may declare: 2 GiB.
pub(crate) const MAX_ARRAY_BYTES: u64 = 1 << 31;
/// The most bytes a header may have; NumPy itself writes about 128 and stops reading at 10,000.
const MAX_HEADER_BYTES: u64 = 1 << 16;
/// The most entries a text array may have (a `String` is larger than its bytes on disk).
const MAX_TEXTS: u64 = 1 << 20;
const MAGIC: &[u8; 6] = b"\x93NUMPY";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Int,
    Unsigned,
    Bool,
    Bytes,
    Unicode,
    /// Complex numbers, times, Python objects, records, …: nothing this reader takes.
    Other,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Bytes of one entry.
    pub(crate) width: u64,
    pub(super) big_endian: bool,
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// The dtype as the file names it.
    pub(crate) descr: String,
}

impl Header {
    /// Number of entries and of bytes, if the reader takes that much of that kind.
    pub(crate) fn size(&self) -> Result<(u64, u64), String> {
        if self.kind == Kind::Other {
            return Err(format!(
                "has dtype '{}', expected numbers (floats of 2, 4 or 8 bytes, integers), truth values or text",
                self.descr
            ));
        }
        let count = self.shape.iter().try_fold(1u64, |p, &len| p.checked_mul(len as u64));
        let bytes = count.and_then(|c| c.checked_mul(self.width));
        match (count, bytes) {
            (Some(count), Some(bytes)) if bytes <= MAX_ARRAY_BYTES => {
                let text = matches!(self.kind, Kind::Bytes | Kind::Unicode);
                if text && count > MAX_TEXTS {
                    return Err(format!("declares {count} texts, at most {MAX_TEXTS} are read"));
                }
                Ok((count, bytes))
            }
            _ => Err(format!(
                "declares shape {} of '{}', more than the {MAX_ARRAY_BYTES} bytes this reader takes",
                shape_text(&self.shape),
                self.descr
            )),
        }
    }
}

/// `(3, 4)`, `(3,)`, `()` as Python writes it.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => {
            let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", parts.join(", "))
        }
    }
}

/// Reads the header and leaves the reader at the data.
pub(crate) fn read_header(reader: &mut impl Read) -> Result<Header, String> {
    let start = read_exactly(reader, 8, "magic string")?;
    if !start.starts_with(MAGIC) {
        return Err("does not begin like a NumPy array (\\x93NUMPY)".into());
    }
    let length = match start.get(6) {
        Some(1) => {
            let b = read_exactly(reader, 2, "header length")?;
            b.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte))
        }
        Some(2 | 3) => {
            let b = read_exactly(reader, 4, "header length")?;
            b.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte))
        }
        version => {
            let version = version.copied().unwrap_or(0);
            return Err(format!("has .npy version {version}, expected 1, 2 or 3"));
        }
    };
    if length > MAX_HEADER_BYTES {
        return Err(format!("declares a header of {length} bytes, expected at most 65536"));
    }
    let text = String::from_utf8(read_exactly(reader, length, "header")?)
        .map_err(|_| "has a header that is not text".to_string())?;
    parse_header(&text)
}

/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` with the keys in any order.
fn parse_header(text: &str) -> Result<Header, String> {
    let mut p = Literal { rest: text };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    p.expect('{')?;
    while !p.take('}') {
        let key = p.string()?;
        p.expect(':')?;
        let known = match key.as_str() {
            "descr" => descr.replace(p.descr()?).is_none(),
            "fortran_order" => fortran.replace(p.boolean()?).is_none(),
            "shape" => shape.replace(p.tuple()?).is_none(),
            _ => false,
        };
        if !known {
            return Err(format!("has an unknown or repeated key {key:?} in its header"));
        }
        if !p.take(',') {
            p.expect('}')?;
            break;
        }
    }
    if !p.rest.trim().is_empty() {
        return Err("has text after the closing brace of its header".into());
    }
    let missing = |key: &str| format!("has no key '{key}' in its header");
    let descr = descr.ok_or_else(|| missing("descr"))?;
    let fortran = fortran.ok_or_else(|| missing("fortran_order"))?;
    let shape = shape.ok_or_else(|| missing("shape"))?;
    // Escaped, so that an odd dtype cannot break the error that quotes it into lines.
    let descr = descr.escape_debug().to_string();
    let (kind, width, big_endian) = parse_dtype(&descr).unwrap_or((Kind::Other, 0, false));
    Ok(Header { kind, width, big_endian, fortran, shape, descr })
}

/// Byte order, kind and width of a dtype such as `<f8`, if it is one that is read.
fn parse_dtype(descr: &str) -> Option<(Kind, u64, bool)> {
    let mut chars = descr.chars();
    let big_endian = match chars.next()? {
        '<' | '|' | '=' => false,
        '>' => true,
        _ => return None,
    };
    let letter = chars.next()?;
    let width: u64 = chars.as_str().parse().ok()?;
    let (kind, bytes) = match (letter, width) {
        ('f', 2 | 4 | 8) => (Kind::Float, width),
        ('i', 1 | 2 | 4 | 8) => (Kind::Int, width),
        ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, width),
        ('b', 1) => (Kind::Bool, width),
        ('S', 1..) => (Kind::Bytes, width),
        ('U', 1..) => (Kind::Unicode, width.checked_mul(4)?),
        _ => return None,
    };
    Some((kind, bytes, big_endian))
}

/// The few forms of a Python literal that a header is made of.
struct Literal<'a> {
    rest: &'a str,
}

impl Literal<'_> {
    fn take(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) {
            return Ok(());
        }
        let found: String = self.rest.chars().take(20).collect();
        Err(format!("has a malformed header: expected '{c}' at {found:?}"))
    }
    fn string(&mut self) -> Result<String, String> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect('\'')?;
        }
        let (text, rest) = self
            .rest
            .split_once(quote)
            .ok_or_else(|| "has a malformed header: a string does not end".to_string())?;
        self.rest = rest;
        Ok(text.to_string())
    }
    fn descr(&mut self) -> Result<String, String> {
        if self.rest.trim_start().starts_with('[') {
            return Err("is a structured array, expected plain numbers; convert it: \
                 numpy.lib.recfunctions.structured_to_unstructured(A)"
                .into());
        }
        self.string()
    }
    fn boolean(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("has a malformed header: fortran_order is neither True nor False".into())
    }
    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut lengths = Vec::new();
        while !self.take(')') {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            let length = digits.parse().map_err(|_| {
                format!("has a malformed header: {digits:?} is no length of an axis")
            })?;
            lengths.push(length);
            if lengths.len() > 32 {
                return Err("has more than 32 axes".into());
            }
            // Python 2 wrote `3L`.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(lengths)
    }
}

/// The bytes before the data of a C-order array: version 1, padded to a multiple of 64 as NumPy
/// does.
pub(crate) fn header_bytes(descr: &str, shape: &[usize]) -> Result<Vec<u8>, String> {
    let dict =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}", shape_text(shape));
    let total = (10 + dict.len() + 1).next_multiple_of(64);
    let length = u16::try_from(total - 10).map_err(|_| "has too many axes".to_string())?;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(dict.as_bytes());
    bytes.resize(total - 1, b' ');
    bytes.push(b'\n');
    Ok(bytes)
}

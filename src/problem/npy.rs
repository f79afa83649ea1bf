//! The NumPy array format `.npy`, versions 1 to 3, read defensively and written deterministically.
//!
//! ```text
//! 93 'NUMPY' major minor | header length (u16 in v1, u32 in v2 and v3, little endian) | header | data
//! header = {'descr': '<f8', 'fortran_order': False, 'shape': (d, n), }
//! ```
//! Source: numpy.lib.format. What a header declares is believed only as far as bytes arrive: memory
//! grows with the data read, never with the size declared.

use std::io::Read;

/// The most bytes one array may declare: 2 GiB.
pub(crate) const MAX_ARRAY_BYTES: u64 = 1 << 31;
/// The most bytes a header may have; NumPy itself writes about 128 and stops reading at 10,000.
const MAX_HEADER_BYTES: u64 = 1 << 16;
/// The most entries a text array may have (a `String` is larger than its bytes on disk).
const MAX_TEXTS: u64 = 1 << 20;
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What an array holds, in C order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// Floating point numbers; float32 is widened, which is exact.
    F64(Vec<f64>),
    /// Integers of any width that fits.
    I64(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Unicode or UTF-8 byte strings, without the padding.
    Text(Vec<String>),
}

/// An array of any rank in C order. Rank 0 holds one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The length along each axis.
    pub shape: Vec<usize>,
    /// The entries, last axis fastest.
    pub data: Data,
}

impl Array {
    /// The entries if they are floating point.
    pub fn as_f64(&self) -> Option<&[f64]> {
        if let Data::F64(values) = &self.data { Some(values) } else { None }
    }
    /// The entries if they are integers.
    pub fn as_i64(&self) -> Option<&[i64]> {
        if let Data::I64(values) = &self.data { Some(values) } else { None }
    }
    /// The entries if they are truth values.
    pub fn as_bool(&self) -> Option<&[bool]> {
        if let Data::Bool(values) = &self.data { Some(values) } else { None }
    }
    /// The entries if they are text.
    pub fn as_text(&self) -> Option<&[String]> {
        if let Data::Text(values) = &self.data { Some(values) } else { None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Int,
    Unsigned,
    Bool,
    Bytes,
    Unicode,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Bytes of one entry.
    pub(crate) width: u64,
    big_endian: bool,
    fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// The dtype as the file names it.
    pub(crate) descr: String,
}

impl Header {
    /// Number of entries and of bytes, if the reader takes that much.
    fn size(&self) -> Result<(u64, u64), String> {
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

fn read_exactly(reader: &mut impl Read, count: u64, what: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes).map_err(|e| format!("{what}: {e}"))?;
    if (bytes.len() as u64) < count {
        return Err(format!("ends after {} of {count} bytes of its {what}", bytes.len()));
    }
    Ok(bytes)
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
    let (kind, width, big_endian) = parse_dtype(&descr)?;
    Ok(Header { kind, width, big_endian, fortran, shape, descr })
}

/// Byte order, kind and width of a dtype such as `<f8`.
fn parse_dtype(descr: &str) -> Result<(Kind, u64, bool), String> {
    let unknown = || {
        format!("has dtype '{descr}', expected numbers (f4, f8, integers), truth values or text")
    };
    let mut chars = descr.chars();
    let big_endian = match chars.next() {
        Some('<' | '|' | '=') => false,
        Some('>') => true,
        _ => return Err(unknown()),
    };
    let letter = chars.next().ok_or_else(unknown)?;
    let width: u64 = chars.as_str().parse().map_err(|_| unknown())?;
    let (kind, bytes) = match (letter, width) {
        ('f', 4 | 8) => (Kind::Float, width),
        ('i', 1 | 2 | 4 | 8) => (Kind::Int, width),
        ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, width),
        ('b', 1) => (Kind::Bool, width),
        ('S', 1..) => (Kind::Bytes, width),
        ('U', 1..) => (Kind::Unicode, width.checked_mul(4).ok_or_else(unknown)?),
        _ => return Err(unknown()),
    };
    Ok((kind, bytes, big_endian))
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
        if self.take('[') {
            return Err("is a structured array, expected plain numbers".into());
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

/// Reads the data that `header` announces and checks that nothing follows.
pub(crate) fn read_data(reader: &mut impl Read, header: &Header) -> Result<Array, String> {
    let (_, size) = header.size()?;
    let bytes = read_exactly(reader, size, "data")?;
    // Reading on to the end also makes the archive check its CRC.
    let more = reader.take(1).read_to_end(&mut Vec::new()).map_err(|e| format!("data: {e}"))?;
    if more > 0 {
        let shape = shape_text(&header.shape);
        return Err(format!("has more data than its shape {shape} of '{}'", header.descr));
    }
    let big = header.big_endian;
    let width = header.width as usize;
    let entries = bytes.chunks_exact(width);
    let data = match header.kind {
        Kind::Float if width == 4 => {
            Data::F64(entries.map(|b| f64::from(f32::from_bits(unsigned(b, big) as u32))).collect())
        }
        Kind::Float => Data::F64(entries.map(|b| f64::from_bits(unsigned(b, big))).collect()),
        Kind::Int => {
            // Shifting up and arithmetically down extends the sign.
            let shift = 64 - 8 * width as u32;
            Data::I64(entries.map(|b| ((unsigned(b, big) << shift) as i64) >> shift).collect())
        }
        Kind::Unsigned => Data::I64(
            entries
                .map(|b| i64::try_from(unsigned(b, big)))
                .collect::<Result<_, _>>()
                .map_err(|_| "has an unsigned integer beyond 2^63 - 1".to_string())?,
        ),
        Kind::Bool => Data::Bool(
            bytes
                .iter()
                .map(|&b| if b <= 1 { Ok(b == 1) } else { Err(b) })
                .collect::<Result<_, _>>()
                .map_err(|b| format!("has the byte {b} where a truth value (0, 1) should be"))?,
        ),
        Kind::Bytes => Data::Text(
            entries
                .map(|b| {
                    let end = b.iter().rposition(|&c| c != 0).map_or(0, |last| last + 1);
                    std::str::from_utf8(b.get(..end).unwrap_or(b)).map(str::to_string)
                })
                .collect::<Result<_, _>>()
                .map_err(|_| "has a text that is not UTF-8".to_string())?,
        ),
        Kind::Unicode => Data::Text(
            entries
                .map(|b| {
                    let points = b.chunks_exact(4).map(|c| char::from_u32(unsigned(c, big) as u32));
                    let text = points.collect::<Option<String>>()?;
                    Some(text.trim_end_matches('\0').to_string())
                })
                .collect::<Option<_>>()
                .ok_or_else(|| "has a text that is not Unicode".to_string())?,
        ),
    };
    let shape = header.shape.clone();
    let data = if header.fortran && shape.len() > 1 { to_c_order(data, &shape)? } else { data };
    Ok(Array { shape, data })
}

/// The unsigned integer that up to 8 bytes spell.
fn unsigned(bytes: &[u8], big_endian: bool) -> u64 {
    let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
}

fn to_c_order(data: Data, shape: &[usize]) -> Result<Data, String> {
    fn reorder<T: Clone>(values: Vec<T>, shape: &[usize]) -> Result<Vec<T>, String> {
        use ndarray::ShapeBuilder;
        let array = ndarray::ArrayD::from_shape_vec(ndarray::IxDyn(shape).f(), values)
            .map_err(|e| format!("has an impossible shape: {e}"))?;
        Ok(array.iter().cloned().collect())
    }
    Ok(match data {
        Data::F64(v) => Data::F64(reorder(v, shape)?),
        Data::I64(v) => Data::I64(reorder(v, shape)?),
        Data::Bool(v) => Data::Bool(reorder(v, shape)?),
        Data::Text(v) => Data::Text(reorder(v, shape)?),
    })
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

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;

//! The NumPy array format `.npy`, versions 1 to 3, read defensively and written deterministically.
//!
//! ```text
//! 93 'NUMPY' major minor | header length (u16 in v1, u32 in v2 and v3, little endian) | header | data
//! header = {'descr': '<f8', 'fortran_order': False, 'shape': (d, n), }
//! ```
//! Source: numpy.lib.format. What a header declares is believed only as far as bytes arrive: memory
//! grows with the data read, never with the size declared.

mod header;

use std::io::Read;

pub(crate) use header::{Header, Kind, MAX_ARRAY_BYTES, header_bytes, read_header, shape_text};

/// Bytes converted at a time: a multiple of every width of a number.
const PIECE: usize = 1 << 16;

/// What an array holds, in C order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// Floating point numbers; float16 and float32 are widened, which is exact.
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

fn read_exactly(reader: &mut impl Read, count: u64, what: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes).map_err(|e| format!("{what}: {e}"))?;
    if (bytes.len() as u64) < count {
        return Err(format!("ends after {} of {count} bytes of its {what}", bytes.len()));
    }
    Ok(bytes)
}

/// Reads the data that `header` announces and checks that nothing follows.
pub(crate) fn read_data(reader: &mut impl Read, header: &Header) -> Result<Array, String> {
    let (_, size) = header.size()?;
    let shape = header.shape.clone();
    let big = header.big_endian;
    let width = header.width as usize;
    let data = match header.kind {
        Kind::Float => Data::F64(read_entries(reader, header, |b| Ok(float(b, big)))?),
        Kind::Int => Data::I64(read_entries(reader, header, |b| Ok(integer(b, big)))?),
        Kind::Unsigned => Data::I64(read_entries(reader, header, |b| {
            i64::try_from(unsigned(b, big))
                .map_err(|_| "has an unsigned integer beyond 2^63 - 1".to_string())
        })?),
        Kind::Bool => Data::Bool(read_entries(reader, header, truth)?),
        Kind::Bytes | Kind::Unicode | Kind::Other => {
            let bytes = read_exactly(reader, size, "data")?;
            ends(reader, header)?;
            let entries = bytes.chunks_exact(width);
            let texts: Option<Vec<String>> = match header.kind {
                Kind::Bytes => entries.map(utf8).collect(),
                _ => entries.map(|b| unicode(b, big)).collect(),
            };
            Data::Text(texts.ok_or_else(|| {
                let kind = if header.kind == Kind::Bytes { "UTF-8" } else { "Unicode" };
                format!("has a text that is not {kind}")
            })?)
        }
    };
    let data = to_c_order(data, if header.fortran { &shape[..] } else { &[] })?;
    Ok(Array { shape, data })
}

/// Reads numbers and truth values of any width as float64, exactly or not at all, in C order.
pub(crate) fn read_floats(reader: &mut impl Read, header: &Header) -> Result<Vec<f64>, String> {
    let big = header.big_endian;
    // An integer is exact where it comes back from its float; 2^63 and beyond by 128 bits.
    let exact = |v: i128| {
        let float = v as f64;
        if float as i128 == v {
            return Ok(float);
        }
        Err(format!(
            "has the integer {v}, which float64 cannot hold; round it: numpy.savez(F, …=A.astype(float))"
        ))
    };
    let values = match header.kind {
        Kind::Float => read_entries(reader, header, |b| Ok(float(b, big)))?,
        Kind::Int => read_entries(reader, header, |b| exact(i128::from(integer(b, big))))?,
        Kind::Unsigned => read_entries(reader, header, |b| exact(i128::from(unsigned(b, big))))?,
        Kind::Bool => read_entries(reader, header, |b| Ok(f64::from(u8::from(truth(b)?))))?,
        Kind::Bytes | Kind::Unicode | Kind::Other => return Err("is not numeric".into()),
    };
    match to_c_order(Data::F64(values), if header.fortran { &header.shape[..] } else { &[] })? {
        Data::F64(values) => Ok(values),
        _ => Err("is not numeric".into()),
    }
}

/// Reads and converts the entries piece by piece, so that memory holds them once; it grows with the
/// entries that really come.
fn read_entries<T>(
    reader: &mut impl Read,
    header: &Header,
    convert: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let (count, size) = header.size()?;
    let width = header.width as usize;
    let mut values: Vec<T> = Vec::new();
    let mut piece = Vec::with_capacity(PIECE);
    let mut got = 0u64;
    while got < size {
        piece.clear();
        let next = (size - got).min(PIECE as u64);
        reader.by_ref().take(next).read_to_end(&mut piece).map_err(|e| format!("data: {e}"))?;
        got += piece.len() as u64;
        if (piece.len() as u64) < next {
            return Err(format!("ends after {got} of {size} bytes of its data"));
        }
        let more = piece.len() / width;
        if values.capacity() - values.len() < more {
            let left = (count as usize).saturating_sub(values.len());
            let grow = left.min(values.len().max(PIECE)).max(more);
            let full = |_| format!("needs more memory than there is: {count} entries");
            values.try_reserve_exact(grow).map_err(full)?;
        }
        for entry in piece.chunks_exact(width) {
            values.push(convert(entry)?);
        }
    }
    ends(reader, header)?;
    Ok(values)
}

/// `Err` unless the data end here. Reading on to the end also makes the archive check its CRC.
fn ends(reader: &mut impl Read, header: &Header) -> Result<(), String> {
    match reader.by_ref().take(1).read_to_end(&mut Vec::new()) {
        Ok(0) => Ok(()),
        Ok(_) => {
            let shape = shape_text(&header.shape);
            Err(format!("has more data than its shape {shape} of '{}'", header.descr))
        }
        Err(e) => Err(format!("data: {e}")),
    }
}

fn truth(bytes: &[u8]) -> Result<bool, String> {
    match bytes {
        [0] => Ok(false),
        [1] => Ok(true),
        other => Err(format!(
            "has the byte {} where a truth value (0, 1) should be",
            other.first().copied().unwrap_or(0)
        )),
    }
}

/// A text padded with NUL.
fn utf8(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|&c| c != 0).map_or(0, |last| last + 1);
    std::str::from_utf8(bytes.get(..end)?).ok().map(str::to_string)
}

fn unicode(bytes: &[u8], big_endian: bool) -> Option<String> {
    let points = bytes.chunks_exact(4).map(|c| char::from_u32(unsigned(c, big_endian) as u32));
    let text = points.collect::<Option<String>>()?;
    Some(text.trim_end_matches('\0').to_string())
}

/// A float of 2, 4 or 8 bytes; widening is exact.
fn float(bytes: &[u8], big_endian: bool) -> f64 {
    let bits = unsigned(bytes, big_endian);
    match bytes.len() {
        2 => half(bits as u16),
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

/// IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match i32::from(bits >> 10 & 0x1f) {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// A signed integer of up to 8 bytes: shifting up and arithmetically down extends the sign.
fn integer(bytes: &[u8], big_endian: bool) -> i64 {
    let shift = 64 - 8 * bytes.len() as u32;
    ((unsigned(bytes, big_endian) << shift) as i64) >> shift
}

/// The unsigned integer that up to 8 bytes spell.
fn unsigned(bytes: &[u8], big_endian: bool) -> u64 {
    let push = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
}

fn to_c_order(data: Data, shape: &[usize]) -> Result<Data, String> {
    if shape.len() < 2 {
        return Ok(data);
    }
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

#[cfg(test)]
mod tests;

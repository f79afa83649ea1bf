//! PNG (W3C, 5): after a signature chunks of a length, a type, so many bytes and a checksum, which
//! the decoder holds against them, and at last an empty `IEND`.

use std::io::Cursor;

use png::{BitDepth, Decoder, Limits, Transformations};

use super::{Picture, ROOM, Samples, cut_off, size, unreadable};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Whether a file begins as one.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// Reads a file that begins as one. Palettes and few bits are spread to samples of 8 bits.
pub(super) fn read(bytes: &[u8]) -> Result<Picture, String> {
    if !ends(&bytes[SIGNATURE.len()..]) {
        return Err(cut_off(bytes));
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: ROOM });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (colour, depth) = reader.output_color_type();
    let (width, height) = reader.info().size();
    let words = depth == BitDepth::Sixteen;
    let stride = colour.samples();
    let mut bytes = vec![0; size(width, height, stride * if words { 2 } else { 1 })?];
    reader.next_frame(&mut bytes).map_err(unreadable)?;
    let samples = if words {
        let (pairs, _) = bytes.as_chunks();
        Samples::Words(pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
    } else {
        Samples::Bytes(bytes)
    };
    Ok(Picture { width, height, stride, samples })
}

/// Whether the chunks come to their end.
fn ends(mut rest: &[u8]) -> bool {
    loop {
        let (Some(length), Some(kind)) = (rest.first_chunk::<4>(), rest.get(4..8)) else {
            return false;
        };
        let length = u32::from_be_bytes(*length) as usize;
        // Length, type and checksum beside the bytes themselves.
        let Some(after) = rest.get(length.saturating_add(12)..) else { return false };
        if kind == b"IEND" {
            return true;
        }
        rest = after;
    }
}

//! JPEG (ITU T.81, B.1): segments of `FF`, a marker, and for most of them a length and so many
//! bytes; after a scan's header (`DA`) come its data, in which `FF` stands before 0 or a restart
//! marker (`D0…D7`) only. It ends with `FF D9`: thumbnails inside a segment have an end of their
//! own, which does not count.
//!
//! The decoder paints what a file lacks and says nothing; a download that broke off is no image to
//! train on. A file without an end is told by its segments. Where a scan breaks off before an end
//! marker, the decoder would go on with zeros: so zeros are put there, and it is watched. It reads
//! four bytes at a time and less than four ahead of what it needs, so in a whole scan no such read
//! begins more than four bytes behind the data. (A progressive file without its last scans is
//! whole, and coarse.)

use std::cell::Cell;

use zune_core::{
    bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom},
    colorspace::ColorSpace,
    options::DecoderOptions,
};
use zune_jpeg::JpegDecoder;

use super::{Picture, Samples, cut_off, size, unreadable};

/// What is put between the data and their end: with a restart marker, at which the decoder goes on
/// where it expects one.
const ZEROS: [u8; 130] = {
    let mut zeros = [0; 130];
    (zeros[64], zeros[65]) = (0xff, 0xd0);
    zeros
};
/// From which of them on a read of four is one too many.
const AHEAD: u64 = 8;

/// Whether a file begins as one.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8])
}

/// Reads a file that begins as one: grey as it is, all other colours as RGB.
pub(super) fn read(bytes: &[u8]) -> Result<Picture, String> {
    let Some(end) = end(bytes) else { return Err(cut_off(bytes)) };
    let (data, rest) = bytes.split_at(end);
    let (watched, beyond) = ([data, &ZEROS, rest].concat(), Cell::new(false));
    let from =
        || Watched { inner: ZCursor::new(&watched[..]), last: end as u64 + AHEAD, beyond: &beyond };
    let picture = decode(from);
    if beyond.get() {
        return Err(format!(
            "is cut off within its data, which end after {end} bytes: an image that ends early"
        ));
    }
    // What does not like zeros there is read as it stands.
    picture.or_else(|_| decode(|| ZCursor::new(bytes)))
}

fn decode<R: ZByteReaderTrait>(from: impl Fn() -> R) -> Result<Picture, String> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut heading = JpegDecoder::new_with_options(from(), options);
    heading.decode_headers().map_err(unreadable)?;
    let found = heading.dimensions().zip(heading.input_colorspace());
    let Some(((width, height), colours)) = found else {
        return Err(unreadable("it has no size"));
    };
    // The format has 16 bits for each of them.
    let (width, height) = (width as u32, height as u32);
    let (colours, stride) = match colours {
        ColorSpace::Luma => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    let mut bytes = vec![0; size(width, height, stride)?];
    let options = options.jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(from(), options);
    decoder.decode_into(&mut bytes).map_err(unreadable)?;
    Ok(Picture { width, height, stride, samples: Samples::Bytes(bytes) })
}

/// Where the marker of the end stands.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut from = 2;
    loop {
        // What stands before a marker and is none is passed over, as decoders do, and so are bytes
        // that fill.
        let rest = bytes.get(from..)?;
        let marker = |w: &[u8]| w[0] == 0xff && !matches!(w[1], 0 | 0xff);
        let at = from + rest.windows(2).position(marker)?;
        from = at + 2;
        match bytes[at + 1] {
            0xd9 => return Some(at),
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = bytes[from..].first_chunk()?;
                from += usize::from(u16::from_be_bytes(*length));
            }
        }
    }
}

/// A file that tells whether bits were taken from beyond its data.
struct Watched<'a> {
    inner: ZCursor<&'a [u8]>,
    /// Where a read of four may begin at most.
    last: u64,
    beyond: &'a Cell<bool>,
}

impl ZByteReaderTrait for Watched<'_> {
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        if buffer.len() == 4 && self.inner.z_position()? >= self.last {
            self.beyond.set(true);
        }
        self.inner.read_exact_bytes(buffer)
    }
    fn read_byte_no_error(&mut self) -> u8 {
        self.inner.read_byte_no_error()
    }
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.inner.read_bytes(buffer)
    }
    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.inner.peek_bytes(buffer)
    }
    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.inner.peek_exact_bytes(buffer)
    }
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        self.inner.z_seek(from)
    }
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        self.inner.is_eof()
    }
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        self.inner.z_position()
    }
    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        self.inner.read_remaining(sink)
    }
}

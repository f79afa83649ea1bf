//! Pictures: PNG and JPEG files, and a part of one in another size. The numbers are those of the
//! file: no colour profile is applied and no picture turned by what a camera noted, as
//! torchvision's loaders have it.

mod jpeg;
mod png;
mod resize;

pub(super) use resize::resize;

/// Bytes of a decoded picture at most.
const ROOM: usize = 512 << 20;

/// The samples of a picture, row by row.
#[derive(Debug, PartialEq)]
enum Samples {
    /// Of 8 bits, or fewer spread over them.
    Bytes(Vec<u8>),
    /// Of 16 bits.
    Words(Vec<u16>),
}

/// width×height pixels of `stride` samples: grey, grey and alpha, RGB, or RGB and alpha. Alpha is
/// passed over.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    stride: usize,
    samples: Samples,
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Area {
    /// The rectangle of this size in the middle of width×height pixels.
    pub(super) fn middle(width: u32, height: u32, [w, h]: [u32; 2]) -> Self {
        let (x, y) = (width.saturating_sub(w) / 2, height.saturating_sub(h) / 2);
        Self { x, y, width: w, height: h }
    }
}

/// Reads the bytes of a file.
///
/// # Errors
/// When they are no whole PNG or JPEG file, damaged, or too large a picture: what is wrong with the
/// file.
pub(super) fn read(bytes: &[u8]) -> Result<Picture, String> {
    if png::is_one(bytes) {
        png::read(bytes)
    } else if jpeg::is_one(bytes) {
        jpeg::read(bytes)
    } else {
        Err(unreadable("it begins as neither"))
    }
}

fn unreadable(why: impl std::fmt::Display) -> String {
    format!("not a readable JPEG or PNG image: {why}")
}

fn cut_off(bytes: &[u8]) -> String {
    format!("is cut off after {} bytes: an image that ends early", bytes.len())
}

/// Bytes of a picture of so many samples, where there is room for them.
fn size(width: u32, height: u32, bytes_of_pixel: usize) -> Result<usize, String> {
    let all = (width as usize).saturating_mul(height as usize).saturating_mul(bytes_of_pixel);
    if all > ROOM {
        let most = ROOM >> 20;
        return Err(unreadable(format!("{width}×{height} pixels take more than {most} MiB")));
    }
    Ok(all)
}

#[cfg(test)]
mod tests;

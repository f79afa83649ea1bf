//! Whether an image file is whole. A decoder paints what a cut JPEG lacks in grey and says nothing; a download that broke off is
//! no image to train on.
//!
//! A JPEG (ITU T.81, B.1) is segments: `FF`, a marker, and for most of them a length and so many bytes; after a scan's header (`DA`)
//! come its data, in which `FF` stands before 0 or a restart marker (`D0…D7`) only. It ends with `FF D9`: thumbnails inside a
//! segment have an end of their own, which does not count. A PNG (W3C, 5) is chunks: a length, a type, so many bytes and a
//! checksum, which its decoder holds against them; it ends with an empty `IEND`.

/// Whether the bytes are a JPEG or a PNG that ends before its end; what is neither is left to the decoder.
pub(super) fn is_cut(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xd8]) {
        return !jpeg_ends(&bytes[2..]);
    }
    let png = b"\x89PNG\r\n\x1a\n";
    bytes.starts_with(png) && !png_ends(&bytes[png.len()..])
}

fn jpeg_ends(mut rest: &[u8]) -> bool {
    loop {
        // What stands before a marker and is none is passed over, as decoders do, and so are bytes that fill.
        let Some(at) = rest.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xff))
        else {
            return false;
        };
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            0xd9 => return true,
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some(length) = rest.first_chunk().map(|l| usize::from(u16::from_be_bytes(*l)))
                else {
                    return false;
                };
                let Some(after) = rest.get(length..) else { return false };
                rest = after;
            }
        }
    }
}

fn png_ends(mut rest: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};
    use proptest::prelude::*;

    use super::is_cut;

    fn file(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let colour = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 31) as u8, (x * y) as u8]);
        let image = RgbImage::from_fn(width, height, colour);
        image.write_to(&mut bytes, format).unwrap_or_else(|e| panic!("{e}"));
        bytes.into_inner()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whole ones are whole, with whatever after their end; cut anywhere they are cut.
        #[test]
        fn a_cut_file_is_told_from_a_whole_one(
            png in any::<bool>(), width in 1..40_u32, height in 1..40_u32, part in 0.0..1.0_f64,
            after in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let format = if png { ImageFormat::Png } else { ImageFormat::Jpeg };
            let bytes = file(format, width, height);
            prop_assert!(!is_cut(&[&bytes[..], &after].concat()));
            // Before its signature is there it is nothing at all.
            let length = 8 + ((bytes.len() - 9) as f64 * part) as usize;
            prop_assert!(is_cut(&bytes[..length]), "{} of {}", length, bytes.len());
        }
    }

    /// A camera's thumbnail has an end of its own, and a restart marker ends nothing.
    #[test]
    fn the_end_of_a_thumbnail_is_not_that_of_its_image() {
        let thumbnail = [0xff, 0xe1, 0, 8, 0xff, 0xd8, 1, 2, 0xff, 0xd9];
        let scan = [0xff, 0xda, 0, 3, 0, 17, 0xff, 0, 0xff, 0xd0, 23];
        let cut = [&[0xff, 0xd8][..], &thumbnail, &scan].concat();
        assert!(is_cut(&cut));
        assert!(!is_cut(&[&cut[..], &[0xff, 0xff, 0xd9]].concat()));
        assert!(!is_cut(b"neither"));
    }
}

//! Held against `golden.txt`, which the crate `image` (0.25.10, `FilterType::Triangle`) computed of
//! the same files.

use std::path::Path;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::read;
use crate::data::folder::decode;

/// `tests/data/pictures`: all kinds of JPEG.
const JPEGS: [(&str, &[u8]); 9] = [
    ("colour", include_bytes!("../../../tests/data/pictures/colour.jpg")),
    ("halved", include_bytes!("../../../tests/data/pictures/halved.jpg")),
    ("wide", include_bytes!("../../../tests/data/pictures/wide.jpg")),
    ("grey", include_bytes!("../../../tests/data/pictures/grey.jpg")),
    ("cmyk", include_bytes!("../../../tests/data/pictures/cmyk.jpg")),
    ("ycck", include_bytes!("../../../tests/data/pictures/ycck.jpg")),
    ("progressive", include_bytes!("../../../tests/data/pictures/progressive.jpg")),
    ("restarts", include_bytes!("../../../tests/data/pictures/restarts.jpg")),
    ("dot", include_bytes!("../../../tests/data/pictures/dot.jpg")),
];

/// A PNG of so many bits a sample, with noise that depends on its size alone.
fn png(size: [u32; 2], colour: png::ColorType, bits: u8, transparent: bool) -> Vec<u8> {
    let depth = match bits {
        1 => png::BitDepth::One,
        2 => png::BitDepth::Two,
        4 => png::BitDepth::Four,
        8 => png::BitDepth::Eight,
        _ => png::BitDepth::Sixteen,
    };
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size[0], size[1]);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette((0..3 << bits).map(|i| (i * 89 % 256) as u8).collect::<Vec<_>>());
    }
    if transparent {
        let words = [0, 1, 0, 2, 0, 3];
        let length = if colour == png::ColorType::Rgb { 6 } else { 2 };
        encoder.set_trns(words[..length].to_vec());
    }
    let row = (size[0] as usize * colour.samples() * usize::from(bits)).div_ceil(8);
    let noise = |i: usize| ((i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53) as u8;
    let samples: Vec<u8> = (0..row * size[1] as usize).map(noise).collect();
    encoder.write_header().and_then(|mut w| w.write_image_data(&samples)).unwrap();
    file
}

/// Every kind of PNG, and many sizes of one.
fn pngs() -> Vec<(String, Vec<u8>)> {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let kinds = [
        ("rgb", Rgb, 8, false),
        ("rgb-key", Rgb, 8, true),
        ("rgba", Rgba, 8, false),
        ("rgb16", Rgb, 16, false),
        ("rgba16", Rgba, 16, false),
        ("grey", Grayscale, 8, false),
        ("grey-key", Grayscale, 8, true),
        ("grey1", Grayscale, 1, false),
        ("grey2", Grayscale, 2, false),
        ("grey4", Grayscale, 4, true),
        ("grey16", Grayscale, 16, false),
        ("grey-alpha", GrayscaleAlpha, 8, false),
        ("grey-alpha16", GrayscaleAlpha, 16, false),
        ("palette", Indexed, 8, false),
        ("palette-key", Indexed, 8, true),
        ("palette1", Indexed, 1, false),
        ("palette2", Indexed, 2, true),
        ("palette4", Indexed, 4, false),
    ];
    let all = kinds.map(|(name, colour, bits, transparent)| {
        (name.to_owned(), png([37, 23], colour, bits, transparent))
    });
    let sizes = [
        [1, 1],
        [2, 1],
        [1, 9],
        [3, 2],
        [5, 91],
        [64, 7],
        [16, 16],
        [19, 33],
        [120, 97],
        [300, 260],
    ];
    let sized = sizes.map(|size| (format!("{}x{}", size[0], size[1]), png(size, Rgb, 8, false)));
    all.into_iter().chain(sized).collect()
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    let step = |h: u64, b: &u8| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The middle and three random windows of every picture in four sizes: a hash and the first pixel
/// of each.
fn lines(folder: &Path) -> String {
    let jpegs = JPEGS.iter().map(|(name, bytes)| (format!("{name}.jpg"), bytes.to_vec()));
    let pngs = pngs().into_iter().map(|(name, bytes)| (format!("{name}.png"), bytes));
    let mut text = String::new();
    for (name, bytes) in jpegs.chain(pngs) {
        let path = folder.join(&name);
        std::fs::write(&path, bytes).unwrap();
        for size in [1, 8, 33, 64] {
            for seed in 0..4 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let window = (seed > 0).then_some(&mut rng);
                let pixels = decode(&path, size, window).unwrap();
                assert_eq!(pixels.len(), 3 * size * size);
                let first = &pixels[..3];
                text += &format!("{name} {size} {seed} {:016x} {first:?}\n", hash(&pixels));
            }
        }
    }
    text
}

#[test]
fn pictures_are_what_the_crate_image_made_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let found = lines(folder.path());
    let golden = include_str!("golden.txt");
    assert_eq!(found.lines().count(), golden.lines().count());
    for (found, golden) in found.lines().zip(golden.lines()) {
        assert_eq!(found, golden);
    }
}

/// The bytes of a scan of a whole file, from behind its header to its end marker.
fn scan(file: &[u8]) -> std::ops::Range<usize> {
    let heading = file.windows(2).rposition(|w| w == [0xff, 0xda]).unwrap() + 2;
    let length = usize::from(u16::from_be_bytes([file[heading], file[heading + 1]]));
    heading + length..file.len() - 2
}

/// A camera's thumbnail has an end of its own, and a restart marker ends nothing.
#[test]
fn the_end_of_a_thumbnail_is_not_that_of_its_image() {
    let (_, file) = JPEGS[0];
    let thumbnail = [0xff, 0xe1, 0, 8, 0xff, 0xd8, 1, 2, 0xff, 0xd9];
    let whole = [&file[..2], &thumbnail, &file[2..]].concat();
    assert_eq!(read(&whole), read(file));
    assert!(read(file).is_ok());
    let cut = read(&whole[..whole.len() - 2]);
    assert!(cut.is_err_and(|why| why.contains("cut off after")));
    let (_, restarts) = JPEGS[7];
    assert!(restarts[scan(restarts)].windows(2).any(|w| w == [0xff, 0xd0]));
    assert!(read(restarts).is_ok());
    assert!(read(&restarts[..restarts.len() - 2]).is_err());
    assert!(read(b"neither").is_err_and(|why| why.contains("neither")));
}

/// Data that end before their image does, with an end marker behind them: wherever more than a few
/// bytes are missing (in place of the last ones an image may need as few zeros as the decoder reads
/// ahead).
#[test]
fn an_end_behind_half_of_an_image_does_not_make_it_whole() {
    for (name, file) in &JPEGS[..8] {
        let scan = scan(file);
        for at in scan.start..scan.end - 24 {
            // Between the two bytes of a marker or of a stuffed FF it is another file.
            if file[at - 1] == 0xff {
                continue;
            }
            let cut = [&file[..at], &[0xff, 0xd9]].concat();
            let refused = read(&cut).is_err_and(|why| why.contains("within its data"));
            assert!(refused, "{name} cut at {at} of {scan:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whole ones are whole, with whatever after their end; cut anywhere they are cut.
    #[test]
    fn a_cut_file_is_told_from_a_whole_one(
        width in 1..40_u32, height in 1..40_u32, kind in 0..10_usize, part in 0.0..1.0_f64,
        after in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let file = match JPEGS.get(kind) {
            Some((_, file)) => file.to_vec(),
            None => png([width, height], png::ColorType::Rgb, 8, false),
        };
        prop_assert_eq!(read(&[&file[..], &after].concat()), read(&file));
        prop_assert!(read(&file).is_ok());
        // Before its signature is there it is nothing at all.
        let length = 8 + ((file.len() - 9) as f64 * part) as usize;
        let cut = read(&file[..length]);
        prop_assert!(cut.is_err_and(|why| why.contains("cut off after")), "{} of {}", length, file.len());
    }

    /// Damage is refused or read, and never more than that.
    #[test]
    fn damage_does_no_harm(
        kind in 0..10_usize, at in any::<prop::sample::Index>(), with in any::<u8>(),
    ) {
        let mut file = match JPEGS.get(kind) {
            Some((_, file)) => file.to_vec(),
            None => png([9, 7], png::ColorType::Rgba, 16, false),
        };
        let at = at.index(file.len());
        file[at] = with;
        if let Ok(picture) = read(&file) {
            prop_assert!(picture.width > 0 && picture.height > 0);
        }
    }
}

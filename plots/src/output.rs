//! The files of a figure: SVG (its font inside), PDF (vector, font embedded), PNG at 300 dpi.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use mirrorflow::{Error, Result};
use resvg::{tiny_skia, usvg};

use crate::style::font::{FAMILY, FONT};

/// SVG lengths are at 96 to the inch.
const SVG_DPI: f32 = 96.0;
const PNG_DPI: f32 = 300.0;

fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_serif_family(FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

fn tree(svg: &str) -> Result<usvg::Tree> {
    let options =
        usvg::Options { fontdb: fonts(), font_family: FAMILY.into(), ..usvg::Options::default() };
    usvg::Tree::from_str(svg, &options).map_err(|e| wrong("the figure as SVG", &e))
}

fn wrong(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::Domain {
        what: what.into(),
        expected: "to be convertible".into(),
        found: why.to_string(),
    }
}

/// The SVG with its font inside, for a file of its own.
pub(crate) fn standalone(svg: &str) -> String {
    let font = base64::engine::general_purpose::STANDARD.encode(FONT);
    let style = format!(
        "<style>@font-face{{font-family:\"{FAMILY}\";src:url(data:font/otf;base64,{font}) \
         format(\"opentype\")}}</style>\n<title>"
    );
    svg.replacen("<title>", &style, 1)
}

/// The SVG as PDF of the same size.
pub(crate) fn pdf(svg: &str) -> Result<Vec<u8>> {
    let page = svg2pdf::PageOptions { dpi: SVG_DPI };
    svg2pdf::to_pdf(&tree(svg)?, svg2pdf::ConversionOptions::default(), page)
        .map(ordered)
        .map_err(|e| wrong("the figure as PDF", &e))
}

/// The PDF with the entries of its resource dictionaries in the order of their names: svg2pdf writes them in the order of
/// a hash map, another one each time. Lines change places, so that the offsets of the objects stay as they are.
fn ordered(pdf: Vec<u8>) -> Vec<u8> {
    // `/gs0 7 0 R`: letters, a number, and a reference.
    let name = |line: &[u8]| -> Option<(Vec<u8>, u32)> {
        let text = std::str::from_utf8(line.trim_ascii()).ok()?.strip_prefix('/')?;
        let (name, value) = text.split_once(' ')?;
        let digits = name.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let reference = value.ends_with(" R") || value.ends_with(" R]");
        reference.then_some(())?;
        Some((name[..name.len() - digits.len()].into(), digits.parse().ok()?))
    };
    let mut lines: Vec<&[u8]> = pdf.split(|b| *b == b'\n').collect();
    for entries in lines.chunk_by_mut(|p, q| name(p).is_some() && name(q).is_some()) {
        entries.sort_by_cached_key(|line| name(line));
    }
    lines.join(&b'\n')
}

/// The SVG as PNG on white at 300 dpi, which the file says (`pHYs`).
pub(crate) fn png(svg: &str) -> Result<Vec<u8>> {
    let tree = tree(svg)?;
    let scale = PNG_DPI / SVG_DPI;
    let size = tree.size().to_int_size().scale_by(scale);
    let size = size.ok_or_else(|| wrong("the figure as PNG", &"it has no size"))?;
    let mut picture = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| wrong("the figure as PNG", &"it is too large"))?;
    picture.fill(tiny_skia::Color::WHITE);
    let transform = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut picture.as_mut());
    let bytes = picture.encode_png().map_err(|e| wrong("the figure as PNG", &e))?;
    Ok(with_resolution(&bytes))
}

/// Adds the chunk `pHYs` after the header, which is 8 + 25 bytes long.
fn with_resolution(png: &[u8]) -> Vec<u8> {
    let per_metre = (PNG_DPI / 0.0254).round() as u32;
    let mut chunk = b"pHYs".to_vec();
    chunk.extend(per_metre.to_be_bytes());
    chunk.extend(per_metre.to_be_bytes());
    chunk.push(1);
    let (head, rest) = png.split_at(33);
    let mut out = head.to_vec();
    out.extend(9u32.to_be_bytes());
    out.extend(&chunk);
    out.extend(crc(&chunk).to_be_bytes());
    out.extend(rest);
    out
}

/// CRC-32 of PNG.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{crc, ordered, pdf, png, standalone};
    use crate::style::{
        Column,
        panel::{Line, Panel},
        sheet::Sheet,
    };

    fn svg() -> String {
        let curve = mirrorflow::experiment::Curve::new("", vec![0.0, 1.0], vec![0.0, 1.0]);
        let line = Line::of(&curve, crate::style::Stroke::nth(0)).labelled("$x_i^{*}$");
        let panel = Panel { lines: vec![line], title: "Größe".into(), ..Panel::default() };
        Sheet::single(panel).draw("test", "$x$", Column::One)
    }

    #[test]
    fn every_format_comes_out_and_is_the_same_twice() {
        let svg = svg();
        let (first, second) = (pdf(&svg).expect("a PDF"), pdf(&svg).expect("a PDF"));
        assert!(first.starts_with(b"%PDF") && first == second);
        let text = String::from_utf8_lossy(&first);
        assert!(text.contains("/FontFile3"), "the font is embedded");
        let picture = png(&svg).expect("a PNG");
        assert_eq!(picture, png(&svg).expect("a PNG"));
        // 3.25 in at 300 dpi; the resolution stands in the file.
        assert_eq!(u32::from_be_bytes(picture[16..20].try_into().expect("four")), 975);
        assert_eq!(&picture[37..41], b"pHYs");
        assert!(standalone(&svg).contains("@font-face"));
    }

    #[test]
    fn entries_of_resources_are_in_order() {
        let pdf = b"<<\n  /gs10 7 0 R\n  /gs2 8 0 R\n>>\n/b\n/a\n".to_vec();
        assert_eq!(ordered(pdf), b"<<\n  /gs2 8 0 R\n  /gs10 7 0 R\n>>\n/b\n/a\n");
    }

    #[test]
    fn crc_is_that_of_png() {
        assert_eq!(crc(b"IEND"), 0xAE42_6082);
    }
}

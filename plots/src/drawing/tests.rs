//! What each writer wrote, read back.

use std::io::Read as _;

use super::{Anchor, Canvas, Drawing, Mark, Rect, Tone, font::Font, subset::subset};
use crate::style::{LineStyle, Stroke};

/// One of everything, at known places; 144 pt by 72 pt, so 600 by 300 pixels.
fn drawing() -> Drawing {
    let mut canvas = Canvas::new();
    canvas.clip(Rect { x: 12.0, y: 12.0, width: 24.0, height: 24.0 });
    canvas.area(vec![(0.0, 0.0), (48.0, 0.0), (48.0, 24.0), (0.0, 24.0)], Tone::Hue(1), 0.16);
    let stroke = Stroke { tone: Tone::Hue(0), dash: LineStyle::Dashed, width: 4.8 };
    canvas.line((12.0, 30.0), (48.0, 30.0), stroke);
    canvas.close();
    canvas.mark((60.0, 24.0), Mark::Square, 6.0, Tone::Hue(2));
    canvas.mark((84.0, 24.0), Mark::Disc, 6.0, Tone::Hue(3));
    canvas.mark((108.0, 24.0), Mark::Triangle, 6.0, Tone::Ink);
    canvas.mark((108.0, 24.0), Mark::Diamond, 2.0, Tone::Soft);
    canvas.paper(Rect { x: 78.0, y: 24.0, width: 6.0, height: 6.0 });
    canvas.text((72.0, 60.0), Anchor::Middle, 10.0, Tone::Ink, "Größe $x_i^{*} \\le 1$", false);
    canvas.text((10.0, 66.0), Anchor::Start, 10.0, Tone::Hue(0), "HHH", true);
    canvas.finish("id", "a < $b$", 144.0, 72.0)
}

#[test]
fn every_writer_writes_the_same_twice() {
    let (first, again) = (drawing(), drawing());
    assert_eq!(first.standalone(), again.standalone());
    assert_eq!(first.pdf().expect("a PDF"), again.pdf().expect("a PDF"));
    assert_eq!(first.png().expect("a PNG"), again.png().expect("a PNG"));
}

#[test]
fn svg_is_text_with_classes_and_ids_of_its_own() {
    let svg = drawing().svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for part in [
        "width=\"144pt\" height=\"72pt\" viewBox=\"0 0 144 72\"",
        "<title>a &lt; b</title>",
        "<clipPath id=\"id-1\"><rect x=\"12\" y=\"12\" width=\"24\" height=\"24\"/></clipPath>",
        "<g clip-path=\"url(#id-1)\">",
        "<path class=\"b1\" d=\"M0 0L48 0L48 24L0 24Z\" fill=\"#d55e00\" fill-opacity=\"0.16\"/>",
        "<path class=\"s0\" d=\"M12 30L48 30\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"4.8\" \
         stroke-linejoin=\"round\" stroke-dasharray=\"4 1.8\"/>",
        "<circle class=\"f3\" fill=\"#b8598f\" cx=\"84\" cy=\"24\" r=\"6\"/>",
        ">Größe 𝑥</tspan>",
        "<text class=\"t0\" fill=\"#00598c\" transform=\"rotate(-90 10 66)\">",
    ] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
    let own = drawing().standalone();
    assert!(own.contains("@font-face") && own.len() > svg.len() + super::font::FONT.len());
}

/// A number after a key of a PDF.
fn after(text: &str, key: &str) -> usize {
    let rest = text.split(key).nth(1).unwrap_or_else(|| panic!("{key} in {text}"));
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// The object of this number: its dictionary, and its stream unpacked, if it has one.
fn object(pdf: &[u8], number: usize) -> (String, Vec<u8>) {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    let head = format!("\n{number} 0 obj");
    let body = &pdf[find(pdf, head.as_bytes()).expect("an object") + head.len()..];
    let end = find(body, b"endobj").expect("its end");
    let Some(at) = find(&body[..end.min(2000)], b"stream\n") else {
        return (String::from_utf8_lossy(&body[..end]).into_owned(), Vec::new());
    };
    let dictionary = String::from_utf8_lossy(&body[..at]).into_owned();
    let packed = &body[at + 7..at + 7 + after(&dictionary, "/Length")];
    let mut unpacked = Vec::new();
    flate2::read::ZlibDecoder::new(packed).read_to_end(&mut unpacked).expect("deflated");
    (dictionary, unpacked)
}

/// The strings that a page shows, by the map of its font to Unicode.
fn shown(pdf: &[u8]) -> Vec<String> {
    let (_, content) = object(pdf, 4);
    let (_, map) = object(pdf, 10);
    let map = String::from_utf8(map).expect("text");
    let hex = |text: &str| u16::from_str_radix(text, 16).expect("a hexadecimal number");
    let character = |glyph: u16| -> String {
        let line = map.lines().find(|l| l.starts_with(&format!("<{glyph:04X}> "))).expect("mapped");
        let code = &line[8..line.len() - 1];
        let parts: Vec<u16> = (0..code.len()).step_by(4).map(|k| hex(&code[k..k + 4])).collect();
        String::from_utf16(&parts).expect("UTF-16")
    };
    // Strings are hexadecimal or between parentheses, where `\` escapes; a glyph is two bytes.
    let mut all = Vec::new();
    let (mut at, mut bytes) = (0, None::<Vec<u8>>);
    while at < content.len() {
        match (&mut bytes, content[at]) {
            (None, b'(') => bytes = Some(Vec::new()),
            (None, b'<') => {
                let end = at + content[at..].iter().position(|b| *b == b'>').expect("closed");
                let text = std::str::from_utf8(&content[at + 1..end]).expect("text");
                let glyphs = (0..text.len()).step_by(4).map(|k| hex(&text[k..k + 4]));
                all.push(glyphs.map(character).collect());
                at = end;
            }
            (Some(inside), b')') => {
                let glyphs = inside.chunks(2).map(|g| u16::from_be_bytes([g[0], g[1]]));
                all.push(glyphs.map(character).collect());
                bytes = None;
            }
            (Some(inside), b'\\') => {
                let octal = content[at + 1..].iter().take(3).take_while(|c| c.is_ascii_digit());
                let digits = std::str::from_utf8(&content[at + 1..at + 1 + octal.count()]);
                let digits = digits.expect("text");
                at += digits.len().max(1);
                inside.push(match content[at] {
                    _ if !digits.is_empty() => u8::from_str_radix(digits, 8).expect("octal"),
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    c => c,
                });
            }
            (Some(inside), c) => inside.push(c),
            (None, _) => {}
        }
        at += 1;
    }
    all
}

#[test]
fn pdf_has_paths_and_its_texts_can_be_read() {
    let pdf = drawing().pdf().expect("a PDF");
    assert!(pdf.starts_with(b"%PDF-"));
    let texts = shown(&pdf);
    assert_eq!(texts, ["Größe 𝑥", "𝑖", "∗", "≤", "1", "HHH"]);
    let (page, _) = object(&pdf, 3);
    assert!(page.contains("/MediaBox [0 0 144 72]"), "{page}");
    // Two opacities, the band's and the paper's.
    assert!(page.contains("/G0 11 0 R") && page.contains("/G1 12 0 R"), "{page}");
    assert!(object(&pdf, 11).0.contains("/ca 0.16") && object(&pdf, 12).0.contains("/ca 0.82"));
    let content = String::from_utf8_lossy(&object(&pdf, 4).1).into_owned();
    for operators in [
        "12 12 24 24 re\nW\nn\n",
        "[4 1.8] 0 d\n12 30 m\n48 30 l\nS\nQ\n",
        "/G0 gs\n0.835 0.369 0 rg\n0 0 m\n48 0 l\n48 24 l\n0 24 l\nh\nf\nQ\n",
        "0 -1 -1 0 10 66 Tm\n",
    ] {
        assert!(content.contains(operators), "{operators} in {content}");
    }
    // Widths in thousandths of an em, as the letters are set.
    let glyph = Font::read().expect("a font").glyph('H').expect("a glyph").0;
    let width = 1000.0 * super::font::advance('H').expect("a width");
    let widths = object(&pdf, 7).0;
    assert!(widths.contains(&format!("{glyph} [{width}]")), "{widths}");
}

#[test]
fn the_offsets_of_the_pdf_point_at_its_objects() {
    let pdf = drawing().pdf().expect("a PDF");
    let text = String::from_utf8_lossy(&pdf);
    let from = after(&text[text.rfind("startxref").expect("a start")..], "startxref");
    let table = String::from_utf8_lossy(&pdf[from..]).into_owned();
    assert!(table.starts_with("xref\n0 13\n"), "{table}");
    for (k, line) in table.lines().skip(3).take(12).enumerate() {
        let at: usize = line[..10].parse().expect("an offset");
        assert!(pdf[at..].starts_with(format!("{} 0 obj", k + 1).as_bytes()), "{line}");
    }
}

/// The outlines that are used are those of the whole font, also as another reader takes them; the others are empty.
#[test]
fn a_subset_keeps_what_is_used() {
    struct Points(Vec<[f32; 2]>);
    impl ttf_parser::OutlineBuilder for Points {
        fn move_to(&mut self, x: f32, y: f32) {
            self.0.push([x, y]);
        }
        fn line_to(&mut self, x: f32, y: f32) {
            self.0.push([x, y]);
        }
        fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
            self.0.extend([[a, b], [x, y]]);
        }
        fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
            self.0.extend([[a, b], [c, d], [x, y]]);
        }
        fn close(&mut self) {}
    }
    let whole = Font::read().expect("a font").outlines().expect("a table");
    let kept = subset(whole, |k| k % 3 == 1).expect("a subset");
    assert_eq!(kept.len(), whole.len());
    let points = |table: &[u8], glyph: u16| {
        let table = ttf_parser::cff::Table::parse(table).expect("a CFF table");
        let mut points = Points(Vec::new());
        let _ = table.outline(ttf_parser::GlyphId(glyph), &mut points);
        points.0
    };
    let count = ttf_parser::cff::Table::parse(whole).expect("a CFF table").number_of_glyphs();
    assert!(count > 200);
    for glyph in 0..count {
        let there = points(&kept, glyph);
        if glyph == 0 || glyph % 3 == 1 {
            assert_eq!(there, points(whole, glyph), "{glyph}");
        } else {
            assert!(there.is_empty(), "{glyph}");
        }
    }
    for cut in [0, 3, 10, 60] {
        assert!(subset(&whole[..cut], |_| true).is_err(), "{cut} bytes are no font");
    }
}

struct Decoded {
    width: usize,
    pixels: Vec<u8>,
}

impl Decoded {
    fn of(drawing: &Drawing) -> Self {
        let bytes = drawing.png().expect("a PNG");
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().expect("a header");
        let info = reader.info();
        // 300 dpi.
        let dims = info.pixel_dims.expect("a resolution");
        assert_eq!((dims.xppu, dims.yppu), (11811, 11811));
        assert_eq!((info.width, info.height, info.color_type), (600, 300, png::ColorType::Rgb));
        let mut pixels = vec![0; 3 * 600 * 300];
        reader.next_frame(&mut pixels).expect("pixels");
        Self { width: 600, pixels }
    }

    /// The pixel at a place in points.
    fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let (column, row) = ((x * 300.0 / 72.0) as usize, (y * 300.0 / 72.0) as usize);
        let k = 3 * (row * self.width + column);
        self.pixels[k..k + 3].try_into().expect("three")
    }
}

#[test]
fn png_has_its_colours_where_they_belong() {
    let picture = Decoded::of(&drawing());
    let white = [255, 255, 255];
    let over = |below: [u8; 3], above: [u8; 3], opacity: f64| {
        std::array::from_fn::<u8, 3, _>(|k| {
            (f64::from(below[k]) * (1.0 - opacity) + f64::from(above[k]) * opacity).round() as u8
        })
    };
    let near = |found: [u8; 3], expected: [u8; 3], what: &str| {
        let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off <= Some(2), "{what}: {found:?}, not {expected:?}");
    };
    near(picture.at(1.0, 1.0), white, "paper");
    near(picture.at(24.0, 18.0), over(white, [0xd5, 0x5e, 0], 0.16), "a band");
    near(picture.at(6.0, 6.0), white, "the band outside of the clip");
    near(picture.at(13.0, 30.0), [0, 0x72, 0xb2], "a dash");
    near(picture.at(12.0 + 4.9, 30.0), white, "a gap");
    near(picture.at(47.0, 30.0), white, "the line outside of the clip");
    near(picture.at(60.0, 24.0), [0, 0x9e, 0x73], "a square");
    near(picture.at(86.0, 22.0), [0xb8, 0x59, 0x8f], "a disc");
    near(picture.at(82.0, 26.0), over([0xb8, 0x59, 0x8f], white, 0.82), "paper over the disc");
    near(picture.at(89.5, 29.5), white, "outside of the disc");
    near(picture.at(108.0, 24.0), [0x6f, 0x72, 0x78], "a diamond over a triangle");
    near(picture.at(108.0, 20.0), [0x1a, 0x1a, 0x1a], "a triangle");
    // The left stem of an H that lies on its back: its foot is at (10, 66), its stem goes to the left.
    let stem =
        (0..60).map(|k| picture.at(3.2 + 0.1 * f64::from(k), 66.0 - 1.5)).filter(|p| *p != white);
    assert!(stem.count() > 40, "a turned letter");
    let dark = |x: std::ops::Range<i32>, y: std::ops::Range<i32>| {
        let points = x.flat_map(|x| y.clone().map(move |y| (f64::from(x), f64::from(y))));
        points.filter(|(x, y)| picture.at(x / 4.0, y / 4.0)[0] < 128).count()
    };
    // The capital of `Größe` begins at the left of its text and has no depth.
    let left = 72.0 - 0.5 * Canvas::width("Größe $x_i^{*} \\le 1$", 10.0);
    let from = (4.0 * left) as i32;
    assert!(dark(from..from + 30, 4 * 53..4 * 60) > 60, "letters");
    assert_eq!(dark(from..from + 24, 4 * 61..4 * 64), 0, "nothing below the baseline");
    assert_eq!(dark(from - 40..from - 4, 4 * 53..4 * 64), 0, "nothing before the text");
}

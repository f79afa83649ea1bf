//! A drawing as PDF of one page: paths as paths, text as text that can be searched and copied.
//!
//! The font is in the file, with the outlines of the glyphs that are used: a Type 0 font over the glyphs of its CFF table
//! by their numbers (`Identity-H`; a CFF font without CIDs of its own is addressed by glyph, ISO 32000-2, 9.7.4.2), with
//! their widths and the characters they stand for (`ToUnicode`). There is no date, so that the same drawing gives the
//! same bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
};

use flate2::{Compression, write::ZlibEncoder};
use mirrorflow::{Error, Result};
use pdf_writer::{
    Content, Filter, Finish as _, Name, Pdf, Rect as Box, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap},
};

use super::{Drawing, Item, PAPER, Point, Rect, Run, colour::Colour, font::Font, subset::subset};

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const FONT: Ref = Ref::new(6);
const GLYPHS: Ref = Ref::new(7);
const DESCRIPTOR: Ref = Ref::new(8);
const OUTLINES: Ref = Ref::new(9);
const CHARACTERS: Ref = Ref::new(10);
/// The first of the states of opacity.
const STATES: i32 = 11;

const FONT_NAME: Name = Name(b"MirrorflowMath");
const FONT_KEY: Name = Name(b"F0");
const IDENTITY: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The drawing as PDF.
pub(super) fn write(drawing: &Drawing) -> Result<Vec<u8>> {
    let font = Font::read()?;
    let states = States::of(drawing);
    let mut page = Page { content: Content::new(), font, states, used: BTreeMap::new() };
    // From points with y downwards to the page's, whose y goes upwards.
    page.content.transform([1.0, 0.0, 0.0, -1.0, 0.0, rounded(drawing.height)]);
    drawing.items.iter().for_each(|item| page.draw(item));
    let Page { content, states, used, .. } = page;

    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    pdf.document_info(INFO).title(TextStr(&drawing.title)).producer(TextStr("mirrorflow"));
    let mut page = pdf.page(PAGE);
    page.media_box(Box::new(0.0, 0.0, rounded(drawing.width), rounded(drawing.height)));
    page.parent(PAGES).contents(CONTENT);
    let mut resources = page.resources();
    resources.fonts().pair(FONT_KEY, FONT);
    let mut dictionary = resources.ext_g_states();
    for k in 0..states.0.len() {
        dictionary.pair(Name(&States::name(k)), States::object(k));
    }
    dictionary.finish();
    resources.finish();
    page.finish();
    pdf.stream(CONTENT, &packed(&content.finish())?).filter(Filter::FlateDecode);
    for (k, opacity) in states.0.iter().enumerate() {
        pdf.ext_graphics(States::object(k)).non_stroking_alpha(f32::from_bits(*opacity));
    }
    embed(&mut pdf, font, &used)?;
    Ok(pdf.finish())
}

/// The opacities of a drawing, as bits, so that they can be told apart; a graphics state each.
struct States(BTreeSet<u32>);

impl States {
    fn of(drawing: &Drawing) -> Self {
        let opacity = |item: &Item| match item {
            Item::Band { opacity, .. } => Some(*opacity),
            Item::Paper(_) => Some(PAPER),
            _ => None,
        };
        Self(drawing.items.iter().filter_map(opacity).map(|o| (o as f32).to_bits()).collect())
    }

    fn name(k: usize) -> Vec<u8> {
        format!("G{k}").into_bytes()
    }

    fn object(k: usize) -> Ref {
        Ref::new(STATES + k as i32)
    }

    /// The name of the state with this opacity.
    fn find(&self, opacity: f64) -> Vec<u8> {
        let bits = (opacity as f32).to_bits();
        Self::name(self.0.iter().position(|o| *o == bits).unwrap_or(0))
    }
}

/// The page as it is drawn.
struct Page {
    content: Content,
    font: Font,
    states: States,
    /// The glyphs that were used, with a character each stands for.
    used: BTreeMap<u16, char>,
}

impl Page {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Clip(rect) => {
                self.content.save_state();
                self.rectangle(rect);
                self.content.clip_nonzero().end_path();
            }
            Item::Unclip => {
                self.content.restore_state();
            }
            Item::Path { pieces, stroke } => {
                self.content.save_state();
                let [red, green, blue] = parts(stroke.tone.look().line);
                self.content.set_stroke_rgb(red, green, blue);
                self.content.set_line_width(rounded(stroke.width));
                self.content.set_line_join(LineJoinStyle::RoundJoin);
                let dash = stroke.dash.pattern();
                if !dash.is_empty() {
                    self.content.set_dash_pattern(dash.iter().map(|d| rounded(*d)), 0.0);
                }
                pieces.iter().for_each(|piece| self.outline(piece));
                self.content.stroke().restore_state();
            }
            Item::Band { points, tone, opacity } => {
                let state = self.states.find(*opacity);
                self.content.save_state().set_parameters(Name(&state));
                self.fill(points, tone.look().line);
                self.content.restore_state();
            }
            Item::Paper(rect) => {
                let state = self.states.find(PAPER);
                self.content.save_state().set_parameters(Name(&state));
                self.content.set_fill_rgb(1.0, 1.0, 1.0);
                self.rectangle(rect);
                self.content.fill_nonzero().restore_state();
            }
            Item::Shape { points, tone } => self.fill(points, tone.look().line),
            Item::Disc { at, radius, tone } => {
                self.colour(tone.look().line);
                self.disc(*at, *radius);
            }
            Item::Text { runs, tone, turned } => {
                self.colour(tone.look().text);
                self.content.begin_text();
                runs.iter().for_each(|run| self.run(run, *turned));
                self.content.end_text();
            }
        }
    }

    fn colour(&mut self, colour: Colour) {
        let [red, green, blue] = parts(colour);
        self.content.set_fill_rgb(red, green, blue);
    }

    fn fill(&mut self, points: &[Point], colour: Colour) {
        self.colour(colour);
        self.outline(points);
        self.content.close_path().fill_nonzero();
    }

    fn outline(&mut self, points: &[Point]) {
        for (k, (x, y)) in points.iter().enumerate() {
            let (x, y) = (rounded(*x), rounded(*y));
            if k == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn rectangle(&mut self, rect: &Rect) {
        let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(rounded);
        self.content.rect(x, y, width, height);
    }

    /// A circle as four cubic curves, off by less than 3/10000 of its radius.
    fn disc(&mut self, (x, y): Point, r: f64) {
        const REACH: f64 = 0.552_284_75;
        let at = |dx: f64, dy: f64| ((x + r * dx) as f32, (y + r * dy) as f32);
        let start = at(1.0, 0.0);
        self.content.move_to(start.0, start.1);
        for (c, s) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
            let (a, b, end) =
                (at(c - REACH * s, s + REACH * c), at(REACH * c - s, REACH * s + c), at(-s, c));
            self.content.cubic_to(a.0, a.1, b.0, b.1, end.0, end.1);
        }
        self.content.close_path().fill_nonzero();
    }

    fn run(&mut self, run: &Run, turned: Option<Point>) {
        let mut glyphs = Vec::new();
        for c in run.text.chars() {
            // Letters that the font lacks were replaced when the text was set.
            let Some(glyph) = self.font.glyph(c) else { continue };
            self.used.entry(glyph.0).or_insert(c);
            glyphs.extend(glyph.0.to_be_bytes());
        }
        let (x, y) = run.at;
        // Letters stand upright where y goes downwards, or on a line that goes upwards.
        let matrix = match turned {
            None => [1.0, 0.0, 0.0, -1.0, rounded(x), rounded(y)],
            Some((cx, cy)) => [0.0, -1.0, -1.0, 0.0, rounded(cx + y - cy), rounded(cy - x + cx)],
        };
        self.content.set_font(FONT_KEY, rounded(run.size)).set_text_matrix(matrix);
        self.content.show(Str(&glyphs));
    }
}

/// The font with what is known of the glyphs that were used.
fn embed(pdf: &mut Pdf, font: Font, used: &BTreeMap<u16, char>) -> Result<()> {
    // Everything about a font is in thousandths of an em.
    let scale = (1000.0 / font.units()) as f32;
    pdf.type0_font(FONT)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(GLYPHS)
        .to_unicode(CHARACTERS);
    let mut glyphs = pdf.cid_font(GLYPHS);
    glyphs.subtype(CidFontType::Type0).base_font(FONT_NAME).system_info(IDENTITY);
    glyphs.font_descriptor(DESCRIPTOR).default_width(0.0);
    let mut widths = glyphs.widths();
    for glyph in used.keys() {
        let advance = font.advance(ttf_parser::GlyphId(*glyph)).unwrap_or(0.0);
        widths.consecutive(*glyph, [(1000.0 * advance) as f32]);
    }
    widths.finish();
    glyphs.finish();
    let (bounds, ascent, descent) = font.extent();
    let em = |v: i16| scale * f32::from(v);
    pdf.font_descriptor(DESCRIPTOR)
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Box::new(em(bounds.x_min), em(bounds.y_min), em(bounds.x_max), em(bounds.y_max)))
        .italic_angle(0.0)
        .ascent(em(ascent))
        .descent(em(descent))
        .cap_height((1000.0 * super::font::CAPITAL) as f32)
        // The stem of Latin Modern's roman.
        .stem_v(69.0)
        .font_file3(OUTLINES);
    let outlines =
        packed(&subset(font.outlines()?, |k| used.keys().any(|g| usize::from(*g) == k))?)?;
    let mut stream = pdf.stream(OUTLINES, &outlines);
    stream.filter(Filter::FlateDecode).pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    stream.finish();
    let mut characters = UnicodeCmap::new(Name(b"Characters"), IDENTITY);
    used.iter().for_each(|(glyph, c)| characters.pair(*glyph, *c));
    let characters = packed(&characters.finish())?;
    pdf.stream(CHARACTERS, &characters).filter(Filter::FlateDecode);
    Ok(())
}

/// To 1/100, as SVG has it.
fn rounded(value: f64) -> f32 {
    ((100.0 * value).round() / 100.0) as f32
}

fn parts(colour: Colour) -> [f32; 3] {
    // Three digits name each of 256 levels.
    colour.parts().map(|part| (1000.0 * f32::from(part) / 255.0).round() / 1000.0)
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).and_then(|()| packer.finish()).map_err(|e| Error::Domain {
        what: "a stream of the PDF".into(),
        expected: "to be compressible".into(),
        found: e.to_string(),
    })
}

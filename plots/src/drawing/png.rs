//! A drawing as PNG on white at 300 dpi, which the file says (`pHYs`).

use mirrorflow::{Error, Result};
use tiny_skia::{
    Color, FillRule, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Rect as Box, Stroke as Pen,
    StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::{Drawing, Item, PAPER, Point, Rect, Run, colour::Colour, font::Font};
use crate::style::{INCH, Stroke};

const DPI: f64 = 300.0;
const INCHES_IN_A_METRE: f64 = 1.0 / 0.0254;

/// The drawing as PNG.
pub(super) fn write(drawing: &Drawing) -> Result<Vec<u8>> {
    let scale = DPI / INCH;
    let [width, height] = [drawing.width, drawing.height].map(|v| (v * scale).round() as u32);
    let mut picture = Pixmap::new(width, height).ok_or_else(|| wrong(&"it is too large"))?;
    picture.fill(Color::WHITE);
    let to_pixels = Transform::from_scale(scale as f32, scale as f32);
    let mut page = Page { picture, to_pixels, clip: None, font: Font::read()? };
    drawing.items.iter().for_each(|item| page.draw(item));
    encode(&page.picture)
}

fn wrong(why: &dyn std::fmt::Display) -> Error {
    Error::Domain {
        what: "the figure as PNG".into(),
        expected: "to be convertible".into(),
        found: why.to_string(),
    }
}

/// Red, green and blue of each pixel; on white nothing shines through.
fn encode(picture: &Pixmap) -> Result<Vec<u8>> {
    let colours: Vec<u8> =
        picture.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    let per_metre = (DPI * INCHES_IN_A_METRE).round() as u32;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(|e| wrong(&e))?;
    writer.write_image_data(&colours).map_err(|e| wrong(&e))?;
    writer.finish().map_err(|e| wrong(&e))?;
    Ok(file)
}

/// The page as it is drawn.
struct Page {
    picture: Pixmap,
    to_pixels: Transform,
    clip: Option<Mask>,
    font: Font,
}

impl Page {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Clip(rect) => {
                self.clip = Mask::new(self.picture.width(), self.picture.height());
                if let (Some(mask), Some(path)) = (&mut self.clip, rectangle(rect)) {
                    mask.fill_path(&path, FillRule::Winding, true, self.to_pixels);
                }
            }
            Item::Unclip => self.clip = None,
            Item::Path { pieces, stroke } => self.stroke(pieces, *stroke),
            Item::Band { points, tone, opacity } => {
                self.fill(polygon(points), tone.look().line, *opacity);
            }
            Item::Shape { points, tone } => self.fill(polygon(points), tone.look().line, 1.0),
            Item::Disc { at, radius, tone } => {
                let [x, y, radius] = [at.0, at.1, *radius].map(rounded);
                self.fill(PathBuilder::from_circle(x, y, radius), tone.look().line, 1.0);
            }
            Item::Text { runs, tone, turned } => {
                for run in runs {
                    self.fill(letters(self.font, run, *turned), tone.look().text, 1.0);
                }
            }
            Item::Paper(rect) => self.fill(rectangle(rect), Colour(0xff_ffff), PAPER),
        }
    }

    /// Fills a path; nothing where it has no inside.
    fn fill(&mut self, path: Option<Path>, colour: Colour, opacity: f64) {
        if let Some(path) = path {
            let (paint, rule) = (paint(colour, opacity), FillRule::Winding);
            self.picture.fill_path(&path, &paint, rule, self.to_pixels, self.clip.as_ref());
        }
    }

    fn stroke(&mut self, pieces: &[Vec<Point>], stroke: Stroke) {
        let mut builder = PathBuilder::new();
        pieces.iter().for_each(|piece| outline(&mut builder, piece));
        let Some(path) = builder.finish() else { return };
        let dash = stroke.dash.pattern().iter().map(|d| *d as f32).collect();
        let pen = Pen {
            width: rounded(stroke.width),
            line_join: LineJoin::Round,
            dash: StrokeDash::new(dash, 0.0),
            ..Pen::default()
        };
        let paint = paint(stroke.tone.look().line, 1.0);
        self.picture.stroke_path(&path, &paint, &pen, self.to_pixels, self.clip.as_ref());
    }
}

fn paint(colour: Colour, opacity: f64) -> Paint<'static> {
    let [red, green, blue] = colour.parts();
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    paint
}

/// To 1/100, as SVG has it.
fn rounded(value: f64) -> f32 {
    ((100.0 * value).round() / 100.0) as f32
}

fn outline(builder: &mut PathBuilder, points: &[Point]) {
    for (k, (x, y)) in points.iter().enumerate() {
        let (x, y) = (rounded(*x), rounded(*y));
        if k == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
}

fn polygon(points: &[Point]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    outline(&mut builder, points);
    builder.close();
    builder.finish()
}

fn rectangle(rect: &Rect) -> Option<Path> {
    let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(rounded);
    Box::from_xywh(x, y, width, height).map(PathBuilder::from_rect)
}

/// The outlines of a run, one after the other.
fn letters(font: Font, run: &Run, turned: Option<Point>) -> Option<Path> {
    let scale = (run.size / font.units()) as f32;
    let mut pen = Letters { builder: PathBuilder::new(), scale, x: 0.0 };
    for glyph in run.text.chars().filter_map(|c| font.glyph(c)) {
        font.outline(glyph, &mut pen);
        pen.x += (font.advance(glyph).unwrap_or(0.0) * run.size) as f32;
    }
    let [x, y] = [run.at.0, run.at.1].map(rounded);
    let place = Transform::from_translate(x, y);
    let turn = match turned {
        None => Transform::identity(),
        Some((x, y)) => Transform::from_rotate_at(-90.0, rounded(x), rounded(y)),
    };
    pen.builder.finish()?.transform(turn.pre_concat(place))
}

/// Outlines on a baseline, y downwards.
struct Letters {
    builder: PathBuilder,
    /// From the font's units to points.
    scale: f32,
    /// Where the next glyph begins, in points.
    x: f32,
}

impl Letters {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, -self.scale * y)
    }
}

impl OutlineBuilder for Letters {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

//! The drawing backend of plotters: what a chart draws goes onto a [`Canvas`] as paths, shapes and labels.
//!
//! plotters counts in whole pixels, knows colours and no classes of colours, widths and no dashes. So
//!
//! - a pixel is 1/100 pt, which is what the writers round to, and the page begins at pixel [`ORIGIN`]: plotters pulls
//!   what is left of or above pixel 0 to it, which would bend lines that leave the page;
//! - colours are those of [`Tone`]s, and found again by them; white is the paper;
//! - the width of a line holds its dashes, as multiples of [`DASH`].
//!
//! Labels may hold mathematics; their baseline follows from their size alone, so that neighbours are level.

use std::{cell::RefCell, fmt};

use plotters::style::{FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
    text_anchor::{HPos, Pos, VPos},
};

use super::{LineStyle, Stroke, text::MIDDLE};
use crate::drawing::{Anchor, Canvas, Colour, Look, Point, Rect, Tone};

/// Pixels in a point.
const PIXELS: f64 = 100.0;
/// The upper left corner of the page, in pixels.
const ORIGIN: i32 = i32::MAX / 2;
/// No line is as wide, in pixels.
const DASH: u32 = 10_000;
const WHITE: Colour = Colour(0xff_ffff);
/// How far below the upper edge of a label its baseline is, and how far above the lower edge, by its size.
const ASCENT: f64 = 0.75;
const DESCENT: f64 = 0.32;

/// A length in pixels.
pub(super) fn pixels(points: f64) -> i32 {
    (PIXELS * points).round() as i32
}

/// The pixel at a place.
pub(super) fn pixel((x, y): Point) -> BackendCoord {
    (ORIGIN + pixels(x), ORIGIN + pixels(y))
}

/// The place of a pixel.
pub(super) fn points((x, y): BackendCoord) -> Point {
    (f64::from(x - ORIGIN) / PIXELS, f64::from(y - ORIGIN) / PIXELS)
}

fn rgba(colour: Colour, opacity: f64) -> RGBAColor {
    let [red, green, blue] = colour.parts();
    RGBAColor(red, green, blue, opacity)
}

/// A line as plotters has it.
pub(super) fn pen(stroke: Stroke) -> ShapeStyle {
    let dash = LineStyle::ALL.iter().position(|d| *d == stroke.dash).unwrap_or(0) as u32;
    ShapeStyle {
        color: rgba(stroke.tone.look().line, 1.0),
        filled: false,
        stroke_width: DASH * dash + pixels(stroke.width) as u32,
    }
}

/// What fills an area; with less than full opacity a band.
pub(super) fn ink(tone: Tone, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: rgba(tone.look().line, opacity), filled: true, stroke_width: 0 }
}

/// What a label is readable on.
pub(super) fn paper() -> ShapeStyle {
    ShapeStyle { color: rgba(WHITE, 1.0), filled: true, stroke_width: 0 }
}

/// Letters of this size, placed by their left end, middle or right end and by their middle height.
pub(super) fn letters(tone: Tone, size: f64, anchor: Anchor) -> TextStyle<'static> {
    let horizontal = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let font = FontDesc::new(FontFamily::Serif, PIXELS * size, FontStyle::Normal);
    let [red, green, blue] = tone.look().text.parts();
    TextStyle {
        font,
        color: BackendColor { alpha: 1.0, rgb: (red, green, blue) },
        pos: Pos::new(horizontal, VPos::Center),
    }
}

/// A canvas that plotters draws on; it has no end to the right and below.
pub(super) struct Backend<'a>(pub(super) &'a RefCell<&'a mut Canvas>);

/// Something that no figure asks plotters for.
#[derive(Debug)]
pub(super) struct Foreign(&'static str);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is none of the figures'", self.0)
    }
}

impl std::error::Error for Foreign {}

type Done = Result<(), DrawingErrorKind<Foreign>>;

fn foreign<T>(what: &'static str) -> Result<T, DrawingErrorKind<Foreign>> {
    Err(DrawingErrorKind::DrawingError(Foreign(what)))
}

/// The tone that has this colour.
fn tone(colour: BackendColor, of: fn(Look) -> Colour) -> Result<Tone, DrawingErrorKind<Foreign>> {
    let (red, green, blue) = colour.rgb;
    let found = Tone::all().find(|tone| of(tone.look()).parts() == [red, green, blue]);
    found.map_or_else(|| foreign("a colour"), Ok)
}

fn stroke<S: BackendStyle>(style: &S) -> Result<Stroke, DrawingErrorKind<Foreign>> {
    let width = style.stroke_width();
    let Some(dash) = LineStyle::ALL.get((width / DASH) as usize) else {
        return foreign("a dash");
    };
    let tone = tone(style.color(), |look| look.line)?;
    Ok(Stroke { tone, dash: *dash, width: f64::from(width % DASH) / PIXELS })
}

impl DrawingBackend for Backend<'_> {
    type ErrorType = Foreign;

    fn get_size(&self) -> (u32, u32) {
        (i32::MAX as u32, i32::MAX as u32)
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Done {
        foreign("a single pixel")
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        let piece = path.into_iter().map(points).collect();
        self.0.borrow_mut().path(vec![piece], stroke(style)?);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        let (red, green, blue) = style.color().rgb;
        if !fill || [red, green, blue] != WHITE.parts() {
            return foreign("a rectangle that is no paper");
        }
        let ((x, y), (right, bottom)) = (points(from), points(to));
        self.0.borrow_mut().paper(Rect { x, y, width: right - x, height: bottom - y });
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done {
        if !fill {
            return foreign("a ring");
        }
        let tone = tone(style.color(), |look| look.line)?;
        self.0.borrow_mut().disc(points(centre), f64::from(radius) / PIXELS, tone);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done {
        let (tone, opacity) = (tone(style.color(), |look| look.line)?, style.color().alpha);
        let corners: Vec<Point> = corners.into_iter().map(points).collect();
        if opacity < 1.0 {
            self.0.borrow_mut().area(corners, tone, opacity);
        } else {
            self.0.borrow_mut().shape(corners, tone);
        }
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Done {
        let size = style.size() / PIXELS;
        let below = match style.anchor().v_pos {
            VPos::Top => ASCENT * size,
            VPos::Center => MIDDLE * size,
            VPos::Bottom => -DESCENT * size,
        };
        let anchor = match style.anchor().h_pos {
            HPos::Left => Anchor::Start,
            HPos::Center => Anchor::Middle,
            HPos::Right => Anchor::End,
        };
        let (x, y) = points(at);
        let (turned, at) = match style.transform() {
            FontTransform::None => (false, (x, y + below)),
            // What is below a text that reads upwards is to its right.
            FontTransform::Rotate270 => (true, (x + below, y)),
            _ => return foreign("a text that reads downwards"),
        };
        let tone = tone(style.color(), |look| look.text)?;
        self.0.borrow_mut().text(at, anchor, size, tone, text, turned);
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Foreign>> {
        let size = style.size() / PIXELS;
        Ok((pixels(Canvas::width(text, size)) as u32, pixels(size) as u32))
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::Color as _;

    use super::*;

    /// What is told to plotters comes back.
    #[test]
    fn a_stroke_goes_through_plotters_and_back() {
        for tone in Tone::all() {
            for dash in LineStyle::ALL {
                let given = Stroke { tone, dash, width: 1.25 };
                assert_eq!(stroke(&pen(given)).expect("a stroke"), given);
            }
            let colour = letters(tone, 7.0, Anchor::End).color;
            assert_eq!(super::tone(colour, |look| look.text).expect("a tone"), tone);
        }
    }

    #[test]
    fn what_no_figure_draws_is_an_error() {
        let mut canvas = Canvas::new();
        let canvas = RefCell::new(&mut canvas);
        let mut backend = Backend(&canvas);
        let red = RGBAColor(255, 0, 0, 1.0);
        assert!(backend.draw_line((0, 0), (1, 1), &red.to_backend_color()).is_err());
        assert!(backend.draw_pixel((0, 0), red.to_backend_color()).is_err());
        assert!(backend.draw_circle((0, 0), 3, &pen(Stroke::nth(0)), false).is_err());
        assert!(backend.draw_rect((0, 0), (1, 1), &ink(Tone::Ink, 1.0), true).is_err());
    }
}

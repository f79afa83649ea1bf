//! A drawing: what a figure consists of, as a list that three writers put on paper.
//!
//! Units are points, y downwards. [`svg`], [`pdf`] and [`png`] each draw the whole list; none of them measures or
//! places anything, so the three show the same. Numbers are rounded to 1/100 pt where they are written, so that the same
//! input gives the same bytes.

mod colour;
pub(crate) mod font;
mod pdf;
mod png;
mod subset;
pub(crate) mod svg;

use mirrorflow::Result;

use crate::style::{Stroke, plain::plain, text};
pub(crate) use colour::{Colour, Look, Tone};

/// Where the place of a text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A mark at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Disc,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    pub(crate) const ALL: [Self; 4] = [Self::Disc, Self::Square, Self::Triangle, Self::Diamond];

    /// Its corners around its place, for a radius of 1; a disc has none.
    pub(crate) fn corners(self) -> &'static [Point] {
        match self {
            Self::Disc => &[],
            Self::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Self::Triangle => &[(0.0, -1.2), (1.05, 0.75), (-1.05, 0.75)],
            Self::Diamond => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        }
    }
}

/// A point of the drawing.
pub(crate) type Point = (f64, f64);

/// A rectangle by its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A piece of a text on one baseline, in letters of one size.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    at: Point,
    size: f64,
    text: String,
}

/// One thing drawn; a later one covers those before it.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    /// What follows, up to [`Item::Unclip`], shows inside this rectangle only. Clips do not nest.
    Clip(Rect),
    Unclip,
    /// A line, in several pieces where it is broken.
    Path {
        pieces: Vec<Vec<Point>>,
        stroke: Stroke,
    },
    /// A translucent area.
    Band {
        points: Vec<Point>,
        tone: Tone,
        opacity: f64,
    },
    Disc {
        at: Point,
        radius: f64,
        tone: Tone,
    },
    Shape {
        points: Vec<Point>,
        tone: Tone,
    },
    /// A text; turned by 90° about a point, so that it reads upwards, where there is one.
    Text {
        runs: Vec<Run>,
        tone: Tone,
        turned: Option<Point>,
    },
    /// A rectangle of the paper's colour, over which a label is readable.
    Paper(Rect),
}

/// How much of what is below a rectangle of paper it covers.
const PAPER: f64 = 0.82;

/// A figure as it is drawn.
///
/// ```
/// use mirrorflow::experiment::{Lab, Size, all};
///
/// let experiment = all().iter().find(|e| e.name == "fig1c").unwrap();
/// let data = Lab::new(Size::Quick, 0).run(experiment)?;
/// let drawing = mirrorflow_plots::find("fig1c")?.picture(&data, None)?.drawing;
/// assert!(drawing.svg().starts_with("<svg"));
/// assert!(drawing.pdf()?.starts_with(b"%PDF"));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Prefix of ids, so that several drawings fit on a page.
    id: String,
    title: String,
    width: f64,
    height: f64,
    items: Vec<Item>,
}

impl Drawing {
    /// As SVG for a page with [`page_style`](crate::page_style), which has the font.
    pub fn svg(&self) -> String {
        svg::inline(self)
    }

    /// As SVG with its font inside, for a file of its own.
    pub fn standalone(&self) -> String {
        svg::standalone(self)
    }

    /// As PDF of the same size, its font inside.
    ///
    /// # Errors
    /// When the font cannot be read.
    pub fn pdf(&self) -> Result<Vec<u8>> {
        pdf::write(self)
    }

    /// As PNG on white at 300 dpi.
    ///
    /// # Errors
    /// When it is too large, or the font cannot be read.
    pub fn png(&self) -> Result<Vec<u8>> {
        png::write(self)
    }
}

/// A drawing under construction.
pub(crate) struct Canvas {
    items: Vec<Item>,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// The whole drawing; `id` begins its ids.
    pub(crate) fn finish(self, id: &str, title: &str, width: f64, height: f64) -> Drawing {
        Drawing { id: id.into(), title: plain(title), width, height, items: self.items }
    }

    /// What follows, up to [`Canvas::close`], shows inside this rectangle only.
    pub(crate) fn clip(&mut self, rect: Rect) {
        self.items.push(Item::Clip(rect));
    }

    pub(crate) fn close(&mut self) {
        self.items.push(Item::Unclip);
    }

    /// A line through points; several pieces where it is broken.
    pub(crate) fn path(&mut self, mut pieces: Vec<Vec<Point>>, stroke: Stroke) {
        pieces.retain(|piece| !piece.is_empty());
        if !pieces.is_empty() {
            self.items.push(Item::Path { pieces, stroke });
        }
    }

    pub(crate) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.path(vec![vec![from, to]], stroke);
    }

    /// A band.
    pub(crate) fn area(&mut self, points: Vec<Point>, tone: Tone, opacity: f64) {
        self.items.push(Item::Band { points, tone, opacity });
    }

    pub(crate) fn mark(&mut self, (x, y): Point, mark: Mark, radius: f64, tone: Tone) {
        let corner = |c: &Point| (x + c.0 * radius, y + c.1 * radius);
        match mark.corners() {
            [] => self.disc((x, y), radius, tone),
            corners => self.shape(corners.iter().map(corner).collect(), tone),
        }
    }

    pub(crate) fn disc(&mut self, at: Point, radius: f64, tone: Tone) {
        self.items.push(Item::Disc { at, radius, tone });
    }

    /// A filled polygon.
    pub(crate) fn shape(&mut self, points: Vec<Point>, tone: Tone) {
        self.items.push(Item::Shape { points, tone });
    }

    /// A label with its baseline at y; `turned` reads upwards.
    pub(crate) fn text(
        &mut self,
        (x, y): Point,
        anchor: Anchor,
        size: f64,
        tone: Tone,
        label: &str,
        turned: bool,
    ) {
        let set = text::set(label);
        if set.runs.is_empty() {
            return;
        }
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * set.width * size,
            Anchor::End => -set.width * size,
        };
        let run = |run: text::Run| Run {
            at: (x + shift + run.x * size, y - run.y * size),
            size: run.size * size,
            text: run.text,
        };
        let runs = set.runs.into_iter().map(run).collect();
        self.items.push(Item::Text { runs, tone, turned: turned.then_some((x, y)) });
    }

    /// The width of a label.
    pub(crate) fn width(label: &str, size: f64) -> f64 {
        text::set(label).width * size
    }

    /// A rectangle of the paper's colour, over which a label is readable.
    pub(crate) fn paper(&mut self, rect: Rect) {
        self.items.push(Item::Paper(rect));
    }
}

#[cfg(test)]
mod tests;

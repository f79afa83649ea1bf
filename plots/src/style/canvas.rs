//! An SVG under construction. Units are points, y downwards; numbers are rounded to 1/100 pt, so that the
//! same input gives the same bytes.

use std::fmt::Write as _;

use super::{
    Stroke, Tone,
    font::FAMILY,
    plain::plain,
    text::{self, escape},
};

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
}

pub(crate) struct Canvas {
    /// Prefix of ids, so that several figures fit on a page.
    id: String,
    clips: usize,
    body: String,
}

/// A number as short as 1/100 allows.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

impl Canvas {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.into(), clips: 0, body: String::new() }
    }

    /// The whole SVG.
    pub(crate) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (w, h) = (short(width), short(height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" width=\"{w}pt\" height=\"{h}pt\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\" font-family=\"{FAMILY}, Latin Modern Math, \
             Latin Modern Roman, serif\">\n<title>{}</title>\n{}</svg>\n",
            escape(&plain(title)),
            self.body
        )
    }

    /// What follows, up to [`Canvas::close`], shows inside this rectangle only.
    pub(crate) fn clip(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.clips += 1;
        let name = format!("{}-{}", self.id, self.clips);
        let _ = writeln!(
            self.body,
            "<clipPath id=\"{name}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n\
             <g clip-path=\"url(#{name})\">",
            short(x),
            short(y),
            short(width),
            short(height)
        );
    }

    pub(crate) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// A line through points; several pieces where it is broken.
    pub(crate) fn path(&mut self, pieces: &[Vec<(f64, f64)>], stroke: Stroke) {
        let (class, colour, _) = stroke.tone.light();
        let mut d = String::new();
        for piece in pieces {
            outline(&mut d, piece);
        }
        if d.is_empty() {
            return;
        }
        let dash = stroke.dash.pattern();
        let dash =
            if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = writeln!(
            self.body,
            "<path class=\"s{class}\" d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\"{dash}/>",
            short(stroke.width)
        );
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(&[vec![from, to]], stroke);
    }

    /// A band.
    pub(crate) fn area(&mut self, points: &[(f64, f64)], tone: Tone, opacity: f64) {
        let (class, colour, _) = tone.light();
        let mut d = String::new();
        outline(&mut d, points);
        let _ = writeln!(
            self.body,
            "<path class=\"b{class}\" d=\"{d}Z\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
        );
    }

    pub(crate) fn mark(&mut self, (x, y): (f64, f64), mark: Mark, radius: f64, tone: Tone) {
        let (class, colour, _) = tone.light();
        let head = format!("class=\"f{class}\" fill=\"{colour}\"");
        let corner = |dx: f64, dy: f64| (x + dx * radius, y + dy * radius);
        let corners: &[(f64, f64)] = match mark {
            Mark::Disc => {
                let (x, y, r) = (short(x), short(y), short(radius));
                let _ = writeln!(self.body, "<circle {head} cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
                return;
            }
            Mark::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Mark::Triangle => &[(0.0, -1.2), (1.05, 0.75), (-1.05, 0.75)],
            Mark::Diamond => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        };
        let corners: Vec<(f64, f64)> = corners.iter().map(|c| corner(c.0, c.1)).collect();
        let mut d = String::new();
        outline(&mut d, &corners);
        let _ = writeln!(self.body, "<path {head} d=\"{d}Z\"/>");
    }

    /// A label with its baseline at y; `turned` reads upwards.
    pub(crate) fn text(
        &mut self,
        (x, y): (f64, f64),
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
        let (class, _, colour) = tone.light();
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * set.width * size,
            Anchor::End => -set.width * size,
        };
        let turn = if turned {
            format!(" transform=\"rotate(-90 {} {})\"", short(x), short(y))
        } else {
            String::new()
        };
        let _ = write!(self.body, "<text class=\"t{class}\" fill=\"{colour}\"{turn}>");
        for run in &set.runs {
            let _ = write!(
                self.body,
                "<tspan x=\"{}\" y=\"{}\" font-size=\"{}\">{}</tspan>",
                short(x + shift + run.x * size),
                short(y - run.y * size),
                short(run.size * size),
                escape(&run.text)
            );
        }
        self.body.push_str("</text>\n");
    }

    /// The width of a label.
    pub(crate) fn width(label: &str, size: f64) -> f64 {
        text::set(label).width * size
    }

    /// A rectangle of the paper's colour, over which a label is readable.
    pub(crate) fn paper(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let _ = writeln!(
            self.body,
            "<rect class=\"paper\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#fff\" \
             fill-opacity=\"0.82\"/>",
            short(x),
            short(y),
            short(width),
            short(height)
        );
    }
}

fn outline(d: &mut String, points: &[(f64, f64)]) {
    for (k, (x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if k == 0 { "M" } else { "L" }, short(*x), short(*y));
    }
}

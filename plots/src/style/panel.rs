//! One panel: what it shows, and how much room it needs.

use super::{
    SIZE, SMALL, Stroke,
    axis::{Axis, Fitted},
    sheet::Key,
    title::{HEADING, heading},
};
use crate::drawing::{Anchor, Canvas, Mark, Tone};

/// A line of a panel.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) band: Option<(Vec<f64>, Vec<f64>)>,
    /// No line where absent.
    pub(crate) stroke: Option<Stroke>,
    pub(crate) marks: Option<(Mark, f64, Tone)>,
    /// Written at its right end, outside the frame.
    pub(crate) label: Option<(String, Tone)>,
}

impl Line {
    /// The line of a curve.
    pub(crate) fn of(curve: &mirrorflow::experiment::Curve, stroke: Stroke) -> Self {
        Self {
            x: curve.x.clone(),
            y: curve.y.clone(),
            band: None,
            stroke: Some(stroke),
            marks: None,
            label: None,
        }
    }

    /// With the band of the curve.
    pub(crate) fn banded(mut self, curve: &mirrorflow::experiment::Curve) -> Self {
        self.band.clone_from(&curve.band);
        self
    }

    pub(crate) fn labelled(mut self, label: impl Into<String>) -> Self {
        let tone = self.stroke.map_or(Tone::Ink, |s| s.tone);
        self.label = Some((label.into(), tone));
        self
    }

    pub(crate) fn marked(mut self, mark: Mark, radius: f64, tone: Tone) -> Self {
        self.marks = Some((mark, radius, tone));
        self
    }

    /// In another colour; a label added later takes it too.
    pub(crate) fn toned(mut self, tone: Tone) -> Self {
        self.stroke = self.stroke.map(|s| Stroke { tone, ..s });
        self
    }

    pub(crate) fn unlined(mut self) -> Self {
        self.stroke = None;
        self
    }
}

/// A text inside a panel, at a point of the data.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) at: (f64, f64),
    pub(crate) anchor: Anchor,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// A panel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    pub(crate) notes: Vec<Note>,
    /// A legend of its own, below it; what several panels share is in that of the sheet.
    pub(crate) keys: Vec<Key>,
}

/// What a panel needs around its frame.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

/// Length of a tick, and the space between a tick and its label: plotters puts labels two ticks away from their axis.
pub(super) const TICK: f64 = 2.4;
const GAP: f64 = TICK;

impl Panel {
    /// Its axes in a frame of this size.
    pub(super) fn fit(&self, width: f64, height: f64) -> (Fitted, Fitted) {
        let xs = self.lines.iter().flat_map(|l| l.x.iter().copied());
        let most = |length: f64, each: f64| ((length / each) as usize).clamp(2, 7);
        (self.x.fit(xs, most(width, 28.0)), self.y.fit(self.heights(), most(height, 20.0)))
    }

    /// What it needs around a frame of about this size.
    pub(crate) fn margins(&self, width: f64, height: f64) -> Margins {
        let (_, y) = self.fit(width, height);
        let widest = |labels: &[(f64, String)]| {
            labels.iter().map(|t| Canvas::width(&t.1, SMALL)).fold(0.0, f64::max)
        };
        let labels = self.lines.iter().filter_map(|l| l.label.as_ref());
        let right = labels.map(|l| Canvas::width(&l.0, SMALL) + 9.0).fold(4.0, f64::max);
        Margins {
            left: widest(&y.ticks)
                + TICK
                + GAP
                + if self.y.label.is_empty() { 2.0 } else { 1.6 * SIZE },
            right,
            bottom: TICK + GAP + SMALL + if self.x.label.is_empty() { 1.0 } else { 1.55 * SIZE },
        }
    }

    /// What it needs above a frame of this width: its title, in as many lines as that takes.
    pub(crate) fn top(&self, width: f64) -> f64 {
        match heading(&self.title, width).0.len() {
            0 => 4.0,
            lines => 1.75 * SIZE + (lines - 1) as f64 * HEADING,
        }
    }

    /// The values on its y axis: those of lines and of bands.
    pub(crate) fn heights(&self) -> impl Iterator<Item = f64> {
        self.lines.iter().flat_map(|l| {
            let band = l.band.iter().flat_map(|(low, high)| low.iter().chain(high).copied());
            l.y.iter().copied().chain(band)
        })
    }
}

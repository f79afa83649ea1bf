//! A figure: panels in rows and columns, and a legend below them.

use mirrorflow::Result;

use super::{
    Column, SMALL, Stroke, chart,
    panel::{Margins, Panel},
    text::MIDDLE,
};
use crate::drawing::{Anchor, Canvas, Drawing, Mark, Rect, Tone};

/// An entry of a legend.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) stroke: Option<Stroke>,
    pub(crate) mark: Option<(Mark, Tone)>,
    pub(crate) text: String,
}

impl Key {
    pub(crate) fn line(stroke: Stroke, text: impl Into<String>) -> Self {
        Self { stroke: Some(stroke), mark: None, text: text.into() }
    }
}

/// A figure that can be drawn at any width.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) panels: Vec<Panel>,
    /// Panels side by side, in one column and in two.
    pub(crate) across: (usize, usize),
    /// Height of a frame by its width, in one column and in two.
    pub(crate) aspect: (f64, f64),
    pub(crate) legend: Vec<Key>,
    /// The width it is made for.
    pub(crate) column: Column,
}

/// Space around the sheet, between panels, and of a legend's row.
const EDGE: f64 = 2.0;
const BETWEEN: f64 = 8.0;
const ROW: f64 = 9.4;
const SAMPLE: f64 = 20.0;

impl Sheet {
    /// One panel.
    pub(crate) fn single(panel: Panel) -> Self {
        Self {
            panels: vec![panel],
            across: (1, 1),
            aspect: (0.72, 0.5),
            legend: Vec::new(),
            column: Column::One,
        }
    }

    /// Panels below each other in one column, side by side in two.
    pub(crate) fn row(panels: Vec<Panel>) -> Self {
        let across = (1, panels.len());
        Self { panels, across, aspect: (0.6, 0.85), legend: Vec::new(), column: Column::Two }
    }

    /// The figure, drawn; `id` begins the ids of the drawing.
    ///
    /// # Errors
    /// When a panel cannot be drawn.
    pub(crate) fn draw(&self, id: &str, title: &str, column: Column) -> Result<Drawing> {
        let width = column.width();
        let (across, aspect) = match column {
            Column::One => (self.across.0, self.aspect.0),
            Column::Two => (self.across.1, self.aspect.1),
        };
        let across = across.clamp(1, self.panels.len().max(1));
        let mut panels = self.panels.clone();
        // What stands beside a neighbour shares its label; below each other each needs one.
        if across == 1
            && let Some(label) = panels.first().map(|p| p.y.label.clone())
        {
            let bare = panels.iter_mut().filter(|p| p.y.label.is_empty());
            bare.for_each(|p| p.y.label.clone_from(&label));
        }
        let rough = width / across as f64 - 40.0;
        let margins: Vec<Margins> =
            panels.iter().map(|p| p.margins(rough, rough * aspect)).collect();
        let widest = |of: fn(&Margins) -> f64, column: usize| {
            margins.iter().skip(column).step_by(across).map(of).fold(0.0, f64::max)
        };
        let left: Vec<f64> = (0..across).map(|c| widest(|m| m.left, c)).collect();
        let right: Vec<f64> = (0..across).map(|c| widest(|m| m.right, c)).collect();
        let used: f64 = left.iter().chain(&right).sum();
        let frame = (width - 2.0 * EDGE - used - BETWEEN * (across - 1) as f64) / across as f64;
        let height = frame * aspect;
        let mut canvas = Canvas::new();
        let mut y = EDGE;
        for (row, panels) in panels.chunks(across).enumerate() {
            let space = &margins[row * across..row * across + panels.len()];
            let top = panels.iter().map(|p| p.top(frame)).fold(0.0, f64::max);
            let bottom = space.iter().map(|m| m.bottom).fold(0.0, f64::max);
            let below = y + top + height + bottom;
            let (mut x, mut end) = (EDGE, below);
            for (c, panel) in panels.iter().enumerate() {
                let frame = Rect { x: x + left[c], y: y + top, width: frame, height };
                chart::draw(panel, &mut canvas, space[c], frame)?;
                if !panel.keys.is_empty() {
                    let room = left[c] + frame.width + right[c];
                    end = end.max(legend(&mut canvas, &panel.keys, (x, below + 3.0), room));
                }
                x += left[c] + frame.width + right[c] + BETWEEN;
            }
            y = end + BETWEEN;
        }
        y -= BETWEEN;
        if !self.legend.is_empty() {
            y = legend(&mut canvas, &self.legend, (EDGE, y + 5.0), width - 2.0 * EDGE);
        }
        Ok(canvas.finish(id, title, width, y + EDGE))
    }
}

/// A legend in as many columns as fit into this room, read downwards; returns where it ends.
fn legend(canvas: &mut Canvas, keys: &[Key], (left, top): (f64, f64), room: f64) -> f64 {
    let sample = SAMPLE + 3.0;
    let texts = || keys.iter().map(|k| Canvas::width(&k.text, SMALL));
    // Smaller letters where a text alone is wider than the room.
    let widest = texts().fold(0.0, f64::max);
    let size = if sample + widest > room { SMALL * (room - sample) / widest } else { SMALL };
    let widths: Vec<f64> = texts().map(|w| sample + w * size / SMALL + 9.0).collect();
    let columns_of = |rows: usize| -> Vec<f64> {
        widths.chunks(rows).map(|c| c.iter().copied().fold(0.0, f64::max)).collect()
    };
    // The last column needs no space after it.
    let fits = |rows: &usize| columns_of(*rows).iter().sum::<f64>() - 9.0 <= room;
    let rows = (1..=keys.len()).find(fits).unwrap_or(keys.len());
    let columns = columns_of(rows);
    let mut x = left + 0.5 * (room - columns.iter().sum::<f64>()).max(0.0);
    for (keys, column) in keys.chunks(rows).zip(&columns) {
        for (row, key) in keys.iter().enumerate() {
            let middle = top + ROW * (row as f64 + 0.5);
            if let Some(stroke) = key.stroke {
                canvas.line((x, middle), (x + SAMPLE, middle), stroke);
            }
            if let Some((mark, tone)) = key.mark {
                canvas.mark((x + 0.5 * SAMPLE, middle), mark, 1.9, tone);
            }
            let at = (x + sample, middle + MIDDLE * size);
            canvas.text(at, Anchor::Start, size, Tone::Ink, &key.text, false);
        }
        x += column;
    }
    top + ROW * rows as f64
}

//! One panel: a frame with axes, bands, lines, marks and labels at the ends of lines.

use super::{
    LineStyle, SIZE, SMALL, Stroke,
    axis::{Axis, Fitted},
    breaks::{alone, areas, pieces},
    sheet::Key,
    text::MIDDLE,
    title::{HEADING, heading},
};
use crate::drawing::{Anchor, Canvas, Mark, Rect, Tone};

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

/// Length of a tick, and the space between a tick and its label.
const TICK: f64 = 2.4;
const GAP: f64 = 2.2;
/// Half the end of a bar.
const CAP: f64 = 1.6;
/// From the baseline of one label at a line's end to that of the next.
const LEADING: f64 = 8.2;

impl Panel {
    fn fit(&self, width: f64, height: f64) -> (Fitted, Fitted) {
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

    /// Draws it with its frame at (left, top), inside the margins it asked for.
    pub(crate) fn draw(
        &self,
        canvas: &mut Canvas,
        space: Margins,
        left: f64,
        top: f64,
        width: f64,
        height: f64,
    ) {
        let (x, y) = self.fit(width, height);
        let place = |px: f64, py: f64| -> Option<(f64, f64)> {
            Some((left + width * x.place(px)?, top + height * (1.0 - y.place(py)?)))
        };
        let grid = Stroke { tone: Tone::Faint, dash: LineStyle::Solid, width: 0.4 };
        for at in x.ticks.iter().filter_map(|t| x.place(t.0)).map(|p| left + width * p) {
            canvas.line((at, top), (at, top + height), grid);
        }
        for at in y.ticks.iter().filter_map(|t| y.place(t.0)).map(|p| top + height * (1.0 - p)) {
            canvas.line((left, at), (left + width, at), grid);
        }
        canvas.clip(Rect { x: left, y: top, width, height });
        for line in &self.lines {
            if let (Some((low, high)), Some(stroke)) = (&line.band, line.stroke) {
                for points in areas(&line.x, low, high, &place) {
                    canvas.area(points, stroke.tone, 0.16);
                }
                // A point alone has no band: a bar from edge to edge.
                let edges = |edge: &[f64]| -> Vec<Option<(f64, f64)>> {
                    line.x.iter().zip(edge).map(|(x, y)| place(*x, *y)).collect()
                };
                let (low, high) = (edges(low), edges(high));
                let bar = Stroke { dash: LineStyle::Solid, width: 0.7, ..stroke };
                for k in alone(&low) {
                    if let (Some(a), Some(b)) = (low[k], high[k]) {
                        canvas.line(a, b, bar);
                        for end in [a, b] {
                            canvas.line((end.0 - CAP, end.1), (end.0 + CAP, end.1), bar);
                        }
                    }
                }
            }
        }
        for line in &self.lines {
            if let Some(stroke) = line.stroke {
                canvas.path(pieces(line, &place), stroke);
                // A point alone is no line; where it has no mark it gets one.
                if line.marks.is_none() {
                    let places: Vec<_> =
                        line.x.iter().zip(&line.y).map(|(x, y)| place(*x, *y)).collect();
                    for at in alone(&places).into_iter().filter_map(|k| places[k]) {
                        canvas.mark(at, Mark::Disc, 1.4, stroke.tone);
                    }
                }
            }
        }
        canvas.close();
        for line in &self.lines {
            if let Some((mark, radius, tone)) = line.marks {
                for at in line.x.iter().zip(&line.y).filter_map(|(x, y)| place(*x, *y)) {
                    let inside = (left - 1.0..=left + width + 1.0).contains(&at.0)
                        && (top - 1.0..=top + height + 1.0).contains(&at.1);
                    if inside {
                        canvas.mark(at, mark, radius, tone);
                    }
                }
            }
        }
        self.frame(canvas, (&x, &y), space, left, top, width, height);
        self.ends(canvas, &place, left, top, width, height);
        for note in &self.notes {
            if let Some(at) = place(note.at.0, note.at.1) {
                let wide = Canvas::width(&note.text, SMALL);
                let from = match note.anchor {
                    Anchor::Start => at.0,
                    Anchor::Middle => at.0 - 0.5 * wide,
                    Anchor::End => at.0 - wide,
                };
                let base = at.1 + MIDDLE * SMALL;
                let (x, y) = (from - 1.0, base - 0.8 * SMALL);
                canvas.paper(Rect { x, y, width: wide + 2.0, height: 1.1 * SMALL });
                canvas.text((from, base), Anchor::Start, SMALL, note.tone, &note.text, false);
            }
        }
    }

    fn frame(
        &self,
        canvas: &mut Canvas,
        (x, y): (&Fitted, &Fitted),
        space: Margins,
        left: f64,
        top: f64,
        width: f64,
        height: f64,
    ) {
        let ink = Stroke { tone: Tone::Ink, dash: LineStyle::Solid, width: 0.6 };
        let bottom = top + height;
        canvas.path(vec![vec![(left, top), (left, bottom), (left + width, bottom)]], ink);
        let inside = |p: &f64| (-1e-6..=1.0 + 1e-6).contains(p);
        for at in x.minor.iter().filter_map(|v| x.place(*v)).filter(inside) {
            let at = left + width * at;
            canvas.line((at, bottom), (at, bottom + 0.55 * TICK), ink.wide(0.4));
        }
        for at in y.minor.iter().filter_map(|v| y.place(*v)).filter(inside) {
            let at = bottom - height * at;
            canvas.line((left, at), (left - 0.55 * TICK, at), ink.wide(0.4));
        }
        for (value, label) in &x.ticks {
            let Some(at) = x.place(*value).filter(inside) else { continue };
            let at = left + width * at;
            canvas.line((at, bottom), (at, bottom + TICK), ink);
            let base = bottom + TICK + GAP + 0.75 * SMALL;
            canvas.text((at, base), Anchor::Middle, SMALL, Tone::Ink, label, false);
        }
        for (value, label) in &y.ticks {
            let Some(at) = y.place(*value).filter(inside) else { continue };
            let at = bottom - height * at;
            canvas.line((left, at), (left - TICK, at), ink);
            let base = at + MIDDLE * SMALL;
            canvas.text((left - TICK - GAP, base), Anchor::End, SMALL, Tone::Ink, label, false);
        }
        if !self.x.label.is_empty() {
            let at = (left + 0.5 * width, bottom + space.bottom - 0.32 * SIZE);
            canvas.text(at, Anchor::Middle, SIZE, Tone::Ink, &self.x.label, false);
        }
        if !self.y.label.is_empty() {
            let at = (left - space.left + 0.95 * SIZE, top + 0.5 * height);
            canvas.text(at, Anchor::Middle, SIZE, Tone::Ink, &self.y.label, true);
        }
        let (lines, size) = heading(&self.title, width);
        for (k, line) in lines.iter().rev().enumerate() {
            let at = (left + 0.5 * width, top - 0.6 * SIZE - k as f64 * HEADING);
            canvas.text(at, Anchor::Middle, size, Tone::Ink, line, false);
        }
    }

    /// The labels at the ends of lines, moved apart where they would overlap.
    fn ends(
        &self,
        canvas: &mut Canvas,
        place: &impl Fn(f64, f64) -> Option<(f64, f64)>,
        left: f64,
        top: f64,
        width: f64,
        height: f64,
    ) {
        let mut ends: Vec<((f64, f64), &str, Tone)> = Vec::new();
        for line in &self.lines {
            let Some((label, tone)) = &line.label else { continue };
            let seen = line.x.iter().zip(&line.y).filter_map(|(x, y)| place(*x, *y));
            // The last point inside the frame.
            let inside = |p: &(f64, f64)| {
                (left..=left + width + 1e-6).contains(&p.0) && (top..=top + height).contains(&p.1)
            };
            let all: Vec<(f64, f64)> = seen.collect();
            let last = all.iter().rev().find(|p| inside(p)).or(all.last());
            if let Some(last) = last {
                let (right, bottom) = (left + width.max(0.0), top + height.max(0.0));
                let at = (last.0.clamp(left, right), last.1.clamp(top, bottom));
                ends.push((at, label.as_str(), *tone));
            }
        }
        let wished: Vec<f64> = ends.iter().map(|e| e.0.1).collect();
        let placed = apart(&wished, LEADING, top + 2.0, top + height - 2.0);
        for ((wish, label, tone), at) in ends.iter().zip(placed) {
            let edge = left + width;
            let leader = Stroke { tone: *tone, dash: LineStyle::Solid, width: 0.4 };
            canvas.line((wish.0 + 0.8, wish.1), (edge + 6.0, at), leader);
            let base = at + MIDDLE * SMALL;
            canvas.text((edge + 7.5, base), Anchor::Start, SMALL, *tone, label, false);
        }
    }
}

/// Places at least `gap` apart, in the order of the wishes and as near to them as a pass of pooling gets,
/// inside `low..=high` where there is room.
fn apart(wishes: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|i, j| wishes[*i].total_cmp(&wishes[*j]));
    // Groups that touch share a centre: (sum of wished starts, members, from).
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for (k, &i) in order.iter().enumerate() {
        groups.push((wishes[i] - k as f64 * gap, 1));
        while let [.., (p, a), (q, b)] = groups[..]
            && q / b as f64 <= p / a as f64
        {
            groups.truncate(groups.len() - 2);
            groups.push((p + q, a + b));
        }
    }
    let span = gap * wishes.len().saturating_sub(1) as f64;
    let starts = groups.iter().flat_map(|(s, n)| std::iter::repeat_n(s / *n as f64, *n));
    let mut places = vec![0.0; wishes.len()];
    for ((k, &i), start) in order.iter().enumerate().zip(starts) {
        places[i] = start.clamp(low, (high - span).max(low)) + k as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn labels_keep_apart_and_near() {
        assert_eq!(apart(&[10.0, 50.0], 8.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(apart(&[10.0, 10.0], 8.0, 0.0, 100.0), [6.0, 14.0]);
        assert_eq!(apart(&[50.0, 1.0, 52.0], 8.0, 0.0, 100.0), [47.0, 1.0, 55.0]);
        let crowded = apart(&[99.0, 98.0, 100.0], 8.0, 0.0, 100.0);
        assert_eq!(crowded, [92.0, 84.0, 100.0]);
        assert!(apart(&[], 8.0, 0.0, 10.0).is_empty());
    }
}

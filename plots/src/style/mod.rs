//! How every figure looks: sizes, colours, lines, letters.
//!
//! - Widths: one column 3.25 in, two columns 6.75 in. Text 8 pt, ticks and legends 7 pt, whatever the width.
//! - Each line has a colour and dashes of its own, so that figures survive grey print. On a page with a style
//!   sheet colours have lighter tones in the dark; in a file of its own a figure is dark on light.
//! - Mathematics: [`text`].

pub(crate) mod axis;
mod backend;
mod breaks;
mod chart;
mod ends;
pub(crate) mod panel;
pub(crate) mod plain;
pub(crate) mod sheet;
pub(crate) mod text;
mod title;

use crate::drawing::{Tone, svg::font_face};

/// Points in an inch.
pub(crate) const INCH: f64 = 72.0;
/// Of titles and labels, and of ticks and legends, in points.
pub(crate) const SIZE: f64 = 8.0;
pub(crate) const SMALL: f64 = 7.0;

/// How wide a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// 3.25 in.
    One,
    /// 6.75 in.
    Two,
}

impl Column {
    /// In points.
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::One => 3.25 * INCH,
            Self::Two => 6.75 * INCH,
        }
    }
}

/// The style sheet of a page that shows figures inline: their font, dark colours where the page is dark, captions.
/// The page defines `--line`, `--soft`, `--good` and `--bad`.
pub fn page_style() -> String {
    let mut out = format!("{}\n@media(prefers-color-scheme:dark){{\n", font_face());
    for look in Tone::all().map(Tone::look) {
        let (class, dark) = (look.class, look.dark);
        out.push_str(&format!(
            ".plot .s{class}{{stroke:{dark}}}.plot .b{class},.plot .f{class},.plot .t{class}{{fill:{dark}}}\n"
        ));
    }
    out.push_str(".plot .paper{fill:#14161a}}\n");
    out.push_str(include_str!("../picture.css"));
    out
}

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LineStyle {
    #[default]
    Solid,
    Dashed,
    Dotted,
    DashDot,
    Long,
    DashDotDot,
}

impl LineStyle {
    /// All, in the order they are given out.
    pub(crate) const ALL: [Self; 6] =
        [Self::Solid, Self::Dashed, Self::DashDot, Self::Dotted, Self::Long, Self::DashDotDot];

    /// Lengths of dashes and of the gaps after them, in points; none for a solid line.
    pub(crate) fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[4.0, 1.8],
            Self::Dotted => &[1.0, 1.5],
            Self::DashDot => &[4.5, 1.5, 1.0, 1.5],
            Self::Long => &[8.0, 2.2],
            Self::DashDotDot => &[4.5, 1.3, 1.0, 1.3, 1.0, 1.3],
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) tone: Tone,
    pub(crate) dash: LineStyle,
    /// In points.
    pub(crate) width: f64,
}

impl Stroke {
    pub(crate) fn new(tone: Tone, dash: LineStyle) -> Self {
        Self { tone, dash, width: 1.2 }
    }

    /// The k-th of a set of lines: its colour and dashes together differ from those of the others, up to 36.
    pub(crate) fn nth(k: usize) -> Self {
        let all = LineStyle::ALL.len();
        Self::new(Tone::Hue(k), LineStyle::ALL[(k + k / Tone::HUES) % all])
    }

    pub(crate) fn wide(self, width: f64) -> Self {
        Self { width, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::Stroke;

    #[test]
    fn no_two_of_36_lines_look_alike() {
        let all: Vec<Stroke> = (0..36).map(Stroke::nth).collect();
        for (k, stroke) in all.iter().enumerate() {
            let look = |s: &Stroke| (s.tone.look().line, s.dash);
            assert!(all[..k].iter().all(|other| look(other) != look(stroke)), "{k}");
        }
    }
}

//! How every figure looks: sizes, colours, lines, letters.
//!
//! - Widths: one column 3.25 in, two columns 6.75 in. Text 8 pt, ticks and legends 7 pt, whatever the width.
//! - Colours: Okabe & Ito's, which the colour-blind tell apart; each line also has its own dashes, so that
//!   figures survive grey print. On a page with a style sheet the classes (`s0`, `t0`, `b0`, …) give them
//!   lighter tones in the dark; in a file of its own a figure is dark on light.
//! - Letters: [`font`]; mathematics: [`text`].

pub(crate) mod axis;
mod breaks;
pub(crate) mod canvas;
pub(crate) mod font;
pub(crate) mod panel;
pub(crate) mod plain;
pub(crate) mod sheet;
pub(crate) mod text;
mod title;

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

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Text and axes.
    Ink,
    /// What should not stand out.
    Soft,
    /// Grid lines.
    Faint,
    /// One of the six of [`HUES`].
    Hue(usize),
}

/// Colours of lines: on light paper, of text on light paper, on dark paper.
const HUES: [(&str, &str, &str); 6] = [
    ("#0072b2", "#00598c", "#5aa9e6"),
    ("#d55e00", "#a84a00", "#ff8f52"),
    ("#009e73", "#00704f", "#35cfa0"),
    ("#b8598f", "#8f3a69", "#e9a6cc"),
    ("#56b4e9", "#1f6f9f", "#9ad7ff"),
    ("#e69f00", "#8a5f00", "#f4bd4a"),
];
const INKS: [(Tone, &str, &str, &str); 3] = [
    (Tone::Ink, "k", "#1a1a1a", "#e7e9ee"),
    (Tone::Soft, "m", "#6f7278", "#a0a7b4"),
    (Tone::Faint, "g", "#dcdee2", "#30343c"),
];

impl Tone {
    /// The suffix of its class, its colour as a line, as text.
    pub(crate) fn light(self) -> (String, &'static str, &'static str) {
        match self {
            Self::Hue(k) => {
                let k = k % HUES.len();
                (k.to_string(), HUES[k].0, HUES[k].1)
            }
            tone => {
                let ink = INKS.iter().find(|i| i.0 == tone).unwrap_or(&INKS[0]);
                (ink.1.to_owned(), ink.2, ink.2)
            }
        }
    }
}

/// The style sheet of a page that shows figures inline: their font, dark colours where the page is dark, captions.
/// The page defines `--line`, `--soft`, `--good` and `--bad`.
pub fn page_style() -> String {
    use base64::Engine as _;
    let font = base64::engine::general_purpose::STANDARD.encode(font::FONT);
    let mut out = format!(
        "@font-face{{font-family:\"{}\";src:url(data:font/otf;base64,{font}) format(\"opentype\")}}\n\
         @media(prefers-color-scheme:dark){{\n",
        font::FAMILY
    );
    let mut rule = |class: &str, dark: &str| {
        out.push_str(&format!(
            ".plot .s{class}{{stroke:{dark}}}.plot .b{class},.plot .f{class},.plot .t{class}{{fill:{dark}}}\n"
        ));
    };
    for (k, hue) in HUES.iter().enumerate() {
        rule(&k.to_string(), hue.2);
    }
    for ink in &INKS {
        rule(ink.1, ink.3);
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

    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Self::Solid => "",
            Self::Dashed => "4 1.8",
            Self::Dotted => "1 1.5",
            Self::DashDot => "4.5 1.5 1 1.5",
            Self::Long => "8 2.2",
            Self::DashDotDot => "4.5 1.3 1 1.3 1 1.3",
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
        Self::new(Tone::Hue(k), LineStyle::ALL[(k + k / HUES.len()) % all])
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
            let look = |s: &Stroke| (s.tone.light(), s.dash.pattern());
            assert!(all[..k].iter().all(|other| look(other) != look(stroke)), "{k}");
        }
    }
}

//! The colours of a drawing: Okabe & Ito's, which the colour-blind tell apart, and three of ink. Each has a class, by
//! which the style sheet of a page gives it a lighter tone in the dark.

use std::fmt;

/// A colour, 0xRRGGBB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) u32);

impl Colour {
    /// Red, green, blue.
    pub(crate) fn parts(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }
}

/// As CSS writes it.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Text and axes.
    Ink,
    /// What should not stand out.
    Soft,
    /// Grid lines.
    Faint,
    /// The k-th series; there are [`Tone::HUES`], then they begin again.
    Hue(usize),
}

/// A tone on light and on dark paper.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// The last letter of its classes: `s0` strokes a line, `f0`, `b0`, `t0` fill a mark, a band, a text.
    pub(crate) class: char,
    /// Of lines and areas on light paper.
    pub(crate) line: Colour,
    /// Of text on light paper: darker, since letters are thin.
    pub(crate) text: Colour,
    /// Of all of it on dark paper.
    pub(crate) dark: Colour,
}

const fn look(class: char, line: u32, text: u32, dark: u32) -> Look {
    Look { class, line: Colour(line), text: Colour(text), dark: Colour(dark) }
}

const HUES: [Look; 6] = [
    look('0', 0x0072b2, 0x00598c, 0x5aa9e6),
    look('1', 0xd55e00, 0xa84a00, 0xff8f52),
    look('2', 0x009e73, 0x00704f, 0x35cfa0),
    look('3', 0xb8598f, 0x8f3a69, 0xe9a6cc),
    look('4', 0x56b4e9, 0x1f6f9f, 0x9ad7ff),
    look('5', 0xe69f00, 0x8a5f00, 0xf4bd4a),
];
const INK: Look = look('k', 0x1a1a1a, 0x1a1a1a, 0xe7e9ee);
const SOFT: Look = look('m', 0x6f7278, 0x6f7278, 0xa0a7b4);
const FAINT: Look = look('g', 0xdcdee2, 0xdcdee2, 0x30343c);

impl Tone {
    /// How many hues there are.
    pub(crate) const HUES: usize = HUES.len();

    /// How it looks.
    pub(crate) fn look(self) -> Look {
        match self {
            Self::Ink => INK,
            Self::Soft => SOFT,
            Self::Faint => FAINT,
            Self::Hue(k) => HUES[k % HUES.len()],
        }
    }

    /// All there are.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..HUES.len()).map(Self::Hue).chain([Self::Ink, Self::Soft, Self::Faint])
    }
}

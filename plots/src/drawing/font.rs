//! The one font of the figures: a subset of Latin Modern Math (Computer Modern, as LaTeX sets), whose
//! ASCII is the roman and whose mathematical alphanumerics are the italics. It has no kerning, so a text is
//! as wide as the sum of its advances in every renderer.

use std::sync::OnceLock;

use mirrorflow::{Error, Result};
use ttf_parser::{Face, GlyphId, OutlineBuilder, Rect, Tag};

/// The font file (GUST Font License, see `plots/fonts`).
pub(crate) const FONT: &[u8] = include_bytes!("../../fonts/MirrorflowMath.otf");

/// Its family.
pub(crate) const FAMILY: &str = "Mirrorflow Math";

/// Height of a capital, in em.
pub(crate) const CAPITAL: f64 = 0.683;

fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FONT, 0).ok()).as_ref()
}

/// The advance of a character in em; `None` where the font has none.
pub(crate) fn advance(c: char) -> Option<f64> {
    let font = Font(face()?);
    font.advance(font.glyph(c)?)
}

/// The font as a writer needs it.
#[derive(Clone, Copy)]
pub(super) struct Font(&'static Face<'static>);

impl Font {
    /// The font, read.
    pub(super) fn read() -> Result<Self> {
        face().map(Self).ok_or_else(|| Error::Domain {
            what: "the font of the figures".into(),
            expected: "an OpenType font".into(),
            found: "a file that is none".into(),
        })
    }

    /// The glyph of a character.
    pub(super) fn glyph(self, c: char) -> Option<GlyphId> {
        self.0.glyph_index(c)
    }

    /// The advance of a glyph in em.
    pub(super) fn advance(self, glyph: GlyphId) -> Option<f64> {
        Some(f64::from(self.0.glyph_hor_advance(glyph)?) / self.units())
    }

    /// Units in an em, in which the outlines and the box are.
    pub(super) fn units(self) -> f64 {
        f64::from(self.0.units_per_em())
    }

    /// Draws the outline of a glyph, y upwards; nothing for a space.
    pub(super) fn outline(self, glyph: GlyphId, into: &mut dyn OutlineBuilder) {
        self.0.outline_glyph(glyph, into);
    }

    /// The box that holds every glyph, and how far letters reach above and below the baseline.
    pub(super) fn extent(self) -> (Rect, i16, i16) {
        (self.0.global_bounding_box(), self.0.ascender(), self.0.descender())
    }

    /// The outlines of all glyphs, in Compact Font Format.
    pub(super) fn outlines(self) -> Result<&'static [u8]> {
        self.0.raw_face().table(Tag::from_bytes(b"CFF ")).ok_or_else(|| Error::Domain {
            what: "the font of the figures".into(),
            expected: "outlines in a table CFF".into(),
            found: "none".into(),
        })
    }
}

//! The one font of the figures: a subset of Latin Modern Math (Computer Modern, as LaTeX sets), whose
//! ASCII is the roman and whose mathematical alphanumerics are the italics. It has no kerning, so a text is
//! as wide as the sum of its advances in every renderer.

use std::sync::OnceLock;

use ttf_parser::Face;

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
    let face = face()?;
    let glyph = face.glyph_index(c)?;
    Some(f64::from(face.glyph_hor_advance(glyph)?) / f64::from(face.units_per_em()))
}

//! The outlines of a CFF font without those of the glyphs that a file does not use.
//!
//! Glyphs keep their numbers and all offsets stay: the program of an unused glyph becomes `endchar` and zeros, which
//! compress to next to nothing. (Adobe Technical Note 5176: header, then the indices of names and of dictionaries, whose
//! operator 17 says where the programs are.)

use mirrorflow::{Error, Result};

/// The operator of the top dictionary before which the offset of the programs stands.
const CHAR_STRINGS: u8 = 17;
/// The operator that ends a program.
const END: u8 = 14;

/// The table with the programs of these glyphs, and of glyph 0, which stands for what is missing.
pub(super) fn subset(table: &[u8], used: impl Fn(usize) -> bool) -> Result<Vec<u8>> {
    let broken = || Error::Domain {
        what: "the font of the figures".into(),
        expected: "a table CFF with programs of its glyphs".into(),
        found: "a broken one".into(),
    };
    programs(table)
        .and_then(|programs| {
            let mut kept = table.to_vec();
            for (_, (from, to)) in
                programs.into_iter().enumerate().filter(|(k, _)| *k > 0 && !used(*k))
            {
                let program = kept.get_mut(from..to)?;
                program.fill(0);
                *program.first_mut()? = END;
            }
            Some(kept)
        })
        .ok_or_else(broken)
}

/// From where to where the program of each glyph goes.
fn programs(table: &[u8]) -> Option<Vec<(usize, usize)>> {
    let names = index(table, usize::from(*table.get(2)?))?;
    let dictionaries = index(table, names.last()?.1)?;
    let (from, to) = *dictionaries.first()?;
    index(table, operand(table.get(from..to)?, CHAR_STRINGS)?)
}

/// From where to where each entry of an index goes: a count, the size of offsets, these counted from the byte before the
/// first entry, the entries.
fn index(table: &[u8], at: usize) -> Option<Vec<(usize, usize)>> {
    let count = number(table, at, 2)?;
    let size = usize::from(*table.get(at + 2)?);
    let before = at + 2 + (count + 1) * size;
    let offset = |k: usize| Some(before + number(table, at + 3 + k * size, size)?);
    (0..count).map(|k| Some((offset(k)?, offset(k + 1)?))).collect()
}

/// A number of so many bytes.
fn number(table: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = table.get(at..at + size)?;
    Some(bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)))
}

/// The integer right before an operator of a dictionary.
fn operand(dictionary: &[u8], wanted: u8) -> Option<usize> {
    let (mut at, mut last) = (0, None);
    loop {
        let first = *dictionary.get(at)?;
        let byte = |k: usize| dictionary.get(at + k).map(|b| usize::from(*b));
        let taken = match first {
            operator if operator == wanted => return last,
            // Operators of two bytes and of one.
            12 => 2,
            0..=21 => 1,
            28 => 3,
            29 => 5,
            // A real number, two digits a byte, up to the digit 15.
            30 => 1 + dictionary[at + 1..].iter().position(|b| b & 15 == 15 || b >> 4 == 15)? + 1,
            247..=254 => 2,
            _ => 1,
        };
        last = match first {
            28 => number(dictionary, at + 1, 2),
            29 => number(dictionary, at + 1, 4),
            32..=246 => usize::from(first).checked_sub(139),
            247..=250 => Some((usize::from(first) - 247) * 256 + byte(1)? + 108),
            // Negative, real, or an operator: no offset.
            _ => None,
        };
        at += taken;
    }
}

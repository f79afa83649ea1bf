//! Labels with mathematics: text, and between dollars the little of TeX that labels need.
//!
//! | written | set |
//! |---|---|
//! | `$x_t$`, `$x^{*}$`, `$x_i^2$` | scripts, stacked where both are there |
//! | `$\alpha$`, `$\odot$`, `$\\|x\\|$`, `\log`, `\mathrm{S}` | Greek, symbols, upright words |
//! | `$-1$`, `$a - b$`, `$a = b$` | signs without and operators with their spaces |
//!
//! Letters in mathematics are italic, digits upright; raised and lowered digits of a text (`10⁻³`, `L₁`) are scripts. A name with
//! a character that the font lacks is refused before anything is drawn ([`lacking`]).

use mirrorflow::experiment::label::{Part, parts};

use crate::drawing::font::{CAPITAL, advance};

/// A piece of text at one place and size, in units of the em of the whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) x: f64,
    /// Upwards.
    pub(crate) y: f64,
    pub(crate) size: f64,
    pub(crate) text: String,
}

/// A label that is set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    pub(crate) runs: Vec<Run>,
    /// In em.
    pub(crate) width: f64,
}

/// What a label consists of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Atom {
    /// A character, whether it is an operator, and whether it stands in mathematics.
    Char(char, Kind),
    /// A space of this many em.
    Space(f64),
    /// A subscript and a superscript on what is before.
    Scripts(Vec<Atom>, Vec<Atom>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Letter,
    /// `=`, `≤`, …: 5/18 em on both sides.
    Relation,
    /// `+`, `−`, `⊙`: 4/18 em on both sides, none where it is a sign.
    Operator,
    /// `,`: 3/18 em after it.
    Comma,
}

const SCRIPT: f64 = 0.7;
const RAISE: f64 = 0.36;
const DROP: f64 = 0.2;

const NAMES: &[(&str, char)] = &[
    ("alpha", 'α'),
    ("beta", 'β'),
    ("delta", 'δ'),
    ("eta", 'η'),
    ("gamma", 'γ'),
    ("kappa", 'κ'),
    ("ell", 'ℓ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nabla", '∇'),
    ("nu", 'ν'),
    ("tau", 'τ'),
    ("theta", 'θ'),
    ("odot", '⊙'),
    ("cdot", '·'),
    ("times", '×'),
    ("pm", '±'),
    ("le", '≤'),
    ("ge", '≥'),
    ("approx", '≈'),
    ("asymp", '≍'),
    ("to", '→'),
    ("in", '∈'),
    ("infty", '∞'),
    ("sim", '∼'),
    ("sum", '∑'),
    ("int", '∫'),
    ("|", '‖'),
    ("%", '%'),
];

/// The italic of a letter.
pub(super) fn italic(c: char) -> char {
    let shift = |base: u32, from: char| char::from_u32(base + c as u32 - from as u32).unwrap_or(c);
    match c {
        'h' => 'ℎ',
        'a'..='z' => shift(0x1D44E, 'a'),
        'A'..='Z' => shift(0x1D434, 'A'),
        'α'..='ω' => shift(0x1D6FC, 'α'),
        _ => c,
    }
}

fn kind(c: char) -> Kind {
    match c {
        '=' | '≠' | '∼' | '<' | '>' | '≤' | '≥' | '≈' | '≍' | '→' | '∈' => {
            Kind::Relation
        }
        '+' | '−' | '⊙' | '·' | '×' | '±' => Kind::Operator,
        ',' => Kind::Comma,
        _ => Kind::Letter,
    }
}

/// Braces in braces, at most; what opens more is left out.
const DEEPEST: usize = 16;

struct Parser<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    /// Braces that are open.
    depth: usize,
}

impl Parser<'_> {
    /// Mathematics up to the closing brace.
    fn mathematics(&mut self) -> Vec<Atom> {
        let mut atoms: Vec<Atom> = Vec::new();
        while let Some(&c) = self.rest.peek() {
            match c {
                '}' => break,
                '_' | '^' => {
                    self.rest.next();
                    let script = self.group();
                    let (sub, sup) = match atoms.pop() {
                        Some(Atom::Scripts(sub, sup)) => (sub, sup),
                        Some(other) => {
                            atoms.push(other);
                            (Vec::new(), Vec::new())
                        }
                        None => (Vec::new(), Vec::new()),
                    };
                    let both = if c == '_' { (script, sup) } else { (sub, script) };
                    atoms.push(Atom::Scripts(both.0, both.1));
                }
                _ => atoms.extend(self.one()),
            }
        }
        atoms
    }

    /// `{…}`, or one piece.
    fn group(&mut self) -> Vec<Atom> {
        if self.rest.next_if_eq(&'{').is_none() {
            return self.one();
        }
        self.braced()
    }

    /// What follows an opening brace, with the closing one.
    fn braced(&mut self) -> Vec<Atom> {
        if self.depth == DEEPEST {
            return Vec::new();
        }
        self.depth += 1;
        let inner = self.mathematics();
        self.depth -= 1;
        self.rest.next_if_eq(&'}');
        inner
    }

    fn one(&mut self) -> Vec<Atom> {
        let letter = |c: char| vec![Atom::Char(c, kind(c))];
        match self.rest.next() {
            None | Some(' ') => Vec::new(),
            Some('{') => self.braced(),
            Some('\\') => self.named(),
            Some('-') => letter('−'),
            Some('*') => letter('∗'),
            Some('\'') => letter('′'),
            Some(c) if c.is_ascii_alphabetic() => letter(italic(c)),
            Some(c) => letter(c),
        }
    }

    fn named(&mut self) -> Vec<Atom> {
        if let Some(c) = self.rest.next_if(|c| !c.is_ascii_alphabetic()) {
            return match c {
                ',' => vec![Atom::Space(1.0 / 6.0)],
                ' ' => vec![Atom::Space(1.0 / 3.0)],
                '|' => vec![Atom::Char('‖', Kind::Letter)],
                c => vec![Atom::Char(c, Kind::Letter)],
            };
        }
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
            name.push(c);
        }
        if name == "mathrm" || name == "text" {
            self.rest.next_if_eq(&'{');
            let mut atoms = Vec::new();
            while let Some(c) = self.rest.next_if(|c| *c != '}') {
                atoms.push(Atom::Char(c, Kind::Text));
            }
            self.rest.next_if_eq(&'}');
            return atoms;
        }
        match NAMES.iter().find(|(n, _)| *n == name) {
            Some((_, c)) => vec![Atom::Char(italic(*c), kind(*c))],
            // \log, \max, \min and the like: upright, with a thin space after.
            None => {
                let mut atoms: Vec<Atom> =
                    name.chars().map(|c| Atom::Char(c, Kind::Text)).collect();
                if !matches!(self.rest.peek(), Some('(' | '[' | '_' | '^')) {
                    atoms.push(Atom::Space(1.0 / 6.0));
                }
                atoms
            }
        }
    }
}

/// What a label consists of.
pub(crate) fn parse(label: &str) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for part in parts(label) {
        match part {
            Part::Text(text) => written(text, &mut atoms),
            Part::Math(inner) => atoms.extend(mathematics(inner)),
        }
    }
    atoms
}

/// What stands between two dollars; a brace that closes nothing is left out.
fn mathematics(inner: &str) -> Vec<Atom> {
    let mut parser = Parser { rest: inner.chars().peekable(), depth: 0 };
    let mut atoms = parser.mathematics();
    while parser.rest.next().is_some() {
        atoms.extend(parser.mathematics());
    }
    atoms
}

/// Characters that have scripts of their own in Unicode, and these.
pub(super) const DIGITS: &str = "0123456789+−";
pub(super) const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻";
pub(super) const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₊₋";

/// Text: scripts out of raised and lowered digits in a row, spaces and hyphens of all kinds as those the font has.
fn written(text: &str, atoms: &mut Vec<Atom>) {
    let script = |row: &str, c: char| {
        let k = row.chars().position(|r| r == c)?;
        DIGITS.chars().nth(k).map(|c| Atom::Char(c, Kind::Text))
    };
    for c in text.chars() {
        let (up, down) = (script(RAISED, c), script(LOWERED, c));
        match (atoms.last_mut(), up, down) {
            (Some(Atom::Scripts(_, row)), Some(up), _) => row.push(up),
            (Some(Atom::Scripts(row, _)), _, Some(down)) => row.push(down),
            (_, None, None) => {
                let c = match c {
                    '\u{a0}' | '\u{2009}' | '\u{202f}' => ' ',
                    '\u{2010}' | '\u{2011}' => '-',
                    'µ' => 'μ',
                    c => c,
                };
                atoms.push(Atom::Char(c, Kind::Text));
            }
            (_, up, down) => {
                atoms.push(Atom::Scripts(down.into_iter().collect(), up.into_iter().collect()));
            }
        }
    }
}

/// The first character of a label that the font has not.
pub(crate) fn lacking(label: &str) -> Option<char> {
    fn find(atoms: &[Atom]) -> Option<char> {
        atoms.iter().find_map(|atom| match atom {
            Atom::Char(c, _) => advance(*c).is_none().then_some(*c),
            Atom::Space(_) => None,
            Atom::Scripts(sub, sup) => find(sub).or_else(|| find(sup)),
        })
    }
    find(&parse(label))
}

/// Sets a label.
pub(crate) fn set(label: &str) -> Set {
    let mut set = Set { runs: Vec::new(), width: 0.0 };
    place(&parse(label), 1.0, 0.0, &mut set);
    set
}

fn place(atoms: &[Atom], size: f64, y: f64, set: &mut Set) {
    // A sign has nothing, a relation or an opening before it.
    let mut after_operand = false;
    for atom in atoms {
        match atom {
            Atom::Space(width) => set.width += width * size,
            Atom::Scripts(sub, sup) => {
                let from = set.width;
                place(sub, size * SCRIPT, y - DROP * size, set);
                let end = std::mem::replace(&mut set.width, from);
                place(sup, size * SCRIPT, y + RAISE * size, set);
                set.width = set.width.max(end) + 0.04 * size;
                after_operand = true;
            }
            Atom::Char(c, kind) => {
                let c = if advance(*c).is_some() { *c } else { '?' };
                let space = match kind {
                    // Scripts are set tight.
                    _ if size < 1.0 => 0.0,
                    Kind::Relation => 5.0 / 18.0,
                    Kind::Operator if after_operand => 4.0 / 18.0,
                    _ => 0.0,
                };
                set.width += space * size;
                push(c, size, y, set);
                set.width += advance(c).unwrap_or(0.5) * size + space * size;
                if *kind == Kind::Comma && size == 1.0 {
                    set.width += 3.0 / 18.0;
                }
                after_operand =
                    matches!(kind, Kind::Letter | Kind::Text) && !matches!(c, '(' | '[');
            }
        }
    }
}

/// Adds a character to the last run where it continues it.
fn push(c: char, size: f64, y: f64, set: &mut Set) {
    if let Some(last) = set.runs.last_mut()
        && last.size == size
        && last.y == y
    {
        let end = last.x + size * last.text.chars().filter_map(advance).sum::<f64>();
        if (end - set.width).abs() < 1e-9 {
            last.text.push(c);
            return;
        }
    }
    // Renderers disagree on spaces at the start of a piece.
    if c == ' ' {
        return;
    }
    set.runs.push(Run { x: set.width, y, size, text: c.to_string() });
}

/// How far below a line of text its middle is above the baseline, in em.
pub(crate) const MIDDLE: f64 = CAPITAL / 2.0;

/// The label as HTML; mathematics does not break.
pub(crate) fn html(label: &str) -> String {
    let mut out = String::new();
    for part in parts(label) {
        match part {
            Part::Text(text) => out.push_str(&escape(text)),
            Part::Math(inner) => {
                out.push_str("<span class=\"math\">");
                write_html(&mathematics(inner), &mut out);
                out.push_str("</span>");
            }
        }
    }
    out
}

fn write_html(atoms: &[Atom], out: &mut String) {
    let mut after_operand = false;
    for atom in atoms {
        match atom {
            Atom::Char(c, kind) => {
                let spaced = *kind == Kind::Relation || *kind == Kind::Operator && after_operand;
                out.push_str(if spaced { "\u{2009}" } else { "" });
                out.push_str(&escape(&c.to_string()));
                out.push_str(if spaced || *kind == Kind::Comma { "\u{2009}" } else { "" });
                after_operand =
                    matches!(kind, Kind::Letter | Kind::Text) && !matches!(c, '(' | '[');
            }
            Atom::Space(_) => out.push('\u{2009}'),
            Atom::Scripts(sub, sup) => {
                for (name, script) in [("sub", sub), ("sup", sup)] {
                    if !script.is_empty() {
                        out.push_str(&format!("<{name}>"));
                        write_html(script, out);
                        out.push_str(&format!("</{name}>"));
                    }
                }
                after_operand = true;
            }
        }
    }
}

/// `&`, `<`, `>` and `"` as entities.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;

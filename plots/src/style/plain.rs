//! Labels as plain text.

use super::text::{Atom, DIGITS, Kind, LOWERED, RAISED, italic, parse};

/// The label as plain text, for terminals and readers of the screen: `x_k`, `a^δ`, `e^(−4A)`, `10⁻³`, `‖x‖₁`.
pub fn plain(label: &str) -> String {
    let mut out = String::new();
    write_plain(&parse(label), &mut out);
    out
}

fn write_plain(atoms: &[Atom], out: &mut String) {
    for atom in atoms {
        match atom {
            Atom::Char(c, kind) if *kind == Kind::Relation => out.extend([' ', upright(*c), ' ']),
            Atom::Char(c, _) => out.push(upright(*c)),
            Atom::Space(_) => out.push(' '),
            Atom::Scripts(sub, sup) => {
                for (mark, script, known) in [('_', sub, LOWERED), ('^', sup, RAISED)] {
                    if !script.is_empty() {
                        let mut text = String::new();
                        write_plain(script, &mut text);
                        out.push_str(&plain_script(mark, &text, known));
                    }
                }
            }
        }
    }
}

/// A script as plain text: by characters of its own where there are such, else one that needs no parentheses
/// without, else in parentheses.
fn plain_script(mark: char, text: &str, known: &str) -> String {
    let own = |c: char| match c {
        '∗' if mark == '^' => Some('*'),
        '′' if mark == '^' => Some(c),
        c => DIGITS.chars().position(|k| k == c).and_then(|at| known.chars().nth(at)),
    };
    if let Some(script) = text.chars().map(own).collect() {
        return script;
    }
    // An index is read as a word, `x_ij`, unless it has an index of its own; of an exponent only one character is.
    let word = text.chars().all(|c| c.is_alphanumeric() || c == '∞');
    if text.chars().count() == 1 || mark == '_' && word {
        format!("{mark}{text}")
    } else {
        format!("{mark}({text})")
    }
}

/// The letter an italic stands for.
fn upright(c: char) -> char {
    let letters = ('a'..='z').chain('A'..='Z').chain('α'..='ω');
    letters.into_iter().find(|l| *l != c && italic(*l) == c).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn scripts_need_no_braces() {
        assert_eq!(plain("the $\\|x_k - x^*\\|_2 = a^{\\delta}$"), "the ‖x_k−x*‖₂ = a^δ");
        for (label, text) in [
            ("as $e^{-4A}x_0$", "as e^(−4A)x₀"),
            ("$10^{-3}$, $t^{-4}$", "10⁻³, t⁻⁴"),
            ("$R_{a_t}(x_{ij})$ on $L_1$", "R_(a_t)(x_ij) on L₁"),
            ("$a_{\\infty}$, $x_{i+1}^2$", "a_∞, x_(i+1)²"),
            ("L₁² at 10⁻³, $x^+$", "L₁² at 10⁻³, x⁺"),
            ("from $5 to $10, $m$", "from $5 to $10, m"),
        ] {
            assert_eq!(plain(label), text);
        }
    }
}

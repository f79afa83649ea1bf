//! Statements for a terminal: the braces of scripts, which only a typesetter reads, become Unicode
//! scripts where there are such, else parentheses. And numbers as people read them.

use mirrorflow::numerics::written::written;

/// `text` without half-typeset braces: `e^{−2}` as `e⁻²`, `e^{−4A}` as `e^(−4A)`, `R_{a_t}` as `R_(a_t)`.
pub(super) fn render(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['_', '^']) {
        let (before, script) = rest.split_at(at);
        out.push_str(before);
        let mark = &script[..1];
        match script[1..].strip_prefix('{').and_then(closed) {
            Some((inside, after)) => {
                set(mark, &render(inside), &mut out);
                rest = after;
            }
            None => {
                out.push_str(mark);
                rest = &script[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// `text` with every number of more digits than a reader compares in six: `0.055999999999999994` as `0.056`. For what
/// only says where something was; what a reader is to redo keeps its digits.
pub(super) fn rounded(text: &str) -> String {
    const MOST: usize = 8;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let number = &from[..numeral(from)];
        // Part of a name, as in `seed7x3`, is no number; an integer may be one, and stays.
        let digits = number.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
        match number.parse::<f64>() {
            Ok(value) if digits > MOST && number.contains(['.', 'e']) => {
                out.push_str(&written(value, 6));
            }
            _ => out.push_str(number),
        }
        rest = &from[number.len()..];
    }
    out.push_str(rest);
    out
}

/// The length of the unsigned number that `text` begins with: digits, decimals, a power of ten.
fn numeral(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let run = bytes.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit());
        from + run.count()
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if bytes.get(end) == Some(&b'e') {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let power = digits(end + 1 + sign);
        if power > end + 1 + sign {
            end = power;
        }
    }
    end
}

/// What stands before the brace that closes, and after it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

fn set(mark: &str, script: &str, out: &mut String) {
    let raised: Option<String> = script.chars().map(superscript).collect();
    // A script with a script of its own, or a prime, would be read as that of the base.
    let word = script.chars().all(|c| c.is_alphanumeric() || c == '∞');
    match (mark, raised) {
        ("^", Some(raised)) => out.push_str(&raised),
        ("_", _) if word => out.extend(["_", script]),
        _ if script.chars().count() == 1 => out.extend([mark, script]),
        _ => out.extend([mark, "(", script, ")"]),
    }
}

fn superscript(c: char) -> Option<char> {
    let at = "0123456789−T".chars().position(|plain| plain == c)?;
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ".chars().nth(at)
}

#[cfg(test)]
mod tests {
    use super::{render, rounded};
    use crate::registry;

    #[test]
    fn numbers_are_rounded_where_they_only_say_where() {
        for (text, short) in [
            (
                "known: y = 0, schedule switch:5,0.055999999999999994",
                "known: y = 0, schedule switch:5,0.056",
            ),
            ("Z = [-1.2929538737967672 0.5], t = 80000", "Z = [-1.29295 0.5], t = 80000"),
            ("1.6200000000000001e-10, 2e5, seed 12345678901", "1.62e-10, 2e5, seed 12345678901"),
            ("e^(−4A), x₁ = 0.145496, 3. and 1e", "e^(−4A), x₁ = 0.145496, 3. and 1e"),
            ("gaussian 40x100 k=5 seed=0", "gaussian 40x100 k=5 seed=0"),
        ] {
            assert_eq!(rounded(text), short);
        }
    }

    #[test]
    fn scripts_need_no_braces() {
        for (text, plain) in [
            ("a_t = u₀v₀ e^{−4A}", "a_t = u₀v₀ e^(−4A)"),
            ("e^{−2}x₀/(a₀e^{−4})", "e⁻²x₀/(a₀e⁻⁴)"),
            ("R_{a_∞}(x), R_{a'}(x), x_{ij}", "R_(a_∞)(x), R_(a')(x), x_ij"),
            ("R_{a_K, θ̃} of {x: f^{−4A_{∞}} = 0}", "R_(a_K, θ̃) of {x: f^(−4A_∞) = 0}"),
            ("min{s^{2}, e^{−n/(εS₁)}}", "min{s², e^(−n/(εS₁))}"),
            ("open e^{−4A", "open e^{−4A"),
            ("x_", "x_"),
        ] {
            assert_eq!(render(text), plain);
        }
    }

    #[test]
    fn no_statement_is_half_typeset() {
        for claim in registry() {
            for text in claim.statements.iter().map(|s| render(s.text)) {
                assert!(!text.contains("^{") && !text.contains("_{"), "{text}");
                assert!(!text.contains(['\\', '$']), "{text}");
            }
        }
    }
}

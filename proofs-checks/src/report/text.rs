//! Statements for a terminal: the braces of scripts, which only a typesetter reads, become Unicode
//! scripts where there are such, else parentheses.

/// `text` without half-typeset braces: `e^{−2}` as `e⁻²`, `e^{−4A}` as `e^(−4A)`, `R_{a_t}` as `R_a_t`.
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
    let word = script.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '\'' | '∞'));
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
    use super::render;
    use crate::registry;

    #[test]
    fn scripts_need_no_braces() {
        for (text, plain) in [
            ("a_t = u₀v₀ e^{−4A}", "a_t = u₀v₀ e^(−4A)"),
            ("e^{−2}x₀/(a₀e^{−4})", "e⁻²x₀/(a₀e⁻⁴)"),
            ("R_{a_∞}(x), R_{a'}", "R_a_∞(x), R_a'"),
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

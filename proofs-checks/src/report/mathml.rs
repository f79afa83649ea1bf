//! Statements as HTML with MathML: words as text, so that a line may break between them.

use super::math::{Node, Piece, line};

/// `text` with the characters that HTML reserves escaped.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A statement as HTML.
pub(super) fn render(text: &str) -> String {
    let pieces = line(text).into_iter().map(|piece| match piece {
        Piece::Words(words) => escape(&words),
        Piece::Math(nodes) => format!("<math>{}</math>", row(&nodes)),
    });
    pieces.collect::<Vec<_>>().join(" ")
}

fn row(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect()
}

/// Exactly one element, as scripts and roots need it.
fn group(nodes: &[Node]) -> String {
    match nodes {
        [one] => node(one),
        _ => format!("<mrow>{}</mrow>", row(nodes)),
    }
}

fn node(node_: &Node) -> String {
    match node_ {
        Node::Symbol(s) if s.chars().count() == 1 => format!("<mi>{}</mi>", escape(s)),
        // Several letters in an index are several symbols.
        Node::Symbol(s) => {
            let each: String =
                s.chars().map(|c| format!("<mi>{}</mi>", escape(&c.to_string()))).collect();
            format!("<mrow>{each}</mrow>")
        }
        Node::Name(s) => format!("<mi mathvariant=\"normal\">{}</mi>", escape(s)),
        Node::Number(s) => format!("<mn>{}</mn>", escape(s)),
        Node::Operator(s) => {
            // Fences keep the size of the text: the mathematics is cut at spaces, not at fences. What
            // stands without spaces in the line stands so here.
            let tight = matches!(s.as_str(), "|" | "‖" | "/" | "(" | ")" | "[" | "]");
            let space = if tight { " lspace=\"0\" rspace=\"0\"" } else { "" };
            let s = if s == "-" { "−" } else { s };
            format!("<mo stretchy=\"false\"{space}>{}</mo>", escape(s))
        }
        Node::Root(inside) => format!("<msqrt>{}</msqrt>", row(inside)),
        Node::Accent(base, mark) => {
            format!("<mover accent=\"true\">{}<mo>{mark}</mo></mover>", node(base))
        }
        Node::Scripts(base, below, above) => match (below.is_empty(), above.is_empty()) {
            (false, true) => format!("<msub>{}{}</msub>", node(base), group(below)),
            (true, _) => format!("<msup>{}{}</msup>", node(base), group(above)),
            _ => format!("<msubsup>{}{}{}</msubsup>", node(base), group(below), group(above)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, render};

    #[test]
    fn scripts_and_roots_become_elements() {
        assert_eq!(
            render("a_t ≤ √x"),
            "<math><msub><mi>a</mi><mi>t</mi></msub></math> \
             <math><mo stretchy=\"false\">≤</mo></math> \
             <math><msqrt><mi>x</mi></msqrt></math>"
        );
        assert_eq!(
            render("x_i²"),
            "<math><msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup></math>"
        );
    }

    #[test]
    fn nothing_of_html_passes_unescaped() {
        assert_eq!(escape("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
        assert!(!render("x <script> y").contains("<script>"));
    }
}

//! The report as a LaTeX table: `\input{report.tex}` in a paper that loads `booktabs`, `longtable`
//! and `amssymb`. Statements are typeset from the same tree as the page's MathML.

use std::fmt::Write;

use super::{
    Report,
    legend::LEGEND,
    math::{Node, Piece, line},
};
use crate::Outcome;

/// The whole file.
pub(super) fn render(report: &Report) -> String {
    let mut out = format!(
        "% Written by mirrorflow {}, seed {}. Needs \\usepackage{{amssymb,booktabs,longtable}}.\n\
         \\begin{{longtable}}{{@{{}}l l p{{0.55\\linewidth}} l@{{}}}}\n\
         \\toprule\n\
         claim & form & statement & outcome \\\\\n\
         \\midrule\n\
         \\endhead\n",
        report.version, report.budget.seed
    );
    for claim in &report.claims {
        for (k, s) in claim.statements.iter().enumerate() {
            let id = if k == 0 { escape(claim.id) } else { String::new() };
            let outcome = match s.finding.outcome {
                Outcome::Holds => "holds",
                Outcome::Fails => "\\textbf{fails}",
                Outcome::Inconclusive => "inconclusive",
            };
            let (form, text) = (s.statement.form.label(), statement(s.statement.text));
            let _ = writeln!(out, "{id} & {form} & {text} & {outcome} \\\\");
            if let Some(found) = &s.finding.counterexample {
                let _ =
                    writeln!(out, " & & {{\\footnotesize {}}} & \\\\", statement(&found.instance));
            }
        }
        out.push_str("\\addlinespace\n");
    }
    out.push_str("\\bottomrule\n\\end{longtable}\n");
    legend(&mut out);
    out
}

/// What the words of the table mean, below it.
fn legend(out: &mut String) {
    out.push_str("{\\footnotesize\\noindent\n");
    // The columns that this table has.
    let words = LEGEND[..3].iter().flat_map(|(_, words)| *words).filter(|(word, _)| *word != "(!)");
    let meaning = |(word, meaning): &(&str, &str)| format!("\\emph{{{word}}}: {meaning}");
    let text: Vec<String> = words.map(meaning).collect();
    let _ = writeln!(out, "{}.\\par}}", text.join("; "));
}

/// A statement with its mathematics between dollars.
fn statement(text: &str) -> String {
    let pieces = line(text).into_iter().map(|piece| match piece {
        Piece::Words(words) => escape(&words),
        Piece::Math(nodes) => format!("${}$", row(&nodes)),
    });
    pieces.collect::<Vec<_>>().join(" ")
}

fn row(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect()
}

fn node(node_: &Node) -> String {
    match node_ {
        Node::Symbol(s) => s.chars().map(symbol).collect(),
        Node::Number(s) => s.chars().map(symbol).collect(),
        Node::Operator(s) => s.chars().map(symbol).collect(),
        Node::Name(s) => format!("\\operatorname{{{}}}", escape(s)),
        Node::Root(inside) => format!("\\sqrt{{{}}}", row(inside)),
        Node::Accent(base, '~') => format!("\\tilde{{{}}}", node(base)),
        Node::Accent(base, _) => format!("\\hat{{{}}}", node(base)),
        Node::Scripts(base, below, above) => {
            let mut out = node(base);
            if !below.is_empty() {
                let _ = write!(out, "_{{{}}}", row(below));
            }
            if !above.is_empty() {
                let _ = write!(out, "^{{{}}}", row(above));
            }
            out
        }
    }
}

/// Characters of the notation beyond ASCII, as TeX in mathematics.
const SYMBOLS: [(char, &str); 50] = [
    ('α', "\\alpha "),
    ('β', "\\beta "),
    ('δ', "\\delta "),
    ('ε', "\\varepsilon "),
    ('η', "\\eta "),
    ('θ', "\\theta "),
    ('κ', "\\kappa "),
    ('λ', "\\lambda "),
    ('μ', "\\mu "),
    ('ν', "\\nu "),
    ('ρ', "\\rho "),
    ('σ', "\\sigma "),
    ('τ', "\\tau "),
    ('ψ', "\\psi "),
    ('ℓ', "\\ell "),
    ('∇', "\\nabla "),
    ('∂', "\\partial "),
    ('∞', "\\infty "),
    ('∫', "\\int "),
    ('Σ', "\\sum "),
    ('Π', "\\prod "),
    ('⊙', "\\odot "),
    ('−', "-"),
    ('±', "\\pm "),
    ('∓', "\\mp "),
    ('·', "\\cdot "),
    ('×', "\\times "),
    ('≤', "\\le "),
    ('≥', "\\ge "),
    ('≠', "\\ne "),
    ('≈', "\\approx "),
    ('∝', "\\propto "),
    ('≍', "\\asymp "),
    ('→', "\\to "),
    ('⇒', "\\Rightarrow "),
    ('⇔', "\\Leftrightarrow "),
    ('∈', "\\in "),
    ('∉', "\\notin "),
    ('‖', "\\Vert "),
    ('½', "\\tfrac12 "),
    ('¼', "\\tfrac14 "),
    ('′', "\\prime "),
    ('…', "\\ldots "),
    ('ℝ', "\\mathbb{R}"),
    ('{', "\\{"),
    ('}', "\\}"),
    ('%', "\\%"),
    ('&', "\\&"),
    ('#', "\\#"),
    ('_', "\\_"),
];

fn symbol(c: char) -> String {
    match SYMBOLS.iter().find(|(known, _)| *known == c) {
        Some((_, tex)) => (*tex).to_owned(),
        None => c.to_string(),
    }
}

/// Text outside of mathematics.
fn escape(text: &str) -> String {
    let of = |c: char| match c {
        '&' | '%' | '#' | '_' | '$' | '{' | '}' => format!("\\{c}"),
        '\\' => "\\textbackslash{}".into(),
        '~' => "\\textasciitilde{}".into(),
        '^' => "\\textasciicircum{}".into(),
        c => c.to_string(),
    };
    text.chars().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::statement;
    use crate::registry;

    #[test]
    fn notation_becomes_tex() {
        assert_eq!(statement("a_t ≤ ½√(x²)"), "$a_{t}$ $\\le $ $\\tfrac12 \\sqrt{x^{2}}$");
        assert_eq!(statement("where 5 % of it"), "where $5$ $\\%$ of it");
    }

    #[test]
    fn every_statement_is_ascii_with_balanced_braces() {
        for claim in registry() {
            for text in claim.statements.iter().map(|s| statement(s.text)) {
                assert!(text.is_ascii(), "{text}");
                let count = |c: char| {
                    let escaped = format!("\\{c}");
                    text.matches(c).count() - text.matches(&escaped).count()
                };
                assert_eq!(count('{'), count('}'), "{text}");
                assert_eq!(text.matches('$').count() % 2, 0, "{text}");
            }
        }
    }
}

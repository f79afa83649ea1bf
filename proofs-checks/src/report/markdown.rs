//! The registry as a page of documentation.

use std::fmt::Write;

use super::{
    legend::{LEGEND, PAPER},
    text::render,
};
use crate::Claim;

/// Every claim with its source, what it assumes, its statements and the outcome each is expected to
/// have, as Markdown.
///
/// ```
/// use mirrorflow_proofs_checks::{registry, report::markdown};
/// assert!(markdown(registry()).contains("## thm-3.1"));
/// ```
pub fn markdown(claims: &[Claim]) -> String {
    let mut out = format!(
        "# The claims\n\nOf [arXiv 2408.09966, version 1]({PAPER}) and of what it stands on. Written from \
         the registry; `mirrorflow verify ID` checks one, with its numbers, controls and \
         counterexamples.\n\n"
    );
    for (word, meaning) in LEGEND[..2].iter().flat_map(|(_, words)| *words) {
        let _ = writeln!(out, "- *{word}*: {meaning}");
    }
    for claim in claims {
        let _ = write!(out, "\n## {}\n\n{}. *{}.*\n", claim.id, capital(claim.title), claim.source);
        if !claim.assumptions.is_empty() {
            let _ = write!(out, "\nAssumes: {}.\n", render(&claim.assumptions.join("; ")));
        }
        out.push_str("\n| form | statement | outcome |\n|---|---|---|\n");
        for s in &claim.statements {
            let text = render(s.text).replace('|', "\\|");
            let _ = writeln!(out, "| {} | `{text}` | {} |", s.form.label(), s.expected.name());
        }
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

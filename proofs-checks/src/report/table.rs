//! The terminal table: one row per statement, statements wrapped, colour only where asked for.

use std::fmt::Write as _;

use super::Report;
use crate::{Effort, Finding, Outcome, Table};

const ID: usize = 18;
const FORM: usize = 11;
const OUTCOME: usize = 12;
const GRADE: usize = 9;
const WORST: usize = 20;
const TIME: usize = 7;

/// Renders `report` for `width` columns (at least 100 are used).
pub(super) fn render(report: &Report, width: usize, color: bool) -> String {
    let text_width = width.max(100) - (ID + FORM + OUTCOME + GRADE + WORST + TIME + 12);
    let mut out = String::new();
    row(
        &mut out,
        text_width,
        ["claim", "form", "statement", "outcome", "grade", "worst / tolerance", "time"],
        None,
    );
    let rule: usize = ID + FORM + OUTCOME + GRADE + WORST + TIME + 12 + text_width;
    let _ = writeln!(out, "{}", "─".repeat(rule));
    for claim in &report.claims {
        if let Some(error) = &claim.error {
            row(
                &mut out,
                text_width,
                [claim.id, "", error, "not run", "", "", ""],
                color.then_some("31"),
            );
        }
        for (k, s) in claim.statements.iter().enumerate() {
            let expected = s.finding.outcome == s.statement.expected;
            let paint = match (expected, s.finding.outcome) {
                (false, _) => "31;1",
                (true, Outcome::Holds) => "32",
                (true, _) => "33",
            };
            let outcome = outcome(s.finding.outcome, expected);
            let worst = worst(&s.finding);
            let time = if k == 0 { format!("{:.1} s", claim.seconds) } else { String::new() };
            row(
                &mut out,
                text_width,
                [
                    if k == 0 { claim.id } else { "" },
                    s.statement.form.label(),
                    s.statement.text,
                    &outcome,
                    s.finding.grade.name(),
                    &worst,
                    &time,
                ],
                color.then_some(paint),
            );
        }
    }
    let _ = writeln!(out, "{}", "─".repeat(rule));
    let (hold, fail, wrong) = report.counts();
    let _ = writeln!(
        out,
        "{hold} statements hold, {fail} fail as was derived, {wrong} not as expected; {:.1} s, seed {}{}",
        report.seconds,
        report.budget.seed,
        match report.budget.effort {
            Effort::Default => String::new(),
            other => format!(", {}", other.name()),
        },
    );
    details(&mut out, report);
    out
}

fn outcome(outcome: Outcome, expected: bool) -> String {
    let name = outcome.name();
    if expected { name.to_owned() } else { format!("{name} (!)") }
}

fn worst(finding: &Finding) -> String {
    finding
        .worst
        .as_ref()
        .map_or_else(|| "—".into(), |w| format!("{:.1e} / {:.1e}", w.value, w.tolerance))
}

/// Counterexamples, alarms and tables below the main table.
fn details(out: &mut String, report: &Report) {
    for claim in &report.claims {
        // The statements of a claim share their instances: each is named once.
        let skipped: std::collections::BTreeSet<&str> =
            claim.statements.iter().flat_map(|s| &s.finding.skipped).map(String::as_str).collect();
        for why in skipped {
            let _ = writeln!(out, "\n{}, not counted: {why}", claim.id);
        }
        for s in &claim.statements {
            if let (Outcome::Fails, Some(c)) = (s.finding.outcome, &s.finding.counterexample) {
                let _ = writeln!(
                    out,
                    "\n{} {}: {}\n  {}",
                    claim.id,
                    s.statement.form.label(),
                    c.instance,
                    c.by_hand
                );
                if let Some(proof) = &c.proof {
                    let _ = writeln!(
                        out,
                        "  proven: {} against {} ({})",
                        proof.lhs, proof.rhs, proof.how
                    );
                }
            }
            if s.finding.outcome != s.statement.expected {
                let at = s.finding.worst.as_ref().map_or("nothing was measured", |w| w.at.as_str());
                let _ = writeln!(
                    out,
                    "\n{} {} is not as expected: {at}",
                    claim.id,
                    s.statement.form.label()
                );
                for control in s.finding.controls.iter().chain(&s.finding.mutants) {
                    if !control.failed {
                        let _ = writeln!(out, "  its control did not fail: {}", control.dropped);
                    }
                }
            }
            for table in &s.finding.tables {
                let _ = write!(out, "\n{}", table.text());
            }
        }
    }
}

impl Table {
    /// The table as aligned text below its caption.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.caption);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|c| {
                let cells = self.rows.iter().filter_map(|r| r.get(c)).chain(self.columns.get(c));
                cells.map(|s| s.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for line in std::iter::once(&self.columns).chain(&self.rows) {
            let cells: Vec<String> =
                line.iter().zip(&widths).map(|(c, &w)| format!("{c:>w$}")).collect();
            let _ = writeln!(out, "  {}", cells.join("  "));
        }
        out
    }
}

/// One row; the statement wraps, the other cells stand on its first line.
fn row(out: &mut String, text_width: usize, cells: [&str; 7], paint: Option<&str>) {
    for (k, line) in wrap(cells[2], text_width).iter().enumerate() {
        let cell = |i: usize| if k == 0 { cells[i] } else { "" };
        let outcome = format!("{:<OUTCOME$}", cell(3));
        let outcome = match paint {
            Some(code) if k == 0 => format!("\u{1b}[{code}m{outcome}\u{1b}[0m"),
            _ => outcome,
        };
        let text = format!(
            "{:<ID$}  {:<FORM$}  {line:<text_width$}  {outcome}  {:<GRADE$}  {:<WORST$}  {:>TIME$}",
            cell(0),
            cell(1),
            cell(4),
            cell(5),
            cell(6)
        );
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

/// Greedy wrapping at spaces; a longer word stands alone.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().map_or(0, |l| l.chars().count());
        if last > 0 && last + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            if last > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wrapping_keeps_every_word_within_the_width() {
        let text = "x_∞ = argmin R_a(x) subject to Zx = y for a = (β/2) e^{−4A_∞}";
        for width in [8, 16, 30] {
            let lines = wrap(text, width);
            assert_eq!(lines.join(" "), text);
            assert!(lines.iter().all(|l| l.chars().count() <= width || !l.contains(' ')));
        }
    }
}

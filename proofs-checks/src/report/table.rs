//! The terminal table: one row per statement, statements wrapped, colour only where asked for.

use std::{collections::BTreeMap, fmt::Write as _};

use mirrorflow::numerics::written::written;

use super::{ClaimReport, Report, legend, text};
use crate::{Effort, Finding, Outcome, Table};

const ID: usize = 17;
const FORM: usize = 14;
const OUTCOME: usize = 12;
const GRADE: usize = 9;
const WORST: usize = 18;
const TIME: usize = 6;
/// Instances that are named for one reason not to count.
const NAMED: usize = 3;

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
                    &text::render(s.statement.text),
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
    let _ = writeln!(
        out,
        "{}; {:.1} s, seed {}{}",
        report.summary(),
        report.seconds,
        report.budget.seed,
        match report.budget.effort {
            Effort::Default => String::new(),
            other => format!(", {}", other.name()),
        },
    );
    out.push_str(&legend());
    details(&mut out, report);
    out
}

/// What the words of the table mean, in six lines.
fn legend() -> String {
    let mut out = String::new();
    let indent = legend::LEGEND.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, words) in legend::LEGEND {
        let meaning = |(word, meaning): &(&str, &str)| match *word {
            "" => (*meaning).to_owned(),
            word => format!("{word}: {meaning}"),
        };
        let text: Vec<String> = words.iter().map(meaning).collect();
        let _ = writeln!(out, "{name:<indent$}  {}", text.join("; "));
    }
    out
}

fn outcome(outcome: Outcome, expected: bool) -> String {
    let name = outcome.name();
    if expected { name.to_owned() } else { format!("{name} (!)") }
}

fn worst(finding: &Finding) -> String {
    finding.worst.as_ref().map_or_else(
        || "—".into(),
        |w| format!("{} / {}", written(w.value, 2), written(w.tolerance, 2)),
    )
}

/// Counterexamples, alarms and tables below the main table.
fn details(out: &mut String, report: &Report) {
    for claim in &report.claims {
        not_counted(out, claim);
        for s in &claim.statements {
            if let (Outcome::Fails, Some(c)) = (s.finding.outcome, &s.finding.counterexample) {
                let _ = writeln!(
                    out,
                    "\n{} {}: {}\n  {}",
                    claim.id,
                    s.statement.form.label(),
                    text::render(&c.instance),
                    text::render(&c.by_hand)
                );
                if let Some(proof) = &c.proof {
                    let (what, how) = (text::render(&proof.to_string()), text::render(&proof.how));
                    let _ = writeln!(out, "  proven: {what} ({how})");
                }
            }
            if s.finding.outcome != s.statement.expected {
                let at = s.finding.worst.as_ref().map_or("nothing was measured", |w| w.at.as_str());
                let at = text::rounded(at);
                let _ = writeln!(
                    out,
                    "\n{} {} is not as expected: {at}",
                    claim.id,
                    s.statement.form.label()
                );
                for control in s.finding.controls.iter().chain(&s.finding.mutants) {
                    if !control.failed {
                        let dropped = text::render(&control.dropped);
                        let _ = writeln!(out, "  its control did not fail: {dropped}");
                    }
                }
            }
            for table in &s.finding.tables {
                let _ = write!(out, "\n{}, {}", claim.id, table.text());
            }
        }
    }
}

/// The instances of a claim that do not count, by their reasons; its statements share them.
fn not_counted(out: &mut String, claim: &ClaimReport) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in claim.statements.iter().flat_map(|s| &s.finding.skipped) {
        let (instance, why) = entry.rsplit_once(": ").unwrap_or((entry, "no reason is known"));
        let instances = reasons.entry(why).or_default();
        if !instances.contains(&instance) {
            instances.push(instance);
        }
    }
    for (why, instances) in reasons {
        let named =
            instances.iter().take(NAMED).map(|name| text::rounded(name)).collect::<Vec<_>>();
        let named = named.join("; ");
        let more = match instances.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let count = match instances.len() {
            1 => "1 instance".to_owned(),
            count => format!("{count} instances"),
        };
        let why = text::render(why);
        let _ = writeln!(out, "\n{}, not counted: {count}, {why} ({named}{more})", claim.id);
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
    use super::{legend, wrap};

    #[test]
    fn the_words_are_explained_in_six_lines_of_the_width() {
        let text = legend();
        assert!(text.lines().count() <= 6, "{text}");
        assert!(text.lines().all(|l| l.chars().count() <= 120), "{text}");
        for word in
            ["not in general", "certified", "negative", "not counted", "fails", "2408.09966v1"]
        {
            assert!(text.contains(word), "{word} in\n{text}");
        }
    }

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

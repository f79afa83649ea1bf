//! The report as one self-contained page: no network, light and dark, readable on a phone, usable
//! without scripts (they only sort and filter).

use std::fmt::Write;

use mirrorflow::numerics::written::written;

use super::{
    ClaimReport, Illustrations, Report, StatementReport,
    legend::{Entry, LEGEND, PAPER},
    mathml::{escape, render as math},
    picture, text,
};
use crate::{Control, Counterexample, Table, proof::outward};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page shows beyond the table of the terminal.
const EVIDENCE: [Entry; 2] = [
    (
        "evidence",
        &[
            ("without", "the check with an assumption dropped must fail"),
            ("mutants", "with a constant changed it must fail"),
            ("search", "instances made to refute the statement"),
        ],
    ),
    (
        "counterexample",
        &[
            ("●", "the two quantities that the statement compares"),
            ("proven", "intervals that hold them, too far apart for the statement"),
        ],
    ),
];

/// The whole page.
pub(super) fn render(report: &Report, illustrations: &Illustrations) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mirrorflow: the claims</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <h1>Mask in the Mirror: the claims, as printed and as they hold</h1>\n\
         <p class=\"about\">Of <a href=\"{PAPER}\">arXiv 2408.09966, version 1</a>, and of what it \
         stands on: {}. mirrorflow {}, seed {}, {} budget, {:.0} s.</p>\n",
        illustrations.style,
        report.summary(),
        escape(report.version),
        report.budget.seed,
        report.budget.effort.name(),
        report.seconds,
    );
    legend(&mut out);
    out.push_str(
        "<form class=\"controls\" onsubmit=\"return false\">\
         <label>search<input id=\"text\" type=\"search\" autocomplete=\"off\"></label>\
         <label>outcome<select id=\"outcome\"><option value=\"\">all</option><option>holds</option>\
         <option>fails</option><option>inconclusive</option></select></label>\
         <label>grade<select id=\"grade\"><option value=\"\">all</option><option>certified</option>\
         <option>numerical</option><option>empirical</option></select></label>\
         <label>form<select id=\"form\"><option value=\"\">all</option><option>as printed</option>\
         <option>as it holds</option><option>not in general</option><option>cross-check</option></select></label>\
         <output id=\"shown\"></output></form>\n\
         <table class=\"claims\"><thead><tr>\
         <th><button type=\"button\" data-key=\"id\">claim</button></th>\
         <th><button type=\"button\" data-key=\"order\">statement</button></th>\
         <th><button type=\"button\" data-key=\"form\">form</button></th>\
         <th><button type=\"button\" data-key=\"outcome\">outcome</button></th>\
         <th><button type=\"button\" data-key=\"grade\">grade</button></th>\
         </tr></thead>\n<tbody>\n",
    );
    let mut order = 0;
    for claim in &report.claims {
        if let Some(error) = &claim.error {
            let _ = writeln!(
                out,
                "<tr data-order=\"{order}\" data-id=\"{id}\" data-outcome=\"inconclusive\" \
                 data-grade=\"\" data-form=\"\"><td class=\"id\">{id}</td>\
                 <td class=\"statement\">{}</td><td></td>\
                 <td class=\"unexpected\">not run</td><td></td></tr>",
                escape(error),
                id = escape(claim.id),
            );
            order += 1;
        }
        for statement in &claim.statements {
            row(&mut out, claim, statement, order, illustrations);
            order += 1;
        }
    }
    out.push_str("</tbody></table>\n");
    let shown = report.claims.iter().map(|c| c.id).collect::<Vec<_>>();
    if illustrations.figures.iter().any(|f| f.claims.iter().any(|c| shown.contains(c))) {
        out.push_str("<section class=\"figures\">\n");
        for figure in &illustrations.figures {
            if figure.claims.iter().any(|c| shown.contains(c)) {
                out.push_str(&figure.html);
            }
        }
        out.push_str("</section>\n");
    }
    let _ = write!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

/// What the words of the table mean.
fn legend(out: &mut String) {
    out.push_str("<details class=\"legend\" open><summary>what the words mean</summary><dl>");
    for (name, words) in LEGEND.iter().chain(&EVIDENCE) {
        let _ = write!(out, "<dt>{name}</dt><dd>");
        for (k, (word, meaning)) in words.iter().enumerate() {
            let word = match *word {
                "" => String::new(),
                word => format!("<b>{}</b>: ", escape(word)),
            };
            let _ = write!(out, "{}{word}{}", if k == 0 { "" } else { "; " }, escape(meaning));
        }
        out.push_str("</dd>");
    }
    out.push_str("</dl></details>\n");
}

fn row(
    out: &mut String,
    claim: &ClaimReport,
    s: &StatementReport,
    order: usize,
    illustrations: &Illustrations,
) {
    let (outcome, grade) = (s.finding.outcome.name(), s.finding.grade.name());
    let form = s.statement.form.label();
    let expected = s.finding.outcome == s.statement.expected;
    let class = if expected { outcome } else { "unexpected" };
    let note = if expected { "" } else { " (not as expected)" };
    let id = escape(claim.id);
    let _ = write!(
        out,
        "<tr data-order=\"{order}\" data-id=\"{id}\" data-outcome=\"{outcome}\" \
         data-grade=\"{grade}\" data-form=\"{form}\">\
         <td class=\"id\">{id}<span class=\"title\">{}</span></td><td class=\"statement\">{}",
        escape(claim.title),
        math(s.statement.text),
    );
    if let Some(found) = &s.finding.counterexample {
        example(out, found);
    }
    evidence(out, claim, s);
    for figure in illustrations.of(claim.id) {
        let name = escape(&figure.name);
        let _ = write!(out, "<a class=\"see\" href=\"#{name}\">figure {name}</a> ");
    }
    let _ = writeln!(
        out,
        "</td><td class=\"short\" data-label=\"form\">{form}</td>\
         <td class=\"short\" data-label=\"outcome\"><span class=\"{class}\">{outcome}{note}</span></td>\
         <td class=\"short\" data-label=\"grade\">{grade}</td></tr>"
    );
}

fn example(out: &mut String, found: &Counterexample) {
    let _ = write!(
        out,
        "<div class=\"example\"><p>{}</p><p>{}</p>{}",
        math(&found.instance),
        math(&found.by_hand),
        picture::sides(found),
    );
    if let Some(proof) = &found.proof {
        let _ = write!(
            out,
            "<p class=\"where\">Proven: {} {}, {} {}, by {}.</p>",
            math(&proof.of[0]),
            escape(&outward(proof.lhs)),
            math(&proof.of[1]),
            escape(&outward(proof.rhs)),
            math(&proof.how)
        );
    }
    let _ = write!(out, "<p class=\"where\">{}</p></div>", escape(found.found));
}

fn evidence(out: &mut String, claim: &ClaimReport, s: &StatementReport) {
    let f = &s.finding;
    out.push_str("<details><summary>evidence</summary><dl>");
    let mut item = |name: &str, text: String| {
        let _ = write!(out, "<dt>{name}</dt><dd>{text}</dd>");
    };
    item("source", escape(claim.source));
    if !claim.assumptions.is_empty() {
        let texts: Vec<String> = claim.assumptions.iter().map(|a| math(a)).collect();
        item("assumes", texts.join("; "));
    }
    item("instances", f.instances.to_string());
    if let Some(worst) = &f.worst {
        let text = format!(
            "{} against a tolerance of {}, at {}",
            written(worst.value, 3),
            written(worst.tolerance, 2),
            text::rounded(&worst.at)
        );
        item("worst", escape(&text));
    }
    if !f.tolerance.is_empty() {
        item("tolerance", math(f.tolerance));
    }
    if let Some(search) = &f.search {
        let worst = match search.worst_ratio {
            ratio if ratio > 1.0 => format!("misses by {} times", written(ratio, 3)),
            ratio => format!("takes {} of", written(ratio, 3)),
        };
        let text = format!(
            "{} instances tried for a counterexample; the worst {worst} its tolerance",
            search.tried
        );
        item("search", escape(&text));
    }
    if !f.skipped.is_empty() {
        item("not counted", escape(&text::rounded(&f.skipped.join("; "))));
    }
    let failing = |controls: &[Control]| {
        let text = |c: &Control| {
            format!("{}: {}", math(&c.dropped), if c.failed { "fails" } else { "does not fail" })
        };
        controls.iter().map(text).collect::<Vec<_>>().join("; ")
    };
    if !f.controls.is_empty() {
        item("without", failing(&f.controls));
    }
    if !f.mutants.is_empty() {
        item("mutants", failing(&f.mutants));
    }
    out.push_str("</dl>");
    for t in &f.tables {
        table(out, t);
    }
    out.push_str("</details>");
}

fn table(out: &mut String, table: &Table) {
    let _ = write!(
        out,
        "<div class=\"scroll\"><table class=\"numbers\"><caption>{}</caption><tr>",
        escape(&table.caption)
    );
    for column in &table.columns {
        let _ = write!(out, "<th>{}</th>", escape(column));
    }
    out.push_str("</tr>");
    for row in &table.rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div>");
}

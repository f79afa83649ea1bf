//! The report of a run: a stable structure, written as JSON and shown as a table.

mod html;
mod legend;
mod markdown;
mod math;
mod mathml;
mod picture;
mod table;
mod tex;
mod text;

pub use markdown::markdown;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{Budget, Check, Claim, Effort, Finding, Form, Grade, Outcome, Statement};
use mirrorflow::{Error, Result, io::write_atomically};

/// A statement with what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatementReport {
    /// The statement and the outcome expected of it.
    #[serde(flatten)]
    pub statement: Statement,
    /// What the check found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// A claim with what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimReport {
    /// Short name.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Where it is printed.
    pub source: &'static str,
    /// What an instance must satisfy to count.
    pub assumptions: Vec<&'static str>,
    /// Its statements.
    pub statements: Vec<StatementReport>,
    /// Why the check could not run, where it could not.
    pub error: Option<String>,
    /// Wall-clock time.
    pub seconds: f64,
}

impl ClaimReport {
    /// Joins the statements of a claim with its findings.
    pub fn new(claim: &Claim, findings: Check, seconds: f64) -> Self {
        let (findings, error) = match findings {
            Ok(found) if found.len() == claim.statements.len() => (found, None),
            Ok(found) => {
                let text = format!(
                    "the check returned {} findings for {} statements",
                    found.len(),
                    claim.statements.len()
                );
                (Vec::new(), Some(text))
            }
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let statements = claim
            .statements
            .iter()
            .zip(findings)
            .map(|(&statement, finding)| StatementReport { statement, finding })
            .collect();
        Self {
            id: claim.id,
            title: claim.title,
            source: claim.source,
            assumptions: claim.assumptions.clone(),
            statements,
            error,
            seconds,
        }
    }

    /// Whether every statement has the outcome expected of it.
    pub fn in_order(&self) -> bool {
        self.error.is_none()
            && self.statements.iter().all(|s| s.finding.outcome == s.statement.expected)
    }
}

/// Everything a run found. Its JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name and version of this JSON form.
    pub schema: &'static str,
    /// Version of the toolkit.
    pub version: &'static str,
    /// Seed and size.
    pub budget: Budget,
    /// Wall-clock time of the whole run.
    pub seconds: f64,
    /// Where what is "as printed" is printed.
    pub paper: &'static str,
    /// The claims in the order checked.
    pub claims: Vec<ClaimReport>,
}

impl Report {
    /// Gathers a run.
    pub fn new(budget: Budget, claims: Vec<ClaimReport>, seconds: f64) -> Self {
        Self {
            schema: "mirrorflow-report/1",
            version: mirrorflow::VERSION,
            budget,
            seconds,
            paper: legend::PAPER,
            claims,
        }
    }

    /// Whether every statement of every claim has the outcome expected of it.
    pub fn in_order(&self) -> bool {
        self.claims.iter().all(ClaimReport::in_order)
    }

    /// How many statements came out how: (hold, fail as expected, out of order).
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for claim in &self.claims {
            if claim.error.is_some() {
                counts.2 += 1;
            }
            for s in &claim.statements {
                match (s.finding.outcome, s.finding.outcome == s.statement.expected) {
                    (_, false) => counts.2 += 1,
                    (Outcome::Holds, true) => counts.0 += 1,
                    (_, true) => counts.1 += 1,
                }
            }
        }
        counts
    }

    /// How it ended, in a line: what holds, what fails as was derived, what is not as expected.
    pub fn summary(&self) -> String {
        let (hold, fail, wrong) = self.counts();
        let statements = || self.claims.iter().flat_map(|c| &c.statements);
        let general = statements()
            .filter(|s| s.statement.form == Form::NotInGeneral)
            .filter(|s| s.finding.outcome == s.statement.expected)
            .count();
        let printed = fail - general.min(fail);
        let (s, hold_s) = if hold == 1 { ("", "s") } else { ("s", "") };
        let fail_s = if fail == 1 { "s" } else { "" };
        format!(
            "{hold} statement{s} hold{hold_s}, {fail} fail{fail_s} as was derived ({printed} as printed, {general} not in \
             general), {wrong} not as expected"
        )
    }

    /// The table for a terminal of `width` columns.
    pub fn table(&self, width: usize, color: bool) -> String {
        table::render(self, width, color)
    }

    /// Pretty-printed JSON.
    ///
    /// # Errors
    /// When serialization fails (it does not for this structure).
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| Error::Domain {
            what: "the report".into(),
            expected: "serializable".into(),
            found: e.to_string(),
        })
    }

    /// One self-contained page: sortable, filterable, with every counterexample and the figures of its claims.
    pub fn to_html(&self, illustrations: &Illustrations) -> String {
        html::render(self, illustrations)
    }

    /// A LaTeX table of the statements and their outcomes.
    pub fn to_tex(&self) -> String {
        tex::render(self)
    }

    /// Writes `report.json`, `report.html` and `report.tex` into `folder` (made if absent), each
    /// beside and then renamed, and returns their paths.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path, illustrations: &Illustrations) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder).map_err(|e| Error::File {
            path: folder.to_owned(),
            why: format!("cannot make the folder: {e}"),
        })?;
        let files = [
            ("json", self.to_json()?),
            ("html", self.to_html(illustrations)),
            ("tex", self.to_tex()),
        ];
        let mut written = Vec::new();
        for (ending, text) in files {
            let path = folder.join(format!("report.{ending}"));
            write_atomically(&path, text.as_bytes())?;
            written.push(path);
        }
        Ok(written)
    }
}

/// Figures for the page, drawn elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Illustrations {
    /// Style sheet of the figures.
    pub style: String,
    /// The figures, in order.
    pub figures: Vec<Illustration>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Illustration {
    /// Its name, which is the `id` of its element.
    pub name: String,
    /// The claims it belongs to.
    pub claims: Vec<&'static str>,
    /// Its element.
    pub html: String,
}

impl Illustrations {
    /// The figures of a claim.
    pub fn of<'a>(&'a self, claim: &'a str) -> impl Iterator<Item = &'a Illustration> {
        self.figures.iter().filter(move |f| f.claims.contains(&claim))
    }
}

impl Form {
    /// As the table says it.
    pub fn label(self) -> &'static str {
        match self {
            Self::AsPrinted => "as printed",
            Self::AsItHolds => "as it holds",
            Self::NotInGeneral => "not in general",
            Self::CrossCheck => "cross-check",
        }
    }
}

impl Outcome {
    /// As the reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl Grade {
    /// As the reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::Numerical => "numerical",
            Self::Empirical => "empirical",
        }
    }
}

impl Effort {
    /// As the reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Thorough => "thorough",
        }
    }
}

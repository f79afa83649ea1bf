//! The whole table for two seeds: every outcome as derived, the same for both; controls and mutants
//! fail; the reports are complete.

use std::{collections::BTreeSet, sync::LazyLock};

use mirrorflow_proofs_checks::{
    Budget, Claim, Effort, Form, Illustrations, Outcome, Report, registry, run,
};

static REPORTS: LazyLock<[Report; 2]> = LazyLock::new(|| {
    [1, 20_241].map(|seed| {
        let claims: Vec<&Claim> = registry().iter().collect();
        run(&claims, Budget { effort: Effort::Quick, seed }, &mut |_| {})
    })
});

#[test]
fn every_outcome_is_as_derived_for_both_seeds() {
    for report in REPORTS.iter() {
        assert!(report.in_order(), "{}", report.table(120, false));
    }
    let outcomes = REPORTS.each_ref().map(|report| {
        let statements = report.claims.iter().flat_map(|c| &c.statements);
        statements.map(|s| (s.statement.text, s.finding.outcome)).collect::<Vec<_>>()
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn what_holds_shows_that_its_check_can_fail() {
    for claim in &REPORTS[0].claims {
        for s in claim.statements.iter().filter(|s| s.finding.outcome == Outcome::Holds) {
            let f = &s.finding;
            assert!(!f.controls.is_empty(), "{}: {} has no control", claim.id, s.statement.text);
            assert!(f.controls.iter().chain(&f.mutants).all(|c| c.failed), "{}", claim.id);
        }
    }
}

#[test]
fn a_wrong_constant_is_noticed_in_at_least_twelve_claims() {
    let with_mutants: BTreeSet<&str> = REPORTS[0]
        .claims
        .iter()
        .filter(|c| c.statements.iter().any(|s| !s.finding.mutants.is_empty()))
        .map(|c| c.id)
        .collect();
    assert!(with_mutants.len() >= 12, "{with_mutants:?}");
    for report in REPORTS.iter() {
        for mutant in
            report.claims.iter().flat_map(|c| &c.statements).flat_map(|s| &s.finding.mutants)
        {
            assert!(mutant.failed, "{} goes unnoticed", mutant.dropped);
        }
    }
}

#[test]
fn what_fails_as_printed_comes_with_a_counterexample_and_mostly_a_proof() {
    let failing: Vec<_> = REPORTS[0]
        .claims
        .iter()
        .flat_map(|c| &c.statements)
        .filter(|s| s.finding.outcome == Outcome::Fails)
        .collect();
    assert!(failing.iter().all(|s| s.finding.counterexample.is_some()));
    let proven = failing
        .iter()
        .filter(|s| s.finding.counterexample.as_ref().is_some_and(|c| c.proof.is_some()));
    assert!(proven.count() >= 12);
    // What good looks like.
    let rate =
        failing.iter().find(|s| s.statement.text.contains("for some C")).expect("Theorem 3.2");
    let found = rate.finding.counterexample.as_ref().expect("checked above");
    assert!(found.instance.starts_with("Z = [1 1], y = 1,"), "{}", found.instance);
}

#[test]
fn the_page_is_whole_and_needs_no_network() {
    let page = REPORTS[0].to_html(&Illustrations::default());
    for forbidden in ["http://", "src=", "@import", "NaN", "^{", "_{"] {
        assert!(!page.contains(forbidden), "{forbidden} in the page");
    }
    // A link to the paper, which is followed only by hand.
    let link = "<a href=\"https://arxiv.org/abs/2408.09966v1\">";
    assert_eq!([page.matches(link).count(), page.matches("https://").count()], [1, 1]);
    assert!(page.contains("what the words mean") && page.contains("<option>not in general"));
    for tag in
        ["math", "mrow", "msub", "msup", "msqrt", "table", "tr", "td", "svg", "details", "div"]
    {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let fails = page.matches("data-outcome=\"fails\"").count();
    assert_eq!(page.matches("<div class=\"example\">").count(), fails);
    assert!(page.matches("<svg").count() >= fails - 1);
}

/// What holds does not fail in another row: what goes beyond it has a form of its own, in every report.
#[test]
fn statements_beyond_what_holds_have_a_form_of_their_own() {
    let report = &REPORTS[0];
    for s in report.claims.iter().flat_map(|c| &c.statements) {
        if s.finding.outcome == Outcome::Fails {
            assert!(matches!(s.statement.form, Form::AsPrinted | Form::NotInGeneral));
        }
    }
    let table = report.table(120, false);
    let row = |form: &str, outcome: &str| {
        table.lines().filter(|l| l.contains(form) && l.contains(outcome)).count()
    };
    assert_eq!(row(" as it holds  ", " fails "), 0, "{table}");
    assert_eq!(row(" not in general  ", " fails "), 5, "{table}");
    assert!(table.contains("11 as printed, 5 not in general"), "{table}");
    assert!(report.to_tex().contains("& not in general &"));
    assert!(report.to_json().expect("serializable").contains("\"not-in-general\""));
}

/// Nothing on the terminal is for a typesetter or for a machine.
#[test]
fn the_table_is_written_for_people() {
    let table = REPORTS[0].table(120, true);
    for unread in ["^{", "_{", "\\", "$", "e0 ", "0e0", "NaN"] {
        assert!(!table.contains(unread), "{unread} in\n{table}");
    }
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    let longest = table.split_whitespace().max_by_key(|word| digits(word)).unwrap_or_default();
    assert!(digits(longest) <= 20, "{longest}");
    for line in table.lines().filter(|l| l.contains("not counted:")) {
        assert!(line.contains(" instance") && !line.contains("no reason"), "{line}");
    }
}

/// In a counterexample's box a name stands for one quantity.
#[test]
fn both_sides_of_a_counterexample_have_names_of_their_own() {
    let page = REPORTS[0].to_html(&Illustrations::default());
    assert!(!page.contains("left side in") && !page.contains(">left side<"));
    for s in REPORTS[0].claims.iter().flat_map(|c| &c.statements) {
        let Some(found) = &s.finding.counterexample else { continue };
        assert_ne!(found.of[0], found.of[1], "{}", s.statement.text);
        assert_ne!(found.of[0], "left side", "{}", s.statement.text);
        let Some(proof) = &found.proof else { continue };
        // The same name is for the same quantity: what was measured lies in what was enclosed.
        for (name, at, inside) in
            [(found.of[0], found.lhs, proof.lhs), (found.of[1], found.rhs, proof.rhs)]
        {
            let same = proof.of.iter().any(|other| other == name);
            let slack = 1e-9 * (1.0 + inside.mag());
            let near = inside.lo() - slack <= at && at <= inside.hi() + slack;
            assert!(!same || near, "{name}: {at} outside {inside} of {}", s.statement.text);
        }
    }
}

#[test]
fn the_json_has_the_documented_fields() -> Result<(), serde_json::Error> {
    let text = REPORTS[0].to_json().expect("serializable");
    let json: serde_json::Value = serde_json::from_str(&text)?;
    let documented = include_str!("../../docs/report.md");
    fn check(value: &serde_json::Value, documented: &str) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    assert!(documented.contains(&format!("`{name}`")), "{name} is not documented");
                    // The data of an instance are its own.
                    if name != "data" {
                        check(value, documented);
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|v| check(v, documented)),
            _ => {}
        }
    }
    check(&json, documented);
    assert_eq!(json["schema"], "mirrorflow-report/1");
    Ok(())
}

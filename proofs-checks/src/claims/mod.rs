//! One file per claim; the registry drives `verify`, `--list`, reports and docs.

use std::sync::LazyLock;

use mirrorflow::{Error, Result, schedule::Schedule};
use rand_chacha::ChaCha8Rng;

use crate::{Case, Claim, Context, geometry::Geometry};

mod constant_decay;
mod constants_of_r;
mod cross_check;
mod df_dt;
mod effective_a;
mod identity_9;
mod lemma_a_1;
mod lemma_a_2;
mod lemma_a_3;
mod lemma_c_1;
mod li_2022;
mod limit_of_flow;
mod r_a_decreases;
mod rem_2_1;
mod rem_3_1;
mod saddle_to_saddle;
mod spred;
mod thm_2_1;
mod thm_2_2;
mod thm_2_3;
mod thm_2_4;
mod thm_3_1;
mod thm_3_2;
mod thm_3_3;
mod woodworth_2020;

static REGISTRY: LazyLock<Vec<Claim>> = LazyLock::new(|| {
    vec![
        thm_2_1::claim(),
        constants_of_r::claim(),
        rem_2_1::claim(),
        thm_2_2::claim(),
        thm_2_3::claim(),
        thm_2_4::claim(),
        thm_3_1::claim(),
        thm_3_2::claim(),
        rem_3_1::claim(),
        lemma_a_1::claim(),
        lemma_a_2::claim(),
        lemma_a_3::claim(),
        df_dt::claim(),
        identity_9::claim(),
        r_a_decreases::claim(),
        lemma_c_1::claim(),
        spred::claim(),
        constant_decay::claim(),
        thm_3_3::claim(),
        li_2022::claim(),
        woodworth_2020::claim(),
        effective_a::claim(),
        saddle_to_saddle::claim(),
        cross_check::claim(),
    ]
});

/// Whether the potential of the start exists: `|w₀| < m₀`, that is β > 0, elementwise.
fn potential_defined(case: &Case) -> bool {
    case.instance.start.beta().iter().all(|b| *b > 0.0)
}

/// Whether Z has full row rank, as far as floats can tell: then f is PL and its minimum 0.
fn full_row_rank(case: &Case) -> bool {
    Geometry::of(&case.instance.problem).is_some()
}

/// Every instance without weight decay.
fn cases_without_decay(context: &Context) -> Result<Vec<Case>> {
    Ok(context.instances()?.into_iter().map(|i| Case::new(i, Schedule::None)).collect())
}

/// Draws a case without weight decay.
fn draw_without_decay(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    Ok(Case { schedule: Schedule::None, ..Case::draw(rng, size)? })
}

/// Every claim, in the order of the paper; checks of the toolkit against itself come last.
///
/// ```
/// use mirrorflow_proofs_checks::registry;
/// assert!(registry().iter().any(|claim| claim.id == "thm-3.1"));
/// ```
pub fn registry() -> &'static [Claim] {
    &REGISTRY
}

/// The claims with these ids, in the registry's order; all of them for an empty list. Case and punctuation do not
/// matter, nor whether a word is written out: `THM 3.2`, `thm3.2` and `Theorem 3.2` are `thm-3.2`.
///
/// # Errors
/// When an id is not known; the message names the nearest ones.
///
/// # Examples
/// ```
/// use mirrorflow_proofs_checks::select;
/// assert_eq!(select(&["Lemma A.1".into()])?[0].id, "lemma-a.1");
/// assert!(select(&["thm-9".into()]).is_err());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn select(ids: &[String]) -> Result<Vec<&'static Claim>> {
    let ids: Vec<&str> = ids.iter().map(|id| known(id)).collect::<Result<_>>()?;
    Ok(REGISTRY.iter().filter(|c| ids.is_empty() || ids.contains(&c.id)).collect())
}

/// The id that a text means.
fn known(text: &str) -> Result<&'static str> {
    let wanted = key(text);
    if let Some(claim) = REGISTRY.iter().find(|c| key(c.id) == wanted) {
        return Ok(claim.id);
    }
    let shown = if text.chars().count() > LONGEST {
        format!("{:?}…", text.chars().take(LONGEST).collect::<String>())
    } else {
        format!("{text:?}")
    };
    let near = nearest(&wanted);
    let expected = if near.is_empty() {
        "an id of `mirrorflow verify --list`".to_owned()
    } else {
        format!("an id such as {} (`mirrorflow verify --list` has all)", near.join(", "))
    };
    Err(Error::Domain { what: "claim".into(), expected, found: shown })
}

/// Characters of a text that is no id that a message repeats.
const LONGEST: usize = 40;

/// What is compared of an id: its letters and digits, small, with the paper's words short.
fn key(text: &str) -> String {
    let small = text.to_lowercase();
    let mut key: String = small.chars().filter(|c| c.is_alphanumeric()).collect();
    for (long, short) in
        [("theorem", "thm"), ("remark", "rem"), ("equation", "identity"), ("eq", "identity")]
    {
        if let Some(rest) = key.strip_prefix(long) {
            key = format!("{short}{rest}");
        }
    }
    match key.strip_prefix("lem").filter(|rest| !rest.starts_with("ma")) {
        Some(rest) => format!("lemma{rest}"),
        None => key,
    }
}

/// The ids nearest to a key: those that contain it, else those that begin as it does, each by the changes it takes.
fn nearest(wanted: &str) -> Vec<&'static str> {
    const MOST: usize = 8;
    let ids = || REGISTRY.iter().map(|c| c.id);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut near: Vec<&str> = ids().filter(|id| key(id).contains(wanted)).collect();
    if near.is_empty() {
        // A third of its letters may be wrong.
        let allowed = wanted.chars().count().div_ceil(3);
        let word = |text: &str| text.chars().take_while(|c| c.is_alphabetic()).collect::<String>();
        near = ids()
            .filter(|id| {
                changes(wanted, &key(id)) <= allowed
                    || word(wanted).len() > 1 && word(wanted) == word(&key(id))
            })
            .collect();
    }
    near.sort_by_key(|id| changes(wanted, &key(id)));
    near.truncate(MOST);
    near
}

/// How many letters have to be inserted, left out or replaced to come from one to the other (Levenshtein).
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, c) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{changes, key, registry, select};
    use crate::{Form, Outcome};

    fn ids(text: &str) -> Result<Vec<&'static str>, String> {
        let found = select(&[text.to_owned()]).map_err(|e| e.to_string())?;
        Ok(found.iter().map(|c| c.id).collect())
    }

    #[test]
    fn ids_are_matched_without_regard_to_case_and_punctuation() {
        let keys: BTreeSet<_> = registry().iter().map(|c| key(c.id)).collect();
        assert_eq!(keys.len(), registry().len(), "two ids look the same");
        for claim in registry() {
            assert_eq!(ids(&claim.id.to_uppercase()), Ok(vec![claim.id]));
            assert_eq!(ids(&claim.id.replace(['-', '.', '_'], " ")), Ok(vec![claim.id]));
            assert_eq!(ids(&key(claim.id)), Ok(vec![claim.id]));
        }
        for (text, id) in [
            ("THM-3.2", "thm-3.2"),
            ("thm 3.2", "thm-3.2"),
            ("thm3.2", "thm-3.2"),
            ("(Theorem 3.2)", "thm-3.2"),
            ("lemma a.1", "lemma-a.1"),
            ("Lem A.1", "lemma-a.1"),
            ("Remark 2.1", "rem-2.1"),
            ("Equation (9)", "identity-9"),
            ("Eq. (9)", "identity-9"),
        ] {
            assert_eq!(ids(text), Ok(vec![id]));
        }
    }

    #[test]
    fn an_id_that_is_none_or_many_names_the_near_ones() {
        for (text, near) in [
            ("thm", &["thm-2.1", "thm-3.3"][..]),
            ("thm-9", &["thm-3.1"]),
            ("thm-3.22", &["thm-3.2"]),
            ("3.2", &["thm-3.2"]),
            ("lema a.1", &["lemma-a.1"]),
            ("woodwort", &["woodworth-2020"]),
            ("saddle", &["saddle-to-saddle"]),
            ("", &["--list"]),
            ("!?", &["--list"]),
            ("entirely other", &["--list"]),
        ] {
            let Err(line) = ids(text) else { panic!("{text:?} is no id") };
            assert!(near.iter().all(|id| line.contains(id)), "{text:?}: {line}");
            assert!(!line.contains('\n') && line.len() < 250, "{line}");
        }
        let Err(line) = ids(&"x".repeat(100_000)) else { panic!("no id") };
        assert!(line.len() < 250, "{line}");
        assert_eq!([changes("abc", "abc"), changes("abc", "axcd"), changes("", "ab")], [0, 2, 2]);
    }

    #[test]
    fn what_holds_holds_and_what_fails_has_a_form_of_its_own() {
        for (claim, s) in registry().iter().flat_map(|c| c.statements.iter().map(move |s| (c, s))) {
            match s.form {
                Form::AsItHolds | Form::CrossCheck => {
                    assert_eq!(s.expected, Outcome::Holds, "{}: {}", claim.id, s.text);
                }
                Form::NotInGeneral => assert_eq!(s.expected, Outcome::Fails, "{}", claim.id),
                Form::AsPrinted => {}
            }
        }
        let beyond = |s: &&crate::Statement| s.form == Form::NotInGeneral;
        assert_eq!(registry().iter().flat_map(|c| &c.statements).filter(beyond).count(), 5);
    }

    #[test]
    fn ids_are_unique_and_every_claim_says_what_holds() {
        let ids: BTreeSet<_> = registry().iter().map(|c| c.id).collect();
        assert_eq!(ids.len(), registry().len());
        for claim in registry() {
            let holds = claim
                .statements
                .iter()
                .any(|s| s.form != Form::AsPrinted && s.expected == Outcome::Holds);
            let printed_holds = claim.statements.iter().any(|s| s.expected == Outcome::Holds);
            assert!(holds || printed_holds, "{} has no statement that holds", claim.id);
        }
    }
}

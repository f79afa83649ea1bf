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

/// The claims with these ids, in the registry's order; all of them for an empty list.
///
/// # Errors
/// When an id is not known; the message names the nearest one.
///
/// # Examples
/// ```
/// assert_eq!(mirrorflow_proofs_checks::select(&["thm-3.1".into()])?.len(), 1);
/// assert!(mirrorflow_proofs_checks::select(&["thm-9".into()]).is_err());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn select(ids: &[String]) -> Result<Vec<&'static Claim>> {
    for id in ids {
        if !REGISTRY.iter().any(|c| c.id == id) {
            let known: Vec<&str> = REGISTRY.iter().map(|c| c.id).collect();
            return Err(Error::Domain {
                what: "claim".into(),
                expected: format!("one of {}", known.join(", ")),
                found: format!("{id:?}"),
            });
        }
    }
    Ok(REGISTRY.iter().filter(|c| ids.is_empty() || ids.iter().any(|i| i == c.id)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::registry;
    use crate::{Form, Outcome};

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

//! The falsifier: looks for instances that violate a statement, makes them as simple as they can be,
//! and proves that they do.
//!
//! 1. Draw: instances of the claim's domain, small ones first.
//! 2. Climb: from the worst of them, maximise violation/tolerance locally (Nelder–Mead).
//! 3. Shrink: drop samples and features, round numbers to 0, ±1, ½, …, as long as the violation
//!    stays beyond doubt.
//! 4. Prove: enclose both sides in interval arithmetic; the enclosures must be apart.
//!
//! A statement that should hold is searched too. There a violation found by climbing counts only
//! when it exceeds [`ALARM`] tolerances: maximisation seeks out the places where a derived tolerance
//! is tightest, and a constant in a derivation is no counterexample.

mod climb;
mod shrink;

use mirrorflow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    Context, Counterexample, Domain, Effort, Finding, Gap, Measured, Outcome, Proof, Search,
    check::{Judged, judge, worst},
    theory::{Law, Prepared, Theory},
};
pub(crate) use shrink::complexity;

/// Violation over tolerance from which a violation found by climbing counts, and which shrinking
/// keeps.
const ALARM: f64 = 10.0;
/// Real parameters beyond which a simplex search is hopeless.
const CLIMBABLE: usize = 40;

/// What may be tried.
struct Limits {
    draws: usize,
    climb: u64,
    shrink: usize,
}

fn limits(context: &Context, effort: f64) -> Limits {
    let (draws, climb, shrink) = match context.budget.effort {
        Effort::Quick => (16.0, 40.0, 200.0),
        Effort::Default => (60.0, 150.0, 400.0),
        Effort::Thorough => (1500.0, 1500.0, 4000.0),
    };
    let scaled = |count: f64| (count * effort).ceil().max(1.0);
    Limits {
        draws: scaled(draws) as usize,
        climb: scaled(climb) as u64,
        shrink: scaled(shrink) as usize,
    }
}

/// The generator of a claim: its own stream for every seed, whatever other claims run.
fn generator(id: &str, seed: u64) -> ChaCha8Rng {
    // FNV-1a.
    let stream = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Draws instances and judges them.
pub(crate) fn draw<I: Domain, P: Send + Sync + 'static>(
    theory: &Theory<I, P>,
    context: &Context,
) -> Result<Vec<(I, Judged)>> {
    let Some(draw) = theory.draw else { return Ok(Vec::new()) };
    let count = limits(context, theory.effort).draws;
    let mut rng = generator(theory.id, context.budget.seed);
    let drawn: Vec<I> =
        (0..count).map(|k| draw(&mut rng, k as f64 / count as f64)).collect::<Result<_>>()?;
    drawn
        .into_par_iter()
        .map(|instance| judge(theory, context, &instance, None).map(|judged| (instance, judged)))
        .collect()
}

/// The statement under attack.
pub(crate) struct Target<'a, I, P> {
    theory: &'a Theory<I, P>,
    law: &'a Law<I, P>,
    context: &'a Context,
}

impl<I: Domain, P: Send + Sync + 'static> Target<'_, I, P> {
    /// The worst measurement on an instance that satisfies the assumptions.
    fn measure(&self, instance: &I) -> Option<Measured> {
        let counts = self.theory.assumptions.iter().all(|a| (a.holds)(instance));
        if !counts {
            return None;
        }
        match (self.theory.prepare)(instance, self.context) {
            Ok(Prepared::Ready(prepared)) => {
                let name = instance.describe();
                worst(&self.law.measure, self.law.relation, instance, &prepared, &name)
            }
            _ => None,
        }
    }

    /// Whether it violates the statement beyond doubt.
    fn is_violated(&self, instance: &I) -> bool {
        self.measure(instance).is_some_and(|m| m.ratio() > ALARM)
    }

    /// A proof that holds water.
    fn proof(&self, instance: &I) -> Result<Option<Proof>> {
        let proof = match &self.law.prove {
            Some(prove) => prove(instance)?,
            None => None,
        };
        Ok(proof.filter(|p| p.refutes(self.law.relation)))
    }
}

/// Searches for a counterexample to statement `k`, starting from what was measured already, and puts
/// what it finds into `finding`.
pub(crate) fn search<I: Domain, P: Send + Sync + 'static>(
    theory: &Theory<I, P>,
    k: usize,
    context: &Context,
    instances: &[I],
    judged: &[Judged],
    drawn: &[(I, Judged)],
    finding: &mut Finding,
) -> Result<()> {
    let law = &theory.laws[k];
    let target = Target { theory, law, context };
    let limits = limits(context, theory.effort);
    // Everything that was measured, the worst first.
    let measured = instances.iter().zip(judged).chain(drawn.iter().map(|(i, j)| (i, j)));
    let mut ranked: Vec<(&I, &Measured)> = measured
        .filter_map(|(instance, judged)| match judged {
            Judged::Counted(on) => on.laws[k].as_ref().map(|m| (instance, m)),
            _ => None,
        })
        .collect();
    ranked.sort_by(|a, b| b.1.score().total_cmp(&a.1.score()));
    let mut tried = drawn.len();
    let mut worst_ratio = ranked.first().map_or(0.0, |r| r.1.ratio());

    let mut violating: Vec<(I, &'static str)> = Vec::new();
    for known in &law.known {
        violating.push((known()?, "known by hand"));
    }
    // The simplest of the violating instances, else the best one that climbing reaches.
    let simplest = ranked
        .iter()
        .filter(|(_, measured)| measured.ratio() > ALARM)
        .min_by_key(|(instance, _)| complexity(*instance));
    if let Some((instance, _)) = simplest {
        violating.push(((*instance).clone(), "found among the instances, then shrunk"));
    } else if theory.draw.is_some() {
        let start = ranked.iter().find(|(i, _)| (1..=CLIMBABLE).contains(&i.parameters().len()));
        if let Some((instance, _)) = start {
            let climbed = climb::climb(&target, instance, limits.climb);
            tried += climbed.tried;
            worst_ratio = worst_ratio.max(climbed.ratio);
            if climbed.ratio > ALARM {
                violating.push((climbed.instance, "found by local maximisation, then shrunk"));
            }
        }
    }
    let mut best: Option<(usize, Counterexample)> = None;
    for (instance, found) in violating {
        if found != "known by hand" && !target.is_violated(&instance) {
            continue;
        }
        let (instance, steps) = shrink::shrink(&target, instance, limits.shrink);
        tried += steps;
        if let Some((measured, counterexample)) = report(&target, &instance, found)? {
            if law.statement.expected == Outcome::Holds || finding.outcome != Outcome::Fails {
                finding.violated(measured);
            }
            // A proven one before any that is not, then the simplest.
            let cost =
                complexity(&instance) + if counterexample.proof.is_some() { 0 } else { 1_000_000 };
            if best.as_ref().is_none_or(|(old, _)| cost < *old) {
                best = Some((cost, counterexample));
            }
        }
    }
    if theory.draw.is_some() {
        finding.search = Some(Search { tried, worst_ratio });
    }
    if let Some((_, counterexample)) = best {
        if counterexample.proof.is_some() {
            finding.certify();
        }
        finding.counterexample = Some(counterexample);
    }
    Ok(())
}

/// Writes a violating instance up, with its proof where there is one; `None` where it does not
/// violate the statement after all.
fn report<I: Domain, P: Send + Sync + 'static>(
    target: &Target<'_, I, P>,
    instance: &I,
    found: &'static str,
) -> Result<Option<(Measured, Counterexample)>> {
    let proof = target.proof(instance)?;
    let Some(measured) = target.measure(instance) else { return Ok(None) };
    if measured.ratio() <= ALARM && proof.is_none() {
        return Ok(None);
    }
    // The instance is named beside it.
    let name = instance.describe();
    let place = measured.at.strip_prefix(&name).unwrap_or(&measured.at).trim_start_matches(", ");
    let gap = Gap::new(measured.lhs, measured.rhs, measured.tolerance).at(place);
    let by_hand = match &target.law.explain {
        Some(explain) => explain(instance, &gap),
        None => {
            let place =
                if gap.place.is_empty() { String::new() } else { format!(" ({})", gap.place) };
            let sign = target.law.relation.sign();
            format!("stated: {:.6e} {sign} {:.6e}{place}", gap.lhs, gap.rhs)
        }
    };
    let data = serde_json::to_value(instance).unwrap_or(serde_json::Value::Null);
    let (lhs, rhs, of) = (gap.lhs, gap.rhs, target.law.sides);
    let instance = name;
    let counterexample = Counterexample { instance, data, by_hand, lhs, rhs, of, proof, found };
    Ok(Some((measured, counterexample)))
}

#[cfg(test)]
mod tests;

//! Checks a [`Theory`]: measures every statement on every instance that counts, looks for
//! counterexamples beyond them, and makes sure that the controls and mutants fail.

use mirrorflow::Result;
use rayon::prelude::*;

use crate::{
    Check, Context, Control, Domain, Finding, Grade, Measured, Outcome, Relation, Tally, falsify,
    theory::{Dropped, Law, Measure, Prepared, Theory},
};

/// The worst measurements on one instance, law by law.
pub(crate) struct OnInstance {
    pub(crate) laws: Vec<Option<Measured>>,
    controls: Vec<Vec<Option<Measured>>>,
    mutants: Vec<Vec<Option<Measured>>>,
}

/// What became of one instance.
pub(crate) enum Judged {
    Counted(OnInstance),
    /// It does not satisfy an assumption: it is never counted.
    Outside,
    Undecided(String),
}

/// The worst of what `measure` finds.
pub(crate) fn worst<I: Domain, P>(
    measure: &Measure<I, P>,
    relation: Relation,
    instance: &I,
    prepared: &P,
    name: &str,
) -> Option<Measured> {
    let mut worst: Option<Measured> = None;
    for gap in measure(instance, prepared) {
        let new = gap.measured(relation, name);
        if worst.as_ref().is_none_or(|old| new.score() > old.score()) {
            worst = Some(new);
        }
    }
    worst
}

/// Judges `instance`; `ignored` is the text of an assumption that need not hold.
pub(crate) fn judge<I: Domain, P: Send + Sync + 'static>(
    theory: &Theory<I, P>,
    context: &Context,
    instance: &I,
    ignored: Option<&str>,
) -> Result<Judged> {
    if theory.assumptions.iter().any(|a| Some(a.text) != ignored && !(a.holds)(instance)) {
        return Ok(Judged::Outside);
    }
    let name = instance.describe();
    let prepared = match (theory.prepare)(instance, context)? {
        Prepared::Ready(prepared) => prepared,
        Prepared::Undecided(why) => return Ok(Judged::Undecided(format!("{name}: {why}"))),
    };
    let on = |law: &Law<I, P>, measure: &Measure<I, P>| {
        worst(measure, law.relation, instance, &prepared, &name)
    };
    Ok(Judged::Counted(OnInstance {
        laws: theory.laws.iter().map(|law| on(law, &law.measure)).collect(),
        controls: theory
            .laws
            .iter()
            .map(|law| {
                let measure = |d: &Dropped<I, P>| match d {
                    Dropped::Measure(_, measure) => on(law, measure),
                    Dropped::Instances(..) => None,
                };
                law.dropped.iter().map(measure).collect()
            })
            .collect(),
        mutants: theory
            .laws
            .iter()
            .map(|law| law.mutants.iter().map(|(_, measure)| on(law, measure)).collect())
            .collect(),
    }))
}

/// One finding for each statement of `theory`.
pub(crate) fn check<I: Domain, P: Send + Sync + 'static>(
    theory: &Theory<I, P>,
    context: &Context,
) -> Check {
    let instances = (theory.instances)(context)?;
    // Collected in order: the same findings for any number of threads.
    let judged: Vec<Judged> = instances
        .par_iter()
        .map(|instance| judge(theory, context, instance, None))
        .collect::<Result<_>>()?;
    let drawn = falsify::draw(theory, context)?;
    let all = || judged.iter().chain(drawn.iter().map(|(_, judged)| judged));
    let mut findings = Vec::new();
    for (k, law) in theory.laws.iter().enumerate() {
        let mut tally = Tally::default();
        for judged in &judged {
            tally.add(judged, |on| on.laws[k].clone());
        }
        // Drawn instances outside the assumptions are the rule, not worth a line each.
        for (_, judged) in &drawn {
            if let Judged::Counted(on) = judged
                && let Some(found) = &on.laws[k]
            {
                tally.count();
                tally.take(found.clone());
            }
        }
        let mut finding = tally.finding(law.grade, law.tolerance);
        falsify::search(theory, k, context, &instances, &judged, &drawn, &mut finding)?;
        for (c, dropped) in law.dropped.iter().enumerate() {
            finding = finding.with_control(match dropped {
                Dropped::Measure(what, _) => control(all(), what, |on| on.controls[k][c].clone()),
                Dropped::Instances(assumption, instances) => {
                    let outside = instances(context)?;
                    let judged: Vec<Judged> = outside
                        .par_iter()
                        .map(|i| judge(theory, context, i, Some(assumption)))
                        .collect::<Result<_>>()?;
                    control(judged.iter(), assumption, |on| on.laws[k].clone())
                }
            });
        }
        for (c, (what, _)) in law.mutants.iter().enumerate() {
            finding = finding.with_mutant(control(all(), what, |on| on.mutants[k][c].clone()));
        }
        for table in &law.tables {
            finding = finding.with_table(table(context)?);
        }
        findings.push(finding);
    }
    Ok(findings)
}

impl Tally {
    fn add(&mut self, judged: &Judged, of: impl Fn(&OnInstance) -> Option<Measured>) {
        match judged {
            Judged::Counted(on) => {
                // A statement may say nothing about an instance: then it does not count there.
                if let Some(found) = of(on) {
                    self.count();
                    self.take(found);
                }
            }
            Judged::Outside => {}
            Judged::Undecided(why) => self.skip(why.clone()),
        }
    }
}

fn control<'a>(
    judged: impl Iterator<Item = &'a Judged>,
    what: &str,
    of: impl Fn(&OnInstance) -> Option<Measured>,
) -> Control {
    let mut tally = Tally::default();
    for judged in judged {
        tally.add(judged, &of);
    }
    tally.control(what)
}

impl Finding {
    /// Notes a violation that the search found beyond the instances.
    pub(crate) fn violated(&mut self, worst: Measured) {
        self.outcome = Outcome::Fails;
        if self.worst.as_ref().is_none_or(|old| worst.score() > old.score()) {
            self.worst = Some(worst);
        }
    }

    /// A proven counterexample certifies the outcome.
    pub(crate) fn certify(&mut self) {
        self.grade = Grade::Certified;
    }
}

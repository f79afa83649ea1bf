use crate::{Budget, Context, Domain, Effort, Gap, Law, Numbers, Outcome, Prepared, Proof, Theory};
use mirrorflow::numerics::exact::interval::Interval;
use rand::Rng;

fn context(seed: u64) -> Context {
    Context::new(Budget { effort: Effort::Default, seed })
}

/// `(x + y)² ≤ bound·(x² + y²)`: true for 2, false for anything less, worst at x = y.
fn theory(bound: f64, expected: Outcome) -> Theory<Numbers, ()> {
    let law = Law::as_printed("(x + y)² ≤ c (x² + y²)")
        .at_most("8 roundings of the larger side", move |p: &Numbers, ()| {
            let (x, y) = (p.get("x"), p.get("y"));
            let (lhs, rhs) = ((x + y).powi(2), bound * (x * x + y * y));
            vec![Gap::new(lhs, rhs, 8.0 * f64::EPSILON * lhs.max(rhs) + f64::MIN_POSITIVE)]
        })
        .proven_by(move |p| {
            let (x, y) = (Interval::point(p.get("x")), Interval::point(p.get("y")));
            let lhs = (x + y).sqr();
            let rhs = (x.sqr() + y.sqr()) * bound;
            Ok(Some(Proof::new(("(x + y)²", lhs), ("c (x² + y²)", rhs), "interval arithmetic")))
        });
    let law = if expected == Outcome::Fails { law.fails() } else { law };
    Theory::new(
        "squares",
        "a sum of squares",
        "Cauchy–Schwarz",
        |_| Ok(Vec::new()),
        |_, _| Ok(Prepared::Ready(())),
    )
    .assume("x ≥ 0 and y ≥ 0", |p: &Numbers| p.get("x") >= 0.0 && p.get("y") >= 0.0)
    .drawn_by(|rng, _| {
        Ok(Numbers::new(&[("x", rng.random_range(0.0..9.0)), ("y", rng.random_range(-1.0..1.0))]))
    })
    .law(law)
}

#[test]
fn a_false_statement_gets_a_round_proven_counterexample() {
    for seed in 0..5 {
        let found = theory(1.9, Outcome::Fails).claim().check(&context(seed));
        let finding = &found.as_ref().map(|f| &f[0]);
        let Ok(finding) = finding else { panic!("{found:?}") };
        assert_eq!(finding.outcome, Outcome::Fails, "{finding:?}");
        let Some(counterexample) = &finding.counterexample else { panic!("{finding:?}") };
        assert_eq!(counterexample.instance, "x = 1, y = 1");
        assert_eq!((counterexample.lhs, counterexample.rhs), (4.0, 3.8));
        assert!(counterexample.proof.is_some());
    }
}

#[test]
fn a_true_tight_statement_survives_the_search() -> mirrorflow::Result<()> {
    for seed in 0..5 {
        let findings = theory(2.0, Outcome::Holds).claim().check(&context(seed))?;
        assert_eq!(findings[0].outcome, Outcome::Holds, "{:?}", findings[0]);
        assert!(findings[0].counterexample.is_none());
        // The search got to where it is tight, beyond what was drawn.
        assert!(findings[0].search.is_some_and(|s| s.tried > 60));
    }
    Ok(())
}

#[test]
fn instances_outside_the_assumptions_are_never_counted() -> mirrorflow::Result<()> {
    let claim =
        Theory::new("none", "", "", |_| Ok(Vec::new()), |_: &Numbers, _| Ok(Prepared::Ready(())))
            .assume("never", |_| false)
            .drawn_by(|_, _| Ok(Numbers::new(&[("x", 1.0)])))
            .law(
                Law::as_printed("x = 2")
                    .equal("exact", |p: &Numbers, ()| vec![Gap::new(p.get("x"), 2.0, 0.0)]),
            )
            .claim();
    let findings = claim.check(&context(0))?;
    assert_eq!((findings[0].outcome, findings[0].instances), (Outcome::Inconclusive, 0));
    Ok(())
}

#[test]
fn numbers_know_their_parameters() {
    let point = Numbers::new(&[("x", 1.5)]);
    assert_eq!(point.parameters(), [1.5]);
    assert!(point.with_parameters(&[f64::NAN]).is_none());
    assert!(point.get("nothing").is_nan());
}

//! Claims as property tests in a crate of your own.

use crate::{Budget, Claim, run};

/// Checks a claim and says what is not as expected: which statement, on which instance, with the
/// counterexample. The randomness is that of `budget.seed`.
///
/// ```
/// use mirrorflow_proofs_checks::{Budget, Effort, expect, select};
/// let claims = select(&["identity-9".to_owned()])?;
/// assert_eq!(expect(claims[0], Budget { effort: Effort::Quick, seed: 3 }), Ok(()));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// The report of the claim, as `mirrorflow verify` prints it, when a statement has another outcome
/// than it declares.
pub fn expect(claim: &Claim, budget: Budget) -> Result<(), String> {
    let report = run(&[claim], budget, &mut |_| {});
    if report.in_order() { Ok(()) } else { Err(report.table(100, false)) }
}

/// Turns a claim into a `#[test]`: `claim_test!(name, claim)` checks it in the quick budget for the
/// seeds 0, 1 and 2, `claim_test!(name, claim, seeds)` for others.
///
/// ```
/// use mirrorflow_proofs_checks::{Claim, claim_test, registry};
///
/// fn theorem_3_1() -> &'static Claim {
///     registry().iter().find(|claim| claim.id == "thm-3.1").expect("in the registry")
/// }
/// claim_test!(theorem_3_1_holds, theorem_3_1());
/// claim_test!(theorem_3_1_holds_for_my_seed, theorem_3_1(), [2024]);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! claim_test {
    ($name:ident, $claim:expr) => {
        $crate::claim_test!($name, $claim, 0..3);
    };
    ($name:ident, $claim:expr, $seeds:expr) => {
        #[test]
        fn $name() {
            for seed in $seeds {
                let budget = $crate::Budget { effort: $crate::Effort::Quick, seed };
                if let Err(why) = $crate::expect(&$claim, budget) {
                    panic!("not as expected for seed {seed}:\n{why}");
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{Budget, Claim, Context, Effort, Gap, Law, Numbers, Prepared, Theory, expect};

    /// `x² ≤ c` for |x| ≤ 1: right for c = 1.
    fn claim(c: f64) -> Claim {
        let instances =
            |_: &Context| Ok([-1.0, 0.0, 0.9].map(|x| Numbers::new(&[("x", x)])).to_vec());
        Theory::new("square", "squares", "this test", instances, |_, _| Ok(Prepared::Ready(())))
            .assume("|x| ≤ 1", |p: &Numbers| p.get("x").abs() <= 1.0)
            .law(
                Law::as_it_holds("x² ≤ c").at_most("none", move |p: &Numbers, ()| {
                    vec![Gap::new(p.get("x").powi(2), c, 0.0)]
                }),
            )
            .claim()
    }

    claim_test!(a_true_claim_passes, claim(1.0));
    claim_test!(seeds_can_be_chosen, claim(1.0), [7, 8]);

    #[test]
    fn a_false_claim_says_where() {
        let why = expect(&claim(0.9), Budget { effort: Effort::Quick, seed: 0 });
        let why = why.expect_err("(−1)² > 0.9");
        assert!(why.contains("x = -1") && why.contains("x² ≤ c"), "{why}");
    }
}

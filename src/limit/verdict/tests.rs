//! The verdict on inputs that once contradicted themselves, and on made-up evidence.

use super::*;
use crate::limit::EnclosureStatus;

fn decided(z: Vec<f64>, y: Vec<f64>) -> Decision {
    let problem = Problem::from_rows(z, y).unwrap();
    decide(&problem, &Demand { rigorous: true, ..Demand::default() }).unwrap()
}

/// The verdict is `Proved`, the value `l1` lies within the bounds, which agree.
fn proves(found: &Decision, l1: f64) {
    assert!(matches!(found.verdict, Verdict::Proved(w) if w <= 1e-12), "{found:?}");
    assert!(found.infeasibility.is_none() && found.solution.status == Status::Converged);
    let e = found.enclosure.as_ref().unwrap();
    assert!(e.l1_lower <= l1 && l1 <= e.l1_upper, "{e:?} {l1:e}");
    assert!((found.solution.l1 - l1).abs() <= 1e-12 * l1, "{} {l1}", found.solution.l1);
}

#[test]
fn mixed_units_do_not_contradict_a_proof() {
    let z = vec![-2e6, 2e-4, 1e-8, -3e6, -1e-4, 3e-8, 3e6, 3e-4, -3e-8];
    let found = decided(z, vec![1.0, -2.0, -2.0]);
    assert!((found.solution.l1 - 766_686_666.667).abs() < 0.01);
    proves(&found, found.solution.l1);
}

#[test]
fn nearly_dependent_rows_have_their_own_minimum() {
    let tiny = 2.0_f64.powi(-48);
    for (second, x) in [(1.0 + tiny, vec![1.0, 1.0, 0.0]), (1.0, vec![1.0, 0.0, 0.0])] {
        let found = decided(vec![1.0, 0.0, 0.0, 1.0, tiny, 0.0], vec![1.0, second]);
        proves(&found, x.iter().sum());
        let apart = found.solution.x.iter().zip(&x).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-14, "{:?}", found.solution.x);
    }
}

#[test]
fn a_difference_at_rounding_is_no_contradiction() {
    let e = f64::EPSILON;
    proves(&decided(vec![1.0, 1.0 + e, 1.0, 1.0], vec![e, 0.0]), 2.0);
}

#[test]
fn underflow_is_no_contradiction() {
    let (small, large) = (2.0_f64.powi(-900), 2.0_f64.powi(200));
    let found = decided(vec![small, large, small, -2.0 * large], vec![1.0, 1.0]);
    proves(&found, 2.0_f64.powi(900));
    let (small, large) = (2.0_f64.powi(-600), 2.0_f64.powi(600));
    let found = decided(vec![small, large, small, -large], vec![small, small]);
    proves(&found, 1.0);
    assert_eq!(found.solution.x, vec![1.0, 0.0]);
}

#[test]
fn one_ulp_decides_between_a_solution_and_none() {
    let found = decided(vec![7.0, 5.0, 14.0, 10.0], vec![1.0, -4.0]);
    assert_eq!((found.verdict, found.solution.status), (Verdict::NoSolution, Status::Infeasible));
    let farkas = found.infeasibility.unwrap();
    assert_eq!(farkas.exact.as_ref().unwrap(), &["2", "-1"]);
    assert_eq!((farkas.u, farkas.l1_lower), (vec![1.0, -0.5], f64::INFINITY));
    assert!(found.enclosure.is_none());
    // x = (17/ε', −(…)): large, but there.
    let above = 10.0_f64.next_up();
    let found = decided(vec![7.0, 5.0, 14.0, above], vec![1.0, -4.0]);
    let delta = above - 10.0;
    proves(&found, 6.0 / delta + (1.0 + 30.0 / delta) / 7.0);
}

#[test]
fn the_slack_is_the_largest_over_dual_solutions() {
    // Degenerate: the path's own μ is tight off the support, another dual solution is not.
    let problem = crate::problem::Generator::gaussian(15, 40, 3, 4).problem().unwrap();
    let found = decide(&problem, &Demand::default()).unwrap();
    let slack = found.slack(&problem).unwrap();
    assert!(found.certificate.support.len() < 15 && slack.delta > 1e-3);
    assert!(slack.delta >= found.certificate.margin - 1e-12);
    let twin = certify(&problem, &found.solution.x, &slack.mu).unwrap();
    assert!(twin.holds(1e-11) && (twin.margin - slack.delta).abs() < 1e-9);
}

#[test]
fn a_solution_beyond_the_floats_is_said_to_be_there() {
    let found = decided(vec![1e-300, 0.0], vec![1e300]);
    assert_eq!(found.verdict, Verdict::OutOfRange);
    let found = decided(vec![1e300, 0.0], vec![1e-300]);
    assert_eq!(found.verdict, Verdict::OutOfRange);
    assert_eq!(found.verdict.exit_code(true, true), 1);
}

#[test]
fn the_width_decides_beside_any_certificate() {
    let problem = Problem::from_rows(vec![2.0, 1.0], vec![2.0]).unwrap();
    let good = certify(&problem, &[1.0, 0.0], &[0.5]).unwrap();
    let mut bounds = enclose(&problem, &[1.0, 0.0], &[0.5]).unwrap();
    let farkas = Farkas {
        u: vec![1.0],
        zt_u_inf: 1e-20,
        yt_u: 1.0,
        l1_lower: 1e20,
        residual: 0.5,
        exact: None,
    };
    let judged = |e: Option<&Enclosure>, f: Option<&Farkas>, c, rigorous, tolerance| {
        let evidence = Evidence { certificate: c, enclosure: e, infeasibility: f, other: None };
        judge(&evidence, &Demand { tolerance, rigorous })
    };
    let demand = 1e-9;
    assert!(judged(Some(&bounds), Some(&farkas), None, true, demand).is_known());
    (bounds.l1_lower, bounds.l1_upper) = (1.0, 2.0);
    for rigorous in [false, true] {
        let verdict = judged(Some(&bounds), Some(&farkas), Some(&good), rigorous, demand);
        assert_eq!(verdict, Verdict::Wide(0.5));
        assert_eq!(verdict.exit_code(true, true), 1);
    }
    assert_eq!(judged(Some(&bounds), None, None, true, 0.5), Verdict::Proved(0.5));
    assert_eq!(Verdict::Proved(0.5).exit_code(true, true), 0);
    assert_eq!(Verdict::Proved(0.5).exit_code(false, true), 1);
    bounds.l1_upper = f64::INFINITY;
    bounds.status = EnclosureStatus::IllConditioned;
    assert!(judged(Some(&bounds), Some(&farkas), Some(&good), false, demand).is_known());
    let verdict = judged(Some(&bounds), Some(&farkas), Some(&good), true, demand);
    assert!(matches!(verdict, Verdict::Unproved(_)));
    // Below a proved bound nothing is certified.
    bounds.l1_lower = 1.5;
    let verdict = judged(Some(&bounds), None, Some(&good), false, demand);
    assert!(matches!(verdict, Verdict::Uncertified(d) if (d - 1.0 / 3.0).abs() < 1e-12));
    assert_eq!(judged(None, Some(&farkas), None, true, demand), Verdict::Inconsistent(0.5));
    let proof = Farkas { exact: Some(vec!["1".into()]), ..farkas };
    assert_eq!(judged(None, Some(&proof), Some(&good), true, demand), Verdict::NoSolution);
    assert_eq!(Verdict::NoSolution.exit_code(true, true), 1);
    assert_eq!(Verdict::NoSolution.exit_code(true, false), 0);
    assert_eq!(Verdict::Wide(0.5).exit_code(true, false), 1);
    let verdict = judged(None, Some(&proof), Some(&good), false, demand);
    assert!(verdict.is_known() && matches!(verdict, Verdict::Rounded(_)));
    let other = Evidence {
        other: Some(1.1),
        certificate: Some(&good),
        enclosure: None,
        infeasibility: None,
    };
    assert!(matches!(judge(&other, &Demand::default()), Verdict::Uncertified(_)));
    // A contradiction that the certificate does not bridge.
    let bad = certify(&problem, &[1.5, 0.0], &[0.5]).unwrap();
    assert_eq!(judged(None, Some(&proof), Some(&bad), false, demand), Verdict::NoSolution);
    assert_eq!(judged(None, None, Some(&bad), false, demand), Verdict::Uncertified(bad.defect()));
}

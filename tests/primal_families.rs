//! The flow of (m, w) where m and w are far below any tolerance for x (small β, strong early
//! decay), against closed forms and against the dual flow, by every method; and times that are next
//! to each other.
//!
//! Tolerances. A step errs by at most rtol in `log|m ± w|`, and the flow does not amplify it: ν
//! follows the gradient of a convex function of ν at every t, so that distances between solutions
//! never grow. N steps are off by at most N rtol in the exponents, and x by twice that, relative to
//! its largest entry, times the condition of the few rows of Z (below 10 here).

use std::f64::consts::LN_2;

use mirrorflow::flow::{Dual, Flow, MaskL1, Primal, Trajectory};
use mirrorflow::integrate::{Method, Options, integrate};
use mirrorflow::numerics::special::log_domain::a_sinh;
use mirrorflow::parameterization::Start;
use mirrorflow::problem::{Loss, Problem};
use mirrorflow::schedule::Schedule;
use proptest::prelude::*;

const RTOL: f64 = 1e-8;

/// What N steps of a method at RTOL may add up to, relative: `2·10·N·RTOL` by what the head says;
/// some 100 steps more stand for the interpolated outputs of diffsol and for its norm, a root of
/// mean squares, which lets the largest of k entries be √k times what is asked for.
fn allowed(run: &Trajectory) -> f64 {
    20.0 * RTOL * (run.work.steps + 100) as f64
}

fn size(x: &[f64]) -> f64 {
    x.iter().fold(0.0f64, |m, v| m.max(v.abs()))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert!(a.iter().chain(b).all(|v| v.is_finite()), "{a:?} {b:?}");
    a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()))
}

/// `x' = −2√(x²+a²)(x − y)` from 0 is solved by `x = (y s − a²)/(y + s)`, `s = a sinh S`,
/// `S = 2t√(y²+a²) + asinh(a/y)`: `∫dx/((y−x)√(x²+a²)) = asinh((yx+a²)/(a(y−x)))/√(y²+a²)`.
fn one_feature(log_a: f64, y: f64, t: f64) -> f64 {
    let a = log_a.exp();
    let s = a_sinh(2.0 * t * y.hypot(a) + (a / y).asinh(), log_a);
    // s overflows long after x has come to y.
    if s > 1.0 { (y - a * a / s) / (1.0 + y / s) } else { (y * s - a * a) / (y + s) }
}

#[test]
fn one_feature_follows_its_closed_form_from_any_beta() {
    let problem = Problem::from_rows(vec![1.0], vec![1.5]).unwrap();
    let times = [0.5, 2.0, 8.0, 15.0, 16.0, 31.0, 40.0];
    for beta in [1e-320, 1e-40, 1e-22, 1e-8, 1.0, 30.0, 1e4] {
        let start = Start::centered(1, beta).unwrap();
        let flow = Primal::from_start(&problem, Loss::Squared, Schedule::None, &start).unwrap();
        for (name, method) in Method::ALL {
            let options = Options::until(40.0).with_times(&times).with_method(method);
            let run = integrate(&flow, &options).unwrap();
            assert!(run.outcome.is_complete(), "{name}: {}", run.outcome);
            for (t, x) in run.t.iter().zip(run.x.column(0)) {
                let want = one_feature(beta.ln() - LN_2, 1.5, *t);
                let off = (x - want).abs() / (1e-4 + want.abs());
                assert!(off < allowed(&run), "{name} β = {beta:e} t = {t}: {x} {want}");
            }
            let log_a = run.log_a.unwrap();
            assert!(log_a.iter().all(|l| *l == beta.ln() - LN_2), "{name}");
        }
    }
}

/// From `m₀ = w₀` the flow is logistic, and from opposite signs it can only go to 0.
#[test]
fn a_zero_factor_stays_zero() {
    let problem = Problem::from_rows(vec![1.0], vec![1.5]).unwrap();
    let (y, t) = (1.5f64, 23.0f64);
    for (w, sign) in [(1e-15f64, 1.0), (-1e-3, -1.0)] {
        let flow = Primal::new(&problem, Loss::Squared, Schedule::None, &[w * sign], &[w]).unwrap();
        let x0 = sign * w * w;
        for (name, method) in Method::ALL {
            let run = integrate(&flow, &Options::until(t).with_method(method)).unwrap();
            let want = if sign > 0.0 {
                y / (1.0 + (y / x0 - 1.0) * (-2.0 * y * t).exp())
            } else {
                y / (1.0 - (1.0 - y / x0) * (2.0 * y * t).exp())
            };
            let x = run.x_end()[0];
            assert!((x / want - 1.0).abs() < allowed(&run), "{name}: {x:e} {want:e}");
            assert_eq!(run.log_a.unwrap()[[0, 0]], f64::NEG_INFINITY);
            let (m, w_end) = flow.factors(&run.state.row(run.state.nrows() - 1).to_vec());
            assert_eq!(m[0].abs(), w_end[0].abs(), "{name}");
        }
    }
}

/// The mask's flow without a penalty is the same flow: it leaves the saddle at the same time.
#[test]
fn the_l1_mask_leaves_the_saddle_in_time() {
    let problem = Problem::from_rows(vec![1.0], vec![1.5]).unwrap();
    for beta in [1e-40f64, 1e-22, 1e-8] {
        let m = beta.sqrt();
        let flow = MaskL1::new(&problem, Loss::Squared, Schedule::None, &[m], &[0.0]).unwrap();
        for method in [Method::Auto, Method::Dopri5, Method::Dop853, Method::Rosenbrock] {
            // Where x is about y/2.
            let t = ((0.75f64).ln() - beta.ln()) / 3.0;
            let run = integrate(&flow, &Options::until(t).with_method(method)).unwrap();
            let (x, want) = (run.x_end()[0], one_feature(beta.ln() - LN_2, 1.5, t));
            assert!((x - want).abs() < allowed(&run), "{method} β = {beta:e}: {x} {want}");
        }
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let c = || prop_oneof![0.0..2.0f64, 0.0..60.0f64];
    prop_oneof![
        Just(Schedule::None),
        c().prop_map(|c| Schedule::Constant { c }),
        c().prop_map(|c| Schedule::Harmonic { c }),
        c().prop_map(|c| Schedule::Quadratic { c }),
        (c(), 0.05..20.0f64).prop_map(|(c, r)| Schedule::Geometric { c: c * r.max(1.0), r }),
        (c(), 0.0..3.0f64).prop_map(|(c, at)| Schedule::Switch { c, at }),
        // A strong decay early, and what comes after it.
        (1e-4..0.1f64, 0.0..300.0f64, 0.05..1.0f64, 0.0..0.2f64).prop_map(
            |(start, c, length, then)| {
                Schedule::Piecewise { pieces: vec![(0.0, 0.0), (start, c), (start + length, then)] }
            }
        ),
    ]
}

fn problems() -> impl Strategy<Value = Problem> {
    (1usize..4, 0usize..4).prop_flat_map(|(d, more)| {
        let n = d + more;
        let z = prop::collection::vec(-2.0..2.0f64, d * n);
        (z, prop::collection::vec(-4.0..4.0f64, d))
            .prop_map(|(z, y)| Problem::from_rows(z, y).unwrap())
    })
}

/// An accurate solution in the dual unknowns.
fn reference(problem: &Problem, start: &Start, schedule: &Schedule, end: f64) -> Trajectory {
    let entropy = start.entropy().unwrap();
    let dual = Dual::new(problem, Loss::Squared, schedule.clone(), &entropy).unwrap();
    integrate(&dual, &Options::until(end).with_tolerances(1e-11, 1e-15).with_method(Method::Dop853))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every schedule, β from 1e-40 to 1e4, every method: the end of the dual flow, or a status.
    #[test]
    fn every_method_ends_where_the_dual_flow_does(
        problem in problems(),
        schedule in schedules(),
        log_beta in -40.0..4.0f64,
        log_end in 0.0..2.0f64,
        method in prop::sample::select(Method::ALL.map(|m| m.1).to_vec()),
    ) {
        let (n, end) = (problem.features(), 10f64.powf(log_end));
        let start = Start::centered(n, 10f64.powf(log_beta)).unwrap();
        let want = reference(&problem, &start, &schedule, end);
        prop_assume!(want.outcome.is_complete());
        let flow = Primal::from_start(&problem, Loss::Squared, schedule.clone(), &start).unwrap();
        let run = integrate(&flow, &Options::until(end).with_method(method)).unwrap();
        prop_assert!(run.outcome.is_complete(), "{method}: {}", run.outcome);
        let (x, want_x) = (run.x_end(), want.x_end());
        // The absolute tolerance is 1e-4 times the relative one.
        let bound = allowed(&run) * (size(&want_x) + 1e-4);
        prop_assert!(distance(&x, &want_x) <= bound, "{method}, {schedule}: {x:?} {want_x:?}");
        let log_a = start.log_a0()[0] - 4.0 * schedule.integral(end);
        let last = run.log_a.unwrap();
        prop_assert_eq!(last[[last.nrows() - 1, 0]], log_a);
    }
}

/// A piece one ulp long may hold a decay of any size.
#[test]
fn a_decay_within_one_ulp_of_time_is_not_skipped() {
    let problem = Problem::from_rows(vec![1.0, 0.5], vec![1.5]).unwrap();
    let ulp = f64::EPSILON;
    let pieces = vec![(0.0, 0.0), (1.0, 20.0 / ulp), (1.0 + ulp, 0.0), (1.0 + 2.0 * ulp, 0.1)];
    let schedule = Schedule::Piecewise { pieces };
    let start = Start::centered(2, 1.0).unwrap();
    let want = reference(&problem, &start, &schedule, 30.0);
    let flow = Primal::from_start(&problem, Loss::Squared, schedule, &start).unwrap();
    for (name, method) in Method::ALL {
        let options = Options::until(30.0).with_times(&[1.0, 1.0 + ulp]).with_method(method);
        let run = integrate(&flow, &options).unwrap();
        assert!(run.outcome.is_complete(), "{name}: {}", run.outcome);
        assert_eq!(run.t, [1.0, 1.0 + ulp, 30.0], "{name}");
        // e^{−80} of what x was.
        assert!(run.x[[0, 0]] > 0.1 && run.x[[1, 0]].abs() < 1e-30, "{name}: {:?}", run.x);
        let off = distance(&run.x_end(), &want.x_end());
        assert!(off < allowed(&run), "{name}: {:?} {:?}", run.x_end(), want.x_end());
    }
}

/// Times that are next to each other, subnormal or huge: each is recorded, or a status says why
/// not.
#[test]
fn extreme_times_end_with_an_answer_or_a_status() {
    let problem = Problem::from_rows(vec![1.0, 0.5], vec![1.5]).unwrap();
    let start = Start::centered(2, 1e-3).unwrap();
    let entropy = start.entropy().unwrap();
    let one = 1.0f64;
    let near = [one.next_down(), 1.0, one.next_up(), one.next_up().next_up(), 2.0];
    let tiny = [5e-324, 1e-323, 1e-310, 1e-200, 1e-20, 1.0];
    let huge = [1.0, 1e100, 1e200, 1e308, f64::MAX];
    for schedule in
        ["none", "constant:0.5", "harmonic:1", "quadratic:1", "geometric:1,1", "switch:1,1e300"]
    {
        let schedule: Schedule = schedule.parse().unwrap();
        let primal = Primal::from_start(&problem, Loss::Squared, schedule.clone(), &start).unwrap();
        let dual = Dual::new(&problem, Loss::Squared, schedule.clone(), &entropy).unwrap();
        for (form, flow) in [("primal", &primal as &dyn Flow), ("dual", &dual)] {
            for (name, method) in Method::ALL {
                for times in [&near[..], &tiny, &huge] {
                    let end = times[times.len() - 1];
                    let options = Options { max_steps: 2000, ..Options::until(end) };
                    let options = options.with_times(times).with_method(method);
                    let run = integrate(flow, &options).unwrap();
                    let what = format!("{form} {name} {schedule} to {end:e}: {}", run.outcome);
                    assert!(run.x.iter().all(|v| v.is_finite()), "{what}");
                    let log_a = run.log_a.as_ref().unwrap();
                    assert!(log_a.iter().all(|l| l.is_finite()), "{what}");
                    if end < 1e3 {
                        assert!(run.outcome.is_complete(), "{what}");
                        assert_eq!(run.t, times, "{what}");
                    } else if run.outcome.is_complete() {
                        assert_eq!(run.t_end(), end, "{what}");
                    }
                }
            }
        }
    }
}

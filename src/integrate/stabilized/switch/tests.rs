//! The dual flow of a fixed Gaussian-like problem: who steps when, at what cost, how accurately.

use super::*;
use crate::flow::Dual;
use crate::integrate::{Options, Rosenbrock, Trajectory, integrate_with};
use crate::potential::HyperbolicEntropy;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;
use ndarray::{Array1, Array2};

/// 12×30, entries spread evenly in (−√3, √3) (variance one), targets of a 3-sparse truth.
fn problem() -> Problem {
    let entry = |k: usize| {
        let spread = ((k * k + 3 * k + 1) as f64 * 0.618_033_988_749_895).fract();
        (2.0 * spread - 1.0) * 3.0f64.sqrt()
    };
    let z = Array2::from_shape_fn((12, 30), |(i, j)| entry(30 * i + j + 1));
    let mut truth = Array1::zeros(30);
    (truth[4], truth[11], truth[23]) = (1.0, -0.7, 0.4);
    let y = z.dot(&truth);
    Problem::new(z, y).unwrap()
}

fn run(stepper: &mut dyn Stepper, log_a: f64, schedule: Schedule, options: &Options) -> Trajectory {
    let problem = problem();
    let potential = HyperbolicEntropy::uniform(30, log_a).unwrap();
    let flow = Dual::new(&problem, Loss::Squared, schedule, &potential).unwrap();
    integrate_with(&flow, stepper, options).unwrap()
}

fn geometric() -> Schedule {
    Schedule::Geometric { c: 0.5, r: 1.0 }
}

#[test]
fn the_boundary_of_dop853_is_inside_its_interval_of_stability() {
    /// `s' = −s` stepped with h = z gives R(−z).
    struct Decay;
    impl Flow for Decay {
        fn dim(&self) -> usize {
            1
        }
        fn features(&self) -> usize {
            1
        }
        fn initial(&self, state: &mut [f64]) {
            state[0] = 1.0;
        }
        fn field(&self, _t: f64, s: &[f64], out: &mut [f64]) {
            out[0] = -s[0];
        }
        fn x(&self, _t: f64, s: &[f64], out: &mut [f64]) {
            out[0] = s[0];
        }
        fn loss(&self, _x: &[f64]) -> f64 {
            1.0
        }
    }
    let growth = |z: f64| {
        let (mut a, mut b, mut c) = ([0.0], [0.0], [0.0]);
        let mut work = Work::default();
        let step = Step { flow: &Decay, t: 0.0, y: &[1.0], f: &[-1.0], h: z };
        let trial = Trial { y: &mut a, f: &mut b, err: &mut c };
        Explicit::dop853(1).attempt(step, trial, &mut work);
        a[0].abs()
    };
    let boundary = Switching::dop853(1).boundary;
    for k in 1..=610 {
        let z = boundary * f64::from(k) / 610.0;
        assert!(growth(z) < 1.0, "z = {z}");
    }
    assert!(growth(6.5) > 1.0);
}

#[test]
fn the_tail_is_stabilized_and_costs_less_than_either_method_alone() {
    let options = Options::until(300.0).with_tolerances(1e-8, 1e-12);
    let mut switching = Switching::dop853(12);
    let both = run(&mut switching, 0.5f64.ln(), geometric(), &options);
    assert!(switching.is_stabilized());
    let explicit = run(&mut Explicit::dop853(12), 0.5f64.ln(), geometric(), &options);
    let stabilized = run(&mut Stabilized::new(12), 0.5f64.ln(), geometric(), &options);
    let cost = [&both, &explicit, &stabilized].map(|r| r.work.fields);
    assert!(cost[0] < cost[1] && cost[0] < cost[2], "{cost:?}");
}

#[test]
fn three_methods_agree_all_along() {
    // Three independent formulas; the flows contract, so that local errors hardly accumulate.
    let times: Vec<f64> = (0..20).map(|k| 0.1 * 1.5f64.powi(k)).collect();
    let options = Options::until(250.0).with_times(&times).with_tolerances(1e-9, 1e-12);
    for schedule in [Schedule::None, geometric(), Schedule::Constant { c: 0.01 }] {
        let one = run(&mut Switching::dop853(12), 0.5f64.ln(), schedule.clone(), &options);
        let two = run(&mut Stabilized::new(12), 0.5f64.ln(), schedule.clone(), &options);
        let three = run(&mut Rosenbrock::new(12), 0.5f64.ln(), schedule, &options);
        for other in [&two, &three] {
            let gap = (&one.x - &other.x).iter().fold(0.0f64, |m, e| m.max(e.abs()));
            assert!(gap < 1e-8, "{}: {gap:e}", other.method);
        }
    }
}

#[test]
fn the_rosenbrock_method_crosses_the_plateaus_of_a_million() {
    // log a = −1e6: nothing moves for times of order 1e6, then x jumps on the scale 1.
    let options = Options::until(1e9).with_tolerances(1e-8, 1e-12);
    let end = run(&mut Rosenbrock::new(12), -1e6, Schedule::None, &options);
    assert!(end.work.steps + end.work.rejections < 5_000, "{:?}", end.work);
    // The planted truth is the L1 solution; the rest of x is e^{−δ·1e6} = 0.
    let truth = problem();
    let x = Array1::from_vec(end.x_end());
    for (j, v) in x.iter().enumerate() {
        let want = match j {
            4 => 1.0,
            11 => -0.7,
            23 => 0.4,
            _ => 0.0,
        };
        assert!((v - want).abs() < 1e-8, "x[{j}] = {v}");
    }
    let residual = truth.z().dot(&x) - Array1::from_vec(truth.y().to_vec());
    // Exponents of size 1e6, sums of 12 terms rounded to 1e-10 each, are known to 2e-9; so is x.
    let worst = residual.iter().fold(0.0f64, |m, r| m.max(r.abs()));
    assert!(worst < 5e-9, "{worst:e}");
}

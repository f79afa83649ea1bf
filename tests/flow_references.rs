//! Trajectories of both flows and of gradient descent against reference solutions.

use std::fs::File;

use mirrorflow::flow::{Descent, Dual, Flow, Objective, Outcome, Primal, descend};
use mirrorflow::integrate::{Method, Options, integrate};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::{Loss, Problem};
use mirrorflow::schedule::Schedule;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;

fn open(name: &str) -> NpzReader<File> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    NpzReader::new(File::open(path).unwrap()).unwrap()
}

fn problem(npz: &mut NpzReader<File>) -> Problem {
    let z: Array2<f64> = npz.by_name("Z").unwrap();
    let y: Array1<f64> = npz.by_name("y").unwrap();
    Problem::new(z, y).unwrap()
}

fn schedules() -> [(&'static str, Schedule); 5] {
    [
        ("none", Schedule::None),
        ("constant", Schedule::Constant { c: 0.01 }),
        ("harmonic", Schedule::Harmonic { c: 0.25 }),
        ("quadratic", Schedule::Quadratic { c: 0.5 }),
        ("geometric", Schedule::Geometric { c: 0.5, r: 1.0 }),
    ]
}

/// Largest error over the 50 reference times.
fn error(flow: &dyn Flow, t: &Array1<f64>, x: &Array2<f64>, rtol: f64, method: Method) -> f64 {
    let times = t.as_slice().unwrap();
    let end = times[times.len() - 1];
    let options = Options::until(end)
        .with_times(times)
        .with_tolerances(rtol, 1e-3 * rtol)
        .with_method(method);
    let run = integrate(flow, &options).unwrap();
    assert_eq!(run.outcome, Outcome::ReachedTime { t: end });
    assert_eq!(run.t, times);
    (&run.x - x).iter().fold(0.0f64, |m, e| m.max(e.abs()))
}

/// Both flows, every schedule, every method whose error control is ours: at most ten times the
/// local tolerance (the flows contract, so that local errors hardly accumulate).
#[test]
fn both_flows_follow_the_reference() {
    let mut npz = open("ode_ref.npz");
    let problem = problem(&mut npz);
    let n = problem.features();
    let potential = HyperbolicEntropy::uniform(n, 0.5f64.ln()).unwrap();
    for (name, schedule) in schedules() {
        let t: Array1<f64> = npz.by_name(&format!("{name}_t")).unwrap();
        let x: Array2<f64> = npz.by_name(&format!("{name}_x")).unwrap();
        let dual = Dual::new(&problem, Loss::Squared, schedule.clone(), &potential).unwrap();
        let primal =
            Primal::new(&problem, Loss::Squared, schedule, &vec![1.0; n], &vec![0.0; n]).unwrap();
        let explicit = [
            Method::Auto,
            Method::Tsit5,
            Method::Dopri5,
            Method::Dop853,
            Method::Stabilized,
            Method::Switching,
        ];
        for method in explicit {
            for (form, flow) in [("dual", &dual as &dyn Flow), ("primal", &primal)] {
                let e = error(flow, &t, &x, 1e-9, method);
                println!("{name} {form} {method}: {e:.1e}");
                assert!(e <= 1e-8, "{name} {form} {method}: {e:.1e}");
            }
        }
        for method in [Method::Rosenbrock, Method::Bdf] {
            let e = error(&dual, &t, &x, 1e-9, method);
            println!("{name} dual {method}: {e:.1e}");
            assert!(
                e <= if method == Method::Bdf { 1e-6 } else { 1e-8 },
                "{name} {method}: {e:.1e}"
            );
        }
    }
}

/// Fixed-step descent has no error but rounding: 1e5 steps of relative size 1e-16, on a contracting
/// map.
#[test]
fn descent_follows_the_reference() {
    let mut npz = open("descent_ref.npz");
    let problem = problem(&mut npz);
    let x: Array2<f64> = npz.by_name("x").unwrap();
    let lin: Array1<f64> = npz.by_name("lin_start").unwrap();
    let n = problem.features();
    let mw = |beta: f64| Objective::MaskWeight { m: vec![beta.sqrt(); n], w: vec![0.0; n] };
    let half = vec![0.5f64.sqrt(); n];
    let runs = [
        (Schedule::None, mw(1.0)),
        (Schedule::Constant { c: 1e-2 }, mw(0.1)),
        (Schedule::Harmonic { c: 1.0 }, Objective::SquareDifference { u: half.clone(), v: half }),
        (Schedule::Geometric { c: 1.0, r: 1.0 }, mw(0.5)),
        (Schedule::Geometric { c: 1.0, r: 4.0 }, Objective::PlainL2 { x: lin.to_vec() }),
    ];
    for (k, (schedule, start)) in runs.iter().enumerate() {
        let how = Descent::new(1e-4, 100_000);
        let run = descend(&problem, Loss::Squared, schedule, start, &how).unwrap();
        let end = run.x_end();
        let e = end.iter().zip(x.row(k)).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        println!("run {k}: {e:.1e}");
        assert!(e <= 1e-11, "run {k}: {e:.1e}");
    }
}

/// At log a = −10⁶ the flow runs through all its kinks in time and ends at the L1 minimum: with a
/// as small as that the distance of the two is below rounding of the exponents, 10⁶ · 1e-16
/// relative.
#[test]
fn the_dual_flow_integrates_at_log_a_of_minus_a_million() {
    let mut npz = open("bp_40x100_sp.npz");
    let problem = problem(&mut npz);
    let vertex: Array1<f64> = npz.by_name("x").unwrap();
    let potential = HyperbolicEntropy::uniform(problem.features(), -1e6).unwrap();
    let flow = Dual::new(&problem, Loss::Squared, Schedule::None, &potential).unwrap();
    let run = integrate(&flow, &Options::until(1e10).stop_at_kkt(1e-9)).unwrap();
    println!("{}: {} {:?}", run.method, run.outcome, run.work);
    assert!(run.outcome.is_complete(), "{}", run.outcome);
    let e = run.x_end().iter().zip(&vertex).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(e < 1e-7, "{e:.1e}");
    assert!(run.work.steps < 20_000, "{:?}", run.work);
}

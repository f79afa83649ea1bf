//! Times one trajectory of the reference problem (d = 40, n = 100) for every schedule, form and
//! method, end point only, and compares with the reference trajectory. Prints one JSON line each:
//!
//! `cargo run --release -p mirrorflow --example ode_bench -- [RTOL [REPETITIONS [SCHEDULE
//! [METHOD]]]]`

use std::fs::File;
use std::time::Instant;

use mirrorflow::flow::{Dual, Flow, Primal};
use mirrorflow::integrate::{Method, Options, integrate};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::{Loss, Problem};
use mirrorflow::schedule::Schedule;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rtol: f64 = args.first().map_or(Ok(1e-8), |a| a.parse())?;
    let repetitions: usize = args.get(1).map_or(Ok(15), |a| a.parse())?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ode_ref.npz");
    let mut npz = NpzReader::new(File::open(path)?)?;
    let z: Array2<f64> = npz.by_name("Z")?;
    let y: Array1<f64> = npz.by_name("y")?;
    let problem = Problem::new(z, y)?;
    let n = problem.features();
    let potential = HyperbolicEntropy::uniform(n, 0.5f64.ln())?;
    let schedules = [
        ("none", Schedule::None),
        ("constant", Schedule::Constant { c: 0.01 }),
        ("harmonic", Schedule::Harmonic { c: 0.25 }),
        ("quadratic", Schedule::Quadratic { c: 0.5 }),
        ("geometric", Schedule::Geometric { c: 0.5, r: 1.0 }),
    ];
    for (name, schedule) in schedules {
        if args.get(2).is_some_and(|only| only != name) {
            continue;
        }
        let t: Array1<f64> = npz.by_name(&format!("{name}_t"))?;
        let x: Array2<f64> = npz.by_name(&format!("{name}_x"))?;
        let dual = Dual::new(&problem, Loss::Squared, schedule.clone(), &potential)?;
        let primal = Primal::new(&problem, Loss::Squared, schedule, &vec![1.0; n], &vec![0.0; n])?;
        for (label, method) in Method::ALL {
            for (form, flow) in [("nu", &dual as &dyn Flow), ("mw", &primal)] {
                let stiff = matches!(method, Method::Rosenbrock | Method::Bdf | Method::TrBdf2);
                let other = args.get(3).is_some_and(|only| only != label);
                if other || method == Method::Auto || (stiff && form == "mw") {
                    continue;
                }
                let line = one(flow, method, rtol, repetitions, &t.to_vec(), &x)?;
                println!(
                    "{}",
                    json!({"schedule": name, "form": form, "method": label, "rtol": rtol,
                    "ms": line.0, "fields": line.1, "steps": line.2, "error_max": line.3,
                    "error_end": line.4})
                );
            }
        }
    }
    Ok(())
}

/// Median milliseconds, fields, steps, largest error over the reference times, error at the end.
fn one(
    flow: &dyn Flow,
    method: Method,
    rtol: f64,
    repetitions: usize,
    times: &[f64],
    x: &Array2<f64>,
) -> Result<(f64, u64, u64, f64, f64), Failure> {
    let end = times.last().copied().unwrap_or(1.0);
    let options = Options::until(end).with_tolerances(rtol, 1e-4 * rtol).with_method(method);
    let mut ms = Vec::new();
    let mut run = integrate(flow, &options)?;
    for _ in 0..repetitions {
        let start = Instant::now();
        run = integrate(flow, &options)?;
        ms.push(1e3 * start.elapsed().as_secs_f64());
    }
    ms.sort_by(f64::total_cmp);
    let last = run.x_end();
    let error_end = x
        .outer_iter()
        .next_back()
        .map_or(0.0, |row| row.iter().zip(&last).fold(0.0f64, |m, (a, b)| m.max((a - b).abs())));
    let full = integrate(flow, &options.clone().with_times(times))?;
    let error_max = if full.x.dim() == x.dim() {
        (&full.x - x).iter().fold(0.0f64, |m, e| m.max(e.abs()))
    } else {
        f64::NAN
    };
    Ok((ms[ms.len() / 2], run.work.fields, run.work.steps, error_max, error_end))
}

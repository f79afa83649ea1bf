//! Times the L1 minimum of problem files by its routes and prints one JSON object a file.
//!
//! `cargo run --release --example l1_bench -- [--repeat R] FILE.npz…` (arrays `Z` d×n and `y` d).

use std::process::ExitCode;
use std::time::Instant;

use mirrorflow::limit::{LassoOptions, certify, enclose, l1_minimum, lasso_path};
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use serde_json::json;

/// Median and least seconds of `repeat` runs, and the last result.
fn timed<T>(repeat: usize, mut run: impl FnMut() -> T) -> (f64, f64, T) {
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        let result = run();
        times.push(start.elapsed().as_secs_f64());
        if times.len() >= repeat.max(1) {
            times.sort_by(f64::total_cmp);
            return (times[times.len() / 2], times[0], result);
        }
    }
}

fn read(path: &str) -> Result<Problem, Box<dyn std::error::Error>> {
    let mut file = NpzReader::new(std::fs::File::open(path)?)?;
    let z: Array2<f64> = file.by_name("Z")?;
    let y: Array1<f64> = file.by_name("y")?;
    Ok(Problem::new(z, y)?)
}

fn bench(path: &str, repeat: usize) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let problem = read(path)?;
    let (median, least, solution) = timed(repeat, || l1_minimum(&problem));
    let solution = solution?;
    let (path_median, path_least, lasso) =
        timed(repeat, || lasso_path(&problem, &LassoOptions::default()));
    let lasso = lasso?;
    let (certify_median, _, certificate) =
        timed(1, || certify(&problem, &solution.x, &solution.mu));
    let certificate = certificate?;
    let (enclose_median, _, proof) = timed(1, || enclose(&problem, &solution.x, &solution.mu));
    let proof = proof?;
    Ok(json!({
        "file": path, "d": problem.samples(), "n": problem.features(),
        "l1_minimum": {"median_s": median, "least_s": least, "route": solution.route.to_string(),
            "status": solution.status.to_string(), "iterations": solution.iterations,
            "l1": solution.l1},
        "lasso_path": {"median_s": path_median, "least_s": path_least, "knots": lasso.lambdas().len()},
        "certificate": {"s": certify_median, "relative_gap": certificate.relative_gap,
            "primal_feasibility": certificate.primal_feasibility,
            "residual_effect": certificate.residual_effect, "support": certificate.support.len(),
            "margin": certificate.margin, "tight_margin": certificate.tight_margin,
            "unique": certificate.is_unique(1e-9)},
        "enclosure": {"s": enclose_median, "lower": proof.l1_lower, "upper": proof.l1_upper,
            "relative_width": proof.relative_width(), "contraction": proof.contraction,
            "radius": proof.radius, "status": format!("{:?}", proof.status)},
    }))
}

fn main() -> ExitCode {
    let mut repeat = 5;
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|a| a == "--repeat").is_some() {
        match arguments.next().and_then(|r| r.parse().ok()) {
            Some(r) => repeat = r,
            None => {
                eprintln!("--repeat expects a number of runs");
                return ExitCode::from(2);
            }
        }
    }
    if arguments.peek().is_none() {
        eprintln!("usage: l1_bench [--repeat R] FILE.npz…");
        return ExitCode::from(2);
    }
    for path in arguments {
        match bench(&path, repeat) {
            Ok(value) => println!("{value}"),
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

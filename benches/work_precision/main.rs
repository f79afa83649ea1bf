//! Error against time for every candidate method on ensembles of flows (d = 40, n = 100), all on
//! the same threads: the single-trajectory integrators, one run to a thread, and the batch kernel.
//!
//! `cargo bench -p mirrorflow --bench work_precision -- DIR` writes `DIR/work-precision.csv` and
//! `.npz`; `mirrorflow figures work-precision --from DIR` draws them.
//!
//! Errors are the largest over all runs, entries and recorded times, against explicit order 8 at
//! rtol 3e-14, which is checked against the implicit method of order 5 first. Candidates take
//! turns; a time is the median of three rounds (one where a round takes 0.3 s and more), for one
//! run.

#![allow(missing_docs)]

mod exponential;

use std::{error::Error, path::PathBuf, time::Instant};

use exponential::Exponential;
use mirrorflow::{
    experiment::{Curve, Data},
    flow::{Dual, Primal},
    integrate::{self, Method, integrate_with},
    kernels::batch::mirror_flow::{
        Batch, Features, Options, Precision, integrate as integrate_batch,
    },
    potential::HyperbolicEntropy,
    problem::{Loss, Problem},
    schedule::Schedule,
};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const D: usize = 40;
const N: usize = 100;
const SEED: u64 = 0;
const ROUNDS: usize = 3;

/// What integrates.
#[derive(Clone, Copy)]
enum Candidate {
    /// One run at a time in ν.
    Dual(Method),
    /// The same in (m, w).
    Primal(Method),
    /// The exponential method, in ν.
    Exponential,
    /// The batch kernel.
    Batch(Precision),
}

const CANDIDATES: [(&str, Candidate); 9] = [
    ("batch kernel", Candidate::Batch(Precision::F64)),
    ("explicit, order 8", Candidate::Dual(Method::Dop853)),
    ("explicit and stabilized", Candidate::Dual(Method::Switching)),
    ("BDF", Candidate::Dual(Method::Bdf)),
    ("Rosenbrock, order 5", Candidate::Dual(Method::Rosenbrock)),
    ("explicit, order 5", Candidate::Dual(Method::Tsit5)),
    ("batch kernel, f32", Candidate::Batch(Precision::F32)),
    ("explicit, order 8, $(m, w)$", Candidate::Primal(Method::Dop853)),
    ("exponential, order 4", Candidate::Exponential),
];

/// Flows on one Z, each with its y.
struct Ensemble {
    panel: &'static str,
    problems: Vec<Problem>,
    schedule: Schedule,
    times: Vec<f64>,
    /// B·R×n, run by run.
    truth: Vec<f64>,
}

impl Ensemble {
    fn new(panel: &'static str, schedule: &str, times: Vec<f64>, runs: usize) -> Result<Self> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(SEED);
        let z = Array2::from_shape_fn((D, N), |_| rng.sample::<f64, _>(StandardNormal));
        let mut problems = Vec::new();
        for _ in 0..runs {
            let mut truth = Array1::<f64>::zeros(N);
            for i in rand::seq::index::sample(&mut rng, N, 5) {
                truth[i] = rng.sample(StandardNormal);
            }
            problems.push(Problem::new(z.clone(), z.dot(&truth))?);
        }
        let mut made =
            Self { panel, problems, schedule: schedule.parse()?, times, truth: Vec::new() };
        made.truth = made.solve(Candidate::Dual(Method::Dop853), 3e-14)?;
        let other = made.solve(Candidate::Dual(Method::Rosenbrock), 1e-12)?;
        println!("{panel}: the reference agrees to {:.1e}", made.error(&other));
        Ok(made)
    }

    fn error(&self, x: &[f64]) -> f64 {
        let differences = x.iter().zip(&self.truth).map(|(p, q)| (p - q).abs());
        differences.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { e.max(m) })
    }

    /// x of every run at every time.
    fn solve(&self, candidate: Candidate, rtol: f64) -> Result<Vec<f64>> {
        let start = HyperbolicEntropy::uniform(N, 0.5_f64.ln())?;
        if let Candidate::Batch(precision) = candidate {
            return self.batch(start, rtol, precision);
        }
        let end = self.times.last().copied().unwrap_or(1.0);
        let options = integrate::Options::until(end)
            .with_tolerances(rtol, 1e-4 * rtol)
            .with_times(&self.times);
        let one = |problem: &Problem| -> Result<Vec<f64>> {
            let dual = Dual::new(problem, Loss::Squared, self.schedule.clone(), &start)?;
            let run = match candidate {
                Candidate::Dual(method) => {
                    integrate::integrate(&dual, &options.clone().with_method(method))?
                }
                Candidate::Primal(method) => {
                    let (m, w) = ([1.0; N], [0.0; N]);
                    let flow = Primal::new(problem, Loss::Squared, self.schedule.clone(), &m, &w)?;
                    integrate::integrate(&flow, &options.clone().with_method(method))?
                }
                _ => integrate_with(&dual, &mut Exponential::new(D), &options)?,
            };
            Ok(run.x.iter().copied().collect())
        };
        let all: Vec<Vec<f64>> = self.problems.par_iter().map(one).collect::<Result<_>>()?;
        Ok(all.concat())
    }

    fn batch(&self, start: HyperbolicEntropy, rtol: f64, precision: Precision) -> Result<Vec<f64>> {
        let y: Vec<f64> = self.problems.iter().flat_map(|p| p.y().to_vec()).collect();
        let batch = Batch {
            samples: D,
            features: N,
            z: Features::Shared(self.problems[0].z_rows()),
            y: &y,
            start: &[start],
            schedule: std::slice::from_ref(&self.schedule),
        };
        let options = Options {
            times: self.times.clone(),
            rtol,
            atol: 1e-4 * rtol,
            precision,
            ..Options::until(1.0)
        };
        let x = integrate_batch(&batch, &options, None)?.x;
        // R×B×n to B×R×n.
        let (records, runs) = (self.times.len(), self.problems.len());
        let at = |b: usize, r: usize| x[(r * runs + b) * N..][..N].to_vec();
        Ok((0..runs).flat_map(|b| (0..records).flat_map(move |r| at(b, r))).collect())
    }
}

fn tolerances(candidate: Candidate) -> Vec<f64> {
    let (first, last) = match candidate {
        // Below that single precision resolves nothing more.
        Candidate::Batch(Precision::F32) => (1, 4),
        Candidate::Batch(_) => (1, 11),
        // Beyond that it is a hundred times as slow as the others.
        Candidate::Exponential => (2, 6),
        Candidate::Dual(Method::Rosenbrock) => (2, 9),
        _ => (2, 11),
    };
    (first..=last).map(|k| 10_f64.powi(-k)).collect()
}

fn main() -> Result<()> {
    // Cargo hands `--bench` on.
    let folder = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let Some(folder) = folder.map(PathBuf::from) else {
        return Err("usage: cargo bench --bench work_precision -- DIR".into());
    };
    let runs = 32 * rayon::current_num_threads();
    let path: Vec<f64> = (0..20).map(|k| 0.1 * 3000_f64.powf(f64::from(k) / 19.0)).collect();
    let ensembles = [
        Ensemble::new("end point, $\\alpha = e^{-t}/2$", "geometric:0.5,1", vec![300.0], runs)?,
        Ensemble::new("path, $\\alpha = e^{-t}/2$", "geometric:0.5,1", path.clone(), runs)?,
        Ensemble::new("path, $\\alpha = 1/100$", "constant:0.01", path, runs)?,
    ];
    let threads = rayon::current_num_threads();
    let simd = mirrorflow::kernels::device::processor().simd;
    let config = json!({ "d": D, "n": N, "runs": runs, "threads": threads, "simd": simd,
        "time": "seconds of one run on all threads", "rounds": ROUNDS });
    let mut data = Data::new("work-precision", Some(SEED), config);
    for ensemble in &ensembles {
        let mut timed: Vec<(usize, f64, Vec<f64>, f64)> = Vec::new();
        for (k, (_, candidate)) in CANDIDATES.iter().enumerate() {
            timed.extend(tolerances(*candidate).into_iter().map(|t| (k, t, Vec::new(), 0.0)));
        }
        for _ in 0..ROUNDS {
            for (k, rtol, seconds, error) in &mut timed {
                // What takes long is timed once.
                if seconds.first().is_some_and(|s| s * ensemble.problems.len() as f64 > 0.3) {
                    continue;
                }
                let begin = Instant::now();
                let x = ensemble.solve(CANDIDATES[*k].1, *rtol)?;
                seconds.push(begin.elapsed().as_secs_f64() / ensemble.problems.len() as f64);
                *error = ensemble.error(&x);
            }
        }
        for (k, (name, _)) in CANDIDATES.iter().enumerate() {
            let mut points: Vec<(f64, f64)> = Vec::new();
            for (_, rtol, seconds, error) in timed.iter_mut().filter(|t| t.0 == k) {
                seconds.sort_by(f64::total_cmp);
                let median = seconds[seconds.len() / 2];
                println!("{} {name} {rtol:.0e}: {median:.3e} s, error {error:.1e}", ensemble.panel);
                points.push((*error, median));
            }
            // What failed, or lost all digits, is no point of the diagram.
            points.retain(|(error, _)| *error > 0.0 && *error < 0.1);
            let (x, y) = points.into_iter().unzip();
            data.curves.push(Curve::new(*name, x, y).in_panel(ensemble.panel));
        }
    }
    std::fs::create_dir_all(&folder)?;
    data.write(&folder)?;
    Ok(())
}

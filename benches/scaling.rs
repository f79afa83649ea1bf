//! How the kernels of batches grow with the runs B, the samples d and the features n.
//!
//! `cargo bench -p mirrorflow --bench scaling -- DIR` writes `DIR/scaling.csv` and `.npz`;
//! `mirrorflow figures scaling --from DIR` draws them. Flows run to T = 300 under α = ½e^{−t} at
//! rtol 1e-2, descents take 1000 steps, limits go to log a = −20. A time is the median of three
//! rounds, in which all sizes take turns.

#![allow(missing_docs)]

use std::{error::Error, path::PathBuf, time::Instant};

use mirrorflow::{
    experiment::{Curve, Data},
    kernels::batch::{
        descent::{self, Objective, Run, descend},
        limit::{self, limits},
        mirror_flow::{self, Features, integrate},
    },
    potential::HyperbolicEntropy,
    problem::Problem,
    schedule::Schedule,
};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SEED: u64 = 0;
const ROUNDS: usize = 3;
/// Runs where d or n grows.
const RUNS: usize = 256;
const KERNELS: [&str; 3] = ["flows", "descents", "limits"];

/// B problems on one Gaussian Z, y from truths with n/20 entries.
struct Case {
    z: Array2<f64>,
    y: Vec<f64>,
    runs: usize,
}

impl Case {
    fn new(runs: usize, d: usize, n: usize) -> Self {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(SEED);
        let z = Array2::from_shape_fn((d, n), |_| rng.sample::<f64, _>(StandardNormal));
        let mut y = Vec::with_capacity(runs * d);
        for _ in 0..runs {
            let mut truth = Array1::<f64>::zeros(n);
            for i in rand::seq::index::sample(&mut rng, n, (n / 20).max(1)) {
                truth[i] = rng.sample(StandardNormal);
            }
            y.extend(z.dot(&truth));
        }
        Self { z, y, runs }
    }

    /// Seconds of a kernel.
    fn seconds(&self, kernel: &str) -> Result<f64> {
        let (d, n) = self.z.dim();
        let z = self.z.as_slice().ok_or("Z in C order")?;
        let schedule = [Schedule::Geometric { c: 0.5, r: 1.0 }];
        let begin;
        match kernel {
            "flows" => {
                let start = [HyperbolicEntropy::uniform(n, 0.5_f64.ln())?];
                let batch = mirror_flow::Batch {
                    samples: d,
                    features: n,
                    z: Features::Shared(z),
                    y: &self.y,
                    start: &start,
                    schedule: &schedule,
                };
                let options =
                    mirror_flow::Options { rtol: 1e-2, ..mirror_flow::Options::until(300.0) };
                begin = Instant::now();
                integrate(&batch, &options, None)?;
            }
            "descents" => {
                let problem = Problem::new(self.z.clone(), Array1::from(self.y[..d].to_vec()))?;
                let run = |seed| Run {
                    first: vec![1.0; n],
                    second: vec![0.0; n],
                    schedule: schedule[0].clone(),
                    seed,
                };
                let runs: Vec<Run> = (0..self.runs as u64).map(run).collect();
                let options =
                    descent::Options { step: 1e-4, steps: 1000, batch: None, record: vec![1000] };
                begin = Instant::now();
                descend(&problem, Objective::MaskWeight, &runs, &options, None)?;
            }
            _ => {
                let log_a = vec![-20.0; self.runs];
                let batch = limit::Batch { d, n, z, y: &self.y, log_a: &log_a, theta: &[] };
                begin = Instant::now();
                limits(&batch, &limit::Options::default(), None)?;
            }
        }
        Ok(begin.elapsed().as_secs_f64())
    }
}

fn main() -> Result<()> {
    // Cargo hands `--bench` on.
    let folder = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let Some(folder) = folder.map(PathBuf::from) else {
        return Err("usage: cargo bench --bench scaling -- DIR".into());
    };
    let panels: [(&str, Vec<(usize, Case)>); 3] = [
        (
            "runs $B$, $d = 40$, $n = 100$",
            [1, 4, 16, 64, 256, 1024, 4096].map(|b| (b, Case::new(b, 40, 100))).into(),
        ),
        (
            "samples $d$, $n = 5d/2$, $B = 256$",
            [8, 16, 40, 80, 160].map(|d| (d, Case::new(RUNS, d, 5 * d / 2))).into(),
        ),
        (
            "features $n$, $d = 40$, $B = 256$",
            [50, 100, 200, 400, 800].map(|n| (n, Case::new(RUNS, 40, n))).into(),
        ),
    ];
    let threads = rayon::current_num_threads();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let simd = mirrorflow::kernels::device::processor().simd;
    let config = json!({ "threads": threads, "simd": simd, "rounds": ROUNDS });
    let mut data = Data::new("scaling", Some(SEED), config);
    for (panel, cases) in &panels {
        // Every thread, and in the first panel one.
        let pools: &[bool] = if panel.starts_with("runs") { &[false, true] } else { &[false] };
        for &single in pools {
            let mut seconds = vec![[const { Vec::new() }; KERNELS.len()]; cases.len()];
            for _ in 0..ROUNDS {
                for ((_, case), seconds) in cases.iter().zip(&mut seconds) {
                    for (kernel, seconds) in KERNELS.iter().zip(seconds) {
                        seconds.push(if single {
                            one.install(|| case.seconds(kernel))?
                        } else {
                            case.seconds(kernel)?
                        });
                    }
                }
            }
            for (k, kernel) in KERNELS.iter().enumerate() {
                let median = |s: &[Vec<f64>; KERNELS.len()]| {
                    let mut s = s[k].clone();
                    s.sort_by(f64::total_cmp);
                    s[s.len() / 2]
                };
                let (x, y) = (
                    cases.iter().map(|c| c.0 as f64).collect(),
                    seconds.iter().map(median).collect(),
                );
                let series = if single { format!("{kernel}, 1 thread") } else { (*kernel).into() };
                println!("{panel} {series}: {y:?}");
                data.curves.push(Curve::new(series, x, y).in_panel(*panel));
            }
        }
    }
    std::fs::create_dir_all(&folder)?;
    data.write(&folder)?;
    Ok(())
}

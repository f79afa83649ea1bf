//! The limit without time: Newton, the ladder and the LP routes at 40×100, the whole path at
//! 200×1000, of a real spectrum and of a truth with 30 entries at 300×3000.

// The macro of criterion makes a function without documentation.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use mirrorflow::limit::{ladder, lp, newton, path};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;

/// Gaussian Z; y from a truth with d/8 entries, or Gaussian too.
fn problem(d: usize, n: usize, planted: bool) -> Problem {
    gaussian(d, n, if planted { d / 8 } else { 0 })
}

/// Gaussian Z; y from a truth with this many entries, or Gaussian too.
fn gaussian(d: usize, n: usize, entries: usize) -> Problem {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let z = Array2::from_shape_fn((d, n), |_| rng.sample::<f64, _>(StandardNormal));
    let y = if let Some(every) = n.checked_div(entries) {
        let x = Array1::from_shape_fn(n, |i| {
            if i % every == 0 { rng.sample::<f64, _>(StandardNormal) } else { 0.0 }
        });
        z.dot(&x)
    } else {
        Array1::from_shape_fn(d, |_| rng.sample::<f64, _>(StandardNormal))
    };
    match Problem::new(z, y) {
        Ok(problem) => problem,
        Err(error) => panic!("the generated problem is valid: {error}"),
    }
}

fn benches(c: &mut Criterion) {
    for planted in [true, false] {
        let kind = if planted { "planted" } else { "random y" };
        let small = problem(40, 100, planted);
        for log_a in [-10.0, -100.0, -1e6] {
            let entropy = HyperbolicEntropy::uniform(100, log_a);
            c.bench_function(&format!("newton 40x100 {kind} log a = {log_a}"), |b| {
                b.iter(|| {
                    let entropy = entropy.as_ref().map_err(ToString::to_string)?;
                    newton::minimize(&small, entropy, &newton::Options::default())
                        .map_err(|e| e.to_string())
                });
            });
        }
        c.bench_function(&format!("ladder 40x100 {kind}"), |b| {
            b.iter(|| ladder::l1(&small, &ladder::Options::default()));
        });
        c.bench_function(&format!("interior point 40x100 {kind}"), |b| {
            b.iter(|| lp::interior_point(&small));
        });
        c.bench_function(&format!("microlp 40x100 {kind}"), |b| b.iter(|| lp::microlp(&small)));
        c.bench_function(&format!("clarabel 40x100 {kind}"), |b| b.iter(|| lp::clarabel(&small)));
        #[cfg(feature = "highs")]
        c.bench_function(&format!("highs 40x100 {kind}"), |b| b.iter(|| lp::highs(&small)));
        let large = problem(200, 1000, planted);
        c.bench_function(&format!("interior point 200x1000 {kind}"), |b| {
            b.iter(|| lp::interior_point(&large));
        });
        c.bench_function(&format!("microlp 200x1000 {kind}"), |b| b.iter(|| lp::microlp(&large)));
        c.bench_function(&format!("clarabel 200x1000 {kind}"), |b| b.iter(|| lp::clarabel(&large)));
        #[cfg(feature = "highs")]
        c.bench_function(&format!("highs 200x1000 {kind}"), |b| b.iter(|| lp::highs(&large)));
        let grid = grid(5.0, -100.0);
        c.bench_function(&format!("path of 60 points 200x1000 {kind}"), |b| {
            b.iter(|| path::path(&large, None, &grid));
        });
    }
    let (spectra, sparse) = (fermentation(), gaussian(300, 3000, 30));
    for (name, problem, grid) in [
        ("fermentation", &spectra, grid(0.0, -200.0)),
        ("300x3000, 30 entries", &sparse, grid(5.0, -100.0)),
    ] {
        c.bench_function(&format!("path of 60 points {name}"), |b| {
            b.iter(|| path::path(problem, None, &grid));
        });
    }
}

/// 60 values of log a.
fn grid(from: f64, to: f64) -> Vec<f64> {
    (0..60).map(|k| from + (to - from) * f64::from(k) / 59.0).collect()
}

/// The example of the README.
fn fermentation() -> Problem {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/fermentation/fermentation.npz");
    let read = || -> Result<Problem, Box<dyn std::error::Error>> {
        let mut file = NpzReader::new(std::fs::File::open(path)?)?;
        Ok(Problem::new(file.by_name("Z")?, file.by_name("y")?)?)
    };
    match read() {
        Ok(problem) => problem,
        Err(error) => panic!("{path}: {error}"),
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = benches
}
criterion_main!(all);

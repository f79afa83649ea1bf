//! The limit without time: Newton, the ladder and the LP routes at 40×100, the whole path at 200×1000.

// The macro of criterion makes a function without documentation.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use mirrorflow::limit::{ladder, lp, newton, path};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;

/// Gaussian Z; y from a d/8-sparse truth, or Gaussian too.
fn problem(d: usize, n: usize, planted: bool) -> Problem {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let z = Array2::from_shape_fn((d, n), |_| rng.sample::<f64, _>(StandardNormal));
    let y = if planted {
        let every = 8 * n / d;
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
        let grid: Vec<f64> = (0..60).map(|k| 5.0 - 105.0 * f64::from(k) / 59.0).collect();
        c.bench_function(&format!("path of 60 points 200x1000 {kind}"), |b| {
            b.iter(|| path::path(&large, None, &grid));
        });
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = benches
}
criterion_main!(all);

//! The L1 minimum and its certificates on Gaussian instances: planted d/8-sparse truth, random y.
#![allow(missing_docs)] // criterion's macro defines an undocumented function

use criterion::{Criterion, criterion_group, criterion_main};
use mirrorflow::limit::{LassoOptions, certify, enclose, l1_minimum, lasso_path};
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;

/// Gaussian Z; y = Zx* with `d/8` nonzero x*, or random y.
fn instance(d: usize, n: usize, planted: bool) -> Problem {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut gaussian = || rng.sample::<f64, _>(StandardNormal);
    let z = Array2::from_shape_simple_fn((d, n), &mut gaussian);
    let y = if planted {
        let mut x = Array1::zeros(n);
        for k in 0..d / 8 {
            x[k * n / (d / 8)] = gaussian();
        }
        z.dot(&x)
    } else {
        Array1::from_shape_simple_fn(d, &mut gaussian)
    };
    match Problem::new(z, y) {
        Ok(problem) => problem,
        Err(error) => unreachable!("Gaussian entries are finite: {error}"),
    }
}

fn l1(c: &mut Criterion) {
    for (d, n) in [(40, 100), (200, 1000)] {
        for (kind, planted) in [("planted", true), ("random", false)] {
            let problem = instance(d, n, planted);
            let mut group = c.benchmark_group(format!("l1/{d}x{n}/{kind}"));
            group.sample_size(20);
            group.bench_function("l1_minimum", |b| b.iter(|| l1_minimum(&problem)));
            group.bench_function("lasso_path", |b| {
                b.iter(|| lasso_path(&problem, &LassoOptions::default()));
            });
            if let Ok(solution) = l1_minimum(&problem) {
                group.bench_function("certify", |b| {
                    b.iter(|| certify(&problem, &solution.x, &solution.mu));
                });
                group.bench_function("enclose", |b| {
                    b.iter(|| enclose(&problem, &solution.x, &solution.mu));
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, l1);
criterion_main!(benches);

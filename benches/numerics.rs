//! Times of the numerical kernels, at the sizes the flows use: a small problem (40×100) that stays
//! in the first-level cache, spectra (21×1047), and a larger random one (200×1000).
//!
//! `cargo bench -p mirrorflow --bench numerics`

// The macros of criterion define public functions.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mirrorflow::numerics::{
    dense::{self, cholesky::Cholesky},
    exact::{interval, sums},
    special::{asinh, log_domain},
    vector,
};

/// Entries in (−1, 1) without structure.
fn entries(len: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * i) as f64 * 0.7 + i as f64 * 1.3).sin()).collect()
}

const SIZES: [(usize, usize); 3] = [(40, 100), (21, 1047), (200, 1000)];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("dense");
    for (d, n) in SIZES {
        let (z, x, v) = (entries(d * n), entries(n), entries(d));
        let weights: Vec<f64> = x.iter().map(|x| x.abs()).collect();
        let (mut zx, mut ztv, mut gram) = (vec![0.0; d], vec![0.0; n], vec![0.0; d * d]);
        let size = format!("{d}x{n}");
        group.throughput(Throughput::Elements((d * n) as u64));
        group.bench_function(BenchmarkId::new("mul", &size), |b| {
            b.iter(|| dense::mul(black_box(&z), black_box(&x), &mut zx));
        });
        group.bench_function(BenchmarkId::new("mul_t", &size), |b| {
            b.iter(|| dense::mul_t(black_box(&z), black_box(&v), &mut ztv));
        });
        group.throughput(Throughput::Elements((d * d * n / 2) as u64));
        group.bench_function(BenchmarkId::new("gram_weighted", &size), |b| {
            b.iter(|| dense::gram_weighted(black_box(&z), d, n, black_box(&weights), &mut gram));
        });
    }
    group.finish();
}

fn factorizations(c: &mut Criterion) {
    let mut group = c.benchmark_group("cholesky");
    for d in [21, 40, 100, 200, 500] {
        let g = entries(d * d);
        let mut h = vec![0.0; d * d];
        dense::gram_weighted(&g, d, d, &vec![1.0; d], &mut h);
        for i in 0..d {
            h[i * d + i] += 1.0;
        }
        let right = entries(d);
        let mut factor = Cholesky::new(d);
        group.bench_function(BenchmarkId::new("factor", d), |b| {
            b.iter(|| assert!(factor.factor(black_box(&h))));
        });
        let mut x = right.clone();
        group.bench_function(BenchmarkId::new("solve", d), |b| {
            b.iter(|| {
                x.copy_from_slice(&right);
                factor.solve(black_box(&mut x));
            });
        });
    }
    group.finish();
}

fn maps(c: &mut Criterion) {
    let mut group = c.benchmark_group("vector");
    let n = 1000;
    let z: Vec<f64> = entries(n).iter().map(|v| 30.0 * v).collect();
    let log_a = vec![-20.0; n];
    let (mut x, mut s) = (vec![0.0; n], vec![0.0; n]);
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("exp", |b| b.iter(|| vector::exp(black_box(&z), &mut x)));
    group.bench_function("exp, standard library", |b| {
        b.iter(|| {
            for (x, z) in x.iter_mut().zip(black_box(&z)) {
                *x = z.exp();
            }
        });
    });
    group.bench_function("a_sinh_map", |b| {
        b.iter(|| vector::a_sinh_map(black_box(&z), &log_a, &mut x));
    });
    group.bench_function("a_sinh_cosh_map", |b| {
        b.iter(|| vector::a_sinh_cosh_map(black_box(&z), &log_a, &mut x, &mut s));
    });
    group.bench_function("a_sinh, scalar", |b| {
        b.iter(|| {
            for ((x, z), log_a) in x.iter_mut().zip(black_box(&z)).zip(&log_a) {
                *x = log_domain::a_sinh(*z, *log_a);
            }
        });
    });
    group.bench_function("asinh_map", |b| {
        b.iter(|| asinh::asinh_map(black_box(&z), &log_a, &mut x));
    });
    group.bench_function("asinh_ratio, scalar", |b| {
        b.iter(|| {
            for ((x, z), log_a) in x.iter_mut().zip(black_box(&z)).zip(&log_a) {
                *x = log_domain::asinh_ratio(*z, *log_a);
            }
        });
    });
    group.finish();
}

fn compensated(c: &mut Criterion) {
    let mut group = c.benchmark_group("sums");
    let (a, b) = (entries(1000), entries(2000));
    group.throughput(Throughput::Elements(1000));
    group.bench_function("dot", |g| g.iter(|| dense::dot(black_box(&a), black_box(&b[1000..]))));
    group.bench_function("dot2", |g| g.iter(|| sums::dot2(black_box(&a), black_box(&b[1000..]))));
    group.bench_function("interval dot", |g| {
        g.iter(|| interval::dot(black_box(&a), black_box(&b[1000..])));
    });
    group.finish();
}

criterion_group! {
    name = numerics;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = products, factorizations, maps, compensated
}
criterion_main!(numerics);

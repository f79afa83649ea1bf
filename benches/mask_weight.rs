//! How near the kernels of m⊙w come to the speed of memory: bytes per second of each, beside a copy
//! and a triad (`a = b + s·c`) of the same run and the same threads, and the fused step beside the
//! same step taken apart.
//!
//! `cargo bench -p mirrorflow --bench mask_weight`; the last lines are the fractions.

// The macros of criterion define public functions.
#![allow(missing_docs)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use mirrorflow::kernels::mask_weight::{
    Adam, FactorPenalty, Ham, Optimizer, PlainPenalty, Sgd,
    host::{
        Parameter, ham_step, keep_largest, measure, power, product, product_backward, sigmoid_mask,
        soft_threshold, soft_threshold_backward, update_factors, update_plain,
    },
};
use rayon::prelude::*;

/// Weights: 16 MiB an array in f32, far beyond the caches.
const N: usize = 1 << 22;

fn noise(n: usize, s: f64) -> Vec<f32> {
    (0..n).map(|i| ((i * i % 9973) as f64 * s + i as f64 * 1.3).sin() as f32).collect()
}

/// Everything a step touches.
struct Layer {
    m: Vec<f32>,
    w: Vec<f32>,
    g: Vec<f32>,
    x: Vec<f32>,
    /// Of m and of w.
    momentum: [Vec<f32>; 2],
    /// Both of m, both of w.
    moments: [Vec<f32>; 4],
    scratch: [Vec<f32>; 2],
}

impl Layer {
    fn new() -> Self {
        let small = noise(N, 0.3).iter().map(|g| 1e-6 * g).collect();
        Self {
            m: noise(N, 0.1),
            w: noise(N, 0.2),
            g: small,
            x: noise(N, 0.4),
            momentum: [0; 2].map(|_| vec![0.0; N]),
            moments: [0; 4].map(|_| vec![0.0; N]),
            scratch: [0; 2].map(|_| vec![0.0; N]),
        }
    }
}

const PENALTY: FactorPenalty = FactorPenalty { factors: 1e-6, mask_l1: 0.0, l1: 0.0 };

fn momentum() -> Optimizer {
    Optimizer::Sgd(Sgd { rate: 0.01, momentum: 0.9, nesterov: false })
}

fn fused_sgd(l: &mut Layer) {
    let [a, b] = &mut l.momentum;
    let m = Parameter { value: &mut l.m, state: [a, &mut []] };
    let w = Parameter { value: &mut l.w, state: [b, &mut []] };
    let done = update_factors(&momentum(), 1, &PENALTY, m, w, &l.g, None, &mut l.x);
    assert!(done.unwrap().is_finite());
}

fn fused_adam(l: &mut Layer) {
    let [a, b, c, d] = &mut l.moments;
    let m = Parameter { value: &mut l.m, state: [a, b] };
    let w = Parameter { value: &mut l.w, state: [c, d] };
    let adam = Optimizer::Adam(Adam::default());
    let done = update_factors(&adam, 1, &PENALTY, m, w, &l.g, None, &mut l.x);
    assert!(done.unwrap().is_finite());
}

fn plain_sgd(l: &mut Layer) {
    let x = Parameter { value: &mut l.x, state: [&mut l.momentum[0], &mut []] };
    let penalty = PlainPenalty { weight_decay: 1e-6, l1: 0.0 };
    assert!(update_plain(&momentum(), 1, &penalty, x, &l.g, None).unwrap().is_finite());
}

/// Zipped in chunks over the threads, as a framework does one operation after the other.
fn map(out: &mut [f32], a: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    out.par_chunks_mut(1 << 14).zip(a.par_chunks(1 << 14)).for_each(|(out, a)| {
        for (out, a) in out.iter_mut().zip(a) {
            *out = f(*out, *a);
        }
    });
}

/// The same step, one operation after the other: gradients, decay, momentum, step, product.
fn unfused_sgd(l: &mut Layer) {
    let ([bm, bw], [gm, gw]) = (&mut l.momentum, &mut l.scratch);
    product_backward(&l.m, &l.w, &l.g, gm, gw).unwrap();
    for (g, b, v) in [(gm, bm, &mut l.m), (gw, bw, &mut l.w)] {
        map(g, v, |g, v| g + 2e-6 * v);
        map(b, g, |b, g| 0.9 * b + g);
        map(v, b, |v, b| v - 0.01 * b);
    }
    product(&l.m, &l.w, &mut l.x).unwrap();
    assert!(measure(&l.x).l1.is_finite());
}

fn copy(l: &mut Layer) {
    map(&mut l.x, &l.g, |_, g| g);
}

fn triad(l: &mut Layer) {
    let [a, b] = &mut l.scratch;
    a.par_chunks_mut(1 << 14).zip(b.par_chunks(1 << 14)).zip(l.g.par_chunks(1 << 14)).for_each(
        |((a, b), c)| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *a = b + 0.5 * c;
            }
        },
    );
}

type Kernel = (&'static str, usize, fn(&mut Layer));

/// Name, bytes read and written for a weight (the lines a store must fetch not counted), kernel.
const KERNELS: &[Kernel] = &[
    ("copy", 8, copy),
    ("triad", 12, triad),
    ("update_factors, SGD with momentum", 40, fused_sgd),
    ("the same unfused", 116, unfused_sgd),
    ("update_factors, Adam", 56, fused_adam),
    ("update_plain, SGD with momentum", 20, plain_sgd),
    ("product", 12, |l| product(&l.m, &l.w, &mut l.x).unwrap()),
    ("soft_threshold", 8, |l| soft_threshold(&l.m, -1.0, &mut l.x).unwrap()),
    ("soft_threshold_backward", 12, |l| {
        let g_s = soft_threshold_backward(&l.m, -1.0, &l.g, &mut l.x).unwrap();
        assert!(g_s.is_finite());
    }),
    ("ham_step", 12, |l| {
        let ham = Ham { rate: 0.01, alpha: 200.0, beta: 0.0 };
        ham_step(&ham, &l.g, &mut l.m).unwrap();
    }),
    ("sigmoid_mask", 12, |l| sigmoid_mask(&l.m, &l.w, 2.0, &mut l.x).unwrap()),
    ("power 2", 8, |l| power(&l.m, 2.0, &mut l.x).unwrap()),
    ("power 1.5", 8, |l| power(&l.m, 1.5, &mut l.x).unwrap()),
    ("measure", 4, |l| assert!(measure(&l.m).l1 > 0.0)),
    ("keep_largest", 17, |l| {
        let mut keep = vec![0; N];
        keep_largest(&[&l.m], N / 20, &mut [&mut keep]).unwrap();
    }),
];

fn kernels(c: &mut Criterion) {
    let mut layer = Layer::new();
    let mut group = c.benchmark_group("mask_weight");
    for (name, bytes, kernel) in KERNELS {
        group.throughput(Throughput::Bytes((bytes * N) as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| kernel(black_box(&mut layer)));
        });
    }
    group.finish();
}

/// The fastest of rounds in which the kernels take turns: what the machine can do, other work on it
/// aside.
fn fractions() {
    let mut layer = Layer::new();
    let rounds = 30;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); KERNELS.len()];
    for _ in 0..rounds {
        for ((_, _, kernel), times) in KERNELS.iter().zip(&mut times) {
            let start = Instant::now();
            kernel(black_box(&mut layer));
            times.push(start.elapsed());
        }
    }
    let rate = |k: usize| {
        let best = times[k].iter().min().map_or(f64::NAN, Duration::as_secs_f64);
        (best, (KERNELS[k].1 * N) as f64 / best / 1e9)
    };
    let triad = rate(1).1;
    let threads = rayon::current_num_threads();
    println!("\n{N} weights in f32, {threads} threads, fastest of {rounds} alternating rounds");
    println!("{:36} {:>9} {:>8} {:>9}", "kernel", "ms", "GB/s", "of triad");
    for (k, (name, ..)) in KERNELS.iter().enumerate() {
        let (seconds, gb) = rate(k);
        println!("{name:36} {:9.2} {gb:8.2} {:8.0}%", seconds * 1e3, 100.0 * gb / triad);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = kernels
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    // `--test` only looks whether everything runs.
    if !std::env::args().any(|a| a == "--test") {
        fractions();
    }
}

//! The kernels of batches (d = 40, n = 100): `cargo bench -p mirrorflow --bench kernels`.
//! Throughput is in runs; peers stand beside them in `benches/peers` (`ensemble.py`,
//! `descents.py`).

// The macro of criterion makes a function without documentation.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gemm::Parallelism;
use mirrorflow::kernels::batch::{
    descent::{self, Objective, Run, descend},
    limit::{self, limits},
    mirror_flow::{self, Features, Precision, integrate},
};
use mirrorflow::{
    potential::HyperbolicEntropy,
    problem::{Generator, Problem},
    schedule::Schedule,
};

const D: usize = 40;
const N: usize = 100;
const RUNS: usize = 256;

/// y of runs on one Z: that of the truth of the problem, turned and scaled.
fn targets(problem: &Problem) -> Vec<f64> {
    let y = problem.y();
    (0..RUNS * D).map(|k| y[(k + k / D) % D] * (1.0 + 0.1 * (k as f64).sin())).collect()
}

fn flows(c: &mut Criterion, problem: &Problem) {
    let y = targets(problem);
    let start = [HyperbolicEntropy::uniform(N, 0.5_f64.ln()).expect("a finite log a")];
    let schedule = [Schedule::Geometric { c: 0.5, r: 1.0 }];
    let each = problem.z_rows().repeat(RUNS);
    let mut group = c.benchmark_group("mirror_flow to T = 300");
    group.throughput(Throughput::Elements(RUNS as u64));
    for (name, z, rtol, precision) in [
        ("one Z, rtol 1e-2", Features::Shared(problem.z_rows()), 1e-2, Precision::F64),
        ("one Z, rtol 1e-6", Features::Shared(problem.z_rows()), 1e-6, Precision::F64),
        ("one Z, rtol 1e-3, f32", Features::Shared(problem.z_rows()), 1e-3, Precision::F32),
        ("a Z each, rtol 1e-2", Features::Individual(&each), 1e-2, Precision::F64),
    ] {
        let batch = mirror_flow::Batch {
            samples: D,
            features: N,
            z,
            y: &y,
            start: &start,
            schedule: &schedule,
        };
        let options =
            mirror_flow::Options { rtol, precision, ..mirror_flow::Options::until(300.0) };
        group.bench_function(name, |b| b.iter(|| integrate(&batch, &options, None)));
    }
    group.finish();
}

fn descents(c: &mut Criterion, problem: &Problem) {
    const STEPS: u64 = 1000;
    let mut group = c.benchmark_group("descent, 1000 steps");
    group.throughput(Throughput::Elements(RUNS as u64));
    for (name, objective, batch) in [
        ("m⊙w", Objective::MaskWeight, None),
        ("L1 on m", Objective::MaskL1, None),
        ("L1 on x", Objective::PlainL1, None),
        ("m⊙w, SGD 5", Objective::MaskWeight, Some(5)),
    ] {
        let second = if objective == Objective::PlainL1 { 0 } else { N };
        let run = |seed| Run {
            first: vec![1.0; N],
            second: vec![0.1; second],
            schedule: Schedule::Constant { c: 0.01 },
            seed,
        };
        let runs: Vec<Run> = (0..RUNS as u64).map(run).collect();
        let options = descent::Options { step: 1e-4, steps: STEPS, batch, record: vec![STEPS] };
        group.bench_function(name, |b| {
            b.iter(|| descend(problem, objective, &runs, &options, None));
        });
    }
    // What the two products of these steps take alone as matrix products of all runs.
    let (x, mut r, mut g) = (vec![0.1; N * RUNS], vec![0.0; D * RUNS], vec![0.0; N * RUNS]);
    let z = problem.z_rows();
    group.bench_function("products alone, by gemm", |b| {
        b.iter(|| {
            for _ in 0..STEPS {
                // R (D×RUNS) = ZX and G (N×RUNS) = ZᵀR, runs together.
                // SAFETY: sizes and strides are those of the buffers.
                unsafe {
                    product((D, N), (z, N as isize, 1), &x, &mut r);
                    product((N, D), (z, 1, N as isize), &r, &mut g);
                }
            }
            black_box(g[0])
        });
    });
    group.finish();
}

/// `out (rows×RUNS) = a·b`, a rows×inner with these strides, b inner×RUNS.
///
/// # Safety
/// The buffers are as long as that.
unsafe fn product(
    (rows, inner): (usize, usize),
    (a, row, column): (&[f64], isize, isize),
    b: &[f64],
    out: &mut [f64],
) {
    let wide = RUNS as isize;
    unsafe {
        gemm::gemm(
            rows,
            RUNS,
            inner,
            out.as_mut_ptr(),
            1,
            wide,
            false,
            a.as_ptr(),
            column,
            row,
            b.as_ptr(),
            1,
            wide,
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::Rayon(0),
        );
    }
}

fn all_limits(c: &mut Criterion, problem: &Problem) {
    let y = targets(problem);
    let mut group = c.benchmark_group("limit");
    group.throughput(Throughput::Elements(RUNS as u64));
    for log_a in [-2.7, -20.0, -200.0] {
        let log_a_each = vec![log_a; RUNS];
        let batch =
            limit::Batch { d: D, n: N, z: problem.z_rows(), y: &y, log_a: &log_a_each, theta: &[] };
        group.bench_function(format!("log a = {log_a}"), |b| {
            b.iter(|| limits(&batch, &limit::Options::default(), None));
        });
    }
    group.finish();
    robust_limits(c, problem);
}

/// What the route with twice the precision costs a batch: targets of truths with 5 entries, as they
/// are and rounded to float32. At these a doubles see every entry of most of the former and of few
/// of the latter.
fn robust_limits(c: &mut Criterion, problem: &Problem) {
    let truth = |run: usize, i: usize| {
        if (i + run).is_multiple_of(N / 5) { 1.0 + ((run * N + i) as f64).sin() } else { 0.0 }
    };
    let exact: Vec<f64> = (0..RUNS)
        .flat_map(|run| {
            let row = move |row: &[f64]| -> f64 { (0..N).map(|i| row[i] * truth(run, i)).sum() };
            problem.z_rows().chunks_exact(N).map(row)
        })
        .collect();
    let rounded: Vec<f64> = exact.iter().map(|v| f64::from(*v as f32)).collect();
    let mut group = c.benchmark_group("limit, planted");
    group.throughput(Throughput::Elements(RUNS as u64));
    for log_a in [-20.0, -200.0] {
        for (name, y) in [("as they are", &exact), ("float32", &rounded)] {
            let log_a_each = vec![log_a; RUNS];
            let z = problem.z_rows();
            let batch = limit::Batch { d: D, n: N, z, y, log_a: &log_a_each, theta: &[] };
            group.bench_function(format!("{name}, log a = {log_a}"), |b| {
                b.iter(|| limits(&batch, &limit::Options::default(), None));
            });
        }
    }
    group.finish();
}

fn benches(c: &mut Criterion) {
    let problem = Generator::gaussian(D, N, 5, 0).problem().expect("a valid problem");
    flows(c, &problem);
    descents(c, &problem);
    all_limits(c, &problem);
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = benches
}
criterion_main!(all);

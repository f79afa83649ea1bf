//! An ensemble of flows with diffsol: `ensemble DIR B ROUNDS THREADS tsit45-mw|bdf-nu`.
//!
//! `DIR` holds `z.f64` (40×100, or B of them) and `y.f64` (B×40) as little-endian doubles; each
//! flow starts at m₀ = 1, w₀ = 0 under α = ½e^{−t} and ends at T = 300, at rtol 1e-8, atol 1e-12.
//! Prints seconds, one line a round; writes `x.f64` (B×100).
use diffsol::{NalgebraLU, NalgebraMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason, Vector};
use std::time::Instant;

const D: usize = 40;
const N: usize = 100;
const T: f64 = 300.0;

fn read(path: &str) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap();
    bytes.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect()
}

/// Eight sums: the compiler keeps them in vector registers.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut s = [0.0f64; 8];
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for k in 0..8 {
            s[k] += x[k] * y[k];
        }
    }
    s.iter().sum()
}

/// `zt` is Zᵀ, 100×40.
fn explicit(zt: &[f64], y: &[f64], out: &mut [f64]) {
    let problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(1e-8)
        .atol([1e-12])
        .rhs(|s: &[f64], _: &[f64], t: f64, o: &mut [f64]| {
            let (m, w) = s.split_at(N);
            let mut r: [f64; D] = std::array::from_fn(|i| -y[i]);
            for j in 0..N {
                let v = m[j] * w[j];
                for (r, z) in r.iter_mut().zip(&zt[j * D..(j + 1) * D]) {
                    *r += v * z;
                }
            }
            let decay = (-t).exp();
            for j in 0..N {
                let g = dot(&zt[j * D..(j + 1) * D], &r) / D as f64;
                o[j] = -g * w[j] - decay * m[j];
                o[N + j] = -g * m[j] - decay * w[j];
            }
        })
        .init(
            |_: &[f64], _: f64, s: &mut [f64]| {
                s[..N].fill(1.0);
                s[N..].fill(0.0);
            },
            2 * N,
        )
        .build()
        .unwrap();
    let mut solver = problem.tsit45().unwrap();
    solver.set_stop_time(T).unwrap();
    while !matches!(solver.step().unwrap(), OdeSolverStopReason::TstopReached) {}
    let s = solver.state().y.clone_as_vec();
    for j in 0..N {
        out[j] = s[j] * s[N + j];
    }
}

fn implicit(zt: &[f64], y: &[f64], out: &mut [f64]) {
    let a = |t: f64| 0.5 * (2.0 * (-t).exp_m1()).exp();
    let problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(1e-8)
        .atol([1e-12])
        .rhs_implicit(
            |s: &[f64], _: &[f64], t: f64, o: &mut [f64]| {
                let a = a(t);
                let mut r: [f64; D] = std::array::from_fn(|i| -y[i]);
                for j in 0..N {
                    let z = &zt[j * D..(j + 1) * D];
                    let x = a * (-2.0 * dot(z, s)).sinh();
                    for (r, z) in r.iter_mut().zip(z) {
                        *r += x * z;
                    }
                }
                for i in 0..D {
                    o[i] = r[i] / D as f64;
                }
            },
            |s: &[f64], _: &[f64], t: f64, v: &[f64], o: &mut [f64]| {
                let a = a(t);
                let mut r = [0.0; D];
                for j in 0..N {
                    let z = &zt[j * D..(j + 1) * D];
                    let c = -2.0 * a * (-2.0 * dot(z, s)).cosh() * dot(z, v);
                    for (r, z) in r.iter_mut().zip(z) {
                        *r += c * z;
                    }
                }
                for i in 0..D {
                    o[i] = r[i] / D as f64;
                }
            },
        )
        .init(|_: &[f64], _: f64, s: &mut [f64]| s.fill(0.0), D)
        .build()
        .unwrap();
    let mut solver = problem.bdf::<NalgebraLU<f64>>().unwrap();
    solver.set_stop_time(T).unwrap();
    while !matches!(solver.step().unwrap(), OdeSolverStopReason::TstopReached) {}
    let s = solver.state().y.clone_as_vec();
    for j in 0..N {
        out[j] = a(T) * (-2.0 * dot(&zt[j * D..(j + 1) * D], &s)).sinh();
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let folder = &args[1];
    let [b, rounds, threads]: [usize; 3] = std::array::from_fn(|k| args[2 + k].parse().unwrap());
    let solve = if args[5] == "tsit45-mw" { explicit } else { implicit };
    let (z, y) = (read(&format!("{folder}/z.f64")), read(&format!("{folder}/y.f64")));
    let zt: Vec<f64> =
        z.chunks(D * N).flat_map(|z| (0..D * N).map(move |k| z[k % D * N + k / D])).collect();
    let zt = |run: usize| {
        let first = if zt.len() == D * N { 0 } else { run * D * N };
        &zt[first..first + D * N]
    };
    let mut x = vec![0.0; b * N];
    for _ in 0..rounds {
        let begin = Instant::now();
        let per = b.div_ceil(threads);
        std::thread::scope(|s| {
            for (k, x) in x.chunks_mut(per * N).enumerate() {
                let (y, zt) = (&y, &zt);
                s.spawn(move || {
                    for (i, out) in x.chunks_mut(N).enumerate() {
                        let run = k * per + i;
                        solve(zt(run), &y[run * D..(run + 1) * D], out);
                    }
                });
            }
        });
        println!("{:.6}", begin.elapsed().as_secs_f64());
    }
    let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(format!("{folder}/x.f64"), bytes).unwrap();
}

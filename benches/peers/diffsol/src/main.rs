//! diffsol on the flows of `benches/peers/ode.py`: `diffsol-peer DIR REPETITIONS [SCHEDULE]`; DIR
//! holds raw f64 files.
use diffsol::{FaerLU, FaerMat, NalgebraLU, NalgebraMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason, Vector};
use std::cell::Cell;
use std::time::Instant;
fn rd(p: &str) -> Vec<f64> {
    std::fs::read(p).unwrap().chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect()
}
const D: usize = 40;
const N: usize = 100;
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut s = [0.0f64; 8];
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) { for k in 0..8 { s[k] += x[k] * y[k]; } }
    s.iter().sum()
}
#[inline(always)]
fn zx(zt: &[f64], x: impl Fn(usize) -> f64, r: &mut [f64; D]) {
    for j in 0..N { let v = x(j); let z = &zt[j * D..(j + 1) * D]; for i in 0..D { r[i] += v * z[i]; } }
}
fn alpha(s: &str, t: f64) -> f64 {
    match s { "none" => 0., "constant" => 0.01, "harmonic" => 0.25 / (1. + t), "quadratic" => 0.5 / ((1. + t) * (1. + t)), _ => 0.5 * (-t).exp() }
}
fn big_a(s: &str, t: f64) -> f64 {
    match s { "none" => 0., "constant" => 0.01 * t, "harmonic" => 0.25 * t.ln_1p(), "quadratic" => 0.5 * t / (1. + t), _ => -0.5 * (-t).exp_m1() }
}
fn med(mut v: Vec<f64>) -> f64 { v.sort_by(|a, b| a.partial_cmp(b).unwrap()); v[v.len() / 2] }
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let reps: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let zt = rd(&format!("{dir}/zt.f64")); let y = rd(&format!("{dir}/y.f64"));
    let only = std::env::args().nth(3);
    for sch in ["none", "constant", "harmonic", "quadratic", "geometric"] {
        if only.as_deref().is_some_and(|o| o != sch) { continue; }
        let ts = rd(&format!("{dir}/{sch}_t.f64")); let xr = rd(&format!("{dir}/{sch}_x.f64"));
        let tend = *ts.last().unwrap();
        let nf = Cell::new(0usize); let nj = Cell::new(0usize);
        macro_rules! mw { ($mat:ty) => {
            OdeBuilder::<$mat>::new().rtol(1e-8).atol([1e-12])
                .rhs_implicit(
                    |s: &[f64], _p: &[f64], t: f64, o: &mut [f64]| {
                        nf.set(nf.get() + 1);
                        let (m, w) = s.split_at(N);
                        let mut r = [0.0; D]; for i in 0..D { r[i] = -y[i]; }
                        zx(&zt, |j| m[j] * w[j], &mut r);
                        let a2 = 2. * alpha(sch, t);
                        for j in 0..N { let g = dot(&zt[j * D..(j + 1) * D], &r) / D as f64;
                            o[j] = -g * w[j] - a2 * m[j]; o[N + j] = -g * m[j] - a2 * w[j]; }
                    },
                    |s: &[f64], _p: &[f64], t: f64, v: &[f64], o: &mut [f64]| {
                        nj.set(nj.get() + 1);
                        let (m, w) = s.split_at(N); let (vm, vw) = v.split_at(N);
                        let mut r = [0.0; D]; for i in 0..D { r[i] = -y[i]; }
                        zx(&zt, |j| m[j] * w[j], &mut r);
                        let mut q = [0.0; D]; zx(&zt, |j| vm[j] * w[j] + m[j] * vw[j], &mut q);
                        let a2 = 2. * alpha(sch, t);
                        for j in 0..N { let z = &zt[j * D..(j + 1) * D];
                            let g = dot(z, &r) / D as f64; let h = dot(z, &q) / D as f64;
                            o[j] = -h * w[j] - g * vw[j] - a2 * vm[j]; o[N + j] = -h * m[j] - g * vm[j] - a2 * vw[j]; }
                    })
                .init(|_p: &[f64], _t: f64, s: &mut [f64]| { for j in 0..N { s[j] = 1.0; s[N + j] = 0.0; } }, 2 * N)
                .build().unwrap()
        } }
        macro_rules! nu { ($mat:ty) => {
            OdeBuilder::<$mat>::new().rtol(1e-8).atol([1e-12])
                .rhs_implicit(
                    |s: &[f64], _p: &[f64], t: f64, o: &mut [f64]| {
                        nf.set(nf.get() + 1);
                        let a = 0.5 * (-4. * big_a(sch, t)).exp();
                        let mut r = [0.0; D]; for i in 0..D { r[i] = -y[i]; }
                        for j in 0..N { let z = &zt[j * D..(j + 1) * D]; let x = a * (-2. * dot(z, s)).sinh(); for i in 0..D { r[i] += x * z[i]; } }
                        for i in 0..D { o[i] = r[i] / D as f64; }
                    },
                    |s: &[f64], _p: &[f64], t: f64, v: &[f64], o: &mut [f64]| {
                        nj.set(nj.get() + 1);
                        let a = 0.5 * (-4. * big_a(sch, t)).exp();
                        let mut r = [0.0; D];
                        for j in 0..N { let z = &zt[j * D..(j + 1) * D]; let c = -2. * a * (-2. * dot(z, s)).cosh() * dot(z, v); for i in 0..D { r[i] += c * z[i]; } }
                        for i in 0..D { o[i] = r[i] / D as f64; }
                    })
                .init(|_p: &[f64], _t: f64, s: &mut [f64]| { for j in 0..D { s[j] = 0.0; } }, D)
                .build().unwrap()
        } }
        macro_rules! bench { ($name:expr, $form:expr, $prob:expr, $($mk:tt)*) => {{
            let prob = &$prob;
            let mut times = vec![]; let mut steps = 0; let mut fin: Vec<f64> = vec![]; let mut err = String::new();
            let (mut f1, mut j1) = (0, 0);
            for _ in 0..reps {
                nf.set(0); nj.set(0);
                let t0 = Instant::now();
                let mut so = prob.$($mk)*.unwrap();
                so.set_stop_time(tend).unwrap();
                loop { match so.step() { Ok(OdeSolverStopReason::TstopReached) => break, Ok(_) => {}, Err(e) => { err = format!("{e}"); break } } }
                times.push(t0.elapsed().as_secs_f64());
                f1 = nf.get(); j1 = nj.get();
                steps = so.get_statistics().number_of_steps; fin = so.state().y.clone_as_vec();
                if times.iter().sum::<f64>() > 30.0 { break }
            }
            let x_of = |s: &[f64], t: f64| -> Vec<f64> { if $form == "mw" { (0..N).map(|j| s[j] * s[N + j]).collect() } else {
                let a = 0.5 * (-4. * big_a(sch, t)).exp(); (0..N).map(|j| a * (-2. * dot(&zt[j * D..(j + 1) * D], s)).sinh()).collect() } };
            // checkpoints
            let mut emax: f64 = 0.; let mut so = prob.$($mk)*.unwrap();
            so.set_stop_time(tend).unwrap(); let mut k = 0;
            while err.is_empty() && k < ts.len() {
                let r = so.step(); if r.is_err() { break }
                while k < ts.len() && ts[k] <= so.state().t {
                    let s = if ts[k] == so.state().t { so.state().y.clone_as_vec() } else { so.interpolate(ts[k]).unwrap().clone_as_vec() };
                    for (a, b) in x_of(&s, ts[k]).iter().zip(&xr[k * N..(k + 1) * N]) { emax = emax.max((a - b).abs()); }
                    k += 1;
                }
                if matches!(r, Ok(OdeSolverStopReason::TstopReached)) { break }
            }
            let xf = x_of(&fin, tend); let efin = xf.iter().zip(&xr[(ts.len() - 1) * N..]).map(|(a, b)| (a - b).abs()).fold(0., f64::max);
            let mut r = [0.0; D]; for i in 0..D { r[i] = -y[i]; } zx(&zt, |j| xf[j], &mut r);
            let loss = r.iter().map(|v| v * v).sum::<f64>() / (2 * D) as f64;
            println!("{sch}\t{}\t{}\t{:.6}\t{}\t{}\t{}\t{:.3e}\t{:.3e}\t{:.3e}\t{}", $name, $form, med(times.clone()), steps, f1, j1, emax, efin, loss, err);
        }} }
        let p1 = mw!(NalgebraMat<f64>); let p3 = nu!(NalgebraMat<f64>); let p4 = nu!(FaerMat<f64>);
        bench!("tsit45", "mw", p1, tsit45());
        
        
        
        bench!("tsit45", "nu", p3, tsit45());
        bench!("bdf/nalgebra", "nu", p3, bdf::<NalgebraLU<f64>>());
        bench!("bdf/faer", "nu", p4, bdf::<FaerLU<f64>>());
        bench!("esdirk34/faer", "nu", p4, esdirk34::<FaerLU<f64>>());
    }
}

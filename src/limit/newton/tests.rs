//! Newton against references: an independent SciPy solution of the KKT system, the LP
//! optimum, and the degenerate systems a user can hand in.

use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::limit::PIVOTS;
use crate::numerics::dense::norms::norm2;

fn npz(name: &str) -> NpzReader<std::fs::File> {
    let path = format!("{}/tests/data/{name}.npz", env!("CARGO_MANIFEST_DIR"));
    NpzReader::new(std::fs::File::open(path).unwrap()).unwrap()
}

fn vector(file: &mut NpzReader<std::fs::File>, name: &str) -> Vec<f64> {
    let v: Array1<f64> = file.by_name(name).unwrap();
    v.to_vec()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm2(&difference) / norm2(b)
}

fn solve(problem: &Problem, log_a: f64) -> Limit {
    let entropy = HyperbolicEntropy::uniform(problem.features(), log_a).unwrap();
    minimize(problem, &entropy, &Options::default()).unwrap()
}

#[test]
fn reference_limits_to_1e_10() {
    let mut file = npz("kkt_ref");
    let z: Array2<f64> = file.by_name("Z").unwrap();
    let y: Array1<f64> = file.by_name("y").unwrap();
    let points: Array2<f64> = file.by_name("X").unwrap();
    let log_a = vector(&mut file, "log_a");
    let problem = Problem::new(z, y).unwrap();
    for (k, &log_a) in log_a.iter().enumerate() {
        let limit = solve(&problem, log_a);
        let error = distance(&limit.x, points.row(k).to_slice().unwrap());
        assert_eq!(limit.status, Status::Converged);
        assert!(error <= 1e-10, "log a = {log_a}: {error:e}");
    }
    let (m, w) = (vector(&mut file, "m0"), vector(&mut file, "w0"));
    let theta = m.iter().zip(&w).map(|(m, w)| ((m + w) / (m - w)).ln()).collect();
    let a = vector(&mut file, "a_w0");
    let entropy = HyperbolicEntropy::new(a.iter().map(|a| a.ln()).collect(), theta).unwrap();
    let limit = minimize(&problem, &entropy, &Options::default()).unwrap();
    let error = distance(&limit.x, &vector(&mut file, "x_w0"));
    assert!(error <= 1e-10, "w0: {error:e}");
}

#[test]
fn tiny_a_is_the_lp_optimum() {
    let z: Array2<f64> = npz("bp_40x100_sp").by_name("Z").unwrap();
    for kind in ["sp", "rn"] {
        let mut file = npz(&format!("bp_40x100_{kind}"));
        let y = vector(&mut file, "y");
        let x = vector(&mut file, "x");
        let problem = Problem::new(z.clone(), Array1::from(y)).unwrap();
        let limit = solve(&problem, -1e6);
        let error = distance(&limit.x, &x);
        assert_eq!(limit.status, Status::Converged);
        assert!(error <= 1e-8, "{kind}: {error:e}");
    }
}

#[test]
fn ladder_meets_the_lp() {
    let z: Array2<f64> = npz("bp_40x100_sp").by_name("Z").unwrap();
    for kind in ["sp", "rn"] {
        let mut file = npz(&format!("bp_40x100_{kind}"));
        let (y, x) = (vector(&mut file, "y"), vector(&mut file, "x"));
        let problem = Problem::new(z.clone(), Array1::from(y)).unwrap();
        let solution = crate::limit::ladder::l1(&problem, &Default::default()).unwrap();
        let best: f64 = x.iter().map(|x| x.abs()).sum();
        assert_eq!(solution.status, Status::Converged);
        assert!((solution.l1 / best - 1.0).abs() <= 1e-10);
    }
}

/// Gaussian Z of d×n with columns times 10^u, |u| ≤ `spread`, and y from a truth with `entries`
/// entries.
fn planted(d: usize, n: usize, entries: usize, spread: f64, seed: u64) -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut z = Array2::from_shape_fn((d, n), |_| rng.sample::<f64, _>(StandardNormal));
    for mut column in z.columns_mut() {
        let unit = 10f64.powf(spread * rng.random_range(-1.0..=1.0));
        column.mapv_inplace(|v| v * unit);
    }
    let x = Array1::from_shape_fn(n, |i| {
        if i < entries { rng.sample::<f64, _>(StandardNormal) } else { 0.0 }
    });
    Problem::new(z.clone(), z.dot(&x)).unwrap()
}

/// Where doubles say that every entry which counts is right, twice the precision has the same ones:
/// also where `H` is so ill-conditioned that corrections were needed.
#[test]
fn what_doubles_settle_is_right() {
    let mut corrected = 0;
    for seed in 0..120 {
        let problem = planted(12, 40, 2, 0.0, seed);
        let system = System::new(&problem).ok().unwrap();
        let log_a = system.scale_log_a(&[-8.0 - 0.25 * (seed as f64); 40]);
        let theta = vec![0.0; 40];
        let mut core = start(&system);
        let inner = climb(&mut core, &high(&log_a), &theta, &Options::default());
        core.refine();
        if inner != Inner::Converged || !core.settled() {
            continue;
        }
        assert!(core.refactor());
        let (low, high) = core.pivots();
        corrected += usize::from(low < PIVOTS * high);
        let mut graded = Graded::new(&system);
        assert_eq!(graded.climb(&log_a, &theta, 2000), Inner::Converged);
        let largest = graded.x.iter().fold(0.0_f64, |m, x| m.max(x.hi.abs()));
        for (x, y) in core.x.iter().zip(&graded.x) {
            let off = (x - y.hi).abs() / y.hi.abs().max(1e-12 * largest);
            assert!(off <= 1e-9, "seed {seed}: {x:e} {:e}, pivots {low:e} {high:e}", y.hi);
        }
    }
    assert!(corrected >= 10, "{corrected}");
}

/// Columns in units 16 orders apart: the ladder in doubles is left after a few rungs, and the
/// answer is right.
#[test]
fn a_ladder_without_progress_is_left_early() {
    for seed in 0..40 {
        let problem = planted(10, 30, 4, 8.0, seed);
        let limit = solve(&problem, -200.0);
        assert_eq!(limit.status, Status::Converged, "seed {seed}");
        assert!(limit.iterations <= 300, "seed {seed}: {} steps", limit.iterations);
    }
}

/// A target that vanishes beside the row in the units of x is still a target.
#[test]
fn a_zero_does_not_meet_a_tiny_target() {
    let problem = Problem::from_rows(vec![1e300], vec![1e-300]).unwrap();
    let entropy = HyperbolicEntropy::uniform(1, 0.0).unwrap();
    assert_eq!(kkt_residual(&problem, &entropy, &[0.0], &[0.0]).0, 1.0);
}

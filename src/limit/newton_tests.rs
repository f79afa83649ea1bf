//! Newton against references: an independent SciPy solution of the KKT system, the LP
//! optimum, and the degenerate systems a user can hand in.

use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;

use super::*;

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

//! The LP routes against the stored vertices, and against one another.

use ndarray::{Array1, Array2, array};
use ndarray_npy::NpzReader;

use super::*;

fn npz(name: &str) -> NpzReader<std::fs::File> {
    let path = format!("{}/tests/data/{name}.npz", env!("CARGO_MANIFEST_DIR"));
    NpzReader::new(std::fs::File::open(path).unwrap()).unwrap()
}

fn stored(kind: &str) -> (Problem, Array1<f64>) {
    let z: Array2<f64> = npz("bp_40x100_sp").by_name("Z").unwrap();
    let mut file = npz(&format!("bp_40x100_{kind}"));
    (Problem::new(z, file.by_name("y").unwrap()).unwrap(), file.by_name("x").unwrap())
}

type Solve = fn(&Problem) -> Result<L1Solution>;

fn exact_routes() -> Vec<Solve> {
    #[cfg_attr(not(feature = "highs"), expect(unused_mut, reason = "grows with the feature"))]
    let mut routes: Vec<Solve> = vec![microlp, interior_point];
    #[cfg(feature = "highs")]
    routes.push(highs);
    routes
}

#[test]
fn exact_routes_find_the_stored_vertex() {
    for kind in ["sp", "rn"] {
        let (problem, x) = stored(kind);
        let best: f64 = x.iter().map(|v| v.abs()).sum();
        for solve in exact_routes() {
            let solution = solve(&problem).unwrap();
            assert_eq!(solution.status, Status::Converged, "{kind} {}", solution.route);
            let error = (0..100).map(|i| (solution.x[i] - x[i]).abs()).fold(0.0, f64::max);
            assert!(error <= 1e-12 * best, "{kind} {}: {error:e}", solution.route);
            let certificate = certify(&problem, &solution.x, &solution.mu).unwrap();
            assert!(certificate.holds(1e-12), "{kind} {}: {certificate:?}", solution.route);
        }
    }
}

#[test]
fn second_opinion_agrees_to_its_tolerance() {
    for kind in ["sp", "rn"] {
        let (problem, x) = stored(kind);
        let best: f64 = x.iter().map(|v| v.abs()).sum();
        let solution = clarabel(&problem).unwrap();
        assert_eq!(solution.status, Status::Converged, "{kind}");
        assert!((solution.l1 / best - 1.0).abs() <= 1e-6, "{kind}: {}", solution.l1 / best - 1.0);
    }
}

#[test]
fn inconsistent_and_zero_targets() {
    let z = array![[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]];
    for solve in exact_routes().into_iter().chain([clarabel as Solve]) {
        let bad = solve(&Problem::new(z.clone(), array![1.0, 3.0]).unwrap()).unwrap();
        assert_eq!(bad.status, Status::Infeasible);
        assert!(bad.infeasibility.is_some_and(|p| p.yt_u > 0.0 && p.l1_lower > 1e12));
        let zero = solve(&Problem::new(z.clone(), array![0.0, 0.0]).unwrap()).unwrap();
        assert_eq!((zero.status, zero.l1), (Status::Converged, 0.0));
    }
}

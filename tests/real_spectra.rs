//! Measured spectra, ill-conditioned as real data is: what is reached and certified on them.

use std::path::PathBuf;

use mirrorflow::limit::{certify, enclose, l1_minimum, newton};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::{Problem, ProblemFile, real};

/// Both routes to the L1 minimum, certified and proved; and the limit between L2 and L1.
fn is_solved_and_proved(problem: &Problem) {
    let n = problem.features();
    let best = l1_minimum(problem).unwrap();
    assert!(best.status.is_converged(), "{}", best.status);
    let certificate = certify(problem, &best.x, &best.mu).unwrap();
    assert!(certificate.holds(1e-9), "{certificate:?}");
    let proof = enclose(problem, &best.x, &best.mu).unwrap();
    assert!(proof.relative_width() <= 1e-9, "{proof:?}");
    assert!(proof.l1_lower <= proof.l1_upper);
    for log_a in [50.0, 20.0, 0.0, -3.0, -10.0, -40.0, -100.0, -500.0, -1e3, -1e4, -1e5, -1e6] {
        let entropy = HyperbolicEntropy::uniform(n, log_a).unwrap();
        let limit = newton::minimize(problem, &entropy, &newton::Options::default()).unwrap();
        assert!(limit.status.is_converged(), "log a = {log_a}: {}", limit.status);
        // No interpolator is below the proved bound; the last one is nearly at it.
        let l1: f64 = limit.x.iter().map(|v| v.abs()).sum();
        assert!(l1 >= proof.l1_lower * (1.0 - 1e-9), "log a = {log_a}: {l1}");
        assert!(log_a > -500.0 || l1 <= proof.l1_upper * (1.0 + 1e-3), "{l1}");
    }
}

#[test]
fn fermentation() {
    is_solved_and_proved(&real::fermentation().unwrap());
}

/// Near-infrared spectra of gasoline (R package pls, GPL-2): not shipped, used where present.
#[test]
fn gasoline_where_it_is_present() {
    let folder = std::env::var_os("MIRRORFLOW_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")),
        PathBuf::from,
    );
    let path = folder.join("gasoline.npz");
    if !path.exists() {
        eprintln!("SKIPPED: no {}; set MIRRORFLOW_DATA to its folder", path.display());
        return;
    }
    let problem = ProblemFile::read(&path).unwrap().problem;
    assert_eq!((problem.samples(), problem.features()), (60, 401));
    assert_eq!(&problem.y()[..3], [85.3, 85.25, 88.45]);
    is_solved_and_proved(&problem);
}

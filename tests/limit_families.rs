//! The limit on families that look like what people bring, at every size of a: always converged.
//!
//! `MIRRORFLOW_LIMIT_PROBLEMS=5000 cargo test --release --test limit_families` runs more of them, from the seed
//! `MIRRORFLOW_LIMIT_FIRST` on;
//! `MIRRORFLOW_LIMIT_DUMP=DIR` writes each with its answer, for a check by other means
//! (`tools/limit_reference.py`, 80 digits).

mod families;

use std::fmt::Write as _;
use std::time::Instant;

use mirrorflow::kernels::{
    self,
    limit::{Batch, Ending, limits},
};
use mirrorflow::limit::newton::{Options, kkt_residual, minimize};
use mirrorflow::limit::{Status, path::path};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};

use families::{FAMILIES, Family, LOG_A, instance};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The seeds to try.
fn seeds() -> std::ops::Range<u64> {
    let first = number("MIRRORFLOW_LIMIT_FIRST", 0);
    first..first + number("MIRRORFLOW_LIMIT_PROBLEMS", 300)
}

fn dump(dir: &str, name: &str, case: &families::Instance, limit: &mirrorflow::limit::Limit) {
    let mut text = String::new();
    let mut line = |name: &str, v: &[f64]| {
        let _ = write!(text, "{name}");
        for v in v {
            let _ = write!(text, " {:016x}", v.to_bits());
        }
        text.push('\n');
    };
    line("z", case.problem.z_rows());
    line("y", case.problem.y());
    line("log_a", case.entropy.log_a());
    line("theta", case.entropy.theta());
    line("rank", &[limit.rank as f64, f64::from(u8::from(limit.status.is_converged()))]);
    line("x", &limit.x);
    line("mu", &limit.mu);
    std::fs::write(format!("{dir}/{name}.txt"), text).expect("the dump is written");
}

#[test]
fn every_family_converges_at_every_a() {
    let dump_dir = std::env::var("MIRRORFLOW_LIMIT_DUMP").ok();
    let mut failures = Vec::new();
    for seed in seeds() {
        let family = FAMILIES[seed as usize % FAMILIES.len()];
        let case = instance(family, seed);
        let started = Instant::now();
        let limit =
            minimize(&case.problem, &case.entropy, &Options::default()).expect("valid input");
        let time = started.elapsed().as_secs_f64();
        let kkt = kkt_residual(&case.problem, &case.entropy, &limit.x, &limit.mu).0;
        let (d, n) = (case.problem.samples(), case.problem.features());
        let about = format!(
            "{family:?} seed {seed} {d}x{n} log a {:.3e}: {:?}, KKT {kkt:.1e}, {} steps, {time:.3} s",
            case.entropy.log_a()[0],
            limit.status,
            limit.iterations
        );
        // Near-copies of columns can leave too few that differ: then the rank is numerical, and said to be.
        let deficient = matches!(limit.status, Status::Deficient { .. }) && limit.rank < d;
        let fine = limit.status.is_converged() || deficient;
        if deficient && family != Family::NearlyDuplicated {
            eprintln!("deficient: {about}");
        }
        if !(fine && kkt <= 1e-11) {
            failures.push(about);
        } else if time > 0.5 {
            eprintln!("slow: {about}");
        }
        if let Some(dir) = &dump_dir {
            dump(dir, &format!("{seed:05}-{family:?}"), &case, &limit);
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        seeds().count(),
        failures.join("\n")
    );
}

/// The batch kernel, one problem at a time and on a whole ladder of log a.
#[test]
fn batches_of_every_family_end_where_the_limit_solver_does() {
    for (k, family) in FAMILIES.into_iter().enumerate().filter(|(_, f)| *f != Family::ManyA) {
        let case = instance(family, 1000 + k as u64);
        let (d, n) = (case.problem.samples(), case.problem.features());
        let count = LOG_A.len();
        let theta = case.entropy.theta();
        let batch = Batch {
            d,
            n,
            z: case.problem.z_rows(),
            y: &case.problem.y().repeat(count),
            log_a: &LOG_A,
            theta: &theta.repeat(count),
        };
        let done = limits(&batch, &kernels::limit::Options::default(), None).expect("valid input");
        for (b, log_a) in LOG_A.into_iter().enumerate() {
            let entropy = HyperbolicEntropy::new(vec![log_a; n], theta.to_vec()).expect("in range");
            let alone =
                minimize(&case.problem, &entropy, &Options::default()).expect("valid input");
            if matches!(alone.status, Status::Deficient { .. }) {
                assert_eq!(done.ending[b], Ending::Dependent, "{family:?}, log a = {log_a}");
                continue;
            }
            assert_eq!(done.ending[b], Ending::Converged, "{family:?}, log a = {log_a}");
            let largest = alone.x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            for (p, q) in done.x[b * n..][..n].iter().zip(&alone.x) {
                let counts = q.abs() > 1e-12 * largest;
                assert!(
                    !counts || (p - q).abs() <= 1e-9 * q.abs(),
                    "{family:?} {log_a}: {p:e} {q:e}"
                );
            }
        }
    }
}

/// Every point of every path converges, and its gap, once it has reached rounding, stays there.
#[test]
fn paths_of_every_family_converge_and_their_gaps_stay_at_rounding() {
    let grid: Vec<f64> = (0..25).map(|k| 20.0 - 60.0 * f64::from(k)).collect();
    for (k, family) in FAMILIES.into_iter().enumerate() {
        for seed in 0..4 {
            let case = instance(family, 2000 + 100 * seed + k as u64);
            let path = path(&case.problem, None, &grid).expect("a valid grid");
            let fine = |s: &Status| s.is_converged() || matches!(s, Status::Deficient { .. });
            assert!(path.status.iter().all(fine), "{family:?} {:?}", path.status);
            let rounding = 1e-12;
            let first = path.gap.iter().position(|g| *g <= rounding).unwrap_or(grid.len());
            assert!(
                path.gap[first..].iter().all(|g| g.abs() <= rounding),
                "{family:?} {:?}",
                path.gap
            );
        }
    }
}

/// Neither Z nor y says anything: x is where the potential is least.
#[test]
fn paths_without_any_equation_stay_at_the_minimum_of_the_potential() {
    let problem = Problem::new(Array2::zeros((2, 3)), Array1::zeros(2)).expect("valid");
    for grid in [vec![20.0, 0.0, -20.0, -200.0], vec![-200.0, 20.0], vec![-1e6]] {
        let path = path(&problem, None, &grid).expect("a valid grid");
        assert!(path.status.iter().all(|s| s.is_converged()), "{:?}", path.status);
        assert!(path.x.iter().all(|x| *x == 0.0) && path.gap.iter().all(|g| *g == 0.0));
    }
}

/// A tilt or one a for each entry keeps its meaning: the entropy's dimension is checked.
#[test]
fn an_entropy_of_another_dimension_is_refused() {
    let case = instance(FAMILIES[0], 0);
    let entropy = HyperbolicEntropy::uniform(case.problem.features() + 1, -3.0).expect("valid");
    assert!(minimize(&case.problem, &entropy, &Options::default()).is_err());
}

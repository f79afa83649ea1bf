//! The limit on families that look like what people bring, at every size of a: always converged.
//!
//! `MIRRORFLOW_LIMIT_PROBLEMS=5000 cargo test --release --test limit_families` runs more of them;
//! `MIRRORFLOW_LIMIT_DUMP=DIR` writes each with its answer, for a check by other means
//! (`tools/limit_reference.py`, 80 digits).

mod families;

use std::fmt::Write as _;
use std::time::Instant;

use mirrorflow::limit::newton::{Options, kkt_residual, minimize};
use mirrorflow::potential::HyperbolicEntropy;

use families::{FAMILIES, instance};

fn count() -> u64 {
    std::env::var("MIRRORFLOW_LIMIT_PROBLEMS").ok().and_then(|v| v.parse().ok()).unwrap_or(300)
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
    line("x", &limit.x);
    line("mu", &limit.mu);
    std::fs::write(format!("{dir}/{name}.txt"), text).expect("the dump is written");
}

#[test]
fn every_family_converges_at_every_a() {
    let dump_dir = std::env::var("MIRRORFLOW_LIMIT_DUMP").ok();
    let mut failures = Vec::new();
    for seed in 0..count() {
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
        if std::env::var("MF_DEBUG").is_ok() && kkt > 1e-11 {
            let (z, n) = (case.problem.z_rows(), case.problem.features());
            for j in 0..d {
                let row = &z[j * n..(j + 1) * n];
                let r: f64 =
                    row.iter().zip(&limit.x).map(|(a, b)| a * b).sum::<f64>() - case.problem.y()[j];
                let size: f64 = row.iter().zip(&limit.x).map(|(a, b)| (a * b).abs()).sum::<f64>()
                    + case.problem.y()[j].abs();
                eprintln!("row {j}: {r:.1e} of {size:.1e}");
            }
            for i in 0..n {
                let s: f64 = 2.0 * (0..d).map(|j| z[j * n + i] * limit.mu[j]).sum::<f64>()
                    + case.entropy.theta()[i];
                let x = mirrorflow::numerics::log_domain::asinh_ratio(
                    limit.x[i],
                    case.entropy.log_a()[i],
                );
                eprintln!("{i}: x {:.6e} s {s:.8e} asinh {x:.8e}", limit.x[i]);
            }
        }
        if !(limit.status.is_converged() && kkt <= 1e-11) {
            failures.push(about);
        } else if time > 0.5 {
            eprintln!("slow: {about}");
        }
        if let Some(dir) = &dump_dir {
            dump(dir, &format!("{seed:05}-{family:?}"), &case, &limit);
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), count(), failures.join("\n"));
}

/// A tilt or one a for each entry keeps its meaning: the entropy's dimension is checked.
#[test]
fn an_entropy_of_another_dimension_is_refused() {
    let case = instance(FAMILIES[0], 0);
    let entropy = HyperbolicEntropy::uniform(case.problem.features() + 1, -3.0).expect("valid");
    assert!(minimize(&case.problem, &entropy, &Options::default()).is_err());
}
#[test]
fn debug_one() {
    let case = instance(families::Family::MixedUnits, 942);
    for la in [50.0, 20.0, 10.0, 5.0, 0.0, -5.0] {
        let e = HyperbolicEntropy::uniform(case.problem.features(), la).expect("x");
        let limit = minimize(&case.problem, &e, &Options::default()).expect("valid input");
        eprintln!(
            "log a {la}: rank {} {:?} {:e} it {} acc {:?}",
            limit.rank, limit.status, limit.kkt_residual, limit.iterations, limit.x
        );
    }
    eprintln!("{:?}\n{:?}", case.problem.y(), case.problem.z_rows());
}

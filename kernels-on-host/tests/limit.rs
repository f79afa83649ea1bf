//! Limits on every machine against the CPU twin.

use std::sync::atomic::AtomicBool;

use mirrorflow::{
    Result,
    kernels::{
        batch::limit::{Batch, Ending, Limits, Options, limits, limits_on},
        device::Machine,
    },
    problem::Generator,
};
use mirrorflow_kernels_on_host::{Host, machines};

const LADDER: [f64; 6] = [50.0, 3.0, -1.0, -20.0, -200.0, -1000.0];

/// Both end where Newton's method does, at a residual of 1e-13 and after one linear correction; what is
/// left is the rounding of s, `ε|s|` with |s| ≤ 2·1000, times the condition of H (below 1e2 here).
fn agree(found: &Limits, expected: &Limits, n: usize, who: &str) {
    assert_eq!(found.ending, expected.ending, "{who}");
    for (b, (p, q)) in found.x.chunks(n).zip(expected.x.chunks(n)).enumerate() {
        let size = q.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (a, b_) in p.iter().zip(q) {
            let same = a.is_nan() && b_.is_nan();
            assert!(same || (a - b_).abs() <= 4e-11 * size, "{who}, problem {b}: {a:e} {b_:e}");
        }
    }
}

#[test]
fn every_machine_finds_the_limits_of_the_cpu_twin() -> Result<()> {
    let (d, n) = (7, 19);
    let problem = Generator::gaussian(d, n, 2, 3).problem()?;
    let count = 2 * LADDER.len();
    let y: Vec<f64> = (0..count * d).map(|k| problem.y()[k % d] + 0.1 * (k as f64).sin()).collect();
    let log_a = LADDER.repeat(2);
    let theta: Vec<f64> = (0..count * n).map(|k| 0.3 * (k as f64).cos()).collect();
    // Problems with matrices of their own, one of them wrong.
    let mut each: Vec<f64> = (0..count).flat_map(|_| problem.z_rows().to_vec()).collect();
    each.iter_mut().enumerate().for_each(|(k, v)| *v += 0.01 * (k as f64).cos());
    each[2 * d * n] = f64::NAN;
    for (z, theta) in [(problem.z_rows(), &[][..]), (problem.z_rows(), &theta), (&each, &[])] {
        let batch = Batch { d, n, z, y: &y, log_a: &log_a, theta };
        let expected = limits(&batch, &Options::default(), None)?;
        let wrong = expected.ending.iter().filter(|e| **e != Ending::Converged).count();
        assert_eq!(wrong, usize::from(z.len() > d * n));
        for machine in &machines() {
            let found = limits_on(&[machine.as_ref()], &batch, &Options::default(), None)?;
            agree(&found, &expected, n, &machine.name());
        }
    }
    Ok(())
}

#[test]
fn pieces_and_machines_change_nothing() -> Result<()> {
    let (d, n) = (4, 9);
    let problem = Generator::gaussian(d, n, 1, 4).problem()?;
    let count = 600;
    let y: Vec<f64> = (0..count * d).map(|k| (k as f64).sin()).collect();
    let log_a: Vec<f64> = (0..count).map(|b| -(b as f64)).collect();
    let batch = Batch { d, n, z: problem.z_rows(), y: &y, log_a: &log_a, theta: &[] };
    let solve = |machines: &[&dyn Machine]| limits_on(machines, &batch, &Options::default(), None);
    let whole = solve(&[&Host::new(1)])?;
    let small = Host { memory: 60_000, ..Host::new(1) };
    assert_eq!(whole, solve(&[&small, &Host::new(1)])?);
    assert!(whole.ending.iter().all(|e| *e == Ending::Converged));
    let cancel = AtomicBool::new(true);
    let done = limits_on(&[&Host::new(1)], &batch, &Options::default(), Some(&cancel))?;
    assert!(done.ending.iter().all(|e| *e == Ending::Cancelled));
    Ok(())
}

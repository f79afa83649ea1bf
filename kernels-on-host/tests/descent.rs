//! Descents on every machine against the CPU twin, on fixed steps.

use std::sync::atomic::AtomicBool;

use mirrorflow::{
    Result,
    kernels::{
        batch::{
            Outcome,
            descent::{Descents, Objective, Options, Run, descend, descend_on},
        },
        device::Machine,
    },
    problem::{Generator, Problem},
    schedule::Schedule,
};
use mirrorflow_kernels_on_host::{Host, machines};

const OBJECTIVES: [Objective; 3] = [Objective::MaskWeight, Objective::MaskL1, Objective::PlainL1];

fn problem() -> Result<Problem> {
    Generator::gaussian(11, 27, 3, 5).problem()
}

/// Runs that differ in start, schedule (every kind) and seed.
fn runs(objective: Objective, count: usize, n: usize) -> Vec<Run> {
    let schedules = [
        Schedule::None,
        Schedule::Constant { c: 0.02 },
        Schedule::Harmonic { c: 0.5 },
        Schedule::Quadratic { c: 0.4 },
        Schedule::Geometric { c: 0.3, r: 0.05 },
        Schedule::Switch { c: 0.1, at: 17.0 },
        Schedule::Piecewise { pieces: vec![(0.0, 0.1), (10.0, 0.3), (40.0, 0.0)] },
    ];
    let at = |k: usize, i: usize, s: f64| (0.7 + (k * 31 + i * 17) as f64 * s).sin();
    let run = |k: usize| Run {
        first: (0..n).map(|i| 1.0 + 0.3 * at(k, i, 0.1)).collect(),
        second: match objective {
            Objective::PlainL1 => Vec::new(),
            _ => (0..n).map(|i| if i % 7 == 0 { 0.0 } else { 0.5 * at(k, i, 0.2) }).collect(),
        },
        schedule: schedules[k % schedules.len()].clone(),
        seed: k as u64 + (1 << 40),
    };
    (0..count).map(run).collect()
}

fn options(steps: u64, batch: Option<usize>) -> Options {
    Options { step: 0.02, steps, batch, record: vec![0, steps / 2, steps] }
}

/// Equal to 1e-12 of the size of x, run by run, and equal outcomes.
fn agree(found: &Descents, expected: &Descents, n: usize, who: &str) {
    assert_eq!(found.outcome, expected.outcome, "{who}");
    assert_eq!(found.x.len(), expected.x.len());
    for (k, (p, q)) in found.x.chunks(n).zip(expected.x.chunks(n)).enumerate() {
        let size = q.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (a, b) in p.iter().zip(q) {
            let same = a == b || (a.is_nan() && b.is_nan());
            assert!(same || (a - b).abs() <= 1e-12 * size, "{who}, row {k}: {a:e} {b:e}");
        }
    }
}

#[test]
fn every_machine_descends_as_the_cpu_twin() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    for machine in &machines() {
        for objective in OBJECTIVES {
            for batch in [None, Some(4), Some(11), Some(1)] {
                let runs = runs(objective, 19, n);
                let options = options(90, batch);
                let expected = descend(&problem, objective, &runs, &options, None)?;
                let found =
                    descend_on(&[machine.as_ref()], &problem, objective, &runs, &options, None)?;
                agree(
                    &found,
                    &expected,
                    n,
                    &format!("{}, {objective:?} {batch:?}", machine.name()),
                );
            }
        }
    }
    Ok(())
}

/// Pieces, machines and company change not one bit.
#[test]
fn a_batch_larger_than_the_memory_goes_in_pieces() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    let runs = runs(Objective::MaskWeight, 200, n);
    for batch in [None, Some(4)] {
        let options = options(20, batch);
        let descend = |machines: &[&dyn Machine], runs: &[Run]| {
            descend_on(machines, &problem, Objective::MaskWeight, runs, &options, None)
        };
        let whole = descend(&[&Host::new(1)], &runs)?;
        let small = Host { memory: 60_000, ..Host::new(1) };
        assert_eq!(whole, descend(&[&small], &runs)?);
        assert_eq!(whole, descend(&[&small, &Host::new(1)], &runs)?);
        let alone = descend(&[&Host::new(1)], &runs[77..78])?;
        for r in 0..3 {
            assert_eq!(alone.x[r * n..][..n], whole.x[(r * runs.len() + 77) * n..][..n]);
        }
        let tiny = Host { memory: 2_000, ..Host::new(1) };
        let why = descend(&[&tiny], &runs).expect_err("nothing fits").to_string();
        assert!(why.contains("out of memory") && why.contains("--device cpu"), "{why}");
    }
    Ok(())
}

#[test]
fn one_that_diverges_leaves_the_others_right() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    for machine in &machines() {
        let mut runs = runs(Objective::MaskWeight, 10, n);
        runs[2].first.iter_mut().for_each(|v| *v = 1e200);
        runs[2].second.iter_mut().for_each(|v| *v = 1e150);
        let options = options(40, None);
        let expected = descend(&problem, Objective::MaskWeight, &runs, &options, None)?;
        assert!(matches!(expected.outcome[2], Outcome::Diverged { .. }));
        let found = descend_on(
            &[machine.as_ref()],
            &problem,
            Objective::MaskWeight,
            &runs,
            &options,
            None,
        )?;
        agree(&found, &expected, n, &machine.name());
    }
    Ok(())
}

#[test]
fn a_cancelled_batch_says_how_far_it_came() -> Result<()> {
    let problem = problem()?;
    let runs = runs(Objective::MaskWeight, 3, problem.features());
    let cancel = AtomicBool::new(true);
    let found = descend_on(
        &[&Host::new(1)],
        &problem,
        Objective::MaskWeight,
        &runs,
        &options(50, None),
        Some(&cancel),
    )?;
    assert_eq!(found.outcome, vec![Outcome::Cancelled { step: 0 }; 3]);
    let width = 3 * problem.features();
    assert!(found.x[..width].iter().all(|v| v.is_finite()));
    assert!(found.x[width..].iter().all(|v| v.is_nan()));
    Ok(())
}

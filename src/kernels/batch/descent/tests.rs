use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::{
    Objective, Options, Run, descend,
    host::{Block, shuffle},
};
use crate::{
    Result,
    kernels::batch::{LANES, Outcome, philox::Stream},
    problem::{Generator, Loss, Problem},
    schedule::Schedule,
};

fn problem() -> Result<Problem> {
    Generator::gaussian(11, 27, 3, 5).problem()
}

/// Runs that differ in start, schedule and seed.
fn runs(objective: Objective, count: usize, n: usize) -> Vec<Run> {
    let schedules = [
        Schedule::None,
        Schedule::Constant { c: 0.02 },
        Schedule::Harmonic { c: 0.5 },
        Schedule::Geometric { c: 0.3, r: 0.05 },
    ];
    let at = |k: usize, i: usize, s: f64| (0.7 + (k * 31 + i * 17) as f64 * s).sin();
    let run = |k: usize| Run {
        first: (0..n).map(|i| 1.0 + 0.3 * at(k, i, 0.1)).collect(),
        second: match objective {
            Objective::PlainL1 => Vec::new(),
            // Some exact zeros, where the subgradient matters.
            _ => (0..n).map(|i| if i % 7 == 0 { 0.0 } else { 0.5 * at(k, i, 0.2) }).collect(),
        },
        schedule: schedules[k % schedules.len()].clone(),
        seed: k as u64,
    };
    (0..count).map(run).collect()
}

const OBJECTIVES: [Objective; 3] = [Objective::MaskWeight, Objective::MaskL1, Objective::PlainL1];

fn options(steps: u64, batch: Option<usize>) -> Options {
    Options { step: 0.02, steps, batch, record: vec![0, steps / 2, steps] }
}

#[test]
fn a_run_is_the_same_alone_in_company_and_on_any_number_of_threads() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    for (objective, batch) in OBJECTIVES.into_iter().flat_map(|o| [(o, None), (o, Some(4))]) {
        let runs = runs(objective, 2 * LANES + 3, n);
        let options = options(50, batch);
        let pool = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
        };
        let whole = pool(1).install(|| descend(&problem, objective, &runs, &options, None))?;
        for threads in [2, 4] {
            let other =
                pool(threads).install(|| descend(&problem, objective, &runs, &options, None))?;
            assert_eq!(whole, other);
        }
        for k in [0, 5, LANES, 2 * LANES + 2] {
            let alone = descend(&problem, objective, &runs[k..=k], &options, None)?;
            for r in 0..3 {
                let at = (r * runs.len() + k) * n;
                assert_eq!(alone.x[r * n..(r + 1) * n], whole.x[at..at + n], "run {k}");
            }
        }
    }
    Ok(())
}

#[test]
fn sgd_takes_each_sample_once_a_pass() -> Result<()> {
    let problem = problem()?;
    let (d, n) = (problem.samples(), problem.features());
    let run = runs(Objective::MaskWeight, 1, n).swap_remove(0);
    // 11 samples in batches of 4: passes of 3 steps, the last with 3 samples.
    let mut orders: Vec<Vec<u32>> = Vec::new();
    for pass in 0..4 {
        let mut order = vec![0; d];
        shuffle(&mut order, Stream::new(run.seed), pass);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, j)| i as u32 == *j));
        orders.push(order);
    }
    assert_ne!(orders[0], orders[1]);
    // The same steps by hand.
    let (mut m, mut w) = (run.first.clone(), run.second.clone());
    for k in 0..12 {
        let samples: Vec<u32> = orders[k / 3].iter().copied().skip(k % 3 * 4).take(4).collect();
        let mut g = vec![0.0; n];
        for &j in &samples {
            let row = &problem.z_rows()[j as usize * n..(j as usize + 1) * n];
            let product: f64 = (0..n).map(|i| row[i] * m[i] * w[i]).sum();
            let r = (product - problem.y()[j as usize]) / samples.len() as f64;
            g.iter_mut().zip(row).for_each(|(g, z)| *g += r * z);
        }
        for i in 0..n {
            (m[i], w[i]) = (m[i] - 0.02 * g[i] * w[i], w[i] - 0.02 * g[i] * m[i]);
        }
    }
    let done = descend(&problem, Objective::MaskWeight, &[run], &options(12, Some(4)), None)?;
    for i in 0..n {
        assert!((done.x[2 * n + i] - m[i] * w[i]).abs() < 1e-13);
    }
    Ok(())
}

#[test]
fn one_that_diverges_leaves_the_others_right() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    for objective in OBJECTIVES {
        let tame = runs(objective, 5, n);
        let mut wild = tame.clone();
        wild[2].first.iter_mut().for_each(|v| *v = 1e200);
        if objective != Objective::PlainL1 {
            wild[2].second.iter_mut().for_each(|v| *v = 1e150);
        }
        // Growing by a factor of 1e4 a step, x overflows some steps on.
        let options = Options { step: 1e4, ..options(100, None) };
        let calm = Options { step: 0.02, ..options.clone() };
        let how = if objective == Objective::PlainL1 { &options } else { &calm };
        let (before, after) = (
            descend(&problem, objective, &tame, how, None)?,
            descend(&problem, objective, &wild, how, None)?,
        );
        assert!(matches!(after.outcome[2], Outcome::Diverged { .. }), "{:?}", after.outcome);
        let at = (2 * 5 + 2) * n;
        assert!(after.x[at..at + n].iter().all(|v| v.is_nan()));
        for k in [0, 1, 3, 4] {
            assert_eq!(before.outcome[k], after.outcome[k]);
            let at = (2 * 5 + k) * n;
            let same = before.x[at..at + n].iter().zip(&after.x[at..at + n]);
            assert!(same.into_iter().all(|(p, q)| p.to_bits() == q.to_bits()));
        }
    }
    Ok(())
}

#[test]
fn a_start_that_is_not_finite_is_the_outcome_of_its_run() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    let right = runs(Objective::MaskWeight, 5, n);
    let mut wrong = right.clone();
    wrong[0].first[3] = f64::NAN;
    wrong[4].second[1] = f64::INFINITY;
    let before = descend(&problem, Objective::MaskWeight, &right, &options(20, None), None)?;
    let after = descend(&problem, Objective::MaskWeight, &wrong, &options(20, None), None)?;
    assert_eq!(after.outcome[0], Outcome::NotFinite { array: "first", index: 3 });
    assert_eq!(after.outcome[4], Outcome::NotFinite { array: "second", index: 1 });
    for (r, k) in (0..3).flat_map(|r| (0..5).map(move |k| (r, k))) {
        let at = (r * 5 + k) * n;
        if k == 0 || k == 4 {
            assert!(after.x[at..at + n].iter().all(|v| v.is_nan()));
        } else {
            assert_eq!(before.x[at..at + n], after.x[at..at + n]);
        }
    }
    Ok(())
}

#[test]
fn a_cancelled_batch_says_how_far_it_came() -> Result<()> {
    let problem = problem()?;
    let runs = runs(Objective::MaskWeight, 3, problem.features());
    let cancel = AtomicBool::new(true);
    let done = descend(&problem, Objective::MaskWeight, &runs, &options(50, None), Some(&cancel))?;
    assert_eq!(done.outcome, vec![Outcome::Cancelled { step: 0 }; 3]);
    let last = &done.x[2 * 3 * problem.features()..];
    assert!(last.iter().all(|v| v.is_nan()));
    Ok(())
}

#[test]
fn wrong_input_is_named() -> Result<()> {
    let problem = problem()?;
    let n = problem.features();
    let good = runs(Objective::MaskWeight, 2, n);
    let refuse = |runs: &[Run], options: &Options, part: &str| {
        let why = descend(&problem, Objective::MaskWeight, runs, options, None)
            .expect_err(part)
            .to_string();
        assert!(why.contains(part), "{why}");
    };
    let mut short = good.clone();
    short[1].second.pop();
    refuse(&short, &options(10, None), "runs[1].second");
    refuse(&good, &Options { step: 0.0, ..options(10, None) }, "step size");
    refuse(&good, &options(10, Some(0)), "batch size");
    refuse(&good, &Options { record: vec![5, 3], ..options(10, None) }, "recorded steps");
    refuse(&good, &Options { record: vec![11], ..options(10, None) }, "recorded steps");
    assert!(descend(&problem, Objective::MaskWeight, &[], &options(10, None), None)?.x.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn the_block_gradient_is_the_gradient(d in 1_usize..9, n in 1_usize..20, seed in 0_u64..1000) {
        let problem = Generator::gaussian(d, n, 1, seed).problem().expect("a problem");
        let runs = runs(Objective::MaskWeight, 3, n);
        let options = options(2, None);
        let mut block = Block::new(&problem, Objective::MaskWeight, &runs, &options);
        block.full_gradient();
        for (lane, run) in runs.iter().enumerate() {
            let x: Vec<f64> = run.first.iter().zip(&run.second).map(|(m, w)| m * w).collect();
            let expected = Loss::Squared.gradient(&problem, &x);
            let size = 1.0 + expected.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            for (i, g) in expected.iter().enumerate() {
                prop_assert!((block.gradient[i * LANES + lane] - g).abs() <= 1e-13 * size);
            }
        }
    }
}

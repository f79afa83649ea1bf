//! A batch of descents takes the steps that each run takes alone.

use mirrorflow::{
    Result,
    flow::{self, Clock, Descent},
    kernels::batch::descent::{Objective, Options, Run, descend},
    problem::{Generator, Loss},
    schedule::Schedule,
};

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

#[test]
fn each_run_is_the_descent_of_the_flow_layer() -> Result<()> {
    let problem = Generator::gaussian(11, 27, 3, 5).problem()?;
    let n = problem.features();
    for objective in [Objective::MaskWeight, Objective::MaskL1, Objective::PlainL1] {
        let runs = runs(objective, 19, n);
        let options = Options { step: 0.02, steps: 300, batch: None, record: vec![0, 150, 300] };
        let batch = descend(&problem, objective, &runs, &options, None)?;
        for (k, run) in runs.iter().enumerate() {
            let (m, w) = (run.first.clone(), run.second.clone());
            let start = match objective {
                Objective::MaskWeight => flow::Objective::MaskWeight { m, w },
                Objective::MaskL1 => flow::Objective::MaskL1 { m, w },
                Objective::PlainL1 => flow::Objective::PlainL1 { x: m },
            };
            let how = Descent { clock: Clock::Step, ..Descent::new(0.02, 300) };
            let alone = flow::descend(&problem, Loss::Squared, &run.schedule, &start, &how)?;
            let at = (2 * runs.len() + k) * n;
            for (p, q) in batch.x[at..at + n].iter().zip(alone.x_end()) {
                // Sums of 11 and 27 terms in another order, over 300 contracting steps.
                assert!((p - q).abs() <= 1e-11 * (1.0 + q.abs()), "{objective:?} {k}: {p} {q}");
            }
        }
    }
    Ok(())
}

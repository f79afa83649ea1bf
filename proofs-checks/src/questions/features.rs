//! Question 3: how does the mechanism interact with sparse or dense features?
//!
//! Varied: how many entries of the truth are not 0, and how many of Z. Measured: the error of the limit
//! for several total strengths A (no time: the limit is found by Newton's method), against the truth.

use mirrorflow::{Result, problem::Problem};
use ndarray::Array1;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Study, by, error, limit, mean, problem, seeds, shape, show};
use crate::{Budget, Table};

const TOTALS: [f64; 4] = [0.0, 1.0, 4.0, 20.0];
/// Part of the entries of Z that are kept.
const DENSITIES: [f64; 3] = [1.0, 0.3, 0.1];

struct Run {
    density: f64,
    k: usize,
    seed: u64,
    errors: [Option<f64>; 4],
}

/// The planted problem with all but a part `density` of the entries of Z set to 0 and y made anew.
fn thinned(budget: Budget, seed: u64, k: usize, density: f64) -> Result<Problem> {
    let full = problem(budget, seed, k)?;
    let mut rng = ChaCha8Rng::seed_from_u64(budget.seed ^ (seed << 8));
    let z = full.z().mapv(|v| if rng.random::<f64>() < density { v } else { 0.0 });
    let truth = full.x_true().map(<[f64]>::to_vec).unwrap_or_default();
    let y = z.dot(&Array1::from(truth.clone()));
    Problem::new(z, y)?.with_x_true(truth)
}

pub(super) fn study(budget: Budget) -> Result<Study> {
    let (d, n) = shape(budget);
    let truths = [d / 10, d / 4, d / 2, n];
    let mut jobs = Vec::new();
    for density in DENSITIES {
        for k in truths {
            jobs.extend((0..seeds(budget)).map(|seed| (density, k, seed)));
        }
    }
    let runs: Vec<Run> = jobs
        .into_par_iter()
        .map(|(density, k, seed)| {
            let problem = thinned(budget, seed, k, density)?;
            let mut errors = [None; 4];
            for (found, total) in errors.iter_mut().zip(TOTALS) {
                // β = 1: a = ½ e^{−4A}.
                let x = limit(&problem, 0.5_f64.ln() - 4.0 * total)?;
                *found = x.map(|x| error(&problem, &x));
            }
            Ok(Run { density, k, seed, errors })
        })
        .collect::<Result<_>>()?;
    let at = |density: f64, k: usize, a: usize| {
        let of = |r: &&Run| r.density == density && r.k == k;
        mean(runs.iter().filter(of).filter_map(|r| r.errors[a]))
    };
    let mut rows = Vec::new();
    let mut gains = Vec::new();
    for density in DENSITIES {
        for k in truths {
            let mut row = vec![format!("{density}"), format!("{k}")];
            row.extend((0..TOTALS.len()).map(|a| show(at(density, k, a))));
            rows.push(row);
            if let (Some(without), Some(with)) = (at(density, k, 0), at(density, k, 3)) {
                gains.push((density, k, without / with));
            }
        }
    }
    let helps: Vec<String> = DENSITIES
        .iter()
        .map(|density| {
            let most = gains.iter().filter(|g| g.0 == *density && g.2 > 1.1).map(|g| g.1).max();
            let text = most.map_or("for none".into(), |k| format!("up to {k} entries"));
            format!("{text} at density {density}")
        })
        .collect();
    let columns = ["density of Z", "entries of x", "A = 0", "A = 1", "A = 4", "A = 20"];
    Ok(Study {
        id: "question_3_features",
        question: "Question 3 of the paper: how does the mechanism interact with sparse or dense features?",
        setting: format!(
            "gaussian {} with entries of Z set to 0 at random, β = 1, {} seeds; relative L2 error of the \
             limit",
            by((d, n)),
            seeds(budget)
        ),
        summary: Table {
            caption: "‖x_∞ − x_true‖/‖x_true‖, mean over the seeds".into(),
            columns: columns.map(String::from).to_vec(),
            rows,
        },
        reading: format!(
            "Decay (A = 20 against 0) lowers the error by 10 % or more {}.",
            helps.join(", ")
        ),
        columns: vec![
            "density",
            "entries",
            "seed",
            "error_a0",
            "error_a1",
            "error_a4",
            "error_a20",
        ],
        rows: runs
            .iter()
            .map(|r| {
                let mut row = vec![r.density.to_string(), r.k.to_string(), r.seed.to_string()];
                row.extend(r.errors.iter().map(|e| e.map_or(String::new(), |e| e.to_string())));
                row
            })
            .collect(),
    })
}

//! Question 4: how does β relate to the best schedule?
//!
//! The end point knows only `log a_∞ = log(β/2) − 4A`, so a larger β can be paid for with a larger A. What
//! differs is the time it takes. For each β: the total A, among geometric schedules of rate 1, with which
//! the flow is fastest to `f = 1e-8 f(0)` while its L1 norm is within 1 % of the least.

use mirrorflow::{Result, limit::l1_minimum, schedule::Schedule};
use rayon::prelude::*;

use super::{Study, by, descend, l1, mean, problem, seeds, shape, show};
use crate::{Budget, Table};

const BETAS: [f64; 5] = [1e-3, 1e-2, 1e-1, 1.0, 10.0];
const PATIENCE: f64 = 1e7;
/// Within this of the least L1 norm.
const EXCESS: f64 = 0.01;

struct Run {
    beta: f64,
    seed: u64,
    /// The best A with its time.
    best: Option<(f64, f64)>,
}

fn totals() -> impl Iterator<Item = f64> {
    (0..=40).map(|k| 0.125 * f64::from(k))
}

pub(super) fn study(budget: Budget) -> Result<Study> {
    let jobs: Vec<(f64, u64)> =
        BETAS.iter().flat_map(|b| (0..seeds(budget)).map(move |seed| (*b, seed))).collect();
    let runs: Vec<Run> = jobs
        .into_par_iter()
        .map(|(beta, seed)| {
            let problem = problem(budget, seed, 5)?;
            let least = l1_minimum(&problem)?.l1;
            let mut best: Option<(f64, f64)> = None;
            for total in totals() {
                let schedule = Schedule::Geometric { c: total, r: 1.0 };
                let (time, x) = descend(&problem, beta, &schedule, PATIENCE)?;
                if let Some(time) = time
                    && l1(&x) <= (1.0 + EXCESS) * least
                    && best.is_none_or(|b| time < b.1)
                {
                    best = Some((total, time));
                }
            }
            Ok(Run { beta, seed, best })
        })
        .collect::<Result<_>>()?;
    let of = |beta: f64| runs.iter().filter(move |r| r.beta == beta).filter_map(|r| r.best);
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for beta in BETAS {
        let (total, time) = (mean(of(beta).map(|b| b.0)), mean(of(beta).map(|b| b.1)));
        let end = total.map(|a| (0.5 * beta).ln() - 4.0 * a);
        ends.extend(end);
        let found = format!("{}/{}", of(beta).count(), seeds(budget));
        rows.push(vec![beta.to_string(), show(total), show(end), show(time), found]);
    }
    let slope = slope(&runs);
    let (low, high) =
        ends.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(*e), h.max(*e)));
    let columns = ["β", "best A", "its log a_∞", "time", "found"].map(String::from).to_vec();
    Ok(Study {
        id: "question_4_beta",
        question: "Question 4 of the paper: how does β relate to the best schedule?",
        setting: format!(
            "gaussian {}, 5 planted entries, geometric schedules of rate 1 and total A in 0, 0.125, …, 5, \
             {} seeds; fastest to f = 1e-8 f(0) with ‖x‖₁ within 1 % of the least",
            by(shape(budget)),
            seeds(budget)
        ),
        summary: Table {
            caption: "the best total strength for each β, mean over the seeds".into(),
            columns,
            rows,
        },
        reading: format!(
            "The best schedules end at log a_∞ between {low:.2} and {high:.2}. The slope of the best A on \
             log β is {slope:.3}, where ¼ would keep log a_∞ the same for every β."
        ),
        columns: vec!["beta", "seed", "best_total", "time"],
        rows: runs
            .iter()
            .map(|r| {
                let (total, time) = r
                    .best
                    .map_or((String::new(), String::new()), |b| (b.0.to_string(), b.1.to_string()));
                vec![r.beta.to_string(), r.seed.to_string(), total, time]
            })
            .collect(),
    })
}

/// Least squares over all runs that found a best A; NaN for fewer than two β.
fn slope(runs: &[Run]) -> f64 {
    let points: Vec<(f64, f64)> =
        runs.iter().filter_map(|r| Some((r.beta.ln(), r.best?.0))).collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / count, m.1 + p.1 / count));
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / spread
}

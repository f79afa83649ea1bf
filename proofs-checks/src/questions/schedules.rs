//! Question 1: how does the schedule change the speed of convergence, compared with constant decay?
//!
//! All schedules spend the same total A, so that all end at the same a_∞: a constant until T and then
//! nothing (T long or short), geometric decay (fast or slow), quadratic decay. Measured: the time at which
//! f has fallen to 1e-8 of f(0), and how far x is from the planted truth there.

use mirrorflow::{Result, numerics::written::written, schedule::Schedule};
use rayon::prelude::*;

use super::{Study, by, descend, error, mean, problem, seeds, shape, show};
use crate::{Budget, Table};

const TOTALS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];
const PATIENCE: f64 = 1e7;

fn families(total: f64) -> Vec<(&'static str, Schedule)> {
    let switch = |at: f64| Schedule::Switch { c: total / at, at };
    let geometric = |r: f64| Schedule::Geometric { c: total * r, r };
    vec![
        ("constant until 1", switch(1.0)),
        ("constant until 10", switch(10.0)),
        ("constant until 100", switch(100.0)),
        ("geometric, rate 1", geometric(1.0)),
        ("geometric, rate 0.1", geometric(0.1)),
        ("quadratic", Schedule::Quadratic { c: total }),
    ]
}

struct Run {
    family: &'static str,
    total: f64,
    seed: u64,
    time: Option<f64>,
    error: f64,
}

pub(super) fn study(budget: Budget) -> Result<Study> {
    let mut jobs = Vec::new();
    for total in TOTALS {
        for (family, schedule) in families(total) {
            jobs.extend((0..seeds(budget)).map(|seed| (family, schedule.clone(), total, seed)));
        }
    }
    let runs: Vec<Run> = jobs
        .into_par_iter()
        .map(|(family, schedule, total, seed)| {
            let problem = problem(budget, seed, 5)?;
            let (time, x) = descend(&problem, 1.0, &schedule, PATIENCE)?;
            Ok(Run { family, total, seed, time, error: error(&problem, &x) })
        })
        .collect::<Result<_>>()?;
    let of = |family: &str, total: f64| {
        runs.iter().filter(move |r| r.family == family && r.total == total).collect::<Vec<_>>()
    };
    let time = |family: &str, total: f64| mean(of(family, total).iter().filter_map(|r| r.time));
    let names: Vec<&str> = families(1.0).iter().map(|f| f.0).collect();
    let mut rows = Vec::new();
    for &family in &names {
        let mut row = vec![family.to_owned()];
        row.extend(TOTALS.map(|total| show(time(family, total))));
        row.push(show(mean(of(family, TOTALS[2]).iter().map(|r| r.error))));
        rows.push(row);
    }
    let fastest = TOTALS.map(|total| {
        let finite = names.iter().filter_map(|f| Some((f, time(f, total)?)));
        let best = finite.min_by(|p, q| p.1.total_cmp(&q.1));
        best.map_or(format!("at A = {total}: none"), |(f, t)| {
            format!("at A = {total}: {f} ({})", written(t, 4))
        })
    });
    let columns = ["schedule", "A = 0.5", "A = 1", "A = 2", "A = 4", "error at A = 2"];
    Ok(Study {
        id: "question_1_schedules",
        question: "Question 1 of the paper: how does the schedule change the speed of convergence compared with constant \
                   regularization?",
        setting: format!(
            "gaussian {}, 5 planted entries, β = 1, {} seeds; time to f = 1e-8 f(0) for equal total \
             strength A = ∫α",
            by(shape(budget)),
            seeds(budget)
        ),
        summary: Table {
            caption: "time to f = 1e-8 f(0), mean over the seeds".into(),
            columns: columns.map(String::from).to_vec(),
            rows,
        },
        reading: format!(
            "Fastest {}. The end point depends on A alone; a schedule that goes on adds its own tail.",
            fastest.join("; ")
        ),
        columns: vec!["schedule", "total", "seed", "time", "error"],
        rows: runs
            .iter()
            .map(|r| {
                let time = r.time.map_or("".into(), |t| t.to_string());
                // The names hold commas.
                let family = format!("\"{}\"", r.family).replace(", ", " ");
                vec![family, r.total.to_string(), r.seed.to_string(), time, r.error.to_string()]
            })
            .collect(),
    })
}

//! Questions the paper leaves open, as empirical studies with saved data: no outcome is claimed, the
//! numbers are what they are, with the seeds that made them.

mod beta;
mod features;
mod schedules;

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use mirrorflow::{
    Error, Result,
    flow::Dual,
    integrate::{Method, Options, integrate},
    io::write_atomically,
    limit::newton,
    numerics::written::written,
    potential::HyperbolicEntropy,
    problem::{Generator, Loss, Problem},
    schedule::Schedule,
};
use serde::Serialize;

use crate::{Budget, Table};

/// One study: what was asked, how, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Study {
    /// Name of its data file.
    pub id: &'static str,
    /// The question, in the paper's words or near them.
    pub question: &'static str,
    /// What was varied and measured.
    pub setting: String,
    /// Means over the seeds.
    pub summary: Table,
    /// What the numbers say, computed from them.
    pub reading: String,
    /// Names of the columns of `rows`.
    pub columns: Vec<&'static str>,
    /// Every single run.
    pub rows: Vec<Vec<String>>,
}

/// All studies, in the paper's numbering (1, 3 and 4).
///
/// # Errors
/// When a problem cannot be generated (a defect of this crate).
///
/// ```no_run
/// use mirrorflow_proofs_checks::{Budget, questions};
/// for study in questions::studies(Budget::default())? {
///     println!("{}\n{}", study.question, study.reading);
/// }
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn studies(budget: Budget) -> Result<Vec<Study>> {
    Ok(vec![schedules::study(budget)?, features::study(budget)?, beta::study(budget)?])
}

/// Writes the runs of each study as `ID.csv` into `folder`, with seed, setting and version in
/// comment lines, and returns the paths.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write(studies: &[Study], budget: Budget, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).map_err(|e| Error::File {
        path: folder.to_owned(),
        why: format!("cannot make the folder: {e}"),
    })?;
    let mut written = Vec::new();
    for study in studies {
        let mut text = format!(
            "# mirrorflow {}, seed {}, {} budget\n# {}\n# {}\n{}\n",
            mirrorflow::VERSION,
            budget.seed,
            budget.effort.name(),
            study.question,
            study.setting,
            study.columns.join(",")
        );
        for row in &study.rows {
            let _ = writeln!(text, "{}", row.join(","));
        }
        let path = folder.join(format!("{}.csv", study.id));
        write_atomically(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

/// How many seeds: problems that differ in their draws alone.
fn seeds(budget: Budget) -> u64 {
    if budget.is_quick() { 3 } else { 10 }
}

/// The problem of a study: 40 × 100 (20 × 50 in the quick budget), `k` entries planted.
fn problem(budget: Budget, seed: u64, k: usize) -> Result<Problem> {
    let (d, n) = shape(budget);
    Generator::gaussian(d, n, k, budget.seed.wrapping_mul(1000).wrapping_add(seed)).problem()
}

fn shape(budget: Budget) -> (usize, usize) {
    if budget.is_quick() { (20, 50) } else { (40, 100) }
}

/// The shape as it is read: `40×100`.
fn by((d, n): (usize, usize)) -> String {
    format!("{d}×{n}")
}

/// When f fell to `1e-8 f(0)` from the centred start with β, if it did before `patience`; and x there.
fn descend(
    problem: &Problem,
    beta: f64,
    schedule: &Schedule,
    patience: f64,
) -> Result<(Option<f64>, Vec<f64>)> {
    let entropy = HyperbolicEntropy::uniform(problem.features(), (0.5 * beta).ln())?;
    let flow = Dual::new(problem, Loss::Squared, schedule.clone(), &entropy)?;
    let zero = Loss::Squared.value(problem, &vec![0.0; problem.features()]);
    let options = Options::until(patience)
        .with_tolerances(1e-7, 1e-10)
        .with_method(Method::Rosenbrock)
        .stop_at_loss(1e-8 * zero);
    let run = integrate(&flow, &options)?;
    let x = run.x_end();
    let reached = run.outcome.is_complete() && Loss::Squared.value(problem, &x) <= 1.001e-8 * zero;
    Ok((reached.then(|| run.t_end()), x))
}

/// The limit for one a and no tilt, where Newton's method finds it.
fn limit(problem: &Problem, log_a: f64) -> Result<Option<Vec<f64>>> {
    let potential = HyperbolicEntropy::uniform(problem.features(), log_a)?;
    let limit = newton::minimize(problem, &potential, &newton::Options::default())?;
    Ok(limit.status.is_converged().then_some(limit.x))
}

/// `‖x − x_true‖/‖x_true‖`.
fn error(problem: &Problem, x: &[f64]) -> f64 {
    let Some(truth) = problem.x_true() else { return f64::NAN };
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|e| e * e).sum::<f64>().sqrt();
    norm(&mut x.iter().zip(truth).map(|(a, b)| a - b)) / norm(&mut truth.iter().copied())
}

fn l1(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs()).sum()
}

/// Mean over what is there; `None` where nothing is.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn show(value: Option<f64>) -> String {
    value.map_or_else(|| "—".into(), |v| written(v, 4))
}

#[cfg(test)]
mod tests {
    use super::{mean, studies, write};
    use crate::{Budget, Effort};

    #[test]
    fn studies_are_reproducible_and_saved_whole() -> mirrorflow::Result<()> {
        let budget = Budget { effort: Effort::Quick, seed: 1 };
        let (once, again) = (studies(budget)?, studies(budget)?);
        assert_eq!(once, again);
        let folder =
            std::env::temp_dir().join(format!("mirrorflow-studies-{}", std::process::id()));
        for (path, study) in write(&once, budget, &folder)?.iter().zip(&once) {
            let text = std::fs::read_to_string(path).expect("just written");
            let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
            assert_eq!(lines.len(), 1 + study.rows.len());
            assert!(lines.iter().all(|l| l.split(',').count() == study.columns.len()));
            assert!(!study.reading.is_empty() && !study.summary.rows.is_empty());
        }
        std::fs::remove_dir_all(&folder).expect("ours");
        Ok(())
    }

    #[test]
    fn the_mean_of_nothing_is_nothing() {
        assert_eq!(mean([1.0, 3.0].into_iter()), Some(2.0));
        assert_eq!(mean(std::iter::empty()), None);
    }
}

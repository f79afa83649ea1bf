//! What a study found: the choice of every method, its accuracy at every sparsity with 95 %
//! intervals over the seeds, the differences to the reference seed by seed.
//!
//! The rule of choice: at a sparsity s, of all choices of a method's grid the one with the largest
//! mean validation accuracy over the first `tune` seeds at the first level at least as sparse as s;
//! of equals the first, before those with fewer runs that ended; a run that diverged counts as
//! accuracy 0. Test images have no part in it.

use mirrorflow::Result;

use super::{Mean, StudyConfig, runs::Done};

/// A method's choice at a sparsity.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Number of the method.
    pub method: usize,
    /// The sparsity asked for.
    pub select: f64,
    /// Its level in the tables of the method's runs.
    pub level: usize,
    /// Number of the choice.
    pub choice: usize,
    /// Mean validation accuracy there.
    pub validation: f64,
    /// Whether it is the least or the largest of a key's values: a wider grid may hold a better
    /// one.
    pub edge: bool,
}

/// A level of a method with its choice, over the seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Number of the level: it keeps `keep^k` of the weights, or fewer where the network itself has
    /// fewer.
    pub level: usize,
    /// Mean share of the weights that is 0.
    pub sparsity: f64,
    /// Mean validation accuracy.
    pub validation: f64,
    /// Test accuracy.
    pub test: Mean,
}

/// The reference's test accuracy less that of another method, seed by seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Number of the other method.
    pub method: usize,
    /// The sparsity.
    pub select: f64,
    /// The difference.
    pub difference: Mean,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// For every sparsity asked for, every method's choice.
    pub chosen: Vec<Chosen>,
    /// The levels of every entry of `chosen`.
    pub levels: Vec<Vec<Level>>,
    /// Against the reference, where there is one.
    pub differences: Vec<Difference>,
    /// Runs that the results stand on and that did not end as planned (missed their sparsity,
    /// diverged): which, and how.
    pub troubles: Vec<String>,
}

/// The accuracies of a method's choice at a level, a number for each of the seeds (NaN where there
/// is no such run).
fn accuracies(done: &[Done], key: (usize, usize, usize), seeds: usize, test: bool) -> Vec<f64> {
    let (method, choice, level) = key;
    let of = |seed: usize| {
        let run = done.iter().find(|d| (d.method, d.choice, d.seed) == (method, choice, seed));
        match run {
            None => f64::NAN,
            // Guessing is better than a network that diverged.
            Some(run) => run.rows.get(level).map_or(if test { f64::NAN } else { 0.0 }, |row| {
                if test { row.test } else { row.validation }
            }),
        }
    };
    (0..seeds).map(of).collect()
}

/// Every method's choices.
pub(super) fn choose(study: &StudyConfig, done: &[Done]) -> Result<Vec<Chosen>> {
    let mut chosen = Vec::new();
    for select in &study.study.select {
        for (method, entry) in study.method.iter().enumerate() {
            let level = study.level(entry, *select)?;
            let candidates = entry.candidates();
            let (choice, validation) = best(study, done, method, level);
            let edge = candidates[choice].iter().any(|(key, value)| {
                let values = &entry.grid[key];
                let at = |end: fn(f64, f64) -> f64| values.iter().copied().fold(f64::NAN, end);
                values.len() > 1 && (*value == at(f64::min) || *value == at(f64::max))
            });
            chosen.push(Chosen { method, select: *select, level, choice, validation, edge });
        }
    }
    Ok(chosen)
}

/// The choice with the largest mean validation accuracy at a level, and that accuracy; of equals
/// the one more of whose runs came to their end, and of these the first.
pub(super) fn best(
    study: &StudyConfig,
    done: &[Done],
    method: usize,
    level: usize,
) -> (usize, f64) {
    let of = |choice: usize| {
        let all = accuracies(done, (method, choice, level), study.study.tune, false);
        let ended = |d: &&Done| (d.method, d.choice) == (method, choice) && d.rows.len() > level;
        (all.iter().sum::<f64>() / all.len() as f64, done.iter().filter(ended).count())
    };
    let mut best = (0, of(0));
    for choice in 1..study.method[method].candidates().len() {
        let found = of(choice);
        if found.0 > best.1.0 || found.0 == best.1.0 && found.1 > best.1.1 {
            best = (choice, found);
        }
    }
    (best.0, best.1.0)
}

/// Every level of a method with the choice made at that very level, over the seeds that chose.
fn envelope(study: &StudyConfig, done: &[Done], method: usize) -> Vec<Level> {
    let levels = 0..study.levels(&study.method[method]);
    levels
        .map(|k| level(done, (method, best(study, done, method, k).0, k), study.study.tune))
        .collect()
}

/// Every level of a method for its curve: with the choice made at that very level, over the seeds
/// that chose; or, where those are not all seeds, with the choice made at the next sparsity asked
/// for, which alone has runs of all of them.
pub(super) fn curve(
    study: &StudyConfig,
    results: &Results,
    done: &[Done],
    method: usize,
) -> Vec<Level> {
    if study.study.tune == study.study.seeds.len() {
        return envelope(study, done, method);
    }
    let mut chosen: Vec<(&Chosen, &Vec<Level>)> =
        results.chosen.iter().zip(&results.levels).filter(|(c, _)| c.method == method).collect();
    chosen.sort_by_key(|(c, _)| c.level);
    let levels = 0..study.levels(&study.method[method]);
    let at = |k: usize| {
        let next = chosen.iter().find(|(c, _)| c.level >= k).or(chosen.last());
        next.and_then(|(_, levels)| levels.get(k).cloned())
    };
    levels.filter_map(at).collect()
}

/// Everything from the runs of all seeds.
pub(super) fn evaluate(study: &StudyConfig, chosen: Vec<Chosen>, done: &[Done]) -> Results {
    let seeds = study.study.seeds.len();
    let levels = chosen.iter().map(|c| levels(study, c, done)).collect();
    let mut differences = Vec::new();
    let label = |c: &Chosen| study.method[c.method].label();
    if let Some(reference) = &study.study.reference {
        for c in chosen.iter().filter(|c| label(c) != *reference) {
            let first = chosen.iter().find(|r| label(r) == *reference && r.select == c.select);
            let Some(first) = first else { continue };
            let of = |c: &Chosen| accuracies(done, (c.method, c.choice, c.level), seeds, true);
            let pairs: Vec<f64> = of(first).iter().zip(of(c)).map(|(a, b)| a - b).collect();
            let (method, select) = (c.method, c.select);
            differences.push(Difference { method, select, difference: Mean::of(&pairs) });
        }
    }
    let troubles = troubles(study, &chosen, done);
    Results { chosen, levels, differences, troubles }
}

/// Of the runs of what was chosen only: what others came to is why they were not.
fn troubles(study: &StudyConfig, chosen: &[Chosen], done: &[Done]) -> Vec<String> {
    let counts = |d: &&Done| chosen.iter().any(|c| (c.method, c.choice) == (d.method, d.choice));
    let say = |d: &Done| {
        let (label, seed) = (study.method[d.method].label(), study.study.seeds[d.seed]);
        let choice = study.choice(d.method, d.choice);
        let choice = if choice.is_empty() { choice } else { format!(" ({choice})") };
        d.trouble.as_ref().map(|how| format!("{label}{choice}, seed {seed}: {how}"))
    };
    done.iter().filter(counts).filter_map(say).collect()
}

fn levels(study: &StudyConfig, chosen: &Chosen, done: &[Done]) -> Vec<Level> {
    let levels = 0..study.levels(&study.method[chosen.method]);
    let seeds = study.study.seeds.len();
    levels.map(|k| level(done, (chosen.method, chosen.choice, k), seeds)).collect()
}

/// A level of a method and a choice over the first so many seeds.
fn level(done: &[Done], key: (usize, usize, usize), seeds: usize) -> Level {
    let (method, choice, level) = key;
    let mean = |of: fn(&crate::train::Row) -> f64| {
        let runs =
            done.iter().filter(|d| (d.method, d.choice) == (method, choice) && d.seed < seeds);
        Mean::of(&runs.filter_map(|d| d.rows.get(level).map(of)).collect::<Vec<_>>()).mean
    };
    Level {
        level,
        sparsity: mean(|r| r.sparsity),
        validation: mean(|r| r.validation),
        test: Mean::of(&accuracies(done, key, seeds, true)),
    }
}

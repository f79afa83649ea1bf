//! # Studies
//!
//! Several methods on the same network, data and epochs, with several seeds, each method with a
//! grid of choices of the same size: what answers how one method compares with another.
//! [`StudyConfig`] is the file, [`run`] does it.
//!
//! 1. Every choice of every grid is trained with the first `tune` seeds.
//! 2. At each sparsity of `select` every method's choice is the one with the largest mean
//!    validation accuracy there.
//! 3. The choices are trained with the other seeds; test accuracies get Student's 95 % intervals
//!    over the seeds, and the differences to the reference are taken seed by seed (same seed: same
//!    first weights, validation images, batches).
//!
//! Seeds whose validation accuracy took part in a choice also count in the test accuracy: the
//! choice has not seen the test images, but it was made on these very runs, so that with few seeds
//! the tested accuracy leans up, for every method alike.

mod config;
mod results;
mod runs;
mod tables;

use std::{path::Path, sync::Arc};

use mirrorflow::{Error, Result, io::write_atomically, kernels::array::Home};
use serde_json::json;

pub use config::{Entry, StudyConfig, StudySection};
pub use mirrorflow::numerics::student::Mean;
pub use results::{Chosen, Difference, Level, Results};

use crate::{
    config::{Config, Settings},
    setup::{self, Setup},
    train::{self, Overhead},
};
use runs::{Images, Training};

/// Does a study on a device, writing to a folder; with `resume` it goes on where it was. `say`
/// hears of progress. On a device the runs come one after another, whatever `study.jobs` says.
///
/// # Errors
/// When a configuration is wrong, the data cannot be read, the device fails, or the folder cannot
/// be written or holds another study.
pub fn run(
    study: &StudyConfig,
    device: &Home,
    data: Option<&Path>,
    out: &Path,
    resume: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Results> {
    let images = images(study, data)?;
    let first = check(study, |config| Setup::on(config, &images.train, &images.test))?;
    let devices = begin(study, device, out, resume)?;
    let jobs = match (device, study.study.jobs) {
        (Home::Machine(_), _) => 1,
        (Home::Processor, Some(jobs)) => jobs,
        (Home::Processor, None) if first.network.weight_count() > 1_000_000 => 1,
        (Home::Processor, None) => rayon::current_num_threads(),
    };
    let (mut tuning, seeds) = (Vec::new(), &study.study.seeds);
    for (method, entry) in study.method.iter().enumerate() {
        for choice in 0..entry.candidates().len() {
            for seed in 0..study.study.tune {
                tuning.push(one(study, method, choice, seed, out)?);
            }
        }
    }
    say(&format!("{} runs to choose from, {jobs} at a time", tuning.len()));
    let mut done = runs::all(&tuning, &images, device, jobs, say)?;
    let chosen = results::choose(study, &done)?;
    let mut rest: Vec<Training> = Vec::new();
    for c in &chosen {
        for seed in study.study.tune..seeds.len() {
            let run = one(study, c.method, c.choice, seed, out)?;
            if !rest.contains(&run) {
                rest.push(run);
            }
        }
    }
    say(&format!("{} runs with the other seeds", rest.len()));
    done.extend(runs::all(&rest, &images, device, jobs, say)?);
    let results = results::evaluate(study, chosen, &done);
    tables::write(study, &results, &done, &devices, out)?;
    if study.study.overhead {
        say("measuring steps");
        overhead(study, &images, device, out)?;
    }
    Ok(results)
}

/// What a study would do: its runs (the choices' second part at most), and the setup of the first;
/// every choice is checked.
///
/// # Errors
/// As [`run`].
pub fn dry_run(study: &StudyConfig, data: Option<&Path>) -> Result<(usize, Setup)> {
    let setup = check(study, |config| Setup::rehearsal(config, data))?;
    let (methods, s) = (study.method.len(), &study.study);
    let choices: usize = study.method.iter().map(|e| e.candidates().len()).sum();
    let each = s.select.len().min(choices / methods.max(1));
    Ok((choices * s.tune + methods * each * (s.seeds.len() - s.tune), setup))
}

/// A line for people: every method's accuracy where its strength was chosen.
pub fn summary(study: &StudyConfig, results: &Results) -> String {
    let mut text = String::new();
    let mut select = f64::NAN;
    for (c, levels) in results.chosen.iter().zip(&results.levels) {
        if c.select != select {
            select = c.select;
            text.push_str(&format!(
                "{}at {} % sparsity\n",
                if text.is_empty() { "" } else { "\n" },
                tables::round(100.0 * select)
            ));
        }
        let Some(level) = levels.get(c.level) else { continue };
        let edge = if c.edge { " (edge of its grid)" } else { "" };
        // One run has no interval.
        let half = match level.test.half {
            half if half.is_nan() => " ".repeat(8),
            half => format!(" ± {:5.2}", 100.0 * half),
        };
        text.push_str(&format!(
            "  {:<24} {:6.2}{half} %   {}{edge}\n",
            study.method[c.method].label(),
            100.0 * level.test.mean,
            study.choice(c.method, c.choice)
        ));
    }
    text.trim_end().to_owned()
}

/// `overhead.csv` and `.tex`.
fn overhead(study: &StudyConfig, images: &Images, device: &Home, out: &Path) -> Result<()> {
    let mut rows = Vec::new();
    for entry in &study.method {
        let config = study.config(entry, &entry.candidates()[0], study.study.seeds[0])?;
        let mut setup = Setup::on(config, &images.train, &images.test)?;
        setup.device = device.clone();
        rows.extend(Overhead::measure(&setup)?.map(|o| (entry.label(), o)));
    }
    train::write_overhead(out, &rows)
}

fn images(study: &StudyConfig, data: Option<&Path>) -> Result<Images> {
    let entry = &study.method[0];
    let config = study.config(entry, &entry.candidates()[0], study.study.seeds[0])?;
    let (train, test) = setup::open(&Settings::of(&config)?, data)?;
    Ok(Images { train, test: Arc::new(test) })
}

/// Every choice of every method, before any is run; the first one's setup.
fn check(study: &StudyConfig, setup: impl Fn(Config) -> Result<Setup>) -> Result<Setup> {
    let mut first = None;
    for entry in &study.method {
        for choice in entry.candidates() {
            let config = study.config(entry, &choice, study.study.seeds[0])?;
            let setup = setup(config).map_err(|e| config::of_method(&entry.label(), e))?;
            first = first.or(Some(setup));
        }
    }
    first.ok_or_else(|| config::domain("[[method]]", "one or more", "none".into()))
}

/// The folder of a study, marked as that of this one; returns all devices that it has been on.
fn begin(study: &StudyConfig, device: &Home, out: &Path, resume: bool) -> Result<String> {
    let path = out.join("study.json");
    // What changes no run may change.
    let mut same = study.clone();
    (same.study.jobs, same.study.overhead) = (None, false);
    same.method.iter_mut().for_each(|m| m.panels.clear());
    let text = |device: &str| {
        let about = json!({ "version": mirrorflow::VERSION, "device": device, "config": same });
        format!("{about:#}\n")
    };
    let wrong = |why: &str| Err(Error::File { path: path.clone(), why: why.into() });
    let now = device.to_string();
    let devices = match std::fs::read_to_string(&path) {
        Ok(_) if !resume => {
            return wrong(
                "is of a study already: resume it (--resume) or choose another folder (--out)",
            );
        }
        Ok(found) if !train::same_but_device(&found, &text("")) => {
            return wrong("is of another study: choose another folder (--out)");
        }
        Ok(found) => {
            let found: serde_json::Value = serde_json::from_str(&found).unwrap_or_default();
            found["device"].as_str().map_or(now.clone(), |before| train::both(before, &now))
        }
        Err(_) if out.join("metrics.csv").exists() => {
            return wrong("is missing where a single run is: choose another folder (--out)");
        }
        Err(_) => now,
    };
    std::fs::create_dir_all(out)
        .map_err(|e| Error::File { path: out.into(), why: e.to_string() })?;
    write_atomically(&path, text(&devices).as_bytes())?;
    Ok(devices)
}

fn one(
    study: &StudyConfig,
    method: usize,
    choice: usize,
    seed: usize,
    out: &Path,
) -> Result<Training> {
    let entry = &study.method[method];
    let number = study.study.seeds[seed];
    let candidates = entry.candidates();
    let values = candidates.get(choice).map_or(&[][..], Vec::as_slice);
    let config = study.config(entry, values, number)?;
    let folder = runs::folder(out, &entry.label(), choice, number);
    Ok(Training { method, choice, seed, config, folder })
}

#[cfg(test)]
mod tests;

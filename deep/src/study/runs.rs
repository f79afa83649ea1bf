//! The runs of a study, side by side: each in its own folder, each resumed by itself, none
//! depending on another.
//!
//! A worker is a thread with threads of its own for its kernels, whose sums do not depend on how
//! many there are: the results are the same bits for any number of workers. On a device there is
//! one worker: the runs have the device one after another. A run whose folder holds `summary.json`,
//! which is written last, is not run again.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use mirrorflow::{Error, Result, kernels::array::Home};

use crate::{
    config::Config,
    data::Dataset,
    setup::Setup,
    train::{Outcome, Row, finished, train},
};

/// A run of a study.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Training {
    /// Number of the method, of its choice and of the seed.
    pub(super) method: usize,
    pub(super) choice: usize,
    pub(super) seed: usize,
    pub(super) config: Config,
    pub(super) folder: PathBuf,
}

/// What a run left: its table, or nothing where it diverged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) method: usize,
    pub(super) choice: usize,
    pub(super) seed: usize,
    pub(super) rows: Vec<Row>,
    /// How it ended where that was not as planned.
    pub(super) trouble: Option<String>,
}

/// The images every run shares.
#[derive(Debug)]
pub(super) struct Images {
    pub(super) train: Dataset,
    pub(super) test: Arc<Dataset>,
}

/// Does the runs on `device` with `jobs` workers; results in the order of the runs. `say` hears of
/// each that is done.
pub(super) fn all(
    runs: &[Training],
    images: &Images,
    device: &Home,
    jobs: usize,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<Done>> {
    let jobs = jobs.clamp(1, runs.len().max(1));
    let threads = (rayon::current_num_threads() / jobs).max(1);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results: Mutex<Vec<Option<Result<Done>>>> = Mutex::new(runs.iter().map(|_| None).collect());
    let started = Instant::now();
    thread::scope(|scope| {
        let (to_here, from_workers) = mpsc::channel();
        for _ in 0..jobs {
            let (next, stop, results, to_here) = (&next, &stop, &results, to_here.clone());
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                while !stop.load(Ordering::Relaxed) {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(k) else { break };
                    let result = match &pool {
                        Ok(pool) => pool.install(|| one(run, images, device)),
                        Err(e) => Err(Error::Domain {
                            what: "threads for a run".into(),
                            expected: "threads the system gives".into(),
                            found: e.to_string(),
                        }),
                    };
                    // One run that cannot be written ends the study; what is done stays done.
                    stop.fetch_or(result.is_err(), Ordering::Relaxed);
                    if let Ok(mut results) = results.lock() {
                        results[k] = Some(result);
                    }
                    if to_here.send(k).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_here);
        for (done, k) in from_workers.into_iter().enumerate() {
            let (done, name) = (done + 1, runs[k].folder.file_name().unwrap_or_default());
            let left = started.elapsed().as_secs_f64() * (runs.len() - done) as f64 / done as f64;
            let name = name.to_string_lossy();
            say(&format!("run {done}/{}: {name}, about {left:.0} s left of these", runs.len()));
        }
    });
    let results = results.into_inner().unwrap_or_default();
    // An error goes before the runs it kept from being done.
    let mut all = Vec::new();
    for result in results.into_iter().flatten() {
        all.push(result?);
    }
    Ok(all)
}

fn one(run: &Training, images: &Images, device: &Home) -> Result<Done> {
    let (method, choice, seed) = (run.method, run.choice, run.seed);
    let done = |rows, trouble| Done { method, choice, seed, rows, trouble };
    let mut setup = Setup::on(run.config.clone(), &images.train, &images.test)?;
    setup.device = device.clone();
    if let Some((rows, trouble)) = finished(&setup, &run.folder)? {
        return Ok(done(rows, trouble));
    }
    let resume = run.folder.join("metrics.csv").exists();
    match train(&setup, &run.folder, resume, &mut |_| {})? {
        Outcome::Diverged { epoch, place, .. } => {
            Ok(done(Vec::new(), Some(format!("diverged in epoch {epoch}: {place}"))))
        }
        _ => {
            let (rows, trouble) = finished(&setup, &run.folder)?.unwrap_or_default();
            Ok(done(rows, trouble))
        }
    }
}

/// The folder of a run.
pub(super) fn folder(out: &Path, label: &str, choice: usize, seed: u64) -> PathBuf {
    out.join("runs").join(format!("{}-{choice:02}-seed{seed}", super::config::slug(label)))
}

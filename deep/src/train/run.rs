//! A run from its beginning, or from its last checkpoint, to its tables.
//!
//! In the output folder: `config.json`, `metrics.csv` and `metrics.jsonl` (a line an epoch),
//! `layers.csv` (a line an epoch and layer: density, ‖x‖₁, sign flips), `checkpoint.safetensors`
//! (the last interval), `model.safetensors`, `sparsity.csv` and `.tex`, the data of figures in
//! `figures/`, `summary.json`, and `overhead.csv` and `.tex` where asked for. All but these last
//! three are the same bytes whether the run was interrupted or not. With a target sparsity they are
//! copies of those of one of the runs in `search/` ([`super::search`]).

use std::{path::Path, time::Instant};

use mirrorflow::{
    Error, Result,
    io::write_atomically,
    kernels::{array::Array, mask_weight::count::measure},
};
use serde_json::json;

use super::{
    Outcome, Pruned, Row, Setup, checkpoint,
    report::{self, Lines, folder, table},
    trainer::{Epoch, Score, Trainer},
};
use crate::setup::kept;

const METRICS: &str = "cycle,epoch,rate,strength,train_loss,train_accuracy,validation_accuracy,test_loss,test_accuracy,l1,density";
const LAYERS: &str = "cycle,epoch,layer,weights,nonzeros,l1,sign_flips";

/// A run that is over.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// Σαη of the strength that seeks a target sparsity, where one does.
    pub(super) spent: f64,
    /// Accuracy on the training images in the last epoch.
    pub(super) accuracy: f64,
}

impl Ended {
    fn of(trainer: &Trainer<'_>, outcome: Outcome) -> Self {
        let spent = trainer.spent()[usize::from(trainer.setup.factors.target().is_some())];
        let accuracy = trainer.strength.reports().last().map_or(f64::NAN, |r| r.accuracy);
        Self { outcome, spent, accuracy }
    }
}

/// One run.
pub(super) fn once(
    setup: &Setup,
    out: &Path,
    resume: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Ended> {
    let path = out.join("checkpoint.safetensors");
    if out.join("study.json").exists() {
        let why = "holds a study: choose another folder (--out)".into();
        return Err(Error::File { path: out.into(), why });
    }
    if !resume && out.join("metrics.csv").exists() {
        let why =
            "holds a run already: resume it (--resume) or choose another folder (--out)".into();
        return Err(Error::File { path: out.into(), why });
    }
    // A run that was cut off before its first checkpoint has nothing to go on from: it begins anew.
    let resume = resume && (path.exists() || !out.join("metrics.csv").exists());
    let mut trainer = Trainer::new(setup)?;
    if !resume {
        folder(out)?;
    }
    let (mut lines, mut rows) = (None, Vec::new());
    if resume {
        let (counts, done) = checkpoint::resume(&path, &mut trainer)?;
        (lines, rows) = (Some(counts), done);
    }
    write_atomically(out.join("config.json"), about(setup, &trainer.device).as_bytes())?;
    let mut metrics = Lines::open(out.join("metrics.csv"), METRICS, lines.map(|l| l[0]))?;
    let mut jsonl = Lines::open(out.join("metrics.jsonl"), "", lines.map(|l| l[0]))?;
    let mut layers = Lines::open(out.join("layers.csv"), LAYERS, lines.map(|l| l[1]))?;
    let started = Instant::now();
    let (mut steps, mut seconds, total) = (0_usize, 0.0, setup.config.all_epochs());
    let (mut last_test, device) = (f64::NAN, setup.device.to_string());
    while !trainer.is_over() {
        let (cycle, epoch) = (trainer.cycle, trainer.epoch);
        let (rate, strength) = (trainer.rate(), trainer.alpha());
        let at = Instant::now();
        let train = match trainer.epoch(&mut |_| steps += 1)? {
            Epoch::Done(score) => score,
            Epoch::Diverged(place) => {
                let checkpoint = path.exists().then_some(path);
                let (cycle, epoch) = (cycle + 1, epoch + 1);
                let outcome = Outcome::Diverged { cycle, epoch, place, checkpoint };
                return Ok(Ended::of(&trainer, outcome));
            }
        };
        seconds += at.elapsed().as_secs_f64();
        let end = trainer.epoch == setup.config.train.epochs;
        if end {
            trainer.finish()?;
            trainer.settle()?;
        }
        let validation = score(&mut trainer, true, None)?;
        let test = score(&mut trainer, false, None)?;
        last_test = test.accuracy;
        let found = trainer.layers()?;
        let l1: f64 = found.iter().map(|l| l.l1).sum();
        let density = found.iter().map(|l| l.nonzeros).sum::<usize>() as f64
            / setup.network.weight_count() as f64;
        metrics.line(&format!(
            "{},{},{rate},{strength},{},{},{},{},{},{l1},{density}",
            cycle + 1,
            epoch + 1,
            train.loss,
            train.accuracy,
            validation.accuracy,
            test.loss,
            test.accuracy
        ))?;
        let line = json!({
            "cycle": cycle + 1, "epoch": epoch + 1, "rate": rate, "strength": strength,
            "train_loss": train.loss, "train_accuracy": train.accuracy,
            "validation_accuracy": validation.accuracy, "test_loss": test.loss,
            "test_accuracy": test.accuracy, "l1": l1, "density": density, "device": device,
        });
        jsonl.line(&line.to_string())?;
        for l in &found {
            let (name, weights, nonzeros, l1, flips) =
                (&l.name, l.weights, l.nonzeros, l.l1, l.flips);
            layers.line(&format!(
                "{},{},{name},{weights},{nonzeros},{l1},{flips}",
                cycle + 1,
                epoch + 1
            ))?;
        }
        let done = cycle * setup.config.train.epochs + epoch + 1;
        let left = started.elapsed().as_secs_f64() * total.saturating_sub(done) as f64
            / metrics.count.max(1) as f64;
        say(&format!(
            "epoch {done}/{total}: loss {:.4}, train {:.2} %, test {:.2} %, about {left:.0} s left",
            train.loss,
            100.0 * train.accuracy,
            100.0 * test.accuracy
        ));
        if end {
            if setup.config.prune.iterative.is_some() {
                rows.push(row(setup, density, validation, test));
            }
            if trainer.cycle + 1 == setup.config.prune.cycles() {
                checkpoint::save_weights(&out.join("model.safetensors"), &trainer)?;
                levels(&mut trainer, &mut rows)?;
            }
            trainer.next_cycle()?;
        }
        if end || trainer.epoch.is_multiple_of(setup.config.train.checkpoint) {
            checkpoint::save(&path, &mut trainer, [metrics.count, layers.count], &rows)?;
        }
    }
    table::write(out, setup.config.method.name(), &rows)?;
    report::figures(&trainer, out, &rows)?;
    let density = density_of(&trainer)?;
    if last_test.is_nan() {
        last_test = score(&mut trainer, false, None)?.accuracy;
    }
    let (sparsity, test, pruned) = (1.0 - density, last_test, pruned(&mut trainer, &rows)?);
    let outcome = match trainer.missed()? {
        Some((target, lost)) => Outcome::Missed { target, sparsity, lost, test, pruned },
        None => Outcome::Done { test, sparsity, pruned },
    };
    // The last file: with it the run is over.
    report::summary(&trainer, out, &outcome, steps, seconds)?;
    Ok(Ended::of(&trainer, outcome))
}

/// The table of a run that is over, of this very configuration, and how it ended where that was not
/// as planned; nothing where it is not over.
pub(crate) fn finished(setup: &Setup, out: &Path) -> Result<Option<(Vec<Row>, Option<String>)>> {
    let summary = out.join("summary.json");
    if !summary.exists() {
        return Ok(None);
    }
    let path = out.join("config.json");
    let found = std::fs::read_to_string(&path)
        .map_err(|e| Error::File { path: path.clone(), why: e.to_string() })?;
    if !same_but_device(&found, &about(setup, "")) {
        let why = "is of another configuration or version: choose another folder (--out)".into();
        return Err(Error::File { path, why });
    }
    let wrong = |why: String| Error::File { path: summary.clone(), why };
    let text = std::fs::read_to_string(&summary).map_err(|e| wrong(e.to_string()))?;
    let said: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| wrong(format!("is no summary of a run: {e}")))?;
    let missed = said["missed"] == json!(true);
    let trouble = said["outcome"].as_str().filter(|_| missed).map(str::to_owned);
    Ok(Some((table::read(out)?, trouble)))
}

/// What `config.json` says.
fn about(setup: &Setup, device: &str) -> String {
    let about =
        json!({ "version": mirrorflow::VERSION, "device": device, "config": setup.written });
    format!("{about:#}\n")
}

/// Whether two texts are the same JSON, wherever they were made.
pub(crate) fn same_but_device(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
        value.as_object_mut()?.remove("device");
        Some(value)
    };
    read(one).is_some_and(|value| read(other) == Some(value))
}

fn density_of(trainer: &Trainer<'_>) -> Result<f64> {
    let nonzeros: usize = trainer.layers()?.iter().map(|l| l.nonzeros).sum();
    Ok(nonzeros as f64 / trainer.setup.network.weight_count() as f64)
}

/// The score on validation images (NaN where there are none) or test images.
fn score(trainer: &mut Trainer<'_>, validation: bool, x: Option<&Array<f32>>) -> Result<Score> {
    let setup = trainer.setup;
    match (validation, &setup.validation) {
        (true, None) => Ok(Score { loss: f64::NAN, accuracy: f64::NAN }),
        (true, Some(data)) => trainer.evaluate(data, x),
        (false, _) => trainer.evaluate(&setup.test, x),
    }
}

fn row(setup: &Setup, density: f64, validation: Score, test: Score) -> Row {
    let kept = (density * setup.network.weight_count() as f64).round() as usize;
    Row { kept, sparsity: 1.0 - density, validation: validation.accuracy, test: test.accuracy }
}

/// Sparsities that everybody compares at.
const COMPARED: [f64; 3] = [0.9, 0.95, 0.98];

/// What the network is worth there: pruned by magnitude to the exact count where it has more
/// weights, and in iterative pruning the first cycle that was as sparse, where one was.
fn pruned(trainer: &mut Trainer<'_>, rows: &[Row]) -> Result<Vec<Pruned>> {
    let (setup, mut all) = (trainer.setup, Vec::new());
    let weights = setup.network.weight_count();
    let own: usize = trainer.layers()?.iter().map(|l| l.nonzeros).sum();
    let cycles = setup.config.prune.cycles() as usize;
    for sparsity in COMPARED {
        let kept = kept(weights, sparsity);
        let cycle = rows.iter().take(cycles).find(|row| cycles > 1 && row.kept <= kept);
        if let Some(r) = cycle {
            all.push(Pruned { kept: r.kept, sparsity: r.sparsity, test: r.test });
        } else if kept < own {
            let (_, x) = trainer.pruned(kept)?;
            let test = score(trainer, false, Some(&x))?.accuracy;
            let sparsity = 1.0 - kept as f64 / weights as f64;
            all.push(Pruned { kept, sparsity, test });
        }
    }
    all.dedup();
    Ok(all)
}

/// One-shot magnitude pruning of the trained network, at keep^k.
fn levels(trainer: &mut Trainer<'_>, rows: &mut Vec<Row>) -> Result<()> {
    let (setup, p) = (trainer.setup, &trainer.setup.config.prune);
    if p.levels == 0 {
        return Ok(());
    }
    let weights = setup.network.weight_count();
    for k in 0..=p.levels {
        let count = (weights as f64 * p.keep.powi(k as i32)).round() as usize;
        let (_, x) = trainer.pruned(count)?;
        let mut nonzeros = 0;
        for slot in &setup.weights {
            nonzeros += measure(x.part(slot.at.clone()))?.nonzeros;
        }
        let validation = score(trainer, true, Some(&x))?;
        let test = score(trainer, false, Some(&x))?;
        rows.push(row(setup, nonzeros as f64 / weights as f64, validation, test));
    }
    Ok(())
}

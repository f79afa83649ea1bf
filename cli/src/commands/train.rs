//! `mirrorflow train`: a deep network with x = m⊙w or one of its rivals, or a study of several.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use indicatif::ProgressBar;
use mirrorflow::{
    experiment::Data,
    kernels::{
        array::Home,
        device::{Device, Machines},
    },
};
use mirrorflow_deep::{
    config::Config,
    setup::Setup,
    study::{self, StudyConfig},
    train::{Outcome, Pruned, train},
};
use mirrorflow_plots::{all, check_label};
use serde_json::json;

use crate::args::TrainArgs;
use crate::failure::{Done, Failure, usage};
use crate::{interrupt, output};

/// Where a run stands, or the runs of a study: a network trains on one device, the first that works
/// under `auto`. With what is to be said where that is none.
fn home(device: Device) -> mirrorflow::Result<(Home, Option<String>)> {
    Ok(match device.open()? {
        Machines::Processor(why) => (
            Home::Processor,
            why.map(|why| format!("--device auto: no CUDA device, on the processor ({why})")),
        ),
        Machines::Cuda(found) => match found.first() {
            Some(machine) => (Home::on(machine)?, None),
            None => (Home::Processor, None),
        },
    })
}

/// What is heard of a run: its progress where somebody looks, and once, when something is trained,
/// where that is if it is not where it was wished to be. What is refused before stays one line.
struct Listener {
    bar: ProgressBar,
    watched: bool,
    note: Option<String>,
}

impl Listener {
    fn new(what: String, home: &Home, note: Option<String>) -> Self {
        let bar = output::working(format!("{what}, {home}"));
        Self { bar, watched: io::stderr().is_terminal(), note }
    }

    fn hear(&mut self, line: &str) {
        self.note();
        self.show(line);
    }

    fn show(&self, line: &str) {
        if self.watched {
            self.bar.println(line);
        }
    }

    fn note(&mut self) {
        if let Some(note) = self.note.take() {
            self.bar.suspend(|| output::note(&note));
        }
    }

    /// It is over, well or not.
    fn end(mut self, well: bool) {
        if well {
            self.note();
        }
        self.bar.finish_and_clear();
    }
}

/// Trains, or says what training would take.
pub(crate) fn run(args: &TrainArgs) -> Done {
    let text = std::fs::read_to_string(&args.config).map_err(|e| {
        let why = match e.kind() {
            std::io::ErrorKind::InvalidData => {
                "not a text in UTF-8, expected a configuration in TOML".to_owned()
            }
            _ => e.to_string(),
        };
        usage(format!("{}: {why}", args.config.display()))
    })?;
    let (home, note) = home(args.device.device)?;
    if !args.dry_run {
        let begun = ["metrics.csv", "study.json"].map(|file| args.out.join(file));
        let what =
            format!("{} holds what was done, --resume goes on from there", args.out.display());
        interrupt::leaves_beside(begun.into(), what);
    }
    if StudyConfig::is_one(&text) {
        return run_study(args, &StudyConfig::parse(&text, &args.config)?, home, note);
    }
    let config = Config::read(&args.config)?;
    if args.dry_run {
        let mut setup = Setup::rehearsal(config, args.data.as_deref())?;
        setup.device = home;
        let runs = setup.config.runs as usize;
        return dry_run(args, &setup, (runs > 1).then_some(runs));
    }
    let mut setup = Setup::new(config, args.data.as_deref())?;
    setup.device = home;
    let what = format!("{} on {}", setup.network.name(), setup.train.name);
    let mut listener = Listener::new(what, &setup.device, note);
    let outcome = train(&setup, &args.out, args.resume, &mut |line| listener.hear(line));
    listener.end(outcome.is_ok());
    let outcome = outcome?;
    draw(&args.out.join("figures"))?;
    let done = matches!(outcome, Outcome::Done { .. });
    if args.json {
        let mut value = match &outcome {
            Outcome::Done { test, sparsity, pruned } => json!({
                "status": "done", "test_accuracy": test, "sparsity": sparsity,
                "pruned": rows(pruned),
            }),
            Outcome::Missed { target, sparsity, lost, test, pruned } => json!({
                "status": "missed", "target": target, "sparsity": sparsity, "lost": lost,
                "test_accuracy": test, "pruned": rows(pruned),
            }),
            Outcome::Diverged { cycle, epoch, place, checkpoint } => json!({
                "status": "diverged", "cycle": cycle, "epoch": epoch, "place": place,
                "checkpoint": checkpoint.as_ref().map(|p| p.display().to_string()),
            }),
            _ => json!({ "status": outcome.to_string() }),
        };
        value["device"] = json!(setup.device.to_string());
        output::json(&value)?;
    } else {
        output::say(&format!("{outcome}\nwritten to {}", args.out.display()))?;
    }
    Ok(done)
}

fn rows(pruned: &[Pruned]) -> serde_json::Value {
    let row =
        |p: &Pruned| json!({ "kept": p.kept, "sparsity": p.sparsity, "test_accuracy": p.test });
    pruned.iter().map(row).collect()
}

/// Several methods, seeds and strengths.
fn run_study(args: &TrainArgs, study: &StudyConfig, home: Home, note: Option<String>) -> Done {
    // What cannot be drawn is found out now, not after the runs.
    for entry in &study.method {
        let names = std::iter::once(entry.label()).chain(entry.panels.iter().cloned());
        names.into_iter().try_for_each(|name| check_label("the label of a method", &name))?;
    }
    if args.dry_run {
        let (runs, mut setup) = study::dry_run(study, args.data.as_deref())?;
        setup.device = home;
        return dry_run(args, &setup, Some(runs));
    }
    let what = format!("{} methods on {}", study.method.len(), study.data.set);
    let mut listener = Listener::new(what, &home, note);
    let (data, out) = (args.data.as_deref(), &args.out);
    // Of a study that goes on, the first lines are of runs that were there: where it runs is said
    // at the end.
    let resumed = args.resume;
    let mut hear = |line: &str| if resumed { listener.show(line) } else { listener.hear(line) };
    let results = study::run(study, &home, data, out, args.resume, &mut hear);
    listener.end(results.is_ok());
    let results = results?;
    draw(&args.out)?;
    // A method none of whose runs came to its end has no accuracy, and one whose runs missed the
    // sparsity asked for has it elsewhere: neither is what was asked.
    let ended = results
        .chosen
        .iter()
        .zip(&results.levels)
        .all(|(c, levels)| levels.get(c.level).is_some_and(|l| l.test.count > 0));
    let done = ended && results.troubles.is_empty();
    if args.json {
        let row = |(c, levels): (&study::Chosen, &Vec<study::Level>)| {
            let test = levels.get(c.level).map(|l| l.test);
            let number = |v: Option<f64>| v.map_or(serde_json::Value::Null, output::finite);
            json!({
                "method": study.method[c.method].label(), "sparsity": c.select, "choice": c.choice,
                "test_accuracy": number(test.map(|t| t.mean)), "half_width": number(test.map(|t| t.half)),
            })
        };
        let rows: Vec<_> = results.chosen.iter().zip(&results.levels).map(row).collect();
        output::json(&json!({
            "status": if done { "done" } else if ended { "missed" } else { "diverged" },
            "device": home.to_string(), "troubles": results.troubles, "results": rows,
        }))?;
    } else {
        let text = study::summary(study, &results);
        for trouble in &results.troubles {
            output::say(&format!("not as planned: {trouble}"))?;
        }
        output::say(&format!("{text}\nwritten to {}", args.out.display()))?;
    }
    Ok(done)
}

/// Draws the figures whose data are in a folder, beside them.
fn draw(folder: &Path) -> Result<(), Failure> {
    for figure in all().iter().filter(|f| folder.join(format!("{}.npz", f.name)).is_file()) {
        figure.picture(&Data::read(folder, figure.name)?, None)?.write(folder)?;
    }
    Ok(())
}

/// What a run takes, one of so many where it is that of a study or a sparsity is wanted.
fn dry_run(args: &TrainArgs, setup: &Setup, runs: Option<usize>) -> Done {
    let memory = setup.memory()?;
    let seconds = setup.seconds_of_step()?;
    let config = &setup.config;
    let steps = setup.all_steps();
    if args.json {
        let layers: Vec<_> = setup
            .network
            .parameters()
            .iter()
            .map(|p| json!({ "name": p.name, "shape": p.shape }))
            .collect();
        let value = json!({
            "runs": runs, "device": setup.device.to_string(), "network": setup.network.name(), "parameters": setup.network.parameter_count(),
            "weights": setup.network.weight_count(), "layers": layers,
            "training_images": setup.images[0], "test_images": setup.images[1],
            "bytes": memory.total(), "steps": steps, "seconds_per_step": seconds,
        });
        output::json(&value)?;
        return Ok(true);
    }
    if let Some(runs) = runs {
        output::pairs(&[("runs of this size, at most", runs.to_string())])?;
    }
    for parameter in setup.network.parameters() {
        output::say(&format!("  {:<32} {:?}", parameter.name, parameter.shape))?;
    }
    let megabytes = |bytes: usize| format!("{:.1} MB", bytes as f64 / 1e6);
    output::pairs(&[
        ("network", format!("{} for {} images", setup.network.name(), setup.network.input())),
        (
            "parameters",
            format!(
                "{}, of which {} weights",
                setup.network.parameter_count(),
                setup.network.weight_count()
            ),
        ),
        ("method", config.method.name().to_owned()),
        ("device", setup.device.to_string()),
        ("training images", setup.images[0].to_string()),
        ("test images", setup.images[1].to_string()),
        ("memory: parameters", megabytes(memory.parameters)),
        ("memory: optimiser", megabytes(memory.optimizer)),
        ("memory: gradient", megabytes(memory.gradient)),
        ("memory: activations", megabytes(memory.activations)),
        ("steps", steps.to_string()),
        ("time of a step", format!("about {} on this machine", duration(seconds))),
        ("time of all steps", format!("about {}", duration(seconds * steps as f64))),
    ])?;
    Ok(true)
}

/// Seconds in the unit in which they read well.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.01 => format!("{:.2} ms", 1e3 * s),
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

//! `mirrorflow train`: a deep network with x = m⊙w or one of its rivals, or a study of several.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use mirrorflow::{
    experiment::Data,
    kernels::{
        array::{Accelerator, Home},
        device::{Device, Place},
        machine::Machine,
    },
};
use mirrorflow_deep::{
    study::{self, StudyConfig},
    train::{Config, Outcome, Setup, train},
};
use mirrorflow_plots::all;
use serde_json::json;

use crate::args::TrainArgs;
use crate::failure::{Done, Failure, usage};
use crate::{interrupt, output};

/// Where a run stands, or the runs of a study: a network trains on one device, the first that works under `auto`.
fn home(device: Device) -> mirrorflow::Result<Home> {
    Ok(match device.open()? {
        Place::Cpu(_) => Home::Processor,
        Place::Cuda(gpus) => match gpus.first() {
            Some(gpu) => Home::Device(Accelerator::open(gpu as &dyn Machine)?),
            None => Home::Processor,
        },
    })
}

/// Trains, or says what training would take.
pub(crate) fn run(args: &TrainArgs) -> Done {
    let text = std::fs::read_to_string(&args.config)
        .map_err(|e| usage(format!("{}: {e}", args.config.display())))?;
    let home = home(args.device.device)?;
    if !args.dry_run {
        let out = args.out.display();
        interrupt::leaves(format!("{out} holds what was done, --resume goes on from there"));
    }
    if StudyConfig::is_one(&text) {
        return run_study(args, &StudyConfig::parse(&text, &args.config)?, home);
    }
    let config = Config::read(&args.config)?;
    if args.dry_run {
        let mut setup = Setup::rehearsal(config, args.data.as_deref())?;
        setup.home = home;
        let runs = setup.config.method.runs() as usize;
        return dry_run(args, &setup, (runs > 1).then_some(runs));
    }
    let mut setup = Setup::new(config, args.data.as_deref())?;
    setup.home = home;
    // Progress goes to stderr, and only where somebody looks.
    let watched = io::stderr().is_terminal();
    let bar = output::working(format!("{} on {}", setup.network.name(), setup.train.name));
    let outcome = train(&setup, &args.out, args.resume, &mut |line| {
        if watched {
            bar.println(line);
        }
    });
    bar.finish_and_clear();
    let outcome = outcome?;
    draw(&args.out.join("figures"))?;
    let done = matches!(outcome, Outcome::Done { .. });
    if args.json {
        let value = match &outcome {
            Outcome::Done { test, sparsity } => {
                json!({ "status": "done", "test_accuracy": test, "sparsity": sparsity })
            }
            Outcome::Missed { target, sparsity, lost, test } => json!({
                "status": "missed", "target": target, "sparsity": sparsity, "lost": lost,
                "test_accuracy": test,
            }),
            Outcome::Diverged { cycle, epoch, place, checkpoint } => json!({
                "status": "diverged", "cycle": cycle, "epoch": epoch, "place": place,
                "checkpoint": checkpoint.as_ref().map(|p| p.display().to_string()),
            }),
            _ => json!({ "status": outcome.to_string() }),
        };
        output::json(&value)?;
    } else {
        output::say(&format!("{outcome}\nwritten to {}", args.out.display()))?;
    }
    Ok(done)
}

/// Several methods, seeds and strengths.
fn run_study(args: &TrainArgs, study: &StudyConfig, home: Home) -> Done {
    if args.dry_run {
        let (runs, mut setup) = study::dry_run(study, args.data.as_deref())?;
        setup.home = home;
        return dry_run(args, &setup, Some(runs));
    }
    let watched = io::stderr().is_terminal();
    let methods = study.method.len();
    let bar = output::working(format!("{methods} methods on {}", study.data.set));
    let mut say = |line: &str| {
        if watched {
            bar.println(line);
        }
    };
    let (data, out) = (args.data.as_deref(), &args.out);
    let results = study::run(study, &home, data, out, args.resume, &mut say);
    bar.finish_and_clear();
    let results = results?;
    draw(&args.out)?;
    // A method none of whose runs came to its end has no accuracy: that is a failure, though not of the input.
    let done = results
        .chosen
        .iter()
        .zip(&results.levels)
        .all(|(c, levels)| levels.get(c.level).is_some_and(|l| l.test.count > 0));
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
        output::json(
            &json!({ "status": if done { "done" } else { "diverged" }, "results": rows }),
        )?;
    } else {
        let text = study::summary(study, &results);
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
            "runs": runs, "network": setup.network.name(), "parameters": setup.network.parameter_count(),
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
        ("method", config.method.name.clone()),
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

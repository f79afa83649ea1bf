//! `mirrorflow train`: a deep network with x = m⊙w or one of its rivals.

use std::io::{self, IsTerminal as _};

use mirrorflow_deep::train::{Config, Outcome, Setup, train};
use serde_json::json;

use crate::args::TrainArgs;
use crate::failure::Done;
use crate::output;

/// Trains, or says what training would take.
pub(crate) fn run(args: &TrainArgs) -> Done {
    let config = Config::read(&args.config)?;
    let setup = Setup::new(config, args.data.as_deref())?;
    if args.dry_run {
        return dry_run(args, &setup);
    }
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
    let done = matches!(outcome, Outcome::Done { .. });
    if args.json {
        let value = match &outcome {
            Outcome::Done { test, sparsity } => {
                json!({ "status": "done", "test_accuracy": test, "sparsity": sparsity })
            }
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

fn dry_run(args: &TrainArgs, setup: &Setup) -> Done {
    let memory = setup.memory()?;
    let seconds = setup.seconds_of_step()?;
    let config = &setup.config;
    let steps = setup.steps as u64 * config.train.epochs * config.prune.cycles;
    if args.json {
        let layers: Vec<_> = setup
            .network
            .parameters()
            .iter()
            .map(|p| json!({ "name": p.name, "shape": p.shape }))
            .collect();
        let value = json!({
            "network": setup.network.name(), "parameters": setup.network.parameter_count(),
            "weights": setup.network.weight_count(), "layers": layers,
            "training_images": setup.train.len(), "test_images": setup.test.len(),
            "bytes": memory.total(), "steps": steps, "seconds_per_step": seconds,
        });
        output::json(&value)?;
        return Ok(true);
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
        ("training images", setup.train.len().to_string()),
        ("test images", setup.test.len().to_string()),
        ("memory: parameters", megabytes(memory.parameters)),
        ("memory: optimiser", megabytes(memory.optimizer)),
        ("memory: gradient", megabytes(memory.gradient)),
        ("memory: activations", megabytes(memory.activations)),
        ("steps", steps.to_string()),
        ("time of a step", format!("about {:.0} ms on this machine", 1e3 * seconds)),
        ("time of all steps", format!("about {:.2} h", seconds * steps as f64 / 3600.0)),
    ])?;
    Ok(true)
}

//! What a run leaves beside its tables: `summary.json`, and in `figures/` the data of its figures:
//! `sparsity` (accuracy on test and validation images over the levels) and `layers` (sign flips and
//! density of the layers over the epochs).

pub(crate) mod label;
mod lines;
mod overhead;
pub(super) mod table;

use std::path::Path;

use mirrorflow::{
    Error, Result,
    experiment::{Curve, Data},
    io::write_atomically,
};
use serde_json::json;

pub(super) use lines::{Lines, folder};
pub use overhead::Overhead;
pub(crate) use overhead::write as write_overhead;
pub use table::{Row, latex};

use super::{Outcome, Setup, trainer::Trainer};

/// Curves of a figure of layers.
const SHOWN: usize = 8;

/// `summary.json`, and the overhead where it is asked for.
pub(super) fn summary(
    trainer: &Trainer<'_>,
    out: &Path,
    outcome: &Outcome,
    steps: usize,
    seconds: f64,
) -> Result<()> {
    let setup = trainer.setup;
    let memory = setup.memory()?;
    let measured = if setup.config.train.overhead { Overhead::measure(setup)? } else { None };
    if let Some(measured) = measured {
        overhead::write(out, &[(setup.config.method.name().into(), measured)])?;
    }
    let price = measured.map(|o| {
        let [bare, all] = o.memory_ratios();
        json!({
            "milliseconds_per_step": o.milliseconds[0], "plain_milliseconds_per_step": o.milliseconds[1],
            "time_ratio": o.time, "memory_ratio_without_activations": bare, "memory_ratio": all,
        })
    });
    let [spent, factors] = trainer.spent();
    let layers: Vec<_> = trainer
        .layers()?
        .into_iter()
        .map(|l| {
            let density = l.nonzeros as f64 / l.weights as f64;
            json!({ "layer": l.name, "weights": l.weights, "nonzeros": l.nonzeros, "density": density })
        })
        .collect();
    let pruned: Vec<_> = match outcome {
        Outcome::Done { pruned, .. } | Outcome::Missed { pruned, .. } => pruned.iter(),
        Outcome::Diverged { .. } => [].iter(),
    }
    .map(|p| json!({ "kept": p.kept, "sparsity": p.sparsity, "test_accuracy": p.test }))
    .collect();
    let summary = json!({
        "version": mirrorflow::VERSION,
        "device": trainer.device,
        "seed": setup.config.seed,
        "method": setup.config.method.name(),
        "network": setup.network.name(),
        "outcome": outcome.to_string(),
        "missed": matches!(outcome, Outcome::Missed { .. }),
        "pruned": pruned,
        "parameters": setup.network.parameter_count(),
        "weights": setup.network.weight_count(),
        "total_strength": spent,
        "total_factor_strength": factors,
        "layers": layers,
        "bytes": {
            "parameters": memory.parameters, "optimizer": memory.optimizer,
            "gradient": memory.gradient, "activations": memory.activations,
        },
        "milliseconds_per_step": if steps > 0 { 1e3 * seconds / steps as f64 } else { f64::NAN },
        "threads": rayon::current_num_threads(),
        "overhead": price,
    });
    write_atomically(out.join("summary.json"), format!("{summary:#}\n").as_bytes())
}

/// The data of the figures.
pub(super) fn figures(trainer: &Trainer<'_>, out: &Path, rows: &[Row]) -> Result<()> {
    let (setup, to) = (trainer.setup, out.join("figures"));
    folder(&to)?;
    let mut about = serde_json::to_value(&setup.written).unwrap_or_default();
    about["device"] = json!(trainer.device);
    let new = |name: &str| Data::new(name, Some(setup.config.seed), about.clone());
    let mut sparsity = new("sparsity");
    for (series, of) in
        [("test", (|r: &Row| r.test) as fn(&Row) -> f64), ("validation", |r: &Row| r.validation)]
    {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|r| !of(r).is_nan() && r.sparsity < 1.0) {
            // Levels less sparse than the network itself are one point.
            if x.last().is_none_or(|last| row.sparsity > *last) {
                x.push(row.sparsity);
                y.push(100.0 * of(row));
            }
        }
        if !x.is_empty() {
            sparsity.curves.push(Curve::new(series, x, y));
        }
    }
    let mut layers = new("layers");
    layers.curves = layer_curves(setup, out)?;
    for data in [sparsity, layers] {
        if !data.curves.is_empty() {
            data.write(&to)?;
        }
    }
    Ok(())
}

/// Flips and density over the epochs, out of `layers.csv`, which also holds what came before a run
/// was resumed.
fn layer_curves(setup: &Setup, out: &Path) -> Result<Vec<Curve>> {
    let path = out.join("layers.csv");
    let wrong = |why: String| Error::File { path: path.clone(), why };
    let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
    let count = setup.weights.len();
    let shown: Vec<usize> = if count <= SHOWN {
        (0..count).collect()
    } else {
        // The first, the last, and those evenly between.
        (0..SHOWN).map(|k| k * (count - 1) / (SHOWN - 1)).collect()
    };
    let mut curves = Vec::new();
    for (panel, column) in [("sign flips", 6), ("density", 4)] {
        for layer in &shown {
            let name = &setup.weights[*layer].name;
            let (mut x, mut y) = (Vec::new(), Vec::new());
            let lines = text.lines().skip(1).filter(|l| l.split(',').nth(2) == Some(name));
            for (epoch, line) in lines.enumerate() {
                let number = |k: usize| {
                    let field = line.split(',').nth(k).and_then(|f| f.parse::<f64>().ok());
                    field.ok_or_else(|| wrong(format!("a line of {name} has no column {}", k + 1)))
                };
                x.push(epoch as f64 + 1.0);
                y.push(100.0 * number(column)? / number(3)?);
            }
            curves.push(Curve::new(name.trim_end_matches(".weight"), x, y).in_panel(panel));
        }
    }
    Ok(curves)
}

//! What is refused before anything is read or taken: sizes no run can have, keys that nothing would heed, epochs without a step.

use mirrorflow::Result;

use super::{Setup, domain};
use crate::{
    config::{Config, PruneConfig, Rate, RateShape},
    network::{Network, Op},
};

/// Epochs of a cycle at most: each is a line of the metrics.
const EPOCHS: u64 = 1_000_000;
/// Steps of a cycle at most: a day of the smallest network there is.
const STEPS: u64 = 1_000_000_000;
/// Levels of one-shot pruning and cycles of iterative pruning at most: each is an evaluation or a training.
const LEVELS: u64 = 10_000;
/// Runs for a target sparsity at most.
const RUNS: u64 = 10_000;
/// Classes at most.
const CLASSES: usize = 1 << 24;

/// Numbers that are out of range whatever the data are, and keys that would not be heeded.
///
/// # Errors
/// When there is one: which, and with what it goes.
pub(super) fn keys(c: &Config) -> Result<()> {
    let (t, d, o) = (&c.train, &c.data, &c.optimizer);
    within("train.epochs", t.epochs, EPOCHS)?;
    within("method.runs", c.method.runs.unwrap_or(1), RUNS)?;
    let positive = |what: &str, zero: bool| {
        if zero { Err(domain(what, "at least 1", "0")) } else { Ok(()) }
    };
    positive("train.batch", t.batch == 0)?;
    positive("train.checkpoint", t.checkpoint == 0)?;
    positive("train.steps", t.steps == Some(0))?;
    positive("data.images", d.images == Some(0))?;
    pruning(&c.prune, t.epochs)?;
    if let Some(classes) = d.classes.filter(|n| *n > CLASSES) {
        let right = format!("at most {CLASSES}");
        return Err(domain("data.classes", &right, &classes.to_string()));
    }
    if d.classes == Some(1) {
        return Err(domain("data.classes", "at least 2: of one there is nothing to learn", "1"));
    }
    let generated = d.set == "generated";
    let none = generated || d.set == "digits";
    let with = |key: &str, given: bool, goes: bool, right: &str, found: &str| {
        if given && !goes { Err(domain(key, right, found)) } else { Ok(()) }
    };
    let set = format!("one with set = {:?}", d.set);
    with("data.folder", d.folder.is_some(), !none, "none for a set that needs no files", &set)?;
    with("data.shape", d.shape.is_some(), generated, "only with set = \"generated\"", &set)?;
    with("data.classes", d.classes.is_some(), generated, "only with set = \"generated\"", &set)?;
    let right = "none: the random cut of a folder's images is not of a frame";
    with("data.crop", d.crop > 0, d.set != "folder", right, &set)?;
    let (kind, sgd) = (format!("one with {}", o.kind), o.kind == "sgd" || !known(&o.kind));
    with("optimizer.momentum", o.momentum.is_some(), sgd, "only with kind = \"sgd\"", &kind)?;
    with("optimizer.nesterov", o.nesterov.is_some(), sgd, "only with kind = \"sgd\"", &kind)?;
    let shape = format!("one with schedule = {:?}", o.schedule);
    let step = o.schedule == "step";
    let right = "only with schedule = \"step\"";
    with("optimizer.milestones", !o.milestones.is_empty(), step, right, &shape)?;
    with("optimizer.factor", o.factor.is_some(), step, right, &shape)
}

/// Whether there is such an optimiser; what is none is told as that.
fn known(optimizer: &str) -> bool {
    ["sgd", "adam", "adamw"].contains(&optimizer)
}

fn within(what: &str, found: u64, most: u64) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    let right = if found == 0 { "at least 1".into() } else { format!("at most {most}") };
    Err(domain(what, &right, &found.to_string()))
}

/// Training images that are taken of as many as there are.
///
/// # Errors
/// When more are wanted.
pub(super) fn images(c: &Config, all: usize) -> Result<usize> {
    let wanted = c.data.images.unwrap_or(all);
    // Generated ones are at least two.
    if wanted > all && c.data.set != "generated" {
        let right = format!("at most its {all} training images");
        return Err(domain("data.images", &right, &wanted.to_string()));
    }
    Ok(wanted.min(all))
}

/// Whether an epoch of so many images trains: it has a step, and batch norm a variance in each.
///
/// # Errors
/// When not.
pub(super) fn batches(c: &Config, network: &Network, images: usize, steps: usize) -> Result<()> {
    let batch = c.train.batch;
    if batch == 1 {
        let layers = network.layers().iter();
        let alone = layers.zip(1..).find(|(layer, value)| {
            matches!(layer.op, Op::BatchNorm { .. }) && network.shape(*value).pixels() == 1
        });
        if let Some((layer, _)) = alone {
            let right = format!(
                "at least 2: {} of {} has one value a channel of an image, and of one value no variance",
                layer.name,
                network.name()
            );
            return Err(domain("train.batch", &right, "1"));
        }
    }
    if steps == 0 {
        let right = format!(
            "at least 2 in batches of {batch}: a last batch of a single image is left out (or train.batch = 1)"
        );
        return Err(domain("the number of training images", &right, &images.to_string()));
    }
    let all = c.train.epochs.saturating_mul(steps as u64);
    if all > STEPS {
        let right = format!("at most {} epochs of {steps} steps each", STEPS / steps as u64);
        return Err(domain("train.epochs", &right, &c.train.epochs.to_string()));
    }
    Ok(())
}

/// As [`batches`], of a setup.
///
/// # Errors
/// As there.
pub(super) fn steps(setup: &Setup) -> Result<()> {
    batches(&setup.config, &setup.network, setup.images[0], setup.steps)
}

/// Whether anything heeds the weight decay: of m⊙w and STR only biases and norms have it.
///
/// # Errors
/// When nothing does.
pub(super) fn decay(setup: &Setup) -> Result<()> {
    let (c, m) = (&setup.config, &setup.config.method);
    let own = ["l1-mask", "spred", "pilot", "sign-in", "str"].contains(&m.name.as_str())
        || m.factors.is_some() && m.name != "continuous";
    if c.optimizer.weight_decay > 0.0 && own && setup.rest.is_empty() {
        let right = format!(
            "0: the weights of {} have {}'s own penalty, and there is nothing else",
            setup.network.name(),
            m.name
        );
        let found = c.optimizer.weight_decay.to_string();
        return Err(domain("optimizer.weight_decay", &right, &found));
    }
    Ok(())
}

/// What is wrong with a pruning whatever else there is.
pub(crate) fn pruning(p: &PruneConfig, epochs: u64) -> Result<()> {
    let keep = p.keep();
    if !(keep > 0.0 && keep < 1.0) {
        return Err(domain("prune.keep", "a share above 0 and below 1", &keep.to_string()));
    }
    match (p.cycles, p.rewind.as_deref()) {
        (0, _) => Err(domain("prune.cycles", "at least 1", "0")),
        (1, None) | (2.., Some("weights" | "rate")) => Ok(()),
        (1, Some(_)) => Err(domain("prune.rewind", "nothing where prune.cycles is 1", "one")),
        (_, other) => {
            Err(domain("prune.rewind", "\"weights\" or \"rate\"", other.unwrap_or("not there")))
        }
    }?;
    within("prune.cycles", p.cycles, LEVELS)?;
    within("prune.levels", u64::from(p.levels).max(1), LEVELS)?;
    if p.keep.is_some() && p.levels == 0 && p.cycles == 1 {
        let right = "only with prune.levels or prune.cycles";
        return Err(domain("prune.keep", right, "one without"));
    }
    let epoch = p.rewind_epoch;
    if epoch >= epochs {
        let right = "less than train.epochs";
        return Err(domain("prune.rewind_epoch", right, &epoch.to_string()));
    }
    if epoch > 0 && p.rewind.as_deref() != Some("weights") {
        let right = "only with prune.rewind = \"weights\"";
        return Err(domain("prune.rewind_epoch", right, &epoch.to_string()));
    }
    Ok(())
}

/// The learning rate.
pub(super) fn rate(c: &Config) -> Result<Rate> {
    let o = &c.optimizer;
    let shape = match o.schedule.as_str() {
        "constant" => RateShape::Constant,
        "cosine" => RateShape::Cosine,
        "step" => {
            let (milestones, factor) = (o.milestones.clone(), o.factor.unwrap_or(0.1));
            RateShape::Step { milestones, factor }
        }
        other => return Err(domain("optimizer.schedule", "constant, cosine or step", other)),
    };
    if !(o.weight_decay >= 0.0 && o.weight_decay.is_finite()) {
        let found = o.weight_decay.to_string();
        return Err(domain("optimizer.weight_decay", "a finite number of at least 0", &found));
    }
    Rate::new(o.rate, o.warmup, c.train.epochs, shape)
}

//! What is refused once the data are known and before anything is taken: more images than there
//! are, epochs without a step or with too many, a weight decay that nothing would heed.

use mirrorflow::Result;

use super::Setup;
use crate::{
    config::{Method, Settings, Source, domain},
    network::{Network, Op},
};

/// Steps of a cycle at most: a day of the smallest network there is.
const STEPS: u64 = 1_000_000_000;

/// Training images that are taken of as many as there are.
///
/// # Errors
/// When more are wanted.
pub(super) fn images(c: &Settings, all: usize) -> Result<usize> {
    let wanted = c.data.images.unwrap_or(all);
    // Generated ones are at least two.
    if wanted > all && matches!(c.data.source, Source::Set(..)) {
        let right = format!("at most its {all} training images");
        return Err(domain("data.images", &right, &wanted.to_string()));
    }
    Ok(wanted.min(all))
}

/// Whether an epoch of so many images trains: it has a step, and batch norm a variance in each.
///
/// # Errors
/// When not.
pub(super) fn batches(c: &Settings, network: &Network, images: usize, steps: usize) -> Result<()> {
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
    let c = &setup.config;
    let continuous = matches!(c.method, Method::Continuous { .. });
    let own = c.method.decays_by_itself() || c.factors.is_some() && !continuous;
    if c.weight_decay > 0.0 && own && setup.rest.is_empty() {
        let right = format!(
            "0: the weights of {} have {}'s own penalty, and there is nothing else",
            setup.network.name(),
            c.method.name()
        );
        let found = c.weight_decay.to_string();
        return Err(domain("optimizer.weight_decay", &right, &found));
    }
    Ok(())
}

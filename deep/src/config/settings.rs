//! What a configuration says once all of it is in range and goes together. A run reads this and
//! nothing else: which set, optimiser, method and pruning it is are variants with their own
//! numbers.

use std::path::PathBuf;

use mirrorflow::{
    Result,
    kernels::mask_weight::{self, Adam, Sgd},
};

use super::{
    Config, DataConfig, Factors, Method, NetworkConfig, OptimizerConfig, Prune, Rate, TrainConfig,
    domain, within,
};
use crate::{
    data::{Augment, Set},
    network::Shape,
};

/// Epochs of a cycle at most: each is a line of the metrics.
const EPOCHS: u64 = 1_000_000;
/// Runs for a target sparsity at most.
const RUNS: u64 = 10_000;
/// Those that may be spent on it where nothing is said.
const DEFAULT_RUNS: u64 = 10;
/// Classes at most.
const CLASSES: usize = 1 << 24;

/// A whole configuration, valid whatever the data are.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Every random number comes from it.
    pub seed: u64,
    /// What to train on.
    pub data: Data,
    /// What to train.
    pub network: NetworkConfig,
    /// How long.
    pub train: TrainConfig,
    /// By which steps.
    pub optimizer: Optimizer,
    /// How large they are.
    pub rate: Rate,
    /// PyTorch's weight decay.
    pub weight_decay: f64,
    /// How the weights hang on what is trained.
    pub method: Method,
    /// PILoT under the method: what it trains is m⊙w.
    pub factors: Option<Factors>,
    /// Whole runs that may be needed: more than one only where a sparsity is wanted.
    pub runs: u64,
    /// What is pruned.
    pub prune: Prune,
}

/// Images.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Where they come from.
    pub source: Source,
    /// Training images kept aside for validation.
    pub validation: usize,
    /// Only the first so many training images.
    pub images: Option<usize>,
    /// What is done with training images.
    pub augment: Augment,
}

/// Where images come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A set, and the folder of its files where one is given (`--data` goes before).
    Set(Set, Option<PathBuf>),
    /// So many images of noise.
    Generated {
        /// Of this shape.
        shape: Shape,
        /// In so many classes.
        classes: usize,
        /// See the variant.
        count: usize,
    },
}

/// By which steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// μ, 0 without.
        momentum: f64,
        /// Nesterov's variant of it.
        nesterov: bool,
    },
    /// Kingma & Ba 2015.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
}

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// When a number is out of range, a name unknown, or a key would not be heeded: which, and with
    /// what it goes.
    pub fn of(c: &Config) -> Result<Self> {
        let t = &c.train;
        within("train.epochs", t.epochs, EPOCHS)?;
        within("method.runs", c.method.runs.unwrap_or(1), RUNS)?;
        positive("train.batch", t.batch == 0)?;
        positive("train.checkpoint", t.checkpoint == 0)?;
        positive("train.steps", t.steps == Some(0))?;
        positive("data.images", c.data.images == Some(0))?;
        let prune = Prune::of(&c.prune, t.epochs)?;
        let data = Data::of(&c.data, t.batch)?;
        let optimizer = Optimizer::of(&c.optimizer)?;
        let rate = Rate::of(&c.optimizer, t.epochs)?;
        let (method, factors) = Method::of(&c.method)?;
        optimizer.at(rate.at(0.0)).check()?;
        let new = Self {
            seed: c.seed,
            data,
            network: c.network.clone(),
            train: t.clone(),
            optimizer,
            rate,
            weight_decay: c.optimizer.weight_decay,
            method,
            factors,
            runs: c.method.runs.unwrap_or(1),
            prune,
        };
        let runs = new.runs_for_target(c.method.runs)?;
        Ok(Self { runs, ..new })
    }

    /// The share of weights that is to be 0 at the end, where one is wanted.
    fn target(&self) -> Result<Option<f64>> {
        let own = self.method.penalty().and_then(|p| p.target());
        let factors = self.factors.as_ref().and_then(|f| f.penalty.target());
        if own.is_some() && factors.is_some() {
            let what = "method.target and method.factors.target";
            return Err(domain(what, "one of them", "both"));
        }
        Ok(own.or(factors))
    }

    fn runs_for_target(&self, given: Option<u64>) -> Result<u64> {
        match (self.target()?, given) {
            (None, None) => Ok(1),
            (None, Some(n)) => Err(domain("method.runs", "none without a target", &n.to_string())),
            (Some(_), _) if self.prune.cycles() > 1 => {
                let right = "prune.cycles = 1: iterative pruning sets the sparsity itself";
                Err(domain("method.target", right, "several cycles"))
            }
            (Some(_), given) => Ok(given.unwrap_or(DEFAULT_RUNS)),
        }
    }

    /// The same with the plain weights, nothing beside the loss, nothing pruned and all images.
    pub(crate) fn plain(&self) -> Self {
        let data = Data { validation: 0, images: None, ..self.data.clone() };
        let (method, prune) = (Method::Dense, Prune::default());
        Self { data, method, factors: None, runs: 1, prune, ..self.clone() }
    }

    /// Epochs of all cycles: weights that are rewound do not train again for what came before.
    pub(crate) fn all_epochs(&self) -> u64 {
        let (cycles, back) = (self.prune.cycles(), self.prune.rewind_epoch().unwrap_or(0));
        cycles * self.train.epochs - (cycles - 1) * back
    }
}

fn positive(what: &str, zero: bool) -> Result<()> {
    if zero { Err(domain(what, "at least 1", "0")) } else { Ok(()) }
}

impl Data {
    fn of(d: &DataConfig, batch: usize) -> Result<Self> {
        if let Some(classes) = d.classes.filter(|n| *n > CLASSES) {
            let right = format!("at most {CLASSES}");
            return Err(domain("data.classes", &right, &classes.to_string()));
        }
        if d.classes == Some(1) {
            return Err(domain(
                "data.classes",
                "at least 2: of one there is nothing to learn",
                "1",
            ));
        }
        let generated = d.set == "generated";
        let set = if generated { None } else { Some(Set::named(&d.set)?) };
        let found = format!("one with set = {:?}", d.set);
        let with = |key: &str, given: bool, goes: bool, right: &str| {
            if given && !goes { Err(domain(key, right, &found)) } else { Ok(()) }
        };
        let files = !matches!(set, None | Some(Set::Digits));
        with("data.folder", d.folder.is_some(), files, "none for a set that needs no files")?;
        with("data.shape", d.shape.is_some(), generated, "only with set = \"generated\"")?;
        with("data.classes", d.classes.is_some(), generated, "only with set = \"generated\"")?;
        let right = "none: the random cut of a folder's images is not of a frame";
        with("data.crop", d.crop > 0, set != Some(Set::Folder), right)?;
        let source = match set {
            Some(set) => Source::Set(set, d.folder.clone()),
            None => Self::generated(d, batch)?,
        };
        let augment = Augment { crop: d.crop, flip: d.flip };
        Ok(Self { source, validation: d.validation, images: d.images, augment })
    }

    fn generated(d: &DataConfig, batch: usize) -> Result<Source> {
        let [height, width, channels] = d.shape.unwrap_or([32, 32, 3]);
        let (shape, classes) = (Shape { height, width, channels }, d.classes.unwrap_or(10));
        // The product may be larger than any number.
        if [height, width, channels, classes].contains(&0) {
            let found = format!("{shape}, {classes}");
            return Err(domain("data.shape and data.classes", "positive numbers", &found));
        }
        let count = d.images.unwrap_or(batch.saturating_mul(4)).max(2);
        Ok(Source::Generated { shape, classes, count })
    }
}

impl Optimizer {
    fn of(o: &OptimizerConfig) -> Result<Self> {
        let other = match o.kind.as_str() {
            "sgd" => {
                let (momentum, nesterov) = (o.momentum.unwrap_or(0.0), o.nesterov == Some(true));
                return Ok(Self::Sgd { momentum, nesterov });
            }
            "adam" => Self::Adam,
            "adamw" => Self::AdamW,
            other => return Err(domain("optimizer.kind", "sgd, adam or adamw", other)),
        };
        for (key, given) in [("momentum", o.momentum.is_some()), ("nesterov", o.nesterov.is_some())]
        {
            if given {
                let (what, found) = (format!("optimizer.{key}"), format!("one with {}", o.kind));
                return Err(domain(&what, "only with kind = \"sgd\"", &found));
            }
        }
        Ok(other)
    }

    /// Its step at a rate.
    pub(crate) fn at(self, rate: f64) -> mask_weight::Optimizer {
        match self {
            Self::Sgd { momentum, nesterov } => {
                mask_weight::Optimizer::Sgd(Sgd { rate, momentum, nesterov })
            }
            Self::Adam => mask_weight::Optimizer::Adam(Adam { rate, ..Adam::default() }),
            Self::AdamW => {
                mask_weight::Optimizer::Adam(Adam { rate, decoupled: true, ..Adam::default() })
            }
        }
    }

    /// The part of a step that is this gradient's own: 1 − μ of SGD, while Adam's steps do not grow
    /// with its momentum.
    pub(crate) fn fresh(self) -> f64 {
        match self {
            Self::Sgd { momentum, .. } => 1.0 - momentum.clamp(0.0, 0.999),
            Self::Adam | Self::AdamW => 1.0,
        }
    }
}

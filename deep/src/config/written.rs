//! A configuration as written in TOML. Every key has a default but those of [`Config`] that say
//! what to train.

use std::path::{Path, PathBuf};

use mirrorflow::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{complaint, merged, with_base};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Every random number comes from it.
    #[serde(default)]
    pub seed: u64,
    /// What to train on.
    pub data: DataConfig,
    /// What to train.
    pub network: NetworkConfig,
    /// How long.
    pub train: TrainConfig,
    /// By which steps.
    pub optimizer: OptimizerConfig,
    /// How the weights hang on what is trained.
    pub method: MethodConfig,
    /// What is pruned.
    #[serde(default)]
    pub prune: PruneConfig,
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// digits, mnist, fashion-mnist, cifar10, cifar100, folder or generated.
    pub set: String,
    /// Where its files are; `--data` goes before.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Training images kept aside for validation.
    #[serde(default)]
    pub validation: usize,
    /// Only the first so many training images.
    #[serde(default)]
    pub images: Option<usize>,
    /// Frame of the random crop.
    #[serde(default)]
    pub crop: usize,
    /// Random flips.
    #[serde(default)]
    pub flip: bool,
    /// Height, width and channels of generated images.
    #[serde(default, deserialize_with = "three")]
    pub shape: Option<[usize; 3]>,
    /// Classes of generated images.
    #[serde(default)]
    pub classes: Option<usize>,
}

/// `[network]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// A safetensors file with initial weights under torchvision's names.
    #[serde(default)]
    pub weights: Option<PathBuf>,
}

/// `[train]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Epochs T (of each cycle).
    pub epochs: u64,
    /// Images of a step.
    pub batch: usize,
    /// Epochs between checkpoints.
    #[serde(default = "one")]
    pub checkpoint: u64,
    /// Stop an epoch after so many steps (to try things out).
    #[serde(default)]
    pub steps: Option<usize>,
    /// Measure the time of a step beside that of the plain network, in a second or so after
    /// training.
    #[serde(default)]
    pub overhead: bool,
}

/// `[optimizer]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// sgd, adam or adamw.
    #[serde(default = "sgd")]
    pub kind: String,
    /// The learning rate.
    pub rate: f64,
    /// Momentum of SGD (0).
    #[serde(default)]
    pub momentum: Option<f64>,
    /// Nesterov's variant of it (no).
    #[serde(default)]
    pub nesterov: Option<bool>,
    /// PyTorch's weight decay; of m⊙w methods for biases and batch norm only, whose α stands in its
    /// place.
    #[serde(default)]
    pub weight_decay: f64,
    /// constant, cosine or step.
    #[serde(default = "constant")]
    pub schedule: String,
    /// Epochs in which the rate grows linearly from 0.
    #[serde(default)]
    pub warmup: f64,
    /// Epochs after which `step` multiplies the rate by `factor`.
    #[serde(default)]
    pub milestones: Vec<f64>,
    /// See `milestones` (0.1).
    #[serde(default)]
    pub factor: Option<f64>,
}

/// `[method]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodConfig {
    /// Its name.
    pub name: String,
    /// The strength α (its first value).
    #[serde(default)]
    pub strength: Option<f64>,
    /// The strength as the total Σ αη over all steps, in place of `strength`.
    #[serde(default)]
    pub total: Option<f64>,
    /// The share of weights that are 0 at the end, in place of both: feedback finds the strength
    /// (from `strength`, where given).
    #[serde(default)]
    pub target: Option<f64>,
    /// How many whole runs may be spent on it (10): the first under feedback, the others with a
    /// total of their own, where it missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// constant, linear, harmonic, quadratic, geometric or feedback; by default feedback for pilot,
    /// else constant.
    #[serde(default)]
    pub schedule: Option<String>,
    /// δ of feedback.
    #[serde(default)]
    pub delta: Option<f64>,
    /// K of feedback.
    #[serde(default)]
    pub floor: Option<f64>,
    /// p of geometric.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// β = m² − w² of the start; by default 0 for spred, else 1.
    #[serde(default)]
    pub beta: Option<f64>,
    /// p of powerprop (2).
    #[serde(default)]
    pub power: Option<f64>,
    /// First s of str (−5) and of continuous (0.05).
    #[serde(default)]
    pub start: Option<f64>,
    /// Last b of continuous (200).
    #[serde(default)]
    pub last: Option<f64>,
    /// a of ham (200).
    #[serde(default)]
    pub gradient: Option<f64>,
    /// PILoT under the method: what it trains is m⊙w.
    #[serde(default)]
    pub factors: Option<FactorsConfig>,
    /// HAM's step after the method's own.
    #[serde(default)]
    pub ham: Option<HamConfig>,
}

/// `[method.factors]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorsConfig {
    /// β = m² − w² of the start (1).
    #[serde(default)]
    pub beta: Option<f64>,
    /// α of α(‖m‖²+‖w‖²).
    #[serde(default)]
    pub strength: Option<f64>,
    /// Its total Σ αη, in place of `strength`.
    #[serde(default)]
    pub total: Option<f64>,
    /// The share of weights that are 0 at the end, in place of both.
    #[serde(default)]
    pub target: Option<f64>,
    /// As `method.schedule`; by default feedback.
    #[serde(default)]
    pub schedule: Option<String>,
    /// δ of feedback.
    #[serde(default)]
    pub delta: Option<f64>,
    /// K of feedback.
    #[serde(default)]
    pub floor: Option<f64>,
    /// p of geometric.
    #[serde(default)]
    pub ratio: Option<f64>,
}

/// `[method.ham]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HamConfig {
    /// a (200).
    #[serde(default = "two_hundred")]
    pub gradient: f64,
    /// The decay α (1e-3).
    #[serde(default = "thousandth")]
    pub decay: f64,
}

impl MethodConfig {
    /// The strength of what stands beside the loss.
    pub(super) fn strength_keys(&self) -> FactorsConfig {
        FactorsConfig {
            beta: self.beta,
            strength: self.strength,
            total: self.total,
            target: self.target,
            schedule: self.schedule.clone(),
            delta: self.delta,
            floor: self.floor,
            ratio: self.ratio,
        }
    }
}

/// `[prune]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneConfig {
    /// Share of the weights each level or cycle keeps (0.8).
    #[serde(default)]
    pub keep: Option<f64>,
    /// Levels of one-shot magnitude pruning after training: 1, keep, keep², …
    #[serde(default)]
    pub levels: u32,
    /// Cycles of iterative pruning; 1 is plain training.
    #[serde(default = "one")]
    pub cycles: u64,
    /// What is rewound between cycles: weights (IMP) or rate (LRR).
    #[serde(default)]
    pub rewind: Option<String>,
    /// The epoch whose weights IMP goes back to.
    #[serde(default)]
    pub rewind_epoch: u64,
}

impl Default for PruneConfig {
    fn default() -> Self {
        Self { keep: None, levels: 0, cycles: 1, rewind: None, rewind_epoch: 0 }
    }
}

fn one() -> u64 {
    1
}
fn two_hundred() -> f64 {
    200.0
}
fn thousandth() -> f64 {
    1e-3
}
/// Three numbers, no more: serde passes over the rest of a longer list.
fn three<'de, D>(from: D) -> std::result::Result<Option<[usize; 3]>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let Some(list) = Option::<Vec<usize>>::deserialize(from)? else { return Ok(None) };
    let count = list.len();
    let wrong = |_| serde::de::Error::invalid_length(count, &"height, width and channels");
    <[usize; 3]>::try_from(list).map(Some).map_err(wrong)
}
fn sgd() -> String {
    "sgd".into()
}
fn constant() -> String {
    "constant".into()
}

impl Config {
    /// Reads a file, with its base where it has one.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or has an unknown key: which one.
    pub fn read(path: &Path) -> Result<Self> {
        let file = |why: String| Error::File { path: path.into(), why };
        let text = std::fs::read_to_string(path).map_err(|e| file(e.to_string()))?;
        match merged(path, &text)? {
            Some(all) => all.try_into().map_err(|e| file(with_base(&e))),
            None => Self::parse(&text).map_err(file),
        }
    }

    /// Reads a text, which can have no base.
    ///
    /// # Errors
    /// When it is not TOML or has an unknown key, as one line.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        toml::from_str(text).map_err(|e| complaint(text, &e))
    }
}

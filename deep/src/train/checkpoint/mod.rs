//! Checkpoints and weights as safetensors files.
//!
//! The network's parameters and running statistics stand under torchvision's names and in its
//! order, so that any tool reads them; beside them `state/…` holds what resuming needs, and the
//! metadata the counters, configuration, version, device and a checksum of all ([`seal`]). Files
//! are written beside their place and renamed.

mod seal;
pub(super) mod weights;

use std::{borrow::Cow, collections::HashMap, path::Path};

use mirrorflow::{Error, Result, io::write_atomically, kernels::array::Array};
use safetensors::{Dtype, tensor::View};
use serde::{Deserialize, Serialize};

use weights::{File, floats, load};

use super::{Row, trainer::Trainer};
use crate::{config::Config, engine::Model, method::Report, network::Network};

struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn floats(shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape, bytes }
    }

    /// A scalar as PyTorch counts.
    fn count(number: u64) -> Self {
        let bytes = number.cast_signed().to_le_bytes().to_vec();
        Self { dtype: Dtype::I64, shape: Vec::new(), bytes }
    }
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The counters of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counters {
    cycle: u64,
    epoch: u64,
    step: u64,
    /// Lines written so far to `metrics.csv` and `layers.csv`, without their headings.
    lines: [usize; 2],
    /// Bits of what the feedback schedule was told: JSON does not keep every f64.
    reports: Vec<[u64; 3]>,
    /// Bits of the rows of the table of pruned networks so far.
    rows: Vec<[u64; 4]>,
}

fn weights(network: &Network, model: &Model<f32>, x: &Array<f32>) -> Result<Vec<(String, Tensor)>> {
    let (mut all, x) = (Vec::new(), x.to_vec()?);
    for parameter in network.parameters() {
        let mut torch = vec![0.0; parameter.len()];
        parameter.to_torch(&x[parameter.range()], &mut torch);
        all.push((parameter.name.clone(), Tensor::floats(parameter.shape.clone(), &torch)));
    }
    for (name, statistic) in model.statistics() {
        all.push((name, Tensor::floats(vec![statistic.len()], &statistic.to_vec()?)));
    }
    all.extend(tracked(model).map(|name| (name, Tensor::count(model.passes()))));
    Ok(all)
}

/// PyTorch's count beside the running statistics of each batch norm.
fn tracked(model: &Model<f32>) -> impl Iterator<Item = String> {
    let layers = model.statistics().filter_map(|(name, _)| {
        name.strip_suffix("running_mean").map(|layer| format!("{layer}num_batches_tracked"))
    });
    layers.collect::<Vec<_>>().into_iter()
}

fn write(path: &Path, tensors: &[(String, Tensor)], about: &About) -> Result<()> {
    let about = serde_json::to_string(about).map_err(|e| wrong(path, e.to_string()))?;
    let about = HashMap::from([("mirrorflow".to_owned(), about)]);
    let views = tensors.iter().map(|(name, tensor)| (name, tensor));
    let mut bytes =
        safetensors::serialize(views, Some(about)).map_err(|e| wrong(path, e.to_string()))?;
    seal::close(&mut bytes);
    write_atomically(path, &bytes)
}

fn wrong(path: &Path, why: impl Into<String>) -> Error {
    Error::File { path: path.into(), why: why.into() }
}

/// What a file says of itself: one entry, since the order of several would differ from run to run.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// First, where [`seal`] looks for it.
    checksum: String,
    version: String,
    /// All that the run has been on.
    device: String,
    network: String,
    seed: u64,
    config: Config,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Counters>,
}

fn about(trainer: &Trainer<'_>) -> About {
    About {
        checksum: seal::OPEN.into(),
        version: mirrorflow::VERSION.into(),
        device: trainer.device.clone(),
        network: trainer.setup.network.name().into(),
        seed: trainer.setup.config.seed,
        config: trainer.setup.written.clone(),
        counters: None,
    }
}

/// Writes the network's weights alone.
pub(super) fn save_weights(path: &Path, trainer: &Trainer<'_>) -> Result<()> {
    let tensors = weights(&trainer.setup.network, &trainer.model, &trainer.x)?;
    write(path, &tensors, &about(trainer))
}

/// Writes all that resuming needs.
pub(super) fn save(
    path: &Path,
    trainer: &mut Trainer<'_>,
    lines: [usize; 2],
    rows: &[Row],
) -> Result<()> {
    let mut tensors = weights(&trainer.setup.network, &trainer.model, &trainer.x)?;
    for (name, values) in state(trainer) {
        let tensor = Tensor::floats(vec![values.len()], &values.to_vec()?);
        tensors.push((format!("state/{name}"), tensor));
    }
    if let Some(keep) = &trainer.keep {
        let tensor = Tensor { dtype: Dtype::U8, shape: vec![keep.len()], bytes: keep.to_vec()? };
        tensors.push(("state/keep".into(), tensor));
    }
    for (number, values) in trainer.rewind.iter().flatten().enumerate() {
        let tensor = Tensor::floats(vec![values.len()], values);
        tensors.push((format!("state/rewind/{number:04}"), tensor));
    }
    let counters = Counters {
        cycle: trainer.cycle,
        epoch: trainer.epoch,
        step: trainer.step,
        lines,
        reports: trainer.strength.reports().iter().map(Report::bits).collect(),
        rows: rows.iter().map(Row::bits).collect(),
    };
    let mut about = about(trainer);
    about.counters = Some(counters);
    write(path, &tensors, &about)
}

/// The state beside the network's own parameters, by name.
fn state<'a>(trainer: &'a mut Trainer<'_>) -> Vec<(String, &'a mut Array<f32>)> {
    let mut all = Vec::new();
    let mut add = |name: &str, state: &'a mut crate::method::State<f32>| {
        for (k, row) in state.0.iter_mut().enumerate().filter(|(_, row)| !row.is_empty()) {
            all.push((format!("{name}/{k}"), row));
        }
    };
    add("rest", &mut trainer.rest);
    // The borrow of the method is split by asking for states first where a method has no variables.
    let method = &mut trainer.method;
    if method.variables().is_empty() {
        for (name, state) in method.states() {
            add(name, state);
        }
        return all;
    }
    let mut rest = Vec::new();
    for (name, variable) in method.variables() {
        add(name, &mut variable.state);
        rest.push((name.to_owned(), &mut variable.value));
    }
    all.extend(rest);
    all
}

/// Brings a run back; returns the lines of its files and the rows of its table.
pub(super) fn resume(path: &Path, trainer: &mut Trainer<'_>) -> Result<([usize; 2], Vec<Row>)> {
    let advice = "; without it --resume begins this run anew";
    let file = File::read(path, advice)?;
    if !file.is_sealed() {
        let why = "has no checksum: not a checkpoint of a run, or a damaged one";
        return Err(wrong(path, format!("{why}{advice}")));
    }
    let found = file.metadata.get("mirrorflow").map(|t| serde_json::from_str::<About>(t));
    let Some(Ok(About { version, device, config, counters: Some(counters), .. })) = found else {
        return Err(wrong(path, "has no counters: not a checkpoint of a run"));
    };
    if version != mirrorflow::VERSION {
        let why = format!("was written by version {version}, this is {}", mirrorflow::VERSION);
        return Err(wrong(path, why));
    }
    if config != trainer.setup.written {
        let why = "was written with another configuration: resume with that, or choose another folder (--out)";
        return Err(wrong(path, why));
    }
    let mut x = vec![0.0; trainer.x.len()];
    load(path, &file, &trainer.setup.network, &mut trainer.model, &mut x)?;
    trainer.x.view_mut().write(&x)?;
    let tensors = file.tensors(path)?;
    for (name, to) in state(trainer) {
        let values = floats(path, &tensors, &format!("state/{name}"), &[to.len()])?;
        to.view_mut().write(&values)?;
    }
    let weights = trainer.setup.network.weight_count();
    trainer.keep = match tensors.tensor("state/keep") {
        Ok(keep) if keep.data().len() == weights => {
            Some(Array::from_slice(&trainer.setup.device, keep.data())?)
        }
        Ok(keep) => {
            let why = format!("state/keep has {} entries, expected {weights}", keep.data().len());
            return Err(wrong(path, why));
        }
        Err(_) => None,
    };
    let mut names: Vec<_> =
        tensors.names().into_iter().filter(|n| n.starts_with("state/rewind/")).collect();
    names.sort();
    let rewind = names.into_iter().map(|name| {
        let shape = tensors.tensor(name).map(|t| t.shape().to_vec()).unwrap_or_default();
        floats(path, &tensors, name, &shape)
    });
    let rewind = rewind.collect::<Result<Vec<_>>>()?;
    trainer.rewind = (!rewind.is_empty()).then_some(rewind);
    (trainer.cycle, trainer.epoch, trainer.step) = (counters.cycle, counters.epoch, counters.step);
    trainer.device = both(&device, &trainer.device);
    trainer.method.resumed()?;
    trainer.restart_strengths()?;
    for report in &counters.reports {
        trainer.report(Report::from_bits(*report))?;
    }
    Ok((counters.lines, counters.rows.iter().map(Row::from_bits).collect()))
}

/// The devices a run has been on, and the one that it goes on with.
pub(crate) fn both(before: &str, now: &str) -> String {
    if before.split(", ").any(|device| device == now) {
        return before.into();
    }
    format!("{before}, {now}")
}

#[cfg(test)]
mod tests;

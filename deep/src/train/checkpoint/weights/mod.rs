//! The weights of a network out of a safetensors file: our own, or of any origin under
//! torchvision's names.
//!
//! Numbers of 64, 32 and 16 bits (both kinds) are read; names may all stand behind one prefix, as
//! `module.` that PyTorch's `DataParallel` leaves. What is not finite is refused by its array:
//! training would only spread it.

use std::{collections::HashMap, path::Path};

use mirrorflow::{Error, Result};
use safetensors::{
    Dtype, SafeTensorError, SafeTensors,
    tensor::{Metadata, TensorView},
};

use super::seal::{self, Seal};
use crate::{engine::Model, network::Network};

/// A safetensors file.
pub(in crate::train) struct File {
    bytes: Vec<u8>,
    pub(in crate::train) metadata: HashMap<String, String>,
}

fn wrong(path: &Path, why: impl Into<String>) -> Error {
    Error::File { path: path.into(), why: why.into() }
}

impl File {
    /// Reads a file; one that has a checksum is held against it. `advice` is for one that is
    /// damaged.
    pub(in crate::train) fn read(path: &Path, advice: &str) -> Result<Self> {
        let bytes = crate::data::read(path)?;
        if seal::check(&bytes) == Seal::Broken {
            let why = format!("is damaged: its bytes are not those of its checksum{advice}");
            return Err(wrong(path, why));
        }
        let parsed: std::result::Result<(usize, Metadata), _> = SafeTensors::read_metadata(&bytes);
        let (_, metadata) = parsed.map_err(|e| {
            use SafeTensorError::{HeaderTooSmall, InvalidHeaderLength, MetadataIncompleteBuffer};
            let cut = matches!(e, HeaderTooSmall | InvalidHeaderLength | MetadataIncompleteBuffer);
            let what = if cut { "is cut off, or not a" } else { "not a readable" };
            let other = stranger(&bytes, path);
            wrong(path, other.unwrap_or_else(|| format!("{what} safetensors file: {e}{advice}")))
        })?;
        Ok(Self { metadata: metadata.metadata().clone().unwrap_or_default(), bytes })
    }

    /// Whether it has a checksum.
    pub(in crate::train) fn is_sealed(&self) -> bool {
        seal::check(&self.bytes) != Seal::Absent
    }

    pub(in crate::train) fn tensors(&self, path: &Path) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|e| wrong(path, format!("not a readable safetensors file: {e}")))
    }
}

/// What a file of another kind is, by its first bytes, with the conversion.
fn stranger(bytes: &[u8], path: &Path) -> Option<String> {
    let is = |magic: &[u8]| bytes.starts_with(magic);
    // Both of PyTorch's forms: an archive, and a bare pickle.
    if is(b"PK\x03\x04") || bytes.len() > 1 && bytes[0] == 0x80 && (2..=5).contains(&bytes[1]) {
        return Some(format!(
            "is a file of PyTorch's own (a pickle, which runs code when it is read), expected safetensors; \
             convert it: python -c \"import torch; from safetensors.torch import save_file; \
             save_file(torch.load('{}', weights_only=True), 'OUT.safetensors')\"",
            path.display()
        ));
    }
    is(b"\x89HDF").then(|| "is an HDF5 file, expected safetensors".into())
}

/// Reads an array of finite numbers of this shape.
pub(in crate::train) fn floats(
    path: &Path,
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>> {
    let tensor = tensors.tensor(name).map_err(|_| missing(path, tensors, name))?;
    let (kind, found) = (tensor.dtype(), tensor.shape());
    let Some(values) = numbers(&tensor).filter(|_| found == shape) else {
        let right = match kind {
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16 => format!("{kind:?}"),
            _ => "F64, F32, F16 or BF16".into(),
        };
        let why =
            format!("{name} is {kind:?} of shape {found:?}, expected {right} of shape {shape:?}");
        return Err(wrong(path, why));
    };
    let single: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    match single.iter().position(|v| !v.is_finite()) {
        None => Ok(single),
        Some(at) => {
            let (value, index) = (values[at], index(at, shape));
            let why = format!("{name}{index} is {value:e}, expected a finite number of 32 bits");
            Err(wrong(path, why.replace("NaNe0", "NaN")))
        }
    }
}

/// The numbers of a tensor; nothing where they are whole or of a kind of their own.
fn numbers(tensor: &TensorView<'_>) -> Option<Vec<f64>> {
    let data = tensor.data();
    let pair = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    let four = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    Some(match tensor.dtype() {
        Dtype::F64 => {
            let eight = |b: &[u8]| f64::from_le_bytes(*b.first_chunk().unwrap_or(&[0; 8]));
            data.chunks_exact(8).map(eight).collect()
        }
        Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_bits(four(b)).into()).collect(),
        // The upper half of a number of 32 bits.
        Dtype::BF16 => {
            data.chunks_exact(2).map(|b| f32::from_bits(u32::from(pair(b)) << 16).into()).collect()
        }
        Dtype::F16 => data.chunks_exact(2).map(|b| half(pair(b))).collect(),
        _ => return None,
    })
}

/// A number of 16 bits (IEEE 754): a sign, five bits of an exponent, ten of a fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction) * 2.0_f64.powi(e - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// `[i, j, …]` of an entry in rows.
fn index(mut at: usize, shape: &[usize]) -> String {
    let mut parts: Vec<usize> = Vec::new();
    for side in shape.iter().rev() {
        parts.push(at % side);
        at /= side;
    }
    parts.reverse();
    format!("{parts:?}")
}

/// Arrays that a message lists.
const LISTED: usize = 6;

fn missing(path: &Path, tensors: &SafeTensors<'_>, name: &str) -> Error {
    let alike = |other: &str| {
        let ahead = name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let behind = name.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b);
        ahead + behind.count()
    };
    let mut names = tensors.names();
    names.sort_by(|a, b| alike(b).cmp(&alike(a)).then(a.cmp(b)));
    let more = if names.len() > LISTED { ", …" } else { "" };
    let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    let has = if names.is_empty() { "no array at all".into() } else { format!("{listed}{more}") };
    wrong(path, format!("has no array {name}; it has {has}"))
}

/// What stands before the names of all the network's arrays: nothing, or something else that all
/// have.
fn prefix(path: &Path, tensors: &SafeTensors<'_>, network: &Network) -> Result<String> {
    let Some(first) = network.parameters().first() else { return Ok(String::new()) };
    if tensors.tensor(&first.name).is_ok() {
        return Ok(String::new());
    }
    let all = |prefix: &&str| {
        let there = |name: &str| tensors.tensor(&format!("{prefix}{name}")).is_ok();
        prefix.ends_with('.') && network.parameters().iter().all(|p| there(&p.name))
    };
    let names = tensors.names();
    let mut found: Vec<&str> =
        names.iter().filter_map(|n| n.strip_suffix(&*first.name)).filter(all).collect();
    found.sort_unstable();
    match found[..] {
        [] => Ok(String::new()),
        [one] => Ok(one.into()),
        [one, two, ..] => {
            let name = &first.name;
            Err(wrong(path, format!("has {one}{name} and {two}{name}: which of the two is meant?")))
        }
    }
}

/// Reads the network's parameters and running statistics under torchvision's names.
pub(in crate::train) fn load(
    path: &Path,
    file: &File,
    network: &Network,
    model: &mut Model<f32>,
    x: &mut [f32],
) -> Result<()> {
    let tensors = file.tensors(path)?;
    let prefix = prefix(path, &tensors, network)?;
    for parameter in network.parameters() {
        let name = format!("{prefix}{}", parameter.name);
        let torch = floats(path, &tensors, &name, &parameter.shape)?;
        parameter.from_torch(&torch, &mut x[parameter.range()]);
    }
    let mut passes = None;
    for (name, to) in model.statistics_mut() {
        let name = format!("{prefix}{name}");
        let values = floats(path, &tensors, &name, &[to.len()])?;
        let below = values.iter().position(|v| *v < 0.0 && name.ends_with("running_var"));
        if let Some(at) = below {
            let why = format!("{name}[{at}] is {:e}, expected a variance", values[at]);
            return Err(wrong(path, why));
        }
        to.view_mut().write(&values)?;
        // All layers have seen the same passes. Weights saved without the counts are as good.
        if let Some(layer) = name.strip_suffix("running_mean").filter(|_| passes.is_none()) {
            passes = tensors.tensor(&format!("{layer}num_batches_tracked")).ok();
        }
    }
    if let Some(Ok(bytes)) = passes.map(|t| <[u8; 8]>::try_from(t.data())) {
        model.set_passes(u64::from_le_bytes(bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

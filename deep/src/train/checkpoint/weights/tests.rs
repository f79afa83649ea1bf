//! Weights of any origin: their kinds of numbers, their prefixes, and what is wrong with them.

use std::{collections::HashMap, path::Path};

use mirrorflow::Result;
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};

use super::{File, half, load};
use crate::{
    engine::Model,
    network::{Network, Shape, named},
};

fn network() -> Network {
    let image = Shape { height: 1, width: 1, channels: 3 };
    named("linear", image, 2).unwrap_or_else(|e| panic!("{e}"))
}

/// The two arrays of a linear layer under names behind `prefix`, in a kind of numbers.
fn bytes(prefix: &str, kind: Dtype, number: impl Fn(f64) -> Vec<u8>, values: &[f64; 8]) -> Vec<u8> {
    let data: Vec<Vec<u8>> = values.iter().map(|v| number(*v)).collect();
    let (weight, bias) = (data[..6].concat(), data[6..].concat());
    let view = |shape: Vec<usize>, data| {
        TensorView::new(kind, shape, data).unwrap_or_else(|e| panic!("{e}"))
    };
    let arrays = HashMap::from([
        (format!("{prefix}fc1.weight"), view(vec![2, 3], &weight)),
        (format!("{prefix}fc1.bias"), view(vec![2], &bias)),
    ]);
    safetensors::serialize(&arrays, None).unwrap_or_else(|e| panic!("{e}"))
}

fn read(bytes: &[u8]) -> Result<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let path = folder.path().join("w.safetensors");
    std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{e}"));
    let (network, file) = (network(), File::read(&path, "")?);
    let mut x = vec![0.0; network.parameter_count()];
    load(Path::new("w"), &file, &network, &mut Model::new(&network, 1)?, &mut x)?;
    Ok(x)
}

/// Exact in all four kinds.
const VALUES: [f64; 8] = [0.5, -1.0, 2.0, 0.0, -0.25, 1.5, 4.0, -3.0];

fn double(v: f64) -> Vec<u8> {
    v.to_le_bytes().to_vec()
}
fn single(v: f64) -> Vec<u8> {
    (v as f32).to_le_bytes().to_vec()
}
fn brain(v: f64) -> Vec<u8> {
    ((v as f32).to_bits() >> 16).to_le_bytes()[..2].to_vec()
}

#[test]
fn weights_of_every_kind_and_prefix_are_the_same() -> Result<()> {
    let expected = read(&bytes("", Dtype::F32, single, &VALUES))?;
    assert!(expected.contains(&-3.0) && expected.contains(&1.5));
    // 1.5 as IEEE's half: exponent 15, fraction 512.
    let halves = |v: f64| {
        let all = (0..=u16::MAX).find(|b| half(*b) == v);
        all.unwrap_or_default().to_le_bytes().to_vec()
    };
    for (prefix, kind, number) in [
        ("", Dtype::F64, &double as &dyn Fn(f64) -> Vec<u8>),
        ("", Dtype::BF16, &brain),
        ("", Dtype::F16, &halves),
        ("module.", Dtype::F32, &single),
        ("_orig_mod.module.", Dtype::BF16, &brain),
    ] {
        assert_eq!(read(&bytes(prefix, kind, number, &VALUES))?, expected, "{prefix} {kind:?}");
    }
    Ok(())
}

#[test]
fn what_is_wrong_with_weights_is_named() {
    let with = |at: usize, value: f64| {
        let mut values = VALUES;
        values[at] = value;
        values
    };
    let whole = |v: f64| (v as i32).to_le_bytes().to_vec();
    for (bytes, parts) in [
        (bytes("", Dtype::F32, single, &with(5, f64::NAN)), ["fc1.weight[1, 2]", "NaN"]),
        (bytes("", Dtype::BF16, brain, &with(7, f64::INFINITY)), ["fc1.bias[1]", "inf"]),
        (bytes("", Dtype::F64, double, &with(0, 1e300)), ["fc1.weight[0, 0]", "1e300"]),
        (bytes("", Dtype::I32, whole, &VALUES), ["fc1.weight is I32", "F16 or BF16"]),
        // No prefix of all names, and an array that is there is named.
        (bytes("fc", Dtype::F32, single, &VALUES), ["no array fc1.weight", "it has fcfc1.weight"]),
        (b"PK".to_vec(), ["safetensors", "w.safetensors"]),
    ] {
        let error = read(&bytes).map_or_else(|e| e.to_string(), |_| "none".into());
        assert!(parts.iter().all(|p| error.contains(p)) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn weights_of_two_networks_are_ambiguous() -> Result<()> {
    let data = [0; 24];
    let view = |shape: Vec<usize>| {
        let len = 4 * shape.iter().product::<usize>();
        TensorView::new(Dtype::F32, shape, &data[..len]).unwrap_or_else(|e| panic!("{e}"))
    };
    let arrays = ["student.", "teacher."].into_iter().flat_map(|p| {
        [(format!("{p}fc1.weight"), view(vec![2, 3])), (format!("{p}fc1.bias"), view(vec![2]))]
    });
    let bytes = safetensors::serialize(arrays.collect::<HashMap<_, _>>(), None);
    let error = read(&bytes.unwrap_or_else(|e| panic!("{e}")));
    let error = error.map_or_else(|e| e.to_string(), |_| "none".into());
    assert!(error.contains("student.fc1.weight and teacher.fc1.weight"), "{error}");
    Ok(())
}

proptest! {
    /// Known values, and the order of all: a half that is larger by its bits is larger.
    #[test]
    fn halves_are_ordered_as_their_bits(bits in 0..0x7c00_u16) {
        prop_assert!(half(bits) < half(bits + 1) && half(bits | 0x8000) == -half(bits));
    }
}

#[test]
fn halves_are_those_of_ieee() {
    let cases = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (1, 5.960464477539063e-8)];
    assert!(cases.iter().all(|(bits, value)| half(*bits) == *value));
    assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
}

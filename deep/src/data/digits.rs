//! The embedded set: 1797 handwritten digits of 8×8 pixels, values 0…16 (E. Alpaydin & C. Kaynak,
//! "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, CC BY 4.0). Every
//! fifth image is a test image.

use std::{io::Cursor, path::Path};

use mirrorflow::Result;
use ndarray::{Array1, Array3};
use ndarray_npy::NpzReader;

use super::{Dataset, wrong};
use crate::network::Shape;

const FILE: &[u8] = include_bytes!("../../data/digits.npz");

pub(super) fn open() -> Result<(Dataset, Dataset)> {
    let damaged = |e: ndarray_npy::ReadNpzError| wrong(Path::new("digits.npz"), e.to_string());
    let mut npz = NpzReader::new(Cursor::new(FILE)).map_err(damaged)?;
    let images: Array3<u8> = npz.by_name("images").map_err(damaged)?;
    let labels: Array1<u8> = npz.by_name("labels").map_err(damaged)?;
    let shape = Shape { height: 8, width: 8, channels: 1 };
    // 0…16 to 0…240.
    let bytes = images.iter().map(|b| 15 * b).collect();
    let labels = labels.iter().map(|l| u32::from(*l)).collect();
    let all = Dataset::in_memory("digits", shape, 10, bytes, labels);
    let (test, train): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|i| i % 5 == 4);
    let (mut train, mut test) = (all.select(&train), all.select(&test));
    train.measure();
    test.normal.clone_from(&train.normal);
    Ok((train, test))
}

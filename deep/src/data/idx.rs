//! IDX files, as MNIST and Fashion-MNIST come: a magic number (0, 0, 8 for bytes, the number of
//! dimensions), each dimension as a big-endian u32, then the bytes. Gzip is recognised by its first
//! two bytes.
//!
//! The files are called `train-images-idx3-ubyte` or, as some unpackers leave them,
//! `train-images.idx3-ubyte`, with `.gz` after it or without, and are in the folder given or where
//! torchvision puts them in it: `MNIST/raw` or `FashionMNIST/raw`.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use mirrorflow::Result;

use super::{Dataset, gigabytes, has_room, read, wrong};
use crate::network::Shape;

pub(super) fn open(name: &str, folder: &Path) -> Result<(Dataset, Dataset)> {
    let set = |part: &str| {
        let (images, shape, _) = array(name, folder, &format!("{part}-images"), 3)?;
        let (labels, count, path) = array(name, folder, &format!("{part}-labels"), 1)?;
        if count[0] != shape[0] {
            let why = format!("{} labels for {} images in {part}-images", count[0], shape[0]);
            return Err(wrong(&path, why));
        }
        if let Some(at) = labels.iter().position(|l| *l > 9) {
            return Err(wrong(&path, format!("label {at} is {}, expected 0…9", labels[at])));
        }
        let shape = Shape { height: shape[1], width: shape[2], channels: 1 };
        let labels = labels.into_iter().map(u32::from).collect();
        Ok(Dataset::in_memory(name, shape, 10, images, labels))
    };
    let (train, mut test) = (set("train")?, set("t10k")?);
    if test.shape != train.shape {
        let why =
            format!("test images of {} beside training images of {}", test.shape, train.shape);
        return Err(wrong(&find(name, folder, "t10k-images", 3)?, why));
    }
    test.normal.clone_from(&train.normal);
    Ok((train, test))
}

/// The file of a part, under any of its names.
fn find(set: &str, folder: &Path, part: &str, dimensions: usize) -> Result<PathBuf> {
    let torchvision = if set == "mnist" { "MNIST" } else { "FashionMNIST" };
    let names = ["-", "."].map(|dot| format!("{part}{dot}idx{dimensions}-ubyte"));
    for inner in ["", "raw", torchvision, &format!("{torchvision}/raw")] {
        for name in &names {
            // An archive may unpack into a folder of the file's own name.
            for name in [name.clone(), format!("{name}.gz"), format!("{name}/{name}")] {
                let path = folder.join(inner).join(name);
                if path.is_file() {
                    return Ok(path);
                }
            }
        }
    }
    let why = format!(
        "there is no such file, nor {} (plain or .gz), nor either in {torchvision}/raw",
        names[1]
    );
    Err(wrong(&folder.join(&names[0]), why))
}

/// The bytes and dimensions of an IDX file, plain or `.gz`, and the file.
fn array(
    set: &str,
    folder: &Path,
    part: &str,
    dimensions: usize,
) -> Result<(Vec<u8>, Vec<usize>, PathBuf)> {
    let path = find(set, folder, part, dimensions)?;
    let mut bytes = read(&path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = unzip(&bytes, dimensions).map_err(|why| wrong(&path, why))?;
    }
    let (data, sizes) = parse(&bytes, dimensions).map_err(|why| wrong(&path, why))?;
    Ok((data, sizes, path))
}

/// What a gzip stream holds, up to one byte more than its heading says: a few kilobytes may unpack
/// to gigabytes.
fn unzip(zipped: &[u8], dimensions: usize) -> std::result::Result<Vec<u8>, String> {
    let mut stream = MultiGzDecoder::new(zipped);
    let mut plain = Vec::new();
    let mut take = |bytes: usize, plain: &mut Vec<u8>| {
        let read = stream.by_ref().take(bytes as u64).read_to_end(plain);
        read.map_err(|e| format!("the gzip stream is damaged: {e}"))
    };
    take(4 + 4 * dimensions, &mut plain)?;
    let wanted = heading(&plain, dimensions)?.1.unwrap_or(0);
    if !has_room(wanted) {
        return Err(format!("says that it holds {}: no memory does", gigabytes(wanted)));
    }
    take(wanted.saturating_add(1), &mut plain)?;
    Ok(plain)
}

/// The dimensions a file begins with, and their product; none where that is 0 or too large for a
/// number.
fn heading(
    bytes: &[u8],
    dimensions: usize,
) -> std::result::Result<(Vec<usize>, Option<usize>), String> {
    let head = 4 + 4 * dimensions;
    let expected = [0, 0, 8, dimensions as u8];
    if bytes.len() < head || bytes[..4] != expected {
        let found = &bytes[..bytes.len().min(4)];
        return Err(format!(
            "starts with {found:02x?}, expected {expected:02x?} and {dimensions} dimensions"
        ));
    }
    let sizes: Vec<usize> = bytes[4..head]
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
        .collect();
    let product = sizes.iter().try_fold(1_usize, |a, b| a.checked_mul(*b)).filter(|n| *n > 0);
    Ok((sizes, product))
}

pub(super) fn parse(
    bytes: &[u8],
    dimensions: usize,
) -> std::result::Result<(Vec<u8>, Vec<usize>), String> {
    let head = 4 + 4 * dimensions;
    let (sizes, wanted) = heading(bytes, dimensions)?;
    match wanted {
        Some(wanted) if wanted == bytes.len() - head => Ok((bytes[head..].to_vec(), sizes)),
        _ => Err(format!(
            "has {} bytes of data, expected {} for its dimensions {sizes:?}",
            bytes.len() - head,
            wanted.map_or("a positive number".into(), |w| w.to_string())
        )),
    }
}

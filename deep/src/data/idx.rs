//! IDX files, as MNIST and Fashion-MNIST come: a magic number (0, 0, 8 for bytes, the number of dimensions), each
//! dimension as a big-endian u32, then the bytes. Gzip is recognised by its first two bytes.

use std::{io::Read as _, path::Path};

use flate2::read::MultiGzDecoder;
use mirrorflow::Result;

use super::{Dataset, read, wrong};
use crate::network::Shape;

pub(super) fn open(name: &str, folder: &Path) -> Result<(Dataset, Dataset)> {
    let set = |part: &str| {
        let (images, shape) = array(folder, &format!("{part}-images-idx3-ubyte"), 3)?;
        let (labels, count) = array(folder, &format!("{part}-labels-idx1-ubyte"), 1)?;
        if count[0] != shape[0] {
            let why =
                format!("{} labels for {} images in {part}-images-idx3-ubyte", count[0], shape[0]);
            return Err(wrong(&folder.join(format!("{part}-labels-idx1-ubyte")), why));
        }
        if let Some(at) = labels.iter().position(|l| *l > 9) {
            let why = format!("label {at} is {}, expected 0…9", labels[at]);
            return Err(wrong(&folder.join(format!("{part}-labels-idx1-ubyte")), why));
        }
        let shape = Shape { height: shape[1], width: shape[2], channels: 1 };
        let labels = labels.into_iter().map(u32::from).collect();
        Ok(Dataset::in_memory(name, shape, 10, images, labels))
    };
    let (train, mut test) = (set("train")?, set("t10k")?);
    if test.shape != train.shape {
        let why =
            format!("test images of {} beside training images of {}", test.shape, train.shape);
        return Err(wrong(&folder.join("t10k-images-idx3-ubyte"), why));
    }
    test.normal.clone_from(&train.normal);
    Ok((train, test))
}

/// The bytes and dimensions of an IDX file, plain or `.gz`.
fn array(folder: &Path, name: &str, dimensions: usize) -> Result<(Vec<u8>, Vec<usize>)> {
    let plain = folder.join(name);
    let zipped = folder.join(format!("{name}.gz"));
    let path = if plain.exists() { plain } else { zipped };
    if !path.exists() {
        return Err(wrong(&path, format!("there is no such file, nor {name} beside it")));
    }
    let mut bytes = read(&path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let unzipped = MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain);
        unzipped.map_err(|e| wrong(&path, format!("the gzip stream is damaged: {e}")))?;
        bytes = plain;
    }
    parse(&bytes, dimensions).map_err(|why| wrong(&path, why))
}

pub(super) fn parse(
    bytes: &[u8],
    dimensions: usize,
) -> std::result::Result<(Vec<u8>, Vec<usize>), String> {
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
    let wanted = sizes.iter().try_fold(1_usize, |a, b| a.checked_mul(*b)).filter(|n| *n > 0);
    match wanted {
        Some(wanted) if wanted == bytes.len() - head => Ok((bytes[head..].to_vec(), sizes)),
        _ => Err(format!(
            "has {} bytes of data, expected {} for its dimensions {sizes:?}",
            bytes.len() - head,
            wanted.map_or("a positive number".into(), |w| w.to_string())
        )),
    }
}

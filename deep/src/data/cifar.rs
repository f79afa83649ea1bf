//! CIFAR-10 and CIFAR-100, binary version: records of one label byte (CIFAR-100: coarse, then fine)
//! and 3072 bytes, three 32×32 planes red, green, blue.

use std::path::Path;

use mirrorflow::Result;

use super::{Dataset, read, wrong};
use crate::network::Shape;

const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };

pub(super) fn open(name: &str, folder: &Path) -> Result<(Dataset, Dataset)> {
    // The archive unpacks into a folder of its own.
    let [binary, python, archive] = if name == "cifar10" {
        ["cifar-10-batches-bin", "cifar-10-batches-py", "cifar-10-binary.tar.gz"]
    } else {
        ["cifar-100-binary", "cifar-100-python", "cifar-100-binary.tar.gz"]
    };
    let given = folder;
    let inner = folder.join(binary);
    let folder = if inner.is_dir() { inner } else { folder.to_path_buf() };
    let batches: Vec<String> = (1..=5).map(|i| format!("data_batch_{i}.bin")).collect();
    let (train, test, head, classes) = if name == "cifar10" {
        (batches, vec!["test_batch.bin".to_owned()], 1, 10)
    } else {
        (vec!["train.bin".to_owned()], vec!["test.bin".to_owned()], 2, 100)
    };
    // Python's pickles are programs, which are not run to read numbers.
    let first = folder.join(&train[0]);
    let pickle = train[0].trim_end_matches(".bin");
    let pickled = [given.join(python), given.to_path_buf()].map(|f| f.join(pickle));
    if !first.exists() {
        let needed = format!("the binary version is needed, {archive} (www.cs.toronto.edu/~kriz)");
        if let Some(pickled) = pickled.iter().find(|p| p.is_file()) {
            return Err(wrong(pickled, format!("is of the Python version of {name}: {needed}")));
        }
        return Err(wrong(&first, format!("there is no such file: {needed}")));
    }
    let set = |files: &[String]| {
        let (mut bytes, mut labels) = (Vec::new(), Vec::new());
        for file in files {
            let path = folder.join(file);
            append(&read(&path)?, head, classes, &mut bytes, &mut labels)
                .map_err(|why| wrong(&path, why))?;
        }
        Ok::<_, mirrorflow::Error>(Dataset::in_memory(name, SHAPE, classes, bytes, labels))
    };
    let (train, mut test) = (set(&train)?, set(&test)?);
    test.normal.clone_from(&train.normal);
    Ok((train, test))
}

pub(super) fn append(
    file: &[u8],
    head: usize,
    classes: usize,
    bytes: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> std::result::Result<(), String> {
    let record = head + SHAPE.len();
    if file.is_empty() || !file.len().is_multiple_of(record) {
        return Err(format!("has {} bytes, expected a positive multiple of {record}", file.len()));
    }
    for (number, record) in file.chunks_exact(record).enumerate() {
        let (label, planes) = (record[head - 1], &record[head..]);
        if usize::from(label) >= classes {
            return Err(format!("image {number} has label {label}, expected 0…{}", classes - 1));
        }
        labels.push(u32::from(label));
        let pixels = SHAPE.pixels();
        bytes.extend((0..pixels).flat_map(|p| (0..3).map(move |c| planes[c * pixels + p])));
    }
    Ok(())
}

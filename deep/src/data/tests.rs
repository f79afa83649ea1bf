//! Data sets: determinism, and one clear line for every damage.

use std::{fs, io::Write as _, sync::Arc};

use super::{Augment, Batch, Dataset, Loader, Purpose, cifar, generated, idx, open, stream};
use crate::network::Shape;

fn batches(loader: &Loader) -> Vec<Batch> {
    std::iter::from_fn(|| match loader.next() {
        Ok(batch) => batch,
        Err(error) => panic!("{error}"),
    })
    .collect()
}

fn digits() -> Arc<Dataset> {
    match open("digits", None) {
        Ok((train, _)) => Arc::new(train),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_epoch_is_every_image_once_in_an_order_of_its_own() {
    let data = digits();
    let epoch = |seed, epoch| {
        batches(&Loader::train(&data, 100, Augment { crop: 1, flip: true }, seed, epoch))
    };
    let first = epoch(3, 1);
    assert_eq!(first, epoch(3, 1));
    assert_ne!(first, epoch(3, 2));
    assert_ne!(first, epoch(4, 1));
    assert_eq!(first.iter().map(|b| b.labels.len()).sum::<usize>(), data.len());
    assert_eq!(first.last().map(|b| b.labels.len()), Some(38));
    let mut labels: Vec<u32> = first.iter().flat_map(|b| b.labels.clone()).collect();
    let mut expected = data.labels.clone();
    labels.sort_unstable();
    expected.sort_unstable();
    assert_eq!(labels, expected);
}

#[test]
fn normalised_images_have_mean_0_and_variance_1() {
    let all = batches(&Loader::evaluate(&digits(), 5000)).remove(0).x;
    let mean = all.iter().map(|x| f64::from(*x)).sum::<f64>() / all.len() as f64;
    let variance = all.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / all.len() as f64;
    assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
}

#[test]
fn crops_shift_and_flips_mirror() {
    let data = generated(Shape { height: 5, width: 5, channels: 3 }, 2, 1, 0);
    let data = Arc::new(data);
    let plain = batches(&Loader::evaluate(&data, 1)).remove(0).x;
    let mut seen = [false; 2];
    for epoch in 0..20 {
        let flipped = batches(&Loader::train(&data, 1, Augment { crop: 0, flip: true }, 0, epoch))
            .remove(0)
            .x;
        let mirrored: Vec<f32> = (0..5)
            .flat_map(|y| (0..5).rev().map(move |x| (y * 5 + x) * 3))
            .flat_map(|at| plain[at..at + 3].to_vec())
            .collect();
        assert!(flipped == plain || flipped == mirrored);
        seen[usize::from(flipped == plain)] = true;
    }
    assert_eq!(seen, [true, true]);
}

#[test]
fn a_split_is_a_partition_that_depends_on_the_seed() {
    let data = digits();
    let split = |seed| data.split(200, seed).map(|(a, b)| (a.labels, b.labels));
    let (Ok((train, valid)), Ok(again), Ok(other)) = (split(1), split(1), split(2)) else {
        panic!("200 of 1438 can be kept aside")
    };
    assert_eq!((train.len(), valid.len()), (1238, 200));
    assert_eq!((train, valid.clone()), again);
    assert_ne!(valid, other.1);
    assert!(data.split(1438, 0).is_err());
}

#[test]
fn damaged_idx_files_say_what_is_wrong() {
    let head = |sizes: &[u32]| {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
        bytes
    };
    let whole = [head(&[2, 2, 1]), vec![1, 2, 3, 4]].concat();
    assert_eq!(idx::parse(&whole, 3), Ok((vec![1, 2, 3, 4], vec![2, 2, 1])));
    for cut in 0..whole.len() {
        assert!(idx::parse(&whole[..cut], 3).is_err());
    }
    let huge = head(&[u32::MAX, u32::MAX, u32::MAX]);
    assert!(idx::parse(&huge, 3).is_err_and(|e| e.contains("4294967295")));
    assert!(idx::parse(&whole, 1).is_err_and(|e| e.contains("01")));
}

#[test]
fn idx_files_are_read_with_and_without_gzip() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, sizes: &[u32], data: &[u8], zip: bool| -> std::io::Result<()> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
        bytes.extend(data);
        if zip {
            let file = fs::File::create(folder.path().join(format!("{name}.gz")))?;
            let mut zip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            zip.write_all(&bytes)?;
            zip.finish()?;
            Ok(())
        } else {
            fs::write(folder.path().join(name), bytes)
        }
    };
    write("train-images-idx3-ubyte", &[2, 1, 2], &[0, 255, 255, 0], true)?;
    write("train-labels-idx1-ubyte", &[2], &[3, 4], false)?;
    write("t10k-images-idx3-ubyte", &[1, 1, 2], &[7, 8], false)?;
    let missing = open("mnist", Some(folder.path()));
    assert!(missing.is_err_and(|e| e.to_string().contains("t10k-labels")));
    write("t10k-labels-idx1-ubyte", &[2], &[1, 2], true)?;
    let uneven = open("mnist", Some(folder.path()));
    assert!(uneven.is_err_and(|e| e.to_string().contains("2 labels for 1 images")));
    write("t10k-labels-idx1-ubyte", &[1], &[1], true)?;
    let (train, test) = open("mnist", Some(folder.path()))?;
    assert_eq!((train.labels, test.labels), (vec![3, 4], vec![1]));
    assert_eq!(train.normal, test.normal);
    fs::write(folder.path().join("train-images-idx3-ubyte.gz"), [0x1f, 0x8b, 8, 0])?;
    assert!(open("mnist", Some(folder.path())).is_err_and(|e| e.to_string().contains("gzip")));
    assert!(open("mnist", None).is_err_and(|e| e.to_string().contains("--data")));
    Ok(())
}

#[test]
fn cifar_records_turn_planes_into_pixels() {
    let mut record = vec![9];
    record.extend((0..3072).map(|i| (i / 1024) as u8));
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    assert_eq!(cifar::append(&record, 1, 10, &mut bytes, &mut labels), Ok(()));
    assert_eq!((&bytes[..6], &labels[..]), (&[0, 1, 2, 0, 1, 2][..], &[9][..]));
    record[0] = 10;
    let refused = cifar::append(&record, 1, 10, &mut bytes, &mut labels);
    assert!(refused.is_err_and(|e| e.contains("label 10")));
    let refused = cifar::append(&record[1..], 1, 10, &mut bytes, &mut labels);
    assert!(refused.is_err_and(|e| e.contains("3073")));
}

#[test]
fn a_folder_of_images_is_read_and_a_corrupt_one_named() -> Result<(), Box<dyn std::error::Error>> {
    let root = tempfile::tempdir()?;
    let dark = &include_bytes!("../../tests/data/pictures/dark.jpg")[..];
    let light = &include_bytes!("../../tests/data/pictures/light.jpg")[..];
    for part in ["train", "val"] {
        for (class, colour, jpeg) in [("a", 10, dark), ("b", 200, light)] {
            let folder = root.path().join(part).join(class);
            fs::create_dir_all(&folder)?;
            let mut png = png::Encoder::new(fs::File::create(folder.join("1.png"))?, 300, 260);
            png.set_color(png::ColorType::Rgb);
            png.write_header()?.write_image_data(&[colour, 0, 255].repeat(300 * 260))?;
            fs::write(folder.join("2.jpg"), jpeg)?;
        }
    }
    let (train, val) = open("folder", Some(root.path()))?;
    assert_eq!((train.len(), val.classes), (4, 2));
    let train = Arc::new(train);
    let batch = batches(&Loader::train(&train, 4, Augment::default(), 0, 0)).remove(0);
    for (image, label) in batch.x.chunks(224 * 224 * 3).zip(&batch.labels) {
        let expected = (if *label == 0 { 10.0 } else { 200.0 } / 255.0 - 0.485) / 0.229;
        // JPEG is off by a few grey levels.
        assert!(image.iter().step_by(3).all(|v| (v - expected).abs() < 0.1));
    }
    fs::write(root.path().join("train/a/2.jpg"), [0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])?;
    let loader = Loader::evaluate(&train, 4);
    assert!(loader.next().is_err_and(|e| e.to_string().contains("2.jpg")));
    fs::remove_dir_all(root.path().join("val/b"))?;
    assert!(open("folder", Some(root.path())).is_err());
    Ok(())
}

#[test]
fn streams_of_one_seed_differ() {
    use rand::Rng;
    let draw = |purpose, number| stream(1, purpose, number).random::<u64>();
    assert_ne!(draw(Purpose::Weights, 0), draw(Purpose::Split, 0));
    assert_ne!(draw(Purpose::Epoch, 0), draw(Purpose::Epoch, 1));
}

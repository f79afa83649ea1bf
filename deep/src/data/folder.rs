//! A folder of JPEG and PNG files in ImageNet's layout: `train/CLASS/*` and `val/CLASS/*`, classes
//! in the order of their names. Training images are cut at random (area 8…100 %, aspect 3:4…4:3,
//! torchvision's `RandomResizedCrop`), the others resized to 8/7 of the size on their shorter side
//! and cut in the middle. Names with a leading dot are no classes and no images: folders of
//! notebooks, files of a Mac.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use mirrorflow::Result;
use rand::Rng;

use super::{
    Dataset, Pixels,
    image::{self, Area, resize},
    read, wrong,
};
use crate::network::Shape;

/// Mean and deviation of ImageNet's channels, as everybody uses them.
const NORMAL: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

pub(super) fn open(folder: &Path, size: usize) -> Result<(Dataset, Dataset)> {
    let classes = folders(&folder.join("train"))?;
    if classes.len() < 2 {
        return Err(wrong(
            &folder.join("train"),
            "has no two folders, expected one for each class",
        ));
    }
    let named = |class: &PathBuf| classes.iter().any(|c| c.file_name() == class.file_name());
    if let Some(other) = folders(&folder.join("val"))?.into_iter().find(|c| !named(c)) {
        let why = "is no class: there is no folder of this name in train";
        return Err(wrong(&other, why));
    }
    let set = |part: &str| {
        let (mut files, mut labels) = (Vec::new(), Vec::new());
        for (label, class) in classes.iter().enumerate() {
            let class = folder.join(part).join(class.file_name().unwrap_or_default());
            let images = entries(&class)?.into_iter().filter(|p| is_image(p));
            let before = files.len();
            files.extend(images);
            if files.len() == before {
                return Err(wrong(&class, "holds no .jpg, .jpeg or .png file"));
            }
            labels.resize(files.len(), label as u32);
        }
        let shape = Shape { height: size, width: size, channels: 3 };
        Ok(Dataset {
            name: "folder".into(),
            shape,
            classes: classes.len(),
            labels,
            normal: NORMAL.to_vec(),
            pixels: Pixels::Files(files),
        })
    };
    Ok((set("train")?, set("val")?))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).and_then(|r| r.map(|e| e.map(|e| e.path())).collect());
    let mut paths: Vec<PathBuf> = listed.map_err(|e| wrong(folder, e.to_string()))?;
    let hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    paths.retain(|path| !path.file_name().is_some_and(hidden));
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|p| p.is_dir()).collect())
}

/// The widest image that is resized whole; of a wider one only the middle is seen.
const ASPECT: u32 = 4;

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    ["jpg", "jpeg", "png"].contains(&ending.as_str())
}

/// The bytes of an image file, size×size×3, cut at random with `rng`, else in the middle.
pub(super) fn decode(path: &Path, size: usize, rng: Option<&mut impl Rng>) -> Result<Vec<u8>> {
    let picture = image::read(&read(path)?).map_err(|why| wrong(path, why))?;
    let (side, [width, height]) = (size as u32, [picture.width, picture.height]);
    let (cut, whole) = match rng {
        Some(rng) => (window(width, height, rng), [side; 2]),
        None => {
            let target = side * 8 / 7;
            let short = width.min(height).max(1);
            // A strip a pixel high would grow to gigabytes.
            let seen = [width, height].map(|n| n.min(short.saturating_mul(ASPECT)));
            let scale =
                |n: u32| (u64::from(n) * u64::from(target) / u64::from(short)).max(1) as u32;
            (Area::middle(width, height, seen), seen.map(scale))
        }
    };
    Ok(resize(&picture, cut, whole, Area::middle(whole[0], whole[1], [side; 2])))
}

/// A random window of `RandomResizedCrop`; the largest square in the middle where ten tries do not
/// fit.
fn window(width: u32, height: u32, rng: &mut impl Rng) -> Area {
    let area = f64::from(width) * f64::from(height);
    for _ in 0..10 {
        let target = area * rng.random_range(0.08..1.0);
        let aspect = rng.random_range((3.0_f64 / 4.0).ln()..(4.0_f64 / 3.0).ln()).exp();
        let (w, h) =
            ((target * aspect).sqrt().round() as u32, (target / aspect).sqrt().round() as u32);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let (x, y) = (rng.random_range(0..=width - w), rng.random_range(0..=height - h));
            return Area { x, y, width: w, height: h };
        }
    }
    let side = width.min(height);
    Area::middle(width, height, [side; 2])
}

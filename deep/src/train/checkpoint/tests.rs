//! Weights under torchvision's names: ResNet-18 as its `state_dict()` lists it
//! (`tests/data/torchvision_resnet18.csv`), there and back.

use std::fs;

use mirrorflow::Result;
use safetensors::{Dtype, SafeTensors};

use super::{File, Trainer, load, save_weights};
use crate::{
    config::Config,
    engine::{Mode, Model},
    setup::Setup,
};

const NAMES: &str = include_str!("../../../tests/data/torchvision_resnet18.csv");

fn setup() -> Result<Setup> {
    let text = "[data]\nset = \"generated\"\nshape = [32, 32, 3]\nclasses = 1000\nimages = 4\n\
        [network]\nname = \"resnet18-imagenet\"\n[train]\nepochs = 1\nbatch = 2\n\
        [optimizer]\nrate = 0.1\n[method]\nname = \"dense\"";
    match Config::parse(text) {
        Ok(config) => Setup::new(config, None),
        Err(why) => panic!("{why}"),
    }
}

#[test]
fn resnet18_goes_to_torchvision_s_names_and_back() -> Result<()> {
    let setup = setup()?;
    let mut trainer = Trainer::new(&setup)?;
    // Running statistics of its own, and two passes counted.
    let images = vec![0.25; 2 * 32 * 32 * 3];
    for _ in 0..2 {
        trainer.model.forward(&images, &trainer.x, Mode::Train)?;
    }
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let path = folder.path().join("model.safetensors");
    save_weights(&path, &trainer)?;

    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{e}"));
    let tensors = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{e}"));
    let mut expected: Vec<(String, Vec<usize>, Dtype)> = NAMES
        .lines()
        .map(|line| {
            let mut parts = line.split(',');
            let mut part = || parts.next().unwrap_or_else(|| panic!("{line}"));
            let (name, shape, kind) = (part(), part(), part());
            let shape = shape.split('x').filter(|s| !s.is_empty());
            let shape =
                shape.map(|s| s.parse().unwrap_or_else(|e| panic!("{line}: {e}"))).collect();
            let kind = if kind == "int64" { Dtype::I64 } else { Dtype::F32 };
            (name.to_owned(), shape, kind)
        })
        .collect();
    assert_eq!(expected.len(), 122);
    let found = tensors.iter().map(|(name, t)| (name.to_owned(), t.shape().to_vec(), t.dtype()));
    let mut found: Vec<_> = found.collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected);
    let tracked = tensors.tensor("layer4.1.bn2.num_batches_tracked");
    assert_eq!(tracked.map(|t| t.data().to_vec()).unwrap_or_default(), 2_i64.to_le_bytes());

    // Back, into other weights, statistics and counts.
    let mut model = Model::new(&setup.network, 2)?;
    let mut x = vec![0.5; trainer.x.len()];
    load(&path, &File::read(&path, "")?, &setup.network, &mut model, &mut x)?;
    assert!(x == trainer.x.to_vec()?);
    for ((name, found), (_, expected)) in model.statistics().zip(trainer.model.statistics()) {
        assert!(found.to_vec()? == expected.to_vec()?, "{name}");
    }
    assert_eq!(model.passes(), 2);
    Ok(())
}

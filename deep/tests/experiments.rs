//! The configurations that ship are complete and true to their networks, on generated data of the right shape.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mirrorflow::Result;
use mirrorflow_deep::train::{Config, Outcome, Setup, train};

fn configurations(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    paths
}

/// The configuration with noise in place of its data, `count` images.
fn generated(path: &Path, count: usize) -> Result<Config> {
    let mut config = Config::read(path)?;
    let (shape, classes) = match config.data.set.as_str() {
        "mnist" => ([28, 28, 1], 10),
        "cifar10" => ([32, 32, 3], 10),
        "cifar100" => ([32, 32, 3], 100),
        "folder" => ([224, 224, 3], 1000),
        _ => return Ok(config),
    };
    config.data.set = "generated".into();
    (config.data.shape, config.data.classes) = (Some(shape), Some(classes));
    (config.data.images, config.data.validation) = (Some(count), 0);
    Ok(config)
}

#[test]
fn every_configuration_is_complete() -> Result<()> {
    let mut seen = 0;
    for folder in ["digits", "mnist", "paper"] {
        for path in configurations(folder) {
            let setup = Setup::new(generated(&path, 600)?, None)?;
            let parameters = setup.network.parameter_count();
            let expected = match (setup.network.name(), setup.network.classes()) {
                ("mlp", 10) if folder == "digits" => 50_610,
                ("mlp", 10) => 266_610,
                ("resnet20", 10) => 272_474,
                ("resnet18", 100) => 11_220_132,
                ("resnet50", 1000) => 25_557_032,
                other => panic!("{}: {other:?}", path.display()),
            };
            assert_eq!(parameters, expected, "{}", path.display());
            // m⊙w trains two numbers a weight, with a state each, and keeps x: three more numbers a weight.
            let memory = setup.memory()?;
            let weights = setup.network.weight_count();
            let twice = ["pilot", "spred", "l1-mask", "sign-in"]
                .contains(&setup.config.method.name.as_str());
            if twice {
                assert_eq!(memory.parameters, 4 * (parameters + 2 * weights));
                assert_eq!(memory.optimizer, 4 * (parameters + weights));
            }
            seen += 1;
        }
    }
    assert!(seen > 30);
    Ok(())
}

#[test]
fn the_paper_s_networks_take_a_step() -> Result<()> {
    for name in ["cifar10-resnet20-pilot.toml", "cifar100-resnet18-str.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/paper").join(name);
        let mut config = generated(&path, 4)?;
        (config.train.epochs, config.train.batch, config.optimizer.warmup) = (1, 2, 0.0);
        (config.train.steps, config.prune.levels) = (Some(1), 0);
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let outcome = train(&Setup::new(config, None)?, folder.path(), false, &mut |_| {})?;
        assert!(matches!(outcome, Outcome::Done { .. }), "{name}: {outcome}");
    }
    Ok(())
}

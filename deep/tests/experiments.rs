//! The configurations that ship are complete and true to their networks, on generated data of the
//! right shape.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use mirrorflow::Result;
use mirrorflow_deep::{
    config::{Config, DataConfig},
    data,
    network::Shape,
    setup::Setup,
    study::StudyConfig,
    train::{Outcome, train},
};

fn configurations(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    paths
}

/// Noise in place of data, `count` images of the right shape.
fn generated(data: &mut DataConfig, count: usize) {
    let (shape, classes) = match data.set.as_str() {
        "mnist" => ([28, 28, 1], 10),
        "cifar10" => ([32, 32, 3], 10),
        "cifar100" => ([32, 32, 3], 100),
        "folder" => ([224, 224, 3], 1000),
        _ => return,
    };
    data.set = "generated".into();
    (data.shape, data.classes) = (Some(shape), Some(classes));
    (data.images, data.validation) = (Some(count), 0);
}

/// The setup of a configuration on a few images of noise.
fn setup(mut config: Config, count: usize) -> Result<Setup> {
    generated(&mut config.data, count);
    let Some([height, width, channels]) = config.data.shape else {
        return Setup::new(config, None);
    };
    let classes = config.data.classes.unwrap_or(10);
    let images = data::generated(Shape { height, width, channels }, classes, count, 0);
    Setup::on(config, &images, &Arc::new(images.first(2)))
}

fn check(path: &Path, setup: &Setup) -> Result<()> {
    let parameters = setup.network.parameter_count();
    let expected = match (setup.network.name(), setup.network.classes(), setup.train.shape.width) {
        ("mlp", 10, 8) => 50_610,
        ("mlp", 10, 28) => 266_610,
        ("resnet20", 10, 32) => 272_474,
        ("resnet18", 100, 32) => 11_220_132,
        ("resnet50", 1000, 224) => 25_557_032,
        other => panic!("{}: {other:?}", path.display()),
    };
    assert_eq!(parameters, expected, "{}", path.display());
    // m⊙w trains two numbers a weight, with a state each, and keeps x: three more numbers a weight;
    // one more where x is made of θ = m⊙w.
    let (memory, weights) = (setup.memory()?, setup.network.weight_count());
    let name = setup.config.method.name();
    if ["pilot", "spred", "l1-mask", "sign-in"].contains(&name) {
        assert_eq!(memory.parameters, 4 * (parameters + 2 * weights));
        assert_eq!(memory.optimizer, 4 * (parameters + weights));
    } else if name == "powerprop" {
        let numbers = if setup.config.factors.is_some() { 3 } else { 1 };
        assert_eq!(memory.parameters, 4 * (parameters + numbers * weights));
    }
    Ok(())
}

/// Few where they are large.
fn images(data: &DataConfig) -> usize {
    if data.set == "folder" { 4 } else { 300 }
}

#[test]
fn every_configuration_is_complete() -> Result<()> {
    let (mut runs, mut studies) = (0, 0);
    for folder in ["digits", "mnist", "paper"] {
        for path in configurations(folder) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if StudyConfig::is_one(&text) {
                let study = StudyConfig::parse(&text, &path)?;
                let count = images(&study.data);
                for entry in &study.method {
                    for choice in entry.candidates() {
                        check(&path, &setup(study.config(entry, &choice, 0)?, count)?)?;
                    }
                }
                studies += 1;
            } else {
                let config = Config::read(&path)?;
                let count = images(&config.data);
                check(&path, &setup(config, count)?)?;
                runs += 1;
            }
        }
    }
    assert!(runs > 75 && studies > 6, "{runs} {studies}");
    Ok(())
}

/// A file says what is its own: it stands on a base and repeats nothing of it.
#[test]
fn no_file_repeats_its_base() {
    let read = |path: &Path| -> toml::Table {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    for folder in ["digits", "mnist", "paper"] {
        for path in configurations(folder) {
            let own = read(&path);
            let name = own["base"].as_str().unwrap_or_default();
            let base = read(&path.with_file_name(name));
            for (section, keys) in &base {
                let keys = keys.as_table().unwrap_or_else(|| panic!("{name}: {section}"));
                let Some(above) = own.get(section).and_then(toml::Value::as_table) else {
                    continue;
                };
                for (key, value) in keys {
                    assert_ne!(above.get(key), Some(value), "{}: {key}", path.display());
                }
            }
        }
    }
}

/// Every method of the paper has its file for each of the paper's networks.
#[test]
fn no_method_of_the_paper_is_missing() {
    let methods = [
        "dense",
        "l1",
        "l1-mask",
        "spred",
        "pilot",
        "pilot-constant",
        "spred-decaying",
        "str",
        "powerprop",
        "continuous",
        "imp",
        "lrr",
        "imp-pilot",
        "lrr-pilot",
        "ham",
        "sign-in",
        "str-ham",
        "str-pilot",
        "powerprop-pilot",
        "study",
    ];
    let names: BTreeSet<String> = configurations("paper")
        .iter()
        .filter_map(|p| Some(p.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let networks = ["cifar10-resnet20", "cifar100-resnet18", "imagenet-resnet50"];
    for network in networks {
        for method in methods {
            let name = format!("{network}-{method}");
            assert!(names.contains(&name), "{name}");
        }
    }
}

#[test]
fn the_paper_s_networks_take_a_step() -> Result<()> {
    for name in [
        "cifar10-resnet20-pilot.toml",
        "cifar10-resnet20-str-pilot.toml",
        "cifar100-resnet18-str.toml",
        "imagenet-resnet50-dense.toml",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/paper").join(name);
        let mut config = Config::read(&path)?;
        (config.train.epochs, config.train.batch, config.optimizer.warmup) = (1, 2, 0.0);
        (config.train.steps, config.prune.levels) = (Some(1), 0);
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let outcome = train(&setup(config, 4)?, folder.path(), false, &mut |_| {})?;
        assert!(matches!(outcome, Outcome::Done { .. }), "{name}: {outcome}");
    }
    Ok(())
}

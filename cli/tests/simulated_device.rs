//! The real binary on a device: the simulated one of `kernels-on-host`, which stands in for the
//! driver and the libraries of a GPU.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use mirrorflow::io::npz::read_arrays;
use mirrorflow_kernels_on_host::simulated::FOLDER;

fn mirrorflow(folder: &Path, arguments: &[&str]) -> Output {
    on(1, folder, arguments)
}

fn on(devices: usize, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .env("SIMULATED_DEVICES", devices.to_string())
        .env("LD_LIBRARY_PATH", FOLDER)
        .env_remove("MIRRORFLOW_NVRTC")
        .env_remove("MIRRORFLOW_CUDNN")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = mirrorflow(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether there is a device to speak of: the simulation is for Linux, and a driver of this
/// machine's own comes first there.
fn simulated() -> bool {
    Path::new(FOLDER).exists()
}

/// All numbers of a table, line by line, and its words between them.
fn table(path: &Path) -> (Vec<f64>, Vec<String>) {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let cells = text.lines().filter(|l| !l.starts_with('#')).flat_map(|l| l.split(','));
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    for cell in cells {
        match cell.trim().parse() {
            Ok(number) => numbers.push(number),
            Err(_) => words.push(cell.to_string()),
        }
    }
    (numbers, words)
}

/// That two tables have the same words, and numbers that differ by no more than this share of 1 or
/// the larger.
fn agree(found: &Path, expected: &Path, tolerance: f64) {
    let ((p, words), (q, others)) = (table(found), table(expected));
    assert!(!p.is_empty() && p.len() == q.len() && words == others, "{}", found.display());
    for (p, q) in p.iter().zip(&q) {
        let same = p.is_nan() && q.is_nan();
        let near = (p - q).abs() <= tolerance * p.abs().max(q.abs()).max(1.0);
        assert!(same || near, "{}: {p} for {q}", found.display());
    }
}

#[test]
fn it_is_found_and_taken() {
    if !simulated() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let text = done(folder.path(), &["devices", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
    let cuda = &found["cuda"];
    assert_eq!((&cuda["usable"], &cuda["missing"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!((&cuda["cublas"], &cuda["cudnn"]), (&true.into(), &"9.2.1".into()));
    assert_eq!(cuda["gpus"][0]["compute_capability"], "9.0");
    let text = done(folder.path(), &["devices"]);
    assert!(text.contains("--device auto takes cuda:0"), "{text}");
    let output = on(2, folder.path(), &["devices"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("cuda:0 to cuda:1, the batch split; networks cuda:0"), "{text}");
    fs::write(folder.path().join("p.csv"), "1,2,3\n").expect("written");
    let wanted = "descend p.csv --step 0.1 --steps 5 --out o.npz --device cuda:1";
    let output = mirrorflow(folder.path(), &wanted.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("cuda:1: there is one GPU, cuda:0"), "{said}");
}

#[test]
fn descents_and_figures_are_those_of_the_processor() {
    if !simulated() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.csv"), "1,2,3\n0.5,-1,2\n").expect("written");
    let mut ends: Vec<Vec<f64>> = Vec::new();
    for device in ["cpu", "cuda:0"] {
        let wanted = "descend p.csv --step 0.05 --steps 200 --schedule geometric:0.5,1 --out o.npz";
        let mut arguments: Vec<&str> = wanted.split(' ').collect();
        arguments.extend(["--device", device]);
        done(folder.path(), &arguments);
        let arrays = read_arrays(folder.path().join("o.npz")).expect("a readable file");
        ends.push(arrays["x"].as_f64().expect("numbers").to_vec());
    }
    assert!(!ends[0].is_empty() && ends[0].len() == ends[1].len());
    assert!(ends[0].iter().zip(&ends[1]).all(|(a, b)| (a - b).abs() <= 1e-12), "{ends:?}");

    for device in ["cpu", "cuda:0"] {
        done(folder.path(), &["figures", "fig4", "--quick", "--device", device, "--out", device]);
    }
    let csv = |device: &str| folder.path().join(device).join("fig4.csv");
    agree(&csv("cuda:0"), &csv("cpu"), 1e-9);
    // Two devices share the runs; each run is its own, and the same.
    let output =
        on(2, folder.path(), &["figures", "fig4", "--quick", "--device", "auto", "--out", "two"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    agree(&csv("two"), &csv("cuda:0"), 0.0);
}

/// Four steps in single precision, whose sums of up to 576 terms are added in other orders: some
/// 10⁻⁷ each, of which 10⁻⁵ leaves a hundred.
#[test]
fn a_training_run_is_that_of_the_processor() {
    if !simulated() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = "seed = 1\n[data]\nset = \"digits\"\nimages = 256\n[network]\nname = \"resnet8\"\n[train]\nepochs = 2\nbatch = 128\n\
        [optimizer]\nrate = 0.01\nmomentum = 0.9\nschedule = \"cosine\"\n[method]\nname = \"pilot\"\nstrength = 1e-4\n\
        [prune]\nlevels = 2\n";
    fs::write(folder.path().join("c.toml"), config).expect("written");
    for device in ["cpu", "cuda:0"] {
        done(folder.path(), &["train", "c.toml", "--device", device, "--out", device]);
    }
    for name in ["metrics.csv", "layers.csv", "sparsity.csv"] {
        let of = |device: &str| folder.path().join(device).join(name);
        agree(&of("cuda:0"), &of("cpu"), 1e-5);
    }
}

#[test]
fn a_study_is_that_of_the_processor() {
    if !simulated() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[study]\nseeds = [3, 5]\nselect = [0.5]\nreference = \"PILoT\"\n[data]\nset = \"digits\"\nimages = 64\n\
        validation = 16\n[network]\nname = \"mlp-small\"\n[optimizer]\nrate = 0.05\nmomentum = 0.9\n[train]\nepochs = 2\n\
        batch = 16\n[prune]\nlevels = 4\n[[method]]\nlabel = \"PILoT\"\nname = \"pilot\"\ngrid = { strength = [1e-4, 1e-3] }\n\
        [[method]]\nname = \"str\"\ngrid = { strength = [1e-3, 1e-2] }\n";
    fs::write(folder.path().join("s.toml"), config).expect("written");
    for device in ["cpu", "cuda:0"] {
        done(folder.path(), &["train", "s.toml", "--device", device, "--out", device]);
    }
    for name in ["runs.csv", "study.csv", "chosen.csv", "differences.csv"] {
        let of = |device: &str| folder.path().join(device).join(name);
        agree(&of("cuda:0"), &of("cpu"), 1e-5);
    }
}

//! What `mirrorflow train` says at the end: accuracies at the sparsities that everybody compares,
//! the device, and whether what was asked was done.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const CONFIG: &str = "seed = 1\n[data]\nset = \"digits\"\n[network]\nname = \"mlp-small\"\n[train]\nepochs = 5\nbatch = 64\n\
    [optimizer]\nrate = 0.1\nmomentum = 0.9\n[method]\nname = \"dense\"\n";

fn run(folder: &Path, config: &str, args: &[&str]) -> Output {
    fs::write(folder.join("c.toml"), config).unwrap_or_else(|e| panic!("{e}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorflow"));
    let output = command.args(["train", "c.toml"]).args(args).current_dir(folder).output();
    output.unwrap_or_else(|e| panic!("{e}"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Measured, not made up: with levels that keep a half, a fifth or a tenth the table has the same
/// numbers.
#[test]
fn a_run_ends_with_the_accuracy_at_high_sparsities() {
    let folder = folder();
    let output = run(folder.path(), CONFIG, &["--out", "o"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let first = said.lines().next().unwrap_or_default();
    for part in ["test accuracy", "at 90 % sparsity", "at 95 %", "at 98.01 %"] {
        assert!(first.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("0.00 % of the weights"), "{said}");
    let output = run(
        folder.path(),
        &format!("{CONFIG}[prune]\nkeep = 0.1\nlevels = 1\n"),
        &["--out", "p", "--json"],
    );
    let value = json(&String::from_utf8_lossy(&output.stdout));
    let rows = value["pruned"].as_array().cloned().unwrap_or_default();
    let kept: Vec<u64> = rows.iter().filter_map(|r| r["kept"].as_u64()).collect();
    // Of 64·32 + 32·16 + 16·10 = 2720 weights.
    assert_eq!(kept, [272, 136, 54]);
    let table = read(folder.path(), "p/sparsity.csv");
    let row: Vec<&str> = table.lines().last().unwrap_or_default().split(',').collect();
    assert_eq!(row[0], "272");
    assert_eq!(row[3].parse::<f64>().ok(), rows[0]["test_accuracy"].as_f64());
    assert_eq!(json(&read(folder.path(), "p/summary.json"))["pruned"], value["pruned"]);
    // Of a run in cycles the first that is as sparse, and beyond the last of them what it leaves,
    // pruned.
    let cycles = "[prune]\nkeep = 0.25\ncycles = 3\nrewind = \"rate\"\n";
    let output = run(folder.path(), &format!("{CONFIG}{cycles}"), &["--out", "q"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["with 93.75 % of the weights 0; at 93.75 % sparsity", "at 95 %", "at 98.01 %"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Every JSON says where it was made, and a wish for a device that is not there is answered by one
/// line.
#[test]
fn the_device_is_recorded_and_a_fallback_is_said() {
    let folder = folder();
    let output = run(folder.path(), CONFIG, &["--device", "cpu", "--out", "o", "--json"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(json(&String::from_utf8_lossy(&output.stdout))["device"], "cpu");
    for name in ["config.json", "summary.json"] {
        assert_eq!(json(&read(folder.path(), &format!("o/{name}")))["device"], "cpu", "{name}");
    }
    let lines = read(folder.path(), "o/metrics.jsonl");
    assert!(lines.lines().count() == 5 && lines.lines().all(|l| json(l)["device"] == "cpu"));
    let figure = read(folder.path(), "o/figures/layers.csv");
    let meta = figure.lines().next().and_then(|l| l.strip_prefix("# ")).unwrap_or_default();
    assert_eq!(json(meta)["config"]["device"], "cpu");
    let checkpoint = fs::read(folder.path().join("o/checkpoint.safetensors")).unwrap_or_default();
    let head = String::from_utf8_lossy(&checkpoint[..400]).into_owned();
    assert!(head.contains(r#"\"device\":\"cpu\""#), "{head}");
    let output = run(folder.path(), CONFIG, &["--device", "auto", "--out", "a"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let device = json(&read(folder.path(), "a/summary.json"))["device"].clone();
    if device == "cpu" {
        assert!(said.lines().count() == 1 && said.contains("no CUDA device"), "{said}");
    } else {
        assert!(said.is_empty(), "{said}");
    }
}

const STUDY: &str = "[study]\nseeds = [3]\nselect = [0.5]\n[data]\nset = \"digits\"\nvalidation = 238\n[network]\n\
    name = \"mlp-small\"\n[train]\nepochs = 1\nbatch = 64\n[optimizer]\nrate = 0.1\n[prune]\nlevels = 8\n\
    [[method]]\nname = \"pilot\"\n";

/// A study whose numbers stand on runs that missed what they were asked for is not done; one that
/// only tried out what missed is.
#[test]
fn a_study_on_a_run_that_missed_its_target_ends_with_1() {
    let folder = folder();
    let missed = STUDY.replace("\"pilot\"", "\"pilot\"\ntarget = 0.99\nruns = 1");
    let output = run(folder.path(), &missed, &["--device", "cpu", "--out", "m", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let value = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!((&value["status"], &value["device"]), (&"missed".into(), &"cpu".into()));
    let trouble = value["troubles"][0].as_str().unwrap_or_default();
    assert!(trouble.contains("seed 3") && trouble.contains("missed"), "{value}");
    assert_eq!(json(&read(folder.path(), "m/study.json"))["device"], "cpu");
    let again = run(folder.path(), &missed, &["--out", "m", "--resume"]);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.status.code() == Some(1) && said.contains("not as planned: pilot"), "{said}");
    let done = STUDY.replace("\"pilot\"", "\"pilot\"\nstrength = 1e-4");
    let output = run(folder.path(), &done, &["--out", "d"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // One of two strengths diverges, and is not chosen.
    let grid = "\"pilot\"\ngrid = { strength = [1e5, 1e-4] }";
    let output = run(folder.path(), &STUDY.replace("\"pilot\"", grid), &["--out", "g"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // A label that cannot be drawn is told before the runs.
    let label = STUDY.replace("\"pilot\"", "\"pilot\"\nlabel = \"網 a\"\nstrength = 1e-4");
    let output = run(folder.path(), &label, &["--out", "never"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("U+7DB2"), "{said}");
    assert!(!folder.path().join("never").exists());
}

//! `mirrorflow train` as its user runs it: a killed run resumed, and one clear line for what is wrong.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const CONFIG: &str = "seed = 1\n[data]\nset = \"digits\"\n[network]\nname = \"mlp\"\n[train]\nepochs = 30\nbatch = 64\n\
    [optimizer]\nrate = 0.1\nmomentum = 0.9\nschedule = \"cosine\"\n[method]\nname = \"pilot\"\nstrength = 1e-4\n\
    [prune]\nlevels = 2\n";

fn command(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorflow"));
    command
        .arg("train")
        .args(args)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str], folder: &Path) -> Output {
    command(args, folder).output().unwrap_or_else(|e| panic!("{e}"))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    fs::write(folder.path().join("c.toml"), CONFIG).unwrap_or_else(|e| panic!("{e}"));
    folder
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let whole = run(&["c.toml", "--out", "whole"], folder.path());
    assert_eq!(whole.status.code(), Some(0), "{}", String::from_utf8_lossy(&whole.stderr));
    let mut cut = command(&["c.toml", "--out", "cut"], folder.path())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}"));
    let started = Instant::now();
    while !at("cut/checkpoint.safetensors").exists() && started.elapsed() < Duration::from_secs(60)
    {
        thread::sleep(Duration::from_millis(1));
    }
    // SIGKILL, in the middle of whatever it does; a run that was faster is resumed at its end.
    cut.kill().and_then(|()| cut.wait()).unwrap_or_else(|e| panic!("{e}"));
    let resumed = run(&["c.toml", "--out", "cut", "--resume"], folder.path());
    assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
    for name in
        ["metrics.csv", "layers.csv", "sparsity.csv", "model.safetensors", "checkpoint.safetensors"]
    {
        let read = |of: &str| fs::read(at(of).join(name)).unwrap_or_default();
        assert!(!read("whole").is_empty() && read("whole") == read("cut"), "{name}");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap_or_else(|e| panic!("{e}"));
    };
    write("method.toml", &CONFIG.replace("pilot", "pliot"));
    write("key.toml", &CONFIG.replace("epochs", "epoch"));
    write("mnist.toml", &CONFIG.replace("digits", "mnist"));
    for (args, says) in [
        (&["none.toml"][..], "none.toml"),
        (&["method.toml"], "powerprop"),
        (&["key.toml"], "epoch"),
        (&["mnist.toml"], "--data"),
        (&["mnist.toml", "--data", "nowhere"], "train-images-idx3-ubyte"),
        (&["c.toml", "--out", "empty", "--resume"], "checkpoint.safetensors"),
        (&["c.toml", "--dry-run", "--resume"], "--resume"),
    ] {
        let output = run(args, folder.path());
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert!(line.contains(says) && line.trim().lines().count() == 1, "{args:?}: {line}");
    }
}

#[test]
fn a_dry_run_says_what_it_would_take_and_writes_nothing() {
    let folder = folder();
    let output = run(&["c.toml", "--dry-run"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for part in ["fc1.weight", "[300, 64]", "50610", "time of a step"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(1));
}

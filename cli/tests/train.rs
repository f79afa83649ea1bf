//! `mirrorflow train` as its user runs it: a killed run resumed, and one clear line for what is
//! wrong.

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
fn a_device_that_is_not_there_is_said_in_one_line() {
    let folder = folder();
    for (device, part) in [("cuda:4000", "cuda:4000: "), ("gpu", "auto, cpu or cuda:N")] {
        let output = run(&["c.toml", "--device", device, "--out", "none"], folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && said.trim_end().lines().count() == 1, "{said}");
        assert!(!folder.path().join("none").exists(), "nothing is written");
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

/// An IDX file of bytes: sizes, then what is there of them.
fn idx(sizes: &[u32], bytes: usize) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|s| file.extend(s.to_be_bytes()));
    file.extend((0..bytes).map(|i| (i % 10) as u8));
    file
}

/// Data that are missing, cut off, damaged or of another shape: one line that names the file, exit
/// code 2, nothing panics.
#[test]
fn wrong_data_are_said_in_one_line() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path)).unwrap_or_else(|e| panic!("{e}"));
        fs::write(path, bytes).unwrap_or_else(|e| panic!("{e}"));
    };
    let config = |name: &str, from: &str, to: &str| {
        write(name, CONFIG.replace("epochs = 30", "epochs = 1").replace(from, to).as_bytes());
    };
    for (set, images, labels) in [
        ("cut", idx(&[20, 28, 28], 20 * 784 - 1), idx(&[20], 20)),
        ("fewer", idx(&[20, 28, 28], 20 * 784), idx(&[19], 19)),
        ("flat", idx(&[20, 784], 20 * 784), idx(&[20], 20)),
        ("text", b"this is no IDX file, whatever it is".to_vec(), idx(&[20], 20)),
    ] {
        for part in ["train", "t10k"] {
            write(&format!("{set}/{part}-images-idx3-ubyte"), &images);
            write(&format!("{set}/{part}-labels-idx1-ubyte"), &labels);
        }
    }
    for part in ["train", "val"] {
        for class in ["cat", "dog"] {
            write(
                &format!("jpeg/{part}/{class}/broken.jpg"),
                b"\xff\xd8\xff\xe0 not much of a picture",
            );
        }
    }
    config("mnist.toml", "digits", "mnist");
    config(
        "folder.toml",
        "\"digits\"\n[network]\nname = \"mlp\"",
        "\"folder\"\n[network]\nname = \"linear\"",
    );
    config("small.toml", "\"mlp\"", "\"mlp-small\"");
    let trained = run(&["small.toml", "--out", "small"], folder.path());
    assert_eq!(trained.status.code(), Some(0));
    config("weights.toml", "\"mlp\"", "\"mlp\"\nweights = \"small/model.safetensors\"");
    for (k, (args, says)) in [
        (&["mnist.toml", "--data", "cut"][..], "images-idx3-ubyte"),
        (&["mnist.toml", "--data", "fewer"], "19"),
        (&["mnist.toml", "--data", "flat"], "images-idx3-ubyte"),
        (&["mnist.toml", "--data", "text"], "images-idx3-ubyte"),
        (&["folder.toml", "--data", "jpeg"], "broken.jpg"),
        (&["weights.toml"], "fc1.weight is F32 of shape [32, 64], expected F32 of shape [300, 64]"),
    ]
    .into_iter()
    .enumerate()
    {
        // Images are decoded as they are needed: their run has begun.
        let output = run(&[args, &["--out", &k.to_string()]].concat(), folder.path());
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert!(line.contains(says) && line.trim().lines().count() == 1, "{args:?}: {line}");
    }
}

/// Sparsities that cannot be and methods that do not go together: one line, exit code 2; a sparsity
/// that training did not reach: exit code 1.
#[test]
fn impossible_wishes_are_refused_and_missed_ones_told() {
    let folder = folder();
    let method = "name = \"pilot\"\nstrength = 1e-4";
    for (k, (to, says)) in [
        ("name = \"pilot\"\ntarget = 1.0", "method.target"),
        ("name = \"pilot\"\ntarget = -0.5", "method.target"),
        ("name = \"pilot\"\ntarget = 0.99999", "at least one for each of 3 layers"),
        ("name = \"dense\"\ntarget = 0.9", "the strength of dense"),
        ("name = \"spred\"\nstrength = 1\nfactors = { strength = 1 }", "m⊙w already"),
        ("name = \"l1\"\nstrength = 1\nham = {}", "method.ham"),
        ("name = \"lasso\"", "dense, l1, l1-mask"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{k}.toml");
        fs::write(folder.path().join(&name), CONFIG.replace(method, to))
            .unwrap_or_else(|e| panic!("{e}"));
        let output = run(&[&name, "--out", "never"], folder.path());
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}: {line}");
        assert!(line.contains(says) && line.trim().lines().count() == 1, "{to}: {line}");
        assert!(!folder.path().join("never").exists());
    }
    let short = CONFIG
        .replace(method, "name = \"pilot\"\ntarget = 0.999\nruns = 1")
        .replace("epochs = 30", "epochs = 1");
    fs::write(folder.path().join("short.toml"), short).unwrap_or_else(|e| panic!("{e}"));
    let output = run(&["short.toml", "--out", "short", "--json"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"status\":\"missed\""), "{text}");
}

/// Sizes for which no machine has room, no images at all, shapes that do not go together: one line,
/// exit code 2, no abort.
#[test]
fn sizes_that_cannot_be_are_refused() {
    let folder = folder();
    let one = CONFIG.replace("epochs = 30", "epochs = 1");
    for (k, (from, to, says)) in [
        ("batch = 64", "batch = 100000000000", "fits into memory"),
        ("batch = 64", "batch = 9000000000000000000", "fits into memory"),
        ("\"digits\"", "\"digits\"\nimages = 0", "data.images is 0"),
        ("\"digits\"", "\"generated\"\nimages = 100000000000000", "fit into memory"),
        (
            "\"digits\"",
            "\"generated\"\nshape = [4294967296, 4294967296, 4294967296]",
            "fit into memory",
        ),
        ("\"mlp\"", "\"lenet5\"", "layer 3 (conv2) is 4×4×6"),
        ("[prune]\nlevels = 2", "[prune]\ncycles = 2", "prune.rewind is not there"),
        ("seed = 1", "seed = -1", "-1"),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, text) = (format!("{k}.toml"), one.replace(from, to));
        assert_ne!(text, one, "{from}");
        fs::write(folder.path().join(&name), text).unwrap_or_else(|e| panic!("{e}"));
        let output = run(&[&name, "--out", "never"], folder.path());
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}: {line}");
        assert!(line.contains(says) && line.trim().lines().count() == 1, "{to}: {line}");
    }
}

/// A study by its command: tables and pictures, and once killed it goes on.
#[test]
fn a_study_writes_its_tables_and_pictures_and_survives_a_kill() {
    let folder = folder();
    let (head, rest) = CONFIG.split_once("[method]").unwrap_or_default();
    let (_, prune) = rest.split_once("[prune]").unwrap_or_default();
    let study = format!(
        "[study]\nseeds = [0, 1]\nselect = [0.2]\n{}[prune]{prune}[[method]]\nname = \"dense\"\n\
         [[method]]\nname = \"pilot\"\nstrength = 1e-3\n",
        head.replace("seed = 1\n", "")
            .replace("\"digits\"", "\"digits\"\nvalidation = 238")
            .replace("epochs = 30", "epochs = 4"),
    );
    fs::write(folder.path().join("s.toml"), study).unwrap_or_else(|e| panic!("{e}"));
    let whole = run(&["s.toml", "--out", "whole"], folder.path());
    let text = String::from_utf8_lossy(&whole.stderr);
    assert_eq!(whole.status.code(), Some(0), "{text}");
    let mut cut = command(&["s.toml", "--out", "cut"], folder.path())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}"));
    let started = Instant::now();
    while !folder.path().join("cut/runs").exists() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(1));
    }
    cut.kill().and_then(|()| cut.wait()).unwrap_or_else(|e| panic!("{e}"));
    let resumed = run(&["s.toml", "--out", "cut", "--resume"], folder.path());
    assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
    for name in [
        "runs.csv",
        "chosen.csv",
        "study.csv",
        "study.tex",
        "sparsity.csv",
        "sparsity.svg",
        "sparsity.png",
    ] {
        let read = |of: &str| fs::read(folder.path().join(of).join(name)).unwrap_or_default();
        assert!(!read("whole").is_empty() && read("whole") == read("cut"), "{name}");
    }
    // No single run goes into the folder of a study, and no table that is none counts as one.
    let refused = |args: &[&str], says: &str| {
        let output = run(args, folder.path());
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(line.contains(says) && line.trim().lines().count() == 1, "{line}");
    };
    refused(&["c.toml", "--out", "whole"], "whole: holds a study");
    let table = folder.path().join("whole/runs/dense-00-seed0/sparsity.csv");
    fs::write(table, "nothing\n").unwrap_or_else(|e| panic!("{e}"));
    refused(&["s.toml", "--out", "whole", "--resume"], "sparsity.csv: line 1 is not kept,");
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

/// The paper's own configurations, without their data: what training would take.
#[test]
fn the_paper_s_runs_are_rehearsed_without_their_data() {
    let folder = folder();
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/paper");
    for (name, parts) in [
        ("cifar10-resnet20-lrr-pilot.toml", ["272474", "50000", "735000"]),
        ("cifar100-resnet18-study.toml", ["11220132", "45000", "runs of this size"]),
        ("imagenet-resnet50-pilot-90.toml", ["25557032", "1281167", "500500"]),
        ("imagenet-resnet50-lrr-pilot.toml", ["25557032", "1281167", "12512500"]),
        ("imagenet-resnet50-study.toml", ["25557032", "1231167", "runs of this size"]),
    ] {
        let path = paper.join(name).display().to_string();
        let output = run(&[&path, "--dry-run"], folder.path());
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        for part in parts {
            assert!(text.contains(part), "{name}: {part}: {text}");
        }
    }
}

//! What `mirrorflow train` is given: images, weights, configurations and checkpoints that are
//! damaged, named otherwise or ask for what cannot be. One line and exit code 2, or the right
//! answer.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const CONFIG: &str = "seed = 1\n[data]\nset = \"digits\"\n[network]\nname = \"mlp-small\"\n[train]\nepochs = 2\nbatch = 64\n\
    [optimizer]\nrate = 0.1\n[method]\nname = \"dense\"\n";

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorflow"));
    let output = command.arg("train").args(args).current_dir(folder).output();
    output.unwrap_or_else(|e| panic!("{e}"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap_or(&path)).unwrap_or_else(|e| panic!("{e}"));
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{e}"));
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Exit code 2, and one line with all these parts.
fn refused(folder: &Path, args: &[&str], parts: &[&str]) {
    let output = run(folder, args);
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
    assert_eq!(line.trim_end().lines().count(), 1, "{args:?}: {line}");
    for part in parts {
        assert!(line.contains(part), "{args:?}: {part}: {line}");
    }
}

fn accepted(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A picture as a file.
fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = png::Encoder::new(&mut bytes, 64, 48);
    file.set_color(png::ColorType::Rgb);
    let pixel = |k: usize| [shade, (7 * (k % 64)) as u8, (11 * (k % 64) * (k / 64)) as u8];
    let pixels: Vec<u8> = (0..64 * 48).flat_map(pixel).collect();
    let written = file.write_header().and_then(|mut file| file.write_image_data(&pixels));
    written.unwrap_or_else(|e| panic!("{e}"));
    bytes
}

/// Two classes of two pictures for training and one each for validation.
fn pictures(folder: &Path, root: &str) {
    let dark = &include_bytes!("../../deep/tests/data/pictures/dark.jpg")[..];
    let light = &include_bytes!("../../deep/tests/data/pictures/light.jpg")[..];
    for (class, shade, jpeg) in [("a", 20, dark), ("b", 200, light)] {
        write(folder, &format!("{root}/train/{class}/0.jpg"), jpeg);
        write(folder, &format!("{root}/train/{class}/1.png"), png(shade));
        write(folder, &format!("{root}/val/{class}/0.jpg"), jpeg);
    }
    let config = "[data]\nset = \"folder\"\n[network]\nname = \"linear\"\n[train]\nepochs = 1\nbatch = 4\n\
        [optimizer]\nrate = 1e-6\n[method]\nname = \"dense\"\n";
    write(folder, "folder.toml", config);
}

#[test]
fn a_cut_image_is_refused_by_its_name() {
    let folder = folder();
    let at = folder.path();
    pictures(at, "whole");
    accepted(at, &["folder.toml", "--data", "whole", "--out", "o"]);
    for (k, cut) in ["train/a/0.jpg", "train/b/1.png", "val/b/0.jpg"].into_iter().enumerate() {
        let root = format!("cut{k}");
        pictures(at, &root);
        let bytes = fs::read(at.join(&root).join(cut)).unwrap_or_default();
        write(at, &format!("{root}/{cut}"), &bytes[..2 * bytes.len() / 3]);
        refused(
            at,
            &["folder.toml", "--data", &root, "--out", &format!("o{k}")],
            &[cut, "cut off"],
        );
    }
    // With an end marker behind the half of it.
    pictures(at, "ended");
    let bytes = include_bytes!("../../deep/tests/data/pictures/colour.jpg");
    let half = [&bytes[..1300], &[0xff, 0xd9]].concat();
    write(at, "ended/train/a/0.jpg", half);
    refused(
        at,
        &["folder.toml", "--data", "ended", "--out", "o3"],
        &["train/a/0.jpg", "cut off within its data"],
    );
}

#[test]
fn names_with_a_leading_dot_are_no_classes_and_no_images() {
    let folder = folder();
    let at = folder.path();
    pictures(at, "d");
    for part in ["train", "val"] {
        write(at, &format!("d/{part}/.ipynb_checkpoints/0.jpg"), "nothing");
        write(at, &format!("d/{part}/a/._0.jpg"), "nothing");
        write(at, &format!("d/{part}/.DS_Store"), "nothing");
    }
    let said = accepted(at, &["folder.toml", "--data", "d", "--dry-run", "--json"]);
    let value: Value = serde_json::from_str(&said).unwrap_or_default();
    assert_eq!((&value["training_images"], &value["test_images"]), (&4.into(), &2.into()));
    assert_eq!(value["layers"][0]["shape"][0], 2, "two classes: {value}");
    accepted(at, &["folder.toml", "--data", "d", "--out", "o"]);
    // A class that training does not know is one too many.
    write(at, "d/val/c/0.jpg", "nothing");
    refused(at, &["folder.toml", "--data", "d", "--out", "p"], &["val/c", "is no class"]);
}

fn idx(sizes: &[u32]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|s| file.extend(s.to_be_bytes()));
    let count = sizes.iter().product::<u32>();
    file.extend((0..count).map(|i| (i % 10) as u8));
    file
}

#[test]
fn mnist_is_found_under_all_its_names() {
    let folder = folder();
    let at = folder.path();
    let config = CONFIG.replace("digits", "mnist").replace("epochs = 2", "epochs = 1");
    write(at, "mnist.toml", &config);
    write(at, "fashion.toml", config.replace("mnist", "fashion-mnist"));
    for (set, root, dot) in [
        ("mnist", "dash", "-"),
        ("mnist", "dot", "."),
        ("mnist", "torch/MNIST/raw", "-"),
        ("fashion", "torch/FashionMNIST/raw", "-"),
    ] {
        for part in ["train", "t10k"] {
            write(at, &format!("{root}/{part}-images{dot}idx3-ubyte"), idx(&[20, 28, 28]));
            write(at, &format!("{root}/{part}-labels{dot}idx1-ubyte"), idx(&[20]));
        }
        let data = root.split('/').next().unwrap_or_default();
        let name = format!("{set}.toml");
        accepted(at, &[&name, "--data", data, "--out", &format!("o-{set}-{data}")]);
    }
    refused(at, &["fashion.toml", "--data", "dot/none", "--out", "n"], &["FashionMNIST/raw"]);
}

/// Pickles are programs: they are not run, and what is needed is said.
#[test]
fn the_python_version_of_cifar_is_told_from_the_binary_one() {
    let folder = folder();
    let at = folder.path();
    for (set, inner, file) in [
        ("cifar10", "cifar-10-batches-py", "data_batch_1"),
        ("cifar100", "cifar-100-python", "train"),
    ] {
        write(at, "c.toml", CONFIG.replace("digits", set));
        write(at, &format!("{set}/{inner}/{file}"), b"\x80\x04\x95");
        for data in [set.to_owned(), format!("{set}/{inner}")] {
            let parts = [file, "Python version", "binary version is needed"];
            refused(at, &["c.toml", "--data", &data, "--out", "o"], &parts);
        }
        refused(at, &["c.toml", "--data", ".", "--out", "o"], &["no such file", "binary version"]);
    }
}

#[test]
fn epochs_without_a_step_and_norms_of_one_value_are_refused() {
    let folder = folder();
    let generated = |images: &str| {
        CONFIG
            .replace(
                "\"digits\"",
                &format!("\"generated\"\nshape = [4, 4, 3]\nclasses = 3\n{images}"),
            )
            .replace("mlp-small", "resnet8")
    };
    for (k, (config, parts)) in [
        (
            generated("images = 9").replace("batch = 64", "batch = 1"),
            ["train.batch", "no variance"],
        ),
        (generated("images = 1"), ["training images", "left out"]),
        (CONFIG.replace("\"digits\"", "\"digits\"\nvalidation = 1437"), ["is 1", "batches of 64"]),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{k}.toml");
        write(folder.path(), &name, config);
        refused(folder.path(), &[&name, "--out", "never"], &parts);
        assert!(!folder.path().join("never").exists(), "nothing is written");
    }
}

/// Sizes that no machine has room or time for: refused at once, whatever the memory that they name.
#[test]
fn impossible_sizes_are_refused_before_memory_is_taken() {
    let folder = folder();
    let generated = "\"generated\"\nimages = 2\n";
    for (k, (from, to, part)) in [
        ("epochs = 2", "epochs = 9223372036854775807", "train.epochs"),
        ("epochs = 2", "epochs = 10000000000", "train.epochs"),
        ("epochs = 2", "epochs = 0", "train.epochs"),
        ("batch = 64", "batch = 9223372036854775807", "memory"),
        ("\"digits\"", "\"digits\"\nimages = 1000000000", "data.images"),
        ("\"digits\"", &format!("{generated}classes = 1000000000000000"), "data.classes"),
        ("\"digits\"", &format!("{generated}classes = 1"), "data.classes"),
        ("\"digits\"", &format!("{generated}shape = [4, 4, 1, 1]"), "height, width and channels"),
        ("\"digits\"", &format!("{generated}shape = [4, 4]"), "height, width and channels"),
        ("\"digits\"", &format!("{generated}shape = [1, 1, 400000000000]"), "memory"),
        ("\"digits\"", &format!("{generated}shape = [3037000500, 3037000500, 1]"), "memory"),
        (
            "name = \"dense\"",
            "name = \"dense\"\n[prune]\ncycles = 9223372036854775807\nrewind = \"rate\"",
            "prune.cycles",
        ),
        ("name = \"dense\"", "name = \"dense\"\n[prune]\nlevels = 4294967295", "prune.levels"),
        ("name = \"dense\"", "name = \"pilot\"\ntarget = 0.9\nruns = 1000000000000", "method.runs"),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, text) = (format!("{k}.toml"), CONFIG.replace(from, to));
        assert_ne!(text, CONFIG);
        write(folder.path(), &name, text);
        for more in [&["--out", "never"][..], &["--dry-run"]] {
            // A rehearsal says what a batch would take.
            if more == ["--dry-run"] && to.starts_with("batch") {
                continue;
            }
            refused(folder.path(), &[&[&*name], more].concat(), &[part]);
        }
        assert!(!folder.path().join("never").exists(), "nothing is written");
    }
}

#[test]
fn keys_that_nothing_heeds_are_refused() {
    let folder = folder();
    let with = |from: &str, to: &str| CONFIG.replace(from, to);
    for (k, (config, part)) in [
        (with("rate = 0.1", "rate = 0.1\nmilestones = [1]\nfactor = 0.5"), "optimizer.milestones"),
        (with("rate = 0.1", "rate = 0.1\nschedule = \"cosine\"\nfactor = 0.5"), "optimizer.factor"),
        (
            with("rate = 0.1", "rate = 0.1\nschedule = \"step\"\nmilestones = []"),
            "optimizer.milestones",
        ),
        (with("rate = 0.1", "rate = 0.1\nkind = \"adam\"\nmomentum = 0.9"), "optimizer.momentum"),
        (with("rate = 0.1", "rate = 0.1\nkind = \"adamw\"\nnesterov = true"), "optimizer.nesterov"),
        (with("rate = 0.1", "rate = 0.1\nmilestone = [1]"), "milestone"),
        (with("\"digits\"", "\"digits\"\nshape = [8, 8, 1]"), "data.shape"),
        (with("\"digits\"", "\"digits\"\nclasses = 3"), "data.classes"),
        (with("\"digits\"", "\"digits\"\nfolder = \"somewhere\""), "data.folder"),
        (with("\"digits\"", "\"folder\"\nfolder = \".\"\ncrop = 4"), "data.crop"),
        (with("batch = 64", "batch = 64\nworkers = 4"), "workers"),
        (with("\"dense\"", "\"dense\"\n[prune]\nkeep = 0.5"), "prune.keep"),
        (
            with(
                "\"dense\"",
                "\"dense\"\n[prune]\ncycles = 2\nrewind = \"rate\"\nrewind_epoch = 1",
            ),
            "prune.rewind_epoch",
        ),
        (with("\"dense\"", "\"dense\"\nschedule = \"linear\""), "method.schedule"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{k}.toml");
        write(folder.path(), &name, config);
        refused(folder.path(), &[&name, "--out", "never"], &[part]);
    }
    // With the schedule that they belong to they do what they say.
    let step = "rate = 0.1\nschedule = \"step\"\nmilestones = [1, 2]\nfactor = 0.5";
    write(folder.path(), "step.toml", with("rate = 0.1", step).replace("epochs = 2", "epochs = 4"));
    accepted(folder.path(), &["step.toml", "--out", "o"]);
    let metrics = text(folder.path(), "o/metrics.csv");
    let rates: Vec<_> = metrics.lines().skip(1).filter_map(|l| l.split(',').nth(2)).collect();
    assert_eq!(rates, ["0.1", "0.05", "0.025", "0.025"]);
}

/// The arrays of `mlp-small` for the digits behind a prefix, each number `bytes` of the kind
/// `dtype`.
fn weights(prefix: &str, dtype: &str, bytes: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let arrays = [
        ("fc1.weight", "[32, 64]", 2048),
        ("fc1.bias", "[32]", 32),
        ("fc2.weight", "[16, 32]", 512),
        ("fc2.bias", "[16]", 16),
        ("fc3.weight", "[10, 16]", 160),
        ("fc3.bias", "[10]", 10),
    ];
    let (mut head, mut data) = (Vec::new(), Vec::new());
    let mut number = 0;
    for (name, shape, count) in arrays {
        let from = data.len();
        for _ in 0..count {
            data.extend(bytes(number));
            number += 1;
        }
        let offsets = format!("[{from}, {}]", data.len());
        head.push(format!(
            "\"{prefix}{name}\": {{\"dtype\": \"{dtype}\", \"shape\": {shape}, \"data_offsets\": {offsets}}}"
        ));
    }
    let head = format!("{{{}}}", head.join(", "));
    [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &data].concat()
}

/// Between −1/8 and 1/8, exact in every kind of number.
fn value(k: usize) -> f64 {
    ((k * 7) % 33) as f64 / 128.0 - 0.125
}

#[test]
fn weights_of_all_kinds_are_read_and_what_is_wrong_with_others_is_named() {
    let folder = folder();
    let at = folder.path();
    let f32s = |k: usize| (value(k) as f32).to_le_bytes().to_vec();
    let bf16s = |k: usize| (value(k) as f32).to_le_bytes()[2..].to_vec();
    write(at, "f32.safetensors", weights("", "F32", f32s));
    write(at, "f64.safetensors", weights("", "F64", |k| value(k).to_le_bytes().to_vec()));
    write(at, "bf16.safetensors", weights("", "BF16", bf16s));
    write(at, "parallel.safetensors", weights("module.", "F32", f32s));
    let broken = |k: usize| if k == 2050 { f32::NAN.to_le_bytes().to_vec() } else { f32s(k) };
    write(at, "nan.safetensors", weights("", "F32", broken));
    write(at, "other.safetensors", weights("layers", "F32", f32s));
    let config = |name: &str| {
        let network = format!("\"mlp-small\"\nweights = \"{name}.safetensors\"");
        write(at, &format!("{name}.toml"), CONFIG.replace("\"mlp-small\"", &network));
    };
    let mut models = Vec::new();
    for name in ["f32", "f64", "bf16", "parallel"] {
        config(name);
        accepted(at, &[&format!("{name}.toml"), "--out", name]);
        models.push(text(at, &format!("{name}/metrics.csv")));
    }
    assert!(models.iter().all(|m| *m == models[0]), "the same start, the same run");
    config("nan");
    refused(at, &["nan.toml", "--out", "n"], &["nan.safetensors", "fc1.bias[2] is NaN"]);
    config("other");
    refused(at, &["other.toml", "--out", "n"], &["no array fc1.weight", "layersfc1.weight"]);
    // Files of other kinds, and one that is cut off.
    let whole = fs::read(at.join("f32.safetensors")).unwrap_or_default();
    for (name, bytes, part) in [
        ("archive", &b"PK\x03\x04rest"[..], "torch.load('archive.safetensors'"),
        ("pickle", b"\x80\x02}q\x00.", "PyTorch"),
        ("hdf5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        ("none", b"", "is cut off, or not a safetensors file"),
        ("head", &whole[..100], "is cut off"),
        ("data", &whole[..whole.len() - 1], "is cut off"),
    ] {
        write(at, &format!("{name}.safetensors"), bytes);
        config(name);
        refused(at, &[&format!("{name}.toml"), "--out", "n"], &[name, part]);
    }
    assert!(!at.join("n").exists(), "nothing is written");
    // An output that is an input.
    fs::create_dir_all(at.join("mine")).unwrap_or_else(|e| panic!("{e}"));
    fs::copy(at.join("f32.safetensors"), at.join("mine/model.safetensors"))
        .unwrap_or_else(|e| panic!("{e}"));
    config("mine/model");
    let args = ["mine/model.toml", "--out", "mine"];
    refused(at, &args, &["mine/model.safetensors", "network.weights"]);
    let kept = fs::read(at.join("mine/model.safetensors")).unwrap_or_default();
    assert!(kept == fs::read(at.join("f32.safetensors")).unwrap_or_default());
}

#[test]
fn a_flipped_bit_in_a_checkpoint_is_refused() {
    let folder = folder();
    let at = folder.path();
    write(at, "c.toml", CONFIG);
    accepted(at, &["c.toml", "--out", "o"]);
    let path = at.join("o/checkpoint.safetensors");
    let whole = fs::read(&path).unwrap_or_default();
    // In the heading, in the counters, in the numbers, at the very end.
    for bit in [3, 8 * 60, 8 * 300 + 1, 4 * whole.len(), 8 * whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        write(at, "o/checkpoint.safetensors", &bytes);
        refused(at, &["c.toml", "--out", "o", "--resume"], &["checkpoint.safetensors", "checksum"]);
    }
    write(at, "o/checkpoint.safetensors", &whole);
    accepted(at, &["c.toml", "--out", "o", "--resume"]);
    // What the line advises works: without it the run begins anew.
    fs::remove_file(&path).unwrap_or_else(|e| panic!("{e}"));
    accepted(at, &["c.toml", "--out", "o", "--resume"]);
    assert!(fs::read(&path).unwrap_or_default() == whole);
    // Weights of our own have a checksum too.
    let mut model = fs::read(at.join("o/model.safetensors")).unwrap_or_default();
    let middle = model.len() / 2;
    model[middle] ^= 4;
    write(at, "model.safetensors", model);
    let network = "\"mlp-small\"\nweights = \"model.safetensors\"";
    write(at, "w.toml", CONFIG.replace("\"mlp-small\"", network));
    refused(at, &["w.toml", "--out", "w"], &["model.safetensors", "checksum"]);
}

/// A file and its base are one configuration: the same run, and the same record of it, as written
/// in one file.
#[test]
fn a_file_stands_on_its_base() {
    let folder = folder();
    let at = folder.path();
    write(at, "whole.toml", CONFIG);
    let base = CONFIG.replace("rate = 0.1", "rate = 0.3").replace("seed = 1\n", "");
    write(at, "base/all.toml", &base);
    write(at, "own.toml", "base = \"base/all.toml\"\nseed = 1\n[optimizer]\nrate = 0.1\n");
    accepted(at, &["whole.toml", "--out", "whole"]);
    accepted(at, &["own.toml", "--out", "own"]);
    for name in ["config.json", "metrics.csv", "checkpoint.safetensors", "model.safetensors"] {
        let read = |run: &str| fs::read(at.join(run).join(name)).unwrap_or_default();
        assert!(read("whole") == read("own") && !read("own").is_empty(), "{name}");
    }
    accepted(at, &["whole.toml", "--out", "own", "--resume"]);
    write(at, "base/all.toml", base.replace("epochs = 2", "epochs = 3"));
    refused(at, &["own.toml", "--out", "own", "--resume"], &["another configuration"]);
    // What is wrong is told by the file it is wrong in.
    write(at, "base/all.toml", base.replace("batch", "batches"));
    refused(at, &["own.toml", "--out", "o"], &["own.toml", "with its base", "batches"]);
    write(at, "base/all.toml", "base = \"../own.toml\"\n");
    refused(at, &["own.toml", "--out", "o"], &["base/all.toml", "own.toml", "a circle"]);
    write(at, "base/all.toml", "[data\n");
    refused(at, &["own.toml", "--out", "o"], &["base/all.toml", "line 1"]);
    fs::remove_file(at.join("base/all.toml")).unwrap_or_else(|e| panic!("{e}"));
    refused(at, &["own.toml", "--out", "o"], &["own.toml", "base/all.toml"]);
    write(at, "own.toml", "base = 3\n");
    refused(at, &["own.toml", "--out", "o"], &["own.toml", "base is 3"]);
}

//! Whole runs on the embedded digits: every method, resuming, divergence, wrong configurations.

use std::{fs, path::Path};

use mirrorflow::Result;

use super::{Outcome, Setup, train};
use crate::config::Config;

fn config(method: &str, rest: &str) -> String {
    format!(
        "seed = 3\n[data]\nset = \"digits\"\nvalidation = 138\n[network]\nname = \"mlp-small\"\n\
         [train]\nepochs = 4\nbatch = 100\n[optimizer]\nrate = 0.1\nmomentum = 0.9\nschedule = \"cosine\"\n\
         weight_decay = 1e-4\n[method]\n{method}\n{rest}"
    )
}

fn setup(text: &str) -> Result<Setup> {
    match Config::parse(text) {
        Ok(config) => Setup::new(config, None),
        Err(why) => panic!("{why}"),
    }
}

fn run(text: &str, out: &Path) -> Result<Outcome> {
    train(&setup(text)?, out, false, &mut |_| {})
}

const METHODS: [&str; 10] = [
    "name = \"dense\"",
    "name = \"l1\"\nstrength = 1e-4",
    "name = \"l1-mask\"\nstrength = 1e-4",
    "name = \"spred\"\nstrength = 1e-4",
    "name = \"pilot\"\nstrength = 1e-4",
    "name = \"sign-in\"",
    "name = \"str\"\nstrength = 1e-3",
    "name = \"powerprop\"",
    "name = \"continuous\"\nstrength = 1e-6",
    "name = \"ham\"\ngradient = 1",
];

#[test]
fn every_method_learns_the_digits_and_writes_its_table() -> Result<()> {
    for method in METHODS {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let outcome = run(&config(method, "[prune]\nlevels = 3"), folder.path())?;
        let Outcome::Done { test, .. } = outcome else { panic!("{method}: {outcome}") };
        // Chance is 0.1.
        assert!(test > 0.7, "{method}: {test}");
        let read = |name| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("sparsity.csv").lines().count(), 5, "{method}");
        assert_eq!(read("metrics.csv").lines().count(), 5, "{method}");
        assert_eq!(read("layers.csv").lines().count(), 1 + 4 * 3, "{method}");
        assert!(read("sparsity.tex").contains("tabular"));
    }
    Ok(())
}

/// What `[method.factors]` and `[method.ham]` make of the methods.
const COMBINED: [&str; 8] = [
    "name = \"l1\"\nstrength = 1e-4\nfactors = { strength = 1e-4 }",
    "name = \"l1-mask\"\nstrength = 1e-4\nfactors = { strength = 1e-4 }",
    "name = \"sign-in\"\nfactors = { strength = 1e-4 }",
    "name = \"str\"\nstrength = 1e-3\nfactors = { strength = 1e-4 }",
    "name = \"powerprop\"\nfactors = { strength = 1e-4, schedule = \"linear\" }",
    "name = \"continuous\"\nstrength = 1e-6\nfactors = { strength = 1e-4, beta = 0.5 }",
    "name = \"ham\"\ngradient = 1\nfactors = { strength = 1e-4 }",
    "name = \"str\"\nstrength = 1e-3\nham = { gradient = 1 }",
];

/// Each learns, alone and under iterative pruning, and goes on after a cut as if there had been
/// none.
#[test]
fn combined_methods_learn_and_resume() -> Result<()> {
    for method in COMBINED {
        let text = config(method, "[prune]\ncycles = 2\nrewind = \"rate\"");
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
        let setup = setup(&text)?;
        let mut copies = Vec::new();
        let outcome = train(&setup, &whole, false, &mut |_| copies.push(files(&whole)))?;
        let Outcome::Done { test, sparsity, .. } = outcome else { panic!("{method}: {outcome}") };
        assert!(test > 0.7 && (0.19..0.99).contains(&sparsity), "{method}: {test} {sparsity}");
        fs::create_dir_all(&cut).unwrap_or_else(|e| panic!("{e}"));
        for (name, bytes) in copies[5].iter().filter(|(_, bytes)| !bytes.is_empty()) {
            fs::write(cut.join(name), bytes).unwrap_or_else(|e| panic!("{e}"));
        }
        train(&setup, &cut, true, &mut |_| {})?;
        for ((name, found), (_, expected)) in files(&cut).iter().zip(&files(&whole)) {
            assert!(found == expected, "{name} differs ({method})");
        }
    }
    Ok(())
}

/// The methods end at the sparsity they are given, to the weight; where one cannot, it says so.
#[test]
fn a_target_sparsity_is_reached_to_the_weight_or_missed_aloud() -> Result<()> {
    let long = |method: &str, epochs: u64| {
        config(method, "").replace("epochs = 4", &format!("epochs = {epochs}"))
    };
    for method in [
        "name = \"l1\"",
        "name = \"l1-mask\"",
        "name = \"spred\"",
        "name = \"pilot\"",
        "name = \"str\"",
        "name = \"powerprop\"\nfactors = { target = 0.8 }",
        "name = \"continuous\"",
    ] {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let target = if method.contains("target") { "" } else { "\ntarget = 0.8" };
        let outcome = run(&long(&format!("{method}{target}"), 40), folder.path())?;
        let Outcome::Done { test, sparsity, .. } = outcome else { panic!("{method}: {outcome}") };
        // 544 of 2720 weights; nine tenths of them where the method's own mask took more.
        let exact = (sparsity - 0.8).abs() < 1e-12 || (0.8..=0.82).contains(&sparsity);
        assert!(exact && test > 0.7, "{method}: {test} {sparsity}");
    }
    // Two epochs are too few for α to grow to what 99 % takes.
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let text = long("name = \"pilot\"\ntarget = 0.99\nstrength = 1e-6\nruns = 1", 2);
    let outcome = run(&text, folder.path())?;
    let Outcome::Missed { target, sparsity, lost, .. } = outcome else { panic!("{outcome}") };
    assert!((target - 0.99).abs() < 1e-3 && sparsity < 0.5 && lost > 0.05);
    assert!(outcome.to_string().contains("take more epochs"));
    // A run that is asked again says the same.
    assert_eq!(train(&setup(&text)?, folder.path(), true, &mut |_| {})?, outcome);
    Ok(())
}

/// A first strength far too small, in few epochs: feedback misses, whole runs follow, and a search
/// that was cut off goes on to the same files.
#[test]
fn a_target_that_feedback_misses_is_searched_over_whole_runs() -> Result<()> {
    let method = "name = \"l1\"\ntarget = 0.9\nstrength = 1e-5";
    let text = config(method, "[prune]\nlevels = 2").replace("epochs = 4", "epochs = 6");
    let setup = setup(&text)?;
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let outcome = train(&setup, &whole, false, &mut |_| {})?;
    let Outcome::Done { sparsity, .. } = outcome else { panic!("{outcome}") };
    assert!((sparsity - 0.9).abs() < 1e-12, "{sparsity}");
    let table = fs::read_to_string(whole.join("search.csv")).unwrap_or_default();
    let runs = table.lines().count() - 1;
    assert!(runs > 1 && table.trim_end().ends_with("true"), "{table}");
    assert!(!whole.join(format!("search/{}", runs + 1)).exists());
    // A search is not begun twice, and what is not there not resumed.
    assert!(train(&setup, &whole, false, &mut |_| {}).is_err());
    assert!(train(&setup, &cut, true, &mut |_| {}).is_err());
    // Cut off after so many epochs: only the first run and part of the second are there.
    fs::create_dir_all(cut.join("search")).unwrap_or_else(|e| panic!("{e}"));
    for run in ["1", "2"] {
        let (from, to) = (whole.join("search").join(run), cut.join("search").join(run));
        fs::create_dir_all(&to).unwrap_or_else(|e| panic!("{e}"));
        for (name, bytes) in files(&from) {
            if run == "1" || name == "metrics.csv" {
                fs::write(to.join(name), bytes).unwrap_or_else(|e| panic!("{e}"));
            }
        }
    }
    assert_eq!(train(&setup, &cut, true, &mut |_| {})?, outcome);
    for ((name, found), (_, expected)) in files(&cut).iter().zip(&files(&whole)) {
        assert!(found == expected, "{name} differs");
    }
    assert_eq!(fs::read_to_string(cut.join("search.csv")).unwrap_or_default(), table);
    assert!(cut.join("summary.json").exists());
    Ok(())
}

/// Feedback spends its total to rounding, whatever the accuracies: 4 epochs of 13 steps.
#[test]
fn feedback_keeps_the_total_it_is_given() -> Result<()> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    run(&config("name = \"pilot\"\ntotal = 0.02\ndelta = 1.5", ""), folder.path())?;
    let text = fs::read_to_string(folder.path().join("summary.json")).unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let spent = summary["total_strength"].as_f64().unwrap_or(0.0);
    assert!((spent - 0.02).abs() < 1e-15, "{spent}");
    // Its shape stays Algorithm 1's up to the level: one step of the factor is δ or 1/δ but for
    // what was expected wrongly.
    let metrics = fs::read_to_string(folder.path().join("metrics.csv")).unwrap_or_default();
    let alphas = metrics.lines().skip(1).filter_map(|l| l.split(',').nth(3)?.parse::<f64>().ok());
    assert!(alphas.clone().count() == 4 && alphas.clone().all(|a| a > 0.0));
    Ok(())
}

#[test]
fn overhead_is_measured_beside_the_plain_network() -> Result<()> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let text = config(METHODS[4], "").replace("epochs = 4", "epochs = 1\noverhead = true");
    run(&text.replace("schedule = \"cosine\"", ""), folder.path())?;
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let summary: serde_json::Value =
        serde_json::from_str(&read("summary.json")).unwrap_or_default();
    let price = &summary["overhead"];
    assert!(price["time_ratio"].as_f64().is_some_and(|r| r > 0.0), "{price}");
    // 2778 parameters, of which 2720 weights: plain training keeps parameter, state and gradient;
    // m⊙w three numbers a weight more.
    let expected = 1.0 + 2720.0 / 2778.0;
    let bare = price["memory_ratio_without_activations"].as_f64().unwrap_or(0.0);
    assert!((bare - expected).abs() < 1e-12, "{bare} {expected}");
    assert_eq!(read("overhead.csv").lines().count(), 2);
    assert!(read("overhead.tex").contains("pilot &"));
    assert!(folder.path().join("figures/layers.npz").exists());
    Ok(())
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = [
        "metrics.csv",
        "metrics.jsonl",
        "layers.csv",
        "sparsity.csv",
        "checkpoint.safetensors",
        "model.safetensors",
    ];
    names.map(|n| (n.to_owned(), fs::read(folder.join(n)).unwrap_or_default())).to_vec()
}

/// A run that is cut off after any epoch, even with lines of the next epoch already written, and
/// resumed ends with the same bytes.
#[test]
fn a_resumed_run_is_the_uninterrupted_one() -> Result<()> {
    let prune = "[prune]\nlevels = 2\ncycles = 2\nrewind = \"weights\"\nrewind_epoch = 1";
    for (method, prune) in [
        (METHODS[4], prune),
        (METHODS[6], "[prune]\ncycles = 2\nrewind = \"rate\""),
        (METHODS[0], ""),
        (METHODS[8], ""),
    ] {
        let text = config(method, prune);
        let setup = setup(&text)?;
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
        // Every checkpoint is kept as it was written.
        let mut copies: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
        train(&setup, &whole, false, &mut |_| copies.push(files(&whole)))?;
        let expected = files(&whole);
        for copy in copies.iter().skip(1) {
            // `say` comes after the lines of an epoch and before its checkpoint: the worst moment.
            fs::create_dir_all(&cut).unwrap_or_else(|e| panic!("{e}"));
            for (name, bytes) in copy.iter().filter(|(_, bytes)| !bytes.is_empty()) {
                fs::write(cut.join(name), bytes).unwrap_or_else(|e| panic!("{e}"));
            }
            train(&setup, &cut, true, &mut |_| {})?;
            for ((name, found), (_, expected)) in files(&cut).iter().zip(&expected) {
                assert!(found == expected, "{name} differs ({method})");
            }
            fs::remove_dir_all(&cut).unwrap_or_else(|e| panic!("{e}"));
        }
    }
    Ok(())
}

/// What a rehearsal says of the steps is what a run takes: a line of metrics for each epoch.
#[test]
fn rewound_weights_do_not_train_again_for_what_came_before() -> Result<()> {
    for (rewind, epoch, lines) in [("weights", 1, 3 * 4 - 2), ("rate", 0, 3 * 4)] {
        let prune = format!("[prune]\ncycles = 3\nrewind = \"{rewind}\"\nrewind_epoch = {epoch}\n");
        let text = config("name = \"dense\"", &prune);
        let (setup, out) = (setup(&text)?, tempfile::tempdir().expect("a folder"));
        run(&text, out.path())?;
        let metrics = fs::read_to_string(out.path().join("metrics.csv")).expect("metrics");
        assert_eq!(metrics.lines().count() - 1, lines, "{rewind}");
        assert_eq!(setup.all_steps(), setup.steps as u64 * lines as u64);
    }
    Ok(())
}

#[test]
fn iterative_pruning_keeps_exact_counts() -> Result<()> {
    for rewind in ["weights", "rate"] {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let text =
            config(METHODS[0], &format!("[prune]\ncycles = 3\nkeep = 0.5\nrewind = \"{rewind}\""));
        run(&text, folder.path())?;
        let table = fs::read_to_string(folder.path().join("sparsity.csv")).unwrap_or_default();
        let kept: Vec<&str> = table.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
        // 64·32 + 32·16 + 16·10 weights.
        assert_eq!(kept, ["2720", "1360", "680"]);
    }
    Ok(())
}

#[test]
fn divergence_is_told_with_its_place() -> Result<()> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let text = config(METHODS[0], "").replace("rate = 0.1", "rate = 1e25");
    let Outcome::Diverged { epoch, checkpoint, .. } = run(&text, folder.path())? else {
        panic!("a rate of 1e25 diverges")
    };
    assert_eq!((epoch, checkpoint), (1, None));
    Ok(())
}

#[test]
fn wrong_configurations_get_one_clear_line() {
    let good = config(METHODS[4], "");
    for (from, to, says) in [
        ("\"pilot\"", "\"pliot\"", "powerprop"),
        ("strength = 1e-4", "", "method.strength"),
        ("strength = 1e-4", "strength = -1", "method.strength"),
        ("strength = 1e-4", "total = -1", "method.total"),
        ("strength = 1e-4", "target = 0", "method.target"),
        ("strength = 1e-4", "target = 1", "method.target"),
        // 2720 weights in 3 layers: 1.4 of them are too few.
        ("strength = 1e-4", "target = 0.9995", "at least one for each of 3 layers"),
        ("strength = 1e-4", "target = 0.9\ntotal = 1", "target alone"),
        ("strength = 1e-4", "target = 0.9\nstrength = 0", "positive first value"),
        ("strength = 1e-4", "target = 0.9\nruns = 0", "method.runs"),
        ("strength = 1e-4", "strength = 1e-4\nruns = 2", "none without a target"),
        ("strength = 1e-4", "strength = 1e-4\nfactors = { strength = 1 }", "m⊙w already"),
        ("strength = 1e-4", "strength = 1e-4\nham = {}", "str, powerprop or continuous"),
        ("name = \"pilot\"", "name = \"dense\"", "the strength of dense"),
        (
            "name = \"pilot\"\nstrength = 1e-4",
            "name = \"powerprop\"\ntarget = 0.9",
            "the strength of powerprop",
        ),
        ("name = \"pilot\"", "name = \"str\"\nfactors = {}", "method.factors.strength"),
        ("name = \"pilot\"", "name = \"str\"\nfactors = { strength = 1, speed = 2 }", "speed"),
        (
            "name = \"pilot\"\nstrength = 1e-4",
            "name = \"str\"\ntarget = 0.9\nfactors = { target = 0.9 }",
            "one of them",
        ),
        ("name = \"pilot\"", "name = \"ham\"\ngradient = -1", "ham"),
        ("strength = 1e-4", "strength = 1e-4\npower = 2", "only with powerprop"),
        ("strength = 1e-4", "strength = 1e-4\nratio = 0.9", "only with schedule = \"geometric\""),
        (
            "strength = 1e-4",
            "strength = 1e-4\nschedule = \"linear\"\ndelta = 1.1",
            "only with schedule = \"feedback\"",
        ),
        ("strength = 1e-4", "strength = 1e-4\ngradient = 2", "only with ham"),
        ("name = \"pilot\"", "name = \"str\"\nbeta = 1", "method.beta"),
        ("name = \"pilot\"", "name = \"str\"\nstart = nan", "a finite number"),
        (
            "name = \"pilot\"",
            "name = \"l1\"\nbeta = 1\nfactors = { strength = 1 }",
            "[method.factors]",
        ),
        ("rate = 0.1", "rate = 0", "optimizer.rate"),
        ("rate = 0.1", "rate = 0.1\nwarmup = 4", "optimizer.warmup"),
        ("momentum = 0.9", "momentum = 1.5", "momentum"),
        ("\"cosine\"", "\"cosin\"", "constant, cosine or step"),
        ("mlp-small", "mlp-smal", "resnet20"),
        ("mlp-small", "lenet5", "kernel"),
        ("\"digits\"", "\"digit\"", "fashion-mnist"),
        ("\"digits\"", "\"mnist\"", "--data"),
        ("validation = 138", "validation = 1438", "1438 training images"),
        ("batch = 100", "batch = 0", "train.batch"),
        ("epochs = 4", "epochs = 0", "train.epochs"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good);
        let error = match Config::parse(&text) {
            Err(why) => why,
            Ok(config) => match Setup::new(config, None) {
                Ok(_) => panic!("{to} is refused"),
                Err(error) => error.to_string(),
            },
        };
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
    for prune in [
        "keep = 0",
        "keep = 1",
        "cycles = 0",
        "cycles = 2",
        "rewind = \"rate\"",
        "rewind_epoch = 4",
    ] {
        let text = config(METHODS[0], &format!("[prune]\n{prune}"));
        let key = prune.split(' ').next().unwrap_or_default();
        let key = if prune == "cycles = 2" { "rewind" } else { key };
        assert!(setup(&text).is_err_and(|e| e.to_string().contains(key)), "{prune}");
    }
    let unknown = Config::parse(&good.replace("batch = 100", "batches = 100"));
    assert!(unknown.is_err_and(|e| e.contains("batches") && !e.contains('\n')));
}

#[test]
fn a_checkpoint_of_another_run_or_cut_off_is_refused() -> Result<()> {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    let text = config(METHODS[0], "");
    run(&text, folder.path())?;
    assert!(run(&text, folder.path()).is_err_and(|e| e.to_string().contains("--resume")));
    let other = setup(&text.replace("rate = 0.1", "rate = 0.2"))?;
    let refused = train(&other, folder.path(), true, &mut |_| {});
    assert!(refused.is_err_and(|e| e.to_string().contains("another configuration")));
    let path = folder.path().join("checkpoint.safetensors");
    let bytes = fs::read(&path).unwrap_or_default();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap_or_else(|e| panic!("{e}"));
    let refused = train(&setup(&text)?, folder.path(), true, &mut |_| {});
    assert!(refused.is_err_and(|e| e.to_string().contains("safetensors")));
    // Cut off before the first checkpoint: anew.
    fs::remove_file(&path).unwrap_or_else(|e| panic!("{e}"));
    train(&setup(&text)?, folder.path(), true, &mut |_| {})?;
    assert_eq!(fs::read(&path).unwrap_or_default(), bytes);
    let missing = train(&setup(&text)?, &folder.path().join("none"), true, &mut |_| {});
    assert!(missing.is_err_and(|e| e.to_string().contains("checkpoint.safetensors")));
    Ok(())
}

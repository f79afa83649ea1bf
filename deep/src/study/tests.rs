//! Studies on the embedded digits: the rule of choice, resuming, workers, what is no fair comparison.

use std::{collections::BTreeMap, fs, path::Path};

use mirrorflow::{Result, kernels::array::Home};

use super::{Mean, StudyConfig, dry_run, run};

const STUDY: &str = "[study]\nseeds = [3, 5, 8]\nselect = [0.5, 0.9]\nreference = \"PILoT\"\n\
    [data]\nset = \"digits\"\nvalidation = 238\nimages = 700\n[network]\nname = \"mlp-small\"\n\
    [train]\nepochs = 3\nbatch = 50\n[optimizer]\nrate = 0.1\nmomentum = 0.9\nschedule = \"cosine\"\n[prune]\nlevels = 12\n\
    [[method]]\nlabel = \"PILoT\"\nname = \"pilot\"\ngrid = { strength = [1e-4, 3e-3] }\n\
    [[method]]\nname = \"str\"\ngrid = { strength = [1e-3, 1e-2] }\nfactors = { strength = 1e-4 }\n";

fn parse(text: &str) -> Result<StudyConfig> {
    StudyConfig::parse(text, Path::new("study.toml"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{e}"));
    let files = entries.filter_map(|e| e.ok()).filter(|e| e.path().is_file());
    files
        .map(|e| {
            let bytes = fs::read(e.path()).unwrap_or_else(|e| panic!("{e}"));
            (e.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect()
}

#[test]
fn choices_are_made_on_validation_images_and_resuming_changes_nothing() -> Result<()> {
    let (study, whole, cut) = (parse(STUDY)?, folder(), folder());
    assert!(StudyConfig::is_one(STUDY));
    let results = run(&study, &Home::Processor, None, whole.path(), false, &mut |_| {})?;
    // Four choices with the first seed, the chosen ones with the other two.
    let runs = fs::read_dir(whole.path().join("runs")).map(Iterator::count).unwrap_or(0);
    assert!((8..=dry_run(&study, None)?.0).contains(&runs), "{runs}");
    // The rule once more, from the file of all runs alone.
    let text = fs::read_to_string(whole.path().join("runs.csv")).unwrap_or_default();
    let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    for c in &results.chosen {
        let label = study.method[c.method].label();
        let at = |choice: &str, seed: &str, column: usize| {
            let level = c.level.to_string();
            let line = lines
                .iter()
                .find(|l| l[0] == label && l[1].ends_with(choice) && l[2] == seed && l[3] == level);
            line.and_then(|l| l[column].parse::<f64>().ok())
        };
        let choices = [["0.0001", "0.003"], ["0.001", "0.01"]][c.method];
        let validation = choices.map(|choice| at(choice, "3", 6).unwrap_or(f64::NAN));
        let best = usize::from(validation[1] > validation[0]);
        assert_eq!((c.choice, c.validation), (best, validation[best]));
        let tests = ["3", "5", "8"].map(|seed| at(choices[best], seed, 7).unwrap_or(f64::NAN));
        let k = results.chosen.iter().position(|o| o == c).unwrap_or(0);
        assert_eq!(results.levels[k][c.level].test, Mean::of(&tests));
    }
    // Differences are taken seed by seed.
    assert_eq!(results.differences.len(), 2);
    assert!(results.differences.iter().all(|d| d.method == 1 && d.difference.count == 3));

    // Cut off: one run is missing, another is in the middle. One worker this time.
    let mut study = study;
    run(&study, &Home::Processor, None, cut.path(), false, &mut |_| {})?;
    let first = cut.path().join("runs/pilot-00-seed3");
    fs::remove_dir_all(&first).unwrap_or_else(|e| panic!("{e}"));
    fs::remove_file(cut.path().join("runs/str-01-seed3/summary.json"))
        .unwrap_or_else(|e| panic!("{e}"));
    fs::remove_file(cut.path().join("study.csv")).unwrap_or_else(|e| panic!("{e}"));
    assert!(run(&study, &Home::Processor, None, cut.path(), false, &mut |_| {}).is_err());
    study.study.jobs = Some(1);
    run(&study, &Home::Processor, None, cut.path(), true, &mut |_| {})?;
    let (whole, cut) = (files(whole.path()), files(cut.path()));
    assert!(whole.contains_key("study.tex") && whole.contains_key("sparsity.npz"));
    assert_eq!(whole.keys().collect::<Vec<_>>(), cut.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        // The .npz files hold a time stamp of their own format only.
        assert!(&cut[name] == bytes, "{name}");
    }
    Ok(())
}

#[test]
fn a_run_that_diverges_is_never_chosen_and_ends_no_study() -> Result<()> {
    // Momentum with 2αη beyond 2(1 + 0.9) does not contract.
    let text = STUDY.replace("[1e-4, 3e-3]", "[1e5, 1e-4]").replace("[3, 5, 8]", "[3]");
    let (study, out) = (parse(&text)?, folder());
    let results = run(&study, &Home::Processor, None, out.path(), false, &mut |_| {})?;
    let pilot = results.chosen.iter().filter(|c| c.method == 0);
    assert!(pilot.clone().count() == 2 && pilot.clone().all(|c| c.choice == 1 && c.edge));
    let text = fs::read_to_string(out.path().join("runs.csv")).unwrap_or_default();
    assert_eq!(text.matches("diverged in epoch 1").count(), 1);
    // One seed has no interval, and none is made up.
    let csv = fs::read_to_string(out.path().join("study.csv")).unwrap_or_default();
    assert!(csv.lines().skip(1).all(|l| l.ends_with(",NaN,NaN,1")), "{csv}");
    Ok(())
}

#[test]
fn what_is_no_fair_comparison_is_refused_in_one_line() {
    for (from, to, says) in [
        ("[1e-4, 3e-3]", "[1e-4]", "as many choices for every method: PILoT has 1"),
        ("seeds = [3, 5, 8]", "seeds = [3, 3]", "study.seeds"),
        ("seeds = [3, 5, 8]", "seeds = []", "study.seeds"),
        ("reference = \"PILoT\"", "reference = \"pilot\"", "one of PILoT, str"),
        ("select = [0.5, 0.9]", "select = [0.99]", "study.select"),
        ("select = [0.5, 0.9]", "select = []", "study.select"),
        ("validation = 238", "validation = 0", "data.validation"),
        ("name = \"str\"", "name = \"pilot\"\nlabel = \"pilot\"", "label of a method"),
        ("name = \"str\"", "name = \"strr\"", "continuous"),
        ("name = \"str\"", "name = \"str\"\nstrenght = 1", "strenght"),
        ("seeds = [3, 5, 8]", "seeds = [3]\ntune = 2", "study.tune"),
        ("levels = 12", "levels = 12\ncycles = 2\nrewind = \"rate\"", "levels or cycles"),
    ] {
        let text = STUDY.replace(from, to);
        assert_ne!(text, STUDY);
        let result = parse(&text).and_then(|study| dry_run(&study, None).map(drop));
        let Err(error) = result else { panic!("{to} is refused") };
        let line = error.to_string();
        assert!(line.contains(says) && !line.contains('\n'), "{to}: {line}");
    }
}

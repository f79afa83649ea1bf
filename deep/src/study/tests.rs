//! Studies on the embedded digits: the rule of choice, resuming, workers, what is no fair
//! comparison.

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
    // The curves are of all seeds too, with their intervals, and name all methods.
    let data = mirrorflow::experiment::Data::read(whole.path(), "sparsity")?;
    assert_eq!(data.config["methods"], serde_json::json!(["PILoT", "str"]));
    for (c, levels) in results.chosen.iter().zip(&results.levels) {
        let curve = data.curve("", &study.method[c.method].label())?;
        let (mean, sparsity) = (100.0 * levels[c.level].test.mean, levels[c.level].sparsity);
        let at = curve.x.iter().position(|x| *x == sparsity).expect("a point at the choice");
        let (low, high) = curve.band.as_ref().expect("three seeds have intervals");
        assert!((curve.y[at] - mean).abs() < 1e-9 && low[at] <= mean && mean <= high[at]);
    }
    // Strengths are drawn over all runs there are: all seeds of what was chosen, the first of the
    // rest, and the title says so.
    let data = mirrorflow::experiment::Data::read(whole.path(), "strength")?;
    let title = "strength at 90 % (interval: 3 seeds, else 1)";
    for method in 0..2 {
        let curve = data.curve(title, &study.method[method].label())?;
        let (low, high) = curve.band.as_ref().expect("what was chosen has an interval");
        let mine =
            || results.chosen.iter().zip(&results.levels).filter(|(c, _)| c.method == method);
        let level = mine().find(|(c, _)| c.select == 0.9).map_or(0, |(c, _)| c.level);
        for choice in 0..2 {
            let levels = mine().find(|(c, _)| c.choice == choice).map(|(_, levels)| levels);
            let mean = levels.map(|levels| 100.0 * levels[level].test.mean);
            assert_eq!(mean.is_some(), low[choice] <= curve.y[choice]);
            assert_eq!(mean.is_some(), high[choice] >= curve.y[choice]);
            assert!(mean.is_none_or(|mean| (mean - curve.y[choice]).abs() < 1e-9));
        }
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
        ("select = [0.5, 0.9]", "select = [0.5, 0.5]", "each sparsity once"),
        ("seeds = [3, 5, 8]", "seeds = [-3]", "-3"),
        ("[1e-4, 3e-3]", "[nan, 1e-3]", "method PILoT"),
        ("[1e-4, 3e-3]", "[-1e-4, 1e-3]", "method PILoT"),
        ("grid = { strength = [1e-4, 3e-3] }", "grid = { strenght = [1e-4, 3e-3] }", "strenght"),
        ("validation = 238", "validation = 0", "data.validation"),
        ("name = \"str\"", "name = \"pilot\"\nlabel = \"pilot\"", "label of a method"),
        ("name = \"str\"", "name = \"strr\"", "continuous"),
        ("name = \"str\"", "name = \"str\"\nstrenght = 1", "strenght"),
        ("seeds = [3, 5, 8]", "seeds = [3]\ntune = 2", "study.tune"),
        ("levels = 12", "levels = 12\ncycles = 2\nrewind = \"rate\"", "levels or cycles"),
        // Neither is looked through level by level.
        ("levels = 12", "levels = 4000000000\nkeep = 1.0", "method PILoT: prune.keep is 1"),
        ("levels = 12", "levels = 4000000000", "method PILoT: prune.levels"),
    ] {
        let text = STUDY.replace(from, to);
        assert_ne!(text, STUDY);
        let result = parse(&text).and_then(|study| dry_run(&study, None).map(drop));
        let Err(error) = result else { panic!("{to} is refused") };
        let line = error.to_string();
        assert!(line.contains(says) && !line.contains('\n'), "{to}: {line}");
    }
}

/// Nothing right at all is still better than nothing left.
#[test]
fn of_equals_the_one_whose_runs_ended_is_chosen() -> Result<()> {
    let study = parse(STUDY)?;
    let row = |validation| crate::train::Row { kept: 1, sparsity: 0.5, validation, test: 0.1 };
    let done = |choice, rows| super::runs::Done { method: 0, choice, seed: 0, rows, trouble: None };
    let best =
        |first, second| super::results::best(&study, &[done(0, first), done(1, second)], 0, 0);
    assert_eq!(best(Vec::new(), vec![row(0.0)]), (1, 0.0));
    assert_eq!(best(vec![row(0.0)], Vec::new()), (0, 0.0));
    assert_eq!(best(vec![row(0.25)], vec![row(0.25)]), (0, 0.25));
    assert_eq!(best(vec![row(0.25)], vec![row(0.5)]), (1, 0.5));
    Ok(())
}

/// A number stands for as many seeds as have one, and says so where those are not all.
#[test]
fn tables_say_of_how_many_seeds_a_number_is() {
    let percent = |samples: &[f64], bold| super::tables::percent(&Mean::of(samples), bold, 3);
    assert_eq!(percent(&[0.5, 0.5, 0.5], false), "$50.00 \\pm 0.00$");
    assert_eq!(percent(&[0.5, 0.5, f64::NAN], true), "$\\mathbf{50.00} \\pm 0.00$ (2)");
    assert_eq!(percent(&[0.5, f64::NAN, f64::NAN], false), "$50.00$ (1)");
    assert_eq!(percent(&[f64::NAN; 3], false), "--");
}

/// Who misses the sparsity wanted is told, when the run ends and when the study is resumed; and
/// strengths are drawn from the least to the largest, in whatever order a grid is written.
#[test]
fn a_missed_sparsity_is_told_and_strengths_are_in_order() -> Result<()> {
    let text = STUDY
        .replace("seeds = [3, 5, 8]", "seeds = [3]")
        .replace("epochs = 3", "epochs = 1")
        .replace(
            "name = \"pilot\"\ngrid = { strength = [1e-4, 3e-3] }",
            "name = \"pilot\"\ntarget = 0.99\ngrid = { rate = [0.1, 0.05] }",
        )
        .replace("[1e-3, 1e-2]", "[1e-2, 1e-3]");
    let (study, out) = (parse(&text)?, folder());
    run(&study, &Home::Processor, None, out.path(), false, &mut |_| {})?;
    let first = files(out.path());
    let runs = String::from_utf8_lossy(&first["runs.csv"]).into_owned();
    assert_eq!(runs.matches("target sparsity 99.01 % missed").count(), 2, "{runs}");
    run(&study, &Home::Processor, None, out.path(), true, &mut |_| {})?;
    assert!(files(out.path())["runs.csv"] == first["runs.csv"]);
    let data = mirrorflow::experiment::Data::read(out.path(), "strength")?;
    assert!(data.curves.iter().any(|c| c.series == "str"));
    assert!(data.curves.iter().all(|c| c.x.is_sorted()));
    Ok(())
}

//! The command as its users meet it: the real binary on small files, right input and wrong.

use std::{
    path::Path,
    process::{Command, Output},
};

use mirrorflow::io::npz::read_arrays;

fn mirrorflow(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

/// A folder with `p.csv` (two rows, three features), `bad.csv` and an infeasible `none.csv`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("writable");
    };
    write("p.csv", "a,b,c,y\n1,0,1,1\n0,1,1,1\n");
    write("bad.csv", "1,2,3\n4,x,6\n");
    write("none.csv", "1,1,1\n1,1,2\n");
    folder
}

#[test]
fn every_command_writes_the_arrays_of_its_contract() {
    let folder = folder();
    let cases: [(&[&str], &[&str]); 4] = [
        (
            &["solve", "p.csv", "--log-a", "-50", "--rigorous", "--out", "o.npz"],
            &["x_limit", "mu", "log_a", "x_l1", "mu_l1", "l1_lower", "l1_upper", "kkt_residual"],
        ),
        (
            &["path", "p.csv", "--from", "0", "--to", "-20", "--points", "5", "--out", "o.npz"],
            &["log_a", "x", "l1", "gap"],
        ),
        (
            &["flow", "p.csv", "--schedule", "geometric:0.5,1", "--times", "1,2", "--out", "o.npz"],
            &["t", "x", "loss", "log_a", "l1"],
        ),
        (
            &[
                "descend", "p.csv", "--step", "0.1", "--steps", "50", "--batch", "1", "--out",
                "o.npz",
            ],
            &["t", "x", "loss", "log_a", "l1"],
        ),
    ];
    for (arguments, names) in cases {
        let output = mirrorflow(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        assert!(!output.stdout.contains(&0x1b), "no colour into a pipe");
        let arrays = read_arrays(folder.path().join("o.npz")).expect("a readable file");
        for name in names.iter().chain(&["meta"]) {
            assert!(arrays.contains_key(*name), "{arguments:?} lacks {name}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn solve_encloses_the_known_minimum() {
    let folder = folder();
    let output = mirrorflow(folder.path(), &["solve", "p.csv", "--rigorous", "--out", "o.npz"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let arrays = read_arrays(folder.path().join("o.npz")).expect("a readable file");
    let number = |name: &str| arrays[name].as_f64().expect("a number")[0];
    // x = (0, 0, 1).
    assert!(number("l1_lower") <= 1.0 && 1.0 <= number("l1_upper"));
    assert!(number("l1_upper") - number("l1_lower") < 1e-9);
}

#[test]
fn json_is_one_object() {
    let folder = folder();
    for arguments in [
        &["solve", "p.csv", "--json"][..],
        &["verify", "lemma-a.2", "--quick", "--json"],
        &["verify", "--list", "--json"],
    ] {
        let output = mirrorflow(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        let value: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert!(value.is_object(), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn verify_reports_what_it_found() {
    let folder = folder();
    let output =
        mirrorflow(folder.path(), &["verify", "lemma-a.1", "thm-3.1", "--quick", "--out", "r"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = std::fs::read(folder.path().join("r/report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["schema"], "mirrorflow-report/1");
    assert_eq!(report["claims"][0]["statements"][0]["outcome"], "fails");
    assert_eq!(report["claims"][0]["statements"][1]["outcome"], "holds");
    assert_eq!(report["claims"][0]["statements"][1]["controls"][0]["failed"], true);
    let page = std::fs::read_to_string(folder.path().join("r/report.html")).expect("a page");
    assert!(page.contains("<math>") && page.contains("lemma-a.1"));
    let table = std::fs::read_to_string(folder.path().join("r/report.tex")).expect("a table");
    assert!(table.contains("\\begin{longtable}"));
}

#[test]
fn open_questions_are_studied_and_saved() {
    let folder = folder();
    let output = mirrorflow(
        folder.path(),
        &["verify", "--open-questions", "--quick", "--seed", "3", "--out", "studies"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for name in ["question_1_schedules", "question_3_features", "question_4_beta"] {
        let path = folder.path().join(format!("studies/{name}.csv"));
        let text = std::fs::read_to_string(path).expect("saved");
        assert!(text.starts_with("# mirrorflow ") && text.contains("seed 3"), "{text}");
    }
    let both = mirrorflow(folder.path(), &["verify", "--open-questions", "--list"]);
    assert_eq!(both.status.code(), Some(2));
}

const DESCEND: [&str; 8] = ["descend", "p.csv", "--step", "0.1", "--steps", "50", "--out", "o.npz"];

#[test]
fn devices_says_what_is_here_or_what_is_missing() {
    let folder = folder();
    let output = mirrorflow(folder.path(), &["devices"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("threads, SIMD: ") && text.contains("--device auto takes "), "{text}");
    let output = mirrorflow(folder.path(), &["devices", "--json"]);
    let value: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(value["cpu"]["threads"].as_u64().is_some_and(|n| n > 0), "{value}");
    // Where there is no GPU, the reason stands there; where there is one, its name.
    let usable = value["cuda"]["usable"].as_bool().expect("yes or no");
    assert_eq!(usable, value["cuda"]["missing"].is_null(), "{value}");
    let gpus = value["cuda"]["gpus"].as_array().expect("a list");
    assert!(!usable || gpus.iter().all(|gpu| gpu["name"].is_string()), "{value}");
}

/// The processor whatever it is called, and the GPU where there is one: the same descent.
#[test]
fn every_device_descends_alike() {
    let folder = folder();
    let mut devices = vec!["auto", "cpu"];
    let found = mirrorflow(folder.path(), &["devices", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
    if found["cuda"]["usable"] == true {
        devices.push("cuda:0");
    }
    let mut ends: Vec<Vec<f64>> = Vec::new();
    for device in devices {
        let schedule = ["--schedule", "geometric:0.5,1", "--device", device];
        let output = mirrorflow(folder.path(), &[&DESCEND[..], &schedule].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let arrays = read_arrays(folder.path().join("o.npz")).expect("a readable file");
        ends.push(arrays["x"].as_f64().expect("numbers").to_vec());
    }
    for end in &ends {
        assert_eq!(end.len(), ends[0].len());
        assert!(end.iter().zip(&ends[0]).all(|(a, b)| (a - b).abs() <= 1e-12));
    }
}

#[test]
fn wrong_input_is_one_line_and_exit_code_2() {
    let folder = folder();
    let cases: [(&[&str], &str); 17] = [
        (&[], "no command"),
        (&["solve", "absent.npz"], "absent.npz"),
        (&["solve", "."], "."),
        (&["solve", "bad.csv"], "line 2, column 2"),
        (&["solve", "p.csv", "--schedule", "geometric:1"], "geometric"),
        (&["solve", "p.csv", "--log-a", "nan"], "nan"),
        (&["solve", "p.csv", "--log-a", "-5", "--schedule", "none"], "cannot be used with"),
        (&["solve", "p.csv", "--beta", "-1"], "-1"),
        (&["solve", "p.csv", "--out", "no/such/o.npz"], "no/such"),
        (&["path", "p.csv", "--points", "0", "--out", "o.npz"], "points"),
        (&["flow", "p.csv", "--times", "2,1", "--out", "o.npz"], "increasing"),
        (&["flow", "p.csv", "--method", "euler", "--out", "o.npz"], "euler"),
        (&["descend", "p.csv", "--step", "0", "--steps", "1", "--out", "o.npz"], "step"),
        (&[&DESCEND[..], &["--device", "gpu"]].concat(), "auto, cpu or cuda:N"),
        (&[&DESCEND[..], &["--device", "cuda"]].concat(), "cuda:0"),
        // No machine has so many.
        (&[&DESCEND[..], &["--device", "cuda:4000"]].concat(), "cuda:4000: "),
        (&["verify", "thm-9"], "thm-3.1"),
    ];
    for (arguments, part) in cases {
        let output = mirrorflow(folder.path(), arguments);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
        assert!(line.contains(part), "{arguments:?}: {line}");
    }
    assert!(!folder.path().join("o.npz").exists());
}

/// However a negative number is written, it is the value of its option and no option itself.
#[test]
fn negative_numbers_are_values() {
    let folder = folder();
    for (from, to) in [("-1e-300", "-2E+1"), ("-.5", "-1.5e1"), ("3", "-1e3")] {
        let path = ["path", "p.csv", "--from", from, "--to", to, "--points", "3", "--out", "n.npz"];
        let output = mirrorflow(folder.path(), &path);
        assert_eq!(output.status.code(), Some(0), "{from} {to}: {output:?}");
    }
    let solved = mirrorflow(folder.path(), &["solve", "p.csv", "--log-a", "-1e-300"]);
    assert_eq!(solved.status.code(), Some(0), "{solved:?}");
    let descend =
        |more: &[&'static str]| [&["descend", "p.csv", "--out", "n.npz"][..], more].concat();
    for (arguments, parts) in [
        (descend(&["--steps", "1", "--step", "-1e-3"]), ["-1e-3", "a number > 0"]),
        (descend(&["--step", "1e-3", "--steps", "-5"]), ["-5", "a whole number of 1 or more"]),
        (descend(&["--step", "1", "--steps", "1", "--batch", "-2"]), ["-2", "number of 1 or more"]),
        (descend(&["--step", "1", "--steps", "1", "--seed", "-2"]), ["-2", "number of 0 or more"]),
        (
            descend(&["--step", "1", "--steps", "1", "--record-every", "-2"]),
            ["-2", "number of 0 or more"],
        ),
        (vec!["flow", "p.csv", "--out", "n.npz", "--times", "-1,2"], ["-1", "a number >= 0"]),
        (vec!["flow", "p.csv", "--out", "n.npz", "--rtol", "-1e-9"], ["-1e-9", "a number > 0"]),
        (
            vec!["flow", "p.csv", "--out", "n.npz", "--max-steps", "-1"],
            ["-1", "number of 1 or more"],
        ),
        (vec!["path", "p.csv", "--out", "n.npz", "--points", "-3"], ["-3", "--points"]),
        (vec!["path", "p.csv", "--out", "n.npz", "--from", "-inf"], ["-inf", "finite"]),
        (vec!["verify", "--seed", "-3"], ["-3", "--seed"]),
        (vec!["figures", "--seed", "-3"], ["-3", "--seed"]),
    ] {
        let output = mirrorflow(folder.path(), &arguments);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let told = line.lines().count() == 1 && parts.iter().all(|part| line.contains(part));
        assert!(told && !line.contains("unexpected"), "{arguments:?}: {line}");
    }
}

/// x is finite, its loss is not: nothing is known of such an end.
#[test]
fn a_loss_beyond_the_floats_is_exit_code_1() {
    let folder = folder();
    for (csv, steps) in [("1e160,1,1\n", "1"), ("1,2,1e160\n3,-1,1\n", "3")] {
        std::fs::write(folder.path().join("big.csv"), csv).expect("writable");
        let step = if steps == "1" { "1e-3" } else { "1e-300" };
        let arguments =
            ["descend", "big.csv", "--step", step, "--steps", steps, "--out", "loss.npz"];
        let output = mirrorflow(folder.path(), &arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{csv}: {output:?}");
        assert!(text.contains("the loss is inf at"), "{csv}: {text}");
        // What was reached is there all the same, with how it ended.
        let arrays = read_arrays(folder.path().join("loss.npz")).expect("a readable file");
        assert!(arrays["status"].as_text().is_some_and(|t| t[0].starts_with("the loss is inf")));
    }
}

#[test]
fn an_infeasible_problem_is_exit_code_1() {
    let folder = folder();
    let output = mirrorflow(folder.path(), &["solve", "none.csv"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder.path())
        .args(["verify", "lemma-a.2", "--quick", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // Nobody reads what it prints.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn claims_are_found_without_regard_to_case_and_punctuation() {
    let folder = folder();
    for id in ["LEMMA-A.2", "lemma a.2", "lemmaa2", "Lem. A.2"] {
        let output = mirrorflow(folder.path(), &["verify", "--list", id]);
        assert_eq!(output.status.code(), Some(0), "{id}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with("lemma-a.2") && text.lines().count() == 1, "{id}: {text}");
    }
    for (id, near) in [("lemma", "lemma-a.1"), ("thm32x", "thm-3.2"), ("nothing like it", "--list")]
    {
        let output = mirrorflow(folder.path(), &["verify", id]);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{id}: {output:?}");
        assert!(line.lines().count() == 1 && line.contains(near), "{id}: {line}");
    }
}

/// The longest number in a text, as its digits.
fn longest_number(text: &str) -> usize {
    let runs = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    runs.map(|run| run.chars().filter(char::is_ascii_digit).count()).max().unwrap_or(0)
}

#[test]
fn numbers_on_the_terminal_are_for_people_however_extreme_they_are() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("writable");
    };
    write("large.csv", "a,b,y\n1,2,1e300\n");
    write("small.csv", "a,b,y\n1,2,1e-300\n");
    let cases: [&[&str]; 12] = [
        &["flow", "p.csv", "--rtol", "1e300", "--out", "o.npz"],
        &["solve", "p.csv", "--schedule", "piecewise:0=1e-300,1e-299=-1e-300"],
        &["solve", "large.csv"],
        &["solve", "small.csv", "--rigorous"],
        &["solve", "small.csv", "--log-a", "-1000"],
        &["solve", "p.csv", "--schedule", "constant:1e-300"],
        &["path", "large.csv", "--points", "3", "--out", "o.npz"],
        &["path", "small.csv", "--points", "3", "--out", "o.npz"],
        &["flow", "p.csv", "--t-end", "1.62e-10", "--out", "o.npz"],
        &["flow", "small.csv", "--t-end", "1e-300", "--out", "o.npz"],
        &["descend", "large.csv", "--step", "1e-300", "--steps", "3", "--out", "o.npz"],
        &["descend", "p.csv", "--step", "1e300", "--steps", "3", "--out", "o.npz"],
    ];
    for arguments in cases {
        let output = mirrorflow(folder.path(), arguments);
        let said = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&said).into_owned();
        assert!(!text.is_empty(), "{arguments:?}");
        assert!(longest_number(&text) <= 17, "{arguments:?}: {text}");
        assert!(!text.contains(['\\', '$', '{']), "{arguments:?}: {text}");
    }
    let short = ["flow", "p.csv", "--t-end", "1.62e-10", "--out", "o.npz"];
    let output = mirrorflow(folder.path(), &short);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("t = 1.62e-10\n"), "{text}");
}

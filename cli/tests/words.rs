//! What the command says to people: numbers as they are read, mistakes in words, nothing of the
//! system's or a typesetter's own.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mirrorflow"));
    command.args(args).current_dir(folder).output().unwrap_or_else(|e| panic!("{e}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
    // x = (1, 0, 0) has the least L1 norm; at log a = -40 the limit is there.
    let csv = "a,b,c,y\n1,0.5,0.25,1\n0,1,-1,0\n";
    fs::write(folder.path().join("p.csv"), csv).unwrap_or_else(|e| panic!("{e}"));
    folder
}

const COMMANDS: [&str; 8] =
    ["verify", "solve", "path", "flow", "descend", "figures", "train", "devices"];

#[test]
fn helps_have_numbers_as_people_write_them() {
    let folder = folder();
    for command in COMMANDS {
        let help = text(&run(folder.path(), &[command, "--help"]).stdout);
        assert!(help.contains("Usage: mirrorflow"), "{help}");
        assert!(!help.contains("0.0000") && !help.contains("_{"), "{help}");
    }
    for (command, default) in [("solve", "1e-9"), ("flow", "1e-8"), ("flow", "1e-12")] {
        let help = text(&run(folder.path(), &[command, "--help"]).stdout);
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
}

#[test]
fn mistakes_are_told_in_one_line_of_words() {
    let folder = folder();
    for (args, says) in [
        (&["solve", "absent.npz"][..], "No such file"),
        (&["train", "absent.toml"], "No such file"),
        (&["path", "p.csv", "--points", "3", "--out", "absent/o.npz"], "absent"),
        (&["solve", "p.csv", "--max-iterations", "0"], "a whole number of 1 or more"),
        (&["solve", "p.csv", "--max-iterations", "9999999999"], "or more with at most 9 digits"),
        (&["flow", "p.csv", "--max-steps", "0", "--out", "o.npz"], "a whole number of 1 or more"),
        (&["path", "p.csv", "--points", "1", "--out", "o.npz"], "from 2 to 1000000"),
        (&["solve", "p.csv", "--schedule", "geometric:0.5"], "found 1 number "),
        (&["figures", "fig9"], "expected one of fig1a"),
    ] {
        let output = run(folder.path(), args);
        let line = text(&output.stderr);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
        assert!(line.contains(says), "{line}");
        for unread in ["os error", ".partial", "18446744073709551615", "4294967295", "0000000"] {
            assert!(!line.contains(unread), "{line}");
        }
    }
    fs::write(folder.path().join("b.toml"), [0xff, 0xfe, 0x00]).unwrap_or_else(|e| panic!("{e}"));
    let line = text(&run(folder.path(), &["train", "b.toml"]).stderr);
    assert!(line.contains("not a text in UTF-8, expected a configuration in TOML"), "{line}");
}

#[test]
fn names_of_figures_are_matched_without_regard_to_case_and_punctuation() {
    let folder = folder();
    for name in ["FIG1C", "Fig. 1c"] {
        let output = run(folder.path(), &["figures", name, "--quick", "--out", "f"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        // Who says what is checked, and no script is left to be typeset.
        assert!(
            said.contains("holds (the paper's): ") && said.contains("holds (ours): "),
            "{said}"
        );
        assert!(!said.contains("_{") && !said.contains("^{"), "{said}");
    }
}

#[test]
fn results_say_what_a_number_is_relative_to() {
    let folder = folder();
    let output = run(
        folder.path(),
        &["path", "p.csv", "--from", "0", "--to", "-40", "--points", "3", "--out", "o.npz"],
    );
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("at the last, relative to the least ‖x‖₁"), "{said}");
    let said = text(&run(folder.path(), &["solve", "p.csv"]).stdout);
    assert!(said.contains("falls like a^δ") && !said.contains("_∞"), "{said}");
    for words in ["converged (by LASSO homotopy)", "the minimum is proved", "relative"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    // Of 0 there is nothing to say in powers of ten.
    fs::write(folder.path().join("z.csv"), "a,b,y\n1,0.5,0\n").unwrap_or_else(|e| panic!("{e}"));
    let said = text(&run(folder.path(), &["solve", "z.csv"]).stdout);
    assert!(said.contains("the minimum is proved, to the last digit"), "{said}");
    assert!(said.contains("(the only solution)") && !said.contains("e0"), "{said}");
}

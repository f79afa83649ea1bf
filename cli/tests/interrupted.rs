//! Ctrl-C and SIGTERM on the real binary: one line, the code 128 + signal, within a second, what
//! was reached where a command can keep it, and no temporary file.
#![cfg(unix)]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use mirrorflow::{
    io::npz::{Writer, read_arrays},
    problem::Generator,
};

const INT: (&str, i32) = ("INT", 130);
const TERM: (&str, i32) = ("TERM", 143);

/// A folder with a problem `p.npz` of this size.
fn folder(samples: usize, features: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let problem =
        Generator::gaussian(samples, features, samples / 2, 1).problem().expect("a problem");
    let mut out = Writer::create(folder.path().join("p.npz")).expect("writable");
    out.f64("Z", &[samples, features], problem.z_rows()).expect("written");
    out.f64("y", &[samples], problem.y()).expect("written");
    out.finish().expect("written");
    folder
}

/// Starts the command, lets it run for `head`, sends the signal; what came, and how long after it.
fn interrupt(
    folder: &Path,
    arguments: &[&str],
    signal: &str,
    head: Duration,
) -> (Output, Duration) {
    let child = Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    std::thread::sleep(head);
    let sent = Instant::now();
    let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(kill.expect("kill").success(), "{arguments:?} ended by itself");
    let output = child.wait_with_output().expect("it ends");
    (output, sent.elapsed())
}

fn one_line(output: &Output, code: i32, after: Duration, part: &str) {
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(line.lines().count() == 1 && line.starts_with("interrupted by "), "{line}");
    assert!(line.contains(part), "{line}");
    // A second, and what a busy machine adds to it.
    assert!(after < Duration::from_secs(3), "{after:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[test]
fn flow_and_descend_write_what_they_reached() {
    let folder = folder(10, 30);
    let path = folder.path();
    // So far that the steps, which stability keeps short, do not get there.
    let (far, most) = ("1e9", "1000000000000");
    for (arguments, (signal, code)) in [
        (vec!["descend", "p.npz", "--step", "1e-6", "--steps", "1000000000000"], INT),
        (
            vec![
                "flow",
                "p.npz",
                "--method",
                "dopri5",
                "--form",
                "primal",
                "--t-end",
                far,
                "--times",
                "0,0.5",
                "--max-steps",
                most,
            ],
            TERM,
        ),
    ] {
        let all = [&arguments[..], &["--out", "o.npz"]].concat();
        let (output, after) = interrupt(path, &all, signal, Duration::from_millis(700));
        one_line(&output, code, after, "o.npz holds what was reached, t = ");
        assert_eq!(names(path), ["o.npz", "p.npz"]);
        let arrays = read_arrays(path.join("o.npz")).expect("a whole file");
        let t = arrays["t"].as_f64().expect("times");
        assert!(t.len() >= 2 && t.iter().all(|t| t.is_finite()), "{t:?}");
        assert_eq!(arrays["x"].shape, [t.len(), 30]);
        let status = &arrays["status"].as_text().expect("a text")[0];
        assert!(status.starts_with("interrupted at t = "), "{status}");
        assert!(arrays["meta"].as_text().expect("a text")[0].contains("\"complete\":false"));
        std::fs::remove_file(path.join("o.npz")).expect("removed");
    }
}

#[test]
fn path_writes_the_points_it_reached() {
    let folder = folder(40, 200);
    let arguments = ["path", "p.npz", "--points", "1000000", "--out", "o.npz"];
    let (output, after) = interrupt(folder.path(), &arguments, "INT", Duration::from_secs(1));
    one_line(&output, 130, after, " of 1000000 points");
    let arrays = read_arrays(folder.path().join("o.npz")).expect("a whole file");
    let log_a = arrays["log_a"].as_f64().expect("numbers");
    let rows = log_a.len();
    assert!((1..1_000_000).contains(&rows) && log_a[0] == 20.0, "{rows}");
    assert_eq!(arrays["x"].shape, [rows, 200]);
    assert_eq!(arrays["converged"].as_bool().map(<[bool]>::len), Some(rows));
    assert!(arrays["status"].as_text().expect("a text")[0].starts_with("interrupted after "));
    assert_eq!(names(folder.path()), ["o.npz", "p.npz"]);
}

#[test]
fn commands_that_keep_nothing_end_at_once() {
    let folder = folder(500, 5000);
    let path = folder.path();
    std::fs::write(path.join("o.npz"), "as it was").expect("writable");
    for (arguments, (signal, code), part) in [
        (vec!["solve", "p.npz", "--rigorous", "--out", "o.npz"], TERM, "nothing was written"),
        (vec!["verify", "--thorough", "--out", "r"], INT, "r holds no report of this run"),
        (vec!["figures", "--out", "f"], TERM, "the files that are in f are whole"),
    ] {
        let (output, after) = interrupt(path, &arguments, signal, Duration::from_millis(400));
        one_line(&output, code, after, part);
    }
    assert_eq!(std::fs::read(path.join("o.npz")).expect("there"), b"as it was");
    let partial = |name: &&String| name.contains("partial");
    assert_eq!(names(path).iter().filter(partial).count(), 0);
}

#[test]
fn train_ends_with_the_way_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = root.join("experiments/digits/pilot.toml");
    let config = config.to_str().expect("a path");
    let arguments = ["train", config, "--out", "run", "--device", "cpu"];
    let (output, after) = interrupt(folder.path(), &arguments, "INT", Duration::from_millis(700));
    one_line(&output, 130, after, "run holds what was done, --resume goes on from there");
    let left = names(&folder.path().join("run"));
    assert!(left.iter().all(|name| !name.contains("partial")), "{left:?}");
}

/// However early it comes: the way on that the line names can be gone. SIGTERM, because shells
/// start jobs in the background with SIGINT ignored, and one that comes before the command listens
/// is then lost.
#[test]
fn train_names_a_way_on_only_where_there_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = root.join("experiments/digits/pilot.toml");
    let config = config.to_str().expect("a path");
    for after in [2, 5, 10, 20, 40, 80, 160] {
        let out = format!("run{after}");
        let arguments = vec!["train", config, "--out", &out, "--device", "cpu"];
        let wait = Duration::from_millis(after);
        let (output, _) = interrupt(folder.path(), &arguments, "TERM", wait);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        if line.contains("--resume") {
            let again = [&arguments[..], &["--resume"]].concat();
            let (output, _) = interrupt(folder.path(), &again, "TERM", Duration::from_millis(400));
            let line = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(143), "after {after} ms: {line}");
        } else {
            assert!(!folder.path().join(&out).join("metrics.csv").exists(), "{after} ms: {line}");
        }
    }
}

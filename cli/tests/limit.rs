//! `mirrorflow solve` and `path` on the problems of which the limit once was wrong: zero targets,
//! columns in mixed units, targets rounded to float32, no target with a tilt, no equation at all,
//! rows that only look contradictory. Right values by Newton's method at 60 digits, or by hand.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use mirrorflow::io::npz::{Writer, read_arrays};
use mirrorflow::problem::Generator;

/// Runs the command on this file, has it converge, and gives an array of what it wrote.
fn converged(folder: &Path, arguments: &[&str], array: &str) -> Vec<f64> {
    let output = Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .args(arguments)
        .args(["--out", "o.npz"])
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    assert!(text.contains("converged"), "{arguments:?}: {text}");
    let arrays = read_arrays(folder.join("o.npz")).expect("a readable file");
    arrays[array].as_f64().expect("numbers").to_vec()
}

fn folder(csv: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("p.csv"), csv).expect("writable");
    folder
}

/// Entry by entry to a relative 1e-9; 0 is 0.
fn agree(found: &[f64], right: &[f64], about: &str) {
    assert_eq!(found.len(), right.len(), "{about}");
    for (f, r) in found.iter().zip(right) {
        assert!((f - r).abs() <= 1e-9 * r.abs(), "{about}: {found:?}, not {right:?}");
    }
}

#[test]
fn a_zero_target_is_no_false_alarm() {
    for (csv, right) in [
        ("0,1,0\n1,2,-2\n", [-2.0, 0.0]),
        ("1,0,0\n1,1,1\n", [0.0, 1.0]),
        ("1,1,0\n1,-1,4\n", [2.0, -2.0]),
    ] {
        for log_a in ["-50", "-200", "-1e4", "-1e6"] {
            let folder = folder(csv);
            let arguments = ["solve", "p.csv", "--log-a", log_a];
            let x = converged(folder.path(), &arguments, "x_limit");
            for (f, r) in x.iter().zip(right) {
                // The entry that ought to be 0 is so to rounding of the others.
                assert!((f - r).abs() <= 1e-14, "{csv:?} at {log_a}: {x:?}");
            }
        }
    }
}

#[test]
fn columns_in_units_far_apart_have_all_their_digits() {
    let square = folder("1,1e8,1\n1,-1e8,0.5\n");
    let x = converged(square.path(), &["solve", "p.csv"], "x_limit");
    agree(&x, &[0.75, 2.5e-9], "square");
    let wide = folder("1,1e4,1e-4,2,1\n2,-1e4,3e-4,1,0.5\n");
    let x = converged(wide.path(), &["solve", "p.csv"], "x_limit");
    agree(&x[2..3], &[3.20807878543e-5], "wide");
    for row in [[1.0, 1e4, 1e-4, 2.0, 1.0], [2.0, -1e4, 3e-4, 1.0, 0.5]] {
        let sum: f64 = row.iter().zip(&x).map(|(z, x)| z * x).sum();
        assert!((sum - row[4]).abs() < 1e-14, "{x:?}");
    }
}

#[test]
fn targets_of_float32_converge_however_small_a_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/limit_float32.npz");
    let file = file.to_str().expect("text");
    let norm = |x: &[f64]| x.iter().map(|v| v.abs()).sum::<f64>();
    for log_a in ["-200", "-1000", "-1e4", "-1e5", "-1e6"] {
        let x = converged(folder.path(), &["solve", file, "--log-a", log_a], "x_limit");
        assert!((norm(&x) - 4.635053).abs() < 5e-7, "{log_a}: {}", norm(&x));
    }
    let l1 = converged(folder.path(), &["path", file], "l1");
    assert!((l1[59] - 4.635053).abs() < 5e-7, "{l1:?}");
}

#[test]
fn no_target_with_a_tilt_has_one_minimiser() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut out = Writer::create(folder.path().join("p.npz")).expect("writable");
    out.f64("Z", &[1, 2], &[1.6641099071752175, 0.7951828838336211]).expect("written");
    out.f64("y", &[1], &[0.0]).expect("written");
    out.f64("m0", &[2], &[0.010774206806660736, 0.0014260566276234415]).expect("written");
    out.f64("w0", &[2], &[-0.0073000055555112586, 0.0]).expect("written");
    out.finish().expect("written");
    let x = converged(folder.path(), &["solve", "p.npz"], "x_limit");
    agree(&x, &[-4.196498660436525e-7, 8.78217468994346e-7], "a tilt");
}

#[test]
fn a_path_without_any_equation_stays_at_zero() {
    let row = "0,0,0,0\n".repeat(5);
    let folder = folder(&format!("a,b,c,y\n{row}"));
    for array in ["x", "l1", "gap"] {
        let values = converged(folder.path(), &["path", "p.csv"], array);
        assert!(values.iter().all(|v| *v == 0.0), "{array}: {values:?}");
    }
}

/// Once the gap has come to rounding it stays there, and ‖x‖₁ is the minimum to 12 digits.
#[test]
fn the_gap_of_a_planted_path_falls_to_rounding_and_stays() {
    let problem = Generator::gaussian(60, 400, 6, 5).problem().expect("valid");
    let truth: f64 = problem.x_true().expect("planted").iter().map(|v| v.abs()).sum();
    let folder = tempfile::tempdir().expect("a folder");
    let mut out = Writer::create(folder.path().join("p.npz")).expect("writable");
    out.f64("Z", &[60, 400], problem.z_rows()).expect("written");
    out.f64("y", &[60], problem.y()).expect("written");
    out.finish().expect("written");
    let gap = converged(folder.path(), &["path", "p.npz"], "gap");
    let first = gap.iter().position(|g| *g <= 1e-13).expect("falls to rounding");
    assert!(gap[first..].iter().all(|g| g.abs() <= 1e-13), "{gap:?}");
    let l1 = converged(folder.path(), &["path", "p.npz"], "l1");
    assert!((l1[59] / truth - 1.0).abs() < 1e-12, "{} {truth}", l1[59]);
}

/// `solve --rigorous` on what no text file holds to the last digit: x, and exit code 0.
fn solved_exactly(z: [[f64; 2]; 2], y: [f64; 2], right: [f64; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = Writer::create(folder.path().join("p.npz")).expect("writable");
    file.f64("Z", &[2, 2], z.as_flattened()).expect("an array");
    file.f64("y", &[2], &y).expect("an array");
    file.finish().expect("written");
    for array in ["x_limit", "x_l1"] {
        let x = converged(folder.path(), &["solve", "p.npz", "--rigorous"], array);
        agree(&x, &right, array);
    }
}

#[test]
fn rows_an_ulp_apart_are_no_contradiction() {
    solved_exactly([[1.0, 1.0 + f64::EPSILON], [1.0, 1.0]], [f64::EPSILON, 0.0], [-1.0, 1.0]);
}

/// No product of such columns with a vector that tells the rows apart is to vanish by underflow.
#[test]
fn columns_at_both_ends_of_doubles_are_no_contradiction() {
    let (low, high) = (2f64.powi(-900), 2f64.powi(200));
    solved_exactly([[low, high], [low, -2.0 * high]], [1.0, 1.0], [2f64.powi(900), 0.0]);
}

#[test]
fn a_lower_bound_of_zero_is_no_contradiction() {
    let (low, high) = (2f64.powi(-600), 2f64.powi(600));
    solved_exactly([[low, high], [low, -high]], [low, low], [1.0, 0.0]);
}

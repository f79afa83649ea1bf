//! `solve` on small files where rounding once made its words contradict each other: values by exact
//! rational linear programs.

use std::path::Path;
use std::process::{Command, Output};

use mirrorflow::io::npz;
use serde_json::Value;

fn solve(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .arg("solve")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

/// `solve` of Z (d×n) and y as npz, its JSON and its exit code.
fn answer(z: &[f64], y: &[f64], more: &[&str]) -> (Value, i32) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), z, y);
    let output = solve(folder.path(), &[&["p.npz", "--json"], more].concat());
    let value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    (value, output.status.code().expect("an exit code"))
}

fn write(folder: &Path, z: &[f64], y: &[f64]) {
    let mut writer = npz::Writer::create(folder.join("p.npz")).expect("writable");
    writer.f64("Z", &[y.len(), z.len() / y.len()], z).expect("written");
    writer.f64("y", &[y.len()], y).expect("written");
    writer.finish().expect("complete");
}

/// The bounds contain `l1` and agree to 1e-9, and the words are those of a proof.
fn proves(value: &Value, l1: f64) {
    let number = |name: &str| value[name].as_f64().expect("a number");
    let (lower, upper) = (number("l1_lower"), number("l1_upper"));
    assert!(lower <= l1 * (1.0 + 1e-15) && l1 * (1.0 - 1e-15) <= upper, "{value}");
    assert!(upper - lower <= 1e-9 * upper, "{value}");
    assert!(value["farkas"].is_null(), "{value}");
    assert!(value["verdict"].as_str().is_some_and(|v| v.contains("minimum is proved")), "{value}");
    assert!((value["l1"]["l1"].as_f64().expect("a number") - l1).abs() <= 1e-9 * l1, "{value}");
}

#[test]
fn columns_in_mixed_units_have_one_answer() {
    let z = [-2e6, 2e-4, 1e-8, -3e6, -1e-4, 3e-8, 3e6, 3e-4, -3e-8];
    for more in [&["--rigorous"][..], &[]] {
        let (value, _) = answer(&z, &[1.0, -2.0, -2.0], more);
        let l1 = value["l1"]["l1"].as_f64().expect("a number");
        assert!((l1 - 766_686_666.667).abs() < 0.01, "{value}");
        proves(&value, l1);
    }
}

#[test]
fn nearly_dependent_rows_are_not_converged_beside_a_wide_enclosure() {
    let tiny = 2.0_f64.powi(-48);
    for more in [&["--rigorous"][..], &[]] {
        let (value, _) = answer(&[1.0, 0.0, 0.0, 1.0, tiny, 0.0], &[1.0, 1.0 + tiny], more);
        proves(&value, 2.0);
    }
}

#[test]
fn a_difference_of_one_ulp_is_not_no_solution() {
    let e = f64::EPSILON;
    let (value, _) = answer(&[1.0, 1.0 + e, 1.0, 1.0], &[e, 0.0], &["--rigorous"]);
    proves(&value, 2.0);
}

#[test]
fn underflow_is_not_no_solution() {
    let (small, large) = (2.0_f64.powi(-900), 2.0_f64.powi(200));
    let (value, _) = answer(&[small, large, small, -2.0 * large], &[1.0, 1.0], &["--rigorous"]);
    proves(&value, 2.0_f64.powi(900));
}

#[test]
fn a_bound_of_zero_is_not_no_solution() {
    let (small, large) = (2.0_f64.powi(-600), 2.0_f64.powi(600));
    let (value, _) = answer(&[small, large, small, -large], &[small, small], &["--rigorous"]);
    proves(&value, 1.0);
}

#[test]
fn bounds_of_nearly_dependent_rows_are_rounded_outwards() {
    // x = (1/7 + …): by exact rational arithmetic.
    let above = 10.0_f64.next_up();
    let (value, _) = answer(&[7.0, 5.0, 14.0, above], &[1.0, -4.0], &["--rigorous"]);
    let delta = above - 10.0;
    proves(&value, 6.0 / delta + (1.0 + 30.0 / delta) / 7.0);
}

#[test]
fn no_solution_is_a_proof_with_its_integers() {
    let z = [1.0, 2.0, 3.0, 6.0];
    for (y, more) in [(3.0_f64.next_up(), &["--rigorous"][..]), (4.0, &[]), (4.0, &["--rigorous"])]
    {
        let (value, code) = answer(&z, &[1.0, y], more);
        assert_eq!((code, &value["proved"]), (1, &Value::Bool(true)), "{value}");
        let u: Vec<i64> = (value["farkas"]["u_exact"].as_array().expect("a list").iter())
            .map(|v| v.as_str().expect("digits").parse().expect("an integer"))
            .collect();
        assert_eq!(u, [-3, 1]);
        assert!(value["status"].as_str().is_some_and(|v| v.contains("no solution")), "{value}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &z, &[1.0, 4.0]);
    let output = solve(folder.path(), &["p.npz"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("no solution: proved") && !text.contains("≤ min"), "{text}");
}

#[test]
fn a_contradiction_at_rounding_is_said_beside_the_answer() {
    let (value, _) = answer(&[1.0, 2.0, 3.0, 6.0], &[1.0, 3.0_f64.next_up()], &[]);
    assert!((value["l1"]["l1"].as_f64().expect("a number") - 0.5).abs() < 1e-15, "{value}");
    assert!(value["verdict"].as_str().is_some_and(|v| v.contains("contradict")), "{value}");
}

#[test]
fn the_advice_for_no_solution_can_be_followed() {
    let z = [1.0, 2.0, 3.0, 6.0];
    let more = ["--schedule", "constant:0.1", "--out", "o.npz"];
    let (value, code) = answer(&z, &[1.0, 4.0], &more);
    assert_eq!((code, &value["converged"]), (0, &Value::Bool(true)), "{value}");
    assert!(value["limit"]["status"].as_str().is_some_and(|v| v.contains("LASSO")), "{value}");
    assert!(value["verdict"].as_str().is_some_and(|v| v.contains("no solution")), "{value}");
    assert!(value["l1"].is_null() && value["lp"].is_null(), "{value}");
}

#[test]
fn the_tolerance_is_an_option_and_bad_ones_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[1.0, 3.0], &[1.0]);
    for (tolerance, code) in [("1e-9", 0), ("1e-18", 1), ("0", 2), ("nan", 2)] {
        let output = solve(folder.path(), &["p.npz", "--tolerance", tolerance]);
        assert_eq!(output.status.code(), Some(code), "{tolerance}: {output:?}");
    }
}

/// A row of 1e-300 and 1e300: the minimum y/1e300 is proved where floats hold it; where they do
/// not, nothing is.
#[test]
fn a_row_from_1e_minus_300_to_1e300_is_proved_or_out_of_range() {
    for (y, l1) in [(1e300, 1.0), (1.0, 1e-300), (1e-5, 1e-305)] {
        for more in [&[][..], &["--rigorous"]] {
            let (value, code) = answer(&[1e-300, 1e300], &[y], more);
            // The other half of a solve is the limit.
            assert_eq!(code == 0, value["limit"]["status"] == "converged", "{y}: {value}");
            let [lower, upper] = ["l1_lower", "l1_upper"].map(|k| value[k].as_f64().expect("one"));
            assert!(lower <= l1 && l1 <= upper && upper - lower <= 1e-9 * upper, "{y}: {value}");
        }
    }
    for y in [1e-20, 1e-30, 1e-43, 1e-300] {
        let (value, code) = answer(&[1e-300, 1e300], &[y], &["--rigorous"]);
        assert_eq!(code, 1, "{y}: {value}");
        let upper = value["l1_upper"].as_f64().expect("a number");
        assert!(upper < f64::MIN_POSITIVE, "{y}: {value}");
        assert!(value["verdict"].as_str().is_some_and(|v| v.contains("other units")), "{value}");
    }
}

#[test]
fn the_slack_is_that_of_the_best_dual_solution() {
    // x = (1, 0, 0) with μ₁ = ½ and μ₂ free; the best is μ₂ = −¼: 1 − ¼.
    let (value, _) = answer(&[2.0, 0.0, 1.0, 0.0, 1.0, 1.0], &[2.0, 0.0], &[]);
    let delta = value["delta"].as_f64().expect("a number");
    assert!((delta - 0.75).abs() < 1e-12, "{value}");
}

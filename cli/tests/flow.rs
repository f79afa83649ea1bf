//! `mirrorflow flow` where m and w are far below the tolerance for x: one answer in both forms and
//! by every method; and times at the ends of the numbers.

use std::{
    path::Path,
    process::{Command, Output},
};

use mirrorflow::integrate::Method;
use mirrorflow::io::npz::read_arrays;

fn flow(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .args(["flow", "p.csv", "--out", "o.npz"])
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn folder(problem: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("p.csv"), problem).expect("writable");
    folder
}

fn array(folder: &Path, name: &str) -> Vec<f64> {
    let arrays = read_arrays(folder.join("o.npz")).expect("a readable file");
    arrays[name].as_f64().expect("numbers").to_vec()
}

#[test]
fn a_small_beta_ends_where_the_dual_form_does() {
    let folder = folder("a,b,c,y\n1,2,0,4\n0,1,1,1\n");
    for (name, _) in Method::ALL {
        for form in ["primal", "dual"] {
            let start = ["--beta", "1e-22", "--t-end", "100", "--form", form, "--method", name];
            let output = flow(folder.path(), &start);
            assert_eq!(output.status.code(), Some(0), "{form} {name}: {output:?}");
            let (x, log_a) = (array(folder.path(), "x"), array(folder.path(), "log_a"));
            let first = x[x.len() - 3];
            assert!((first - 0.914854).abs() < 1e-5, "{form} {name}: {first}");
            let want = 0.5e-22f64.ln();
            assert!(log_a.iter().all(|l| (l - want).abs() < 1e-12), "{form} {name}: {log_a:?}");
        }
    }
}

#[test]
fn an_early_strong_decay_is_recovered_from_in_time() {
    let folder = folder("-1.567948265747384,-1.4927995117877648,-3.060747777535149\n");
    for (name, _) in Method::ALL {
        for form in ["primal", "dual"] {
            let schedule = ["--beta", "4", "--schedule", "piecewise:0=0,0.001=50,0.5=0"];
            let how = ["--times", "0.1,4,10,20", "--rtol", "1e-10", "--atol", "1e-14"];
            let which = ["--form", form, "--method", name];
            let output = flow(folder.path(), &[&schedule[..], &how, &which].concat());
            assert_eq!(output.status.code(), Some(0), "{form} {name}: {output:?}");
            let at_ten = array(folder.path(), "x")[4];
            assert!((at_ten - 0.0216).abs() < 5e-5, "{form} {name}: {at_ten}");
        }
    }
}

#[test]
fn a_run_out_of_steps_says_how_to_allow_more() {
    let folder = folder("1,2,0,4\n0,1,1,1\n");
    let output =
        flow(folder.path(), &["--t-end", "1e308", "--max-steps", "40", "--form", "primal"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("after 40 steps") && text.contains("--max-steps"), "{text}");
    let output = flow(folder.path(), &["--max-steps", "0"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// Everything that is written is a number, and the exit code says whether it got there.
#[test]
fn times_at_the_ends_of_the_numbers_are_an_answer_or_a_status() {
    let folder = folder("1,2,0,4\n0,1,1,1\n");
    let cases: [&[&str]; 5] = [
        &["--t-end", "1e308"],
        &["--times", "1,1.0000000000000002,1.0000000000000004"],
        &["--times", "5e-324,1e-323,1e-300,1e-20"],
        &["--t-end", "5e-324"],
        &["--schedule", "piecewise:0=0,1=1e16,1.0000000000000002=0", "--t-end", "20"],
    ];
    for case in cases {
        for form in ["primal", "dual"] {
            for (name, _) in Method::ALL {
                let how = ["--form", form, "--method", name, "--max-steps", "3000"];
                let output = flow(folder.path(), &[case, &how].concat());
                let code = output.status.code();
                let complete = code == Some(0) || (code == Some(1) && case[1] == "1e308");
                assert!(complete, "{case:?} {form} {name}: {output:?}");
                for array_name in ["t", "x", "loss", "l1", "log_a"] {
                    let values = array(folder.path(), array_name);
                    assert!(values.iter().all(|v| v.is_finite()), "{case:?} {form} {name}");
                }
            }
        }
    }
}

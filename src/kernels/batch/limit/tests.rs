use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::{Batch, Ending, Limits, Options, limits};
use crate::Result;
use crate::numerics::special::log_domain::{a_cosh, a_sinh};
use crate::problem::Generator;

/// Both equations at the answer, each to its rounding. `x = a sinh(2Zᵀμ + θ)` is off by the rounding of s
/// (that of a sum of d products), and by the last correction: Zx − y is then of the size of the noise of x,
/// `4ε(1+|s|)‖x‖`, and comes back through H, whose condition without the weights is below 10 here.
fn check_kkt(batch: &Batch<'_>, b: usize, done: &Limits) {
    let (d, n) = (batch.d, batch.n);
    let (z, one) = (batch.matrix(b), batch.one(b));
    let (x, mu) = (&done.x[b * n..][..n], &done.mu[b * d..][..d]);
    let tilt = |i: usize| one.theta.get(i).copied().unwrap_or(0.0);
    let s: Vec<f64> =
        (0..n).map(|i| tilt(i) + 2.0 * (0..d).map(|j| z[j * n + i] * mu[j]).sum::<f64>()).collect();
    let most = s.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let size = x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let noise = 10.0 * 4.0 * f64::EPSILON * (1.0 + most) * size;
    for i in 0..n {
        let terms: f64 = (0..d).map(|j| (z[j * n + i] * mu[j]).abs()).sum();
        let slack = 1e-15 * (d as f64) * (1.0 + 2.0 * terms + tilt(i).abs());
        let bound = 8.0 * slack * a_cosh(s[i], one.log_a) + noise;
        let off = (x[i] - a_sinh(s[i], one.log_a)).abs();
        assert!(off <= bound, "x[{i}] of {b}: off by {off:e}, {bound:e} allowed");
    }
    for j in 0..d {
        let sum: f64 = (0..n).map(|i| z[j * n + i] * x[i]).sum();
        let terms: f64 = (0..n).map(|i| (z[j * n + i] * x[i]).abs()).sum();
        assert!((sum - one.y[j]).abs() <= 1e-12 * (terms + one.y[j].abs()), "row {j} of {b}");
    }
}

/// y for B problems on one Z, and a ladder of log a.
fn targets(z: &[f64], d: usize, n: usize, count: usize) -> (Vec<f64>, Vec<f64>) {
    let mut y = Vec::new();
    for b in 0..count {
        // Sparse truths, and every third a dense one.
        let x: Vec<f64> =
            (0..n)
                .map(|i| {
                    if b % 3 == 0 || (i + b) % 9 == 0 {
                        ((i * 7 + b * 5) as f64).sin()
                    } else {
                        0.0
                    }
                })
                .collect();
        y.extend((0..d).map(|j| (0..n).map(|i| z[j * n + i] * x[i]).sum::<f64>()));
    }
    let log_a =
        (0..count).map(|b| [50.0, 5.0, -1.0, -20.0, -200.0, -2000.0, -1e5][b % 7]).collect();
    (y, log_a)
}

#[test]
fn the_equations_hold_on_the_whole_range() -> Result<()> {
    let problem = Generator::gaussian(11, 27, 3, 5).problem()?;
    let (d, n) = (11, 27);
    let (y, log_a) = targets(problem.z_rows(), d, n, 42);
    let theta: Vec<f64> = (0..42 * n).map(|k| (k as f64).cos()).collect();
    for theta in [&[][..], &theta] {
        let batch = Batch { d, n, z: problem.z_rows(), y: &y, log_a: &log_a, theta };
        let done = limits(&batch, &Options::default(), None)?;
        for b in 0..42 {
            assert_eq!(done.ending[b], Ending::Converged, "{b}: {:e}", done.residual[b]);
            check_kkt(&batch, b, &done);
        }
    }
    Ok(())
}

#[test]
fn a_problem_is_the_same_alone_in_company_and_on_any_number_of_threads() -> Result<()> {
    let problem = Generator::gaussian(11, 27, 3, 6).problem()?;
    let (d, n, count) = (11, 27, 20);
    let (y, log_a) = targets(problem.z_rows(), d, n, count);
    let each = problem.z_rows().repeat(count);
    let batch = Batch { d, n, z: problem.z_rows(), y: &y, log_a: &log_a, theta: &[] };
    let pool =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let options = Options::default();
    let whole = pool(1).install(|| limits(&batch, &options, None))?;
    for threads in [2, 4] {
        assert_eq!(whole, pool(threads).install(|| limits(&batch, &options, None))?);
    }
    assert_eq!(whole, limits(&Batch { z: &each, ..batch }, &options, None)?);
    let alone = Batch { y: &y[7 * d..8 * d], log_a: &log_a[7..8], ..batch };
    assert_eq!(whole.x[7 * n..8 * n], limits(&alone, &options, None)?.x);
    Ok(())
}

#[test]
fn one_that_is_wrong_leaves_the_others_right() -> Result<()> {
    let problem = Generator::gaussian(5, 12, 2, 7).problem()?;
    let (d, n) = (5, 12);
    let z = problem.z_rows().repeat(6);
    let (y, _) = targets(problem.z_rows(), d, n, 6);
    let log_a = vec![-30.0; 6];
    let batch = Batch { d, n, z: &z, y: &y, log_a: &log_a, theta: &[] };
    let good = limits(&batch, &Options::default(), None)?;
    let (mut bad_z, mut bad_y, mut bad_log_a) = (z.clone(), y.clone(), log_a.clone());
    bad_y[d + 2] = f64::NAN;
    bad_log_a[2] = 51.0;
    let (one, two) = (3 * d * n, 3 * d * n + n);
    bad_z.copy_within(one..two, two); // row 1 of problem 3 is its row 0
    bad_z[4 * d * n + 5] = f64::INFINITY;
    let bad = Batch { z: &bad_z, y: &bad_y, log_a: &bad_log_a, ..batch };
    let done = limits(&bad, &Options::default(), None)?;
    let expected = [
        Ending::Converged,
        Ending::BadInput,
        Ending::BadInput,
        Ending::Dependent,
        Ending::BadInput,
        Ending::Converged,
    ];
    assert_eq!(done.ending, expected);
    for b in 0..6 {
        if expected[b] == Ending::Converged {
            assert_eq!(done.x[b * n..][..n], good.x[b * n..][..n]);
        } else {
            assert!(done.x[b * n..][..n].iter().all(|v| v.is_nan()));
        }
    }
    // No targets: x = 0, or the minimum of the potential where that meets Zx = 0.
    let zero = vec![0.0; 6 * d];
    let done = limits(&Batch { y: &zero, ..batch }, &Options::default(), None)?;
    assert!(done.x.iter().all(|v| *v == 0.0) && done.ending == [Ending::Converged; 6]);
    let few = Options { max_steps: 1, ..Options::default() };
    assert!(limits(&batch, &few, None)?.ending.iter().all(|e| *e != Ending::Converged));
    Ok(())
}

#[test]
fn a_cancelled_batch_says_so_of_every_problem() -> Result<()> {
    let problem = Generator::gaussian(5, 12, 2, 7).problem()?;
    let (d, n, z, y) = (5, 12, problem.z_rows(), problem.y().to_vec());
    let batch = Batch { d, n, z, y: &y, log_a: &[-30.0], theta: &[] };
    let cancel = AtomicBool::new(true);
    let done = limits(&batch, &Options::default(), Some(&cancel))?;
    assert_eq!(done.ending, [Ending::Cancelled]);
    assert!(done.x.iter().chain(&done.mu).all(|v| v.is_nan()));
    Ok(())
}

#[test]
fn wrong_lengths_are_named() {
    let batch = Batch { d: 1, n: 2, z: &[1.0, 2.0], y: &[1.0], log_a: &[0.0], theta: &[] };
    let refuse = |batch: &Batch<'_>, options: Options, part: &str| {
        let why = limits(batch, &options, None).expect_err(part).to_string();
        assert!(why.contains(part), "{why}");
    };
    let options = Options::default();
    refuse(&Batch { z: &[1.0], ..batch }, options, "z has shape (1)");
    refuse(&Batch { y: &[], ..batch }, options, "y has shape (0)");
    refuse(&Batch { theta: &[1.0], ..batch }, options, "theta has shape (1)");
    refuse(&batch, Options { tolerance: 0.0, ..options }, "tolerance");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any size of Z, y and a: the units of the problem do not matter.
    #[test]
    fn the_equations_hold_for_any_problem(
        d in 1_usize..8, extra in 1_usize..20, seed in 0_u64..1000,
        log_a in -300.0..20.0_f64, unit in -60..60_i32,
    ) {
        let n = d + extra;
        let problem = Generator::gaussian(d, n, 1, seed).problem().expect("a problem");
        let scale = f64::from(unit).exp2();
        let y: Vec<f64> = problem.y().iter().map(|v| v * scale).collect();
        let batch = Batch { d, n, z: problem.z_rows(), y: &y, log_a: &[log_a], theta: &[] };
        let done = limits(&batch, &Options::default(), None).expect("lengths are right");
        if done.ending[0] == Ending::Converged {
            check_kkt(&batch, 0, &done);
        } else {
            // Only a matrix that is nearly singular may fail.
            prop_assert_eq!(done.ending[0], Ending::Dependent, "{}", done.residual[0]);
        }
    }
}

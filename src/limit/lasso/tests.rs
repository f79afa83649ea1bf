//! Laws of the LASSO path: KKT at every knot, closed forms, an independent solver, degeneracy.

use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

use crate::limit::*;
use crate::problem::Problem;

/// Largest KKT violation of x at λ, in units of `‖Z_j‖·‖y‖` (the scale of rounding in `Z_jᵀr`).
fn kkt_violation(problem: &Problem, x: &[f64], lambda: f64) -> f64 {
    let (z, y) = (problem.z(), Array1::from(problem.y().to_vec()));
    let level = lambda * problem.samples() as f64;
    let r = &y - &z.dot(&Array1::from(x.to_vec()));
    let y_norm = y.dot(&y).sqrt();
    let mut worst = 0.0_f64;
    for j in 0..problem.features() {
        let column = z.column(j);
        let c = column.dot(&r);
        let violation = if x[j] == 0.0 {
            (c.abs() - level).max(0.0)
        } else {
            (c - level * x[j].signum()).abs()
        };
        let scale = column.dot(&column).sqrt() * y_norm;
        if scale > 0.0 {
            worst = worst.max(violation / scale);
        }
    }
    worst
}

fn objective(problem: &Problem, x: &[f64], lambda: f64) -> f64 {
    let y = Array1::from(problem.y().to_vec());
    let r = &y - &problem.z().dot(&Array1::from(x.to_vec()));
    r.dot(&r) / (2.0 * problem.samples() as f64) + lambda * x.iter().map(|v| v.abs()).sum::<f64>()
}

fn dense_knot(path: &LassoPath, k: usize, n: usize) -> Vec<f64> {
    let mut x = vec![0.0; n];
    path.knot(k).for_each(|(j, v)| x[j] = v);
    x
}

/// KKT at every knot and between every two; `tolerance` in the units of [`kkt_violation`].
fn assert_path_is_optimal(problem: &Problem, path: &LassoPath, tolerance: f64) {
    let n = problem.features();
    assert_eq!(path.status(), LassoStatus::Complete);
    assert_eq!(path.lambdas().last(), Some(&0.0));
    for (k, &lambda) in path.lambdas().iter().enumerate() {
        let violation = kkt_violation(problem, &dense_knot(path, k, n), lambda);
        assert!(violation <= tolerance, "knot {k} at λ = {lambda:e}: {violation:e}");
        if k > 0 {
            let middle = 0.5 * (lambda + path.lambdas()[k - 1]);
            let x = path.at(middle).unwrap();
            // A rounded 0 may carry a sign: test the correlations and the objective's terms alone.
            let x: Vec<f64> = x.iter().map(|v| if v.abs() < 1e-300 { 0.0 } else { *v }).collect();
            let violation = kkt_violation(problem, &x, middle);
            assert!(violation <= tolerance, "before knot {k}: {violation:e}");
        }
    }
}

#[test]
fn orthogonal_design_is_soft_thresholding() {
    // Columns of a 4×4 Hadamard matrix, ‖Z_j‖² = 4: x_j = sgn(b_j)·max(|b_j| − λd/4, 0), b = Zᵀy/4.
    let z = array![
        [1.0, 1.0, 1.0, 1.0],
        [1.0, -1.0, 1.0, -1.0],
        [1.0, 1.0, -1.0, -1.0],
        [1.0, -1.0, -1.0, 1.0]
    ];
    let b = array![3.0, -2.0, 0.5, 0.0];
    let y = z.dot(&b);
    let problem = Problem::new(z, y).unwrap();
    let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
    assert_eq!(path.lambdas(), &[3.0, 2.0, 0.5, 0.0]);
    for lambda in [0.0, 0.1, 0.5, 0.75, 2.0, 2.5, 3.0, 10.0] {
        let x = path.at(lambda).unwrap();
        for j in 0..4 {
            let expected = b[j].signum() * (b[j].abs() - lambda).max(0.0);
            assert!((x[j] - expected).abs() <= 1e-15 * 3.0, "λ = {lambda}, j = {j}: {}", x[j]);
        }
    }
    assert_eq!(path.at(-1.0), None);
    assert_eq!(path.at(f64::NAN), None);
}

/// Cyclic coordinate descent: a second, independent route.
fn coordinate_descent(problem: &Problem, lambda: f64) -> Vec<f64> {
    let (z, d, n) = (problem.z(), problem.samples() as f64, problem.features());
    let mut x = vec![0.0; n];
    let mut r = Array1::from(problem.y().to_vec());
    for _ in 0..20_000 {
        let mut moved = 0.0_f64;
        for j in 0..n {
            let column = z.column(j);
            let square = column.dot(&column);
            let b = column.dot(&r) + square * x[j];
            let new = b.signum() * (b.abs() - lambda * d).max(0.0) / square;
            r.scaled_add(x[j] - new, &column);
            moved = moved.max((x[j] - new).abs());
            x[j] = new;
        }
        if moved < 1e-15 {
            break;
        }
    }
    x
}

/// Deterministic entries that look random, in (−1, 1).
fn hashed(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    Array2::from_shape_fn((rows, cols), |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

#[test]
fn agrees_with_coordinate_descent() {
    let problem = Problem::new(hashed(8, 20, 3), hashed(1, 8, 5).row(0).to_owned()).unwrap();
    let top = lasso_path(&problem, &LassoOptions::default()).unwrap().lambdas()[0];
    for fraction in [0.9, 0.5, 0.2, 0.05] {
        let lambda = fraction * top;
        let (x, status) = lasso(&problem, lambda).unwrap();
        assert_eq!(status, LassoStatus::ReachedLambdaMin);
        let other = coordinate_descent(&problem, lambda);
        // Coordinate descent stops at moves of 1e-15; its error is that over its rate, > 1e-3 here.
        for (a, b) in x.iter().zip(&other) {
            assert!((a - b).abs() < 1e-11, "{a} against {b}");
        }
        assert!(objective(&problem, &x, lambda) <= objective(&problem, &other, lambda) + 1e-14);
    }
}

#[test]
fn events_replay_to_the_support() {
    let problem = Problem::new(hashed(15, 40, 7), hashed(1, 15, 9).row(0).to_owned()).unwrap();
    let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
    let mut active = std::collections::BTreeSet::new();
    let mut last = f64::INFINITY;
    for &(lambda, event) in path.events() {
        assert!(lambda <= last);
        last = lambda;
        match event {
            LassoEvent::Join(j) => assert!(active.insert(j)),
            LassoEvent::Leave(j) => assert!(active.remove(&j)),
        }
    }
    let mut support = path.support().to_vec();
    support.sort_unstable();
    assert_eq!(support, active.into_iter().collect::<Vec<_>>());
    assert_eq!(path.steps(), path.events().len());
    // μ matches on the support and is feasible off it.
    let correlation = problem.z().t().dot(&Array1::from(path.mu().to_vec()));
    for (&j, s) in path.support().iter().zip(path.signs()) {
        assert!((correlation[j] - s).abs() < 1e-13);
    }
    assert!(correlation.iter().all(|c| c.abs() < 1.0 + 1e-13));
}

#[test]
fn stops_where_it_is_told() {
    let problem = Problem::new(hashed(10, 30, 11), hashed(1, 10, 13).row(0).to_owned()).unwrap();
    let whole = lasso_path(&problem, &LassoOptions::default()).unwrap();
    let options = LassoOptions { max_steps: Some(3), ..Default::default() };
    let short = lasso_path(&problem, &options).unwrap();
    assert_eq!(short.status(), LassoStatus::StepLimit);
    assert_eq!(short.lambdas(), &whole.lambdas()[..short.lambdas().len()]);
    assert_eq!(short.at(0.0), None);
    let options = LassoOptions { max_steps: Some(0), ..Default::default() };
    let nothing = lasso_path(&problem, &options).unwrap();
    assert_eq!((nothing.status(), nothing.lambdas().len()), (LassoStatus::StepLimit, 0));
    assert_eq!(nothing.at(0.0), None);
    let options = LassoOptions { max_steps: Some(usize::MAX), ..Default::default() };
    assert_eq!(lasso_path(&problem, &options).unwrap().status(), LassoStatus::Complete);
    let lambda = 0.3 * whole.lambdas()[0];
    let options = LassoOptions { lambda_min: lambda, ..Default::default() };
    let part = lasso_path(&problem, &options).unwrap();
    assert_eq!(part.status(), LassoStatus::ReachedLambdaMin);
    let expected = whole.at(lambda).unwrap();
    for (a, b) in part.last().iter().zip(&expected) {
        assert!((a - b).abs() < 1e-13);
    }
    // Above λ_max nothing is active.
    let (x, status) = lasso(&problem, 2.0 * whole.lambdas()[0]).unwrap();
    assert_eq!(status, LassoStatus::ReachedLambdaMin);
    assert!(x.iter().all(|v| *v == 0.0));
    assert!(lasso(&problem, -1.0).is_err());
    assert!(lasso(&problem, f64::NAN).is_err());
}

#[test]
fn nothing_to_explain_is_the_zero_path() {
    for (z, y) in [
        (array![[1.0, 2.0], [3.0, 4.0]], array![0.0, 0.0]),
        (array![[0.0, 0.0]], array![1.0]),
        (array![[1.0, -1.0], [0.0, 0.0]], array![0.0, 5.0]),
    ] {
        let problem = Problem::new(z, y).unwrap();
        let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
        assert_eq!(path.status(), LassoStatus::Complete);
        assert_eq!(path.at(0.0), Some(vec![0.0; 2]));
        assert_eq!(path.last(), vec![0.0; 2]);
    }
}

#[test]
fn scaling_by_powers_of_two_changes_nothing_else() {
    let (z, y) = (hashed(6, 15, 17), hashed(1, 6, 19).row(0).to_owned());
    let base = Problem::new(z.clone(), y.clone()).unwrap();
    let expected = lasso_path(&base, &LassoOptions::default()).unwrap();
    for (ez, ey) in [(498, 498), (-498, -498), (498, -498), (-498, 498)] {
        let (fz, fy) = (2.0_f64.powi(ez), 2.0_f64.powi(ey));
        let problem = Problem::new(&z * fz, &y * fy).unwrap();
        let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
        assert_eq!(path.status(), LassoStatus::Complete);
        for (a, b) in path.last().iter().zip(expected.last()) {
            assert_eq!(*a, b * fy / fz);
        }
        for (a, b) in path.lambdas().iter().zip(expected.lambdas()) {
            assert_eq!(*a, b * fy * fz);
        }
    }
    let problem = Problem::new(&z * 1e200, &y * 1e200).unwrap();
    assert!(lasso_path(&problem, &LassoOptions::default()).is_err());
}

/// Small integers: ties, duplicates, dependent and zero columns, rank-deficient rows everywhere.
fn degenerate() -> impl Strategy<Value = Problem> {
    (1usize..7, 1usize..12).prop_flat_map(|(d, n)| {
        (prop::collection::vec(-2i8..=2, d * n), prop::collection::vec(-3i8..=3, d)).prop_map(
            move |(z, y)| {
                let z = Array2::from_shape_fn((d, n), |(i, j)| f64::from(z[i * n + j]));
                Problem::new(z, y.into_iter().map(f64::from).collect()).unwrap()
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Well-scaled small problems: all quantities are within a condition number of about 1e3 of
    // rounding, 1e-11 in units of ‖Z_j‖‖y‖.
    #[test]
    fn degenerate_paths_are_optimal_at_every_knot(problem in degenerate()) {
        let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
        assert_path_is_optimal(&problem, &path, 1e-11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Columns that agree to 1e-10 beside their duplicates.
    #[test]
    fn nearly_dependent_columns(seed in 0u64..10_000, d in 2usize..10, n in 3usize..25) {
        let mut z = hashed(d, n, seed + 1);
        for j in 1..n {
            if j % 3 != 0 {
                let mixed = &z.column(j - 1) + &(&z.column(j) * 10.0_f64.powi(-((seed % 11) as i32)));
                z.column_mut(j).assign(&mixed);
            }
        }
        let y = hashed(1, d, seed + 2).row(0).to_owned();
        let problem = Problem::new(z, y).unwrap();
        let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
        // QR is backward stable, which leaves rounding times ‖x‖. A coefficient on the wrong side
        // of zero by rounding, up to ε·κ of the largest (κ = 1e10 here, times that of a random
        // square matrix), is set to zero: the path says how much, and n such columns change the
        // residual by no more.
        let tolerance = 1e-12 + n as f64 * path.sign_error();
        let kappa = 10.0_f64.powi((seed % 11) as i32);
        if kappa <= 1e5 {
            prop_assert!(path.sign_error() <= 1e6 * kappa * f64::EPSILON);
        }
        prop_assert_eq!(path.status(), LassoStatus::Complete);
        for (k, &lambda) in path.lambdas().iter().enumerate() {
            let x = dense_knot(&path, k, n);
            let size = 1.0 + x.iter().map(|v| v.abs()).sum::<f64>();
            let violation = kkt_violation(&problem, &x, lambda) / size;
            prop_assert!(violation <= tolerance, "knot {}: {:e}", k, violation);
        }
    }
}

#[test]
fn screening_misses_no_column_on_a_large_problem() {
    // n ≫ d and hundreds of knots: most columns are skipped at most steps.
    let (problem, expected, _) = crate::limit::l1::tests::reference("200x1000", "rn");
    let path = lasso_path(&problem, &LassoOptions::default()).unwrap();
    assert!(path.lambdas().len() > 250);
    for k in (0..path.lambdas().len()).step_by(7) {
        let x = dense_knot(&path, k, 1000);
        // Rounding of a correlation of length 200, with room for the condition of 200 columns.
        assert!(kkt_violation(&problem, &x, path.lambdas()[k]) < 1e-13, "knot {k}");
    }
    for (a, b) in path.last().iter().zip(&expected) {
        assert!((a - b).abs() < 1e-8);
    }
}

//! L1 minima against independent references, and certificates that refuse what is wrong.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array2, array};
use ndarray_npy::NpzReader;
use proptest::prelude::*;

use crate::limit::*;
use crate::problem::Problem;

fn npz(name: &str) -> NpzReader<File> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    NpzReader::new(File::open(path).unwrap()).unwrap()
}

/// Reference instance: the problem, its optimal x and its optimal value.
pub(in crate::limit) fn reference(size: &str, kind: &str) -> (Problem, Array1<f64>, f64) {
    // The random-y instances use the Z of the planted ones.
    let z: Array2<f64> = npz(&format!("bp_{size}_sp.npz")).by_name("Z").unwrap();
    let mut file = npz(&format!("bp_{size}_{kind}.npz"));
    let y: Array1<f64> = file.by_name("y").unwrap();
    let x: Array1<f64> = file.by_name("x").unwrap();
    let l1 = x.iter().map(|v| v.abs()).sum();
    (Problem::new(z, y).unwrap(), x, l1)
}

#[test]
fn agrees_with_the_reference_vertices() {
    for size in ["40x100", "200x1000"] {
        for kind in ["sp", "rn"] {
            let (problem, x, l1) = reference(size, kind);
            let solution = l1_minimum(&problem).unwrap();
            assert_eq!(solution.status, Status::Converged);
            assert_eq!(solution.route, Route::Lars);
            assert!((solution.l1 - l1).abs() <= 1e-12 * l1, "{size} {kind}");
            for (a, b) in solution.x.iter().zip(&x) {
                assert!((a - b).abs() <= 1e-8, "{size} {kind}: {a} against {b}");
            }
            let certificate = certify(&problem, &solution.x, &solution.mu).unwrap();
            assert!(certificate.holds(1e-12), "{certificate:?}");
            assert!(certificate.is_unique(1e-6));
            let most = problem.samples();
            assert!(if kind == "rn" {
                certificate.support.len() == most
            } else {
                certificate.support.len() < most / 2
            });
        }
    }
}

#[test]
fn a_wrong_point_or_a_wrong_dual_is_refused() {
    let (problem, _, _) = reference("40x100", "sp");
    let good = l1_minimum(&problem).unwrap();
    assert!(certify(&problem, &good.x, &good.mu).unwrap().holds(1e-12));
    // Infeasible: one coefficient is off by 1e-6.
    let mut x = good.x.clone();
    let j = certify(&problem, &x, &good.mu).unwrap().support[0];
    x[j] *= 1.0 - 1e-6;
    let certificate = certify(&problem, &x, &good.mu).unwrap();
    assert!(!certificate.holds(1e-9) && certificate.primal_feasibility > 1e-9);
    // Feasible but not minimal: the least-norm solution plus the minimal one, halved.
    let other = solve_on_everything(&problem);
    let half: Vec<f64> = good.x.iter().zip(&other).map(|(a, b)| 0.5 * (a + b)).collect();
    let certificate = certify(&problem, &half, &good.mu).unwrap();
    assert!(certificate.primal_feasibility < 1e-12);
    assert!(certificate.relative_gap > 0.01 && !certificate.holds(1e-3));
    // A dual point too short or too long gives a weaker bound, never a wrong one.
    for factor in [0.9, 1.1, -1.0] {
        let mu: Vec<f64> = good.mu.iter().map(|m| factor * m).collect();
        let certificate = certify(&problem, &good.x, &mu).unwrap();
        assert!(certificate.dual_value <= good.l1 * (1.0 + 1e-14));
        assert_eq!(certificate.holds(1e-9), factor == 1.1);
    }
    let mut mu = good.mu.clone();
    mu[0] += 1e-3;
    assert!(!certify(&problem, &good.x, &mu).unwrap().holds(1e-6));
    // Bad input is an error.
    assert!(certify(&problem, &good.x[1..], &good.mu).is_err());
    assert!(certify(&problem, &good.x, &[f64::NAN; 40]).is_err());
}

/// A feasible point on the last d columns.
fn solve_on_everything(problem: &Problem) -> Vec<f64> {
    let (d, n) = (problem.samples(), problem.features());
    let support: Vec<(usize, f64)> = (n - d..n).map(|j| (j, 1.0)).collect();
    polish::solve_on(problem, &support, &vec![0.0; d]).0
}

#[test]
fn polish_repairs_noise_and_refuses_nonsense() {
    for kind in ["sp", "rn"] {
        let (problem, expected, _) = reference("40x100", kind);
        let good = l1_minimum(&problem).unwrap();
        let noisy = |v: &[f64], size: f64| -> Vec<f64> {
            v.iter().enumerate().map(|(i, v)| v + size * (i as f64 * 1.7).sin()).collect()
        };
        let (x, mu) = (noisy(&good.x, 1e-6), noisy(&good.mu, 1e-6));
        assert!(!certify(&problem, &x, &mu).unwrap().holds(1e-9));
        let vertex = polish(&problem, &x, &mu).unwrap();
        assert!(certify(&problem, &vertex.x, &vertex.mu).unwrap().holds(1e-12));
        for (a, b) in vertex.x.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-12);
        }
        // Nothing near this pair is optimal.
        assert_eq!(polish(&problem, &solve_on_everything(&problem), &vec![0.0; 40]), None);
        assert_eq!(polish(&problem, &[1.0], &mu), None);
    }
}

#[test]
fn no_solution_is_said_with_a_proof() {
    let problem =
        Problem::new(array![[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]], array![1.0, 2.0, 3.0]).unwrap();
    let solution = l1_minimum(&problem).unwrap();
    assert_eq!(solution.status, Status::Infeasible);
    let farkas = solution.infeasibility.unwrap();
    // u is proportional to (−1, 1, 0).
    assert!(farkas.yt_u > 0.0 && farkas.zt_u_inf < 1e-14 && farkas.l1_lower > 1e13);
}

#[test]
fn scales_and_shapes_at_the_edge() {
    for (ez, ey) in [(1e150, 1e150), (1e-150, 1e-150), (1e150, 1e-150), (1e-150, 1e150)] {
        let problem =
            Problem::new(array![[ez, 2.0 * ez, 0.0], [0.0, ez, ez]], array![4.0 * ey, ey]).unwrap();
        let solution = l1_minimum(&problem).unwrap();
        assert_eq!(solution.status, Status::Converged, "{ez:e} {ey:e}");
        // (0, 2, −1) and (2, 1, 0) tie at 3.
        assert!((solution.l1 / (3.0 * (ey / ez)) - 1.0).abs() < 1e-13);
    }
    let problem = Problem::new(array![[1e-200]], array![1e200]).unwrap();
    assert!(l1_minimum(&problem).is_err());
    let zero = Problem::new(array![[1.0, 2.0]], array![0.0]).unwrap();
    let solution = l1_minimum(&zero).unwrap();
    assert_eq!((solution.l1, solution.route), (0.0, Route::Unique));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Small integer problems, degenerate in every way: certified or proved infeasible.
    #[test]
    fn degenerate_problems_are_certified_or_infeasible(
        (d, n, z, y) in (1usize..7, 1usize..12).prop_flat_map(|(d, n)| (
            Just(d), Just(n),
            prop::collection::vec(-2i8..=2, d * n), prop::collection::vec(-3i8..=3, d))),
    ) {
        let z = Array2::from_shape_fn((d, n), |(i, j)| f64::from(z[i * n + j]));
        let y: Array1<f64> = y.into_iter().map(f64::from).collect();
        let problem = Problem::new(z, y).unwrap();
        let solution = l1_minimum(&problem).unwrap();
        match solution.status {
            Status::Converged => {
                prop_assert!(certify(&problem, &solution.x, &solution.mu).unwrap().holds(1e-11));
            }
            Status::Infeasible => {
                let farkas = solution.infeasibility.unwrap();
                prop_assert!(farkas.l1_lower > 1e9 && farkas.zt_u_inf < 1e-10);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Columns that agree with their neighbour to 10^-p, p up to 10: a certified answer or a status
    /// that says there is none; never NaN, never an answer that is not one.
    #[test]
    fn nearly_dependent_columns_give_an_answer_or_say_so(
        d in 1usize..10, n in 1usize..25, p in 0i32..=10,
        entries in prop::collection::vec(-1.0f64..1.0, 9 * 25), y in prop::collection::vec(-1.0f64..1.0, 9),
    ) {
        let mut z = Array2::from_shape_fn((d, n), |(i, j)| entries[i * n + j]);
        for j in 1..n {
            if j % 3 != 0 {
                let mixed = &z.column(j - 1) + &(&z.column(j) * 10.0_f64.powi(-p));
                z.column_mut(j).assign(&mixed);
            }
        }
        let problem = Problem::new(z, y[..d].iter().copied().collect()).unwrap();
        let solution = l1_minimum(&problem).unwrap();
        let certificate = certify(&problem, &solution.x, &solution.mu).unwrap();
        prop_assert!(certificate.l1.is_finite() && certificate.relative_gap.is_finite());
        match solution.status {
            Status::Converged => prop_assert!(
                certificate.holds(1e-9)
                    || enclose(&problem, &solution.x, &solution.mu).unwrap().relative_width() <= 1e-9
                    // x rounded may miss Zx = y by more, where exact arithmetic knows it.
                    || decide(&problem, &Demand::default()).unwrap().enclosure.is_some_and(
                        |e| e.relative_width() <= 1e-9
                            && (solution.l1 - e.l1_upper).abs() <= 1e-9 * e.l1_upper)
            ),
            Status::Infeasible => prop_assert!(solution.infeasibility.is_some()),
            // An honest miss: a factor that is wrong by ε·κ, κ up to 1e10 times that of a random
            // matrix.
            _ => prop_assert!(p >= 5, "{certificate:?}"),
        }
    }
}

/// Entries ±1 or {−1, 0, 1}, integer truths, duplicated columns and a repeated row: ties at nearly
/// every knot, at sizes where the small-integer problems above do not go.
#[test]
fn sign_designs_are_certified() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % below
    };
    for round in 0..120 {
        let (d, n) = (5 + next(60) as usize, 5 + next(200) as usize);
        let mut z = Array2::from_shape_simple_fn((d, n), || {
            if round % 2 == 0 { 2.0 * next(2) as f64 - 1.0 } else { next(3) as f64 - 1.0 }
        });
        if round % 4 < 2 {
            for j in 0..n / 2 {
                let twin = z.column(j).to_owned();
                z.column_mut(n - 1 - j).assign(&twin);
            }
        }
        if round % 5 == 0 {
            let row = &z.row(0) * 2.0;
            z.row_mut(d - 1).assign(&row);
        }
        let mut truth = Array1::<f64>::zeros(n);
        for _ in 0..=next(8) {
            truth[next(n as u64) as usize] = next(7) as f64 - 3.0;
        }
        let problem = Problem::new(z.clone(), z.dot(&truth)).unwrap();
        let solution = l1_minimum(&problem).unwrap();
        assert_eq!(solution.status, Status::Converged, "round {round}");
        // Never above the planted point, which is feasible.
        let planted: f64 = truth.iter().map(|v| v.abs()).sum();
        assert!(solution.l1 <= planted * (1.0 + 1e-12));
        let proof = enclose(&problem, &solution.x, &solution.mu).unwrap();
        assert!(proof.l1_lower <= planted);
        // A repeated row, or n < d, has no proof of feasibility.
        let provable = proof.status == EnclosureStatus::Proved;
        assert!(provable == (proof.columns.len() == d) || planted == 0.0);
        if provable {
            assert!(proof.relative_width() < 1e-12, "round {round}: {proof:?}");
        }
    }
}

//! Equations of systems whose rank is known.

use proptest::prelude::*;

use super::*;
use crate::problem::Problem;

/// `(U|UC)` with U upper triangular and ones on its diagonal: rank d, for any C.
fn system(d: usize, n: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let entries = prop::collection::vec(-4i32..=4, d * n);
    let x = prop::collection::vec(-3i32..=3, n);
    (entries, x).prop_map(move |(entries, x)| {
        let mut z: Vec<f64> = entries.into_iter().map(f64::from).collect();
        for j in 0..d {
            (0..j).for_each(|i| z[j * n + i] = 0.0);
            z[j * n + j] = 1.0;
        }
        let y =
            z.chunks_exact(n).map(|row| row.iter().zip(&x).map(|(z, x)| z * f64::from(*x)).sum());
        let y = y.collect();
        (z, y)
    })
}

fn of(z: Vec<f64>, y: Vec<f64>) -> System {
    let problem = Problem::from_rows(z, y).expect("finite");
    match System::new(&problem) {
        Ok(system) => system,
        Err(proof) => panic!("a solution was planted: {proof:?}"),
    }
}

proptest! {
    /// A square system has one solution, the planted integers, whatever the condition of Z; and its
    /// dual solves `2Zᵀμ = g`.
    #[test]
    fn the_only_solution_is_found((z, y) in system(5, 5)) {
        let system = of(z.clone(), y.clone());
        let x = system.unscale_x(&system.unique().expect("rank n"));
        for (row, y) in z.chunks_exact(5).zip(&y) {
            let sum: f64 = row.iter().zip(&x).map(|(z, x)| z * x).sum();
            let size: f64 = row.iter().zip(&x).map(|(z, x)| (z * x).abs()).sum();
            prop_assert!((sum - y).abs() <= 1e-15 * (size + y.abs()), "{sum} {y}");
        }
        let g = [1.0, -2.0, 0.5, 0.0, 3.0];
        let mu = system.unscale_rows(&system.dual(&g));
        for (i, g) in g.iter().enumerate() {
            let terms = |j: usize| 2.0 * z[j * 5 + i] * mu[j];
            let (sum, size) = (0..5).fold((0.0, 0.0), |(s, a), j| (s + terms(j), a + terms(j).abs()));
            prop_assert!((sum - g).abs() <= 1e-10 * (1.0 + size), "{sum} {g}");
        }
    }

    /// A sum of two rows is a combination of them exactly: the rank stays, the status is converged,
    /// and x is not unique.
    #[test]
    fn sums_of_rows_change_nothing((z, y) in system(4, 7)) {
        let (mut more, mut targets) = (z.clone(), y.clone());
        more.extend((0..7).map(|i| z[i] + z[7 + i]));
        targets.push(y[0] + y[1]);
        let system = of(more, targets);
        prop_assert_eq!(system.rank(), 4);
        prop_assert_eq!(system.met(true), Status::Converged);
        prop_assert!(system.unique().is_none());
        let equations = system.equations();
        prop_assert_eq!((equations.high.len(), equations.rhs.len()), (28, 4));
    }
}

/// Rows that differ by `2^-k` in one entry are two equations, to all digits.
#[test]
fn nearly_dependent_rows_keep_their_digits() {
    for k in [10, 30, 52] {
        let e = 2f64.powi(-k);
        let system = of(vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0 + e], vec![2.0, 2.0 + e]);
        assert_eq!(system.met(true), Status::Converged, "2^-{k}");
        assert_eq!(system.rank(), 2);
    }
}

use proptest::prelude::*;

use super::*;

const R: usize = 4;
const N: usize = 9;

/// Rows with entries of size 1, weights that differ by up to 10⁴⁰, and a right side.
fn system() -> impl Strategy<Value = (Equations, Vec<f64>, Vec<f64>)> {
    let entries = prop::collection::vec(-1.0..1.0f64, R * N);
    let weights = prop::collection::vec(-40.0..0.0f64, N);
    let right = prop::collection::vec(-1.0..1.0f64, R);
    (entries, weights, right).prop_map(|(high, weights, right)| {
        let rhs = vec![Double2::ZERO; R];
        let weights = weights.iter().map(|w| 10f64.powf(*w)).collect();
        (Equations { high, low: Vec::new(), rhs, error: 0.0 }, weights, right)
    })
}

fn product(columns: &[usize], high: &[f64], c: &[f64], j: usize) -> f64 {
    columns.iter().zip(c).map(|(&i, c)| high[j * N + i] * c).sum()
}

/// How far the columns are from dependent: the systems of other tests are not to be worse than
/// this.
fn is_fair(basis: &Basis) -> bool {
    basis.t.iter().all(|t| t.abs() < 1e3)
}

proptest! {
    /// No exchange is left to be made: `W_ji² = T_ji² D_i/E_j ≤ 16`, with the identity in the
    /// columns of the basis.
    #[test]
    fn weights_of_the_basis_are_large((equations, weights, _) in system()) {
        let basis = Basis::new(&equations, &weights).expect("four independent columns");
        prop_assume!(is_fair(&basis));
        for (j, &c) in basis.columns.iter().enumerate() {
            for i in 0..N {
                let t = basis.t[j * N + i];
                prop_assert!(t * t * weights[i] <= 16.0 * (1.0 + 1e-6) * weights[c]);
            }
            prop_assert!((0..R).all(|k| basis.t[k * N + c] == f64::from(u8::from(k == j))));
        }
    }

    /// `P·coordinates(v) = v` and `Pᵀ·to_rows(δ) = δ`, the second with twice the precision.
    #[test]
    fn coordinates_and_rows_are_those_of_the_basis((equations, weights, v) in system()) {
        let basis = Basis::new(&equations, &weights).expect("four independent columns");
        prop_assume!(is_fair(&basis));
        let pairs: Vec<(f64, f64)> = v.iter().map(|v| (*v, 0.0)).collect();
        let c = basis.coordinates(&pairs);
        let largest = c.iter().fold(1.0_f64, |m, c| m.max(c.abs()));
        for j in 0..R {
            let back = product(&basis.columns, &equations.high, &c, j);
            prop_assert!((back - v[j]).abs() <= 1e-14 * largest);
        }
        let mu = basis.to_rows(&v);
        let largest = mu.iter().fold(1.0_f64, |m, u| m.max(u.hi.abs()));
        for (k, &i) in basis.columns.iter().enumerate() {
            let terms = (0..R).map(|j| mu[j].times_f64(-equations.high[j * N + i]));
            let rest = terms.fold(Double2 { hi: v[k], lo: 0.0 }, Double2::plus);
            prop_assert!(rest.hi.abs() <= 1e-28 * largest, "{} of {largest}", rest.hi);
        }
    }

    /// `(E + T_N D_N T_Nᵀ) solve(v) = v`, each coordinate of the solution right in its own size.
    #[test]
    fn systems_are_solved_at_every_size((equations, weights, v) in system()) {
        let mut basis = Basis::new(&equations, &weights).expect("four independent columns");
        prop_assume!(is_fair(&basis));
        prop_assert!(basis.form(&[1.0; R]));
        let mut u = v.clone();
        basis.solve(&mut u);
        let inside = |i: usize| basis.columns.contains(&i);
        for j in 0..R {
            let own = weights[basis.columns[j]] * u[j];
            let (mut sum, mut size) = (own, own.abs() + v[j].abs());
            for i in (0..N).filter(|&i| !inside(i)) {
                for k in 0..R {
                    let term = basis.t[j * N + i] * weights[i] * basis.t[k * N + i] * u[k];
                    sum += term;
                    size += term.abs();
                }
            }
            prop_assert!((sum - v[j]).abs() <= 1e-10 * size, "{sum} {}", v[j]);
        }
    }
}

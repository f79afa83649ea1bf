//! Enclosures of optima that are known exactly, and of references; wrong pairs widen, never lie.

use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

use crate::limit::l1::tests::reference;
use crate::limit::*;
use crate::problem::Problem;

#[test]
fn gaussian_problems_are_enclosed_narrowly() {
    for (size, kind) in [("40x100", "sp"), ("40x100", "rn"), ("200x1000", "sp"), ("200x1000", "rn")]
    {
        let (problem, _, l1) = reference(size, kind);
        let solution = l1_minimum(&problem).unwrap();
        let proof = enclose(&problem, &solution.x, &solution.mu).unwrap();
        assert_eq!(proof.status, EnclosureStatus::Proved);
        assert!(proof.contraction < 1e-6, "{size} {kind} {:e}", proof.contraction);
        assert!(proof.relative_width() <= 1e-12, "{size} {kind} {:e}", proof.relative_width());
        // The reference is right to 1.5e-15 of its own.
        assert!(proof.l1_lower <= l1 * (1.0 + 4e-15) && l1 * (1.0 - 4e-15) <= proof.l1_upper);
    }
}

#[test]
fn a_perturbed_pair_widens_the_enclosure_and_stays_valid() {
    let (problem, _, _) = reference("40x100", "sp");
    let solution = l1_minimum(&problem).unwrap();
    let narrow = enclose(&problem, &solution.x, &solution.mu).unwrap();
    let bend = |v: &[f64], size: f64| -> Vec<f64> {
        v.iter().enumerate().map(|(i, v)| v + size * (i as f64 * 2.3).cos()).collect()
    };
    for size in [1e-8, 1e-4, 1e-1] {
        let (x, mu) = (bend(&solution.x, size), bend(&solution.mu, size));
        for (x, mu) in [(&x, &solution.mu), (&solution.x, &mu), (&x, &mu)] {
            let proof = enclose(&problem, x, mu).unwrap();
            assert_eq!(proof.status, EnclosureStatus::Proved);
            assert!(proof.l1_lower <= narrow.l1_upper && narrow.l1_lower <= proof.l1_upper);
        }
    }
    // How much wider: a bent x has all its coefficients to pay for; a μ bent by 1e-8 is repaired on
    // the tight constraints, one bent by 1e-4 is not.
    let proof = enclose(&problem, &bend(&solution.x, 1e-8), &solution.mu).unwrap();
    assert!(narrow.relative_width() < 1e-13 && proof.relative_width() > 1e-8);
    // All 60 coefficients outside the basis are fixed where they were bent to.
    assert!(proof.distance > 1e-10 && proof.distance < 1e-5 && narrow.distance < 1e-14);
    let proof = enclose(&problem, &solution.x, &bend(&solution.mu, 1e-4)).unwrap();
    assert!(proof.relative_width() > 1e-5);
    // A dual point that proves nothing, a point far from feasible.
    let proof = enclose(&problem, &vec![1.0; 100], &vec![0.0; 40]).unwrap();
    assert_eq!(proof.l1_lower, 0.0);
    assert!(proof.l1_upper >= narrow.l1_lower && proof.l1_upper.is_finite());
}

#[test]
fn exact_optima_of_rational_problems() {
    // (Z, y, optimum p/q, x, μ) with x and μ off by a little.
    let thirds = Problem::new(array![[3.0, 1.0, 0.5]], array![1.0]).unwrap();
    let proof = enclose(&thirds, &[0.33, 0.01, 0.0], &[0.34]).unwrap();
    assert!(3.0 * proof.l1_lower <= 1.0 && 3.0 * proof.l1_upper >= 1.0);
    // Unique vertex x = (0, 2/7, 5/7)·…: minimise over 7x₂ = 2, 7x₃ = 5, x₁ = 0 dominated.
    let sevenths =
        Problem::new(array![[1.0, 7.0, 0.0], [1.0, 0.0, 7.0]], array![2.0, 5.0]).unwrap();
    let solution = l1_minimum(&sevenths).unwrap();
    let proof = enclose(&sevenths, &solution.x, &solution.mu).unwrap();
    assert_eq!(proof.status, EnclosureStatus::Proved);
    assert!(proof.l1_lower <= 1.0 && 1.0 - proof.l1_lower < 2e-15);
    assert!(proof.l1_upper >= 1.0 && proof.l1_upper - 1.0 < 2e-15);
}

#[test]
fn says_what_it_cannot_prove() {
    let twice = Problem::new(array![[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]], array![1.0, 2.0]).unwrap();
    let proof = enclose(&twice, &[0.0, 0.0, 1.0 / 3.0], &[1.0 / 3.0, 0.0]).unwrap();
    assert_eq!(proof.status, EnclosureStatus::RankDeficient);
    assert_eq!(proof.l1_upper, f64::INFINITY);
    assert!(proof.l1_lower > 0.3333 && proof.l1_lower * 3.0 <= 1.0);
    assert!(proof.relative_width().is_infinite());
    let tall = Problem::new(array![[1.0], [2.0]], array![1.0, 2.0]).unwrap();
    let proof = enclose(&tall, &[1.0], &[1.0, 0.0]).unwrap();
    assert_eq!(proof.status, EnclosureStatus::RankDeficient);
    let zero = Problem::new(array![[1.0, 2.0]], array![0.0]).unwrap();
    let proof = enclose(&zero, &[0.0, 0.0], &[0.0]).unwrap();
    assert_eq!((proof.l1_lower, proof.l1_upper), (0.0, 0.0));
    assert!(enclose(&zero, &[0.0], &[0.0]).is_err());
    assert!(enclose(&zero, &[0.0, f64::NAN], &[0.0]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A diagonal block of integers q_i with y_i = p_i and short other columns: the optimum is
    /// Σ|p_i|/q_i, checked by exact integer arithmetic.
    #[test]
    fn the_exact_optimum_is_inside(
        q in prop::collection::vec(5i64..60, 1..5),
        p in prop::collection::vec(-40i64..40, 5),
        extra in prop::collection::vec(-1i64..=1, 10),
        noise in -6i32..0,
    ) {
        let d = q.len();
        // Columns beyond the diagonal have entries in {−1, 0, 1}: with μ_i = sgn(p_i)/q_i they give
        // |Zᵀμ| ≤ Σ 1/q_i ≤ 4/5 < 1, so the diagonal is optimal.
        let z = Array2::from_shape_fn((d, d + 2), |(i, j)| {
            if j < d { if i == j { q[i] as f64 } else { 0.0 } } else { extra[i + d * (j - d)] as f64 }
        });
        let y: Array1<f64> = p[..d].iter().map(|v| *v as f64).collect();
        let problem = Problem::new(z, y).unwrap();
        // Optimum as a fraction over the product of the q.
        let denominator: i128 = q.iter().map(|v| i128::from(*v)).product();
        let numerator: i128 =
            q.iter().zip(&p).map(|(q, p)| i128::from(p.abs()) * (denominator / i128::from(*q))).sum();
        // bound·denominator against numerator, exactly: floats as integers times 2^−60.
        let scaled = |v: f64| (v * 2.0_f64.powi(60)) as i128 * denominator;
        let target = numerator << 60;
        let solution = l1_minimum(&problem).unwrap();
        let wrong: Vec<f64> = solution.x.iter().map(|v| v + 10.0_f64.powi(noise)).collect();
        for x in [&solution.x, &wrong] {
            let proof = enclose(&problem, x, &solution.mu).unwrap();
            prop_assert_eq!(proof.status, EnclosureStatus::Proved);
            prop_assert!(scaled(proof.l1_lower) <= target);
            // `as i128` truncates towards zero: one unit for that.
            prop_assert!(scaled(proof.l1_upper) + denominator >= target);
        }
        let proof = enclose(&problem, &solution.x, &solution.mu).unwrap();
        prop_assert!(proof.relative_width() < 1e-14);
    }
}

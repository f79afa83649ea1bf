//! Every map is a polynomial of degree at most 2 in each single parameter, so that central
//! differences along a parameter have no truncation error: only rounding separates them from the
//! derivatives, whatever the step.

use proptest::prelude::*;

use super::*;
use crate::potential::Potential;

fn maps(n: usize) -> Vec<Box<dyn Parameterization>> {
    vec![
        Box::new(Product::new(n).unwrap()),
        Box::new(DifferenceOfSquares::new(n).unwrap()),
        Box::new(Depth::new(n, 1).unwrap()),
        Box::new(Depth::new(n, 2).unwrap()),
        Box::new(Depth::new(n, 4).unwrap()),
        Box::new(Identity::new(n).unwrap()),
        Box::new(NeuronWise::new(2, n).unwrap()),
    ]
}

fn entries(len: usize, seed: u64) -> Vec<f64> {
    (0..len as u64)
        .map(|i| {
            ((seed.wrapping_mul(6364136223846793005) >> 20) as f64 * 1e-3 + 2.4 * i as f64).sin()
                * 2.0
        })
        .collect()
}

/// All numbers here are below 2⁴ or products of at most four such, hence below 2¹⁶; a central
/// difference over 2h ≥ 1 of numbers with a few roundings each is good to 2¹⁶·16ε.
const ROUNDING: f64 = 65536.0 * 16.0 * f64::EPSILON;

fn check(map: &dyn Parameterization, seed: u64) -> std::result::Result<(), TestCaseError> {
    let (n, k) = (map.features(), map.parameters());
    let (theta, u, g) = (entries(k, seed), entries(k, seed + 1), entries(n, seed + 2));
    let mut jacobian = vec![0.0; n * k];
    map.jacobian(&theta, &mut jacobian);
    let (mut pushed, mut pulled) = (vec![0.0; n], vec![0.0; k]);
    map.push_forward(&theta, &u, &mut pushed);
    map.pull_back(&theta, &g, &mut pulled);
    for p in 0..k {
        let shifted = |by: f64| {
            let mut theta = theta.clone();
            theta[p] += by;
            theta
        };
        let (ahead, behind) = (shifted(0.5), shifted(-0.5));
        let width = ahead[p] - behind[p];
        let (mut x_ahead, mut x_behind) = (vec![0.0; n], vec![0.0; n]);
        map.x(&ahead, &mut x_ahead);
        map.x(&behind, &mut x_behind);
        for i in 0..n {
            let slope = (x_ahead[i] - x_behind[i]) / width;
            prop_assert!((slope - jacobian[i * k + p]).abs() <= ROUNDING, "{} J", map.name());
        }
        // ∇²x_i e_p is the derivative of row i of J.
        let (mut j_ahead, mut j_behind) = (vec![0.0; n * k], vec![0.0; n * k]);
        map.jacobian(&ahead, &mut j_ahead);
        map.jacobian(&behind, &mut j_behind);
        let mut unit = vec![0.0; k];
        unit[p] = 1.0;
        let mut column = vec![0.0; k];
        for i in 0..n {
            map.hessian_vector(i, &theta, &unit, &mut column);
            for q in 0..k {
                let slope = (j_ahead[i * k + q] - j_behind[i * k + q]) / width;
                prop_assert!((slope - column[q]).abs() <= ROUNDING, "{} H", map.name());
            }
        }
        let by_rows: f64 = (0..n).map(|i| g[i] * jacobian[i * k + p]).sum();
        prop_assert!((by_rows - pulled[p]).abs() <= n as f64 * ROUNDING, "{} Jᵀg", map.name());
    }
    for i in 0..n {
        let row: f64 = (0..k).map(|p| jacobian[i * k + p] * u[p]).sum();
        prop_assert!((row - pushed[i]).abs() <= k as f64 * ROUNDING, "{} Ju", map.name());
    }
    let mut metric = vec![0.0; n * n];
    map.metric(&theta, &mut metric);
    for i in 0..n {
        for j in 0..n {
            let dot: f64 = (0..k).map(|p| jacobian[i * k + p] * jacobian[j * k + p]).sum();
            prop_assert!((dot - metric[i * n + j]).abs() <= 256.0 * k as f64 * ROUNDING);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn derivatives_are_those_of_the_map(n in 1_usize..5, seed in 0_u64..10_000) {
        for map in maps(n) {
            check(map.as_ref(), seed)?;
        }
    }

    /// A bilinear bracket is linear and antisymmetric, and Hessians of each map are exact.
    #[test]
    fn elementwise_maps_commute_and_neurons_do_not(n in 2_usize..5, seed in 0_u64..10_000) {
        for map in maps(n) {
            let theta = entries(map.parameters(), seed);
            let worst = largest_bracket(map.as_ref(), &theta)?.unwrap();
            if map.name() != "neuron-wise" {
                prop_assert_eq!(worst.size, 0.0, "{}", map.name());
                continue;
            }
            let forth = lie_bracket(map.as_ref(), &theta, 0, 1)?;
            let back = lie_bracket(map.as_ref(), &theta, 1, 0)?;
            prop_assert!(forth.iter().zip(&back).all(|(p, q)| *p == -q));
            // w_0 e(w_1) − w_1 e(w_0), behind the two masks.
            prop_assert_eq!((forth[2], forth[3]), (-theta[3], theta[2]));
            prop_assert!(!worst.vanishes());
        }
    }

    /// Two routes to the metric of m⊙w: `J Jᵀ`, and the inverse Hessian of its potential.
    #[test]
    fn the_metric_of_a_product_is_the_inverse_hessian_of_its_potential(
        m in prop::collection::vec(0.1..3.0_f64, 3), c in prop::collection::vec(-0.99..0.99_f64, 3),
    ) {
        let w = m.iter().zip(&c).map(|(m, c)| m * c).collect();
        let start = Start::new(m, w)?;
        let map = Product::new(3)?;
        let (mut metric, mut hessian) = (vec![0.0; 9], vec![0.0; 3]);
        map.metric(&Product::theta(&start), &mut metric);
        start.entropy()?.hessian(&start.x0(), &mut hessian);
        for i in 0..3 {
            // log a carries a few ε of its own size, below 10 here.
            prop_assert!((metric[4 * i] * hessian[i] - 1.0).abs() <= 64.0 * f64::EPSILON);
        }
        // u²−v² from the same start: the same x, the metric twice as large.
        let squares = DifferenceOfSquares::new(3)?;
        let theta = DifferenceOfSquares::theta(&start);
        let (mut x, mut twice) = (vec![0.0; 3], vec![0.0; 9]);
        squares.x(&theta, &mut x);
        squares.metric(&theta, &mut twice);
        for i in 0..3 {
            prop_assert!((x[i] - start.x0()[i]).abs() <= 8.0 * f64::EPSILON * metric[4 * i]);
            prop_assert!((twice[4 * i] / metric[4 * i] - 2.0).abs() <= 16.0 * f64::EPSILON);
        }
    }
}

#[test]
fn depth_two_is_the_product() {
    let theta = entries(6, 3);
    let (product, depth) = (Product::new(3).unwrap(), Depth::new(3, 2).unwrap());
    let (mut p, mut q) = (vec![0.0; 18], vec![0.0; 18]);
    product.jacobian(&theta, &mut p);
    depth.jacobian(&theta, &mut q);
    assert_eq!(p, q);
}

#[test]
fn bad_sizes_are_refused() {
    assert!(Product::new(0).is_err() && DifferenceOfSquares::new(0).is_err());
    assert!(Identity::new(0).is_err() && Depth::new(2, 0).is_err() && Depth::new(0, 2).is_err());
    assert!(NeuronWise::new(0, 1).is_err() && NeuronWise::new(1, 0).is_err());
    let map = Product::new(2).unwrap();
    let error = largest_bracket(&map, &[1.0]).unwrap_err().to_string();
    assert!(error.contains("theta") && error.contains("(4)"), "{error}");
    assert!(largest_bracket(&map, &[1.0, f64::NAN, 0.0, 0.0]).is_err());
    assert!(lie_bracket(&map, &[1.0; 4], 0, 2).is_err());
    assert_eq!(largest_bracket(&Product::new(1).unwrap(), &[1.0, 2.0]).unwrap(), None);
}

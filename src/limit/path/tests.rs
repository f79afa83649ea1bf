//! The path against its two ends, against Newton at single points, and the law that holds along it.

use ndarray::{Array1, Array2, array};
use rand::prelude::*;
use rand_distr::StandardNormal;

use super::*;
use crate::limit::newton::{kkt_residual, minimize};
use crate::numerics::dense::{mul, mul_t};
use crate::potential::HyperbolicEntropy;

fn gaussian(d: usize, n: usize, seed: u64) -> Problem {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let z = Array2::from_shape_fn((d, n), |_| rng.sample::<f64, _>(StandardNormal));
    let y = Array1::from_shape_fn(d, |_| rng.sample::<f64, _>(StandardNormal));
    Problem::new(z, y).unwrap()
}

fn grid(from: f64, to: f64, count: usize) -> Vec<f64> {
    (0..count).map(|k| from + (to - from) * k as f64 / (count - 1) as f64).collect()
}

#[test]
fn every_point_is_the_limit_at_its_a() {
    let problem = gaussian(12, 40, 1);
    let theta: Vec<f64> = (0..40).map(|i| 0.1 * (i as f64 - 20.0)).collect();
    for theta in [None, Some(theta.as_slice())] {
        let path = path(&problem, theta, &grid(4.0, -300.0, 25)).unwrap();
        for k in 0..25 {
            assert_eq!(path.status[k], Status::Converged);
            let tilt = theta.map_or(vec![0.0; 40], <[f64]>::to_vec);
            let entropy = HyperbolicEntropy::new(vec![path.log_a[k]; 40], tilt).unwrap();
            let limit = minimize(&problem, &entropy, &Options::default()).unwrap();
            let x = path.x.row(k);
            let error = (0..40).map(|i| (x[i] - limit.x[i]).abs()).fold(0.0, f64::max);
            // Newton to 1e-10 in the residual, then a correction that squares what is left.
            assert!(error <= 1e-11 * path.l1[k].max(1.0), "log a = {}: {error:e}", path.log_a[k]);
            assert!(kkt_residual(&problem, &entropy, &limit.x, &limit.mu).0 <= 1e-13);
        }
    }
}

#[test]
fn ends_are_least_norm_and_l1() {
    let problem = gaussian(10, 30, 2);
    let path = path(&problem, None, &[-1e6, 40.0]).unwrap();
    // Least norm: x in the row space, Zx = y. The quadratic is exact to e^{-80}.
    let system = System::new(&problem).unwrap();
    let least = system.unscale_x(&system.least_norm);
    let error = (0..30).map(|i| (path.x[[1, i]] - least[i]).abs()).fold(0.0, f64::max);
    assert!(error <= 1e-13, "{error:e}");
    let lp = crate::limit::l1_minimum(&problem).unwrap();
    assert!((path.l1[0] / lp.l1 - 1.0).abs() <= 1e-8, "{} {}", path.l1[0], lp.l1);
    assert!(path.gap[0].abs() <= 1e-8 && path.gap[1] > 1e-3);
}

#[test]
fn gap_is_a_dual_bound() {
    let problem = gaussian(15, 60, 3);
    let lp = crate::limit::l1_minimum(&problem).unwrap().l1;
    let path = path(&problem, None, &grid(3.0, -2000.0, 40)).unwrap();
    for k in 0..40 {
        let excess = (path.l1[k] - lp) / path.l1[k];
        assert!(excess >= -1e-13 && excess <= path.gap[k] + 1e-13, "{excess:e} {}", path.gap[k]);
    }
}

/// `x(a')` cannot have both a smaller `R_a` and, at `a' > a`, a larger one: adding the two
/// optimality inequalities, `R_{a'} − R_a` is largest at the point with the larger a.
#[test]
fn exchange_inequality_holds() {
    for seed in 0..40 {
        let problem = gaussian(2, 4, seed);
        let path = path(&problem, None, &grid(3.0, -8.0, 12)).unwrap();
        let value = |k: usize, log_a: f64| {
            let a = log_a.exp();
            path.x.row(k).iter().map(|x| 0.5 * (x * (x / a).asinh() - x.hypot(a))).sum::<f64>()
        };
        for k in 0..11 {
            let (large, small) = (path.log_a[k], path.log_a[k + 1]);
            let difference = |p: usize| value(p, small) - value(p, large);
            let (before, after) = (difference(k), difference(k + 1));
            assert!(after <= before + 1e-12 * (1.0 + before.abs()), "{before} {after}");
        }
    }
}

/// What one might expect and is not so.
#[test]
fn l1_need_not_fall_along_the_path() {
    let z = array![[1.0, -2.0, -3.0], [2.0, 0.0, -1.0]];
    let problem = Problem::new(z, array![-1.0, -1.0]).unwrap();
    let path = path(&problem, None, &grid(4.0, -6.0, 41)).unwrap();
    let mut low = f64::INFINITY;
    let mut rise = 0.0_f64;
    for l1 in &path.l1 {
        low = low.min(*l1);
        rise = rise.max(l1 / low - 1.0);
    }
    assert!((0.02..0.03).contains(&rise), "{rise}");
}

#[test]
fn bad_grids_are_refused_and_inconsistent_systems_are_said() {
    let problem = gaussian(2, 4, 1);
    assert!(path(&problem, None, &[]).is_err());
    assert!(path(&problem, None, &[f64::NAN]).is_err());
    assert!(path(&problem, None, &[51.0]).is_err());
    assert!(path(&problem, Some(&[0.0]), &[0.0]).is_err());
    assert!(path(&problem, Some(&[f64::INFINITY; 4]), &[0.0]).is_err());
    let twice = Problem::new(array![[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], array![1.0, 2.0]).unwrap();
    let path = path(&twice, None, &[0.0, -5.0]).unwrap();
    assert_eq!(path.status, vec![Status::Infeasible; 2]);
    let proof = path.infeasibility.unwrap();
    let mut ztu = [0.0; 3];
    mul_t(twice.z_rows(), &proof.u, &mut ztu);
    let mut ytu = [0.0];
    mul(twice.y(), &proof.u, &mut ytu);
    assert!(ytu[0] > 0.5 && ztu.iter().all(|v| v.abs() <= 1e-15));
    assert!(proof.l1_lower >= 1e14);
}

#[test]
fn a_cancelled_path_says_so_of_every_point() {
    let cancel = Cancel::new();
    cancel.request();
    let path = path_until(
        &gaussian(5, 12, 4),
        None,
        &grid(4.0, -20.0, 6),
        &Options::default(),
        Some(cancel),
    )
    .unwrap();
    assert_eq!(path.status, [Status::Cancelled; 6]);
    assert!(!Status::Cancelled.is_converged());
}

/// x = 1e600 and x = 1e−600 are no doubles: no point is converged, and none is NaN.
#[test]
fn points_beyond_doubles_are_not_converged() {
    for (z, y) in [(1e-300, 1e300), (1e300, 1e-300)] {
        for more in [false, true] {
            let row = if more { vec![z, z] } else { vec![z] };
            let problem = Problem::from_rows(row, vec![y]).unwrap();
            let path = path(&problem, None, &[0.0, -20.0]).unwrap();
            assert!(path.status.iter().all(|s| !s.is_converged()), "{z:e} {:?}", path.status);
            assert!(path.l1.iter().chain(&path.gap).all(|v| !v.is_nan()));
        }
    }
}

//! Problems that look like what people bring: rounded, noisy, integer, tied, in mixed units.

use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// What kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Planted,
    PlantedFloat32,
    Noise,
    RandomTargets,
    Integers,
    Signs,
    ThreeDecimals,
    MixedUnits,
    ZeroTargets,
    Steps,
    Duplicated,
    NearlyDuplicated,
    Square,
    Tilted,
    TiltedWithoutTargets,
    ManyA,
    Correlated,
}

pub const FAMILIES: [Family; 17] = [
    Family::Planted,
    Family::PlantedFloat32,
    Family::Noise,
    Family::RandomTargets,
    Family::Integers,
    Family::Signs,
    Family::ThreeDecimals,
    Family::MixedUnits,
    Family::ZeroTargets,
    Family::Steps,
    Family::Duplicated,
    Family::NearlyDuplicated,
    Family::Square,
    Family::Tilted,
    Family::TiltedWithoutTargets,
    Family::ManyA,
    Family::Correlated,
];

/// A problem with its potential.
pub struct Instance {
    pub problem: Problem,
    pub entropy: HyperbolicEntropy,
}

/// Values of log a that are tried: from L2 to L1.
pub const LOG_A: [f64; 15] = [
    50.0, 20.0, 5.0, 0.0, -3.0, -10.0, -20.0, -40.0, -100.0, -200.0, -500.0, -1e3, -1e4, -1e5, -1e6,
];

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// The instance of a family with a seed.
pub fn instance(family: Family, seed: u64) -> Instance {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let d = rng.random_range(1..=16);
    let n = d + rng.random_range(1..=40);
    instance_of(family, d, n, &mut rng)
}

/// The same with given sizes.
pub fn instance_of(family: Family, d: usize, n: usize, rng: &mut ChaCha8Rng) -> Instance {
    let n = if family == Family::Square { d } else { n };
    let mut z = Array2::from_shape_fn((d, n), |_| normal(rng));
    match family {
        Family::Integers => z.mapv_inplace(|_| f64::from(rng.random_range(-5..=5))),
        Family::Signs => z.mapv_inplace(|_| if rng.random_bool(0.5) { 1.0 } else { -1.0 }),
        Family::ThreeDecimals => z.mapv_inplace(|v| (v * 1e3).round() / 1e3),
        Family::Steps => z = Array2::from_shape_fn((d, n), |(j, i)| f64::from(i * d <= j * n)),
        Family::Correlated => {
            let common: Vec<f64> = (0..d).map(|_| normal(rng)).collect();
            for (mut row, c) in z.rows_mut().into_iter().zip(common) {
                row.mapv_inplace(|v| c + 0.05 * v);
            }
        }
        _ => {}
    }
    if matches!(family, Family::Duplicated | Family::NearlyDuplicated) {
        for i in n.div_ceil(2)..n {
            let copy = z.column(i - n / 2).to_owned();
            let near = family == Family::NearlyDuplicated;
            z.column_mut(i).assign(&copy.mapv(|v| if near { v.next_up() } else { v }));
        }
    }
    let k = rng.random_range(1..=d);
    let mut truth = Array1::<f64>::zeros(n);
    for _ in 0..k {
        let i = rng.random_range(0..n);
        truth[i] = match family {
            Family::Integers | Family::Signs | Family::Steps => f64::from(rng.random_range(-4..=4)),
            _ => normal(rng),
        };
    }
    let mut y = z.dot(&truth);
    match family {
        Family::PlantedFloat32 => {
            z.mapv_inplace(|v| f64::from(v as f32));
            y.mapv_inplace(|v| f64::from(v as f32));
        }
        Family::Noise | Family::ManyA | Family::Tilted => {
            let size = 10f64.powf(rng.random_range(-12.0..-3.0));
            y.mapv_inplace(|v| v + size * rng.sample::<f64, _>(StandardNormal));
        }
        Family::RandomTargets | Family::Square | Family::Correlated => {
            y.mapv_inplace(|_| rng.sample(StandardNormal));
        }
        Family::ThreeDecimals => y.mapv_inplace(|v| (v * 1e3).round() / 1e3),
        Family::MixedUnits => {
            for (i, mut column) in z.columns_mut().into_iter().enumerate() {
                column *= 10f64.powf(rng.random_range(-8.0..8.0));
                truth[i] = if truth[i] == 0.0 { 0.0 } else { normal(rng) };
            }
            y = z.dot(&truth);
            if rng.random_bool(0.5) {
                y.mapv_inplace(|v| v * (1.0 + 1e-6 * rng.sample::<f64, _>(StandardNormal)));
            }
        }
        Family::ZeroTargets => {
            for v in &mut y {
                if rng.random_bool(0.4) {
                    *v = 0.0;
                }
            }
        }
        Family::TiltedWithoutTargets => y.fill(0.0),
        _ => {}
    }
    let log_a = LOG_A[rng.random_range(0..LOG_A.len())];
    let tilted = matches!(family, Family::Tilted | Family::TiltedWithoutTargets);
    let theta = (0..n).map(|_| if tilted { 2.0 * normal(rng) } else { 0.0 }).collect();
    let spread = if family == Family::ManyA { 0.5 } else { 0.0 };
    let log_a =
        (0..n).map(|_| (log_a * (1.0 - spread * rng.random::<f64>())).clamp(-1e6, 50.0)).collect();
    Instance {
        problem: Problem::new(z, y).expect("finite and of one shape"),
        entropy: HyperbolicEntropy::new(log_a, theta).expect("in range"),
    }
}

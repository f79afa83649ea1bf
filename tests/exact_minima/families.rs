//! Problems of kinds that people have, small enough for a tableau of integers.

use mirrorflow::problem::Problem;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

type Data = (Vec<f64>, Vec<f64>);

/// The families by name.
const NAMES: [&str; 32] = [
    "planted",
    "planted in float32",
    "noise",
    "random targets",
    "integers",
    "signs",
    "three decimals",
    "mixed units",
    "zero targets",
    "steps",
    "duplicated columns",
    "columns one ulp apart",
    "square",
    "ties",
    "degenerate vertex",
    "dependent rows that agree",
    "dependent rows one ulp off",
    "Hilbert",
    "Vandermonde",
    "any magnitude",
    "subnormal",
    "signed zeros",
    "tall",
    "rows one ulp apart",
    "integer rows dependent",
    "integer columns in units",
    "one row",
    "one column",
    "zero rows and columns",
    "powers of two",
    "sums of rows in floating point",
    "rows in units",
];

/// Problem `seed` with the name of its family.
pub(crate) fn problem(seed: u64) -> (&'static str, Problem) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let family = (seed % NAMES.len() as u64) as usize;
    let (mut d, mut n) = (rng.random_range(1..=4), 0);
    n += d + rng.random_range(0..=4);
    match NAMES[family] {
        "square" => n = d,
        "tall" => (d, n) = (n + 1, d),
        "one row" => d = 1,
        "one column" => n = 1,
        _ => {}
    }
    let data = make(NAMES[family], d, n, &mut rng);
    (NAMES[family], Problem::from_rows(data.0, data.1).expect("finite, of one shape"))
}

fn gauss(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

fn matrix(d: usize, n: usize, mut entry: impl FnMut() -> f64) -> Vec<f64> {
    (0..d * n).map(|_| entry()).collect()
}

/// `Zx` in floating point, for x with k entries.
fn planted(z: &[f64], n: usize, k: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut x = vec![0.0; n];
    for _ in 0..k {
        x[rng.random_range(0..n)] = gauss(rng);
    }
    image(z, n, &x)
}

fn image(z: &[f64], n: usize, x: &[f64]) -> Vec<f64> {
    z.chunks_exact(n).map(|row| row.iter().zip(x).map(|(z, x)| z * x).sum()).collect()
}

fn whole(x: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..x).map(|_| f64::from(rng.random_range(-2..=2))).collect()
}

fn any(rng: &mut ChaCha8Rng, reach: i32) -> f64 {
    gauss(rng) * 10.0_f64.powi(rng.random_range(-reach..=reach))
}

fn make(name: &str, d: usize, n: usize, rng: &mut ChaCha8Rng) -> Data {
    let small = |rng: &mut ChaCha8Rng| f64::from(rng.random_range(-3..=3));
    let normal = matrix(d, n, || gauss(rng));
    let sparse = d.div_ceil(2);
    match name {
        "planted" => {
            let y = planted(&normal, n, sparse, rng);
            (normal, y)
        }
        "planted in float32" => {
            let y = planted(&normal, n, sparse, rng);
            let single = |v: Vec<f64>| v.iter().map(|v| f64::from(*v as f32)).collect();
            (single(normal), single(y))
        }
        "noise" => {
            let size = 10.0_f64.powi(-rng.random_range(3..=12));
            let y = planted(&normal, n, sparse, rng);
            let y = y.iter().map(|v| v + size * gauss(rng)).collect();
            (normal, y)
        }
        "random targets" | "square" => (normal, (0..d).map(|_| gauss(rng)).collect()),
        "integers" => {
            let z = matrix(d, n, || small(rng));
            let y = if rng.random() { image(&z, n, &whole(n, rng)) } else { whole(d, rng) };
            (z, y)
        }
        "signs" => {
            let z = matrix(d, n, || if rng.random() { 1.0 } else { -1.0 });
            let y = image(&z, n, &whole(n, rng));
            (z, y)
        }
        "three decimals" => {
            let y = planted(&normal, n, sparse, rng);
            let round = |v: Vec<f64>| v.iter().map(|v| (v * 1e3).round() / 1e3).collect();
            (round(normal), round(y))
        }
        "mixed units" => {
            let units: Vec<f64> = (0..n).map(|_| 10.0_f64.powi(rng.random_range(-8..=8))).collect();
            let z: Vec<f64> = normal.iter().enumerate().map(|(k, v)| v * units[k % n]).collect();
            let y = if rng.random() {
                planted(&normal, n, sparse, rng)
            } else {
                (0..d).map(|_| gauss(rng)).collect()
            };
            (z, y)
        }
        "zero targets" => {
            let mut y = planted(&normal, n, sparse, rng);
            for v in &mut y {
                if rng.random() {
                    *v = 0.0;
                }
            }
            (normal, y)
        }
        "steps" => {
            let z = (0..d * n).map(|k| f64::from(u8::from(k / n >= k % n))).collect();
            (z, (0..d).map(|_| (gauss(rng) * 8.0).round() / 8.0).collect())
        }
        "duplicated columns" | "columns one ulp apart" => {
            let mut z = normal;
            for row in z.chunks_exact_mut(n) {
                let v = row[0];
                row[n - 1] =
                    if name == "duplicated columns" || rng.random() { v } else { v.next_up() };
            }
            let y = planted(&z, n, sparse, rng);
            (z, y)
        }
        "ties" => {
            let z = matrix(d, n, || f64::from(rng.random_range(0..=1)));
            let y = vec![1.0; d];
            (z, y)
        }
        "degenerate vertex" => {
            let z = matrix(d, n, || small(rng));
            let mut x = vec![0.0; n];
            x[rng.random_range(0..n)] = 1.0;
            let y = image(&z, n, &x);
            (z, y)
        }
        "dependent rows that agree" | "dependent rows one ulp off" => {
            let (mut z, mut y) = (normal, Vec::new());
            y.extend(planted(&z, n, sparse, rng));
            let factor = [1.0, -2.0, 0.5][rng.random_range(0..3)];
            let copy: Vec<f64> = z[..n].iter().map(|v| v * factor).collect();
            z.extend(copy);
            let target = y[0] * factor;
            y.push(if name == "dependent rows that agree" { target } else { target.next_up() });
            (z, y)
        }
        "Hilbert" => {
            let z: Vec<f64> = (0..d * n).map(|k| 1.0 / ((k / n + k % n + 1) as f64)).collect();
            let y = if rng.random() { planted(&z, n, sparse, rng) } else { whole(d, rng) };
            (z, y)
        }
        "Vandermonde" => {
            let points: Vec<f64> = (0..n).map(|_| gauss(rng)).collect();
            let z: Vec<f64> = (0..d * n).map(|k| points[k % n].powi((k / n) as i32)).collect();
            let y = planted(&z, n, sparse, rng);
            (z, y)
        }
        "any magnitude" => {
            let z = matrix(d, n, || any(rng, 300));
            let y = if rng.random() {
                (0..d).map(|_| any(rng, 300)).collect()
            } else {
                planted(&z, n, 1, rng)
            };
            (z, y)
        }
        "subnormal" => {
            let z = matrix(d, n, || if rng.random() { any(rng, 3) * 1e-310 } else { gauss(rng) });
            (z, (0..d).map(|_| if rng.random() { 5e-324 } else { gauss(rng) * 1e-308 }).collect())
        }
        "signed zeros" => {
            let zero = |rng: &mut ChaCha8Rng| if rng.random() { 0.0 } else { -0.0 };
            let z = matrix(d, n, || if rng.random() { zero(rng) } else { gauss(rng) });
            (z, (0..d).map(|_| if rng.random() { zero(rng) } else { gauss(rng) }).collect())
        }
        "tall" => {
            let z = matrix(d, n, || small(rng));
            let y = if rng.random() { image(&z, n, &whole(n, rng)) } else { whole(d, rng) };
            (z, y)
        }
        "rows one ulp apart" => {
            let mut z = normal;
            let mut y = planted(&z, n, sparse, rng);
            let copy: Vec<f64> =
                z[..n].iter().map(|v| if rng.random() { v.next_up() } else { *v }).collect();
            z.extend(copy);
            y.push(y[0]);
            (z, y)
        }
        "integer rows dependent" => {
            let mut z = matrix(d, n, || small(rng));
            let mut y = image(&z, n, &whole(n, rng));
            let c = whole(d, rng);
            z.extend(
                (0..n)
                    .map(|j| (0..d).map(|i| c[i] * z[i * n + j]).sum::<f64>())
                    .collect::<Vec<_>>(),
            );
            let target: f64 = c.iter().zip(&y).map(|(c, y)| c * y).sum();
            y.push(target + if rng.random() { 0.0 } else { f64::from(rng.random_range(0..=1)) });
            (z, y)
        }
        "integer columns in units" => {
            let unit: Vec<f64> = (0..n).map(|_| 10.0_f64.powi(rng.random_range(-8..=6))).collect();
            let z = (0..d * n).map(|k| small(rng) * unit[k % n]).collect();
            (z, whole(d, rng))
        }
        "one row" => (normal, vec![any(rng, 10)]),
        "one column" => {
            let y = normal.iter().map(|v| v * 3.0).collect();
            (normal, y)
        }
        "zero rows and columns" => {
            let (i, j) = (rng.random_range(0..d), rng.random_range(0..n));
            let zeroed = |(k, v): (usize, &f64)| {
                if k / n == i || k % n == j { 0.0 } else { *v }
            };
            let z: Vec<f64> = normal.iter().enumerate().map(zeroed).collect();
            let mut y = planted(&z, n, sparse, rng);
            y[i] = if rng.random() { 0.0 } else { 1e-300 };
            (z, y)
        }
        "powers of two" => {
            let mut entry = || 2.0_f64.powi(rng.random_range(-70..=70)) * small(rng).signum();
            let z = matrix(d, n, &mut entry);
            let y = (0..d).map(|_| entry()).collect();
            (z, y)
        }
        "sums of rows in floating point" => {
            let mut z = normal;
            let x: Vec<f64> = (0..n).map(|j| if j < sparse { gauss(rng) } else { 0.0 }).collect();
            let last: Vec<f64> = (0..n).map(|j| (0..d).map(|i| z[i * n + j]).sum()).collect();
            z.extend(last);
            let y = image(&z, n, &x);
            (z, y)
        }
        _ => {
            let unit: Vec<f64> =
                (0..d).map(|_| 10.0_f64.powi(rng.random_range(-12..=12))).collect();
            let z: Vec<f64> = normal.iter().enumerate().map(|(k, v)| v * unit[k / n]).collect();
            let y = planted(&z, n, sparse, rng);
            (z, y)
        }
    }
}

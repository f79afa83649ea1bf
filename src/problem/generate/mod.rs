//! Synthetic problems, reproducible to the bit from a seed.
//!
//! Random numbers come from ChaCha8. Design, truth and noise draw from streams of their own (0, 1
//! and 2), so that changing the targets leaves `Z` as it is. Everything is drawn in a fixed order
//! by one thread.

use ndarray::Array2;
use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::{Error, Result};

/// How the rows of `Z` are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Design {
    /// Independent N(0, 1) entries.
    Gaussian,
    /// Independent entries ±1 with equal probability.
    Rademacher,
    /// Rows from N(0, Σ) with `Σ_ik = ρ^|i−k|`: neighbouring columns correlate.
    Correlated {
        /// The correlation ρ of neighbouring columns, −1 < ρ < 1.
        rho: f64,
    },
    /// Orthonormal rows, uniformly distributed: `ZZᵀ = I`. Needs d ≤ n.
    OrthonormalRows,
    /// Spectra-like rows: noise `σ·N(0, 1)` everywhere, and each entry is with probability p a
    /// spike of the given height added to it.
    Spikes {
        /// The probability p of a spike, 0 ≤ p ≤ 1.
        density: f64,
        /// The height of a spike.
        height: f64,
        /// The noise level σ ≥ 0.
        noise: f64,
    },
}

/// The non-zero values of a planted truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Values {
    /// N(0, 1).
    Gaussian,
    /// ±1 with equal probability.
    Signs,
}

/// Where `y` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Targets {
    /// `y = Zx* + σ·N(0, I)` with x* zero but for k entries at uniformly random places.
    Planted {
        /// The number k ≤ n of non-zero entries of x*.
        sparsity: usize,
        /// Their values.
        values: Values,
        /// The noise level σ ≥ 0.
        noise: f64,
    },
    /// `y ~ N(0, I)`, unrelated to `Z`.
    Random,
}

/// The recipe of a synthetic problem; serialise it next to what was computed from it.
///
/// ```
/// use mirrorflow::problem::{Design, Generator, Targets, Values};
/// let generator = Generator {
///     samples: 40,
///     features: 100,
///     design: Design::Gaussian,
///     targets: Targets::Planted { sparsity: 5, values: Values::Gaussian, noise: 0.0 },
///     seed: 7,
/// };
/// let problem = generator.problem()?;
/// assert_eq!(problem.x_true().unwrap().iter().filter(|v| **v != 0.0).count(), 5);
/// assert_eq!(problem, generator.problem()?);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Number of samples d ≥ 1.
    pub samples: usize,
    /// Number of features n ≥ 1.
    pub features: usize,
    /// How `Z` is drawn.
    pub design: Design,
    /// Where `y` comes from.
    pub targets: Targets,
    /// The seed: the same recipe gives the same bits.
    pub seed: u64,
}

impl Generator {
    /// A Gaussian design with a planted Gaussian truth of k non-zero entries and no noise.
    pub fn gaussian(samples: usize, features: usize, sparsity: usize, seed: u64) -> Self {
        let targets = Targets::Planted { sparsity, values: Values::Gaussian, noise: 0.0 };
        Self { samples, features, design: Design::Gaussian, targets, seed }
    }

    /// Draws the problem.
    ///
    /// # Errors
    /// When d or n is 0, d·n overflows, k > n, ρ or p or a noise level lies outside its range, or
    /// orthonormal rows are asked for with d > n.
    pub fn problem(&self) -> Result<Problem> {
        self.check()?;
        let (d, n) = (self.samples, self.features);
        let z = self.draw_design();
        let z = Array2::from_shape_vec((d, n), z)
            .map_err(|e| domain("samples x features", "a size that fits", e.to_string()))?;
        let mut truth_rng = self.stream(1);
        let mut noise_rng = self.stream(2);
        let name = self.name();
        match self.targets {
            Targets::Random => {
                let y = (0..d).map(|_| normal(&mut noise_rng)).collect::<Vec<f64>>();
                Ok(Problem::new(z, y.into())?.with_name(name))
            }
            Targets::Planted { sparsity, values, noise } => {
                let mut x = vec![0.0; n];
                let mut support = index::sample(&mut truth_rng, n, sparsity).into_vec();
                support.sort_unstable();
                for i in support {
                    x[i] = match values {
                        Values::Gaussian => nonzero_normal(&mut truth_rng),
                        Values::Signs => sign(&mut truth_rng),
                    };
                }
                let y: Vec<f64> = z
                    .outer_iter()
                    .map(|row| {
                        let clean: f64 = row.iter().zip(&x).map(|(z, x)| z * x).sum();
                        clean + noise * normal(&mut noise_rng)
                    })
                    .collect();
                Problem::new(z, y.into())?.with_name(name).with_x_true(x)
            }
        }
    }

    /// A short name such as `gaussian 40x100 k=5 seed=7`.
    pub fn name(&self) -> String {
        let design = match self.design {
            Design::Gaussian => "gaussian".to_string(),
            Design::Rademacher => "rademacher".to_string(),
            Design::Correlated { rho } => format!("correlated rho={rho}"),
            Design::OrthonormalRows => "orthonormal rows".to_string(),
            Design::Spikes { .. } => "spikes".to_string(),
        };
        let targets = match self.targets {
            Targets::Planted { sparsity, .. } => format!("k={sparsity}"),
            Targets::Random => "random y".to_string(),
        };
        format!("{design} {}x{} {targets} seed={}", self.samples, self.features, self.seed)
    }

    fn check(&self) -> Result<()> {
        let (d, n) = (self.samples, self.features);
        if d == 0 || n == 0 || d.checked_mul(n).is_none_or(|c| c > isize::MAX as usize / 8) {
            let expected = "at least 1 x 1 and small enough for memory";
            return Err(domain("samples x features", expected, format!("{d} x {n}")));
        }
        let level = |what: &str, v: f64| {
            if v.is_finite() && v >= 0.0 {
                return Ok(());
            }
            Err(domain(what, "a finite number >= 0", v))
        };
        match self.design {
            Design::Gaussian | Design::Rademacher => {}
            Design::Correlated { rho } => {
                // The comparison is false for NaN.
                if rho.is_nan() || rho.abs() >= 1.0 {
                    return Err(domain("rho", "a correlation with -1 < rho < 1", rho));
                }
            }
            Design::OrthonormalRows => {
                if d > n {
                    let expected = format!("at most the {n} features, for orthonormal rows");
                    return Err(domain("samples", &expected, d));
                }
            }
            Design::Spikes { density, height, noise } => {
                if !(0.0..=1.0).contains(&density) {
                    return Err(domain("spike density", "a probability in [0, 1]", density));
                }
                if !height.is_finite() {
                    return Err(domain("spike height", "a finite number", height));
                }
                level("spike noise", noise)?;
            }
        }
        if let Targets::Planted { sparsity, noise, .. } = self.targets {
            if sparsity > n {
                return Err(domain("sparsity", &format!("at most the {n} features"), sparsity));
            }
            level("target noise", noise)?;
        }
        Ok(())
    }

    fn stream(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }

    /// `Z`, row-major.
    fn draw_design(&self) -> Vec<f64> {
        let (d, n) = (self.samples, self.features);
        let mut rng = self.stream(0);
        match self.design {
            Design::Gaussian => (0..d * n).map(|_| normal(&mut rng)).collect(),
            Design::Rademacher => (0..d * n).map(|_| sign(&mut rng)).collect(),
            Design::Correlated { rho } => {
                // Each row is a stationary autoregression z_i = ρ z_{i−1} + √(1−ρ²) g_i.
                let fresh = ((1.0 - rho) * (1.0 + rho)).sqrt();
                let mut z = Vec::with_capacity(d * n);
                for _ in 0..d {
                    let mut last: f64 = normal(&mut rng);
                    z.push(last);
                    for _ in 1..n {
                        last = rho * last + fresh * normal(&mut rng);
                        z.push(last);
                    }
                }
                z
            }
            Design::OrthonormalRows => orthonormal_rows(d, n, &mut rng),
            Design::Spikes { density, height, noise } => (0..d * n)
                .map(|_| {
                    let spike = if rng.random_bool(density) { height } else { 0.0 };
                    spike + noise * normal(&mut rng)
                })
                .collect(),
        }
    }
}

/// Gaussian rows made orthonormal by Gram–Schmidt, each row projected twice ("twice is enough":
/// orthogonal to a few ulp, Giraud et al. 2005).
fn orthonormal_rows(d: usize, n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(d);
    while rows.len() < d {
        let mut row: Vec<f64> = (0..n).map(|_| normal(rng)).collect();
        let before = norm(&row);
        for _ in 0..2 {
            for earlier in &rows {
                let overlap: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                for (a, b) in row.iter_mut().zip(earlier) {
                    *a -= overlap * b;
                }
            }
        }
        let after = norm(&row);
        // A draw (nearly) inside the span of the earlier rows is drawn again; for Gaussian rows and
        // d ≤ n this has probability of order 1e-6, so the loop ends.
        if after > 1e-6 * before {
            row.iter_mut().for_each(|v| *v /= after);
            rows.push(row);
        }
    }
    rows.concat()
}

fn norm(row: &[f64]) -> f64 {
    row.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// N(0, 1) conditioned on not being 0, so that a planted support has its exact size. A zero has
/// probability below 1e-15; the bound only makes the loop finite.
fn nonzero_normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..64).map(|_| normal(rng)).find(|v| *v != 0.0).unwrap_or(1.0)
}

fn sign(rng: &mut ChaCha8Rng) -> f64 {
    if rng.random::<bool>() { 1.0 } else { -1.0 }
}

fn domain(what: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found: found.to_string() }
}

#[cfg(test)]
mod tests;

//! Where the flow of `x = m ⊙ w` starts, and what that fixes for all time:
//! `β = m₀² − w₀²`, `a₀ = β/2`, `θ₀ = log((m₀+w₀)/(m₀−w₀))` (elementwise, for `|w₀| < m₀`).

use std::f64::consts::LN_2;

use crate::numerics::special::asinh::asinh_map;
use crate::potential::HyperbolicEntropy;
use crate::{Error, Result};

/// The two factors at t = 0: finite, of equal length n ≥ 1, with `m₀ ≥ |w₀|` elementwise.
///
/// The signs are a convention: flipping both `m_i` and `w_i`, or exchanging them, leaves `x` and
/// its flow as they are. `m₀ = |w₀|` (β = 0, the spred start) is allowed, but has no potential.
///
/// # Examples
/// ```
/// use mirrorflow::parameterization::Start;
/// let start = Start::pilot(&[0.0, 0.5], 1.0)?;
/// assert!(start.beta().iter().all(|b| (b - 1.0).abs() < 1e-15));
/// assert!((start.x0()[1] - 0.5).abs() < 1e-16);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    m0: Vec<f64>,
    w0: Vec<f64>,
    /// β, log a₀ and θ₀ are fixed where the start is made: `m₀² − w₀²` of the rounded factors of a
    /// PILoT start has lost a β far below x₀.
    beta: Vec<f64>,
    log_a0: Vec<f64>,
    theta0: Vec<f64>,
}

impl Start {
    /// Takes given factors.
    ///
    /// # Errors
    /// When they are empty, of different lengths, not finite, or `m₀ < |w₀|` somewhere.
    pub fn new(m0: Vec<f64>, w0: Vec<f64>) -> Result<Self> {
        if m0.is_empty() || m0.len() != w0.len() {
            return Err(Error::Shape {
                what: "w0".into(),
                expected: format!("({}) as m0, at least (1)", m0.len()),
                found: format!("({})", w0.len()),
            });
        }
        for (what, values) in [("m0", &m0), ("w0", &w0)] {
            if let Some((i, v)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                return Err(Error::NotFinite {
                    what: what.into(),
                    index: i.to_string(),
                    value: *v,
                });
            }
        }
        for (i, (m, w)) in m0.iter().zip(&w0).enumerate() {
            if *m < w.abs() {
                return Err(Error::Domain {
                    what: format!("m0[{i}]"),
                    expected: format!(
                        "at least |w0[{i}]| = {} (flip both signs, or exchange m and w: x stays)",
                        w.abs()
                    ),
                    found: m.to_string(),
                });
            }
        }
        let pairs = |f: fn(f64, f64) -> f64| m0.iter().zip(&w0).map(|(m, w)| f(*m, *w)).collect();
        let beta = pairs(|m, w| (m - w) * (m + w));
        // Taken apart, so that a tiny β does not underflow.
        let log_a0 = pairs(|m, w| (m - w).ln() + (m + w).ln() - LN_2);
        let theta0 = pairs(tilt);
        Ok(Self { m0, w0, beta, log_a0, theta0 })
    }

    /// `m₀ = √β`, `w₀ = 0` for each of n coordinates: `x₀ = 0`.
    ///
    /// # Errors
    /// When β is not positive and finite, or n = 0.
    pub fn centered(n: usize, beta: f64) -> Result<Self> {
        Self::pilot(&vec![0.0; n], beta)
    }

    /// The PILoT start: `m₀ ⊙ w₀ = x₀` and `m₀² − w₀² = β > 0`. In closed form
    /// `m² = ½(β + √(β²+4x²))`, a sum of positive terms, and `w = x/m`. β, `log a₀` and
    /// `θ₀ = asinh(2x₀/β)` are exact to rounding even where `m₀` and `|w₀|` round to the same
    /// number; a flow of (m, w) itself then starts from β = 0.
    ///
    /// # Errors
    /// When `x0` is empty or not finite, or β is not positive and finite.
    pub fn pilot(x0: &[f64], beta: f64) -> Result<Self> {
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(Error::Domain {
                what: "beta".into(),
                expected: "a positive number (the spred start has beta = 0)".into(),
                found: beta.to_string(),
            });
        }
        if let Some((i, v)) = x0.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite { what: "x0".into(), index: i.to_string(), value: *v });
        }
        let m0: Vec<f64> =
            x0.iter().map(|x| (0.5 * beta + (0.5 * beta).hypot(*x)).sqrt()).collect();
        // The quotient may round above m where β is far below x.
        let w0 = x0.iter().zip(&m0).map(|(x, m)| (x / m).clamp(-m, *m)).collect();
        let log_a0 = vec![beta.ln() - LN_2; x0.len()];
        // As the gradient of the potential has it, which is then exactly 0 here.
        let mut theta0 = vec![0.0; x0.len()];
        asinh_map(x0, &log_a0, &mut theta0);
        Ok(Self { beta: vec![beta; x0.len()], log_a0, theta0, ..Self::new(m0, w0)? })
    }

    /// The spred start: β = 0, `m₀ = √|x₀|`, `w₀ = sign(x₀) m₀`.
    ///
    /// # Errors
    /// When `x0` is empty or not finite.
    pub fn spred(x0: &[f64]) -> Result<Self> {
        let m0: Vec<f64> = x0.iter().map(|x| x.abs().sqrt()).collect();
        let w0 = x0.iter().zip(&m0).map(|(x, m)| m.copysign(*x)).collect();
        Self::new(m0, w0)
    }

    /// `m₀`, length n.
    pub fn m0(&self) -> &[f64] {
        &self.m0
    }

    /// `w₀`, length n.
    pub fn w0(&self) -> &[f64] {
        &self.w0
    }

    /// Number of features n.
    pub fn features(&self) -> usize {
        self.m0.len()
    }

    /// `x₀ = m₀ ⊙ w₀`.
    pub fn x0(&self) -> Vec<f64> {
        self.m0.iter().zip(&self.w0).map(|(m, w)| m * w).collect()
    }

    /// `β = m₀² − w₀²`, length n.
    pub fn beta(&self) -> Vec<f64> {
        self.beta.clone()
    }

    /// `log a₀ = log(β/2)`, length n; −∞ where β = 0. A β that underflows does not matter here.
    pub fn log_a0(&self) -> Vec<f64> {
        self.log_a0.clone()
    }

    /// `θ₀ = log((m₀+w₀)/(m₀−w₀))`, length n; infinite where β = 0 (but 0 where m₀ = w₀ = 0).
    pub fn theta0(&self) -> Vec<f64> {
        self.theta0.clone()
    }

    /// `R_{a₀}` with tilt `θ₀`: the potential whose mirror flow the training is.
    ///
    /// # Errors
    /// When β = 0 somewhere (there is no potential), or `log a₀` leaves [−1e6, 50].
    pub fn entropy(&self) -> Result<HyperbolicEntropy> {
        if let Some(i) = self.log_a0.iter().position(|l| *l == f64::NEG_INFINITY) {
            return Err(Error::Domain {
                what: format!("beta[{i}] = m0² - w0²"),
                expected: "positive (at beta = 0 x cannot change sign and there is no potential)"
                    .into(),
                found: "0".into(),
            });
        }
        HyperbolicEntropy::new(self.log_a0.clone(), self.theta0.clone())
    }
}

/// `log((m+w)/(m−w)) = ±log(1 + 2|w|/(m−|w|))`: the difference is exact where it is small, and the
/// logarithm keeps the digits of a small w.
fn tilt(m: f64, w: f64) -> f64 {
    if m == 0.0 {
        return 0.0;
    }
    let size = w.abs();
    (size / (0.5 * m - 0.5 * size)).ln_1p().copysign(w)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::potential::Potential;

    proptest! {
        #[test]
        fn pilot_hits_x_and_beta(x in -1e3..1e3_f64, beta in 1e-3..1e3_f64) {
            let start = Start::pilot(&[x], beta)?;
            prop_assert!((start.x0()[0] - x).abs() <= 4.0 * f64::EPSILON * x.abs());
            // β is a difference of squares: its error is relative to m².
            let m = start.m0()[0];
            prop_assert!((start.beta()[0] - beta).abs() <= 8.0 * f64::EPSILON * m * m);
        }

        /// The potential has its minimum, gradient zero, at the start itself.
        #[test]
        fn the_start_minimises_its_potential(m in 0.1..10.0_f64, c in -0.99..0.99_f64) {
            let start = Start::new(vec![m], vec![c * m])?;
            let mut gradient = [0.0];
            start.entropy()?.gradient(&start.x0(), &mut gradient);
            // θ and log a carry a few ε of themselves, and asinh(x/a) no more than they do.
            let size = 4.0 + start.theta0()[0].abs() + start.log_a0()[0].abs();
            prop_assert!(gradient[0].abs() <= 4.0 * f64::EPSILON * size);
        }

        /// A β far below x₀ survives, although m₀ and w₀ round to the same number.
        #[test]
        fn a_tiny_beta_is_exact(x in -10.0..10.0_f64, log_beta in -700.0..2.0_f64) {
            let beta = log_beta.exp();
            let start = Start::pilot(&[x], beta)?;
            prop_assert_eq!(start.beta()[0], beta);
            prop_assert_eq!(start.log_a0()[0], beta.ln() - LN_2);
            prop_assert!((start.x0()[0] - x).abs() <= 4.0 * f64::EPSILON * x.abs());
            let mut gradient = [0.0];
            start.entropy()?.gradient(&[x], &mut gradient);
            prop_assert_eq!(gradient[0], 0.0);
            // The general route agrees where the factors still hold β.
            let factors = Start::new(start.m0().to_vec(), start.w0().to_vec())?;
            let m = start.m0()[0];
            let lost = 16.0 * f64::EPSILON * (1.0 + m * m / beta);
            if lost < 0.1 {
                prop_assert!((factors.log_a0()[0] - start.log_a0()[0]).abs() <= 2.0 * lost + 1e-13);
                prop_assert!((factors.theta0()[0] - start.theta0()[0]).abs() <= 4.0 * lost + 1e-13);
            }
        }
    }

    #[test]
    fn spred_has_no_potential() {
        let start = Start::spred(&[1.0, -2.0, 0.0]).expect("finite");
        assert_eq!(start.beta(), [0.0, 0.0, 0.0]);
        let error = start.entropy().expect_err("beta is 0").to_string();
        assert!(error.contains("beta[0]"), "{error}");
    }

    #[test]
    fn wrong_starts_name_the_place() {
        let error = Start::new(vec![1.0, 1.0], vec![0.0, 2.0]).expect_err("|w| > m").to_string();
        assert!(error.contains("m0[1]"), "{error}");
        assert!(Start::new(vec![1.0], vec![]).is_err());
        assert!(Start::pilot(&[0.0], -1.0).is_err());
        assert!(Start::pilot(&[f64::NAN], 1.0).is_err());
    }
}

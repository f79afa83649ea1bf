//! Losses `f(x) = (1/d) Σ_j ℓ(p_j, t_j)` with predictions `p = Zx` and targets `t = y`;
//! `r = p − t`.
//!
//! | loss | ℓ | ℓ' (in p) | smoothness sup\|ℓ''\| | convex | ℓ'² ≥ c·(ℓ − min ℓ) |
//! |---|---|---|---|---|---|
//! | squared | r²/2 | r | 1 | yes | c = 2 |
//! | logistic, t = ±1 | log(1 + e^{−tp}) | −t/(1 + e^{tp}) | ¼ | yes | none |
//! | Huber δ | r²/2 or δ\|r\| − δ²/2 | clamp(r, ±δ) | 1 | yes | none |
//! | log-cosh | log cosh r | tanh r | 1 | yes | none |
//! | Cauchy s | (s²/2) log(1 + (r/s)²) | r/(1 + (r/s)²) | 1 | no | none |
//! | sine-squared | r² + 3 sin² r | 2r + 3 sin 2r | 8 | no | c = 0.35 |
//!
//! Where the last column says none, ℓ' stays bounded (or goes to 0) while ℓ grows.
//!
//! *Quasi-convexity.* Every ℓ here has one sign change of ℓ' in p, so it is quasi-convex as a
//! function of one prediction, and so is `f` when d = 1 (a quasi-convex function of an affine one).
//! A sum of quasi-convex terms is in general not quasi-convex: for the non-convex losses and d ≥ 2
//! nothing is claimed ([`Loss::is_quasi_convex`]).
//!
//! *PL*, in the convention `‖∇f‖² ≥ λ(f − f*)`. With `g_j = ℓ'(p_j, t_j)/d`, `∇f = Zᵀg`, so
//! `‖∇f‖² ≥ σ_min(Z)²‖g‖² ≥ σ_min² (c/d²) Σ_j ℓ = (c σ_min²/d) f` where `Z` has full row rank and
//! `min ℓ = 0` (then `f* = 0`). For the squared loss: `λ = 2σ²/d`, with σ the smallest non-zero
//! singular value for any Z, since `f − f* = ‖Pr‖²/(2d)` and `∇f = ZᵀPr/d`, P the projector onto
//! range Z.
//!
//! Sources: r² + 3 sin² r as PL and non-convex: Karimi, Nutini & Schmidt 2016, arXiv 1608.04636.

use std::f64::consts::LN_2;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A loss ℓ(prediction, target) of one sample; see the table of this module for the formulas.
///
/// ```
/// use mirrorflow::problem::{Loss, Problem};
/// use ndarray::array;
/// let problem = Problem::new(array![[1.0, 2.0], [0.0, 1.0]], array![1.0, -1.0])?;
/// // r = Zx − y = (0, 1), f = ½·(0 + 1)/2, ∇f = Zᵀr/d.
/// let x = [1.0, 0.0];
/// assert_eq!(Loss::Squared.value(&problem, &x), 0.25);
/// assert_eq!(Loss::Squared.gradient(&problem, &x), [0.0, 0.5]);
/// assert_eq!("huber:0.5".parse::<Loss>()?, Loss::huber(0.5)?);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// ½r².
    #[default]
    Squared,
    /// log(1 + e^{−tp}) for targets t = ±1.
    Logistic,
    /// ½r² for |r| ≤ δ, δ|r| − ½δ² beyond; make it with [`Loss::huber`].
    Huber {
        /// Where the parabola ends, δ > 0.
        delta: f64,
    },
    /// log cosh r.
    LogCosh,
    /// (s²/2) log(1 + (r/s)²): quasi-convex in one prediction, not convex; make it with
    /// [`Loss::cauchy`].
    Cauchy {
        /// The scale s > 0 beyond which outliers count less and less.
        scale: f64,
    },
    /// r² + 3 sin² r: PL, not convex.
    SineSquared,
}

/// A lower bound of `inf_r ℓ'(r)²/ℓ(r)` for ℓ = r² + 3 sin² r.
///
/// Write the ratio as (2r + 3 sin 2r)²/(r² + 3 sin² r), even in r. For r ≥ 5 it is at least
/// (2r − 3)²/(r² + 3) ≥ 49/28 = 1.75 (increasing in r). On (0, 5] its one interior minimum below 1
/// is 0.35106… near r = 2.2017, found on a fine grid with the Lipschitz bound on what lies
/// between (test `sine_squared_is_pl`).
const SINE_SQUARED_PL: f64 = 0.35;

impl Loss {
    /// The Huber loss with δ > 0.
    ///
    /// # Errors
    /// When δ is not positive and finite.
    pub fn huber(delta: f64) -> Result<Self> {
        positive("Huber's delta", delta)?;
        Ok(Self::Huber { delta })
    }

    /// The Cauchy loss with scale s > 0.
    ///
    /// # Errors
    /// When s is not positive and finite.
    pub fn cauchy(scale: f64) -> Result<Self> {
        positive("the Cauchy scale", scale)?;
        Ok(Self::Cauchy { scale })
    }

    /// One of each loss, the parametric ones with parameter 1.
    pub const ALL: [Self; 6] = [
        Self::Squared,
        Self::Logistic,
        Self::Huber { delta: 1.0 },
        Self::LogCosh,
        Self::Cauchy { scale: 1.0 },
        Self::SineSquared,
    ];

    /// ℓ(p, t) of one sample.
    pub fn ell(&self, prediction: f64, target: f64) -> f64 {
        let r = prediction - target;
        match *self {
            Self::Squared => 0.5 * r * r,
            Self::Logistic => {
                let margin = target * prediction;
                (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
            }
            Self::Huber { delta } => {
                if r.abs() <= delta {
                    0.5 * r * r
                } else {
                    delta * (r.abs() - 0.5 * delta)
                }
            }
            Self::LogCosh => {
                let s = r.abs();
                if s < 1.0 {
                    // cosh² = 1 + sinh²: no cancellation near 0.
                    0.5 * (s.sinh() * s.sinh()).ln_1p()
                } else {
                    s + (-2.0 * s).exp().ln_1p() - LN_2
                }
            }
            Self::Cauchy { scale } => {
                let u = r / scale;
                // u² may overflow where log(1 + u²) = 2 log|u| does not.
                let log = if u.abs() < 1e8 { (u * u).ln_1p() } else { 2.0 * u.abs().ln() };
                0.5 * scale * scale * log
            }
            Self::SineSquared => r * r + 3.0 * r.sin() * r.sin(),
        }
    }

    /// ∂ℓ/∂p of one sample.
    pub fn ell_prime(&self, prediction: f64, target: f64) -> f64 {
        let r = prediction - target;
        match *self {
            Self::Squared => r,
            Self::Logistic => -target * sigmoid(-target * prediction),
            Self::Huber { delta } => r.clamp(-delta, delta),
            Self::LogCosh => r.tanh(),
            Self::Cauchy { scale } => {
                let u = r / scale;
                if u.abs() < 1e8 { r / (1.0 + u * u) } else { scale / u }
            }
            Self::SineSquared => 2.0 * r + 3.0 * (2.0 * r).sin(),
        }
    }

    /// ∂²ℓ/∂p² of one sample; `None` at the kinks |r| = δ of the Huber loss.
    pub fn ell_second(&self, prediction: f64, target: f64) -> Option<f64> {
        let r = prediction - target;
        Some(match *self {
            Self::Squared => 1.0,
            Self::Logistic => {
                let s = sigmoid(-target * prediction);
                target * target * s * sigmoid(target * prediction)
            }
            Self::Huber { delta } if r.abs() == delta => return None,
            Self::Huber { delta } => f64::from(r.abs() < delta),
            Self::LogCosh => {
                // sech² r without the overflow of cosh.
                let e = (-2.0 * r.abs()).exp();
                4.0 * e / ((1.0 + e) * (1.0 + e))
            }
            Self::Cauchy { scale } => {
                let v = (r / scale) * (r / scale);
                if v < 1e16 { (1.0 - v) / ((1.0 + v) * (1.0 + v)) } else { -1.0 / v }
            }
            Self::SineSquared => 2.0 + 6.0 * (2.0 * r).cos(),
        })
    }

    /// The smallest K with |ℓ'(p, t) − ℓ'(q, t)| ≤ K|p − q|.
    pub fn ell_smoothness(&self) -> f64 {
        match self {
            Self::Logistic => 0.25,
            Self::SineSquared => 8.0,
            _ => 1.0,
        }
    }

    /// A constant c > 0 with ℓ'² ≥ c·(ℓ − min ℓ) everywhere, where there is one.
    pub fn ell_pl(&self) -> Option<f64> {
        match self {
            Self::Squared => Some(2.0),
            Self::SineSquared => Some(SINE_SQUARED_PL),
            _ => None,
        }
    }

    /// Whether ℓ is convex in the prediction; then `f` is convex in x.
    pub fn is_convex(&self) -> bool {
        !matches!(self, Self::Cauchy { .. } | Self::SineSquared)
    }

    /// Whether `f` is known to be quasi-convex in x for d samples: convex losses always, the others
    /// for one sample.
    pub fn is_quasi_convex(&self, samples: usize) -> bool {
        self.is_convex() || samples == 1
    }

    /// Whether the targets suit the loss.
    ///
    /// # Errors
    /// When the loss is logistic and a target is neither 1 nor −1.
    pub fn check_targets(&self, targets: &[f64]) -> Result<()> {
        if *self != Self::Logistic {
            return Ok(());
        }
        match targets.iter().enumerate().find(|(_, t)| t.abs() != 1.0) {
            Some((j, t)) => Err(Error::Domain {
                what: format!("y[{j}]"),
                expected: "1 or -1 for the logistic loss".into(),
                found: t.to_string(),
            }),
            None => Ok(()),
        }
    }
}

/// 1/(1 + e^{−u}), accurate in both tails.
fn sigmoid(u: f64) -> f64 {
    if u >= 0.0 {
        1.0 / (1.0 + (-u).exp())
    } else {
        let e = u.exp();
        e / (1.0 + e)
    }
}

fn positive(what: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::Domain {
        what: what.into(),
        expected: "a positive finite number".into(),
        found: value.to_string(),
    })
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Squared => write!(f, "squared"),
            Self::Logistic => write!(f, "logistic"),
            Self::Huber { delta } => write!(f, "huber:{delta}"),
            Self::LogCosh => write!(f, "log-cosh"),
            Self::Cauchy { scale } => write!(f, "cauchy:{scale}"),
            Self::SineSquared => write!(f, "sine-squared"),
        }
    }
}

impl FromStr for Loss {
    type Err = Error;

    /// `squared`, `logistic`, `huber:delta`, `log-cosh`, `cauchy:scale` or `sine-squared`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::Parse {
            what: "loss".into(),
            text: text.chars().take(80).collect(),
            why: why.into(),
        };
        let parameter = |digits: &str| {
            digits.trim().parse::<f64>().map_err(|_| wrong("expected a number after the colon"))
        };
        match text.trim().split_once(':') {
            None => match text.trim() {
                "squared" => Ok(Self::Squared),
                "logistic" => Ok(Self::Logistic),
                "log-cosh" => Ok(Self::LogCosh),
                "sine-squared" => Ok(Self::SineSquared),
                _ => Err(wrong(
                    "expected squared, logistic, huber:delta, log-cosh, cauchy:scale or \
                     sine-squared",
                )),
            },
            Some(("huber", delta)) => Self::huber(parameter(delta)?),
            Some(("cauchy", scale)) => Self::cauchy(parameter(scale)?),
            Some(_) => Err(wrong("only huber:delta and cauchy:scale take a parameter")),
        }
    }
}

#[cfg(test)]
mod tests;

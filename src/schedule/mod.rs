//! Weight decay `α(t) ≥ 0` and its exact integral `A(t) = ∫₀ᵗ α`.
//!
//! | text | α(t) | A(t) | A_∞ |
//! |---|---|---|---|
//! | `none` | 0 | 0 | 0 |
//! | `constant:c` | c | ct | ∞ |
//! | `harmonic:c` | c/(1+t) | c log(1+t) | ∞ |
//! | `quadratic:c` | c/(1+t)² | ct/(1+t) | c |
//! | `geometric:c,r` | c e^{−rt} | (c/r)(1 − e^{−rt}) | c/r |
//! | `switch:c,T` | c for t < T, then 0 | c·min(t, T) | cT |
//! | `piecewise:t0=c0,t1=c1,…` | c_k on [t_k, t_{k+1}) | Σ_k c_k·\|[t_k, t_{k+1}) ∩ [0, t)\| | ∞ unless the last c is 0 |
//!
//! Assumptions (enforced by [`Schedule::check`] and by parsing): c ≥ 0 finite, r > 0, T ≥ 0, t_0 =
//! 0 and increasing times. With c = 0 every total is 0. [`feedback`] holds the discrete schedule
//! that listens to the training accuracy.

pub mod feedback;
mod text;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A weight-decay schedule.
///
/// ```
/// use mirrorflow::schedule::Schedule;
/// let schedule: Schedule = "geometric:0.5,1".parse()?;
/// assert_eq!(schedule.alpha(0.0), 0.5);
/// assert_eq!(schedule.total(), 0.5);
/// assert_eq!(schedule.to_string(), "geometric:0.5,1");
/// assert!("geometric:0.5,-1".parse::<Schedule>().is_err());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Schedule {
    /// `α = 0`.
    None,
    /// `α = c`.
    Constant {
        /// The strength c ≥ 0.
        c: f64,
    },
    /// `α = c/(1+t)`.
    Harmonic {
        /// The strength c ≥ 0.
        c: f64,
    },
    /// `α = c/(1+t)²`.
    Quadratic {
        /// The strength c ≥ 0.
        c: f64,
    },
    /// `α = c e^{−rt}`.
    Geometric {
        /// The strength c ≥ 0.
        c: f64,
        /// The decay rate r > 0.
        r: f64,
    },
    /// `α = c` until `T`, then 0.
    Switch {
        /// The strength c ≥ 0.
        c: f64,
        /// The time T ≥ 0 of the switch.
        at: f64,
    },
    /// `α = c_k` on `[t_k, t_{k+1})`.
    Piecewise {
        /// `(t_k, c_k)` with `t_0 = 0` and increasing times.
        pieces: Vec<(f64, f64)>,
    },
}

impl Schedule {
    /// Checks the parameters; parsed schedules have passed this.
    ///
    /// # Errors
    /// When a strength is negative or not finite, a rate is not positive, a time is negative, or
    /// the times of the pieces do not start at 0 and increase. The message says what would be
    /// right.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Constant { c } | Self::Harmonic { c } | Self::Quadratic { c } => {
                strength("c", *c)
            }
            Self::Geometric { c, r } => {
                strength("c", *c)?;
                if r.is_finite() && *r > 0.0 {
                    return Ok(());
                }
                Err(domain("r", "a finite rate r > 0; for no decay take constant:c", *r))
            }
            Self::Switch { c, at } => {
                strength("c", *c)?;
                if at.is_finite() && *at >= 0.0 {
                    return Ok(());
                }
                Err(domain("T", "a finite time T >= 0; for no switch take constant:c", *at))
            }
            Self::Piecewise { pieces } => {
                match pieces.first() {
                    Some(&(0.0, _)) => {}
                    Some(&(start, _)) => {
                        return Err(domain("t0", "0: the first piece starts at time 0", start));
                    }
                    None => {
                        return Err(Error::Domain {
                            what: "schedule piecewise".into(),
                            expected: "at least one piece, as in piecewise:0=0.5,10=0".into(),
                            found: "empty".into(),
                        });
                    }
                }
                for (k, &(start, c)) in pieces.iter().enumerate() {
                    strength(&format!("c{k}"), c)?;
                    let before = if k == 0 { None } else { pieces.get(k - 1).map(|p| p.0) };
                    // The negated comparison also refuses NaN.
                    if let Some(before) = before
                        && !(start > before && start.is_finite())
                    {
                        let right = format!("a finite time > {before}: the times must increase");
                        return Err(domain(&format!("t{k}"), &right, start));
                    }
                }
                Ok(())
            }
        }
    }

    /// `α(t)` for `t ≥ 0` (right-continuous at jumps).
    pub fn alpha(&self, t: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { c } => *c,
            Self::Harmonic { c } => c / (1.0 + t),
            // Two divisions: (1+t)² may overflow where the quotient is representable.
            Self::Quadratic { c } => c / (1.0 + t) / (1.0 + t),
            Self::Geometric { c, r } => c * (-r * t).exp(),
            Self::Switch { c, at } => {
                if t < *at {
                    *c
                } else {
                    0.0
                }
            }
            Self::Piecewise { pieces } => {
                let next = pieces.partition_point(|p| p.0 <= t);
                next.checked_sub(1).and_then(|k| pieces.get(k)).map_or(0.0, |p| p.1)
            }
        }
    }

    /// `α'(t)` for `t ≥ 0`, from the right at jumps of α.
    pub fn slope(&self, t: f64) -> f64 {
        match self {
            Self::None | Self::Constant { .. } | Self::Switch { .. } | Self::Piecewise { .. } => {
                0.0
            }
            Self::Harmonic { c } => -c / (1.0 + t) / (1.0 + t),
            Self::Quadratic { c } => -2.0 * (c / (1.0 + t) / (1.0 + t) / (1.0 + t)),
            Self::Geometric { c, r } => -r * (c * (-r * t).exp()),
        }
    }

    /// `A(t) = ∫₀ᵗ α` for `t ≥ 0`, to a few ulp; `A(∞)` is [`Schedule::total`].
    pub fn integral(&self, t: f64) -> f64 {
        if t == f64::INFINITY {
            return self.total();
        }
        match self {
            Self::None => 0.0,
            Self::Constant { c } => c * t,
            Self::Harmonic { c } => c * t.ln_1p(),
            Self::Quadratic { c } => c * (t / (1.0 + t)),
            Self::Geometric { c, r } => {
                // A = ct·(1 − e^{−u})/u with u = rt. Each branch keeps its factors in range: ct
                // may overflow for u > 1, c/r for u < 1; for u < 2⁻⁵⁴ the quotient rounds to 1,
                // while u itself may underflow. The condition number in u stays below 0.6.
                let u = r * t;
                if u > 1.0 {
                    c / r * -(-u).exp_m1()
                } else if u > 2f64.powi(-54) {
                    c * t * (-(-u).exp_m1() / u)
                } else {
                    c * t
                }
            }
            Self::Switch { c, at } => c * t.min(*at),
            Self::Piecewise { pieces } => {
                // Neumaier's sum: many pieces cost no digits.
                let (mut sum, mut lost) = (0.0f64, 0.0f64);
                for (k, &(start, c)) in pieces.iter().enumerate() {
                    if start >= t {
                        break;
                    }
                    let end = pieces.get(k + 1).map_or(t, |next| next.0.min(t));
                    let term = c * (end - start);
                    let total = sum + term;
                    let (large, small) = if sum >= term { (sum, term) } else { (term, sum) };
                    lost += (large - total) + small;
                    sum = total;
                }
                if sum.is_finite() { sum + lost } else { sum }
            }
        }
    }

    /// `A_∞ = ∫₀^∞ α`, infinite where the integral diverges.
    pub fn total(&self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { c } | Self::Harmonic { c } => {
                if *c == 0.0 {
                    0.0
                } else {
                    f64::INFINITY
                }
            }
            Self::Quadratic { c } => *c,
            Self::Geometric { c, r } => c / r,
            Self::Switch { c, at } => c * at,
            Self::Piecewise { pieces } => match pieces.last() {
                Some(&(start, 0.0)) => self.integral(start),
                Some(_) => f64::INFINITY,
                None => 0.0,
            },
        }
    }

    /// Times `t > 0` at which `α` jumps, increasing: an integrator must not step across them.
    pub fn breakpoints(&self) -> Vec<f64> {
        match self {
            Self::Switch { at, .. } if *at > 0.0 => vec![*at],
            Self::Piecewise { pieces } => pieces.iter().skip(1).map(|p| p.0).collect(),
            _ => Vec::new(),
        }
    }

    /// The smallest T with `α(t) = 0` for all `t ≥ T`; `None` where `α` stays positive for ever.
    pub fn has_finite_support(&self) -> Option<f64> {
        match self {
            Self::None => Some(0.0),
            Self::Constant { c }
            | Self::Harmonic { c }
            | Self::Quadratic { c }
            | Self::Geometric { c, .. } => (*c == 0.0).then_some(0.0),
            Self::Switch { c, at } => Some(if *c == 0.0 { 0.0 } else { *at }),
            Self::Piecewise { pieces } => match pieces.iter().rposition(|p| p.1 != 0.0) {
                None => Some(0.0),
                Some(k) => pieces.get(k + 1).map(|p| p.0),
            },
        }
    }

    /// Whether `α` is exactly 0 from some time on.
    pub fn reaches_zero(&self) -> bool {
        self.has_finite_support().is_some()
    }
}

fn strength(name: &str, c: f64) -> Result<()> {
    if c.is_finite() && c >= 0.0 {
        return Ok(());
    }
    Err(domain(name, "a finite strength >= 0", c))
}

fn domain(name: &str, expected: &str, found: f64) -> Error {
    Error::Domain {
        what: format!("schedule parameter {name}"),
        expected: expected.into(),
        found: found.to_string(),
    }
}

#[cfg(test)]
mod tests;

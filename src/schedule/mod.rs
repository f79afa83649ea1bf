//! Weight decay `α(t) ≥ 0` and its exact integral `A(t) = ∫₀ᵗ α`.

/// A weight-decay schedule.
#[derive(Debug, Clone, PartialEq)]
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
    /// `α(t)` for `t ≥ 0` (right-continuous at jumps).
    pub fn alpha(&self, t: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { c } => *c,
            Self::Harmonic { c } => c / (1.0 + t),
            Self::Quadratic { c } => c / ((1.0 + t) * (1.0 + t)),
            Self::Geometric { c, r } => c * (-r * t).exp(),
            Self::Switch { c, at } => {
                if t < *at {
                    *c
                } else {
                    0.0
                }
            }
            Self::Piecewise { pieces } => {
                pieces.iter().rev().find(|p| p.0 <= t).map_or(0.0, |p| p.1)
            }
        }
    }
    /// `A(t) = ∫₀ᵗ α`, exact.
    pub fn integral(&self, t: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { c } => c * t,
            Self::Harmonic { c } => c * t.ln_1p(),
            Self::Quadratic { c } => c * t / (1.0 + t),
            Self::Geometric { c, r } => -c * (-r * t).exp_m1() / r,
            Self::Switch { c, at } => c * t.min(*at),
            Self::Piecewise { pieces } => {
                let mut sum = 0.0;
                for (k, &(start, c)) in pieces.iter().enumerate() {
                    let end = pieces.get(k + 1).map_or(t, |next| next.0.min(t));
                    sum += c * (end - start).max(0.0);
                }
                sum
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
                Some(&(start, c)) if c == 0.0 => self.integral(start),
                Some(_) => f64::INFINITY,
                None => 0.0,
            },
        }
    }
    /// Times at which `α` jumps: an integrator must not step across them.
    pub fn breakpoints(&self) -> Vec<f64> {
        match self {
            Self::Switch { at, .. } => vec![*at],
            Self::Piecewise { pieces } => pieces.iter().skip(1).map(|p| p.0).collect(),
            _ => Vec::new(),
        }
    }
}

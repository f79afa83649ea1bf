//! Which methods go with which penalties: `[method]`, `[method.factors]` and `[method.ham]`.
//!
//! | method | with `[method.factors]` (PILoT's m⊙w under it) | with `[method.ham]` |
//! |---|---|---|
//! | `dense`, `spred`, `pilot` | no: `pilot` and `spred` are x = m⊙w, `dense` with it would be `pilot` | no: `ham`, or `ham` with factors |
//! | `l1` | α(‖m‖²+‖w‖²) + λ‖m⊙w‖₁ | no |
//! | `l1-mask` | α(‖m‖²+‖w‖²) + λ‖m‖₁ | no |
//! | `sign-in` | α(‖m‖²+‖w‖²), β anew after every epoch | no |
//! | `str`, `powerprop`, `continuous` | θ = m⊙w | yes |
//! | `ham` | its step on m and on w | no: it is that |
//!
//! Pruning (`[prune]`) goes with all of them; a target sparsity with those that have a strength, in
//! one cycle.

use mirrorflow::Result;

use super::{FactorsConfig, HamConfig, MethodConfig, Penalty, domain};
use crate::method::Multiplicative;

const METHODS: [&str; 10] = [
    "dense",
    "l1",
    "l1-mask",
    "spred",
    "pilot",
    "sign-in",
    "str",
    "powerprop",
    "continuous",
    "ham",
];

/// A method with its own numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// x itself.
    Dense,
    /// α‖x‖₁.
    L1 {
        /// α.
        penalty: Penalty,
    },
    /// x = m⊙w with α‖m‖₁.
    L1Mask {
        /// m² − w² of the start.
        beta: f64,
        /// α.
        penalty: Penalty,
    },
    /// x = m⊙w with α(‖m‖²+‖w‖²), from m = w.
    Spred {
        /// m² − w² of the start.
        beta: f64,
        /// α.
        penalty: Penalty,
    },
    /// x = m⊙w with α(‖m‖²+‖w‖²), α by Algorithm 1.
    Pilot {
        /// m² − w² of the start.
        beta: f64,
        /// α.
        penalty: Penalty,
    },
    /// x = m⊙w, `m² − w²` anew after every epoch.
    SignIn {
        /// It.
        beta: f64,
    },
    /// Soft thresholds.
    Str {
        /// First s.
        start: f64,
        /// α of ½α(‖θ‖² + s²).
        penalty: Penalty,
        /// HAM's step after its own.
        ham: Option<Multiplicative>,
    },
    /// x = θ|θ|^{p−1}.
    Powerprop {
        /// p.
        power: f64,
        /// HAM's step after its own.
        ham: Option<Multiplicative>,
    },
    /// Continuous Sparsification.
    Continuous {
        /// First s.
        start: f64,
        /// Last b.
        last: f64,
        /// α of α Σσ(bs).
        penalty: Penalty,
        /// HAM's step after its own.
        ham: Option<Multiplicative>,
    },
    /// A multiplicative step after each.
    Ham {
        /// a.
        gradient: f64,
        /// α.
        penalty: Penalty,
    },
}

/// PILoT under a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// m² − w² of the start.
    pub beta: f64,
    /// α of α(‖m‖²+‖w‖²).
    pub penalty: Penalty,
}

impl Method {
    /// Checks `[method]`.
    pub(super) fn of(m: &MethodConfig) -> Result<(Self, Option<Factors>)> {
        let name = m.name.as_str();
        if !METHODS.contains(&name) {
            let (last, others) = METHODS.split_last().unwrap_or((&"", &[]));
            let right = format!("{} or {last}", others.join(", "));
            return Err(domain("method.name", &right, &format!("{name:?}")));
        }
        if m.factors.is_some() && ["dense", "spred", "pilot"].contains(&name) {
            let right = "none: pilot and spred are x = m⊙w already, and dense with it is pilot";
            return Err(domain("method.factors", right, &format!("one under {name}")));
        }
        if m.ham.is_some() && !["str", "powerprop", "continuous"].contains(&name) {
            let right = "none but with str, powerprop or continuous (elsewhere: name = \"ham\")";
            return Err(domain("method.ham", right, &format!("one with {name}")));
        }
        heeded(m)?;
        let keys = m.strength_keys();
        let own =
            |schedule: &str, given: Option<f64>| Penalty::of("method", &keys, schedule, given);
        let constant = || own("constant", None);
        let beta = m.beta.unwrap_or(if name == "spred" { 0.0 } else { 1.0 });
        let ham = || m.ham.as_ref().map(HamConfig::step).transpose();
        let method = match name {
            "l1" => Self::L1 { penalty: constant()? },
            "l1-mask" => Self::L1Mask { beta, penalty: constant()? },
            "spred" => Self::Spred { beta, penalty: constant()? },
            "pilot" => Self::Pilot { beta, penalty: own("feedback", None)? },
            "str" => {
                let penalty = constant()?;
                Self::Str { start: m.start.unwrap_or(-5.0), penalty, ham: ham()? }
            }
            "continuous" => {
                let penalty = constant()?;
                let (start, last) = (m.start.unwrap_or(0.05), m.last.unwrap_or(200.0));
                if !(last >= 1.0 && last.is_finite()) {
                    let right = "a finite number of at least 1";
                    return Err(domain("method.last", right, &last.to_string()));
                }
                Self::Continuous { start, last, penalty, ham: ham()? }
            }
            "ham" => {
                let penalty = own("constant", Some(1e-3))?;
                let gradient = multiplicative(m.gradient.unwrap_or(200.0), None)?.gradient;
                Self::Ham { gradient, penalty }
            }
            free => {
                without_strength(free, &keys)?;
                match free {
                    "sign-in" => Self::SignIn { beta },
                    "powerprop" => Self::Powerprop { power: m.power.unwrap_or(2.0), ham: ham()? },
                    _ => Self::Dense,
                }
            }
        };
        Ok((method, m.factors.as_ref().map(Factors::of).transpose()?))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::L1 { .. } => "l1",
            Self::L1Mask { .. } => "l1-mask",
            Self::Spred { .. } => "spred",
            Self::Pilot { .. } => "pilot",
            Self::SignIn { .. } => "sign-in",
            Self::Str { .. } => "str",
            Self::Powerprop { .. } => "powerprop",
            Self::Continuous { .. } => "continuous",
            Self::Ham { .. } => "ham",
        }
    }

    /// What stands beside the loss.
    pub fn penalty(&self) -> Option<&Penalty> {
        match self {
            Self::L1 { penalty }
            | Self::L1Mask { penalty, .. }
            | Self::Spred { penalty, .. }
            | Self::Pilot { penalty, .. }
            | Self::Str { penalty, .. }
            | Self::Continuous { penalty, .. }
            | Self::Ham { penalty, .. } => Some(penalty),
            Self::Dense | Self::SignIn { .. } | Self::Powerprop { .. } => None,
        }
    }

    /// Whether the optimiser's weight decay leaves its weights alone.
    pub(crate) fn decays_by_itself(&self) -> bool {
        matches!(
            self,
            Self::L1Mask { .. }
                | Self::Spred { .. }
                | Self::Pilot { .. }
                | Self::SignIn { .. }
                | Self::Str { .. }
        )
    }
}

impl Factors {
    fn of(f: &FactorsConfig) -> Result<Self> {
        let penalty = Penalty::of("method.factors", f, "feedback", None)?;
        let beta = f.beta.unwrap_or(1.0);
        if !beta.is_finite() {
            return Err(domain("beta", "a finite number", &beta.to_string()));
        }
        Ok(Self { beta, penalty })
    }
}

impl HamConfig {
    fn step(&self) -> Result<Multiplicative> {
        multiplicative(self.gradient, Some(self.decay))
    }
}

fn multiplicative(gradient: f64, decay: Option<f64>) -> Result<Multiplicative> {
    let both =
        [("the gradient's factor of ham", gradient), ("the decay of ham", decay.unwrap_or(0.0))];
    for (what, value) in both {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(domain(what, "a finite number of at least 0", &value.to_string()));
        }
    }
    Ok(Multiplicative { gradient, decay })
}

/// That there is no key of a strength for a method without a penalty.
fn without_strength(name: &str, keys: &FactorsConfig) -> Result<()> {
    if keys.strength.or(keys.total).or(keys.target).is_some() {
        let right = "none: it has none (that of m⊙w under it stands in [method.factors])";
        return Err(domain(&format!("the strength of {name}"), right, "one"));
    }
    for (key, given) in [
        ("schedule", keys.schedule.is_some()),
        ("delta", keys.delta.is_some()),
        ("floor", keys.floor.is_some()),
        ("ratio", keys.ratio.is_some()),
    ] {
        if given {
            let right = "none: there is no strength that it would change";
            return Err(domain(&format!("method.{key}"), right, &format!("one with {name}")));
        }
    }
    Ok(())
}

/// That the method heeds every key of its own that is given, and each is finite.
fn heeded(m: &MethodConfig) -> Result<()> {
    let product = ["l1-mask", "spred", "pilot", "sign-in"];
    for (key, value, of) in [
        ("power", m.power, &["powerprop"][..]),
        ("start", m.start, &["str", "continuous"]),
        ("last", m.last, &["continuous"]),
        ("gradient", m.gradient, &["ham"]),
        ("beta", m.beta, if m.factors.is_some() { &[] } else { &product }),
    ] {
        let Some(value) = value else { continue };
        if !of.contains(&m.name.as_str()) {
            let right = match (of, key) {
                ([], _) => "in [method.factors] where there is one".into(),
                _ => format!("only with {}", of.join(", ")),
            };
            return Err(domain(&format!("method.{key}"), &right, &format!("one with {}", m.name)));
        }
        if !value.is_finite() {
            let what = format!("method.{key}");
            return Err(domain(&what, "a finite number", &value.to_string()));
        }
    }
    Ok(())
}

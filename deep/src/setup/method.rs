//! Which methods go with which penalties: the configuration's `[method]`, `[method.factors]` and `[method.ham]` as a method.
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
//! Pruning (`[prune]`) goes with all of them; a target sparsity with those that have a strength, in one cycle.

use mirrorflow::{Error, Result, kernels::array::Home};
use rayon::prelude::*;

use super::{Setup, domain};
use crate::config::{Config, FactorsConfig, Rate};
use crate::method::{
    Continuous, Factors, HamMethod, Kind, Latent, Method, Multiplicative, Plain, Power, Shape,
    SoftThreshold, State, Strength, Variable,
};

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
/// Those whose θ may be anything.
const LATENT: [&str; 3] = ["str", "powerprop", "continuous"];
/// Those without a penalty of their own.
const FREE: [&str; 3] = ["dense", "powerprop", "sign-in"];

/// Those that show within a run too late what their strength does (`train/search.rs`).
const UNSEEN: [&str; 2] = ["continuous", "ham"];
/// The first α of HAM, in parts of the gradient's factor a: it shrinks what has a gradient below α/a.
const HAM: f64 = 0.05;

/// τ of the first strength of a target sparsity ([`crate::method::Control`]).
fn first_total(place: &str, name: &str) -> f64 {
    match name {
        _ if place != "method" => 0.4,
        "l1" => 0.1,
        "l1-mask" => 0.8,
        "str" => 1.5,
        "continuous" => 0.025,
        _ => 0.4,
    }
}

/// The strengths of the method's own penalty and of m and w beside it.
pub(super) fn strengths(c: &Config, rate: &Rate, steps: usize) -> Result<(Strength, Strength)> {
    let (m, epochs) = (&c.method, c.train.epochs);
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
    if m.ham.is_some() && !LATENT.contains(&name) {
        let right = "none but with str, powerprop or continuous (elsewhere: name = \"ham\")";
        return Err(domain("method.ham", right, &format!("one with {name}")));
    }
    check_keys(c)?;
    let sum = |k: u64| (0..steps).map(|s| rate.at(k as f64 + s as f64 / steps as f64)).sum();
    let rates: Vec<f64> = (0..epochs).into_par_iter().map(sum).collect();
    let keys = m.strength_keys();
    let momentum =
        if c.optimizer.kind == "sgd" { c.optimizer.momentum.unwrap_or(0.0) } else { 0.0 };
    let momentum = momentum.clamp(0.0, 0.999);
    let gradient = m.gradient.unwrap_or(200.0);
    let none = || Strength::new(0.0, Shape::Constant, epochs);
    let own = if FREE.contains(&name) {
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
        none()?
    } else {
        let default = if name == "pilot" { "feedback" } else { "constant" };
        let given = (name == "ham").then_some(1e-3);
        strength("method", &keys, default, given, &rates, (name, momentum, gradient))?
    };
    let factors = match &m.factors {
        Some(keys) => {
            strength("method.factors", keys, "feedback", None, &rates, (name, momentum, gradient))?
        }
        None => none()?,
    };
    Ok((own, factors))
}

fn strength(
    place: &str,
    keys: &FactorsConfig,
    default: &str,
    given: Option<f64>,
    rates: &[f64],
    (name, momentum, gradient): (&str, f64, f64),
) -> Result<Strength> {
    let epochs = rates.len() as u64;
    let schedule = keys.schedule.as_deref().unwrap_or(default);
    for (key, value, of) in [
        ("delta", keys.delta, "feedback"),
        ("floor", keys.floor, "feedback"),
        ("ratio", keys.ratio, "geometric"),
    ] {
        if value.is_some() && schedule != of {
            let right = format!("only with schedule = \"{of}\"");
            return Err(domain(&format!("{place}.{key}"), &right, &format!("one with {schedule}")));
        }
    }
    if let Some(target) = keys.target {
        if keys.total.is_some() || keys.schedule.is_some() {
            let right = "target alone, or with a first strength: it finds its own schedule";
            return Err(domain(&format!("{place}.target"), right, "total or schedule beside it"));
        }
        // Adam's steps do not grow with its momentum.
        let steps: f64 = rates.iter().sum::<f64>() / (1.0 - momentum);
        let own = place == "method";
        let first = match keys.strength {
            Some(first) => first,
            None if own && name == "ham" => HAM * gradient,
            None => first_total(place, name) / steps,
        };
        let sought = Strength::new(first, Shape::Target(target), epochs)?.with_rates(rates)?;
        if own && UNSEEN.contains(&name) {
            return sought.with_total(first * rates.iter().sum::<f64>(), Shape::Constant);
        }
        return Ok(sought);
    }
    let shape = match schedule {
        "constant" => Shape::Constant,
        "linear" => Shape::Linear,
        "harmonic" => Shape::Harmonic,
        "quadratic" => Shape::Quadratic,
        "geometric" => Shape::Geometric(keys.ratio.unwrap_or(0.95)),
        "feedback" => {
            let (delta, floor) = (keys.delta.unwrap_or(1.01), keys.floor.unwrap_or(0.0));
            Shape::Feedback { delta, floor }
        }
        other => {
            let right = "constant, linear, harmonic, quadratic, geometric or feedback";
            return Err(domain(&format!("{place}.schedule"), right, other));
        }
    };
    match (keys.strength.or(given.filter(|_| keys.total.is_none())), keys.total) {
        (Some(_), Some(_)) => {
            Err(domain(&format!("{place}.strength and {place}.total"), "one of them", "both"))
        }
        (Some(first), None) => Strength::new(first, shape, epochs)?.with_rates(rates),
        (None, Some(total)) => Strength::of_total(total, shape, rates),
        (None, None) => {
            let right = format!("a number (or {place}.total, or {place}.target)");
            Err(domain(&format!("{place}.strength"), &right, "none"))
        }
    }
}

/// Keys that the method does not know are no wish it grants.
fn check_keys(c: &Config) -> Result<()> {
    let m = &c.method;
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

/// Whether the wanted sparsity can be had at all.
pub(super) fn check_target(setup: &Setup) -> Result<()> {
    let wanted = [setup.strength.target(), setup.factors.target()];
    let runs = setup.config.method.runs;
    let Some(target) = wanted[0].or(wanted[1]) else {
        return match runs {
            None => Ok(()),
            Some(n) => Err(domain("method.runs", "none without a target", &n.to_string())),
        };
    };
    if runs == Some(0) {
        return Err(domain("method.runs", "at least 1", "0"));
    }
    if wanted[0].is_some() && wanted[1].is_some() {
        return Err(domain("method.target and method.factors.target", "one of them", "both"));
    }
    if setup.config.prune.cycles > 1 {
        let right = "prune.cycles = 1: iterative pruning sets the sparsity itself";
        return Err(domain("method.target", right, "several cycles"));
    }
    let (weights, layers) = (setup.network.weight_count(), setup.weights.len());
    let kept = kept(weights, target);
    if kept < layers || kept == weights {
        // Fewer weights than layers: no path is left from the image to the classes.
        let (most, least) = (1.0 - layers as f64 / weights as f64, 1.0 / weights as f64);
        let right = format!(
            "from {least:.2e} to {most:.6}: of {weights} weights at least one for each of {layers} layers"
        );
        return Err(domain("method.target", &right, &target.to_string()));
    }
    Ok(())
}

impl Setup {
    /// The same with a total in place of feedback for the strength that a target sparsity hangs on, under the method's own schedule.
    pub(crate) fn with_total(&self, total: f64) -> Result<Self> {
        let (mut new, m) = (self.clone(), &self.config.method);
        let feedback = |delta: Option<f64>, floor: Option<f64>| Shape::Feedback {
            delta: delta.unwrap_or(1.01),
            floor: floor.unwrap_or(0.0),
        };
        match &m.factors {
            Some(f) if self.factors.target().is_some() => {
                new.factors = self.factors.with_total(total, feedback(f.delta, f.floor))?;
            }
            _ => {
                let shape = match m.name.as_str() {
                    "pilot" => feedback(m.delta, m.floor),
                    _ => Shape::Constant,
                };
                new.strength = self.strength.with_total(total, shape)?;
            }
        }
        Ok(new)
    }
}

/// Weights kept at a sparsity.
pub(crate) fn kept(weights: usize, sparsity: f64) -> usize {
    ((1.0 - sparsity) * weights as f64).round() as usize
}

impl Setup {
    /// The method with room for this network's weights.
    ///
    /// # Errors
    /// When one of its numbers is out of range.
    pub(crate) fn method(&self) -> Result<Box<dyn Method<f32>>> {
        self.method_of(&self.home, self.network.weight_count())
    }

    /// The same with room for so many weights.
    pub(super) fn method_of(&self, home: &Home, len: usize) -> Result<Box<dyn Method<f32>>> {
        let m = &self.config.method;
        let optimizer = self.optimizer(0.0)?;
        let variable = |len| Variable::at(home, len, &optimizer);
        let state = || State::at(home, len, &optimizer);
        let under = m.factors.as_ref();
        let beta = under.map_or(m.beta, |f| f.beta);
        let beta = beta.unwrap_or(if m.name == "spred" { 0.0 } else { 1.0 });
        if !beta.is_finite() {
            return Err(domain("beta", "a finite number", &beta.to_string()));
        }
        let factors =
            |kind| Ok::<_, Error>(Factors::new(kind, beta, variable(len)?, variable(len)?));
        let latent = |ham: Option<Multiplicative>| {
            Ok::<_, Error>(match under {
                Some(_) => Latent::factors(beta, variable(len)?, variable(len)?, ham),
                None => Latent::plain(variable(len)?, ham),
            })
        };
        let ham = match &m.ham {
            Some(h) => Some(multiplicative(h.gradient, Some(h.decay))?),
            None => None,
        };
        Ok(match m.name.as_str() {
            "dense" => Box::new(Plain::new(false, state()?)),
            "l1" if under.is_some() => Box::new(factors(Kind::ProductL1)?),
            "l1" => Box::new(Plain::new(true, state()?)),
            "l1-mask" => Box::new(factors(Kind::MaskL1)?),
            "spred" | "pilot" => Box::new(factors(Kind::Decay)?),
            "sign-in" => Box::new(factors(Kind::Rescaled)?),
            "str" => {
                let s = variable(self.weights.len())?;
                Box::new(SoftThreshold::new(m.start.unwrap_or(-5.0), latent(ham)?, s))
            }
            "powerprop" => Box::new(Power::new(m.power.unwrap_or(2.0), latent(ham)?)?),
            "continuous" => {
                let (start, last) = (m.start.unwrap_or(0.05), m.last.unwrap_or(200.0));
                if !(last >= 1.0 && last.is_finite()) {
                    let right = "a finite number of at least 1";
                    return Err(domain("method.last", right, &last.to_string()));
                }
                Box::new(Continuous::new(start, last, variable(len)?, latent(ham)?))
            }
            _ => {
                let gradient = m.gradient.unwrap_or(200.0);
                let ham = multiplicative(gradient, None)?;
                match under {
                    // x = θ, and HAM's step on what θ is made of.
                    Some(_) => Box::new(Power::new(1.0, latent(Some(ham))?)?),
                    None => Box::new(HamMethod::new(gradient, state()?)),
                }
            }
        })
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

//! How strong a penalty is: by its first value, by its total Σαη, or by the sparsity that it should
//! lead to.

use mirrorflow::Result;

use super::{FactorsConfig, domain};
use crate::method::{Shape, Strength};

/// What α goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Penalty {
    /// Its first value, and how it goes on.
    First(f64, Shape),
    /// Σαη over all steps, and how α goes.
    Total(f64, Shape),
    /// The share of weights that are 0 at the end: feedback finds α.
    Target {
        /// It.
        share: f64,
        /// The α to begin with, where one is given.
        first: Option<f64>,
        /// How α goes where it gets a total instead.
        then: Shape,
    },
}

impl Penalty {
    /// Checks the keys of a strength in a table of this name, with the schedule and, where it has
    /// one, the first value that hold where none is given.
    pub(super) fn of(
        place: &str,
        keys: &FactorsConfig,
        default: &str,
        given: Option<f64>,
    ) -> Result<Self> {
        let schedule = keys.schedule.as_deref().unwrap_or(default);
        for (key, value, of) in [
            ("delta", keys.delta, "feedback"),
            ("floor", keys.floor, "feedback"),
            ("ratio", keys.ratio, "geometric"),
        ] {
            if value.is_some() && schedule != of {
                let (what, found) = (format!("{place}.{key}"), format!("one with {schedule}"));
                return Err(domain(&what, &format!("only with schedule = \"{of}\""), &found));
            }
        }
        if keys.target.is_some() && (keys.total.is_some() || keys.schedule.is_some()) {
            let right = "target alone, or with a first strength: it finds its own schedule";
            return Err(domain(&format!("{place}.target"), right, "total or schedule beside it"));
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
        if let Some(share) = keys.target {
            return Ok(Self::Target { share, first: keys.strength, then: shape });
        }
        match (keys.strength.or(given.filter(|_| keys.total.is_none())), keys.total) {
            (Some(_), Some(_)) => {
                Err(domain(&format!("{place}.strength and {place}.total"), "one of them", "both"))
            }
            (Some(first), None) => Ok(Self::First(first, shape)),
            (None, Some(total)) => Ok(Self::Total(total, shape)),
            (None, None) => {
                let right = format!("a number (or {place}.total, or {place}.target)");
                Err(domain(&format!("{place}.strength"), &right, "none"))
            }
        }
    }

    /// The sparsity it should lead to, where it is one.
    pub fn target(&self) -> Option<f64> {
        match self {
            Self::Target { share, .. } => Some(*share),
            Self::First(..) | Self::Total(..) => None,
        }
    }

    /// α over epochs with these sums of learning rates; for a sparsity from `first`, where none is
    /// given.
    pub(crate) fn strength(&self, rates: &[f64], first: f64) -> Result<Strength> {
        let epochs = rates.len() as u64;
        match *self {
            Self::First(first, shape) => Strength::new(first, shape, epochs)?.with_rates(rates),
            Self::Total(total, shape) => Strength::of_total(total, shape, rates),
            Self::Target { share, first: given, .. } => {
                let first = given.unwrap_or(first);
                Strength::new(first, Shape::Target(share), epochs)?.with_rates(rates)
            }
        }
    }

    /// How α goes where it is given a total.
    pub(crate) fn shape(&self) -> Shape {
        match *self {
            Self::First(_, shape) | Self::Total(_, shape) | Self::Target { then: shape, .. } => {
                shape
            }
        }
    }
}

//! Where instances come from and how the falsifier moves among them.

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// An instance of a claim: what its statements are checked on.
///
/// The methods beside [`Domain::describe`] are what the falsifier needs: real parameters to climb
/// along, and simpler instances to shrink towards. An instance without real parameters returns
/// none, and is only drawn and shrunk.
pub trait Domain: Clone + Serialize + Send + Sync + 'static {
    /// The instance in one line from which a reader can make it again.
    fn describe(&self) -> String;

    /// Its real parameters, in a fixed order.
    fn parameters(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The same instance with other parameters, as many as [`Domain::parameters`] gave; `None` where
    /// they make no instance.
    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let _ = parameters;
        None
    }

    /// Instances that are simpler in kind: one sample fewer, one feature fewer, no schedule, ….
    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

/// Draws an instance. The size grows from 0 to 1 over a search: small instances come first.
pub type Draw<I> = fn(rng: &mut ChaCha8Rng, size: f64) -> mirrorflow::Result<I>;

/// An instance that is a handful of named numbers.
///
/// ```
/// use mirrorflow_proofs_checks::{Domain, Numbers};
/// let point = Numbers::new(&[("x", 0.5), ("a", 2.0)]);
/// assert_eq!(point.describe(), "x = 0.5, a = 2");
/// assert_eq!(point.get("a"), 2.0);
/// assert_eq!(point.with_parameters(&[1.0, 3.0]).map(|p| p.get("x")), Some(1.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers(Vec<(&'static str, f64)>);

impl Numbers {
    /// Names with their values.
    pub fn new(values: &[(&'static str, f64)]) -> Self {
        Self(values.to_vec())
    }

    /// The value of that name; NaN where there is none, so that nothing holds of it.
    pub fn get(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

impl Domain for Numbers {
    fn describe(&self) -> String {
        let texts: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name} = {}", number(*value))).collect();
        texts.join(", ")
    }

    fn parameters(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let finite = parameters.iter().all(|v| v.is_finite());
        (finite && parameters.len() == self.0.len()).then(|| {
            Self(self.0.iter().zip(parameters).map(|((name, _), value)| (*name, *value)).collect())
        })
    }
}

/// A number as it is read most easily, without loss: `0.5`, `-3`, `1e-12`.
pub(crate) fn number(value: f64) -> String {
    // −0 is 0 to a reader.
    let value = if value == 0.0 { 0.0 } else { value };
    let plain = value.to_string();
    let scientific = format!("{value:e}");
    if plain.len() <= scientific.len() + 2 { plain } else { scientific }
}

/// Numbers as a vector: `(1, 2)`; a single one without the parentheses.
pub(crate) fn vector(values: &[f64]) -> String {
    match values {
        [one] => number(*one),
        _ => format!("({})", values.iter().map(|v| number(*v)).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_loss() {
        for value in [0.5, -3.0, 1e-12, 1.0 / 3.0, 1e300, 0.1 + 0.2] {
            assert_eq!(number(value).parse::<f64>(), Ok(value));
        }
        assert_eq!(number(1e-12), "1e-12");
        assert_eq!(vector(&[1.0, -0.5]), "(1, -0.5)");
    }
}

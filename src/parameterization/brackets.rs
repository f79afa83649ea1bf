//! Lie brackets of the coordinate gradient fields,
//! `[∇x_i, ∇x_j](θ) = ∇²x_j ∇x_i − ∇²x_i ∇x_j`: do the flows that move x_i and x_j commute?

use super::Parameterization;
use crate::{Error, Result};

/// The largest Lie bracket found, relative to the size of its two terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LargestBracket {
    /// The pair (i, j), i < j.
    pub pair: (usize, usize),
    /// `‖[∇x_i, ∇x_j]‖_∞`.
    pub size: f64,
    /// `max(‖∇²x_j ∇x_i‖_∞, ‖∇²x_i ∇x_j‖_∞)`, the terms whose difference the bracket is.
    pub terms: f64,
}

impl LargestBracket {
    /// Whether it vanishes up to rounding: to `64 ε` of its terms, where a product of a few
    /// factors and their sum carry a few ε.
    pub fn vanishes(&self) -> bool {
        self.size <= 64.0 * f64::EPSILON * self.terms
    }
}

fn check_length(what: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        expected: format!("({expected})"),
        found: format!("({found})"),
    })
}

/// `[∇x_i, ∇x_j](θ)`, length k.
///
/// # Errors
/// When θ has the wrong length or there is no such pair of features.
///
/// # Examples
/// ```
/// use mirrorflow::parameterization::{NeuronWise, lie_bracket};
/// // One neuron, two weights: θ = (m, w₁, w₂), x = (m w₁, m w₂).
/// let map = NeuronWise::new(1, 2)?;
/// let bracket = lie_bracket(&map, &[2.0, 3.0, 5.0], 0, 1)?;
/// assert_eq!(bracket, [0.0, -5.0, 3.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn lie_bracket(
    map: &dyn Parameterization,
    theta: &[f64],
    i: usize,
    j: usize,
) -> Result<Vec<f64>> {
    check_length("theta", map.parameters(), theta.len())?;
    let n = map.features();
    if i >= n || j >= n {
        return Err(Error::Domain {
            what: "the pair of features".into(),
            expected: format!("two indices below {n}"),
            found: format!("({i}, {j})"),
        });
    }
    let (forth, back) = terms(map, theta, i, j);
    Ok(forth.iter().zip(&back).map(|(p, q)| p - q).collect())
}

/// `∇²x_j ∇x_i` and `∇²x_i ∇x_j`.
fn terms(map: &dyn Parameterization, theta: &[f64], i: usize, j: usize) -> (Vec<f64>, Vec<f64>) {
    let (n, k) = (map.features(), map.parameters());
    let term = |from: usize, along: usize| {
        let mut unit = vec![0.0; n];
        let (mut field, mut out) = (vec![0.0; k], vec![0.0; k]);
        unit[from] = 1.0;
        map.pull_back(theta, &unit, &mut field);
        map.hessian_vector(along, theta, &field, &mut out);
        out
    };
    (term(i, j), term(j, i))
}

/// The bracket that is farthest from vanishing, over all pairs; `None` where there is one feature
/// only, whose flow commutes with itself. Costs `O(n²k)`.
///
/// That it vanishes at one θ proves nothing about others: call it at several.
///
/// # Errors
/// When θ has the wrong length or an entry that is not finite.
///
/// # Examples
/// ```
/// use mirrorflow::parameterization::{NeuronWise, Product, largest_bracket};
/// let theta = [1.0, 2.0, 3.0, -4.0];
/// assert!(largest_bracket(&Product::new(2)?, &theta)?.is_some_and(|b| b.vanishes()));
/// assert!(largest_bracket(&NeuronWise::new(1, 3)?, &theta)?.is_some_and(|b| !b.vanishes()));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn largest_bracket(
    map: &dyn Parameterization,
    theta: &[f64],
) -> Result<Option<LargestBracket>> {
    check_length("theta", map.parameters(), theta.len())?;
    if let Some((index, value)) = theta.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        return Err(Error::NotFinite {
            what: "theta".into(),
            index: index.to_string(),
            value: *value,
        });
    }
    let mut worst: Option<LargestBracket> = None;
    let ratio = |b: &LargestBracket| if b.size > 0.0 { b.size / b.terms } else { 0.0 };
    for j in 1..map.features() {
        for i in 0..j {
            let (forth, back) = terms(map, theta, i, j);
            let mut found = LargestBracket { pair: (i, j), size: 0.0, terms: 0.0 };
            for (p, q) in forth.iter().zip(&back) {
                // A NaN of the user's map must not pass as small.
                let size = (p - q).abs();
                found.size = if size.is_nan() { f64::INFINITY } else { found.size.max(size) };
                found.terms = found.terms.max(p.abs()).max(q.abs());
            }
            if worst.as_ref().is_none_or(|w| ratio(&found) > ratio(w)) {
                worst = Some(found);
            }
        }
    }
    Ok(worst)
}

//! Parameterizations `θ ↦ x(θ)`, ℝᵏ → ℝⁿ, and where their flows start.
//!
//! The gradient flow `θ' = −J(θ)ᵀ∇f(x)` of `f(x(θ))` moves `x' = −J Jᵀ ∇f(x)`. It is a mirror flow,
//! whatever `f` is, when the gradient fields `∇x_i(θ)` commute: all Lie brackets
//! `[∇x_i, ∇x_j] = ∇²x_j ∇x_i − ∇²x_i ∇x_j` vanish, and the Jacobian `J = ∂x/∂θ` has rank n (Li,
//! Wang, Lee & Arora 2022, "Implicit bias of gradient descent on reparametrized models", theorem
//! 4.9; used as theorem 2.1 of the paper). `m ⊙ w` commutes; neuron-wise masks do not (lemma C.1).

mod brackets;
mod elementwise;
mod neuron_wise;
mod start;
#[cfg(test)]
mod tests;

pub use brackets::{LargestBracket, largest_bracket, lie_bracket};
pub use elementwise::{Depth, DifferenceOfSquares, Identity, Product};
pub use neuron_wise::NeuronWise;
pub use start::Start;

use crate::{Error, Result};

/// A twice differentiable map `θ ↦ x`, with its derivatives.
///
/// `theta` has length k = [`Parameterization::parameters`], `x` and its cotangents have length
/// n = [`Parameterization::features`]. Implement this to study a parameterization of your own.
///
/// # Examples
/// ```
/// use mirrorflow::parameterization::{Parameterization, Product};
/// let map = Product::new(2)?;
/// let theta = [1.0, 2.0, 3.0, -4.0]; // m = (1, 2), w = (3, −4)
/// let (mut x, mut slope) = ([0.0; 2], [0.0; 4]);
/// map.x(&theta, &mut x);
/// map.pull_back(&theta, &[1.0, 1.0], &mut slope);
/// assert_eq!((x, slope), ([3.0, -8.0], [3.0, -4.0, 1.0, 2.0]));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub trait Parameterization: Sync {
    /// What it is called in reports, as `m⊙w`.
    fn name(&self) -> String;
    /// Number of parameters k.
    fn parameters(&self) -> usize;
    /// Number of features n.
    fn features(&self) -> usize;
    /// `x(θ)` into `out` (length n).
    fn x(&self, theta: &[f64], out: &mut [f64]);
    /// `J u`, the velocity of x when θ moves with `u` (length k), into `out` (length n).
    fn push_forward(&self, theta: &[f64], u: &[f64], out: &mut [f64]);
    /// `Jᵀ g`, the gradient in θ of a function whose gradient in x is `g` (length n), into `out`
    /// (length k).
    fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]);
    /// `∇²x_i(θ) u` into `out` (length k), for one `i < n` and a direction `u` (length k).
    fn hessian_vector(&self, i: usize, theta: &[f64], u: &[f64], out: &mut [f64]);

    /// `J(θ)` into `out` (n×k, row-major).
    fn jacobian(&self, theta: &[f64], out: &mut [f64]) {
        let mut unit = vec![0.0; self.features()];
        for (i, row) in out.chunks_exact_mut(self.parameters().max(1)).enumerate() {
            unit[i] = 1.0;
            self.pull_back(theta, &unit, row);
            unit[i] = 0.0;
        }
    }

    /// `J Jᵀ` into `out` (n×n, row-major): `x' = −J Jᵀ ∇f`, so where the flow is a mirror flow this
    /// is `(∇²R(x))⁻¹`.
    fn metric(&self, theta: &[f64], out: &mut [f64]) {
        let (n, k) = (self.features(), self.parameters());
        let (mut unit, mut tangent) = (vec![0.0; n], vec![0.0; k]);
        for (i, row) in out.chunks_exact_mut(n.max(1)).enumerate() {
            unit[i] = 1.0;
            self.pull_back(theta, &unit, &mut tangent);
            self.push_forward(theta, &tangent, row);
            unit[i] = 0.0;
        }
    }
}

/// A size that must not be zero.
fn at_least_one(what: &str, found: usize) -> Result<usize> {
    if found == 0 {
        return Err(Error::Domain {
            what: what.into(),
            expected: "at least 1".into(),
            found: "0".into(),
        });
    }
    Ok(found)
}

//! Mirror potentials `R`: value, gradient, Hessian, conjugate, Bregman divergence, and the laws
//! every one of them obeys.

mod entropy;
mod euclidean;
pub mod laws;

pub use entropy::HyperbolicEntropy;
pub use euclidean::Euclidean;

/// A separable, strictly convex mirror potential on ℝⁿ. [`laws::check`] tests an implementation.
///
/// All slices have length n = [`Potential::dim`]; a longer one is used up to n.
pub trait Potential {
    /// Dimension n.
    fn dim(&self) -> usize;
    /// `R(x)`.
    fn value(&self, x: &[f64]) -> f64;
    /// `∇R(x)` into `out`.
    fn gradient(&self, x: &[f64], out: &mut [f64]);
    /// Diagonal of `∇²R(x)` into `out`.
    fn hessian(&self, x: &[f64], out: &mut [f64]);
    /// `R*(s) = sup_x sᵀx − R(x)`.
    fn conjugate(&self, s: &[f64]) -> f64;
    /// `∇R*(s) = (∇R)⁻¹(s)` into `out`.
    fn conjugate_gradient(&self, s: &[f64], out: &mut [f64]);
    /// Bregman divergence `D_R(x, x') = R(x) − R(x') − ∇R(x')ᵀ(x − x') ≥ 0`.
    fn bregman(&self, x: &[f64], base: &[f64]) -> f64;
}

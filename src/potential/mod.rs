//! Mirror potentials `R`: value, gradient, Hessian, conjugate, Bregman divergence.

mod entropy;
pub use entropy::HyperbolicEntropy;

/// A separable, strictly convex mirror potential on ℝⁿ.
pub trait Potential {
    /// Dimension n.
    fn dim(&self) -> usize;
    /// `R(x)`.
    fn value(&self, x: &[f64]) -> f64;
    /// `∇R(x)` into `out` (length n).
    fn gradient(&self, x: &[f64], out: &mut [f64]);
    /// Diagonal of `∇²R(x)` into `out` (length n).
    fn hessian(&self, x: &[f64], out: &mut [f64]);
    /// `R*(s)`.
    fn conjugate(&self, s: &[f64]) -> f64;
    /// `∇R*(s) = (∇R)⁻¹(s)` into `out` (length n).
    fn conjugate_gradient(&self, s: &[f64], out: &mut [f64]);
    /// Bregman divergence `D_R(x, x') = R(x) − R(x') − ∇R(x')ᵀ(x − x') ≥ 0`, without cancellation.
    fn bregman(&self, x: &[f64], base: &[f64]) -> f64;
}

//! Parameterizations in which each feature has parameters of its own: `m ⊙ w`, `u² − v²`, products
//! of L factors, the identity. Their gradient fields live on disjoint coordinates, hence commute.

use super::{Parameterization, Start, at_least_one};
use crate::Result;

/// `x = m ⊙ w`, `θ = (m, w)`, k = 2n. Its flow is the mirror flow of the hyperbolic entropy:
/// `J Jᵀ = diag(m² + w²) = 2 diag √(x² + a²)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    n: usize,
}

impl Product {
    /// For n features.
    ///
    /// # Errors
    /// When n = 0.
    pub fn new(n: usize) -> Result<Self> {
        Ok(Self { n: at_least_one("the number of features", n)? })
    }
    /// `θ = (m₀, w₀)` of a start.
    pub fn theta(start: &Start) -> Vec<f64> {
        [start.m0(), start.w0()].concat()
    }
}

impl Parameterization for Product {
    fn name(&self) -> String {
        "m⊙w".into()
    }
    fn parameters(&self) -> usize {
        2 * self.n
    }
    fn features(&self) -> usize {
        self.n
    }
    fn x(&self, theta: &[f64], out: &mut [f64]) {
        for i in 0..self.n {
            out[i] = theta[i] * theta[self.n + i];
        }
    }
    fn push_forward(&self, theta: &[f64], u: &[f64], out: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            out[i] = theta[n + i] * u[i] + theta[i] * u[n + i];
        }
    }
    fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            out[i] = theta[n + i] * g[i];
            out[n + i] = theta[i] * g[i];
        }
    }
    fn hessian_vector(&self, i: usize, _theta: &[f64], u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        out[i] = u[self.n + i];
        out[self.n + i] = u[i];
    }
}

/// `x = u² − v²` (elementwise), `θ = (u, v)`, k = 2n.
///
/// With `u = (m+w)/2`, `v = (m−w)/2` it is `m ⊙ w`, and its flow is that of `m ⊙ w` at twice the
/// speed (`u' = −2u∇f` here, `(m+w)' = −(m+w)∇f` there): the potential has ¼ for ½.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DifferenceOfSquares {
    n: usize,
}

impl DifferenceOfSquares {
    /// For n features.
    ///
    /// # Errors
    /// When n = 0.
    pub fn new(n: usize) -> Result<Self> {
        Ok(Self { n: at_least_one("the number of features", n)? })
    }
    /// `θ = ((m₀+w₀)/2, (m₀−w₀)/2)` of a start: the same x₀.
    pub fn theta(start: &Start) -> Vec<f64> {
        let pairs = || start.m0().iter().zip(start.w0());
        let sums = pairs().map(|(m, w)| 0.5 * (m + w));
        let differences = pairs().map(|(m, w)| 0.5 * (m - w));
        sums.chain(differences).collect()
    }
}

impl Parameterization for DifferenceOfSquares {
    fn name(&self) -> String {
        "u²−v²".into()
    }
    fn parameters(&self) -> usize {
        2 * self.n
    }
    fn features(&self) -> usize {
        self.n
    }
    fn x(&self, theta: &[f64], out: &mut [f64]) {
        for i in 0..self.n {
            let (u, v) = (theta[i], theta[self.n + i]);
            out[i] = (u - v) * (u + v);
        }
    }
    fn push_forward(&self, theta: &[f64], u: &[f64], out: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            out[i] = 2.0 * (theta[i] * u[i] - theta[n + i] * u[n + i]);
        }
    }
    fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            out[i] = 2.0 * theta[i] * g[i];
            out[n + i] = -2.0 * theta[n + i] * g[i];
        }
    }
    fn hessian_vector(&self, i: usize, _theta: &[f64], u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        out[i] = 2.0 * u[i];
        out[self.n + i] = -2.0 * u[self.n + i];
    }
}

/// `x = θ₁ ⊙ … ⊙ θ_L`, k = Ln, the factors one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    n: usize,
    depth: usize,
}

impl Depth {
    /// For n features and L = `depth` factors.
    ///
    /// # Errors
    /// When n = 0 or L = 0.
    pub fn new(n: usize, depth: usize) -> Result<Self> {
        Ok(Self {
            n: at_least_one("the number of features", n)?,
            depth: at_least_one("the depth", depth)?,
        })
    }
    /// Number of factors L.
    pub fn depth(&self) -> usize {
        self.depth
    }
    /// Product of the factors of feature i but those at `skip`.
    fn others(&self, theta: &[f64], i: usize, skip: [usize; 2]) -> f64 {
        (0..self.depth)
            .filter(|layer| !skip.contains(layer))
            .map(|layer| theta[layer * self.n + i])
            .product()
    }
}

impl Parameterization for Depth {
    fn name(&self) -> String {
        format!("depth {}", self.depth)
    }
    fn parameters(&self) -> usize {
        self.depth * self.n
    }
    fn features(&self) -> usize {
        self.n
    }
    fn x(&self, theta: &[f64], out: &mut [f64]) {
        out[..self.n].copy_from_slice(&theta[..self.n]);
        for factor in theta.chunks_exact(self.n).skip(1) {
            for (x, factor) in out.iter_mut().zip(factor) {
                *x *= factor;
            }
        }
    }
    fn push_forward(&self, theta: &[f64], u: &[f64], out: &mut [f64]) {
        for i in 0..self.n {
            out[i] =
                (0..self.depth).map(|l| self.others(theta, i, [l, l]) * u[l * self.n + i]).sum();
        }
    }
    fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]) {
        for l in 0..self.depth {
            for i in 0..self.n {
                out[l * self.n + i] = self.others(theta, i, [l, l]) * g[i];
            }
        }
    }
    fn hessian_vector(&self, i: usize, theta: &[f64], u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for l in 0..self.depth {
            out[l * self.n + i] = (0..self.depth)
                .filter(|&q| q != l)
                .map(|q| self.others(theta, i, [l, q]) * u[q * self.n + i])
                .sum();
        }
    }
}

/// `x = θ`: plain gradient flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    n: usize,
}

impl Identity {
    /// For n features.
    ///
    /// # Errors
    /// When n = 0.
    pub fn new(n: usize) -> Result<Self> {
        Ok(Self { n: at_least_one("the number of features", n)? })
    }
}

impl Parameterization for Identity {
    fn name(&self) -> String {
        "x".into()
    }
    fn parameters(&self) -> usize {
        self.n
    }
    fn features(&self) -> usize {
        self.n
    }
    fn x(&self, theta: &[f64], out: &mut [f64]) {
        out.copy_from_slice(theta);
    }
    fn push_forward(&self, _theta: &[f64], u: &[f64], out: &mut [f64]) {
        out.copy_from_slice(u);
    }
    fn pull_back(&self, _theta: &[f64], g: &[f64], out: &mut [f64]) {
        out.copy_from_slice(g);
    }
    fn hessian_vector(&self, _i: usize, _theta: &[f64], _u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
    }
}

//! `x_ij = m_i w_ij`: one mask entry for all weights of a neuron.
//!
//! `[∇x_ij, ∇x_il] = w_ij e(w_il) − w_il e(w_ij)` does not vanish: the fields do not commute, and
//! the flow is no mirror flow (lemma C.1 of the paper).

use super::{Parameterization, at_least_one};
use crate::Result;

/// `x_ij = m_i w_ij` for i < neurons, j < weights of each; `θ = (m, w)` with w row-major, so
/// k = neurons·(1 + weights) and n = neurons·weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeuronWise {
    neurons: usize,
    weights: usize,
}

impl NeuronWise {
    /// For a number of neurons with a number of weights each.
    ///
    /// # Errors
    /// When one of them is 0.
    pub fn new(neurons: usize, weights: usize) -> Result<Self> {
        Ok(Self {
            neurons: at_least_one("the number of neurons", neurons)?,
            weights: at_least_one("the number of weights of a neuron", weights)?,
        })
    }
}

impl Parameterization for NeuronWise {
    fn name(&self) -> String {
        "neuron-wise".into()
    }
    fn parameters(&self) -> usize {
        self.neurons * (1 + self.weights)
    }
    fn features(&self) -> usize {
        self.neurons * self.weights
    }
    fn x(&self, theta: &[f64], out: &mut [f64]) {
        let (m, w) = theta.split_at(self.neurons);
        for (at, (x, w)) in out.iter_mut().zip(w).enumerate() {
            *x = m[at / self.weights] * w;
        }
    }
    fn push_forward(&self, theta: &[f64], u: &[f64], out: &mut [f64]) {
        let (m, w) = theta.split_at(self.neurons);
        let (u_m, u_w) = u.split_at(self.neurons);
        for (at, out) in out.iter_mut().enumerate() {
            let i = at / self.weights;
            *out = w[at] * u_m[i] + m[i] * u_w[at];
        }
    }
    fn pull_back(&self, theta: &[f64], g: &[f64], out: &mut [f64]) {
        let (m, w) = theta.split_at(self.neurons);
        let (out_m, out_w) = out.split_at_mut(self.neurons);
        out_m.fill(0.0);
        for (at, g) in g.iter().enumerate() {
            let i = at / self.weights;
            out_m[i] += w[at] * g;
            out_w[at] = m[i] * g;
        }
    }
    fn hessian_vector(&self, i: usize, _theta: &[f64], u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let (neuron, weight) = (i / self.weights, self.neurons + i);
        out[neuron] = u[weight];
        out[weight] = u[neuron];
    }
}

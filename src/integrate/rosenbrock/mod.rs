//! A Rosenbrock method of order five for stiff flows: linear systems instead of Newton iterations.
//!
//! With `W = I/(γh) − J`, `J = ∂F/∂s(t, y)`, the stages solve
//! `W u_i = F(t + α_i h, y + Σ_j a_ij u_j) + Σ_j (c_ij/h) u_j + γ_i h F_t(t, y)`
//! and the step is `y + Σ_j m_j u_j`: one factorization and eight solves. The method is stiffly
//! accurate and L-stable (`R(∞) = 0`), the last stage is the error estimate of an embedded L-stable
//! method of order four, the dense output has order four. It needs the exact J and `F_t`.
//!
//! Source: RODAS5P of G. Steinebach, BIT 63 (2023); form of Hairer & Wanner II, IV.7.

mod matrix;

use super::{Attempt, Step, Stepper, Trial, Work};
use crate::flow::{Flow, Structure};
use crate::numerics::rodas5p::{A, C, DENSE, GAMMA, NODES, STAGES, TIME};
use matrix::Shifted;

/// RODAS5P as a [`Stepper`]: Cholesky where the flow says its Jacobian is symmetric negative
/// semidefinite, LU where not, difference quotients where the flow gives no Jacobian.
///
/// ```
/// use mirrorflow::integrate::{Rosenbrock, Stepper};
/// let stepper = Rosenbrock::new(40);
/// assert_eq!(stepper.name(), "rosenbrock");
/// assert_eq!(stepper.error_order(), 5);
/// ```
#[derive(Debug, Clone)]
pub struct Rosenbrock {
    shifted: Shifted,
    structure: Structure,
    /// J, row-major, and `F_t` at the start of the step.
    jacobian: Vec<f64>,
    slope_t: Vec<f64>,
    u: [Vec<f64>; STAGES],
    stage: Vec<f64>,
    value: Vec<f64>,
    start: Vec<f64>,
    end: Vec<f64>,
}

impl Rosenbrock {
    /// For states of length `dim`.
    pub fn new(dim: usize) -> Self {
        let zero = || vec![0.0; dim];
        Self {
            shifted: Shifted::new(dim),
            structure: Structure::General,
            jacobian: vec![0.0; dim * dim],
            slope_t: zero(),
            u: std::array::from_fn(|_| zero()),
            stage: zero(),
            value: zero(),
            start: zero(),
            end: zero(),
        }
    }

    /// Column by column, `(F(t, y + ε e_j) − f)/ε`.
    fn difference_jacobian(
        &mut self,
        flow: &dyn Flow,
        t: f64,
        y: &[f64],
        f: &[f64],
        work: &mut Work,
    ) {
        let d = y.len();
        let size = y.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        self.stage.copy_from_slice(y);
        for j in 0..d {
            let scale = y[j].abs().max(1e-3 * size).max(1e-6);
            self.stage[j] = y[j] + f64::EPSILON.sqrt() * scale;
            let epsilon = self.stage[j] - y[j];
            flow.field(t, &self.stage, &mut self.value);
            for i in 0..d {
                self.jacobian[i * d + j] = (self.value[i] - f[i]) / epsilon;
            }
            self.stage[j] = y[j];
        }
        work.fields += d as u64;
    }
}

impl Stepper for Rosenbrock {
    fn name(&self) -> &'static str {
        "rosenbrock"
    }

    fn error_order(&self) -> u32 {
        5
    }

    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], f: &[f64], work: &mut Work) -> f64 {
        work.jacobians += 1;
        match flow.jacobian(t, y, &mut self.jacobian) {
            Some(structure) => self.structure = structure,
            None => {
                self.difference_jacobian(flow, t, y, f, work);
                self.structure = Structure::General;
            }
        }
        flow.time_derivative(t, y, &mut self.slope_t);
        f64::INFINITY
    }

    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        let Step { flow, t, y, f, h } = step;
        let Trial { y: y_new, f: f_new, err } = trial;
        let d = y.len();
        work.factorizations += 1;
        if !self.shifted.factor(self.structure, &self.jacobian, 1.0 / (GAMMA * h)) {
            return Attempt::NotFinite;
        }
        self.stage.copy_from_slice(y);
        for i in 0..STAGES {
            let (done, rest) = self.u.split_at_mut(i);
            // Stages 7 and 8 only add the last u to the argument of the stage before.
            match (A.get(i), done.last()) {
                (Some(row), _) => {
                    for k in 0..d {
                        let sum: f64 = row.iter().zip(done.iter()).map(|(a, u)| a * u[k]).sum();
                        self.stage[k] = y[k] + sum;
                    }
                }
                (None, Some(last)) => {
                    for k in 0..d {
                        self.stage[k] += last[k];
                    }
                }
                (None, None) => {}
            }
            if i == 0 {
                self.value.copy_from_slice(f);
            } else {
                flow.field(t + NODES[i] * h, &self.stage, &mut self.value);
                work.fields += 1;
            }
            let u = &mut rest[0];
            for k in 0..d {
                let sum: f64 = C[i].iter().zip(done.iter()).map(|(c, v)| c * v[k]).sum();
                u[k] = self.value[k] + sum / h + TIME[i] * h * self.slope_t[k];
            }
            self.shifted.solve(u);
            // An overflow is seen where it happens: later stages could hide it.
            if !u.iter().all(|v| v.is_finite()) {
                return Attempt::NotFinite;
            }
        }
        err.copy_from_slice(&self.u[STAGES - 1]);
        for k in 0..d {
            y_new[k] = self.stage[k] + err[k];
        }
        flow.field(t + h, y_new, f_new);
        work.fields += 1;
        if !y_new.iter().chain(f_new.iter()).all(|v| v.is_finite()) {
            return Attempt::NotFinite;
        }
        self.start.copy_from_slice(y);
        self.end.copy_from_slice(y_new);
        Attempt::Done
    }

    fn interpolate(&self, s: f64, out: &mut [f64]) {
        for k in 0..out.len() {
            let [q1, q2, q3] = DENSE
                .map(|row| row.iter().zip(&self.u).map(|(weight, u)| weight * u[k]).sum::<f64>());
            let bend = (1.0 - s) * (q1 + s * (q2 + s * q3));
            out[k] = (1.0 - s) * self.start[k] + s * (self.end[k] + bend);
        }
    }
}

#[cfg(test)]
mod tests;

//! An exponential integrator as a candidate: exprb43, order 4 with an embedded one of order 3.
//!
//! With `J = ∂F/∂s(t, y)`, `v = F_t(t, y)`,
//! `D_i = F(t + c_i h, U_i) − F(t, y) − J(U_i − y) − c_i h v`:
//!
//! `U₂ = y + ½h φ₁(½hJ) F + ¼h² φ₂(½hJ) v`,
//! `U₃ = y + h φ₁(hJ)(F + D₂) + h² φ₂(hJ) v`,
//! `y₁ = y + h φ₁(hJ) F + h² φ₂(hJ) v + h(16φ₃ − 48φ₄)(hJ) D₂ + h(−2φ₃ + 12φ₄)(hJ) D₃`;
//! the embedded method leaves out φ₄.
//!
//! Source: M. Hochbruck, A. Ostermann & J. Schweitzer, "Exponential Rosenbrock-type methods", SIAM
//! J. Numer. Anal. 47 (2009), exprb43 and §5 for `F` that depends on t. J is symmetric:
//! `φ(hJ) = Q φ(hΛ) Qᵀ`, one eigendecomposition a step.

use faer::{Mat, Side};
use mirrorflow::{
    flow::Flow,
    integrate::{Attempt, Step, Stepper, Trial, Work},
};

/// `φ_k(z)`, k = 1 … 4: `φ_{k+1}(z) = (φ_k(z) − 1/k!)/z`, `φ₀ = e^z`; the series where that
/// cancels.
fn phi(z: f64) -> [f64; 4] {
    if z.abs() < 1.0 {
        // Σ_j z^j/(j + k)!, 20 terms: the next is below 1e-18.
        let mut out = [0.0; 4];
        for (k, out) in out.iter_mut().enumerate() {
            let mut term: f64 = (1..=k + 1).map(|i| 1.0 / i as f64).product();
            for j in 1..=20 {
                *out += term;
                term *= z / (j + k + 1) as f64;
            }
        }
        return out;
    }
    let one = z.exp_m1() / z;
    let two = (one - 1.0) / z;
    let three = (two - 0.5) / z;
    [one, two, three, (three - 1.0 / 6.0) / z]
}

/// exprb43 for symmetric Jacobians.
#[derive(Debug)]
pub(crate) struct Exponential {
    jacobian: Vec<f64>,
    slope_t: Vec<f64>,
    /// Eigenvalues, and eigenvectors by rows.
    lambda: Vec<f64>,
    q: Vec<f64>,
    /// Start, end, and slopes there, for the dense output.
    last: [Vec<f64>; 4],
    h: f64,
}

impl Exponential {
    /// For states of length `dim`.
    pub(crate) fn new(dim: usize) -> Self {
        Self {
            jacobian: vec![0.0; dim * dim],
            slope_t: vec![0.0; dim],
            lambda: vec![0.0; dim],
            q: vec![0.0; dim * dim],
            last: std::array::from_fn(|_| vec![0.0; dim]),
            h: 0.0,
        }
    }

    /// Qᵀv.
    fn modes_of(&self, v: &[f64]) -> Vec<f64> {
        self.q
            .chunks_exact(v.len())
            .map(|row| row.iter().zip(v).map(|(q, v)| q * v).sum())
            .collect()
    }

    /// Qv.
    fn point_of(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (row, v) in self.q.chunks_exact(v.len()).zip(v) {
            out.iter_mut().zip(row).for_each(|(out, q)| *out += q * v);
        }
    }
}

impl Stepper for Exponential {
    fn name(&self) -> &'static str {
        "exponential"
    }

    fn error_order(&self) -> u32 {
        4
    }

    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], _f: &[f64], work: &mut Work) -> f64 {
        let d = y.len();
        work.jacobians += 1;
        if flow.jacobian(t, y, &mut self.jacobian).is_none() {
            self.lambda.fill(f64::NAN);
            return f64::INFINITY;
        }
        flow.time_derivative(t, y, &mut self.slope_t);
        let matrix = Mat::from_fn(d, d, |i, j| self.jacobian[i * d + j]);
        match matrix.self_adjoint_eigen(Side::Lower) {
            Ok(eigen) => {
                for k in 0..d {
                    self.lambda[k] = eigen.S()[k];
                    for i in 0..d {
                        self.q[k * d + i] = eigen.U()[(i, k)];
                    }
                }
            }
            Err(_) => self.lambda.fill(f64::NAN),
        }
        f64::INFINITY
    }

    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        let Step { flow, t, y, f, h } = step;
        let Trial { y: y_new, f: f_new, err } = trial;
        let d = y.len();
        let (slope, pull) = (self.modes_of(f), self.modes_of(&self.slope_t));
        let half: Vec<[f64; 4]> = self.lambda.iter().map(|l| phi(0.5 * h * l)).collect();
        let whole: Vec<[f64; 4]> = self.lambda.iter().map(|l| phi(h * l)).collect();
        let (mut modes, mut value, mut point) = (vec![0.0; d], vec![0.0; d], vec![0.0; d]);
        // D of a stage that lies `modes` away, at c.
        let mut defect = |this: &Self, modes: &[f64], c: f64| {
            this.point_of(modes, &mut point);
            point.iter_mut().zip(y).for_each(|(p, y)| *p += y);
            flow.field(t + c * h, &point, &mut value);
            let found = this.modes_of(&value);
            let linear = |k: usize| slope[k] + this.lambda[k] * modes[k] + c * h * pull[k];
            (0..d).map(|k| found[k] - linear(k)).collect::<Vec<f64>>()
        };
        for k in 0..d {
            modes[k] = 0.5 * h * (half[k][0] * slope[k] + 0.5 * h * half[k][1] * pull[k]);
        }
        let second = defect(self, &modes, 0.5);
        for k in 0..d {
            modes[k] = h * (whole[k][0] * (slope[k] + second[k]) + h * whole[k][1] * pull[k]);
        }
        let third = defect(self, &modes, 1.0);
        let mut error = vec![0.0; d];
        for k in 0..d {
            let [one, two, three, four] = whole[k];
            error[k] = h * four * (12.0 * third[k] - 48.0 * second[k]);
            modes[k] = h * (one * slope[k] + h * two * pull[k])
                + h * three * (16.0 * second[k] - 2.0 * third[k])
                + error[k];
        }
        self.point_of(&modes, y_new);
        y_new.iter_mut().zip(y).for_each(|(new, y)| *new += y);
        self.point_of(&error, err);
        flow.field(t + h, y_new, f_new);
        work.fields += 3;
        self.h = h;
        for (last, now) in self.last.iter_mut().zip([y, &*y_new, f, &*f_new]) {
            last.copy_from_slice(now);
        }
        if y_new.iter().chain(f_new.iter()).all(|v| v.is_finite()) {
            Attempt::Done
        } else {
            Attempt::NotFinite
        }
    }

    /// Hermite's cubic.
    fn interpolate(&self, s: f64, out: &mut [f64]) {
        let [y, end, f, slope] = &self.last;
        for i in 0..out.len() {
            let (bend, h) = (s * (1.0 - s), self.h);
            out[i] = (1.0 - s) * y[i]
                + s * end[i]
                + bend
                    * ((1.0 - 2.0 * s) * (y[i] - end[i]) + (1.0 - s) * h * f[i] - s * h * slope[i]);
        }
    }
}

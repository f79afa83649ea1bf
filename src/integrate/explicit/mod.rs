//! Explicit Runge–Kutta methods: `k_i = F(t + c_i h, y + h Σ_j a_ij k_j)`,
//! `y_new = y + h Σ_i b_i k_i`.
//!
//! For flows that are not stiff. The slope at the end of a step is the first stage of the next one.
//! Dense output, used to locate events, is the Hermite polynomial of degree five over two steps.

mod tables;

use super::combine::{combine, weigh};
use super::hermite::TwoStepHermite;
use super::{Attempt, Step, Stepper, Trial, Work};
use crate::flow::Flow;
use tables::{DOP853, DOPRI5, Estimate, TSIT5, Tableau};

/// An explicit Runge–Kutta method as a [`Stepper`].
///
/// ```
/// use mirrorflow::integrate::{Explicit, Stepper};
/// assert_eq!(Explicit::dop853(3).error_order(), 8);
/// ```
#[derive(Debug)]
pub struct Explicit {
    tableau: &'static Tableau,
    /// Stages; the first holds `F(t, y)`.
    k: Vec<Vec<f64>>,
    stage: Vec<f64>,
    dense: TwoStepHermite,
}

impl Explicit {
    fn new(tableau: &'static Tableau, dim: usize) -> Self {
        Self {
            tableau,
            k: vec![vec![0.0; dim]; tableau.b.len()],
            stage: vec![0.0; dim],
            dense: TwoStepHermite::new(dim),
        }
    }
    /// Dormand & Prince 5(4), for states of length `dim`.
    pub fn dopri5(dim: usize) -> Self {
        Self::new(&DOPRI5, dim)
    }
    /// Tsitouras 5(4), for states of length `dim`.
    pub fn tsit5(dim: usize) -> Self {
        Self::new(&TSIT5, dim)
    }
    /// Dormand & Prince 8(5,3), for states of length `dim`.
    pub fn dop853(dim: usize) -> Self {
        Self::new(&DOP853, dim)
    }
}

/// `h Σ e_i k_i` with the slope at the end as the last stage.
fn estimate(weights: &[f64], h: f64, k: &[Vec<f64>], f_new: &[f64], out: &mut [f64]) {
    weigh(h, weights, k, weights.get(k.len()).copied().unwrap_or(0.0), f_new, out);
}

impl Stepper for Explicit {
    fn name(&self) -> &'static str {
        self.tableau.name
    }
    fn error_order(&self) -> u32 {
        self.tableau.error_order
    }
    fn prepare(&mut self, _: &dyn Flow, _: f64, _: &[f64], _: &[f64], _: &mut Work) -> f64 {
        f64::INFINITY
    }

    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        let Step { flow, t, y, f, h } = step;
        let Trial { y: y_new, f: f_new, err } = trial;
        let Tableau { a, b, c, error, .. } = self.tableau;
        self.k[0].copy_from_slice(f);
        for (i, row) in a.iter().enumerate() {
            let (done, rest) = self.k.split_at_mut(i + 1);
            combine(y, h, row, done, &mut self.stage);
            flow.field(t + c[i + 1] * h, &self.stage, &mut rest[0]);
        }
        combine(y, h, b, &self.k, y_new);
        flow.field(t + h, y_new, f_new);
        work.fields += a.len() as u64 + 1;
        match error {
            Estimate::One(e) => estimate(e, h, &self.k, f_new, err),
            Estimate::Two(e5, e3) => {
                estimate(e3, h, &self.k, f_new, &mut self.stage);
                estimate(e5, h, &self.k, f_new, err);
                let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
                let (s5, s3) = (square(err), square(&self.stage));
                // Squares of tiny estimates may underflow: then the estimate of order 5 stands.
                if s5 > 0.0 {
                    let factor = (s5 / (s5 + 0.01 * s3)).sqrt();
                    err.iter_mut().for_each(|e| *e *= factor);
                }
            }
        }
        let finite = |v: &[f64]| v.iter().fold(true, |ok, x| ok & x.is_finite());
        if !(finite(y_new) && finite(f_new) && finite(err)) {
            return Attempt::NotFinite;
        }
        self.dense.push(h, y, f, y_new, f_new);
        Attempt::Done
    }

    fn interpolate(&self, s: f64, out: &mut [f64]) {
        self.dense.at(s, out);
    }
}

#[cfg(test)]
mod tests;

//! Stabilized explicit Runge–Kutta methods of order four (Chebyshev type) for mildly stiff flows.
//!
//! The stability polynomial `R(z) = w(z) P(z)` of a scheme with s stages has `|R| ≤ 0.95` on
//! `[−ℓ, −ε]`, `ℓ ≈ 0.35 s²`, so that a step costs s fields and no linear algebra and may be as
//! long as `ℓ/ρ`: the stable length per field grows with s. Assumption: the eigenvalues of the
//! Jacobian are real (gradient flows, and the dual flow, have a symmetric one); the s that a step
//! needs is chosen from the spectral radius ρ. `P` is a three-term recurrence,
//! `D_j = h μ_j F(K_{j−1}) + (1+κ_j) D_{j−1} − κ_j D_{j−2}`, `K_j = y + D_j`, and four finishing
//! stages with the stability polynomial w lift the composition to order four. The estimate is that
//! of an embedded method of order three which also uses `F(t+h, y_new)`.
//!
//! Source: the construction of A. Abdulle, "Fourth order Chebyshev methods with recurrence
//! relation", SIAM J. Sci. Comput. 23 (2002); coefficients derived anew by
//! `tools/stabilized_coefficients.py`.

mod radius;
pub(super) mod switch;
mod table;

use super::combine::{combine, recur, weigh};
use super::hermite::TwoStepHermite;
use super::{Attempt, Step, Stepper, Trial, Work};
use crate::flow::Flow;
use radius::SpectralRadius;
use table::SCHEMES;

/// One scheme of the family.
#[derive(Debug)]
pub(super) struct Scheme {
    /// Length ℓ of the interval of stability.
    pub(super) reach: f64,
    /// `[μ_j, κ_j]` of the s − 4 recurrence stages.
    pub(super) recurrence: &'static [[f64; 2]],
    /// `a₂₁, a₃₁, a₃₂, a₄₁, a₄₂, a₄₃` of the finishing stages.
    pub(super) a: [f64; 6],
    /// Their weights `b`.
    pub(super) b: [f64; 4],
    /// Weights of the error estimate on the four finishing slopes and on `F(t+h, y_new)`.
    pub(super) error: [f64; 5],
}

impl Scheme {
    /// Number of fields of a step.
    pub(super) fn stages(&self) -> usize {
        self.recurrence.len() + 4
    }

    /// The longest interval of stability.
    pub(super) fn longest_reach() -> f64 {
        SCHEMES[SCHEMES.len() - 1].reach
    }

    /// The cheapest scheme that is stable at `z = −h ρ`, or the longest.
    pub(super) fn for_reach(z: f64) -> &'static Scheme {
        let k = SCHEMES.partition_point(|s| s.reach < z);
        &SCHEMES[k.min(SCHEMES.len() - 1)]
    }
}

/// The stabilized family as a [`Stepper`].
///
/// ```
/// use mirrorflow::integrate::{Stabilized, Stepper};
/// let stepper = Stabilized::new(40);
/// assert_eq!(stepper.name(), "stabilized");
/// ```
#[derive(Debug, Clone)]
pub struct Stabilized {
    radius: SpectralRadius,
    dense: TwoStepHermite,
    /// Start of the last attempt, to notice that it was rejected.
    last_start: f64,
    rejected: u32,
    /// `D_{j−2}`, `D_{j−1}`.
    older: Vec<f64>,
    newer: Vec<f64>,
    /// Argument and value of the field.
    stage: Vec<f64>,
    slope: Vec<f64>,
    /// `k₁ … k₄` of the finishing stages.
    k: [Vec<f64>; 4],
}

impl Stabilized {
    /// For states of length `dim`.
    pub fn new(dim: usize) -> Self {
        let zero = || vec![0.0; dim];
        Self {
            radius: SpectralRadius::new(dim),
            dense: TwoStepHermite::new(dim),
            last_start: f64::NAN,
            rejected: 0,
            older: zero(),
            newer: zero(),
            stage: zero(),
            slope: zero(),
            k: [zero(), zero(), zero(), zero()],
        }
    }

    /// The estimated spectral radius of the Jacobian, with its margin.
    pub(super) fn radius(&self) -> f64 {
        self.radius.bound()
    }
}

impl Stepper for Stabilized {
    fn name(&self) -> &'static str {
        "stabilized"
    }

    fn error_order(&self) -> u32 {
        4
    }

    fn prepare(&mut self, flow: &dyn Flow, t: f64, y: &[f64], f: &[f64], work: &mut Work) -> f64 {
        self.radius.follow(flow, t, y, f, work);
        let rho = self.radius.bound();
        if rho > 0.0 { Scheme::longest_reach() / rho } else { f64::INFINITY }
    }

    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        let Step { flow, t, y, f, h } = step;
        let Trial { y: y_new, f: f_new, err } = trial;
        // A second rejection in a row can come from a radius that was too small.
        self.rejected = if t == self.last_start { self.rejected + 1 } else { 0 };
        self.last_start = t;
        if self.rejected >= 2 {
            self.radius.refine(flow, t, y, f, 4, work);
        }
        let scheme = Scheme::for_reach(h * self.radius.bound());
        let m = scheme.recurrence.len();
        let n = y.len();

        // The recurrence, on the difference D to y: its rounding is that of the step, not of the
        // state.
        let (mut c_older, mut c) = (0.0, 0.0);
        self.older.fill(0.0);
        self.newer.fill(0.0);
        for (j, &[mu, kappa]) in scheme.recurrence.iter().enumerate() {
            if j == 0 {
                self.slope.copy_from_slice(f);
            } else {
                for i in 0..n {
                    self.stage[i] = y[i] + self.newer[i];
                }
                flow.field(t + c * h, &self.stage, &mut self.slope);
            }
            recur(h * mu, &self.slope, kappa, &self.newer, &mut self.older);
            std::mem::swap(&mut self.older, &mut self.newer);
            let next = mu + (1.0 + kappa) * c - kappa * c_older;
            (c_older, c) = (c, next);
        }

        // The finishing stages start at K = y + D.
        let base = &self.newer;
        let [a21, a31, a32, a41, a42, a43] = scheme.a;
        let rows: [&[f64]; 4] = [&[], &[a21], &[a31, a32], &[a41, a42, a43]];
        for (q, row) in rows.iter().enumerate() {
            combine(base, h, row, &self.k, &mut self.stage);
            for (stage, y) in self.stage.iter_mut().zip(y) {
                *stage += y;
            }
            let node = c + row.iter().sum::<f64>();
            flow.field(t + node * h, &self.stage, &mut self.k[q]);
        }
        combine(base, h, &scheme.b, &self.k, y_new);
        for (new, y) in y_new.iter_mut().zip(y) {
            *new += y;
        }
        flow.field(t + h, y_new, f_new);
        // The first stage was given: s − 1 fields and the slope at the end.
        work.fields += (m + 4) as u64;
        weigh(h, &scheme.error[..4], &self.k, scheme.error[4], f_new, err);
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

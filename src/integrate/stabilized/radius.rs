//! Spectral radius of a Jacobian from its products with vectors.
//!
//! Power iteration, `v ← Jv/‖Jv‖`, with the product of the flow ([`Flow::jacobian_product`], which
//! costs about a field) or, where it has none, `J v ≈ (F(t, s + εv) − F(t, s))/ε` with `‖v‖ = 1`
//! and `ε = √eps · ‖s‖`. For a symmetric J the value `‖Jv‖` increases towards ρ from below, its
//! error falling with the square of that of v. Between steps v is kept, so that one product now and
//! then follows a slowly moving Jacobian.

use crate::flow::Flow;
use crate::integrate::Work;

/// Products of a first estimate.
const FIRST: u32 = 12;
/// Change between two products below which an estimate counts as settled.
const SETTLED: f64 = 0.01;
/// Longest wait, in steps, between two products of a settled estimate.
const LONGEST: u32 = 16;

/// The estimate and its direction.
#[derive(Debug, Clone)]
pub(super) struct SpectralRadius {
    direction: Vec<f64>,
    moved: Vec<f64>,
    slope: Vec<f64>,
    value: f64,
    known: bool,
    wait: u32,
    period: u32,
}

impl SpectralRadius {
    /// For states of length `dim`.
    pub(super) fn new(dim: usize) -> Self {
        // A fixed direction without symmetry, so that the same run gives the same bits: the
        // fractional parts of multiples of the golden ratio are spread evenly.
        let mut direction: Vec<f64> =
            (1..=dim).map(|i| (i as f64 * 0.618_033_988_749_895).fract() - 0.5).collect();
        let norm = norm(&direction);
        if norm > 0.0 {
            direction.iter_mut().for_each(|v| *v /= norm);
        }
        Self {
            direction,
            moved: vec![0.0; dim],
            slope: vec![0.0; dim],
            value: 0.0,
            known: false,
            wait: 0,
            period: 1,
        }
    }

    /// The current estimate with a margin of 5 %: `‖Jv‖` comes from below.
    pub(super) fn bound(&self) -> f64 {
        1.05 * self.value
    }

    /// Sets the estimate.
    #[cfg(test)]
    pub(super) fn set(&mut self, value: f64) {
        self.value = value / 1.05;
        self.known = true;
    }

    /// Follows the Jacobian after an accepted step; evaluates the field only when it is time to.
    pub(super) fn follow(
        &mut self,
        flow: &dyn Flow,
        t: f64,
        y: &[f64],
        f: &[f64],
        work: &mut Work,
    ) {
        if !self.known {
            return self.refine(flow, t, y, f, FIRST, work);
        }
        self.wait += 1;
        if self.wait >= self.period {
            let before = self.value;
            self.refine(flow, t, y, f, 1, work);
            let settled = (self.value - before).abs() <= SETTLED * before;
            self.period = if settled { (2 * self.period).min(LONGEST) } else { 1 };
        }
    }

    /// Up to `products` iterations at `(t, y)`, where `f = F(t, y)`.
    pub(super) fn refine(
        &mut self,
        flow: &dyn Flow,
        t: f64,
        y: &[f64],
        f: &[f64],
        products: u32,
        work: &mut Work,
    ) {
        self.wait = 0;
        self.known = true;
        // At y = 0 the slope gives the scale; the states of these flows are logarithms, of order
        // one.
        let size = norm(y).max(norm(f).min(1.0)).max(f64::MIN_POSITIVE);
        let mut epsilon = f64::EPSILON.sqrt() * size;
        for k in 0..products {
            work.fields += 1;
            if !flow.jacobian_product(t, y, &self.direction, &mut self.slope) {
                for i in 0..y.len() {
                    self.moved[i] = y[i] + epsilon * self.direction[i];
                }
                flow.field(t, &self.moved, &mut self.slope);
                for i in 0..y.len() {
                    self.slope[i] = (self.slope[i] - f[i]) / epsilon;
                }
            }
            let length = norm(&self.slope);
            if !length.is_finite() {
                epsilon *= 1e-3;
                continue;
            }
            let before = self.value;
            self.value = length;
            if length == 0.0 {
                return;
            }
            for i in 0..y.len() {
                self.direction[i] = self.slope[i] / length;
            }
            if k > 2 && (length - before).abs() <= SETTLED * before {
                return;
            }
        }
    }
}

/// Euclidean norm, scaled against overflow.
fn norm(v: &[f64]) -> f64 {
    let top = v.iter().fold(0.0f64, |m, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) });
    if top == 0.0 || !top.is_finite() {
        return top;
    }
    top * v.iter().map(|x| (x / top) * (x / top)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `s' = −λ_i s_i`.
    struct Diagonal(Vec<f64>);
    impl Flow for Diagonal {
        fn dim(&self) -> usize {
            self.0.len()
        }
        fn features(&self) -> usize {
            self.0.len()
        }
        fn initial(&self, state: &mut [f64]) {
            state.fill(1.0);
        }
        fn field(&self, _t: f64, state: &[f64], out: &mut [f64]) {
            for i in 0..state.len() {
                out[i] = -self.0[i] * state[i];
            }
        }
        fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
            out.copy_from_slice(state);
        }
        fn loss(&self, x: &[f64]) -> f64 {
            x.iter().map(|v| v * v).sum()
        }
    }

    #[test]
    fn the_bound_covers_a_dense_spectrum_and_is_not_loose() {
        let flow = Diagonal((0..40).map(|i| 0.1 + 0.12 * f64::from(i)).collect());
        let (mut y, mut f) = (vec![0.0; 40], vec![0.0; 40]);
        flow.initial(&mut y);
        flow.field(0.0, &y, &mut f);
        let mut radius = SpectralRadius::new(40);
        let mut work = Work::default();
        for _ in 0..20 {
            radius.follow(&flow, 0.0, &y, &f, &mut work);
        }
        let rho = 0.1 + 0.12 * 39.0;
        assert!(radius.bound() >= rho && radius.bound() <= 1.06 * rho, "{}", radius.bound() / rho);
        assert!(work.fields <= 20, "{}", work.fields);
    }

    #[test]
    fn zero_and_overflowing_states_are_no_harm() {
        let flow = Diagonal(vec![2.0, 1.0]);
        let mut radius = SpectralRadius::new(2);
        let mut work = Work::default();
        radius.follow(&flow, 0.0, &[0.0, 0.0], &[0.0, 0.0], &mut work);
        assert!(radius.bound().is_finite());
        let mut huge = SpectralRadius::new(2);
        huge.follow(&flow, 0.0, &[1e300, 1e300], &[-2e300, -1e300], &mut work);
        assert!((huge.bound() / 2.1 - 1.0).abs() < 0.05, "{}", huge.bound());
    }
}

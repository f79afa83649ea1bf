//! Dense output from the values and slopes at the ends of the last two steps.
//!
//! The Hermite polynomial of degree five through `(y, y')` at `θ = −r, 0, 1` (`r = h_previous/h`),
//! in Newton form with divided differences; its error on `[0, 1]` is `θ²(1−θ)²(θ+r)² h⁶ y⁽⁶⁾/720`.
//! Where there is no usable previous step it is the cubic, with error
//! `θ²(1−θ)² h⁴ y⁗/24 ≤ h⁴ y⁗/384`.

/// Smallest step ratio: rounding of the differences grows like `r⁻³`, 1e-16/0.05³/16 ≈ 1e-13.
const SMALLEST_RATIO: f64 = 0.05;

/// Ends of the last two steps.
#[derive(Debug, Clone)]
pub(super) struct TwoStepHermite {
    /// `(y, f)` at the start of the previous step and its length; `h = 0` when there is none.
    old: (Vec<f64>, Vec<f64>),
    h_old: f64,
    start: (Vec<f64>, Vec<f64>),
    end: (Vec<f64>, Vec<f64>),
    h: f64,
}

impl TwoStepHermite {
    /// For states of length `dim`.
    pub(super) fn new(dim: usize) -> Self {
        let pair = (vec![0.0; dim], vec![0.0; dim]);
        Self { old: pair.clone(), h_old: 0.0, start: pair.clone(), end: pair, h: 0.0 }
    }

    /// Takes the step from `(y, f)` to `(y_new, f_new)`. It continues the last one if it starts,
    /// bit for bit, where that ended; otherwise (a jump of the field, a restart) the past is
    /// dropped, and a repeated attempt from the same start replaces the last one.
    pub(super) fn push(&mut self, h: f64, y: &[f64], f: &[f64], y_new: &[f64], f_new: &[f64]) {
        if self.h > 0.0 && self.end.0 == y && self.end.1 == f {
            std::mem::swap(&mut self.old, &mut self.start);
            self.h_old = self.h;
        } else if !(self.h > 0.0 && self.start.0 == y && self.start.1 == f) {
            self.h_old = 0.0;
        }
        self.start.0.copy_from_slice(y);
        self.start.1.copy_from_slice(f);
        self.end.0.copy_from_slice(y_new);
        self.end.1.copy_from_slice(f_new);
        self.h = h;
    }

    /// The polynomial at `θ ∈ [0, 1]` into `out`.
    pub(super) fn at(&self, theta: f64, out: &mut [f64]) {
        let (h, r) = (self.h, if self.h > 0.0 { self.h_old / self.h } else { 0.0 });
        let past = r >= SMALLEST_RATIO;
        for i in 0..out.len() {
            let (y0, y1) = (self.start.0[i], self.end.0[i]);
            let (s0, s1) = (h * self.start.1[i], h * self.end.1[i]);
            let d01 = y1 - y0;
            let d001 = d01 - s0;
            let d011 = s1 - d01;
            let d0011 = d011 - d001;
            let mut tail = d0011;
            if past {
                // Node order 0, 0, 1, 1, −r, −r.
                let (yp, sp) = (self.old.0[i], h * self.old.1[i]);
                let d1p = (y1 - yp) / (1.0 + r);
                let d11p = (s1 - d1p) / (1.0 + r);
                let d1pp = (d1p - sp) / (1.0 + r);
                let d011p = (d011 - d11p) / r;
                let d11pp = (d11p - d1pp) / (1.0 + r);
                let d0011p = (d0011 - d011p) / r;
                let d011pp = (d011p - d11pp) / r;
                let d0011pp = (d0011p - d011pp) / r;
                tail += (theta - 1.0) * (d0011p + (theta + r) * d0011pp);
            }
            out[i] = y0 + theta * (s0 + theta * (d001 + (theta - 1.0) * tail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quintic(t: f64) -> (f64, f64) {
        let p = 1.0 - t + 0.5 * t.powi(2) - 2.0 * t.powi(3) + 0.25 * t.powi(4) + 0.125 * t.powi(5);
        let q = -1.0 + t - 6.0 * t.powi(2) + t.powi(3) + 0.625 * t.powi(4);
        (p, q)
    }

    fn step(dense: &mut TwoStepHermite, t: f64, h: f64) {
        let ((y, f), (yn, fneu)) = (quintic(t), quintic(t + h));
        dense.push(h, &[y], &[f], &[yn], &[fneu]);
    }

    #[test]
    fn a_quintic_is_reproduced_after_two_steps_and_a_retry() {
        let mut dense = TwoStepHermite::new(1);
        step(&mut dense, 0.0, 0.5);
        step(&mut dense, 0.5, 2.0);
        step(&mut dense, 0.5, 1.0);
        let mut out = [0.0];
        for k in 0..=10 {
            let theta = f64::from(k) / 10.0;
            dense.at(theta, &mut out);
            let want = quintic(0.5 + theta).0;
            assert!((out[0] - want).abs() < 1e-13, "{theta}: {} {want}", out[0]);
        }
    }

    #[test]
    fn a_jump_of_the_slope_drops_the_past() {
        let mut dense = TwoStepHermite::new(1);
        dense.push(1.0, &[0.0], &[1.0], &[1.0], &[1.0]);
        dense.push(1.0, &[1.0], &[-1.0], &[0.0], &[-1.0]);
        let mut out = [0.0];
        dense.at(0.5, &mut out);
        assert!((out[0] - 0.5).abs() < 1e-15);
    }
}

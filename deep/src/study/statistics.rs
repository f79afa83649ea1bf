//! Means with 95 % intervals: `x̄ ± t_{0.975, n−1} s/√n`, for independent normal samples; s² with n − 1 below.
//!
//! Student's distribution for a whole number ν of degrees of freedom has a closed form (Abramowitz & Stegun 26.7.3, 26.7.4):
//! with `θ = arctan(t/√ν)`, `P(|T| ≤ t)` is
//! ```text
//! ν odd:   (2/π) (θ + sin θ (cos θ + (2/3) cos³θ + … + (2·4⋯(ν−3))/(3·5⋯(ν−2)) cos^{ν−2}θ))
//! ν even:  sin θ (1 + (1/2) cos²θ + (1·3)/(2·4) cos⁴θ + … + (1·3⋯(ν−3))/(2·4⋯(ν−2)) cos^{ν−2}θ)
//! ```

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean; NaN of nothing.
    pub mean: f64,
    /// Half the width of the 95 % interval; NaN with fewer than two samples.
    pub half: f64,
    /// Samples.
    pub count: usize,
}

impl Mean {
    /// Of samples; those that are NaN (runs that diverged) are left out.
    ///
    /// ```
    /// use mirrorflow_deep::study::Mean;
    /// // s = 1, t_{0.975, 2} = 4.302653: 4.302653/√3.
    /// let mean = Mean::of(&[1.0, 2.0, 3.0]);
    /// assert!((mean.mean, mean.count) == (2.0, 3) && (mean.half - 2.484138).abs() < 1e-6);
    /// ```
    pub fn of(samples: &[f64]) -> Self {
        let samples: Vec<f64> = samples.iter().copied().filter(|x| !x.is_nan()).collect();
        let n = samples.len();
        let mean = if n == 0 { f64::NAN } else { samples.iter().sum::<f64>() / n as f64 };
        let half = if n < 2 {
            f64::NAN
        } else {
            let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
            student(n - 1) * (squares / (n - 1) as f64 / n as f64).sqrt()
        };
        Self { mean, half, count: n }
    }

    /// The ends of the interval.
    pub fn interval(&self) -> (f64, f64) {
        (self.mean - self.half, self.mean + self.half)
    }
}

/// `P(|T| ≤ √ν tan θ)` for ν ≥ 1.
fn within(nu: usize, theta: f64) -> f64 {
    let (sin, cos) = theta.sin_cos();
    let odd = nu % 2 == 1;
    // The terms' ratio is (j−1)/j cos², j = 3, 5, … or 2, 4, …
    let (mut term, mut sum) = if odd { (cos, if nu == 1 { 0.0 } else { cos }) } else { (1.0, 1.0) };
    let mut j = if odd { 3 } else { 2 };
    while j + 2 <= nu {
        term *= (j - 1) as f64 / j as f64 * cos * cos;
        sum += term;
        j += 2;
    }
    if odd { FRAC_2_PI * (theta + sin * sum) } else { sin * sum }
}

/// `t_{0.975, ν}`: 95 % of Student's distribution with ν ≥ 1 degrees of freedom are within ± it.
fn student(nu: usize) -> f64 {
    // `within` grows with θ: halving to the last bit.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if within(nu, middle) < 0.95 { low = middle } else { high = middle }
    }
    (nu as f64).sqrt() * low.tan()
}

#[cfg(test)]
mod tests {
    use super::{Mean, student};

    /// Abramowitz & Stegun, table 26.10 (and the normal quantile for large ν: t = z + (z³ + z)/(4ν) + O(1/ν²)).
    #[test]
    fn quantiles_are_the_printed_ones() {
        for (nu, t) in
            [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)]
        {
            assert!((student(nu) - t).abs() < 6e-4, "{nu}: {}", student(nu));
        }
        let z = 1.959_963_985_f64;
        let expected = z + (z.powi(3) + z) / 4000.0;
        // The next term is about 3/ν².
        assert!((student(1000) - expected).abs() < 1e-5);
    }

    #[test]
    fn samples_that_are_missing_are_not_counted() {
        let mean = Mean::of(&[0.5, f64::NAN]);
        assert!(mean.mean == 0.5 && mean.count == 1 && mean.half.is_nan());
        assert!(Mean::of(&[]).mean.is_nan());
        assert_eq!(Mean::of(&[0.25; 4]).interval(), (0.25, 0.25));
    }
}

//! Means with 95 % intervals: `x̄ ± t_{0.975, n−1} s/√n`, for independent normal samples; s² with n
//! − 1 below.
//!
//! Student's distribution for a whole number ν of degrees of freedom has a closed form (Abramowitz
//! & Stegun 26.7.3, 26.7.4): with `θ = arctan(t/√ν)`, `P(|T| ≤ t)` is
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
    /// Of samples; those that are NaN (of runs that diverged, say) are left out: `count` says how
    /// many there were.
    ///
    /// ```
    /// use mirrorflow::numerics::student::Mean;
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
            quantile(n - 1) * (squares / (n - 1) as f64 / n as f64).sqrt()
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

/// `t_{0.975, ν}`: 95 % of Student's distribution with ν ≥ 1 degrees of freedom are within ± it;
/// infinite for ν = 0, where nothing is known of the spread.
///
/// ```
/// use mirrorflow::numerics::student::quantile;
/// assert!((quantile(1) - 12.706_204_736_174_7).abs() < 1e-9);
/// ```
pub fn quantile(nu: usize) -> f64 {
    if nu == 0 {
        return f64::INFINITY;
    }
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
    use super::{Mean, quantile};

    /// `scipy.stats.t.ppf(0.975, ν)`; with three decimals Abramowitz & Stegun, table 26.10.
    #[test]
    fn quantiles_are_the_known_ones() {
        for (nu, t) in [
            (1, 12.706_204_736_174_694),
            (2, 4.302_652_729_749_462),
            (3, 3.182_446_305_283_708),
            (4, 2.776_445_105_197_793_4),
            (5, 2.570_581_835_636_314_6),
            (9, 2.262_157_162_798_205),
            (10, 2.228_138_851_986_274),
            (11, 2.200_985_160_091_639),
            (30, 2.042_272_456_301_237_8),
            (100, 1.983_971_518_523_551_8),
            (1000, 1.962_339_080_826_408_3),
        ] {
            // Bisection ends at the last bit of θ; the closed form has ν/2 terms, each rounded.
            let tolerance = (1e-13 + 1e-15 * nu as f64) * t;
            assert!((quantile(nu) - t).abs() < tolerance, "{nu}: {}", quantile(nu));
        }
        assert_eq!(quantile(0), f64::INFINITY);
    }

    /// The closed form where it is one line: `1/2 + arctan(t)/π` for ν = 1, `t/√(2 + t²)` within ±t
    /// for ν = 2.
    #[test]
    fn one_and_two_degrees_are_exact() {
        use std::f64::consts::PI;
        assert!((quantile(1) - (0.475 * PI).tan()).abs() < 1e-12);
        assert!((quantile(2) - 0.95 * (2.0 / (1.0_f64 - 0.95 * 0.95)).sqrt()).abs() < 1e-13);
    }

    #[test]
    fn samples_that_are_missing_are_not_counted() {
        let mean = Mean::of(&[0.5, f64::NAN]);
        assert!(mean.mean == 0.5 && mean.count == 1 && mean.half.is_nan());
        assert!(Mean::of(&[]).mean.is_nan());
        assert_eq!(Mean::of(&[0.25; 4]).interval(), (0.25, 0.25));
    }
}

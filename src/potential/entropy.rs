//! Hyperbolic entropy with tilt, in `log a`:
//! `R_a(x) = ½ Σ [x asinh(x/a) − √(x²+a²) − θ₀ x]`, `∇R_a = ½(asinh(x/a) − θ₀)`,
//! `∇²R_a = ½ diag 1/√(x²+a²)`, `R_a*(s) = ½ Σ a cosh(2s + θ₀)`, `∇R_a*(s) = a sinh(2s + θ₀)`.
//!
//! Minimum at `a sinh θ₀`. As a → ∞ it is `−½na + ‖x‖²/(4a)` (L2), as a → 0 it is
//! `½ log(1/a) ‖x‖₁ + ½Σ|x|(log 2|x| − 1)` (L1; θ₀ = 0). Source: Theorem 3.1 of the paper with
//! the constants corrected; Ghai, Hazan & Singer 2020 for the name.

use super::Potential;
use crate::numerics::exact::sums::sum2;
use crate::numerics::special::asinh::asinh_map;
use crate::numerics::special::log_domain::{a_cosh, asinh_ratio, entropy, hypot_a};
use crate::numerics::vector::a_sinh_map;
use crate::{Error, Result};

/// The range of `log a` in which every function here is right.
const LOG_A: std::ops::RangeInclusive<f64> = -1e6..=50.0;

/// Hyperbolic entropy `R_a` with elementwise scale `a` (stored as `log a`) and tilt `θ₀`.
///
/// # Examples
/// ```
/// use mirrorflow::potential::{HyperbolicEntropy, Potential};
/// let r = HyperbolicEntropy::uniform(2, -500.0)?;
/// let (mut s, mut x) = ([0.0; 2], [0.0; 2]);
/// r.gradient(&[0.5, -0.25], &mut s);
/// r.conjugate_gradient(&s, &mut x);
/// assert!((x[0] - 0.5).abs() < 1e-12 && (x[1] + 0.25).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HyperbolicEntropy {
    log_a: Vec<f64>,
    theta: Vec<f64>,
}

impl HyperbolicEntropy {
    /// Validates and takes `log a` and `θ₀` (equal lengths n ≥ 1, finite, `log a ∈ [−1e6, 50]`).
    ///
    /// # Errors
    /// When a length, an entry or its domain is wrong.
    pub fn new(log_a: Vec<f64>, theta: Vec<f64>) -> Result<Self> {
        if log_a.is_empty() || log_a.len() != theta.len() {
            return Err(Error::Shape {
                what: "theta".into(),
                expected: format!("({}) as log_a, at least (1)", log_a.len()),
                found: format!("({})", theta.len()),
            });
        }
        for (i, l) in log_a.iter().enumerate() {
            if !LOG_A.contains(l) {
                return Err(Error::Domain {
                    what: format!("log_a[{i}]"),
                    expected: "a number in [-1e6, 50]".into(),
                    found: l.to_string(),
                });
            }
        }
        if let Some((i, t)) = theta.iter().enumerate().find(|(_, t)| !t.is_finite()) {
            return Err(Error::NotFinite { what: "theta".into(), index: i.to_string(), value: *t });
        }
        Ok(Self { log_a, theta })
    }

    /// The same `log a` for each of the n coordinates, no tilt.
    ///
    /// # Errors
    /// When `log_a` is outside [−1e6, 50] or n = 0.
    pub fn uniform(n: usize, log_a: f64) -> Result<Self> {
        Self::new(vec![log_a; n], vec![0.0; n])
    }

    /// `R_{a_t}` with `log a_t = log a − 4A`: the potential after a total weight decay `A ≥ 0`.
    ///
    /// # Errors
    /// When A is not finite or takes `log a` below −1e6.
    pub fn decayed(&self, total: f64) -> Result<Self> {
        Self::new(self.log_a.iter().map(|l| l - 4.0 * total).collect(), self.theta.clone())
    }

    /// `log a`, length n.
    pub fn log_a(&self) -> &[f64] {
        &self.log_a
    }

    /// `θ₀`, length n.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// `(log a_i, θ_i)` with the entries of `v`.
    fn with<'a>(&'a self, v: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
        v.iter().zip(&self.log_a).zip(&self.theta).map(|((v, l), t)| (*v, *l, *t))
    }
}

/// `D(x, b)` of `½[x asinh(x/a) − √(x²+a²)]`, which is
/// `½[x(asinh(x/a) − asinh(b/a)) − (√(x²+a²) − √(b²+a²))]`, both differences without cancellation.
fn divergence(x: f64, b: f64, log_a: f64) -> f64 {
    if x == b {
        return 0.0;
    }
    let (zx, zb) = (asinh_ratio(x, log_a), asinh_ratio(b, log_a));
    let (sx, sb) = (hypot_a(x, log_a), hypot_a(b, log_a));
    let rotated = zx - zb;
    if rotated.abs() > 1.0 {
        return (0.5 * (x * rotated - (sx - sb))).max(0.0);
    }
    // With h = asinh(x/a) − asinh(b/a): x = b cosh h + s_b sinh h, s_x = s_b cosh h + b sinh h, so
    // D = ½[b(h cosh h − sinh h) + s_b(h sinh h − cosh h + 1)], each bracket by its series; and
    // x − b = 2a cosh(½(z_x+z_b)) sinh(½h) gives h without cancellation.
    let middle = a_cosh(0.5 * (zx + zb), log_a);
    let h = 2.0 * ((x - b) / (2.0 * middle)).asinh();
    let q = h * h;
    // h cosh h − sinh h = Σ h^{2k+1} 2k/(2k+1)!, h sinh h − cosh h + 1 = Σ h^{2k} (2k−1)/(2k)!.
    let (mut odd, mut even) = (0.0, 0.0);
    let (mut odd_term, mut even_term) = (h, 1.0);
    for k in 1..14 {
        let k = f64::from(k);
        odd_term *= q / ((2.0 * k) * (2.0 * k + 1.0));
        even_term *= q / ((2.0 * k - 1.0) * (2.0 * k));
        odd += 2.0 * k * odd_term;
        even += (2.0 * k - 1.0) * even_term;
    }
    // sb ≥ |b| and even ≥ |odd| up to rounding: the sum is not negative.
    (0.5 * (b * odd + sb * even)).max(0.0)
}

impl Potential for HyperbolicEntropy {
    fn dim(&self) -> usize {
        self.log_a.len()
    }

    fn value(&self, x: &[f64]) -> f64 {
        let terms: Vec<f64> =
            self.with(x).flat_map(|(x, l, t)| [0.5 * entropy(x, l), -0.5 * t * x]).collect();
        sum2(&terms)
    }

    fn gradient(&self, x: &[f64], out: &mut [f64]) {
        asinh_map(x, &self.log_a, out);
        for (o, t) in out.iter_mut().zip(&self.theta) {
            *o = 0.5 * (*o - t);
        }
    }

    fn hessian(&self, x: &[f64], out: &mut [f64]) {
        for (o, (x, l, _)) in out.iter_mut().zip(self.with(x)) {
            *o = 0.5 / hypot_a(x, l);
        }
    }

    fn conjugate(&self, s: &[f64]) -> f64 {
        let terms: Vec<f64> = self.with(s).map(|(s, l, t)| 0.5 * a_cosh(2.0 * s + t, l)).collect();
        sum2(&terms)
    }

    fn conjugate_gradient(&self, s: &[f64], out: &mut [f64]) {
        let z: Vec<f64> = self.with(s).map(|(s, _, t)| 2.0 * s + t).collect();
        a_sinh_map(&z, &self.log_a, out);
    }

    fn bregman(&self, x: &[f64], base: &[f64]) -> f64 {
        let terms: Vec<f64> =
            self.with(x).zip(base).map(|((x, l, _), b)| divergence(x, *b, l)).collect();
        sum2(&terms)
    }
}

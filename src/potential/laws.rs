//! What every mirror potential obeys, as checks with derived tolerances: a user's own potential can
//! be tested with them as ours are.

use super::Potential;

/// A law that a potential broke, with the numbers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{law}: {found:e} against {expected:e} (allowed {tolerance:e}) at {at}")]
pub struct Violation {
    /// Which law.
    pub law: &'static str,
    /// What the potential gave.
    pub found: f64,
    /// What the law asks.
    pub expected: f64,
    /// What rounding allows.
    pub tolerance: f64,
    /// Where.
    pub at: String,
}

fn demand(
    law: &'static str,
    found: f64,
    expected: f64,
    tolerance: f64,
    at: impl Fn() -> String,
) -> Result<(), Violation> {
    if (found - expected).abs() <= tolerance {
        return Ok(());
    }
    Err(Violation { law, found, expected, tolerance, at: at() })
}

/// Checks all laws at the points `x` and `b` (finite, length n; entries may differ widely):
/// `∇R*(∇R(x)) = x`, Fenchel's equality `R(x) + R*(∇R(x)) = xᵀ∇R(x)`, `D_R ≥ 0` with equality at
/// `x = b`, the three-point form of `D_R`, midpoint convexity, a positive Hessian, and `∇R`, `∇²R`
/// as derivatives of `R`, `∇R` by the mean value theorem.
///
/// # Errors
/// The first law that is broken.
///
/// # Examples
/// ```
/// use mirrorflow::potential::{Euclidean, laws};
/// laws::check(&Euclidean::new(2)?, &[1.0, -2.0], &[0.5, 3.0])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(r: &dyn Potential, x: &[f64], b: &[f64]) -> Result<(), Violation> {
    let n = r.dim();
    let eps = f64::EPSILON;
    let (mut gx, mut gb, mut hx, mut back) =
        (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    r.gradient(x, &mut gx);
    r.gradient(b, &mut gb);
    r.hessian(x, &mut hx);
    r.conjugate_gradient(&gx, &mut back);
    for i in 0..n {
        let at = || format!("coordinate {i}, x = {:e}", x[i]);
        if hx[i].is_nan() || hx[i] <= 0.0 {
            return Err(Violation {
                law: "∇²R > 0",
                found: hx[i],
                expected: 0.0,
                tolerance: 0.0,
                at: at(),
            });
        }
        // An error of some ε in the dual point moves the primal one by 1/R''; the dual point is
        // composed of terms up to |∇R| and, with a tilt, of what ∇R(0) shows.
        let dual_size = gx[i].abs() + tilt(r, i).abs();
        let tolerance = 32.0 * eps * (x[i].abs() + (1.0 + dual_size) / hx[i]);
        demand("∇R*(∇R(x)) = x", back[i], x[i], tolerance, at)?;
    }
    let (rx, rb, conjugate) = (r.value(x), r.value(b), r.conjugate(&gx));
    let inner: f64 = x.iter().zip(&gx).map(|(a, g)| a * g).sum();
    let inner_size: f64 = x.iter().zip(&gx).map(|(a, g)| (a * g).abs()).sum();
    let at = || format!("x = {x:?}, b = {b:?}");
    // The terms of R and of R* are as large as the dual value and the tilt allow.
    let tilt_size: f64 = (0..n).map(|i| tilt(r, i).abs() * x[i].abs()).sum();
    let size = rx.abs() + conjugate.abs() + inner_size + tilt_size;
    demand("R(x) + R*(∇R(x)) = xᵀ∇R(x)", rx + conjugate, inner, 64.0 * n as f64 * eps * size, at)?;

    let divergence = r.bregman(x, b);
    demand("D_R(x, x) = 0", r.bregman(x, x), 0.0, 0.0, at)?;
    if divergence.is_nan() || divergence < 0.0 {
        return Err(Violation {
            law: "D_R ≥ 0",
            found: divergence,
            expected: 0.0,
            tolerance: 0.0,
            at: at(),
        });
    }
    let linear: f64 = (0..n).map(|i| gb[i] * (x[i] - b[i])).sum();
    let linear_size: f64 = (0..n).map(|i| gb[i].abs() * (x[i].abs() + b[i].abs())).sum();
    let tilts: f64 = (0..n).map(|i| tilt(r, i).abs() * (x[i].abs() + b[i].abs())).sum();
    let size = rx.abs() + rb.abs() + linear_size + tilts + r.conjugate(&gb).abs() + conjugate.abs();
    let rounding = 64.0 * n as f64 * eps * size;
    demand("D_R = R(x) − R(b) − ∇R(b)ᵀ(x−b)", divergence, rx - rb - linear, rounding, at)?;
    if x != b && divergence == 0.0 && rx - rb - linear > rounding {
        return Err(Violation {
            law: "D_R > 0 for x ≠ b",
            found: 0.0,
            expected: rx - rb - linear,
            tolerance: rounding,
            at: at(),
        });
    }
    let middle: Vec<f64> = x.iter().zip(b).map(|(p, q)| 0.5 * p + 0.5 * q).collect();
    let excess = r.value(&middle) - 0.5 * (rx + rb);
    if excess.is_nan() || excess > rounding {
        return Err(Violation {
            law: "R(½(x+b)) ≤ ½(R(x)+R(b))",
            found: excess,
            expected: 0.0,
            tolerance: rounding,
            at: at(),
        });
    }
    derivatives(r, x)
}

/// `∇R(0)_i`, whose size bounds the tilt that cancels inside `∇R`.
fn tilt(r: &dyn Potential, i: usize) -> f64 {
    let n = r.dim();
    let mut g = vec![0.0; n];
    r.gradient(&vec![0.0; n], &mut g);
    g[i]
}

/// Along each coordinate: `∇R` is monotone, `R(x+h) − R(x−h)` lies between the slopes there times
/// 2h (convexity), and the difference of the slopes lies between the extreme curvatures times 2h
/// (mean value). No difference quotient, hence no truncation error.
fn derivatives(r: &dyn Potential, x: &[f64]) -> Result<(), Violation> {
    let n = r.dim();
    let (mut g_low, mut g_high) = (vec![0.0; n], vec![0.0; n]);
    let mut curvature = vec![0.0; n];
    for i in 0..n {
        let h = 0.01 * x[i].abs().max(1e-3);
        let shifted = |by: f64| {
            let mut p = x.to_vec();
            p[i] += by;
            p
        };
        let (low, high) = (shifted(-h), shifted(h));
        let width = high[i] - low[i];
        r.gradient(&low, &mut g_low);
        r.gradient(&high, &mut g_high);
        let rise = g_high[i] - g_low[i];
        let g_size = g_low[i].abs() + g_high[i].abs() + tilt(r, i).abs();
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for k in 0..=200 {
            r.hessian(&shifted(-h + 2.0 * h * f64::from(k) / 200.0), &mut curvature);
            least = least.min(curvature[i]);
            most = most.max(curvature[i]);
        }
        // Between grid points a curvature 1/√(x²+a²) or constant cannot leave the sampled range by
        // more than its change over half a cell, which is below 1 % of it for h ≤ |x|/100; around
        // zero the peak itself is not sampled, so only the lower side is demanded there.
        let near_zero = x[i].abs() <= h;
        let slack = 16.0 * f64::EPSILON * g_size;
        let at = || format!("coordinate {i}, x = {:e}", x[i]);
        if rise + slack < 0.99 * least * width || (!near_zero && rise - slack > 1.01 * most * width)
        {
            return Err(Violation {
                law: "∇²R is the derivative of ∇R",
                found: rise / width,
                expected: 0.5 * (least + most),
                tolerance: 0.5 * (most - least),
                at: at(),
            });
        }
        let (value_low, value_high) = (r.value(&low), r.value(&high));
        let change = value_high - value_low;
        let mut s = vec![0.0; n];
        r.gradient(&low, &mut s);
        let size = value_low.abs()
            + value_high.abs()
            + r.conjugate(&s).abs()
            + (0..n).map(|j| (s[j].abs() + tilt(r, j).abs()) * x[j].abs()).sum::<f64>();
        let slack = 64.0 * n as f64 * f64::EPSILON * size;
        if change < g_low[i] * width - slack || change > g_high[i] * width + slack {
            return Err(Violation {
                law: "∇R is the derivative of R",
                found: change / width,
                expected: 0.5 * (g_low[i] + g_high[i]),
                tolerance: 0.5 * rise,
                at: at(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::potential::{Euclidean, HyperbolicEntropy};

    fn points(n: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(
            prop_oneof![-3.0..3.0_f64, Just(0.0), (-12.0..3.0_f64).prop_map(|e| 10f64.powf(e))],
            n,
        )
    }

    proptest! {
        #[test]
        fn euclidean(x in points(4), b in points(4)) {
            check(&Euclidean::new(4)?, &x, &b)?;
        }

        #[test]
        fn hyperbolic_entropy(
            x in points(4),
            b in points(4),
            log_a in prop_oneof![-3.0..3.0_f64, -700.0..40.0_f64, -1e6..40.0_f64],
            theta in prop::collection::vec(-3.0..3.0_f64, 4),
        ) {
            check(&HyperbolicEntropy::new(vec![log_a; 4], theta)?, &x, &b)?;
        }
    }

    /// A potential whose gradient is 1 % off must be noticed.
    struct Wrong(HyperbolicEntropy);

    impl Potential for Wrong {
        fn dim(&self) -> usize {
            self.0.dim()
        }
        fn value(&self, x: &[f64]) -> f64 {
            self.0.value(x)
        }
        fn gradient(&self, x: &[f64], out: &mut [f64]) {
            self.0.gradient(x, out);
            out.iter_mut().for_each(|g| *g *= 1.01);
        }
        fn hessian(&self, x: &[f64], out: &mut [f64]) {
            self.0.hessian(x, out);
        }
        fn conjugate(&self, s: &[f64]) -> f64 {
            self.0.conjugate(s)
        }
        fn conjugate_gradient(&self, s: &[f64], out: &mut [f64]) {
            self.0.conjugate_gradient(s, out);
        }
        fn bregman(&self, x: &[f64], base: &[f64]) -> f64 {
            self.0.bregman(x, base)
        }
    }

    #[test]
    fn a_wrong_constant_is_noticed() {
        let wrong = Wrong(HyperbolicEntropy::uniform(1, 0.0).expect("valid"));
        assert!(check(&wrong, &[1.0], &[2.0]).is_err());
    }

    #[test]
    fn bad_potentials_are_refused() {
        for (log_a, theta) in [
            (vec![], vec![]),
            (vec![0.0], vec![0.0, 0.0]),
            (vec![51.0], vec![0.0]),
            (vec![f64::NAN], vec![0.0]),
            (vec![0.0], vec![f64::INFINITY]),
        ] {
            assert!(HyperbolicEntropy::new(log_a, theta).is_err());
        }
    }
}

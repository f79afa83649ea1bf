//! Problems with exact answers: one object serves tests, checks and benches alike.
//!
//! Each answer follows in a line or two from the optimality conditions: x solves
//! `min ‖x‖₁ s.t. Zx = y` iff `Zx = y` and some μ has `|Zᵢᵀμ| ≤ 1`, with `Zᵢᵀμ = sign x_i` where
//! `x_i ≠ 0`; x minimises `R_a` (θ₀ = 0) on `Zx = y` iff `asinh(x_i/a) = 2Zᵢᵀμ`; x solves
//! `min (1/2d)‖Zx−y‖² + λ‖x‖₁` iff `Zᵀ(y − Zx)/d ∈ λ ∂‖x‖₁`.

use super::Problem;
use crate::Result;
use crate::numerics::special::log_domain;

/// A problem with what is known of it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The data, with a name.
    pub problem: Problem,
    /// The exact optimum of `min ‖x‖₁ s.t. Zx = y`.
    pub l1: f64,
    /// The L1 minimiser, where it is unique.
    pub x_l1: Option<Vec<f64>>,
    /// `argmin R_a s.t. Zx = y` with θ₀ = 0, where it does not depend on a.
    pub limit: Option<Vec<f64>>,
    /// `argmin R_a s.t. Zx = y` with θ₀ = 0 as a function of log a, where it depends on a and has a
    /// closed form.
    pub limit_at: Option<fn(f64) -> Vec<f64>>,
    /// The LASSO solution `x(λ)`, where it has a closed form.
    pub lasso: Option<fn(f64) -> Vec<f64>>,
    /// Why.
    pub derivation: &'static str,
}

fn soft(v: f64, threshold: f64) -> f64 {
    (v.abs() - threshold).max(0.0).copysign(v)
}

/// `argmin R_a s.t. x₁ + 3x₂ = y` for θ₀ = 0, exact for every log a.
///
/// With S = sinh 2μ: `x₁ = aS`, `x₂ = a sinh 6μ = a(3S + 4S³)`, so `12S³ + 10S = y/a`. The one real
/// root of `S³ + pS = q`, p = 5/6, q = y/(12a), is `2√(p/3) sinh(⅓ asinh((3q/2p)√(3/p)))`, taken
/// here in log a. As a → 0, `x₁ → (y a²/12)^⅓`: the L1 minimiser is (0, y/3) and the error goes
/// like a^⅔.
///
/// ```
/// use mirrorflow::problem::known::one_and_three;
/// let [x1, x2] = one_and_three(6.0, -30.0);
/// assert!((x1 + 3.0 * x2 - 6.0).abs() < 1e-15);
/// let first_order = (0.5f64).cbrt() * (-20.0f64).exp();
/// assert!((x1 / first_order - 1.0).abs() < 1e-8);
/// ```
pub fn one_and_three(y: f64, log_a: f64) -> [f64; 2] {
    let p = 5.0 / 6.0;
    let angle = log_domain::asinh_ratio(y / (8.0 * p) * (3.0f64 / p).sqrt(), log_a) / 3.0;
    let x1 = 2.0 * (p / 3.0f64).sqrt() * log_domain::a_sinh(angle, log_a);
    [x1, (y - x1) / 3.0]
}

/// `argmin R_a s.t. x₁ + x₂ = y` with the tilt `θ₀ = θ`, exact for every log a.
///
/// `x_i = a sinh(θ_i + s)`; with δ = (θ₁ − θ₂)/2 the sum is `2a cosh δ sinh(s + θ̄) = y`, hence
/// `x₁,₂ = y/2 ± tanh δ √(a² cosh² δ + y²/4)`. Every x ≥ 0 on the line has the least L1 norm (y >
/// 0): as a → 0 the tilt picks `y/2·(1 ± tanh δ)` among them.
///
/// ```
/// use mirrorflow::problem::known::tilted_pair;
/// assert_eq!(tilted_pair(1.0, [0.3, 0.3], -4.0), [0.5, 0.5]);
/// let [x1, x2] = tilted_pair(1.0, [1.0, -1.0], -1e6);
/// assert!((x1 - 0.5 * (1.0 + 1f64.tanh())).abs() < 1e-15 && (x1 + x2 - 1.0).abs() < 1e-15);
/// ```
pub fn tilted_pair(y: f64, theta: [f64; 2], log_a: f64) -> [f64; 2] {
    let delta = 0.5 * (theta[0] - theta[1]);
    let shift = delta.tanh() * log_domain::a_cosh(delta, log_a).hypot(0.5 * y);
    [0.5 * y + shift, 0.5 * y - shift]
}

/// All of them, smallest first.
///
/// # Errors
/// Never: the data are fixed and valid.
///
/// # Examples
/// ```
/// for known in mirrorflow::problem::known::all()? {
///     if let Some(x) = &known.x_l1 {
///         let l1: f64 = x.iter().map(|v| v.abs()).sum();
///         assert_eq!(l1, known.l1, "{}", known.problem.name());
///     }
/// }
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn all() -> Result<Vec<Known>> {
    let problem = |name: &str, z: &[f64], y: &[f64]| {
        Problem::from_rows(z.to_vec(), y.to_vec()).map(|p| p.with_name(name))
    };
    Ok(vec![
        Known {
            problem: problem("2x = 3", &[2.0], &[3.0])?,
            l1: 1.5,
            x_l1: Some(vec![1.5]),
            limit: Some(vec![1.5]),
            limit_at: None,
            lasso: Some(|lambda| vec![soft(6.0, lambda) / 4.0]),
            derivation: "one unknown; LASSO: 2(3 − 2x) = λ sign x",
        },
        Known {
            problem: problem("x1 + x2 = 1", &[1.0, 1.0], &[1.0])?,
            l1: 1.0,
            x_l1: None,
            limit: Some(vec![0.5, 0.5]),
            limit_at: None,
            lasso: None,
            derivation: "μ = 1 is tight on both columns: every x ≥ 0 on the line; R_a by symmetry",
        },
        Known {
            problem: problem("x1 - x2 = 2", &[1.0, -1.0], &[2.0])?,
            l1: 2.0,
            x_l1: None,
            limit: Some(vec![1.0, -1.0]),
            limit_at: None,
            lasso: None,
            derivation: "as x1 + x2 = 2 with the second sign flipped",
        },
        Known {
            problem: problem("x1 + 2 x2 = 1", &[1.0, 2.0], &[1.0])?,
            l1: 0.5,
            x_l1: Some(vec![0.0, 0.5]),
            limit: None,
            limit_at: None,
            lasso: Some(|lambda| vec![0.0, soft(2.0, lambda) / 4.0]),
            derivation: "μ = ½: |Z₁ᵀμ| = ½ < 1, Z₂ᵀμ = 1; LASSO: 2(1 − 2x₂) = λ, column 1 slack",
        },
        Known {
            problem: problem("x1 + 3 x2 = 6", &[1.0, 3.0], &[6.0])?,
            l1: 2.0,
            x_l1: Some(vec![0.0, 2.0]),
            limit: None,
            limit_at: Some(|log_a| one_and_three(6.0, log_a).to_vec()),
            lasso: Some(|lambda| vec![0.0, soft(18.0, lambda) / 9.0]),
            derivation: "μ = ⅓: margin δ = ⅔, so x₁ ∝ a^⅔ exactly to first order; R_a: a cubic",
        },
        Known {
            problem: problem("0 x1 + 3 x2 = 6", &[0.0, 3.0], &[6.0])?,
            l1: 2.0,
            x_l1: Some(vec![0.0, 2.0]),
            limit: Some(vec![0.0, 2.0]),
            limit_at: None,
            lasso: Some(|lambda| vec![0.0, soft(18.0, lambda) / 9.0]),
            derivation: "a zero column stays at a sinh 0 = 0",
        },
        Known {
            problem: problem(
                "diagonal",
                &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
                &[1.0, -2.0, 0.0],
            )?,
            l1: 3.0,
            x_l1: Some(vec![1.0, -2.0, 0.0]),
            limit: Some(vec![1.0, -2.0, 0.0]),
            limit_at: None,
            lasso: Some(|lambda| vec![soft(1.0, 3.0 * lambda), soft(-2.0, 3.0 * lambda), 0.0]),
            derivation: "Z = I: one solution; LASSO: soft threshold at dλ = 3λ",
        },
        Known {
            problem: problem("square", &[3.0, 1.0, 1.0, 2.0], &[5.0, 5.0])?,
            l1: 3.0,
            x_l1: Some(vec![1.0, 2.0]),
            limit: Some(vec![1.0, 2.0]),
            limit_at: None,
            lasso: None,
            derivation: "det Z = 5: one solution",
        },
        Known {
            problem: problem("consistent and tall", &[1.0, 2.0], &[2.0, 4.0])?,
            l1: 2.0,
            x_l1: Some(vec![2.0]),
            limit: Some(vec![2.0]),
            limit_at: None,
            lasso: Some(|lambda| vec![soft(5.0, lambda) / 2.5]),
            derivation: "two rows, one unknown; LASSO: ½·5(2 − x) = λ",
        },
        Known {
            problem: problem("the shared column", &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0], &[1.0, 1.0])?,
            l1: 1.0,
            x_l1: Some(vec![0.0, 0.0, 1.0]),
            limit: None,
            limit_at: None,
            lasso: None,
            derivation: "x = (1−t, 1−t, t): ‖x‖₁ = 2|1−t| + |t| is least at t = 1",
        },
        Known {
            problem: problem(
                "duplicated columns",
                &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0],
                &[1.0, -3.0],
            )?,
            l1: 4.0,
            x_l1: None,
            limit: Some(vec![0.5, 0.5, -1.5, -1.5]),
            limit_at: None,
            lasso: None,
            derivation: "two copies of x1 + x2 = c; R_a splits evenly by symmetry",
        },
        Known {
            problem: problem("y = 0", &[1.0, 2.0, 3.0, 3.0, 1.0, 2.0], &[0.0, 0.0])?,
            l1: 0.0,
            x_l1: Some(vec![0.0, 0.0, 0.0]),
            limit: Some(vec![0.0, 0.0, 0.0]),
            limit_at: None,
            lasso: Some(|_| vec![0.0; 3]),
            derivation: "0 is feasible and of least norm",
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_solves_its_equations_exactly() {
        let all = all().expect("fixed data");
        assert!(all.len() >= 8);
        for known in &all {
            let (d, n) = (known.problem.samples(), known.problem.features());
            for x in [&known.x_l1, &known.limit].into_iter().flatten() {
                assert_eq!(x.len(), n);
                for j in 0..d {
                    let zx: f64 = (0..n).map(|i| known.problem.z_rows()[j * n + i] * x[i]).sum();
                    assert_eq!(zx, known.problem.y()[j], "{}", known.problem.name());
                }
                let l1: f64 = x.iter().map(|v| v.abs()).sum();
                assert!(l1 >= known.l1, "{}", known.problem.name());
            }
        }
    }

    /// `asinh(x_i/a) − θ_i = 2Zᵢᵀμ` for one μ, over the whole range of log a.
    #[test]
    fn the_closed_limits_meet_their_optimality_conditions() {
        for log_a in [-1e6, -500.0, -30.0, -3.0, 0.0, 2.0, 20.0] {
            for y in [6.0, -0.01, 1e-6] {
                let [x1, x2] = one_and_three(y, log_a);
                assert!((x1 + 3.0 * x2 - y).abs() <= 4.0 * f64::EPSILON * y.abs(), "{log_a} {y}");
                let (s1, s2) =
                    (log_domain::asinh_ratio(x1, log_a), log_domain::asinh_ratio(x2, log_a));
                // x₁ carries a few ulp times the condition |angle| of the exponential, x₂ cancels
                // mildly; where x₁ underflows its logarithm is lost.
                if x1.abs() > f64::MIN_POSITIVE {
                    let bound = 16.0 * f64::EPSILON * (1.0 + log_a.abs()) * s2.abs();
                    assert!((3.0 * s1 - s2).abs() <= bound, "{log_a} {y}: {s1} {s2}");
                }
            }
            for theta in [[0.0, 0.0], [1.5, -0.5], [-2.0, 3.0]] {
                let x = tilted_pair(1.0, theta, log_a);
                assert!((x[0] + x[1] - 1.0).abs() <= 1e-15 * x[0].abs().max(1.0), "{log_a}");
                let s: Vec<f64> =
                    (0..2).map(|i| log_domain::asinh_ratio(x[i], log_a) - theta[i]).collect();
                // d asinh(x/a) = dx/√(x²+a²), with x_i of relative error a few ulp of the larger.
                let size = x[0].abs().max(x[1].abs());
                let small = (0..2).map(|i| log_domain::hypot_a(x[i], log_a)).fold(size, f64::min);
                let bound = 16.0 * f64::EPSILON * (size / small + log_a.abs());
                assert!((s[0] - s[1]).abs() <= bound, "{log_a} {theta:?}: {s:?}");
            }
        }
    }

    /// `g = Zᵀ(y − Zx)/d` must be `λ sign x` on the support and within ±λ off it.
    #[test]
    fn every_lasso_solution_meets_its_optimality_conditions() {
        for known in all().expect("fixed data") {
            let Some(solution) = known.lasso else { continue };
            let (d, n) = (known.problem.samples(), known.problem.features());
            for lambda in [0.01, 0.3, 1.0, 50.0] {
                let x = solution(lambda);
                for i in 0..n {
                    let g: f64 = (0..d)
                        .map(|j| {
                            let row = &known.problem.z_rows()[j * n..(j + 1) * n];
                            let zx: f64 = row.iter().zip(&x).map(|(z, x)| z * x).sum();
                            row[i] * (known.problem.y()[j] - zx) / d as f64
                        })
                        .sum();
                    let name = known.problem.name();
                    if x[i] == 0.0 {
                        assert!(g.abs() <= lambda + 1e-14, "{name}, λ = {lambda}");
                    } else {
                        assert!((g - lambda * x[i].signum()).abs() < 1e-14, "{name}, λ = {lambda}");
                    }
                }
            }
        }
    }
}

//! Problems with exact answers: one object serves tests, checks and benches alike.
//!
//! Each answer follows in a line or two from the optimality conditions: x solves
//! `min ‖x‖₁ s.t. Zx = y` iff `Zx = y` and some μ has `|Zᵢᵀμ| ≤ 1`, with `Zᵢᵀμ = sign x_i` where
//! `x_i ≠ 0`; x minimises `R_a` (θ₀ = 0) on `Zx = y` iff `asinh(x_i/a) = 2Zᵢᵀμ`; x solves
//! `min (1/2d)‖Zx−y‖² + λ‖x‖₁` iff `Zᵀ(y − Zx)/d ∈ λ ∂‖x‖₁`.

use super::Problem;
use crate::Result;

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
    /// The LASSO solution `x(λ)`, where it has a closed form.
    pub lasso: Option<fn(f64) -> Vec<f64>>,
    /// Why.
    pub derivation: &'static str,
}

fn soft(v: f64, threshold: f64) -> f64 {
    (v.abs() - threshold).max(0.0).copysign(v)
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
            lasso: Some(|lambda| vec![soft(6.0, lambda) / 4.0]),
            derivation: "one unknown; LASSO: 2(3 − 2x) = λ sign x",
        },
        Known {
            problem: problem("x1 + x2 = 1", &[1.0, 1.0], &[1.0])?,
            l1: 1.0,
            x_l1: None,
            limit: Some(vec![0.5, 0.5]),
            lasso: None,
            derivation: "μ = 1 is tight on both columns: every x ≥ 0 on the line; R_a by symmetry",
        },
        Known {
            problem: problem("x1 - x2 = 2", &[1.0, -1.0], &[2.0])?,
            l1: 2.0,
            x_l1: None,
            limit: Some(vec![1.0, -1.0]),
            lasso: None,
            derivation: "as x1 + x2 = 2 with the second sign flipped",
        },
        Known {
            problem: problem("x1 + 2 x2 = 1", &[1.0, 2.0], &[1.0])?,
            l1: 0.5,
            x_l1: Some(vec![0.0, 0.5]),
            limit: None,
            lasso: Some(|lambda| vec![0.0, soft(2.0, lambda) / 4.0]),
            derivation: "μ = ½: |Z₁ᵀμ| = ½ < 1, Z₂ᵀμ = 1; LASSO: 2(1 − 2x₂) = λ, column 1 slack",
        },
        Known {
            problem: problem("0 x1 + 3 x2 = 6", &[0.0, 3.0], &[6.0])?,
            l1: 2.0,
            x_l1: Some(vec![0.0, 2.0]),
            limit: Some(vec![0.0, 2.0]),
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
            lasso: Some(|lambda| vec![soft(1.0, 3.0 * lambda), soft(-2.0, 3.0 * lambda), 0.0]),
            derivation: "Z = I: one solution; LASSO: soft threshold at dλ = 3λ",
        },
        Known {
            problem: problem("square", &[3.0, 1.0, 1.0, 2.0], &[5.0, 5.0])?,
            l1: 3.0,
            x_l1: Some(vec![1.0, 2.0]),
            limit: Some(vec![1.0, 2.0]),
            lasso: None,
            derivation: "det Z = 5: one solution",
        },
        Known {
            problem: problem("consistent and tall", &[1.0, 2.0], &[2.0, 4.0])?,
            l1: 2.0,
            x_l1: Some(vec![2.0]),
            limit: Some(vec![2.0]),
            lasso: Some(|lambda| vec![soft(5.0, lambda) / 2.5]),
            derivation: "two rows, one unknown; LASSO: ½·5(2 − x) = λ",
        },
        Known {
            problem: problem("the shared column", &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0], &[1.0, 1.0])?,
            l1: 1.0,
            x_l1: Some(vec![0.0, 0.0, 1.0]),
            limit: None,
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
            lasso: None,
            derivation: "two copies of x1 + x2 = c; R_a splits evenly by symmetry",
        },
        Known {
            problem: problem("y = 0", &[1.0, 2.0, 3.0, 3.0, 1.0, 2.0], &[0.0, 0.0])?,
            l1: 0.0,
            x_l1: Some(vec![0.0, 0.0, 0.0]),
            limit: Some(vec![0.0, 0.0, 0.0]),
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

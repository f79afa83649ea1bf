//! How far from its bounds the dual of `min ‖x‖₁ s.t. Zx = y` can be kept off the support S of x:
//!
//! `δ = 1 − τ`, `τ = min_μ { max_{i∉S} |Zᵢᵀμ| : Z_Sᵀμ = sign(x_S) }`.
//!
//! *Where it governs.* `x_a = argmin R_a s.t. Zx = y` is `x_i = a sinh(2Zᵢᵀμ_a)` (θ₀ = 0). Its dual
//! minimises `½ Σ_i a cosh(2Zᵢᵀμ) − yᵀμ`, where with `2μ = ℓμ̂ + O(1)`, ℓ = log(1/a), the entries
//! off S stand as `a^{1−|Zᵢᵀμ̂|}`: of all dual solutions of the L1 problem, μ̂ tends to one whose
//! largest of these exponents is the least, the minimiser above. Hence `‖x_a − x‖ ≍ a^δ`. In
//! general position `d − |S| + 1` entries attain the maximum and fall as `a^δ`; entry i of the
//! others falls as `a^{1−|Zᵢᵀμ̂|}`. The corrections fall as `a^γ`, γ the way from δ to the next
//! exponent, so that δ cannot be read off μ_a itself before `a^γ` is small.
//!
//! *As an L1 problem.* The dual of the program for τ is
//! `1/τ = min { ‖u‖₁ : Z_S v = Z_off u, sign(x_S)ᵀv = 1 }`. With `Z_S = Q [R; 0]` the first `|S|`
//! equations give `v = R⁻¹(QᵀZ_off)_top u`, and `d − |S| + 1` equations for u are left, which
//! [`l1_minimum`] solves; its dual point gives μ back. Assumes that `Z_S` has full column rank, as
//! the support of a unique L1 minimum has.

use faer::Mat;

use super::l1_minimum;
use crate::numerics::dense;
use crate::problem::Problem;
use crate::{Error, Result};

/// The dual point that is furthest from its bounds off the support.
#[derive(Debug, Clone, PartialEq)]
pub struct Slack {
    /// δ = 1 − max_{i∉S} |Zᵢᵀμ|; at most 0 where x is not the only L1 minimum.
    pub delta: f64,
    /// `1 − |Zᵢᵀμ|` of every entry off the support with its place, from the least on.
    pub slacks: Vec<(usize, f64)>,
    /// μ, length d.
    pub mu: Vec<f64>,
}

/// δ for the support and signs of `x` (length n; an entry is on the support when it is not 0).
///
/// ```
/// use mirrorflow::{limit::off_support_slack, problem::Problem};
///
/// // The dual of x = (1, 0, 0): μ₁ = ½, μ₂ free, |μ₂| and |½ + μ₂| to be small.
/// let problem = Problem::from_rows(vec![2.0, 0.0, 1.0, 0.0, 1.0, 1.0], vec![2.0, 0.0])?;
/// let slack = off_support_slack(&problem, &[1.0, 0.0, 0.0])?;
/// assert!((slack.delta - 0.75).abs() < 1e-14 && (slack.mu[1] + 0.25).abs() < 1e-14);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When x has a wrong length, is 0, or its columns of Z are dependent; when the program for τ
/// cannot be solved.
pub fn off_support_slack(problem: &Problem, x: &[f64]) -> Result<Slack> {
    let (d, n) = (problem.samples(), problem.features());
    let wrong = |expected: &str, found: String| Error::Domain {
        what: "the support of x".into(),
        expected: expected.into(),
        found,
    };
    if x.len() != n {
        return Err(Error::Shape {
            what: "x".into(),
            expected: format!("{n} entries, one for each column of Z"),
            found: x.len().to_string(),
        });
    }
    let (on, off): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| x[*i] != 0.0);
    let s = on.len();
    if s == 0 || s > d {
        return Err(wrong("1 to d entries", format!("{s} with d = {d}")));
    }
    let z = problem.z_rows();
    let column = |set: &[usize]| Mat::from_fn(d, set.len(), |j, k| z[j * n + set[k]]);
    let factor = column(&on).qr();
    let (q, r) = (factor.compute_Q(), factor.thin_R().to_owned());
    let least = (0..s).map(|k| r[(k, k)].abs()).fold(f64::INFINITY, f64::min);
    let largest = (0..s).map(|k| r[(k, k)].abs()).fold(0.0, f64::max);
    // A diagonal entry of this size is the rounding of the factorization.
    if least <= d as f64 * f64::EPSILON * largest {
        return Err(wrong("independent columns of Z", format!("a pivot of {least:.1e}")));
    }
    // t = R⁻ᵀ sign(x_S): then sign(x_S)ᵀv = tᵀ(QᵀZ_off)_top u.
    let mut t = vec![0.0; s];
    for k in 0..s {
        let known: f64 = (0..k).map(|j| r[(j, k)] * t[j]).sum();
        t[k] = (x[on[k]].signum() - known) / r[(k, k)];
    }
    let turned = q.transpose() * column(&off);
    let equations = d - s + 1;
    let mut rows = Vec::with_capacity(equations * off.len());
    for j in s..d {
        rows.extend((0..off.len()).map(|k| turned[(j, k)]));
    }
    rows.extend((0..off.len()).map(|k| (0..s).map(|j| t[j] * turned[(j, k)]).sum::<f64>()));
    // μ = Q [t; w] with w free; τ w is what the dual point says of the equations without target.
    let mut turned_mu = t;
    turned_mu.resize(d, 0.0);
    // Without columns off the support, or with nothing to push against, w = 0 does.
    if !off.is_empty() && rows.iter().any(|v| *v != 0.0) {
        let mut target = vec![0.0; equations];
        target[equations - 1] = 1.0;
        let solution = l1_minimum(&Problem::from_rows(rows, target)?)?;
        if !solution.status.is_converged() {
            return Err(Error::Domain {
                what: "the slack off the support".into(),
                expected: "a linear program that is solved".into(),
                found: solution.status.to_string(),
            });
        }
        for (to, from) in turned_mu[s..].iter_mut().zip(&solution.mu) {
            *to = from / solution.l1;
        }
    }
    let mu: Vec<f64> =
        (0..d).map(|i| (0..d).map(|j| q[(i, j)] * turned_mu[j]).sum::<f64>()).collect();
    let mut product = vec![0.0; n];
    dense::mul_t(z, &mu, &mut product);
    let mut slacks: Vec<(usize, f64)> = off.iter().map(|i| (*i, 1.0 - product[*i].abs())).collect();
    slacks.sort_by(|p, q| p.1.total_cmp(&q.1));
    Ok(Slack { delta: slacks.first().map_or(1.0, |s| s.1), slacks, mu })
}

#[cfg(test)]
mod tests {
    use super::off_support_slack;
    use crate::limit::{certify, l1_minimum};
    use crate::numerics::dense;
    use crate::problem::{Generator, Problem};

    #[test]
    fn the_dual_point_is_one_and_equioscillates() {
        for seed in 0..5 {
            let problem = Generator::gaussian(20, 50, 4, seed).problem().expect("a problem");
            let best = l1_minimum(&problem).expect("a minimum");
            let slack = off_support_slack(&problem, &best.x).expect("a slack");
            // A dual solution of the L1 problem, to rounding.
            let certificate = certify(&problem, &best.x, &slack.mu).expect("a certificate");
            assert!(certificate.holds(1e-11), "{certificate:?}");
            let support = best.x.iter().filter(|v| **v != 0.0).count();
            let active = slack.slacks.iter().filter(|s| s.1 < slack.delta + 1e-10).count();
            assert_eq!(active, 20 - support + 1);
            // No dual solution does better: those near it along the null space of Z_Sᵀ do worse.
            let other = l1_minimum(&problem).expect("a minimum").mu;
            let mut product = vec![0.0; 50];
            dense::mul_t(problem.z_rows(), &other, &mut product);
            let worst = slack.slacks.iter().map(|s| product[s.0].abs()).fold(0.0, f64::max);
            assert!(1.0 - worst <= slack.delta + 1e-11, "{worst} {}", slack.delta);
        }
    }

    #[test]
    fn one_sample_leaves_no_choice() {
        let problem = Problem::from_rows(vec![1.0, 2.0], vec![2.0]).expect("a problem");
        let slack = off_support_slack(&problem, &[0.0, 1.0]).expect("a slack");
        assert_eq!((slack.delta, slack.slacks), (0.5, vec![(0, 0.5)]));
    }

    #[test]
    fn a_support_that_cannot_be_one_is_refused() {
        let problem = Problem::from_rows(vec![1.0, 2.0], vec![2.0]).expect("a problem");
        for (x, part) in [
            (vec![1.0], "one for each column"),
            (vec![0.0, 0.0], "1 to d entries"),
            (vec![1.0, 1.0], "2 with d = 1"),
        ] {
            let why = off_support_slack(&problem, &x).expect_err(part).to_string();
            assert!(why.contains(part), "{why}");
        }
        let twice =
            Problem::from_rows(vec![1.0, 2.0, 2.0, 4.0], vec![2.0, 4.0]).expect("a problem");
        assert!(off_support_slack(&twice, &[1.0, 1.0]).is_err());
    }
}

//! Every verdict of `decide` against the exact minimum by an independent rational simplex, on
//! families of problems that rounding makes hard.
//!
//! `EXACT_PROBLEMS` sets how many (500 by default). A finding is: bounds that do not contain the
//! minimum, a proof that is wrong, a minimum that counts as known and is off by more than 1e-9, or
//! anything left undecided where a proof was asked for.

mod families;
mod simplex;

use mirrorflow::limit::{Decision, Demand, Status, Verdict, decide};
use mirrorflow::problem::Problem;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use simplex::{Minimum, integer_rows};

/// `v·2^1100` of a finite float: an integer.
fn scaled(v: f64) -> BigInt {
    let bits = v.abs().to_bits();
    let (field, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
    let (m, e) = if field == 0 { (fraction, -1074) } else { (fraction | (1 << 52), field - 1075) };
    let whole = BigInt::from(m) << (e + 1100) as u64;
    if v < 0.0 { -whole } else { whole }
}

/// Why the decision is wrong, if it is.
fn finding(
    problem: &Problem,
    minimum: &Minimum,
    found: &Decision,
    rigorous: bool,
) -> Option<String> {
    if let Some(e) = &found.enclosure {
        let Minimum::Value { num, den } = minimum else {
            return e.status.is_solvable().then(|| "a solution where there is none".into());
        };
        let target = num << 1100_u32;
        if scaled(e.l1_lower) * den > target {
            return Some(format!("lower bound {:e}", e.l1_lower));
        }
        if e.l1_upper.is_finite() && scaled(e.l1_upper) * den < target {
            return Some(format!("upper bound {:e}", e.l1_upper));
        }
    }
    match (found.verdict, minimum) {
        (Verdict::NoSolution, Minimum::None) => wrong_proof(problem, found),
        (Verdict::NoSolution, _) => Some("no solution where there is one".into()),
        (Verdict::Proved(_) | Verdict::Certified(_), Minimum::Value { num, den }) => {
            // |l1 − v| ≤ 1e-9 v.
            let error = (scaled(found.solution.l1) * den - (num << 1100_u32)).abs();
            let far = error * 1_000_000_000_u64 > (num << 1100_u32);
            (far || found.solution.status != Status::Converged)
                .then(|| format!("l1 {:e}", found.solution.l1))
        }
        (Verdict::Proved(_) | Verdict::Certified(_), Minimum::None) => {
            Some("a minimum where there is none".into())
        }
        // The rows agree to rounding.
        (Verdict::Rounded(_), Minimum::None) if !rigorous => None,
        (Verdict::OutOfRange, Minimum::Value { num, den }) => {
            // Below the normal numbers or above all floats.
            let large = scaled(f64::MAX) * den < num << 1100_u32;
            let small = num << 1100_u32 < scaled(f64::MIN_POSITIVE) * den;
            (!large && !small).then(|| "said to be out of range".into())
        }
        (verdict, _) => Some(format!("undecided: {verdict}")),
    }
}

/// The integers u are to satisfy `Zᵀu = 0` and `yᵀu > 0`.
fn wrong_proof(problem: &Problem, found: &Decision) -> Option<String> {
    let farkas = found.infeasibility.as_ref()?;
    let u: Vec<BigInt> = farkas.exact.as_ref()?.iter().filter_map(|v| v.parse().ok()).collect();
    let n = problem.features();
    let product = |entry: &dyn Fn(usize) -> f64| -> BigInt {
        u.iter().enumerate().map(|(i, u)| u * scaled(entry(i))).sum()
    };
    let zero = (0..n).all(|j| product(&|i| problem.z_rows()[i * n + j]).is_zero());
    let right = u.len() == problem.samples() && zero && product(&|i| problem.y()[i]).is_positive();
    (!right).then(|| "the vector u proves nothing".into())
}

#[test]
fn every_verdict_agrees_with_exact_arithmetic() {
    let count = std::env::var("EXACT_PROBLEMS").ok().and_then(|v| v.parse().ok()).unwrap_or(500);
    let first = std::env::var("EXACT_FIRST").ok().and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut findings = Vec::new();
    let (mut none, mut known, mut outside) = (0, 0, 0);
    for seed in first..first + count {
        let (family, problem) = families::problem(seed);
        let minimum = simplex::minimum(&integer_rows(&problem));
        for rigorous in [true, false] {
            let demand = Demand { rigorous, ..Demand::default() };
            let outcome = match decide(&problem, &demand) {
                Ok(found) => {
                    none += u64::from(found.verdict == Verdict::NoSolution);
                    known += u64::from(found.verdict.is_known());
                    outside += u64::from(found.verdict == Verdict::OutOfRange);
                    finding(&problem, &minimum, &found, rigorous)
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = outcome {
                findings.push(format!(
                    "{family} (seed {seed}, rigorous {rigorous}): {why}\n  Z {:?}\n  y {:?}\n",
                    problem.z_rows(),
                    problem.y()
                ));
            }
        }
    }
    println!(
        "{count} problems twice: {known} known, {none} without solution, {outside} out of range"
    );
    println!("{} findings", findings.len());
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings[..findings.len().min(20)].concat()
    );
    // All kinds of answers occur.
    assert!(known > count && none > count / 20);
}

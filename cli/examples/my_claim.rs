//! A claim of your own: state it, say on what, and let the engine look for counterexamples.
//!
//! The question: x_a is the interpolator of least R_a. As a → 0 its L1 norm goes to the least one.
//! Does it get there without ever growing? Run with `cargo run --release --example my_claim`.

use mirrorflow::limit::newton::{Options, minimize};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::schedule::Schedule;
use mirrorflow_proofs_checks::{Budget, Case, Claim, Context, Gap, Law, Prepared, Theory, run};

/// The limits at log a = 0, −½, …, −8.
fn limits(case: &Case, _: &Context) -> mirrorflow::Result<Prepared<Vec<Vec<f64>>>> {
    let problem = &case.instance.problem;
    let mut limits = Vec::new();
    for k in 0..=16 {
        let potential = HyperbolicEntropy::uniform(problem.features(), -0.5 * f64::from(k))?;
        let limit = minimize(problem, &potential, &Options::default())?;
        if !limit.status.is_converged() {
            return Ok(Prepared::Undecided("no interpolator".into()));
        }
        limits.push(limit.x);
    }
    Ok(Prepared::Ready(limits))
}

fn l1(x: &[f64]) -> f64 {
    x.iter().map(|v| v.abs()).sum()
}

/// R_1, up to a constant: x_1 minimises it.
fn r1(x: &[f64]) -> f64 {
    x.iter().map(|v| 0.5 * (v * v.asinh() - v.hypot(1.0) + 1.0)).sum()
}

fn claim() -> Claim {
    let never_grows = |_: &Case, x: &Vec<Vec<f64>>| {
        x.windows(2).map(|p| Gap::new(l1(&p[1]), l1(&p[0]), 1e-9 * l1(&p[0]))).collect()
    };
    let least = |c: f64| {
        move |_: &Case, x: &Vec<Vec<f64>>| {
            x[1..].iter().map(|xa| Gap::new(c * r1(&x[0]), r1(xa), 1e-9 * r1(xa))).collect()
        }
    };
    Theory::new("my-claim", "norms along the path", "me", Context::cases, limits)
        .assume("y ≠ 0", |c: &Case| c.instance.problem.y().iter().any(|y| *y != 0.0))
        .drawn_by(Case::draw)
        .law(
            Law::as_it_holds("‖x_a‖₁ never grows as a → 0")
                .fails()
                .at_most("1e-9 of it", never_grows)
                .known(|| {
                    let z = [-1.0, 0.0, -1.0, 0.0, 2.0, 1.0];
                    Case::by_hand(&z, &[-0.5, -1.0], &[1.0; 3], &[0.0; 3], Schedule::None)
                }),
        )
        .law(
            Law::as_it_holds("R_1(x_1) ≤ R_1(x_a) for a < 1")
                .at_most("1e-9 of R_1", least(1.0))
                .control("the factor 1: twice the left side", least(2.0)),
        )
        .claim()
}

fn main() {
    let report = run(&[&claim()], Budget::default(), &mut |_| {});
    println!("{}", report.table(110, false));
    std::process::exit(i32::from(!report.in_order()));
}

#[cfg(test)]
mod tests {
    // The same as a property test.
    mirrorflow_proofs_checks::claim_test!(norms_along_the_path, super::claim());
}

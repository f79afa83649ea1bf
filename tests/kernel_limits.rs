//! Batches of limits against the limit solver, one problem at a time: two programs that share only
//! the mathematics.

use mirrorflow::{
    Result,
    kernels::batch::limit::{Batch, Ending, Options, limits},
    limit::newton,
    potential::HyperbolicEntropy,
    problem::{Generator, Problem},
};

#[test]
fn a_batch_ends_where_the_limit_solver_does() -> Result<()> {
    let (d, n) = (40, 100);
    for (support, seed) in [(5, 7), (40, 8)] {
        let problem = Generator::gaussian(d, n, support, seed).problem()?;
        let ladder = [20.0, 2.0, -1.0, -10.0, -50.0, -500.0];
        let theta: Vec<f64> = (0..n).map(|i| 0.5 * (i as f64).sin()).collect();
        for tilt in [vec![0.0; n], theta] {
            let batch = Batch {
                d,
                n,
                z: problem.z_rows(),
                y: &problem.y().repeat(ladder.len()),
                log_a: &ladder,
                theta: &tilt.repeat(ladder.len()),
            };
            let done = limits(&batch, &Options::default(), None)?;
            for (b, log_a) in ladder.into_iter().enumerate() {
                let entropy = HyperbolicEntropy::new(vec![log_a; n], tilt.clone())?;
                let alone = newton::minimize(&problem, &entropy, &newton::Options::default())?;
                assert!(alone.status.is_converged());
                assert_eq!(done.ending[b], Ending::Converged, "log a = {log_a}");
                let size = alone.x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                // Both meet Zx = y to 1e-13; what x then differs by along the null space is the
                // rounding of s, ε|s| (|s| ≤ 2·500), times the condition of H on its active columns
                // (below 1e3).
                let tolerance = 1e-9 * size;
                for (p, q) in done.x[b * n..][..n].iter().zip(&alone.x) {
                    assert!((p - q).abs() <= tolerance, "log a = {log_a}: {p:e} {q:e}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn each_problem_may_have_its_own_matrix() -> Result<()> {
    let (d, n) = (6, 15);
    let problems: Vec<Problem> =
        (0..5).map(|seed| Generator::gaussian(d, n, 2, seed).problem()).collect::<Result<_>>()?;
    let z: Vec<f64> = problems.iter().flat_map(|p| p.z_rows().to_vec()).collect();
    let y: Vec<f64> = problems.iter().flat_map(|p| p.y().to_vec()).collect();
    let batch = Batch { d, n, z: &z, y: &y, log_a: &[-40.0; 5], theta: &[] };
    let done = limits(&batch, &Options::default(), None)?;
    let entropy = HyperbolicEntropy::uniform(n, -40.0)?;
    for (b, problem) in problems.iter().enumerate() {
        let alone = newton::minimize(problem, &entropy, &newton::Options::default())?;
        for (p, q) in done.x[b * n..][..n].iter().zip(&alone.x) {
            assert!((p - q).abs() <= 1e-10, "{b}: {p:e} {q:e}");
        }
    }
    Ok(())
}

//! Batches of mirror flows against the single-trajectory integrator and against an independent
//! tool.

use std::fs::File;

use mirrorflow::{
    flow::Dual,
    integrate::{self, Method},
    kernels::batch::{
        Outcome,
        mirror_flow::{Batch, Features, Options, Precision, integrate},
    },
    potential::HyperbolicEntropy,
    problem::{Generator, Loss},
    schedule::Schedule,
};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;

type Done = Result<(), Box<dyn std::error::Error>>;

const TIMES: [f64; 4] = [0.3, 1.0, 4.0, 40.0];

#[test]
fn each_run_is_the_dual_flow_to_ten_tolerances() -> Done {
    let problem = Generator::gaussian(8, 20, 2, 3).problem()?;
    let (d, n) = (problem.samples(), problem.features());
    let texts = [
        "none",
        "constant:0.05",
        "harmonic:0.25",
        "quadratic:0.5",
        "geometric:0.5,1",
        "switch:0.3,2",
        "piecewise:0=0.1,0.5=0.4,3=0",
    ];
    let (mut start, mut schedule) = (Vec::new(), Vec::new());
    for log_a in [-0.7, -8.0, -60.0, -500.0] {
        for (k, text) in texts.iter().enumerate() {
            let theta = (0..n).map(|i| 0.2 * ((i + k) as f64).sin()).collect();
            start.push(HyperbolicEntropy::new(vec![log_a; n], theta)?);
            schedule.push(text.parse::<Schedule>()?);
        }
    }
    let y = problem.y().repeat(start.len());
    let batch = Batch {
        samples: d,
        features: n,
        z: Features::Shared(problem.z_rows()),
        y: &y,
        start: &start,
        schedule: &schedule,
    };
    let (rtol, atol) = (1e-6, 1e-10);
    let options = Options { times: TIMES.to_vec(), rtol, atol, ..Options::until(40.0) };
    let flows = integrate(&batch, &options, None)?;
    for (k, (start, schedule)) in start.iter().zip(&schedule).enumerate() {
        assert_eq!(flows.outcome[k], Outcome::Complete);
        let flow = Dual::new(&problem, Loss::Squared, schedule.clone(), start)?;
        let reference = integrate::Options::until(40.0)
            .with_times(&TIMES)
            .with_tolerances(1e-10, 1e-14)
            .with_method(Method::Rosenbrock);
        let single = integrate::integrate(&flow, &reference)?;
        for r in 0..TIMES.len() {
            let x = &flows.x[(r * flows.outcome.len() + k) * n..][..n];
            let truth = single.x.row(r);
            let size = truth.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let error = x.iter().zip(truth).fold(0.0_f64, |m, (p, q)| m.max((p - q).abs()));
            // 2e-13: what a rounding of the exponents, up to 500, makes of x.
            let bound = 10.0 * (atol + rtol * size) + 2e-13 * size;
            assert!(
                error <= bound,
                "{schedule}, log a = {}, t = {}: {error:e} > {bound:e}",
                start.log_a()[0],
                TIMES[r]
            );
        }
    }
    Ok(())
}

#[test]
fn the_ensemble_is_that_of_an_independent_integrator() -> Done {
    let mut file = NpzReader::new(File::open("tests/data/ensemble_ref.npz")?)?;
    let z: Array2<f64> = file.by_name("Z0")?;
    let y: Array2<f64> = file.by_name("Y_same")?;
    let truth: Array2<f64> = file.by_name("X_same")?;
    let start = [HyperbolicEntropy::uniform(z.ncols(), 0.5_f64.ln())?];
    let schedule = ["geometric:0.5,1".parse()?];
    let (z, y) = (z.as_standard_layout(), y.as_standard_layout());
    let batch = Batch {
        samples: 40,
        features: 100,
        z: Features::Shared(z.as_slice().ok_or("contiguous")?),
        y: y.as_slice().ok_or("contiguous")?,
        start: &start,
        schedule: &schedule,
    };
    // What a loose tolerance leaves of the path is forgotten on the way to the limit; the reference
    // (SciPy's Radau at rtol 1e-11) is good to about 1e-9. In single precision 2e-6 is 30
    // roundings.
    for (rtol, precision, bound) in
        [(1e-2, Precision::F64, 3e-8), (1e-6, Precision::F64, 2e-9), (1e-3, Precision::F32, 5e-6)]
    {
        let flows = integrate(&batch, &Options { rtol, precision, ..Options::until(300.0) }, None)?;
        let x = Array1::from(flows.x);
        let error = x.iter().zip(&truth).fold(0.0_f64, |m, (p, q)| m.max((p - q).abs()));
        assert!(error <= bound, "rtol {rtol:e} in {precision:?}: {error:e}");
    }
    Ok(())
}

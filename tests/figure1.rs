//! The workload of the paper's Fig. 1 against last points that NumPy computed.
//!
//! *Tolerance.* With `p = m + w`, `q = m − w` a step is `p ← p(1 − 2ηα − ηg)`,
//! `q ← q(1 − 2ηα + ηg)`: rounding adds at most 3u to the *relative* error of p and q, u = 2⁻⁵³,
//! and the map does not enlarge it but through g, where the Hessian of f contracts. After K steps
//! it is at most 3Ku in each program, so that of `x = (p² − q²)/4` is at most
//! `2 · 3Ku (p² + q²)/4 = 6Ku √(x² + a²)` with a ≤ a₀; two programs, and as much again for the
//! error of g: 24 Ku √(x² + a₀²).
//!
//! u² − v² is m⊙w for `m = u + v`, `w = u − v` on a loss twice as large, that is with Z and y times
//! √2.

use mirrorflow::{
    io::npz::read_arrays,
    kernels::batch::{
        Outcome,
        descent::{Objective, Options, Run, descend},
    },
    problem::Problem,
    schedule::Schedule,
};

const ETA: f64 = 1e-4;
const STEPS: u64 = 100_000;
const BETA: [f64; 5] = [1.0, 0.5, 0.1, 0.01, 0.001];

/// Schedule s of the reference as a function of the step.
fn schedule(s: usize) -> Schedule {
    let of_time = |alpha: fn(f64) -> f64| Schedule::Piecewise {
        pieces: (0..STEPS).map(|k| (k as f64, alpha(k as f64 * ETA))).collect(),
    };
    match s {
        0 => Schedule::None,
        1 => Schedule::Constant { c: 1e-2 },
        2 => Schedule::Constant { c: 1e-1 },
        3 => of_time(|t| 1.0 / (1.0 + t)),
        4 => of_time(|t| 1.0 / (1.0 + t).powi(2)),
        5 => Schedule::Geometric { c: 1.0, r: ETA },
        _ => Schedule::Geometric { c: 1.0, r: 4.0 * ETA },
    }
}

#[test]
fn gradient_descents_of_figure_1_end_where_numpy_ends() {
    let arrays = read_arrays("tests/data/figure1_ref.npz").expect("the reference");
    let numbers = |name: &str| arrays[name].as_f64().expect("numbers");
    let runs = arrays["runs"].as_text().expect("text");
    let (z, y, x) = (numbers("Z"), numbers("y"), numbers("x_final"));
    let (n, tolerance) = (100, 24.0 * STEPS as f64 * 0.5 * f64::EPSILON);
    let mut compared = 0;
    for (name, scale) in [("mw", 1.0), ("uv", 2f64.sqrt())] {
        let scaled = |v: &[f64]| v.iter().map(|v| scale * v).collect::<Vec<f64>>();
        let problem = Problem::from_rows(scaled(z), scaled(y)).expect("a problem");
        let chosen: Vec<(usize, usize, usize)> = runs
            .iter()
            .enumerate()
            .filter_map(|(k, text)| {
                let mut parts = text.split(',');
                let s = parts.next()?.parse().ok()?;
                (parts.next()? == name).then_some((k, s, parts.next()?.parse().ok()?))
            })
            .collect();
        // u = v = √(β/2) is m = u + v = √(2β).
        let run = |(_, s, start): &(usize, usize, usize)| Run {
            first: vec![scale * BETA[*start].sqrt(); n],
            second: vec![0.0; n],
            schedule: schedule(*s),
            seed: 0,
        };
        let options = Options { step: ETA, steps: STEPS, batch: None, record: vec![STEPS] };
        let batch: Vec<Run> = chosen.iter().map(run).collect();
        let done = descend(&problem, Objective::MaskWeight, &batch, &options, None).expect("runs");
        assert!(done.outcome.iter().all(|o| *o == Outcome::Complete));
        for (found, (k, _, start)) in done.x.chunks(n).zip(&chosen) {
            // a₀ of m⊙w is β/2, of the scaled one β.
            let a = 0.5 * scale * scale * BETA[*start];
            for (p, q) in found.iter().zip(&x[k * n..(k + 1) * n]) {
                let most = tolerance * q.hypot(a);
                assert!((p - q).abs() <= most, "{}: {p} against {q}", runs[*k]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 28 * n);
}

//! Times the descents of `benches/peers/descents.py`: `descent_bench IN.npz OUT.npz ROUNDS`.
//!
//! `IN.npz` holds `Z`, `y` and, for 35 runs, the starts `M` and `W` (35×n). Seven schedules of α,
//! five starts each, under the three objectives: 105 runs of 10⁵ steps of 1e-4. Prints the seconds
//! of each round.

use std::{error::Error, fs::File, time::Instant};

use mirrorflow::{
    kernels::batch::descent::{Objective, Options, Run, descend},
    problem::Problem,
    schedule::Schedule,
};
use ndarray::{Array1, Array2, ArrayView2};
use ndarray_npy::{NpzReader, NpzWriter};
use rayon::prelude::*;

/// α as a function of the number of the step.
const SCHEDULES: [&str; 7] = [
    "none",
    "constant:0.01",
    "constant:0.1",
    "constant:1",
    "geometric:1,0.0001",
    "geometric:1,0.0004",
    "harmonic:1",
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, input, output, rounds] = &args[..] else {
        return Err("usage: descent_bench IN.npz OUT.npz ROUNDS".into());
    };
    let mut npz = NpzReader::new(File::open(input)?)?;
    let (z, y): (Array2<f64>, Array1<f64>) = (npz.by_name("Z")?, npz.by_name("y")?);
    let problem = Problem::new(z, y)?;
    let (m, w): (Array2<f64>, Array2<f64>) = (npz.by_name("M")?, npz.by_name("W")?);
    let schedules: Vec<Schedule> = SCHEDULES.iter().map(|s| s.parse()).collect::<Result<_, _>>()?;
    let options = Options { step: 1e-4, steps: 100_000, batch: None, record: vec![100_000] };
    let mut x = Vec::new();
    let mut seconds = Vec::new();
    for _ in 0..rounds.parse()? {
        let begin = Instant::now();
        // The settings side by side: alone, each has three blocks of runs for two threads.
        let objectives = [Objective::MaskWeight, Objective::MaskL1, Objective::PlainL1];
        let done = objectives.into_par_iter().map(|objective| {
            let plain = objective == Objective::PlainL1;
            let runs: Vec<Run> = (0..m.nrows())
                .map(|at| Run {
                    first: if plain {
                        (&m.row(at) * &w.row(at)).to_vec()
                    } else {
                        m.row(at).to_vec()
                    },
                    second: if plain { Vec::new() } else { w.row(at).to_vec() },
                    schedule: schedules[at / (m.nrows() / SCHEDULES.len())].clone(),
                    seed: 0,
                })
                .collect();
            descend(&problem, objective, &runs, &options, None)
        });
        x = done.collect::<Result<Vec<_>, _>>()?.into_iter().flat_map(|d| d.x).collect();
        seconds.push(begin.elapsed().as_secs_f64());
    }
    let mut npz = NpzWriter::new(File::create(output)?);
    npz.add_array("X", &ArrayView2::from_shape((3 * m.nrows(), problem.features()), &x)?)?;
    npz.finish()?;
    println!("{seconds:?}");
    Ok(())
}

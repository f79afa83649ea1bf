//! Times an ensemble of flows for `benches/peers/ensemble.py`:
//! `ensemble_bench IN.npz OUT.npz ROUNDS RTOL [f32]`.
//!
//! `IN.npz` holds `Z` (d×n, or B×d×n) and `Y` (B×d); every flow starts at m₀ = 1, w₀ = 0 (a = ½)
//! under α = ½e^{−t} and ends at T = 300. Prints one JSON object: seconds of each round, steps,
//! what ended how.

use std::{error::Error, fs::File, time::Instant};

use mirrorflow::{
    kernels::batch::{
        Outcome,
        mirror_flow::{Batch, Features, Options, Precision, integrate},
    },
    potential::HyperbolicEntropy,
};
use ndarray::{Array2, Array3, ArrayView2};
use ndarray_npy::{NpzReader, NpzWriter};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, input, output, rounds, rtol, rest @ ..] = &args[..] else {
        return Err("usage: ensemble_bench IN.npz OUT.npz ROUNDS RTOL [f32]".into());
    };
    let mut npz = NpzReader::new(File::open(input)?)?;
    let y: Array2<f64> = npz.by_name("Y")?;
    let shared: Option<Array2<f64>> = npz.by_name("Z").ok();
    let own: Option<Array3<f64>> = if shared.is_none() { Some(npz.by_name("Z")?) } else { None };
    let n = shared.as_ref().map_or_else(|| own.as_ref().map_or(0, |z| z.dim().2), |z| z.ncols());
    let z = match (&shared, &own) {
        (Some(z), _) => Features::Shared(z.as_slice().ok_or("Z in C order")?),
        (_, Some(z)) => Features::Individual(z.as_slice().ok_or("Z in C order")?),
        _ => return Err("Z is missing".into()),
    };
    let batch = Batch {
        samples: y.ncols(),
        features: n,
        z,
        y: y.as_slice().ok_or("Y in C order")?,
        start: &[HyperbolicEntropy::uniform(n, 0.5_f64.ln())?],
        schedule: &["geometric:0.5,1".parse()?],
    };
    let precision =
        if rest.first().is_some_and(|p| p == "f32") { Precision::F32 } else { Precision::F64 };
    let options = Options { rtol: rtol.parse()?, precision, ..Options::until(300.0) };
    let (mut seconds, mut x, mut steps) = (Vec::new(), Vec::new(), 0);
    let mut unfinished = 0;
    for _ in 0..rounds.parse()? {
        let begin = Instant::now();
        let flows = integrate(&batch, &options, None)?;
        seconds.push(begin.elapsed().as_secs_f64());
        unfinished = flows.outcome.iter().filter(|o| **o != Outcome::Complete).count();
        steps = flows.steps.iter().chain(&flows.rejections).sum::<u64>();
        x = flows.x;
    }
    let mut npz = NpzWriter::new(File::create(output)?);
    npz.add_array("X", &ArrayView2::from_shape((y.nrows(), n), &x)?)?;
    npz.finish()?;
    println!("{{\"seconds\": {seconds:?}, \"steps\": {steps}, \"unfinished\": {unfinished}}}");
    Ok(())
}

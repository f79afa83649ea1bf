//! Mirror flows on every machine against the CPU twin: on fixed steps to rounding, with steps of their own to
//! the tolerance, endings and all.

use mirrorflow::{
    Result,
    kernels::{
        batch::{
            Outcome,
            mirror_flow::{Batch, Features, Flows, Options, integrate, integrate_on},
        },
        device::Machine,
    },
    potential::HyperbolicEntropy,
    problem::Generator,
    schedule::Schedule,
};
use mirrorflow_kernels_on_host::{Host, machines};

const SAMPLES: usize = 6;
const FEATURES: usize = 13;
const TEXTS: [&str; 7] = [
    "none",
    "constant:0.05",
    "harmonic:0.25",
    "quadratic:0.5",
    "geometric:0.5,1",
    "switch:0.3,0.4",
    "piecewise:0=0.1,0.3=0.4,1=0",
];

struct Ensemble {
    z: Vec<f64>,
    y: Vec<f64>,
    start: Vec<HyperbolicEntropy>,
    schedule: Vec<Schedule>,
}

fn ensemble(runs: usize) -> Result<Ensemble> {
    let mut out = Ensemble { z: vec![], y: vec![], start: vec![], schedule: vec![] };
    for k in 0..runs {
        let problem = Generator::gaussian(SAMPLES, FEATURES, 2, k as u64).problem()?;
        out.z.extend_from_slice(problem.z_rows());
        out.y.extend_from_slice(problem.y());
        let theta = (0..FEATURES).map(|i| 0.3 * ((k + i) as f64).sin()).collect();
        out.start.push(HyperbolicEntropy::new(vec![-0.7 * (k % 5) as f64; FEATURES], theta)?);
        out.schedule.push(TEXTS[k % TEXTS.len()].parse()?);
    }
    Ok(out)
}

impl Ensemble {
    fn batch(&self, shared: bool) -> Batch<'_> {
        let z = if shared {
            Features::Shared(&self.z[..SAMPLES * FEATURES])
        } else {
            Features::Individual(&self.z)
        };
        Batch {
            samples: SAMPLES,
            features: FEATURES,
            z,
            y: &self.y,
            start: &self.start,
            schedule: &self.schedule,
        }
    }
}

/// Largest difference of the x of a run, relative to its size.
fn difference(p: &Flows, q: &Flows, records: usize, runs: usize) -> f64 {
    let mut worst = 0.0_f64;
    for (a, b) in p.x.chunks(FEATURES).zip(q.x.chunks(FEATURES)).take(records * runs) {
        let size = b.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(b) {
            let both = a.is_nan() && b.is_nan();
            worst = worst.max(if both { 0.0 } else { (a - b).abs() / size });
        }
    }
    worst
}

#[test]
fn fixed_steps_agree_with_the_cpu_twin_to_rounding() -> Result<()> {
    let all = ensemble(14)?;
    for shared in [true, false] {
        let batch = all.batch(shared);
        let options =
            Options { step: Some(0.06), times: vec![0.0, 0.35, 1.2], ..Options::until(1.2) };
        let expected = integrate(&batch, &options, None)?;
        for machine in &machines() {
            let found = integrate_on(&[machine.as_ref()], &batch, &options, None)?;
            assert_eq!(found.outcome, expected.outcome, "{}", machine.name());
            assert_eq!(found.steps, expected.steps);
            let off = difference(&found, &expected, 3, 14);
            assert!(off <= 1e-12, "{}: {off:e}", machine.name());
            for (p, q) in [(&found.loss, &expected.loss), (&found.l1, &expected.l1)] {
                assert!(p.iter().zip(q).all(|(p, q)| (p - q).abs() <= 1e-12 * (1.0 + q.abs())));
            }
        }
    }
    Ok(())
}

#[test]
fn steps_of_their_own_agree_to_the_tolerance() -> Result<()> {
    let all = ensemble(7)?;
    let batch = all.batch(false);
    let options = Options { times: vec![0.5, 5.0, 60.0], ..Options::until(60.0) };
    let expected = integrate(&batch, &options, None)?;
    for machine in &machines() {
        let found = integrate_on(&[machine.as_ref()], &batch, &options, None)?;
        assert_eq!(found.outcome, expected.outcome, "{}", machine.name());
        // Both are within ten tolerances of the truth.
        let off = difference(&found, &expected, 3, 7);
        assert!(off <= 2e-5, "{}: {off:e}", machine.name());
        for (p, q) in found.steps.iter().zip(&expected.steps) {
            assert!(p.abs_diff(*q) <= 1 + q / 20, "{p} and {q} steps");
        }
    }
    Ok(())
}

#[test]
fn endings_are_those_of_the_cpu_twin_and_pieces_change_nothing() -> Result<()> {
    let mut all = ensemble(30)?;
    all.y[3 * SAMPLES + 2] = f64::NAN;
    all.z[7 * SAMPLES * FEATURES + 5] = f64::INFINITY;
    let batch = all.batch(false);
    for options in [
        Options::until(4.0),
        Options { max_steps: 3, ..Options::until(4.0) },
        Options { rtol: 1e-30, atol: 1e-300, max_steps: 200, ..Options::until(4.0) },
    ] {
        let expected = integrate(&batch, &options, None)?;
        assert_eq!(expected.outcome[7], Outcome::NotFinite { array: "Z", index: 5 });
        let whole = integrate_on(&[&Host::new(1)], &batch, &options, None)?;
        for (p, q) in whole.outcome.iter().zip(&expected.outcome) {
            assert_eq!(std::mem::discriminant(p), std::mem::discriminant(q), "{p} {q}");
        }
        let small = Host { memory: 40_000, ..Host::new(1) };
        let machines: [&dyn Machine; 2] = [&small, &Host::new(1)];
        let parts = integrate_on(&machines, &batch, &options, None)?;
        assert_eq!(whole.outcome, parts.outcome);
        let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&whole.x), bits(&parts.x));
    }
    Ok(())
}

//! Laws of a batch: a run is the same wherever it stands; what is wrong with it is its own affair.

use std::sync::atomic::AtomicBool;

use super::{Batch, Features, Flows, Options, Precision, integrate};
use crate::Result;
use crate::kernels::batch::Outcome;
use crate::potential::HyperbolicEntropy;
use crate::problem::Generator;
use crate::schedule::Schedule;

const SAMPLES: usize = 6;
const FEATURES: usize = 11;

/// Runs that differ in Z, y, start and schedule; jumps of α included.
struct Ensemble {
    z: Vec<f64>,
    y: Vec<f64>,
    start: Vec<HyperbolicEntropy>,
    schedule: Vec<Schedule>,
}

fn ensemble(runs: usize) -> Result<Ensemble> {
    let texts =
        ["none", "geometric:0.5,1", "switch:0.3,2", "piecewise:0=0.1,1=0.4,3=0", "harmonic:0.2"];
    let mut out = Ensemble { z: vec![], y: vec![], start: vec![], schedule: vec![] };
    for k in 0..runs {
        let problem = Generator::gaussian(SAMPLES, FEATURES, 2, k as u64).problem()?;
        out.z.extend_from_slice(problem.z_rows());
        out.y.extend_from_slice(problem.y());
        let theta = (0..FEATURES).map(|i| 0.3 * ((k + i) as f64).sin()).collect();
        out.start.push(HyperbolicEntropy::new(vec![-0.5 * (k % 7) as f64; FEATURES], theta)?);
        out.schedule.push(texts[k % texts.len()].parse()?);
    }
    Ok(out)
}

impl Ensemble {
    fn batch(&self) -> Batch<'_> {
        Batch {
            samples: SAMPLES,
            features: FEATURES,
            z: Features::Individual(&self.z),
            y: &self.y,
            start: &self.start,
            schedule: &self.schedule,
        }
    }

    /// Runs `first ..` on their own.
    fn from(&self, first: usize, count: usize) -> Batch<'_> {
        let (size, d) = (SAMPLES * FEATURES, SAMPLES);
        Batch {
            z: Features::Individual(&self.z[first * size..(first + count) * size]),
            y: &self.y[first * d..(first + count) * d],
            start: &self.start[first..first + count],
            schedule: &self.schedule[first..first + count],
            ..self.batch()
        }
    }
}

fn options() -> Options {
    Options { times: vec![0.0, 0.5, 2.0, 10.0], ..Options::until(10.0) }
}

fn threads(count: usize, batch: &Batch<'_>, options: &Options) -> Result<Flows> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("threads");
    pool.install(|| integrate(batch, options, None))
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn a_run_is_the_same_alone_in_company_and_on_any_number_of_threads() -> Result<()> {
    let runs = 75;
    let all = ensemble(runs)?;
    for precision in [Precision::F64, Precision::F32] {
        let options = Options { precision, rtol: 1e-4, ..options() };
        let whole = threads(1, &all.batch(), &options)?;
        assert!(whole.outcome.iter().all(|o| *o == Outcome::Complete));
        for count in [2, 4] {
            let other = threads(count, &all.batch(), &options)?;
            assert_eq!(bits(&whole.x), bits(&other.x));
            assert_eq!(whole, other);
        }
        for (first, count) in [(0, 1), (33, 1), (20, 10), (74, 1)] {
            let part = integrate(&all.from(first, count), &options, None)?;
            for r in 0..4 {
                let x = &whole.x[(r * runs + first) * FEATURES..][..count * FEATURES];
                assert_eq!(bits(&part.x[r * count * FEATURES..][..count * FEATURES]), bits(x));
            }
            assert_eq!(part.steps, whole.steps[first..first + count]);
        }
    }
    Ok(())
}

#[test]
fn a_shared_z_is_the_same_z_for_each_run() -> Result<()> {
    let all = ensemble(20)?;
    let z = &all.z[..SAMPLES * FEATURES];
    let shared = Batch { z: Features::Shared(z), ..all.batch() };
    let copies = z.repeat(20);
    let individual = Batch { z: Features::Individual(&copies), ..all.batch() };
    let (p, q) = (integrate(&shared, &options(), None)?, integrate(&individual, &options(), None)?);
    assert_eq!(p, q);
    Ok(())
}

#[test]
fn the_record_at_time_0_is_the_start_and_the_observables_are_those_of_x() -> Result<()> {
    let all = ensemble(9)?;
    let flows = integrate(&all.batch(), &options(), None)?;
    for k in 0..9 {
        for r in 0..4 {
            let x = &flows.x[(r * 9 + k) * FEATURES..][..FEATURES];
            if r == 0 {
                let (theta, log_a) = (all.start[k].theta(), all.start[k].log_a());
                for i in 0..FEATURES {
                    let truth = log_a[i].exp() * theta[i].sinh();
                    assert!((x[i] - truth).abs() <= 1e-15, "{} {truth}", x[i]);
                }
            }
            let z = &all.z[k * SAMPLES * FEATURES..];
            let off: Vec<f64> = (0..SAMPLES)
                .map(|j| {
                    let row = &z[j * FEATURES..][..FEATURES];
                    row.iter().zip(x).map(|(z, x)| z * x).sum::<f64>() - all.y[k * SAMPLES + j]
                })
                .collect();
            let loss = off.iter().map(|r| r * r).sum::<f64>() / (2.0 * SAMPLES as f64);
            let kkt = off.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
            let l1: f64 = x.iter().map(|v| v.abs()).sum();
            // Residuals are differences of numbers of size up to 10.
            assert!((flows.loss[r * 9 + k] - loss).abs() <= 1e-14 * (1.0 + kkt));
            assert!((flows.kkt[r * 9 + k] - kkt).abs() <= 1e-14);
            assert!((flows.l1[r * 9 + k] - l1).abs() <= 1e-14);
        }
    }
    Ok(())
}

#[test]
fn what_is_wrong_with_a_run_leaves_the_others_right() -> Result<()> {
    let mut all = ensemble(21)?;
    let right = integrate(&all.batch(), &options(), None)?;
    all.y[3 * SAMPLES + 2] = f64::NAN;
    all.z[7 * SAMPLES * FEATURES + 5] = f64::INFINITY;
    // So large that no finite step is: x overflows.
    all.y[11 * SAMPLES] = 1e300;
    let flows = integrate(&all.batch(), &options(), None)?;
    assert_eq!(flows.outcome[3], Outcome::NotFinite { array: "y", index: 2 });
    assert_eq!(flows.outcome[7], Outcome::NotFinite { array: "Z", index: 5 });
    assert!(flows.outcome[3].to_string().contains("y[2]"));
    for k in 0..21 {
        let rows = (0..4).map(|r| &flows.x[(r * 21 + k) * FEATURES..][..FEATURES]);
        if [3, 7].contains(&k) {
            assert!(rows.flatten().all(|v| v.is_nan()));
        } else if k != 11 {
            for (r, row) in rows.enumerate() {
                assert_eq!(bits(row), bits(&right.x[(r * 21 + k) * FEATURES..][..FEATURES]));
            }
            assert_eq!(flows.outcome[k], Outcome::Complete);
        }
    }
    Ok(())
}

#[test]
fn tolerances_out_of_reach_and_too_few_steps_are_outcomes_with_what_was_reached() -> Result<()> {
    let all = ensemble(5)?;
    let flows = integrate(
        &all.batch(),
        &Options { rtol: 1e-30, atol: 1e-300, max_steps: 3000, ..options() },
        None,
    )?;
    for k in 0..5 {
        assert!(
            matches!(flows.outcome[k], Outcome::StepTooSmall { .. } | Outcome::TooManySteps { .. }),
            "{:?}",
            flows.outcome[k]
        );
        assert!(flows.x[k * FEATURES].is_finite());
        assert!(flows.x[(3 * 5 + k) * FEATURES].is_nan());
    }
    let flows = integrate(&all.batch(), &Options { max_steps: 4, ..options() }, None)?;
    for k in 0..5 {
        assert_eq!(flows.steps[k] + flows.rejections[k], 4);
        assert_eq!(flows.outcome[k], Outcome::TooManySteps { step: flows.steps[k] });
        assert!(flows.t[k] > 0.0 && flows.t[k] < 10.0);
    }
    Ok(())
}

#[test]
fn a_cancelled_batch_says_so_of_every_run() -> Result<()> {
    let all = ensemble(40)?;
    let cancelled = AtomicBool::new(true);
    let flows = integrate(&all.batch(), &options(), Some(&cancelled))?;
    assert!(flows.outcome.iter().all(|o| *o == Outcome::Cancelled { step: 0 }));
    assert!(flows.x.iter().all(|v| v.is_nan()));
    Ok(())
}

#[test]
fn records_larger_than_memory_are_refused_before_anything_is_computed() -> Result<()> {
    let all = ensemble(2)?;
    let times: Vec<f64> = (0..100_000).map(f64::from).collect();
    let (z, runs) = (&all.z[..SAMPLES * FEATURES], 2_000_000);
    let y = vec![1.0; runs * SAMPLES];
    let batch = Batch {
        z: Features::Shared(z),
        y: &y,
        start: &all.start[..1],
        schedule: &all.schedule[..1],
        ..all.batch()
    };
    let error = integrate(&batch, &Options { times, ..options() }, None).unwrap_err().to_string();
    assert!(
        error.contains("100000 records of 2000000 runs") && error.contains("in parts"),
        "{error}"
    );
    Ok(())
}

#[test]
fn fixed_steps_converge_with_order_five() -> Result<()> {
    let all = ensemble(3)?;
    let at = |step| -> Result<Vec<f64>> {
        let options = Options { step: Some(step), times: vec![1.0], ..options() };
        Ok(integrate(&all.from(1, 1), &options, None)?.x)
    };
    let truth = at(1.0 / 512.0)?;
    let error = |step| -> Result<f64> {
        Ok(at(step)?.iter().zip(&truth).fold(0.0, |m, (p, q)| f64::max(m, (p - q).abs())))
    };
    let (coarse, fine) = (error(1.0 / 8.0)?, error(1.0 / 32.0)?);
    let order = (coarse / fine).log(4.0);
    assert!((order - 5.0).abs() < 0.35, "{coarse:e} {fine:e}: order {order}");
    Ok(())
}

#[test]
fn single_precision_is_refused_where_it_cannot_resolve_the_exponents() -> Result<()> {
    let z = [1.0, 2.0];
    let start = [HyperbolicEntropy::uniform(2, -1e5)?];
    let batch = Batch {
        samples: 1,
        features: 2,
        z: Features::Shared(&z),
        y: &[1.0],
        start: &start,
        schedule: &[Schedule::None],
    };
    let options = Options { precision: Precision::F32, rtol: 1e-3, ..Options::until(1.0) };
    let error = integrate(&batch, &options, None).unwrap_err().to_string();
    assert!(error.contains("single precision") && error.contains("F64"), "{error}");
    Ok(())
}

#[test]
fn shapes_and_options_that_are_wrong_are_named() -> Result<()> {
    let all = ensemble(2)?;
    let batch = all.batch();
    let says = |batch: &Batch<'_>, options: &Options, what: &str| {
        let error = integrate(batch, options, None).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    says(&Batch { y: &all.y[1..], ..batch }, &options(), "y has shape 11 numbers");
    says(&Batch { z: Features::Shared(&all.z[1..]), ..batch }, &options(), "6×11 numbers");
    says(&Batch { z: Features::Individual(&all.z[1..]), ..batch }, &options(), "2×6×11 numbers");
    says(&Batch { start: &[], ..batch }, &options(), "start has shape (0)");
    says(&Batch { features: 0, ..batch }, &options(), "at least 1×1");
    let short = [HyperbolicEntropy::uniform(3, 0.0)?];
    says(&Batch { start: &short, ..batch }, &options(), "start[0] has shape (3)");
    let bad = [Schedule::Constant { c: -1.0 }];
    says(&Batch { schedule: &bad, ..batch }, &options(), "c");
    says(&batch, &Options { times: vec![], ..options() }, "times");
    says(&batch, &Options { times: vec![1.0, 1.0], ..options() }, "times[1]");
    says(&batch, &Options { rtol: 0.0, ..options() }, "rtol");
    says(&batch, &Options { atol: -1.0, ..options() }, "atol");
    says(&batch, &Options { step: Some(0.0), ..options() }, "the step");
    let mut z = all.z[..SAMPLES * FEATURES].to_vec();
    z[13] = f64::NAN;
    says(&Batch { z: Features::Shared(&z), ..batch }, &options(), "Z[1,2]");
    Ok(())
}

//! Samples of the primal flow with its accumulated gradient, each computed at two tolerances.
//!
//! An identity `Q(t, m, w, L) = 0` is judged by both: if it is true, |Q| is pure integration error
//! and shrinks with the tolerance, so |Q_fine| ≤ |Q_coarse − Q_fine|; if it is false, |Q| stays
//! while the difference vanishes. No tolerance has to be chosen.

use mirrorflow::{
    Result,
    integrate::{Method, Options, integrate},
    schedule::Schedule,
};

use crate::{Context, Instance, Tally, WithGradientIntegral};

/// Relative tolerances of the two integrations.
const COARSE: f64 = 1e-6;
const FINE: f64 = 1e-10;

/// Times of the samples in units of the instance's own time [`Instance::time_scale`].
const TIMES: [f64; 4] = [0.3, 1.0, 3.0, 10.0];

/// The state at one time.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) t: f64,
    pub(crate) m: Vec<f64>,
    pub(crate) w: Vec<f64>,
    pub(crate) l: Vec<f64>,
}

impl Sample {
    /// `x = m ⊙ w`.
    pub(crate) fn x(&self) -> Vec<f64> {
        self.m.iter().zip(&self.w).map(|(m, w)| m * w).collect()
    }
}

/// One trajectory, integrated twice.
#[derive(Debug, Clone)]
pub(crate) struct SampledRun {
    pub(crate) instance: Instance,
    pub(crate) schedule: Schedule,
    coarse: Vec<Sample>,
    fine: Vec<Sample>,
}

/// Schedules of every kind, scaled to the time `tau` of an instance; all have A ≤ 1 at the last
/// sample.
pub(crate) fn schedules(tau: f64) -> Vec<Schedule> {
    vec![
        Schedule::None,
        Schedule::Constant { c: 0.05 / tau },
        Schedule::Geometric { c: 0.5 / tau, r: 1.0 / tau },
        Schedule::Switch { c: 0.4 / tau, at: 0.7 * tau },
    ]
}

/// Samples of every instance under every schedule; runs that ended early come as text.
///
/// # Errors
/// When an instance cannot be made or integrated at all.
pub(crate) fn sampled_runs(
    context: &Context,
) -> Result<Vec<std::result::Result<SampledRun, String>>> {
    let mut runs = Vec::new();
    for instance in context.instances()? {
        let tau = instance.time_scale();
        for schedule in schedules(tau) {
            let pair =
                (samples(&instance, &schedule, COARSE)?, samples(&instance, &schedule, FINE)?);
            runs.push(match pair {
                (Ok(coarse), Ok(fine)) => {
                    Ok(SampledRun { instance: instance.clone(), schedule, coarse, fine })
                }
                (Err(why), _) | (_, Err(why)) => {
                    Err(format!("{}, {schedule}: {why}", instance.name))
                }
            });
        }
    }
    Ok(runs)
}

fn samples(
    instance: &Instance,
    schedule: &Schedule,
    rtol: f64,
) -> Result<std::result::Result<Vec<Sample>, String>> {
    let n = instance.problem.features();
    let times: Vec<f64> = TIMES.iter().map(|t| t * instance.time_scale()).collect();
    let flow = WithGradientIntegral::new(&instance.problem, &instance.start, schedule);
    let t_end = times.last().copied().unwrap_or(0.0);
    let options = Options::until(t_end)
        .with_times(&times)
        .with_tolerances(rtol, rtol * 1e-3)
        .with_method(Method::Dop853);
    let trajectory = integrate(&flow, &options)?;
    if !trajectory.outcome.is_complete() {
        return Ok(Err(trajectory.outcome.to_string()));
    }
    let mut samples = Vec::new();
    for (t, state) in trajectory.t.iter().zip(trajectory.state.outer_iter()) {
        // The start is recorded too; every identity is trivial or explicit there.
        if *t > 0.0 {
            let state = state.to_vec();
            samples.push(Sample {
                t: *t,
                m: state[..n].to_vec(),
                w: state[n..2 * n].to_vec(),
                l: state[2 * n..].to_vec(),
            });
        }
    }
    Ok(Ok(samples))
}

/// Judges the identity `residual = 0`, where `residual` also returns the size of the terms it
/// subtracts, over all `runs` that `counts` accepts.
pub(crate) fn judge(
    runs: &[std::result::Result<SampledRun, String>],
    counts: impl Fn(&SampledRun) -> bool,
    residual: impl Fn(&SampledRun, &Sample) -> (Vec<f64>, f64),
) -> Tally {
    let mut tally = Tally::default();
    for run in runs {
        let run = match run {
            Ok(run) if counts(run) => run,
            Ok(_) => continue,
            Err(why) => {
                tally.skip(why.clone());
                continue;
            }
        };
        tally.count();
        for (coarse, fine) in run.coarse.iter().zip(&run.fine) {
            let (q, size) = residual(run, fine);
            let (q_coarse, _) = residual(run, coarse);
            let value =
                q.iter().fold(0.0, |m: f64, v| if v.is_nan() { *v } else { m.max(v.abs()) });
            let change = q.iter().zip(&q_coarse).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            // A residual sums a handful of terms of this size, each with a few roundings, after an
            // integration of some hundred steps.
            let rounding = 1e3 * f64::EPSILON * size;
            tally.measure(
                value,
                change.max(rounding),
                format!("{}, schedule {}, t = {:.3e}", run.instance.name, run.schedule, fine.t),
            );
        }
    }
    tally
}

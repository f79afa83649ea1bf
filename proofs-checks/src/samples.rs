//! Samples of the primal flow with its accumulated gradient, each computed at two tolerances.
//!
//! An identity `Q(t, m, w, L) = 0` is judged by both: if it is true, |Q| is pure integration error
//! and shrinks with the tolerance, so |Q_fine| ≤ |Q_coarse − Q_fine|, or is of the size of the local
//! error that was allowed; if it is false, |Q| stays while both vanish.

use mirrorflow::{
    Result,
    integrate::{Method, Options, integrate},
};

use crate::{Case, Context, Gap, Prepared, WithGradientIntegral};

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
    coarse: Vec<Sample>,
    fine: Vec<Sample>,
}

/// Samples of a case at both tolerances.
///
/// # Errors
/// When it cannot be integrated at all.
pub(crate) fn sampled(case: &Case, _: &Context) -> Result<Prepared<SampledRun>> {
    Ok(match (samples(case, COARSE)?, samples(case, FINE)?) {
        (Ok(coarse), Ok(fine)) => Prepared::Ready(SampledRun { coarse, fine }),
        (Err(why), _) | (_, Err(why)) => Prepared::Undecided(why),
    })
}

fn samples(case: &Case, rtol: f64) -> Result<std::result::Result<Vec<Sample>, String>> {
    let Case { instance, schedule, .. } = case;
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

/// How [`identity`] derives its tolerance.
pub(crate) const RULE: &str =
    "|residual| at rtol 1e-10 against its change from rtol 1e-6, or 10 × 1e-10 of its terms";

/// Measures the identity `residual = 0`, where `residual` also returns the size of the terms it
/// subtracts, at every sample of a run.
pub(crate) fn identity(
    residual: impl Fn(&Case, &Sample) -> (Vec<f64>, f64) + Send + Sync + 'static,
) -> impl Fn(&Case, &SampledRun) -> Vec<Gap> + Send + Sync + 'static {
    move |case, run| {
        let at = |(coarse, fine): (&Sample, &Sample)| {
            let (q, size) = residual(case, fine);
            let (q_coarse, _) = residual(case, coarse);
            let value =
                q.iter().fold(0.0, |m: f64, v| if v.is_nan() { *v } else { m.max(v.abs()) });
            let change = q.iter().zip(&q_coarse).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            // Where both runs take the same few steps there is no change: then what is left is the
            // local error that was allowed, in each of a handful of terms.
            let allowed = 10.0 * FINE * size;
            Gap::residual(value, change.max(allowed)).at(format!("t = {:.3e}", fine.t))
        };
        run.coarse.iter().zip(&run.fine).map(at).collect()
    }
}

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

/// Absolute over relative tolerance.
const FLOOR: f64 = 1e-3;

/// Times of the samples as parts of [`horizon`].
const TIMES: [f64; 4] = [0.03, 0.1, 0.3, 1.0];

/// Total decay A up to which a case is followed: `m` and `w` shrink by e^{−2A}, and must stay far
/// above the absolute tolerance for a sample to say something.
const MOST_DECAY: f64 = 5.0;

/// Steps after which a run is given up.
const MAX_STEPS: u64 = 20_000;

/// Part of its terms that the tolerance of an identity may reach; a sample where rounding and
/// integration leave no more than that says nothing.
const MEANINGFUL: f64 = 1e-2;

/// How long a case is followed: ten times its own time ([`crate::Instance::time_scale`]), or until
/// `A = 5`.
pub(crate) fn horizon(case: &Case) -> f64 {
    let mut end = 10.0 * case.instance.time_scale();
    if case.schedule.integral(end) > MOST_DECAY {
        // A is continuous and increasing: bisection.
        let (mut low, mut high) = (0.0, end);
        for _ in 0..60 {
            let mid = 0.5 * (low + high);
            if case.schedule.integral(mid) > MOST_DECAY { high = mid } else { low = mid }
        }
        end = low;
    }
    end
}

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

    /// The same with m, w, L and all three off by `rtol (|·| + 1e-3)`, the local error allowed.
    fn off_by(&self, rtol: f64) -> [Self; 4] {
        let off = |v: &[f64]| v.iter().map(|c| c + rtol * (c.abs() + FLOOR)).collect::<Vec<_>>();
        let (m, w, l) = (off(&self.m), off(&self.w), off(&self.l));
        [
            Self { m: m.clone(), ..self.clone() },
            Self { w: w.clone(), ..self.clone() },
            Self { l: l.clone(), ..self.clone() },
            Self { t: self.t, m, w, l },
        ]
    }
}

/// One trajectory, integrated twice.
#[derive(Debug, Clone)]
pub(crate) struct SampledRun {
    coarse: Vec<Sample>,
    fine: Vec<Sample>,
}

impl SampledRun {
    /// The same sample at the coarse and at the fine tolerance, in time.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Sample, &Sample)> {
        self.coarse.iter().zip(&self.fine)
    }
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
    let t_end = horizon(case);
    let times: Vec<f64> = TIMES.iter().map(|t| t * t_end).collect();
    let flow = WithGradientIntegral::new(&instance.problem, &instance.start, schedule);
    let options = Options::until(t_end)
        .with_times(&times)
        .with_tolerances(rtol, rtol * FLOOR)
        .with_method(Method::Dop853);
    let options = Options { max_steps: MAX_STEPS, ..options };
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
pub(crate) const RULE: &str = "|residual| at rtol 1e-10 against its change from rtol 1e-6, or its \
                               response to 10 local errors of (m, w, L), plus 32 ε of its terms";

/// Measures the identity `residual = 0`, where `residual` also returns the size of the terms it
/// subtracts, at every sample of a run. Component i of the residual must depend on component i of m,
/// w and L alone.
pub(crate) fn identity(
    residual: impl Fn(&Case, &Sample) -> (Vec<f64>, f64) + Send + Sync + 'static,
) -> impl Fn(&Case, &SampledRun) -> Vec<Gap> + Send + Sync + 'static {
    move |case, run| {
        let at = |(coarse, fine): (&Sample, &Sample)| {
            let (q, size) = residual(case, fine);
            let (q_coarse, _) = residual(case, coarse);
            let value =
                q.iter().fold(0.0, |m: f64, v| if v.is_nan() { *v } else { m.max(v.abs()) });
            // Where both runs take the same few steps there is no change: then what is left is the
            // local error that was allowed, carried through the residual.
            let response: f64 =
                fine.off_by(10.0 * FINE).iter().map(|s| distance(&residual(case, s).0, &q)).sum();
            let allowed = response + 32.0 * f64::EPSILON * size;
            let gap = Gap::residual(value, distance(&q, &q_coarse).max(allowed));
            (allowed <= MEANINGFUL * size).then(|| gap.at_time(fine.t))
        };
        run.pairs().filter_map(at).collect()
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(p, q)| (p - q).abs())
        .fold(0.0, |m, gap| if gap > m || gap.is_nan() { gap } else { m })
}

//! Where a flow ends, against the limit found without time: what Theorems 2.4 and 3.3 share.
//!
//! The flow is integrated until its loss has fallen by [`LOSS_FALL`]. It is then still on its way;
//! how far can be computed without following it: at any time `x_T` minimises `R_{a_T}` subject to
//! `Zx = Zx_T`, so the distance left is that between the limits for `y` and for `y_T = Zx_T`.

use mirrorflow::{
    Result,
    flow::{Dual, Flow, Primal},
    integrate::{Method, Options, integrate},
    limit::newton,
    numerics::{dense, exact::sums, written::written},
    potential::HyperbolicEntropy,
    problem::{Loss, Problem},
    schedule::Schedule,
};
use ndarray::Array1;

use crate::{Case, Context, Gap, Instance, Prepared};

/// By which factor the loss must fall before the end point is compared.
const LOSS_FALL: f64 = 1e-18;

/// How the tolerance of these checks is derived.
pub(super) const RULE: &str = "2 × distance between the limits for y and Zx_T, plus the end \
                               point's change from rtol 1e-7 to 1e-10, plus 1e-10 of ‖x‖_∞";

/// How long to follow a flow, in units of its own time.
const PATIENCE: f64 = 1e8;

/// Steps after which an explicit run gives way to the implicit one on the dual flow.
const EXPLICIT_STEPS: u64 = 5_000;

/// The end of a flow: which form was integrated, when it ended, where at the coarse and at the fine
/// tolerance.
pub(super) struct End {
    pub(super) form: &'static str,
    pub(super) t: f64,
    pub(super) coarse: Vec<f64>,
    pub(super) fine: Vec<f64>,
}

/// Follows `flow` from a start of loss `start_loss` to its end at two tolerances, or says why not.
pub(super) fn follow(
    form: &'static str,
    flow: &dyn Flow,
    options: &Options,
    start_loss: f64,
) -> Result<std::result::Result<End, String>> {
    let fine = integrate(flow, &options.clone().stop_at_loss(LOSS_FALL * start_loss))?;
    let (t, x) = (fine.t_end(), fine.x_end());
    let loss = fine.loss.last().copied().unwrap_or(f64::INFINITY);
    if !fine.outcome.is_complete() || loss > 1e-14 * start_loss {
        return Ok(Err(format!("the loss fell to {loss:.1e} only ({})", fine.outcome)));
    }
    let coarse = Options { t_end: t, rtol: 1e-7, atol: 1e-11, ..options.clone() };
    let coarse = integrate(flow, &coarse)?;
    if !coarse.outcome.is_complete() {
        return Ok(Err(coarse.outcome.to_string()));
    }
    Ok(Ok(End { form, t, coarse: coarse.x_end(), fine: x }))
}

/// Follows the flow of an instance: the primal one from its definition; where that is too stiff
/// for an explicit method, the dual one with an implicit method.
fn end_of_flow(
    instance: &Instance,
    schedule: &Schedule,
) -> Result<std::result::Result<End, String>> {
    let (problem, start) = (&instance.problem, &instance.start);
    let primal = Primal::from_start(problem, Loss::Squared, schedule.clone(), start)?;
    let start_loss = primal.loss(&start.x0());
    if start_loss == 0.0 {
        return Ok(Err("the start is an interpolator".into()));
    }
    let options = Options::until(PATIENCE * instance.time_scale()).with_tolerances(1e-10, 1e-14);
    let explicit = Options { max_steps: EXPLICIT_STEPS, method: Method::Dop853, ..options.clone() };
    if let Ok(end) = follow("primal", &primal, &explicit, start_loss)? {
        return Ok(Ok(end));
    }
    let dual = Dual::new(problem, Loss::Squared, schedule.clone(), &start.entropy()?)?;
    follow("dual", &dual, &options.with_method(Method::Rosenbrock), start_loss)
}

/// `‖a − b‖_∞`.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |m: f64, (p, q)| {
        let gap = (p - q).abs();
        if gap.is_nan() || gap > m { gap } else { m }
    })
}

/// The end of the flow of a case, for the statements about it.
pub(super) fn ended(case: &Case, _: &Context) -> Result<Prepared<End>> {
    Ok(match end_of_flow(&case.instance, &case.schedule)? {
        Ok(end) => Prepared::Ready(end),
        Err(why) => Prepared::Undecided(why),
    })
}

/// The end of the flow against `argmin R s.t. Zx = y` for the potential
/// `log a = log a₀ + shift − rate·A`, A up to the end.
pub(super) fn against_limit(
    shift: f64,
    rate: f64,
) -> impl Fn(&Case, &End) -> Vec<Gap> + Send + Sync + 'static {
    move |case, end| match distances(case, end, shift, rate) {
        Ok(Some(gap)) => vec![gap],
        // No limit to compare with: the instance does not count for this statement.
        Ok(None) | Err(_) => Vec::new(),
    }
}

fn distances(case: &Case, end: &End, shift: f64, rate: f64) -> Result<Option<Gap>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    // Where A_∞ is not reached by T, what is left of it is in the end point too.
    let total = case.schedule.integral(end.t);
    let log_a = start.log_a0().iter().map(|l| l + shift - rate * total).collect();
    let potential = HyperbolicEntropy::new(log_a, start.theta0())?;
    let options = newton::Options::default();
    let limit = newton::minimize(problem, &potential, &options)?;
    let mut reached = vec![0.0; problem.samples()];
    dense::mul(problem.z_rows(), &end.fine, &mut reached);
    let unfinished = Problem::new(problem.z().to_owned(), Array1::from(reached))?;
    let there = newton::minimize(&unfinished, &potential, &options)?;
    if !limit.status.is_converged() || !there.status.is_converged() {
        return Ok(None);
    }
    let size = sums::norm_inf(&end.fine);
    let left = distance(&limit.x, &there.x);
    if left > 1e-6 * size {
        return Ok(None);
    }
    let tolerance = 2.0 * left + distance(&end.coarse, &end.fine) + 1e-10 * size;
    let place = format!("{} flow to t = {}", end.form, written(end.t, 3));
    Ok(Some(Gap::residual(distance(&end.fine, &limit.x), tolerance).at(place)))
}

//! Theorem 2.1: training `m ⊙ w` without weight decay is a mirror flow with the hyperbolic entropy.
//!
//! *As printed (v1)*: `d∇R(x_t) = −∇f(x_t) dt` with
//! `R(x) = ¼ Σ [x asinh(x/(2u₀v₀)) − √(x² + 4u₀²v₀²) − x log(u₀/v₀)]`, `u₀ = (m₀+w₀)/√2`,
//! `v₀ = (m₀−w₀)/√2`.
//!
//! *As it holds*: `R(x) = ½ Σ [x asinh(x/a) − √(x² + a²) − θ₀ x]` with `a = u₀v₀ = β/2` and
//! `θ₀ = log(u₀/v₀)`. From `x' = −(m²+w²) ∇f` and `m² + w² = 2√(x²+a²)`, which is `(∇²R)⁻¹`; hence
//! `½(asinh(x_t/a) − θ₀) = −L_t`, 0 at the start.
//!
//! The printed prefactor belongs to the parameterization `x = u² − v²` (Woodworth et al. 2020),
//! whose gradient flow moves `x' = −4(u²+v²) ∇f = −4√(x² + 4u₀²v₀²) ∇f`: there
//! `¼(asinh(x_t/(2u₀v₀)) − log(u₀/v₀)) = −L_t` with the u₀, v₀ of that parameterization.

use std::f64::consts::LN_2;

use mirrorflow::{
    Result, numerics::special::log_domain::asinh_ratio, parameterization::DifferenceOfSquares,
    problem::Loss, schedule::Schedule,
};

use super::{cases_without_decay, draw_without_decay, potential_defined};
use crate::{
    Case, Claim, Context, Gap, Law, Prepared, Theory,
    lifted::{Lifted, LiftedState},
    samples::{RULE, Sample, SampledRun, horizon, identity, sampled},
    validated::doubled_scale_at_start,
};

/// Relative tolerances of the two integrations of `u² − v²`.
const COARSE: f64 = 1e-6;
const FINE: f64 = 1e-10;

const SQUARES_RULE: &str = "|residual| at rtol 1e-10 against its change from rtol 1e-6, or the \
                            local error allowed, 10 × 1e-10 (1 + |L|)";

struct Runs {
    product: SampledRun,
    /// The flow of `u² − v²` at both tolerances.
    squares: Option<(Vec<LiftedState>, Vec<LiftedState>)>,
}

fn prepare(case: &Case, context: &Context) -> Result<Prepared<Runs>> {
    let product = match sampled(case, context)? {
        Prepared::Ready(run) => run,
        Prepared::Undecided(why) => return Ok(Prepared::Undecided(why)),
    };
    let theta0 = DifferenceOfSquares::theta(&case.instance.start);
    let map = DifferenceOfSquares::new(case.instance.problem.features())?;
    let squares = Lifted {
        map: &map,
        problem: &case.instance.problem,
        loss: Loss::Squared,
        schedule: &Schedule::None,
        theta0: &theta0,
    };
    let times = [0.1, 1.0].map(|part| part * horizon(case));
    let squares = match (squares.at(&times, COARSE)?, squares.at(&times, FINE)?) {
        (Ok(coarse), Ok(fine)) => Some((coarse, fine)),
        _ => None,
    };
    Ok(Prepared::Ready(Runs { product, squares }))
}

/// `c (asinh(x/(s a₀)) − θ₀) + L` with the size of its terms, `log s = shift`.
fn residual(case: &Case, x: &[f64], l: &[f64], c: f64, shift: f64) -> (Vec<f64>, f64) {
    let (log_a0, theta) = (case.instance.start.log_a0(), case.instance.start.theta0());
    let mut size = 1.0_f64;
    let values = (0..x.len())
        .map(|i| {
            size = size.max(theta[i].abs()).max(l[i].abs());
            c * (asinh_ratio(x[i], log_a0[i] + shift) - theta[i]) + l[i]
        })
        .collect();
    (values, size)
}

/// The identity on the flow of `m ⊙ w`.
fn product(c: f64, shift: f64) -> impl Fn(&Case, &Runs) -> Vec<Gap> + Send + Sync + 'static {
    let measure = identity(move |case, s: &Sample| residual(case, &s.x(), &s.l, c, shift));
    move |case, runs| measure(case, &runs.product)
}

/// The identity on the flow of `u² − v²`, where `2u₀v₀ = 2 (m₀²−w₀²)/4 = a₀`.
fn squares(c: f64, shift: f64) -> impl Fn(&Case, &Runs) -> Vec<Gap> + Send + Sync + 'static {
    move |case, runs| {
        let Some((coarse, fine)) = &runs.squares else { return Vec::new() };
        let gap = |(coarse, fine): (&LiftedState, &LiftedState)| {
            let (q, size) = residual(case, &fine.x, &fine.l, c, shift);
            let (rough, _) = residual(case, &coarse.x, &coarse.l, c, shift);
            let worst = q.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let change = q.iter().zip(&rough).fold(0.0, |m: f64, (p, q)| m.max((p - q).abs()));
            Gap::residual(worst, change.max(10.0 * FINE * (1.0 + size))).at_time(fine.t)
        };
        coarse.iter().zip(fine).map(gap).collect()
    }
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "thm-2.1",
        "a mirror flow with the hyperbolic entropy",
        "Theorem 2.1, arXiv 2408.09966v1",
        cases_without_decay,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("α = 0", |case: &Case| case.schedule.total() == 0.0)
    .drawn_by(draw_without_decay)
    .law(
        Law::as_printed("∇R(x_t) = −L_t with ∇R(x) = ¼(asinh(x/(2u₀v₀)) − log(u₀/v₀))")
            .fails()
            .comparing("|¼(asinh(x_t/(2u₀v₀)) − log(u₀/v₀)) + L_t|", "what it must be")
            .equal(RULE, product(0.25, LN_2))
            .known(|| Case::by_hand(&[1.0], &[1.0], &[1.0], &[0.5], Schedule::None))
            .proven_by(|case| Ok(doubled_scale_at_start(case)))
            .explained(|_, gap| {
                format!(
                    "¼(asinh(x_t/(2u₀v₀)) − log(u₀/v₀)) + L_t = {:.6}, where it must be 0 ({})",
                    gap.lhs, gap.place
                )
            }),
    )
    .law(
        Law::as_it_holds("∇R(x_t) = −L_t with ∇R(x) = ½(asinh(x/(u₀v₀)) − log(u₀/v₀))")
            .equal(RULE, product(0.5, 0.0))
            .without("α = 0", |context| {
                let cases = context.cases()?.into_iter();
                Ok(cases.filter(|c| c.schedule.total() > 0.0).collect())
            })
            .mutant("½ → ¼", product(0.25, 0.0))
            .mutant("½ → 0.505", product(0.505, 0.0))
            .mutant("u₀v₀ → 1.01 u₀v₀", product(0.5, 1.01_f64.ln())),
    )
    .law(
        Law::as_it_holds("x = u² − v²: ¼(asinh(x_t/(2u₀v₀)) − log(u₀/v₀)) = −L_t")
            .equal(SQUARES_RULE, squares(0.25, 0.0))
            .control("the parameterization: the ½ of m⊙w", squares(0.5, 0.0))
            .mutant("¼ → 0.2525", squares(0.2525, 0.0)),
    )
    .claim()
}

//! The initialization of spred (Ziyin & Wang 2023), `β = m₀² − w₀² = 0`: a break condition of the paper.
//!
//! *As printed (v1, §2)*: from β = 0 the flow cannot flip the sign of x. It holds: one of `m ± w` is 0
//! and stays 0, so x is `± ¼(m ± w)²` for all t. So Theorem 2.4 ends there: where every interpolator
//! needs the other sign, f does not go to 0. For β > 0 every sign can be reached.
//!
//! *Discrete gradient descent*: from exactly balanced `|m₀| = |w₀|` a step keeps the balance,
//! `m ± w ← (1 − 2ηα ∓ η∂f)(m ± w)`: 0 stays 0, so no step of any size flips a sign, though one of size
//! `η > 1/|∂f|` flips that of m + w. With β > 0 it can, as the flow can.

use mirrorflow::{
    Result,
    flow::{Descent, Objective, descend},
    numerics::exact::interval::Interval,
    parameterization::{Product, Start},
    schedule::Schedule,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    Case, Claim, Context, Gap, Instance, Law, Prepared, Proof, Theory, lifted::Lifted,
    samples::horizon,
};

/// Steps of the descents, as parts of the time scale; the last ones are beyond stability.
const STEPS: [f64; 3] = [0.1, 1.0, 5.0];

/// A time or a step size, with x there.
type Point = (f64, Vec<f64>);

struct Runs {
    /// Along the flow, and along the descents.
    flow: Vec<Point>,
    descents: Vec<Point>,
    /// f at the start, and after many time scales.
    start: f64,
    late: f64,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Runs>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let (map, theta0) = (Product::new(problem.features())?, Product::theta(start));
    let schedule = &case.schedule;
    let flow = Lifted { map: &map, problem, loss: case.loss, schedule, theta0: &theta0 };
    let mut times: Vec<f64> = [0.1, 0.3, 1.0].iter().map(|p| p * horizon(case)).collect();
    times.push(1e3 * case.instance.time_scale());
    let states = match flow.at(&times, 1e-10)? {
        Ok(states) => states,
        Err(why) => return Ok(Prepared::Undecided(why)),
    };
    let mut descents = Vec::new();
    for part in STEPS {
        let step = part * case.instance.time_scale();
        let objective = Objective::MaskWeight { m: start.m0().to_vec(), w: start.w0().to_vec() };
        let how = Descent { record_every: 1, ..Descent::new(step, 100) };
        let run = descend(problem, case.loss, schedule, &objective, &how)?;
        descents.extend(run.x.outer_iter().map(|x| (step, x.to_vec())));
    }
    let f = |x: &[f64]| case.loss.value(problem, x);
    Ok(Prepared::Ready(Runs {
        start: f(&start.x0()),
        late: states.last().map_or(f64::NAN, |s| f(&s.x)),
        flow: states.into_iter().map(|s| (s.t, s.x)).collect(),
        descents,
    }))
}

fn is_balanced(case: &Case) -> bool {
    case.instance.start.beta().iter().all(|b| *b == 0.0)
}

/// `−sign(x₀) x ≤ 0` elementwise, where β = 0 or where it is not.
fn same_sign(
    balanced: bool,
    points: fn(&Runs) -> &[Point],
) -> impl Fn(&Case, &Runs) -> Vec<Gap> + Send + Sync + 'static {
    move |case, runs| {
        if is_balanced(case) != balanced {
            return Vec::new();
        }
        let x0 = case.instance.start.x0();
        let gap = |(at, x): &Point| {
            let worst =
                x0.iter().zip(x).fold(f64::NEG_INFINITY, |m, (x0, x)| m.max(-x * x0.signum()));
            // The balance is kept to the last bit: no tolerance. A descent may overflow.
            worst.is_finite().then(|| Gap::new(worst, 0.0, 0.0).at(format!("t or η = {at:.3e}")))
        };
        points(runs).iter().filter_map(gap).collect()
    }
}

/// `f(x_t) ≤ 1e-3 f(x₀)` after many time scales on well-conditioned problems of one feature.
fn interpolates(balanced: bool) -> impl Fn(&Case, &Runs) -> Vec<Gap> + Send + Sync + 'static {
    move |case, runs| {
        let one = case.instance.problem.features() == 1;
        if !one || is_balanced(case) != balanced || case.schedule.total() > 0.0 {
            return Vec::new();
        }
        vec![Gap::new(runs.late, 1e-3 * runs.start, 1e-9 * runs.start)]
    }
}

/// One feature, the target of the other sign.
fn opposite(w0: f64) -> Result<Case> {
    Case::by_hand(&[1.0], &[-1.0], &[1.0], &[w0], Schedule::None)
}

/// With one sample and one feature, β = 0 and `y z x₀ < 0`: `(zx_t − y)² ≥ y²` for all t, so `f ≥ ½y²`,
/// against the `1e-3 f(x₀)` it should have fallen below.
fn stuck(case: &Case) -> Option<Proof> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let ([z], [y], [m], [w]) = (problem.z_rows(), problem.y(), start.m0(), start.w0()) else {
        return None;
    };
    if !is_balanced(case) || y * z * (m * w) >= 0.0 {
        return None;
    }
    let y = Interval::point(*y);
    let start = (Interval::point(*m) * *w * *z - y).sqr() * 0.5;
    let how = "z x_t keeps the sign of z x₀, which is not that of y: f(x_t) ≥ ½y² for all t";
    Some(Proof::new(("½y²", y.sqr() * 0.5), ("1e-3 f(x₀)", start * 1e-3), how))
}

fn balanced(case: Case) -> Result<Case> {
    let x0: Vec<f64> = case
        .instance
        .start
        .m0()
        .iter()
        .enumerate()
        .map(|(i, m)| if i % 2 == 0 { *m } else { -m })
        .collect();
    let instance = Instance {
        name: format!("{}, balanced", case.instance.name),
        start: Start::spred(&x0)?,
        ..case.instance
    };
    Ok(Case { instance, ..case })
}

fn cases(context: &Context) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for case in context.cases()? {
        // Over many time scales only small problems are followed.
        if case.instance.problem.features() <= 20 {
            cases.push(case.clone());
            cases.push(balanced(case)?);
        }
    }
    cases.extend([opposite(1.0)?, opposite(0.5)?]);
    Ok(cases)
}

fn draw(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    let case = Case::draw(rng, size)?;
    if rng.random() { balanced(case) } else { Ok(case) }
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "spred",
        "balanced starts cannot flip signs",
        "section 2, arXiv 2408.09966v1; Ziyin & Wang 2023",
        cases,
        prepare,
    )
    .assume("α(t) ≥ 0", |case: &Case| case.schedule.check().is_ok())
    .assume("x₀ has no zero where β = 0", |case: &Case| {
        !is_balanced(case) || case.instance.start.x0().iter().all(|x| *x != 0.0)
    })
    .drawn_by(draw)
    .law(
        Law::as_printed("β = 0: sign(x_t) = sign(x₀) along the flow")
            .at_most("none: the balance is kept to the last bit", same_sign(true, |r| &r.flow))
            .control("β = 0", same_sign(false, |r| &r.flow)),
    )
    .law(
        Law::as_it_holds("β = 0: sign(x_k) = sign(x₀) along gradient descent of any step size")
            .at_most("none: the balance is kept to the last bit", same_sign(true, |r| &r.descents))
            .control("β = 0", same_sign(false, |r| &r.descents)),
    )
    .law(
        Law::as_it_holds("β > 0, n = 1: f(x_t) → 0, whatever the sign of y")
            .at_most("1e-9 of f(x₀)", interpolates(false))
            .control("β > 0", interpolates(true)),
    )
    .law(
        Law::not_in_general("Theorem 2.4 at β = 0, n = 1: f(x_t) → 0")
            .comparing("f(x_t) late", "1e-3 f(x₀)")
            .at_most("1e-9 of f(x₀)", interpolates(true))
            .known(|| opposite(1.0))
            .proven_by(|case| Ok(stuck(case)))
            .explained(|case, gap| {
                format!(
                    "x₀ = {} and y/z has the other sign: x_t shrinks to 0 and stops there, \
                     f(x_t) = {:.6} late",
                    case.instance.start.x0()[0],
                    gap.lhs
                )
            }),
    )
    .claim()
}

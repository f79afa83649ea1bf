//! Remark 3.1: when the decay speeds up the descent.
//!
//! *As printed (v1)*: the decay speeds up convergence where ∇f is one-sided inversely Lipschitz,
//! `∇f(x)ᵀ(x − x*) ≥ κ‖∇f(x)‖²`.
//!
//! *As it holds* (squared loss): the condition is met with `κ = 1/L_f`, indeed `∇fᵀ(x − x*) = 2f ≥
//! ‖∇f‖²/L_f`. It makes the decay add `−8αf` to df/dt, and `−4α∇fᵀx*` beside, which need not be
//! negative. So the speed-up is certain where x* = 0 minimises f: then
//! `f(x_t) ≤ f(x₀) exp(−∫(2λ min a_s + 8α_s) ds)`. Elsewhere the decay may slow the descent, and undo it.

use mirrorflow::{
    Result,
    flow::Flow,
    integrate::{Method, Options, integrate},
    numerics::written::written,
    parameterization::Product,
    problem::Problem,
    schedule::Schedule,
};
use rand_chacha::ChaCha8Rng;

use super::{full_row_rank, potential_defined};
use crate::{
    Case, Claim, Context, Gap, Law, Prepared, Proof, Theory, geometry::Geometry, lifted::Lifted,
    samples::horizon, validated::enclose,
};

const RTOL: f64 = 1e-10;

struct Descent {
    geometry: Geometry,
    least_a: f64,
    start: f64,
    /// `f(0)`.
    zero: f64,
    /// `(t, f with decay, f without)`.
    values: Vec<(f64, f64, f64)>,
    /// `∇fᵀ(x − x*)` and `‖∇f‖²` at the start.
    inner: f64,
    square: f64,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Descent>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let Some(geometry) = Geometry::of(problem) else {
        return Ok(Prepared::Undecided("Z has no full row rank".into()));
    };
    let (map, theta0) = (Product::new(problem.features())?, Product::theta(start));
    let times: Vec<f64> = [0.01, 0.03, 0.1, 0.3].iter().map(|p| p * horizon(case)).collect();
    let losses = |schedule: &Schedule| {
        let flow = Lifted { map: &map, problem, loss: case.loss, schedule, theta0: &theta0 };
        flow.at(&times, RTOL)
    };
    let (with, without) = match (losses(&case.schedule)?, losses(&Schedule::None)?) {
        (Ok(with), Ok(without)) => (with, without),
        (Err(why), _) | (_, Err(why)) => return Ok(Prepared::Undecided(why)),
    };
    let f = |x: &[f64]| case.loss.value(problem, x);
    let gradient = case.loss.gradient(problem, &start.x0());
    let x0 = start.x0();
    let step = x0.iter().zip(&geometry.least_norm).map(|(x, s)| x - s);
    Ok(Prepared::Ready(Descent {
        least_a: start.log_a0().iter().fold(f64::INFINITY, |m, l| m.min(l.exp())),
        start: f(&x0),
        zero: f(&vec![0.0; x0.len()]),
        values: with.iter().zip(&without).map(|(p, q)| (p.t, f(&p.x), f(&q.x))).collect(),
        inner: gradient.iter().zip(step).map(|(g, s)| g * s).sum(),
        square: gradient.iter().map(|g| g * g).sum(),
        geometry,
    }))
}

/// `k ‖∇f‖²/L_f ≤ ∇fᵀ(x − x*)`.
fn inversely_lipschitz(k: f64) -> impl Fn(&Case, &Descent) -> Vec<Gap> + Send + Sync + 'static {
    move |_, d| {
        // Zx* = y to 1e-12 of y: times the residual at x.
        let left = k * d.square / d.geometry.smoothness();
        let tolerance = 1e-11 * (d.start * (d.start + d.zero)).sqrt();
        vec![Gap::new(left, d.inner, tolerance)]
    }
}

/// `∫ min a_s ds` as a flow of one dimension.
struct Room<'a>(&'a Schedule, f64);

impl Flow for Room<'_> {
    fn dim(&self) -> usize {
        1
    }
    fn features(&self) -> usize {
        1
    }
    fn initial(&self, state: &mut [f64]) {
        state[0] = 0.0;
    }
    fn field(&self, t: f64, _state: &[f64], out: &mut [f64]) {
        out[0] = self.1 * (-4.0 * self.0.integral(t)).exp();
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0];
    }
    fn loss(&self, x: &[f64]) -> f64 {
        x[0]
    }
    fn breakpoints(&self) -> Vec<f64> {
        self.0.breakpoints()
    }
}

/// `f(x_t) ≤ f(x₀) exp(−2λ∫min a − cA)` where `y = 0`.
fn speed_up(c: f64) -> impl Fn(&Case, &Descent) -> Vec<Gap> + Send + Sync + 'static {
    move |case, d| {
        if case.instance.problem.y().iter().any(|y| *y != 0.0) || d.start == 0.0 {
            return Vec::new();
        }
        let times: Vec<f64> = d.values.iter().map(|v| v.0).collect();
        let options = Options::until(times.last().copied().unwrap_or(0.0)).with_times(&times);
        let options = options.with_tolerances(RTOL, 1e-14).with_method(Method::Dop853);
        let Ok(run) = integrate(&Room(&case.schedule, d.least_a), &options) else {
            return Vec::new();
        };
        let room = run.t.iter().zip(run.state.column(0)).filter(|(t, _)| **t > 0.0);
        let gap = |(&(t, f, _), (_, room)): (&(f64, f64, f64), (&f64, &f64))| {
            let exponent = 2.0 * d.geometry.pl() * room + c * case.schedule.integral(t);
            let bound = d.start * (-exponent).exp();
            // √f is known to 1e3 local errors of its start.
            Gap::new(f, bound, 2e3 * RTOL * (f * d.start).sqrt()).at_time(t)
        };
        d.values.iter().zip(room).map(gap).collect()
    }
}

/// `f(x_t)` with decay against without.
fn faster(_: &Case, d: &Descent) -> Vec<Gap> {
    let gap = |&(t, with, without): &(f64, f64, f64)| {
        Gap::new(with, without, 1e3 * RTOL * d.start).at_time(t)
    };
    d.values.iter().map(gap).collect()
}

/// Encloses f with and without decay by validated integrations.
fn slower(case: &Case) -> Option<Proof> {
    let t = 0.1 * horizon(case);
    let without = Case { schedule: Schedule::None, ..case.clone() };
    let [named, other] =
        ["with decay", "without"].map(|which| format!("f(x_t) {which} at t = {}", written(t, 3)));
    let with = (named.as_str(), enclose(case, t)?.loss(case));
    let without = (other.as_str(), enclose(&without, t)?.loss(&without));
    Some(Proof::new(with, without, "validated integrations of (m, w)"))
}

/// The same case with y = 0.
fn at_zero(case: Case) -> Result<Case> {
    let problem = &case.instance.problem;
    let zeros = vec![0.0; problem.samples()];
    let name = format!("{}, y = 0", case.instance.name);
    let problem = Problem::from_rows(problem.z_rows().to_vec(), zeros)?;
    Ok(Case { instance: crate::Instance { name, problem, ..case.instance }, ..case })
}

fn cases(context: &Context) -> Result<Vec<Case>> {
    let mut cases = context.cases()?;
    for case in context.cases()? {
        cases.push(at_zero(case)?);
    }
    // Near 0 with few weights: where the rate with decay is nearly attained.
    let decay = Schedule::Constant { c: 0.1 };
    cases.push(Case::by_hand(&[1.0], &[0.0], &[1.0], &[0.01], decay)?);
    Ok(cases)
}

fn draw(rng: &mut ChaCha8Rng, size: f64) -> Result<Case> {
    let case = Case::draw(rng, size)?;
    if rand::Rng::random(rng) { at_zero(case) } else { Ok(case) }
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "rem-3.1",
        "when the decay speeds up the descent",
        "Remark 3.1, arXiv 2408.09966v1",
        cases,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("Z has full row rank", full_row_rank)
    .drawn_by(draw)
    .law(
        Law::as_it_holds("‖∇f(x)‖²/L_f ≤ ∇f(x)ᵀ(x − x*), L_f = σ_max²/d")
            .at_most("1e-11 √(f(x)(f(x) + f(0))): what is known of x*", inversely_lipschitz(1.0))
            .control("that x* minimises: twice of it", inversely_lipschitz(2.0))
            .mutant("1/L_f → 1.01/L_f", inversely_lipschitz(1.01)),
    )
    .law(
        Law::as_it_holds("f(x_t) ≤ f(x₀) exp(−∫(2λ min a + 8α)) where y = 0")
            .at_most("2e3 × rtol 1e-10 of √(f(x₀)f(x_t))", speed_up(8.0))
            .control("the smaller rate: 16α", speed_up(16.0))
            .mutant("8α → 8.08α", speed_up(8.08)),
    )
    .law(
        Law::not_in_general("f(x_t) with decay ≤ f(x_t) without, for any y")
            .comparing("f(x_t) with decay", "f(x_t) without")
            .at_most("1e3 × rtol 1e-10 of f(x₀)", faster)
            .known(|| {
                let decay = Schedule::Constant { c: 1.0 };
                Case::by_hand(&[1.0], &[1.0], &[1.0], &[0.0], decay)
            })
            .proven_by(|case| Ok(slower(case)))
            .explained(|_, gap| {
                format!(
                    "f(x_t) = {:.6} with decay, {:.6} without ({})",
                    gap.lhs, gap.rhs, gap.place
                )
            }),
    )
    .claim()
}

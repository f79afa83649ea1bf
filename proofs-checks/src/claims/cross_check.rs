//! Agreement between independent routes to the same point, from the L2-like to the L1 end:
//! primal flow (m, w), dual flow ν, Newton on the dual of `min R_a`, and the L1 minimum by the
//! LASSO homotopy and by a simplex method.
//!
//! The rate: with `μ̂ = 2μ/ℓ`, `ℓ = log(1/a)`, an off-support coordinate is
//! `x_i = a sinh(ℓ Zᵢᵀμ̂) ≈ ±½ e^{−ℓ(1 − |Zᵢᵀμ̂|)}`, and `2μ = ℓμ̂* + const + o(1)`; hence
//! `‖x_a − x_L1‖ ≍ a^δ` with `δ = 1 − max_{i∉S} |Zᵢᵀμ̂*|`, where the solution is unique. μ̂* is the dual
//! solution with the largest δ, and δ the value of a linear program ([`off_support_slack`]): the dual at an a that
//! double precision reaches may not have settled yet. The rate is read off the primal.

use mirrorflow::{
    Result,
    flow::{Dual, Flow, Outcome, Primal},
    integrate::{Method, Options, integrate},
    limit::{Slack, certify, l1_minimum, lp, newton, off_support_slack},
    numerics::{dense, exact::sums::norm_inf, written::written},
    parameterization::Start,
    potential::HyperbolicEntropy,
    problem::{Generator, Loss, Problem, Targets, real},
    schedule::Schedule,
};

use super::limit_of_flow::{End, distance, follow};
use crate::{Check, Claim, Context, Form, Grade, Statement, Table, Tally};

pub(super) fn claim() -> Claim {
    let statement =
        |text| Statement { form: Form::CrossCheck, text, expected: crate::Outcome::Holds };
    Claim::new(
        "cross-check",
        "independent routes to the same point",
        "this toolkit against itself",
        vec!["θ₀ = 0, one a for all coordinates", "Zx = y consistent"],
        vec![
            statement("primal flow = dual flow, at the end of both"),
            statement("end of the dual flow = Newton limit, for log a from 0 to −500"),
            statement("L1 minimum by LASSO homotopy = by simplex, both certified"),
            statement(
                "‖x_a − x_L1‖ ∝ a^δ, δ the largest slack off the support that a dual solution has",
            ),
        ],
        check,
    )
}

/// The values of log a of the matrix; the primal flow is followed down to [`PRIMAL`].
const LADDER: [f64; 10] = [0.0, -2.0, -5.0, -10.0, -20.0, -50.0, -100.0, -200.0, -350.0, -500.0];
const PRIMAL: f64 = -20.0;
/// Slacks within this of the least are equal to it, up to the rounding of the linear program.
const EQUAL: f64 = 1e-9;
/// Explicit steps that a primal run may take; stiffer ones are left to the dual flow.
const PRIMAL_STEPS: u64 = 20_000;

struct Tallies {
    primal_dual: Tally,
    dual_newton: Tally,
    l1: Tally,
    rate: Tally,
    /// What the checks must refuse, in the order above.
    controls: [Tally; 4],
}

fn problems(context: &Context) -> Result<Vec<Problem>> {
    let seed = context.budget.seed;
    let mut problems = vec![Generator::gaussian(10, 30, 2, seed).problem()?];
    if !context.budget.is_quick() {
        problems.push(Generator::gaussian(40, 100, 5, seed).problem()?);
        let random = Generator { targets: Targets::Random, ..Generator::gaussian(20, 50, 1, seed) };
        problems.push(random.problem()?);
    }
    problems.push(real::fermentation()?);
    Ok(problems)
}

fn check(context: &Context) -> Check {
    let mut tallies = Tallies {
        primal_dual: Tally::default(),
        dual_newton: Tally::default(),
        l1: Tally::default(),
        rate: Tally::default(),
        controls: Default::default(),
    };
    let mut tables = Vec::new();
    for problem in problems(context)? {
        tables.push(matrix(&problem, &mut tallies)?);
    }
    let flows =
        "twice the sum of both end points' changes from rtol 1e-7 to 1e-10, plus 1e-9 of ‖x‖_∞";
    let ends = "twice the dual end point's change from rtol 1e-7 to 1e-10, plus twice the distance \
                left to the limit, plus 1e-9 of ‖x‖_∞";
    let [flows_apart, other_a, other_y, other_rate] = tallies.controls;
    let mut findings = vec![
        tallies
            .primal_dual
            .finding(Grade::Numerical, flows)
            .with_control(flows_apart.control("the same a: the limit at log a + 0.1")),
        tallies
            .dual_newton
            .finding(Grade::Numerical, ends)
            .with_control(other_a.control("the same a: Newton limit at log a + 0.1")),
        tallies
            .l1
            .finding(Grade::Numerical, "1e-8 of ‖x‖₁: the feasibility tolerance of the simplex")
            .with_control(other_y.control("the same y: the simplex at (1 + 10⁻⁶) y")),
        tallies.rate.finding(
            Grade::Empirical,
            "10 × the change of slope over the stretch before (the next slack δ' leaves a remainder a^{δ'−δ}; 2q/(1−q) × where it shrinks by q > 5/6 over a stretch, q at most 0.95), plus 0.1 % of δ",
        ).with_control(other_rate.control("small a: the slope from log a = 0 on")),
    ];
    if let Some(second) = findings.get_mut(1) {
        second.tables = tables;
    }
    Ok(findings)
}

/// End of the dual flow from `log a`, or why it has none.
fn dual_end(problem: &Problem, log_a: f64) -> Result<std::result::Result<End, String>> {
    let n = problem.features();
    let potential = HyperbolicEntropy::uniform(n, log_a)?;
    let flow = Dual::new(problem, Loss::Squared, Schedule::None, &potential)?;
    let start = flow.loss(&vec![0.0; n]);
    let options = Options::until(1e9).with_tolerances(1e-10, 1e-14);
    follow("dual", &flow, &options.with_method(Method::Rosenbrock), start)
}

/// x at two tolerances, or how the flow ended before its time.
type Ends = std::result::Result<(Vec<f64>, Vec<f64>), String>;

/// End of the primal flow from `m₀ = √(2a)`, `w₀ = 0` at time `t`, at two tolerances.
fn primal_end(problem: &Problem, log_a: f64, t: f64) -> Result<Ends> {
    let start = Start::centered(problem.features(), 2.0 * log_a.exp())?;
    let flow = Primal::from_start(problem, Loss::Squared, Schedule::None, &start)?;
    let mut ends = Vec::new();
    for rtol in [1e-7, 1e-10] {
        let options = Options::until(t).with_tolerances(rtol, rtol * 1e-4);
        let run = integrate(&flow, &Options { max_steps: PRIMAL_STEPS, ..options })?;
        if !run.outcome.is_complete() {
            return Ok(Err(match run.outcome {
                Outcome::TooManySteps { .. } => {
                    format!("the primal flow takes more than {PRIMAL_STEPS} explicit steps")
                }
                other => format!("the primal flow {other}"),
            }));
        }
        ends.push(run.x_end());
    }
    let [coarse, fine] = [0, 1].map(|k| std::mem::take(&mut ends[k]));
    Ok(Ok((coarse, fine)))
}

fn matrix(problem: &Problem, tallies: &mut Tallies) -> Result<Table> {
    let n = problem.features();
    let name = problem.name();
    let best = l1_minimum(problem)?;
    let simplex = lp::microlp(problem)?;
    tallies.l1.count();
    tallies.l1.measure((best.l1 - simplex.l1).abs(), 1e-8 * best.l1, name);
    let y = problem.y().iter().map(|v| v * (1.0 + 1e-6)).collect();
    let off = lp::microlp(&Problem::new(problem.z().to_owned(), y)?)?;
    tallies.controls[2].count();
    tallies.controls[2].measure((best.l1 - off.l1).abs(), 1e-8 * best.l1, problem.name());
    for solution in [&best, &simplex] {
        let gap = certify(problem, &solution.x, &solution.mu)?.relative_gap;
        tallies.l1.measure(gap.abs(), 1e-8, format!("{name}: certified gap of {}", solution.route));
    }
    let mut rows = Vec::new();
    for log_a in LADDER {
        let potential = HyperbolicEntropy::uniform(n, log_a)?;
        let limit = newton::minimize(problem, &potential, &newton::Options::default())?;
        let at = format!("{name}, log a = {log_a}");
        let size = norm_inf(&limit.x);
        let to_l1 = distance(&limit.x, &best.x);
        let mut row = vec![format!("{log_a}"), "—".into(), "—".into(), written(to_l1, 2)];
        match dual_end(problem, log_a)? {
            Ok(End { t, coarse, fine, .. }) => {
                let mut reached = vec![0.0; problem.samples()];
                dense::mul(problem.z_rows(), &fine, &mut reached);
                let unfinished = Problem::new(problem.z().to_owned(), reached.into())?;
                let there = newton::minimize(&unfinished, &potential, &newton::Options::default())?;
                let left = distance(&there.x, &limit.x);
                let change = distance(&coarse, &fine);
                let gap = distance(&fine, &limit.x);
                tallies.dual_newton.count();
                tallies.dual_newton.measure(gap, 2.0 * (change + left) + 1e-9 * size, at.clone());
                row[2] = written(gap, 2);
                let off = HyperbolicEntropy::uniform(n, log_a + 0.1)?;
                let off = newton::minimize(problem, &off, &newton::Options::default())?;
                tallies.controls[1].count();
                let gap = distance(&fine, &off.x);
                tallies.controls[1].measure(gap, 2.0 * (change + left) + 1e-9 * size, at.clone());
                if log_a >= PRIMAL {
                    match primal_end(problem, log_a, t)? {
                        Ok((primal_coarse, primal)) => {
                            let gap = distance(&primal, &fine);
                            let own = distance(&primal, &primal_coarse);
                            tallies.primal_dual.count();
                            let tolerance = 2.0 * (own + change) + 1e-9 * size;
                            tallies.primal_dual.measure(gap, tolerance, at.clone());
                            tallies.controls[0].count();
                            tallies.controls[0].measure(distance(&primal, &off.x), tolerance, at);
                            row[1] = written(gap, 2);
                        }
                        Err(why) => tallies.primal_dual.skip(format!("{at}: {why}")),
                    }
                }
            }
            Err(why) => tallies.dual_newton.skip(format!("{at}: {why}")),
        }
        rows.push(row);
    }
    let note = rate(problem, &best.x, tallies)?;
    Ok(Table {
        caption: format!("{name}: distances between the routes (sup norm){note}"),
        columns: ["log a", "primal − dual", "dual − Newton", "Newton − L1"]
            .map(String::from)
            .to_vec(),
        rows,
    })
}

/// Measures the slope of `log ‖x_a − x_L1‖` over two neighbouring stretches of ℓ where the error is small but well above
/// rounding, against δ of the linear program, which knows nothing of a.
fn rate(problem: &Problem, x_l1: &[f64], tallies: &mut Tallies) -> Result<String> {
    let n = problem.features();
    let size = norm_inf(x_l1);
    // Smaller entries are what the L1 minimum leaves of 0.
    let support: Vec<f64> =
        x_l1.iter().map(|v| if v.abs() <= 1e-9 * size { 0.0 } else { *v }).collect();
    let Slack { delta, slacks, .. } = match off_support_slack(problem, &support) {
        Ok(slack) => slack,
        Err(why) => {
            tallies.rate.skip(format!("{}: {why}", problem.name()));
            return Ok(String::new());
        }
    };
    let error = |ell: f64| -> Result<f64> {
        let potential = HyperbolicEntropy::uniform(n, -ell)?;
        let limit = newton::minimize(problem, &potential, &newton::Options::default())?;
        Ok(distance(&limit.x, x_l1))
    };
    // The ℓ at which the error has fallen to 1e-8 of x, to 10 %.
    let mut ell = 1.0;
    while error(ell)? > 1e-8 * size {
        ell *= 1.1;
        if ell > 2e5 {
            tallies.rate.skip(format!("{}: δ is too small to be seen", problem.name()));
            return Ok(String::new());
        }
    }
    let (e0, e1, e2) = (error(0.5 * ell)?, error(0.75 * ell)?, error(ell)?);
    let (earlier, slope) = ((e0 / e1).ln() / (0.25 * ell), (e1 / e2).ln() / (0.25 * ell));
    // From log a = 0 to half way the next slacks still count.
    let whole = (error(0.0)? / e0).ln() / (0.5 * ell);
    // What the entries of the next slack add shrinks by the factor q over a stretch; such a remainder is
    // q/(1−q) times its last change. Twice that, between the 10 of q = 0.83 and the 38 of q = 0.95.
    let next = slacks.iter().map(|s| s.1).find(|s| *s > delta + EQUAL).unwrap_or(1.0);
    let q = (-(next - delta) * 0.25 * ell).exp().min(0.95);
    let tolerance = (2.0 * q / (1.0 - q)).max(10.0) * (slope - earlier).abs() + 1e-3 * delta;
    // Where the L1 minimum is not unique δ is not positive, and there is no rate.
    if delta <= EQUAL || tolerance > 0.5 * delta {
        let why = "two slacks are too near each other to tell the rate";
        tallies.rate.skip(format!("{}: {why}", problem.name()));
        return Ok(String::new());
    }
    let at = format!("{}: rate {slope:.5}, δ {delta:.5}", problem.name());
    tallies.rate.count();
    tallies.rate.measure((slope - delta).abs(), tolerance, at.clone());
    tallies.controls[3].count();
    tallies.controls[3].measure((whole - delta).abs(), tolerance, at);
    Ok(format!("; ‖x_a − x_L1‖ falls as a^({slope:.4}), δ = {delta:.4}"))
}

//! `mirrorflow solve`: the limit of the flow and the L1 minimum, each with its certificate.

use mirrorflow::limit::{
    Certificate, Decision, Demand, Evidence, Farkas, L1Solution, LassoOptions, LassoStatus,
    Verdict, certify, decide, judge, lasso_path, lp, newton,
};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use mirrorflow::schedule::Schedule;
use serde_json::{Value, json};

use crate::args::SolveArgs;
use crate::failure::{Done, Failure, usage};
use crate::input::{self, Run};
use crate::interrupt;
use crate::output::{self, finite, long, short, whole};

/// Entries of Z up to which the simplex method is the second opinion; beyond, where it takes
/// minutes, it is the interior point.
const SIMPLEX: usize = 100_000;

/// The end of the flow.
struct End {
    x: Vec<f64>,
    mu: Vec<f64>,
    log_a: Vec<f64>,
    kkt_residual: f64,
    converged: bool,
    status: String,
}

/// Solves, writes, prints.
pub(crate) fn run(args: &SolveArgs) -> Done {
    let run = input::load(&args.file, &args.start)?;
    let writer = args.out.as_deref().map(|out| input::create(&args.file, out)).transpose()?;
    let problem = &run.problem;
    let target = target(args, &run)?;
    let demand = Demand { tolerance: args.tolerance, rigorous: args.rigorous };
    let working = output::working("L1 minimum, and what can be proved of it");
    let found = decide(problem, &demand)?;
    let none = found.verdict.is_none();
    if let (true, Some(farkas), Target::Limit(_)) = (none, &found.infeasibility, &target) {
        working.finish_and_clear();
        return no_solution(args, found.verdict, farkas);
    }
    working.set_message("L1 minimum by linear programming");
    let lp = if none { None } else { Some(by_lp(problem)?) };
    let lp = match lp {
        Some(lp) => Some((certify(problem, &lp.x, &lp.mu)?, lp)),
        None => None,
    };
    working.set_message("the limit of the flow");
    let end = limit(args, problem, &target)?;
    working.finish_and_clear();
    let best = &found.solution;
    // A second opinion that was not reached is no disagreement; one that differs is.
    let other = lp.as_ref().filter(|(_, lp)| lp.status.is_converged()).map(|(proof, _)| proof.l1);
    let verdict = judge(&Evidence { other, ..found.evidence() }, &demand);
    let slack = if verdict.is_known() { found.slack(problem) } else { None };
    let delta = slack.map(|slack| slack.delta);
    let (lower, upper) = match (&found.enclosure, &found.infeasibility) {
        (Some(e), _) if e.status.is_solvable() => (e.l1_lower, e.l1_upper),
        // The minimum over nothing.
        (_, Some(farkas)) if none => (farkas.l1_lower, f64::INFINITY),
        _ => (found.certificate.dual_value, found.certificate.l1),
    };
    let meta = input::meta(
        "solve",
        None,
        json!({ "file": args.file.display().to_string(), "log_a": args.log_a,
                "beta": args.start.beta, "schedule": run.schedule.to_string(),
                "rigorous": args.rigorous, "tolerance": args.tolerance }),
    );
    if let Some(mut writer) = writer {
        let (n, d) = (problem.features(), problem.samples());
        writer.f64("x_limit", &[n], &end.x)?;
        writer.f64("mu", &[d], &end.mu)?;
        writer.f64("log_a", &[n], &end.log_a)?;
        let nothing = |length: usize| vec![f64::NAN; length];
        let (x, mu) =
            if none { (nothing(n), nothing(d)) } else { (best.x.clone(), best.mu.clone()) };
        writer.f64("x_l1", &[n], &x)?;
        writer.f64("mu_l1", &[d], &mu)?;
        writer.f64("l1_lower", &[], &[lower])?;
        writer.f64("l1_upper", &[], &[upper])?;
        writer.f64("kkt_residual", &[], &[end.kkt_residual])?;
        writer.meta(&meta)?;
        writer.finish()?;
        interrupt::leaves("all that was asked for is written");
    }
    let solves = matches!(target, Target::Limit(_));
    let good = verdict.exit_code(end.converged, solves) == 0;
    let out = args.out.as_ref().map(|p| p.display().to_string());
    if args.json {
        let route = |s: &L1Solution, c: &Certificate| {
            json!({ "route": s.route.to_string(), "status": s.status.to_string(), "l1": finite(c.l1),
                "dual_value": finite(c.dual_value), "relative_gap": finite(c.relative_gap),
                "primal_feasibility": finite(c.primal_feasibility), "dual_norm": finite(c.dual_norm),
                "margin": finite(c.margin), "support": c.support.len() })
        };
        output::json(&json!({
            "meta": meta, "converged": good,
            "limit": { "status": end.status, "kkt_residual": finite(end.kkt_residual) },
            "verdict": verdict.to_string(), "delta": delta.map(finite),
            "l1": (!none).then(|| route(best, &found.certificate)),
            "lp": lp.as_ref().map(|(proof, lp)| route(lp, proof)),
            "l1_lower": finite(lower), "l1_upper": finite(upper),
            "enclosure": found.enclosure.as_ref().map(|e| e.status.to_string()),
            "out": out,
        }))?;
        return Ok(good);
    }
    print(problem, &end, &found, verdict, delta, lp.as_ref())?;
    output::say(
        &out.map_or("next: --out F.npz keeps the arrays".into(), |o| format!("written: {o}")),
    )?;
    Ok(good)
}

/// The second route to the L1 minimum.
fn by_lp(problem: &Problem) -> mirrorflow::Result<L1Solution> {
    let entries = problem.z_rows().len();
    if entries <= SIMPLEX { lp::microlp(problem) } else { lp::interior_point(problem) }
}

/// Where the flow ends.
enum Target {
    /// `argmin R_a s.t. Zx = y`.
    Limit(HyperbolicEntropy),
    /// The LASSO solution at this λ = 2α, for a constant α > 0.
    Lasso(f64),
}

fn target(args: &SolveArgs, run: &Run) -> Result<Target, Failure> {
    if let Some(log_a) = args.log_a {
        return Ok(Target::Limit(HyperbolicEntropy::uniform(run.problem.features(), log_a)?));
    }
    let total = run.schedule.total();
    if let (true, Schedule::Constant { c }) = (total.is_infinite(), &run.schedule) {
        return Ok(Target::Lasso(2.0 * c));
    }
    if !total.is_finite() {
        return Err(usage(format!(
            "--schedule {}: its integral is infinite, so a goes to 0 and no finite log a is left; give \
             --log-a, or a schedule that ends or decays faster",
            run.schedule
        )));
    }
    let start = run.entropy(&args.file)?;
    let log_a = start.log_a().iter().map(|l| l - 4.0 * total).collect();
    Ok(Target::Limit(HyperbolicEntropy::new(log_a, start.theta().to_vec())?))
}

fn limit(args: &SolveArgs, problem: &Problem, target: &Target) -> Result<End, Failure> {
    let entropy = match target {
        Target::Limit(entropy) => entropy,
        Target::Lasso(lambda) => return lasso(problem, *lambda),
    };
    let options = newton::Options::default().with_max_iterations(args.max_iterations as usize);
    let found = newton::minimize(problem, entropy, &options)?;
    Ok(End {
        converged: found.status.is_converged(),
        // Whether there is a solution is decided before.
        status: match found.infeasibility {
            Some(_) => {
                "not found: Newton's method takes rows for contradictory that are not".into()
            }
            None => found.status.to_string(),
        },
        x: found.x,
        mu: found.mu,
        log_a: found.log_a,
        kkt_residual: found.kkt_residual,
    })
}

fn lasso(problem: &Problem, lambda: f64) -> Result<End, Failure> {
    let options = LassoOptions { lambda_min: lambda, max_steps: None, keep_knots: false };
    let path = lasso_path(problem, &options)?;
    let reached = matches!(path.status(), LassoStatus::ReachedLambdaMin | LassoStatus::Complete);
    Ok(End {
        x: path.last(),
        mu: path.mu().to_vec(),
        log_a: vec![f64::NEG_INFINITY; problem.features()],
        kkt_residual: path.sign_error(),
        converged: reached,
        status: format!(
            "LASSO solution, the limit for constant α (λ = 2α = {}): {}",
            short(lambda),
            path.status()
        ),
    })
}

fn no_solution(args: &SolveArgs, verdict: Verdict, farkas: &Farkas) -> Done {
    if args.json {
        let u: Vec<Value> = farkas.u.iter().map(|v| finite(*v)).collect();
        output::json(&json!({ "converged": false, "status": verdict.to_string(),
            "proved": farkas.is_proof(), "farkas": { "u": u, "u_exact": farkas.exact,
            "rows": farkas.rows(), "yt_u": finite(farkas.yt_u), "zt_u_inf": finite(farkas.zt_u_inf),
            "l1_lower": finite(farkas.l1_lower), "residual": finite(farkas.residual) } }))?;
        return Ok(false);
    }
    let rows = farkas.rows();
    let names: Vec<String> = rows.iter().take(8).map(ToString::to_string).collect();
    let more = if rows.len() > names.len() { ", …" } else { "" };
    let mut table = vec![
        ("status", verdict.to_string()),
        (
            "rows of u",
            format!("{}{more} ({} of them, counted from 0)", names.join(", "), rows.len()),
        ),
        ("yᵀu", short(farkas.yt_u)),
    ];
    if farkas.is_proof() {
        table.push(("Zᵀu", "0, exactly".into()));
    } else {
        table.push(("‖Zᵀu‖∞", short(farkas.zt_u_inf)));
        table.push(("‖x‖₁ at least", short(farkas.l1_lower)));
    }
    table.push(("residual", format!("{} of ‖y‖ remains for every x", short(farkas.residual))));
    table.push(("next", "--json prints u in full".into()));
    output::pairs(&table)?;
    Ok(false)
}

fn print(
    problem: &Problem,
    end: &End,
    found: &Decision,
    verdict: Verdict,
    delta: Option<f64>,
    lp: Option<&(Certificate, L1Solution)>,
) -> Result<(), Failure> {
    let l1: f64 = end.x.iter().map(|v| v.abs()).sum();
    let mut rows = vec![
        ("problem", format!("{}, {}×{}", problem.name(), problem.samples(), problem.features())),
        ("limit", format!("‖x‖₁ = {}, KKT residual {}", long(l1), short(end.kkt_residual))),
        ("", end.status.clone()),
    ];
    // The LASSO (log a = −∞) solves no Zx = y.
    let lower = found.enclosure.as_ref().map_or(0.0, |e| e.l1_lower);
    let solves = end.converged && end.log_a.iter().all(|v| v.is_finite());
    if solves && l1 < lower * (1.0 - 1e-9) {
        let why = "to rounding only: its ‖x‖₁ lies below the proved minimum, so that no exact solution is \
                   near; rows of Z are nearly dependent";
        rows.push(("", why.into()));
    }
    let best = (&found.solution, &found.certificate);
    let lp = lp.map(|(proof, lp)| ("L1 by LP", (lp, proof)));
    let routes = lp.map(|lp| [("L1", best), lp]);
    for (name, (s, c)) in routes.into_iter().flatten() {
        // Where the verdict is a proof, a certificate beside it counts only if it says the same.
        let differs = (c.l1 - best.1.l1).abs() > 1e-8 * best.1.l1;
        let status = if s.status.is_converged() && differs {
            "another value: certified to rounding only".to_string()
        } else {
            s.status.to_string()
        };
        // Of the rounded pair: x and μ are known better than floats can say where they are large.
        let rounded = s.status.is_converged() && c.defect() > 1e-9;
        let gap = short(c.relative_gap) + if rounded { " as rounded" } else { "" };
        rows.push((
            name,
            format!("‖x‖₁ = {}, gap {gap}, {status} ({})", long(c.l1), s.route.words()),
        ));
        let support = c.support.len();
        let sums =
            format!("‖Zx−y‖/‖y‖ {}, ‖Zᵀμ‖∞ {}", short(c.primal_feasibility), long(c.dual_norm));
        rows.push(("", format!("{sums}, support {support}")));
    }
    if let Some(delta) = delta {
        rows.push(("δ", format!("{} off the support: ‖x_a − x‖ falls like a^δ", short(delta))));
    }
    if let Some(e) = found.enclosure.as_ref().filter(|e| e.status.is_solvable()) {
        rows.push(("proved", format!("{} ≤ min ‖x‖₁ ≤ {}", whole(e.l1_lower), whole(e.l1_upper))));
        rows.push(("", e.status.to_string()));
    }
    rows.push(("verdict", verdict.to_string()));
    output::pairs(&rows)
}

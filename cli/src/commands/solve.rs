//! `mirrorflow solve`: the limit of the flow and the L1 minimum, each with its certificate.

use mirrorflow::limit::{
    Certificate, Enclosure, Farkas, L1Solution, LassoOptions, LassoStatus, certify, enclose,
    l1_minimum, lasso_path, lp, newton,
};
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::Problem;
use mirrorflow::schedule::Schedule;
use serde_json::{Value, json};

use crate::args::SolveArgs;
use crate::failure::{Done, Failure, usage};
use crate::input::{self, Run};
use crate::interrupt;
use crate::output::{self, finite, short};

/// Relative difference up to which two routes to the L1 minimum agree.
const AGREE: f64 = 1e-8;
/// Entries of Z up to which the simplex method is the second opinion; beyond, where it takes minutes,
/// it is the interior point.
const SIMPLEX: usize = 100_000;

/// The end of the flow.
struct End {
    x: Vec<f64>,
    mu: Vec<f64>,
    log_a: Vec<f64>,
    kkt_residual: f64,
    converged: bool,
    status: String,
    infeasibility: Option<Farkas>,
}

/// Solves, writes, prints.
pub(crate) fn run(args: &SolveArgs) -> Done {
    let run = input::load(&args.file, &args.start)?;
    let writer = args.out.as_deref().map(|out| input::create(&args.file, out)).transpose()?;
    let problem = &run.problem;
    let end = limit(args, &run)?;
    if let Some(farkas) = &end.infeasibility {
        return infeasible(args, &end, farkas);
    }
    let working = output::working("L1 minimum by the LASSO homotopy");
    let best = l1_minimum(problem)?;
    working.set_message("L1 minimum by linear programming");
    let lp = by_lp(problem)?;
    working.finish_and_clear();
    let pair = |s: &L1Solution| certify(problem, &s.x, &s.mu);
    let (best_proof, lp_proof) = (pair(&best)?, pair(&lp)?);
    let enclosure = if args.rigorous { Some(enclose(problem, &best.x, &best.mu)?) } else { None };
    let (lower, upper) = match &enclosure {
        Some(e) => (e.l1_lower, e.l1_upper),
        None => (best_proof.dual_value, best_proof.l1),
    };
    let meta = input::meta(
        "solve",
        None,
        json!({ "file": args.file.display().to_string(), "log_a": args.log_a,
                "beta": args.start.beta, "schedule": run.schedule.to_string(),
                "rigorous": args.rigorous }),
    );
    if let Some(mut writer) = writer {
        let (n, d) = (problem.features(), problem.samples());
        writer.f64("x_limit", &[n], &end.x)?;
        writer.f64("mu", &[d], &end.mu)?;
        writer.f64("log_a", &[n], &end.log_a)?;
        writer.f64("x_l1", &[n], &best.x)?;
        writer.f64("mu_l1", &[d], &best.mu)?;
        writer.f64("l1_lower", &[], &[lower])?;
        writer.f64("l1_upper", &[], &[upper])?;
        writer.f64("kkt_residual", &[], &[end.kkt_residual])?;
        writer.meta(&meta)?;
        writer.finish()?;
        interrupt::leaves("all that was asked for is written");
    }
    let proved = enclosure.as_ref().is_none_or(|e| e.l1_upper.is_finite());
    // A second opinion that was not reached is no disagreement; one that differs is.
    let agree = !lp.status.is_converged() || (lp.l1 - best.l1).abs() <= AGREE * best.l1;
    let good = end.converged && best.status.is_converged() && agree && proved;
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
            "l1": route(&best, &best_proof), "lp": route(&lp, &lp_proof),
            "l1_lower": finite(lower), "l1_upper": finite(upper),
            "enclosure": enclosure.as_ref().map(|e| e.status.to_string()),
            "out": out,
        }))?;
        return Ok(good);
    }
    print(problem, &end, &[(&best, &best_proof), (&lp, &lp_proof)], enclosure.as_ref())?;
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

/// `argmin R_a s.t. Zx = y`; for a constant α > 0 the LASSO solution at λ = 2α.
fn limit(args: &SolveArgs, run: &Run) -> Result<End, Failure> {
    let n = run.problem.features();
    let entropy = match args.log_a {
        Some(log_a) => HyperbolicEntropy::uniform(n, log_a)?,
        None => {
            let total = run.schedule.total();
            if let (true, Schedule::Constant { c }) = (total.is_infinite(), &run.schedule) {
                return lasso(&run.problem, 2.0 * c);
            }
            if !total.is_finite() {
                return Err(usage(format!(
                    "--schedule {}: its integral is infinite, so a goes to 0 and no finite log a \
                     is left; give --log-a, or a schedule that ends or decays faster",
                    run.schedule
                )));
            }
            let start = run.start.entropy()?;
            let log_a = start.log_a().iter().map(|l| l - 4.0 * total).collect();
            HyperbolicEntropy::new(log_a, start.theta().to_vec())?
        }
    };
    let found = newton::minimize(&run.problem, &entropy, &newton::Options::default())?;
    Ok(End {
        converged: found.status.is_converged(),
        status: found.status.to_string(),
        x: found.x,
        mu: found.mu,
        log_a: found.log_a,
        kkt_residual: found.kkt_residual,
        infeasibility: found.infeasibility,
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
            "LASSO solution, the limit for constant α (λ = 2α = {lambda}): {}",
            path.status()
        ),
        infeasibility: None,
    })
}

fn infeasible(args: &SolveArgs, end: &End, farkas: &Farkas) -> Done {
    if args.json {
        let u: Vec<Value> = farkas.u.iter().map(|v| finite(*v)).collect();
        output::json(&json!({ "converged": false, "status": end.status, "farkas": { "u": u,
            "yt_u": finite(farkas.yt_u), "zt_u_inf": finite(farkas.zt_u_inf),
            "l1_lower": finite(farkas.l1_lower) } }))?;
    } else {
        output::pairs(&[
            ("status", end.status.clone()),
            ("yᵀu", short(farkas.yt_u)),
            ("‖Zᵀu‖_∞", short(farkas.zt_u_inf)),
            ("‖x‖₁ at least", short(farkas.l1_lower)),
        ])?;
    }
    Ok(false)
}

fn print(
    problem: &Problem,
    end: &End,
    routes: &[(&L1Solution, &Certificate)],
    enclosure: Option<&Enclosure>,
) -> Result<(), Failure> {
    let l1: f64 = end.x.iter().map(|v| v.abs()).sum();
    let mut rows = vec![
        ("problem", format!("{}, {}×{}", problem.name(), problem.samples(), problem.features())),
        ("limit", format!("‖x‖₁ = {l1:.10}, KKT residual {}", short(end.kkt_residual))),
        ("", end.status.clone()),
    ];
    for (name, (s, c)) in ["L1", "L1 by LP"].into_iter().zip(routes) {
        let gap = short(c.relative_gap);
        rows.push((name, format!("‖x‖₁ = {:.10}, gap {gap}, {} ({})", c.l1, s.status, s.route)));
        rows.push((
            "",
            format!(
                "‖Zx−y‖/‖y‖ {}, ‖Zᵀμ‖_∞ {:.10}, support {}, δ {}",
                short(c.primal_feasibility),
                c.dual_norm,
                c.support.len(),
                short(c.margin)
            ),
        ));
    }
    if let Some(e) = enclosure {
        rows.push(("proved", format!("{:.17e} ≤ min ‖x‖₁ ≤ {:.17e}", e.l1_lower, e.l1_upper)));
        rows.push(("", format!("relative width {}: {}", short(e.relative_width()), e.status)));
    }
    output::pairs(&rows)
}

//! `mirrorflow path`: from L2 to L1 over log a.

use mirrorflow::limit::path::path;
use serde_json::json;

use crate::args::PathArgs;
use crate::failure::{Done, usage};
use crate::input;
use crate::output::{self, finite, long, short};

/// Solves the path and writes it.
pub(crate) fn run(args: &PathArgs) -> Done {
    if args.from == args.to {
        return Err(usage(format!(
            "--from and --to are both {}, expected two values",
            short(args.to)
        )));
    }
    let read = input::read(&args.file)?;
    let mut writer = input::create(&args.out)?;
    let last = args.points.saturating_sub(1);
    let at = |k: u32| match k {
        k if k == last => args.to,
        k => args.from + (args.to - args.from) * (f64::from(k) / f64::from(last.max(1))),
    };
    let grid: Vec<f64> = (0..args.points).map(at).collect();
    let working = output::working(format!("path of {} points", args.points));
    let found = path(&read.problem, None, &grid);
    working.finish_and_clear();
    let found = found?;
    let bad = found.status.iter().find(|s| !s.is_converged());
    if let Some(farkas) = &found.infeasibility {
        let (why, bound) = (bad.map(ToString::to_string).unwrap_or_default(), farkas.l1_lower);
        if args.json {
            output::json(&json!({ "converged": false, "status": why, "yt_u": finite(farkas.yt_u),
                "zt_u_inf": finite(farkas.zt_u_inf), "l1_lower": finite(bound),
                "residual": finite(farkas.residual), "proved": farkas.is_proof() }))?;
        } else {
            let mut rows = vec![
                ("status", why),
                ("yᵀu", short(farkas.yt_u)),
                ("‖Zᵀu‖_∞", short(farkas.zt_u_inf)),
                ("residual", format!("{} of ‖y‖ remains for every x", short(farkas.residual))),
            ];
            if bound.is_finite() {
                rows.push(("‖x‖₁ at least", short(bound)));
            }
            output::pairs(&rows)?;
        }
        return Ok(false);
    }
    let converged = found.status.iter().filter(|s| s.is_converged()).count();
    let (rows, n) = found.x.dim();
    let meta = input::meta(
        "path",
        None,
        json!({ "file": args.file.display().to_string(), "from": args.from, "to": args.to,
                "points": args.points, "converged_points": converged }),
    );
    writer.f64("log_a", &[rows], &found.log_a)?;
    writer.f64("x", &[rows, n], &found.x.iter().copied().collect::<Vec<f64>>())?;
    writer.f64("l1", &[rows], &found.l1)?;
    writer.f64("gap", &[rows], &found.gap)?;
    writer.meta(&meta)?;
    writer.finish()?;
    let ends = |v: &[f64]| (v.first().copied(), v.last().copied());
    let ((l1_from, l1_to), (_, gap)) = (ends(&found.l1), ends(&found.gap));
    let number = |v: Option<f64>| v.unwrap_or(f64::NAN);
    if args.json {
        output::json(&json!({ "meta": meta, "converged": bad.is_none(), "points": rows,
            "l1_from": finite(number(l1_from)), "l1_to": finite(number(l1_to)),
            "gap_to": finite(number(gap)), "iterations": found.iterations,
            "out": args.out.display().to_string() }))?;
    } else {
        let why = bad.map_or(String::new(), |s| format!(": {s}"));
        output::pairs(&[
            ("points", format!("{converged} of {rows} converged{why}")),
            (
                "‖x‖₁",
                format!(
                    "{} at the first, {} at the last",
                    long(number(l1_from)),
                    long(number(l1_to))
                ),
            ),
            ("gap", format!("{} at the last", short(number(gap)))),
            ("written", args.out.display().to_string()),
        ])?;
    }
    Ok(bad.is_none())
}

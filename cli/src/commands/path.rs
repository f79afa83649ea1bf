//! `mirrorflow path`: from L2 to L1 over log a.

use mirrorflow::limit::{
    Status, newton,
    path::{Path, path_until},
};
use ndarray::Axis;
use serde_json::json;

use crate::args::PathArgs;
use crate::failure::{Done, usage};
use crate::output::{self, finite, long, short};
use crate::{input, interrupt};

/// Solves the path and writes it.
pub(crate) fn run(args: &PathArgs) -> Done {
    if args.from == args.to {
        return Err(usage(format!(
            "--from and --to are both {}, expected two values",
            short(args.to)
        )));
    }
    let read = input::read(&args.file)?;
    let mut writer = input::create(&args.file, &args.out)?;
    let last = args.points.saturating_sub(1);
    let at = |k: u32| match k {
        k if k == last => args.to,
        k => args.from + (args.to - args.from) * (f64::from(k) / f64::from(last.max(1))),
    };
    let grid: Vec<f64> = (0..args.points).map(at).collect();
    let working = output::working(format!("path of {} points", args.points));
    let options = newton::Options::default().with_max_iterations(args.max_iterations as usize);
    let found = path_until(&read.problem, None, &grid, &options, Some(interrupt::cancel()));
    working.finish_and_clear();
    let found = reached(found?);
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
    let asked = args.points as usize;
    let (status, complete) = match &bad {
        _ if rows < asked => (format!("interrupted after {rows} of {asked} points"), false),
        Some(why) => (why.to_string(), true),
        None => ("converged".into(), true),
    };
    let meta = input::meta(
        "path",
        None,
        json!({ "file": args.file.display().to_string(), "from": args.from, "to": args.to,
                "points": args.points, "converged_points": converged, "complete": complete }),
    );
    writer.f64("log_a", &[rows], &found.log_a)?;
    writer.f64("x", &[rows, n], &found.x.iter().copied().collect::<Vec<f64>>())?;
    writer.f64("l1", &[rows], &found.l1)?;
    writer.f64("gap", &[rows], &found.gap)?;
    let each: Vec<bool> = found.status.iter().map(|s| s.is_converged()).collect();
    writer.bool("converged", &[rows], &each)?;
    writer.text("status", &status)?;
    writer.meta(&meta)?;
    writer.finish()?;
    interrupt::leaves(format!("{} holds {rows} of {asked} points", args.out.display()));
    let ends = |v: &[f64]| (v.first().copied(), v.last().copied());
    let ((l1_from, l1_to), (_, gap)) = (ends(&found.l1), ends(&found.gap));
    let number = |v: Option<f64>| v.unwrap_or(f64::NAN);
    if args.json {
        output::json(
            &json!({ "meta": meta, "converged": bad.is_none() && complete, "points": rows,
            "l1_from": finite(number(l1_from)), "l1_to": finite(number(l1_to)),
            "gap_to": finite(number(gap)), "iterations": found.iterations,
            "out": args.out.display().to_string() }),
        )?;
    } else {
        let why = bad.map_or(String::new(), |s| format!(": {s}"));
        output::pairs(&[
            ("points", format!("{converged} of {asked} converged{why}")),
            (
                "‖x‖₁",
                format!(
                    "{} at the first, {} at the last",
                    long(number(l1_from)),
                    long(number(l1_to))
                ),
            ),
            ("gap", format!("{} at the last, relative to the least ‖x‖₁", short(number(gap)))),
            ("written", args.out.display().to_string()),
        ])?;
    }
    Ok(bad.is_none() && complete)
}

/// Without the points that were not reached.
fn reached(mut path: Path) -> Path {
    let kept: Vec<usize> =
        (0..path.status.len()).filter(|k| path.status[*k] != Status::Cancelled).collect();
    if kept.len() == path.status.len() {
        return path;
    }
    let pick = |values: &[f64]| -> Vec<f64> { kept.iter().map(|k| values[*k]).collect() };
    (path.log_a, path.l1, path.gap) = (pick(&path.log_a), pick(&path.l1), pick(&path.gap));
    path.status = kept.iter().map(|k| path.status[*k]).collect();
    path.x = path.x.select(Axis(0), &kept);
    path
}

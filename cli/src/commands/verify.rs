//! `mirrorflow verify`: every claim, as printed and as it holds.

use std::io;

use mirrorflow::experiment::{self, Lab, Size};
use mirrorflow_proofs_checks::{
    Budget, Effort, Event, Illustration, Illustrations, Report,
    questions::{self, Study},
    registry, run as check, select,
};
use serde_json::json;

use crate::args::VerifyArgs;
use crate::failure::{Done, Failure, usage};
use crate::{interrupt, output};

/// Columns of the table.
const WIDTH: usize = 120;

/// Lists or checks the claims.
pub(crate) fn run(args: &VerifyArgs) -> Done {
    let claims = select(&args.ids)?;
    if args.list {
        let chosen = || registry().iter().filter(|c| claims.iter().any(|k| k.id == c.id));
        if args.json {
            let list: Vec<_> = chosen().map(|c| json!({ "id": c.id, "title": c.title })).collect();
            output::json(&json!({ "claims": list }))?;
        } else {
            output::pairs(&chosen().map(|c| (c.id, c.title.to_string())).collect::<Vec<_>>())?;
        }
        return Ok(true);
    }
    if let Some(out) = &args.out {
        // Found out now, not after the run.
        std::fs::create_dir_all(out)
            .and_then(|()| tempfile::tempfile_in(out).map(drop))
            .map_err(|e| usage(format!("{}: cannot be written: {e}", out.display())))?;
    }
    if let Some(out) = &args.out {
        interrupt::leaves(format!("{} holds no report of this run", out.display()));
    }
    let effort = match (args.quick, args.thorough) {
        (true, _) => Effort::Quick,
        (_, true) => Effort::Thorough,
        _ => Effort::Default,
    };
    let budget = Budget { effort, seed: args.seed };
    if args.open_questions {
        return open_questions(args, budget);
    }
    let bar = output::progress(claims.len() as u64);
    let report = check(&claims, budget, &mut |event| match event {
        Event::Started { id, .. } => bar.set_message(id),
        Event::Finished { .. } => bar.inc(1),
    });
    bar.finish_and_clear();
    let written = match &args.out {
        Some(out) => report.write(out, &illustrations(&report, args.seed)?)?,
        None => Vec::new(),
    };
    if args.json {
        output::say(&report.to_json()?)?;
    } else {
        output::say(report.table(WIDTH, output::colour(&io::stdout())).trim_end())?;
        for path in written {
            output::say(&format!("written: {}", path.display()))?;
        }
    }
    Ok(report.in_order())
}

/// The figures and the claims they belong to.
const FIGURES: [(&str, &[&str]); 7] = [
    ("fig1c", &["thm-3.1", "lemma-a.2", "rem-2.1"]),
    ("phase-portrait", &["thm-2.1", "effective-a"]),
    ("bound", &["thm-3.2"]),
    ("l1-path", &["thm-3.3", "thm-2.4", "woodworth-2020"]),
    ("error-slope", &["cross-check"]),
    ("sign-flip", &["spred"]),
    ("saddle-to-saddle", &["saddle-to-saddle"]),
];

/// Draws the figures of the claims that were checked; all of them take a second or two.
fn illustrations(report: &Report, seed: u64) -> Result<Illustrations, Failure> {
    let lab = Lab::new(Size::Full, seed);
    let mut figures = Vec::new();
    for (name, claims) in FIGURES {
        if !report.claims.iter().any(|c| claims.contains(&c.id)) {
            continue;
        }
        let Some(experiment) = experiment::all().iter().find(|e| e.name == name) else { continue };
        let picture = mirrorflow_plots::find(name)?.picture(&lab.run(experiment)?, None)?;
        let flags = if seed == 0 { String::new() } else { format!(" --seed {seed}") };
        let html = mirrorflow_plots::fragment(&picture, &flags, false);
        figures.push(Illustration { name: name.into(), claims: claims.to_vec(), html });
    }
    Ok(Illustrations { style: mirrorflow_plots::page_style(), figures })
}

/// Runs the studies, prints their means and saves their runs.
fn open_questions(args: &VerifyArgs, budget: Budget) -> Done {
    let studies = questions::studies(budget)?;
    let written = match &args.out {
        Some(out) => questions::write(&studies, budget, out)?,
        None => Vec::new(),
    };
    if args.json {
        output::json(&json!({ "studies": studies, "budget": budget }))?;
        return Ok(true);
    }
    for study in &studies {
        let Study { question, setting, summary, reading, .. } = study;
        output::say(&format!("{question}\n{setting}\n\n{}\n{reading}\n", summary.text()))?;
    }
    for path in written {
        output::say(&format!("written: {}", path.display()))?;
    }
    Ok(true)
}

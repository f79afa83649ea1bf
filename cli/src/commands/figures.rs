//! `mirrorflow figures`: the paper's figures and the toolkit's own, with the data they are drawn
//! from.

use std::path::Path;

use mirrorflow::experiment::{Data, Event, Experiment, Lab, Size, all as experiments};
use mirrorflow::kernels::device::Device;
use mirrorflow_plots::{Column, Figure, Gallery, Picture, Source, all, find, gallery};
use serde_json::json;

use crate::args::{FiguresArgs, Width};
use crate::failure::{Done, Failure, usage};
use crate::{interrupt, output};

/// Lists, or simulates and draws, or draws from saved data.
pub(crate) fn run(args: &FiguresArgs) -> Done {
    if args.list {
        let says = |f: &Figure| {
            let from = if f.simulated { "" } else { " (from a data file: --from DIR)" };
            (f.name, format!("{}{from}", plain(f.title)))
        };
        output::pairs(&all().iter().map(says).collect::<Vec<_>>())?;
        return Ok(true);
    }
    let figures = chosen(args)?;
    if let Some(from) = &args.from
        && let (Ok(input), Ok(output)) = (from.canonicalize(), args.out.canonicalize())
        && input == output
    {
        return Err(usage(format!(
            "{}: the data of --from would be written over: choose another folder (--out)",
            args.out.display()
        )));
    }
    // Found out now, not after the runs.
    std::fs::create_dir_all(&args.out)
        .and_then(|()| tempfile::tempfile_in(&args.out).map(drop))
        .map_err(|e| usage(format!("{}: cannot be written: {e}", args.out.display())))?;
    interrupt::leaves(format!(
        "the files that are in {} are whole, others are missing",
        args.out.display()
    ));
    let data = match &args.from {
        Some(folder) => {
            figures.iter().map(|f| Data::read(folder, f.name)).collect::<Result<Vec<_>, _>>()?
        }
        None => simulate(&figures, args)?,
    };
    let column = args.column.map(|w| match w {
        Width::One => Column::One,
        Width::Two => Column::Two,
    });
    let pictures: Vec<Picture> = figures
        .iter()
        .zip(&data)
        .map(|(figure, data)| figure.picture(data, column))
        .collect::<Result<_, _>>()?;
    for (picture, data) in pictures.iter().zip(&data) {
        data.write(&args.out)?;
        picture.write(&args.out)?;
    }
    let flags = flags(args);
    gallery(&args.out, Gallery { pictures: &pictures, flags: &flags })?;
    report(&pictures, args)?;
    Ok(true)
}

/// The figures named; without names those of the files in `--from`, else all that are simulated.
fn chosen(args: &FiguresArgs) -> Result<Vec<&'static Figure>, Failure> {
    let mut figures = Vec::new();
    for name in &args.names {
        let figure = find(name)?;
        if !figure.simulated && args.from.is_none() {
            return Err(usage(format!(
                "figure {name} is drawn from a data file: give its folder with --from DIR ({name}.npz or {name}.csv)"
            )));
        }
        if !figures.iter().any(|f: &&Figure| f.name == figure.name) {
            figures.push(figure);
        }
    }
    if !figures.is_empty() {
        return Ok(figures);
    }
    let Some(folder) = &args.from else {
        return Ok(all().iter().filter(|f| f.simulated).collect());
    };
    let there = |f: &&Figure| {
        ["npz", "csv"].iter().any(|e| folder.join(format!("{}.{e}", f.name)).is_file())
    };
    let figures: Vec<&Figure> = all().iter().filter(there).collect();
    if figures.is_empty() {
        let names: Vec<&str> = all().iter().map(|f| f.name).collect();
        return Err(usage(format!(
            "{}: holds no figure data, expected NAME.npz or NAME.csv with NAME one of {}",
            folder.display(),
            names.join(", ")
        )));
    }
    Ok(figures)
}

fn simulate(figures: &[&Figure], args: &FiguresArgs) -> Result<Vec<Data>, Failure> {
    let experiment = |f: &&Figure| -> Result<&'static Experiment, Failure> {
        experiments()
            .iter()
            .find(|e| e.name == f.name)
            .ok_or_else(|| usage(format!("figure {} has no experiment", f.name)))
    };
    let chosen = figures.iter().map(experiment).collect::<Result<Vec<_>, _>>()?;
    // Hundredths of a rough second, from which the bar estimates what is left.
    let bar = output::estimate();
    let watch = |event: Event<'_>| match event {
        Event::Begin(what) => bar.set_message(what.to_owned()),
        Event::Done(work) => bar.inc((100.0 * work).round() as u64),
    };
    let size = if args.quick { Size::Quick } else { Size::Full };
    // Devices are looked for only where they are used.
    let network = chosen.iter().any(|e| e.network);
    let place = if network { args.device.device } else { Device::Cpu }.open()?;
    let lab = Lab::watched(size, args.seed, &watch).on(place);
    bar.set_length((100.0 * lab.work(&chosen)).round() as u64);
    let data = chosen.iter().map(|e| lab.run(e)).collect::<Result<Vec<_>, _>>();
    bar.finish_and_clear();
    Ok(data?)
}

/// What makes the same pictures again, beyond their names.
fn flags(args: &FiguresArgs) -> String {
    let seed = if args.seed == 0 { String::new() } else { format!(" --seed {}", args.seed) };
    let quick = if args.quick { " --quick" } else { "" };
    let device = match args.device.device {
        Device::Auto => String::new(),
        device => format!(" --device {device}"),
    };
    let column = match args.column {
        None => "",
        Some(Width::One) => " --column one",
        Some(Width::Two) => " --column two",
    };
    // Redrawn data carry their own seed.
    if args.from.is_some() { column.into() } else { format!("{seed}{quick}{device}{column}") }
}

fn report(pictures: &[Picture], args: &FiguresArgs) -> Result<(), Failure> {
    if args.json {
        let each = |p: &Picture| json!({ "name": p.name, "statements": p.statements });
        let figures: Vec<_> = pictures.iter().map(each).collect();
        return output::json(&json!({ "out": args.out.display().to_string(), "figures": figures }));
    }
    for picture in pictures {
        output::say(&format!("{}: {}", picture.name, plain(&picture.title)))?;
        for s in &picture.statements {
            let verdict = if s.holds { "holds" } else { "does not hold" };
            let who = if s.source == Source::Paper { "the paper's" } else { "ours" };
            output::say(&format!("  {verdict} ({who}): {}", plain(&s.says)))?;
        }
    }
    output::say(&format!("written: {}", Path::new(&args.out).join("figures.html").display()))
}

/// A label without the marks of its mathematics.
fn plain(label: &str) -> String {
    mirrorflow_plots::plain(label)
}

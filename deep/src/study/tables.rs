//! The files of a study: `runs.csv` (every level of every run), `chosen.csv`, `study.csv` and
//! `.tex`, `differences.csv` and `.tex`, and the data of the figures.

use std::path::Path;

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
    io::write_atomically,
};
use serde_json::json;

use super::{
    Mean, StudyConfig,
    results::{self, Results},
    runs::Done,
};
use crate::train::label::{self, field};

/// Writes all of them.
pub(super) fn write(
    study: &StudyConfig,
    results: &Results,
    done: &[Done],
    device: &str,
    out: &Path,
) -> Result<()> {
    let csv = |name: &str, text: String| write_atomically(out.join(name), text.as_bytes());
    csv("runs.csv", runs(study, done))?;
    csv("chosen.csv", chosen(study, results))?;
    csv("study.csv", levels(study, results))?;
    csv("study.tex", latex(study, results))?;
    if study.study.reference.is_some() {
        csv("differences.csv", differences(study, results))?;
        csv("differences.tex", latex_differences(study, results))?;
    }
    for figure in figures(study, results, done, device) {
        figure.write(out)?;
    }
    Ok(())
}

fn runs(study: &StudyConfig, done: &[Done]) -> String {
    let mut text = String::from("method,choice,seed,level,kept,sparsity,validation,test,trouble\n");
    for d in done {
        let (label, seed) = (field(&study.method[d.method].label()), study.study.seeds[d.seed]);
        let head = format!("{label},{},{seed}", study.choice(d.method, d.choice));
        if let Some(trouble) = &d.trouble {
            text.push_str(&format!("{head},,,,,,{}\n", field(trouble)));
        }
        for (level, r) in d.rows.iter().enumerate() {
            let (kept, sparsity, validation, test) = (r.kept, r.sparsity, r.validation, r.test);
            text.push_str(&format!("{head},{level},{kept},{sparsity},{validation},{test},\n"));
        }
    }
    text
}

fn chosen(study: &StudyConfig, results: &Results) -> String {
    let mut text =
        String::from("method,chosen_at,level,choice,validation_accuracy,at_the_edge_of_its_grid\n");
    for c in &results.chosen {
        text.push_str(&format!(
            "{},{},{},{},{},{}\n",
            field(&study.method[c.method].label()),
            c.select,
            c.level,
            study.choice(c.method, c.choice),
            c.validation,
            c.edge
        ));
    }
    text
}

fn levels(study: &StudyConfig, results: &Results) -> String {
    let mut text =
        String::from("method,chosen_at,choice,level,sparsity,validation,test,low,high,runs\n");
    for (c, levels) in results.chosen.iter().zip(&results.levels) {
        let label = field(&study.method[c.method].label());
        for l in levels {
            let (low, high) = l.test.interval();
            let choice = study.choice(c.method, c.choice);
            let (level, sparsity, validation) = (l.level, l.sparsity, l.validation);
            let (test, count) = (l.test.mean, l.test.count);
            text.push_str(&format!(
                "{label},{},{choice},{level},{sparsity},{validation},{test},{low},{high},{count}\n",
                c.select
            ));
        }
    }
    text
}

fn differences(study: &StudyConfig, results: &Results) -> String {
    let reference = study.study.reference.clone().unwrap_or_default();
    let mut text = String::from("reference,method,sparsity,difference,low,high,pairs\n");
    for d in &results.differences {
        let (low, high) = d.difference.interval();
        let label = field(&study.method[d.method].label());
        let (mean, count) = (d.difference.mean, d.difference.count);
        let reference = field(&reference);
        text.push_str(&format!("{reference},{label},{},{mean},{low},{high},{count}\n", d.select));
    }
    text
}

/// A mean with its interval, and of how many seeds it is where that is not all of them.
pub(super) fn percent(mean: &Mean, bold: bool, seeds: usize) -> String {
    let (value, half) = (100.0 * mean.mean, 100.0 * mean.half);
    let value = if bold { format!("\\mathbf{{{value:.2}}}") } else { format!("{value:.2}") };
    let half = if half.is_nan() { String::new() } else { format!(" \\pm {half:.2}") };
    match mean.count {
        0 => "--".into(),
        count if count < seeds => format!("${value}{half}$ ({count})"),
        _ => format!("${value}{half}$"),
    }
}

/// What the tables say of runs that diverged.
const LEFT_OUT: &str =
    "% Runs that diverged are left out; in parentheses, of how many seeds a number then is.\n";

fn columns(study: &StudyConfig) -> (String, String) {
    let columns = "r".repeat(study.study.select.len());
    let heads = study.study.select.iter().map(|s| format!(" & {} \\%", round(100.0 * s)));
    (columns, heads.collect())
}

pub(super) fn round(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// Methods down, sparsities across; each number with the strength chosen at its own sparsity, the
/// largest mean bold.
fn latex(study: &StudyConfig, results: &Results) -> String {
    let (columns, heads) = columns(study);
    let note = format!(
        "% Test accuracy in %, mean and 95 % interval over {} seeds; strengths chosen on validation images at each sparsity.\n{LEFT_OUT}",
        study.study.seeds.len()
    );
    let mut text = format!(
        "{note}\\begin{{tabular}}{{l{columns}}}\n\\toprule\nmethod{heads} \\\\\n\\midrule\n"
    );
    let at = |method: usize, select: f64| {
        let found = results.chosen.iter().zip(&results.levels);
        let (c, levels) =
            found.into_iter().find(|(c, _)| c.method == method && c.select == select)?;
        levels.get(c.level).map(|l| l.test)
    };
    for (method, entry) in study.method.iter().enumerate() {
        text.push_str(&label::latex(&entry.label()));
        for select in &study.study.select {
            let all = (0..study.method.len()).filter_map(|m| at(m, *select));
            let most = all.map(|t| t.mean).fold(f64::NAN, f64::max);
            let cell = at(method, *select).map_or_else(
                || "--".into(),
                |test| percent(&test, test.mean == most, study.study.seeds.len()),
            );
            text.push_str(&format!(" & {cell}"));
        }
        text.push_str(" \\\\\n");
    }
    text + "\\bottomrule\n\\end{tabular}\n"
}

fn latex_differences(study: &StudyConfig, results: &Results) -> String {
    let reference = label::latex(&study.study.reference.clone().unwrap_or_default());
    let (columns, heads) = columns(study);
    let mut text = format!(
        "% Test accuracy of {reference} less that of the method, in points, paired by seed, with 95 % intervals.\n{LEFT_OUT}\
         \\begin{{tabular}}{{l{columns}}}\n\\toprule\n{reference} against{heads} \\\\\n\\midrule\n"
    );
    for (method, entry) in study.method.iter().enumerate() {
        let of = |select: &f64| {
            results.differences.iter().find(|d| d.method == method && d.select == *select)
        };
        let cells: Vec<&super::Difference> = study.study.select.iter().filter_map(of).collect();
        if cells.is_empty() {
            continue;
        }
        text.push_str(&label::latex(&entry.label()));
        for cell in cells {
            text.push_str(&format!(
                " & {}",
                percent(&cell.difference, false, study.study.seeds.len())
            ));
        }
        text.push_str(" \\\\\n");
    }
    text + "\\bottomrule\n\\end{tabular}\n"
}

/// `sparsity`: at every level the choice made at that level, over the seeds that chose; where there
/// are more seeds than these, the choice made at the next sparsity of `select`, over all of them,
/// so that the figure has the intervals that the tables have. `strength`: the accuracy at the last
/// sparsity asked for against the strengths of the grids, each over all seeds that were trained
/// with it: where fewer seeds chose than were run, those are all seeds for what was chosen and the
/// first for the rest, and the title says so. Intervals end at 0 and at 100 %. Both name all
/// methods of the study, from which each has its look in all figures.
fn figures(study: &StudyConfig, results: &Results, done: &[Done], device: &str) -> Vec<Data> {
    let methods: Vec<String> = study.method.iter().map(super::Entry::label).collect();
    let about = json!({
        "methods": methods,
        "seeds": study.study.seeds, "tune": study.study.tune, "network": study.network.name,
        "data": study.data.set, "epochs": study.train.epochs, "device": device,
    });
    let seed = study.study.seeds.first().copied();
    let mut sparsity = Data::new("sparsity", seed, about.clone());
    let mut strength = Data::new("strength", seed, about);
    for panel in panels(study) {
        let inside = |method: &usize| {
            let panels = &study.method[*method].panels;
            panels.is_empty() || panels.contains(&panel)
        };
        for method in (0..study.method.len()).filter(inside) {
            let label = study.method[method].label();
            // Levels less sparse than the network itself are one point.
            let (mut x, mut y): (Vec<f64>, Vec<Mean>) = (Vec::new(), Vec::new());
            for l in results::curve(study, results, done, method) {
                if l.test.count > 0 && l.sparsity < 1.0 && x.last().is_none_or(|v| l.sparsity > *v)
                {
                    x.push(l.sparsity);
                    y.push(l.test);
                }
            }
            if !x.is_empty() {
                sparsity.curves.push(banded(&label, x, &y, panel.clone()));
            }
            let last = results.chosen.iter().rev().find(|c| c.method == method);
            if let Some((key, x, y)) = last.and_then(|c| sweep(study, done, c)) {
                let at = round(100.0 * study.study.select.last().copied().unwrap_or(0.0));
                let part = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
                let title = format!("{part}{key} at {at} %{}", seeds_of_points(study));
                strength.curves.push(banded(&label, x, &y, title));
            }
        }
    }
    [sparsity, strength].into_iter().filter(|d| !d.curves.is_empty()).collect()
}

/// What the points of `strength` are means over, where that is not one number for all.
fn seeds_of_points(study: &StudyConfig) -> String {
    let (all, first) = (study.study.seeds.len(), study.study.tune);
    match first {
        _ if first == all => String::new(),
        1 => format!(" (interval: {all} seeds, else 1)"),
        // These have intervals too.
        _ => format!(" (chosen: {all} seeds, else {first})"),
    }
}

/// The panels, in the order met; one without a name where no method has any.
fn panels(study: &StudyConfig) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for panel in study.method.iter().flat_map(|m| &m.panels) {
        if !all.contains(panel) {
            all.push(panel.clone());
        }
    }
    if all.is_empty() { vec![String::new()] } else { all }
}

/// The accuracy of a method at a level against its strengths, over all runs there are: of grids
/// over a strength or a total alone.
fn sweep(
    study: &StudyConfig,
    done: &[Done],
    chosen: &super::Chosen,
) -> Option<(String, Vec<f64>, Vec<Mean>)> {
    let grid = &study.method[chosen.method].grid;
    let (key, values) = grid.first_key_value().filter(|_| grid.len() == 1)?;
    let key = key.trim_start_matches("factors.");
    if !["strength", "total"].contains(&key) {
        return None;
    }
    let of = |choice: usize| {
        let runs = done.iter().filter(|d| (d.method, d.choice) == (chosen.method, choice));
        Mean::of(&runs.filter_map(|d| d.rows.get(chosen.level).map(|r| r.test)).collect::<Vec<_>>())
    };
    let mut known: Vec<(f64, Mean)> =
        values.iter().enumerate().map(|(choice, value)| (*value, of(choice))).collect();
    known.retain(|(value, test)| *value > 0.0 && test.count > 0);
    // A line goes from left to right, in whatever order the grid is written.
    known.sort_by(|p, q| p.0.total_cmp(&q.0));
    let (x, y): (Vec<f64>, Vec<Mean>) = known.into_iter().unzip();
    (x.len() > 1).then(|| (key.to_owned(), x, y))
}

fn banded(label: &str, x: Vec<f64>, means: &[Mean], panel: String) -> Curve {
    let percent = |of: fn(&Mean) -> f64| -> Vec<f64> {
        means.iter().map(|m| (100.0 * of(m)).clamp(0.0, 100.0)).collect()
    };
    let mut curve = Curve::new(label, x, percent(|m| m.mean)).in_panel(panel);
    if means.iter().any(|m| m.half.is_finite()) {
        curve.band = Some((percent(|m| m.interval().0), percent(|m| m.interval().1)));
    }
    curve
}

//! One file per figure: how its data are drawn, and what is said of them.

mod bound;
mod error_slope;
mod fig1a;
mod fig1b;
mod fig1c;
mod fig4;
mod fig5;
mod l1_path;
mod layers;
mod phase_portrait;
mod saddle_to_saddle;
mod scaling;
mod sign_flip;
mod sparsity;
mod strength;
mod work_precision;

use mirrorflow::{
    Error, Result,
    experiment::{Curve, Data},
};

use crate::{
    Figure,
    style::{
        LineStyle, Stroke, Tone,
        canvas::Mark,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(crate) const ALL: &[Figure] = &[
    fig1a::FIGURE,
    fig1b::FIGURE,
    fig1c::FIGURE,
    fig4::FIGURE,
    fig5::FIGURE,
    l1_path::FIGURE,
    error_slope::FIGURE,
    sign_flip::FIGURE,
    bound::FIGURE,
    saddle_to_saddle::FIGURE,
    phase_portrait::FIGURE,
    sparsity::FIGURE,
    strength::FIGURE,
    layers::FIGURE,
    work_precision::FIGURE,
    scaling::FIGURE,
];

/// `‖x_k − x*‖₂`.
const ERROR: &str = "$\\|x_k - x^*\\|_2$";
/// What the band of the linear network is, over as many starts as its data have.
fn band(data: &Data) -> String {
    let starts = counted(data, "starts");
    format!("Mean over {starts} starts, with the least and the largest as a band")
}

/// A whole number of the linear network's constants, as a word where it is a small one.
fn counted(data: &Data, constant: &str) -> String {
    const WORDS: [&str; 11] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    match data.config["network"][constant].as_u64() {
        // Data from elsewhere need not say.
        None => "the".into(),
        Some(k) => WORDS.get(k as usize).map_or_else(|| k.to_string(), |w| (*w).into()),
    }
}

/// All x of the data of a figure are as its axis needs them.
fn places(data: &Data, expected: &str, right: fn(f64) -> bool) -> Result<()> {
    data.curves.iter().try_for_each(|curve| check("x", &curve.x, curve, data, expected, right))
}

/// So are all y, and the edges of bands; NaN is no value.
fn heights(data: &Data, expected: &str, right: fn(f64) -> bool) -> Result<()> {
    for curve in &data.curves {
        let band = curve.band.iter().flat_map(|(low, high)| [("low", low), ("high", high)]);
        for (name, values) in std::iter::once(("y", &curve.y)).chain(band) {
            check(name, values, curve, data, expected, right)?;
        }
    }
    Ok(())
}

fn check(
    name: &str,
    values: &[f64],
    curve: &Curve,
    data: &Data,
    expected: &str,
    right: fn(f64) -> bool,
) -> Result<()> {
    match values.iter().position(|v| !v.is_nan() && !right(*v)) {
        None => Ok(()),
        Some(k) => Err(Error::Domain {
            what: format!("{name}[{k}] of {} in the data of {}", curve.series, data.figure),
            expected: expected.into(),
            found: values[k].to_string(),
        }),
    }
}

/// The colour and dashes of a setting.
fn setting_stroke(name: &str) -> Stroke {
    match name {
        "PILoT" => Stroke::new(Tone::Hue(0), LineStyle::Solid),
        "spred" => Stroke::new(Tone::Hue(1), LineStyle::Dashed),
        "L1 on m" => Stroke::new(Tone::Hue(2), LineStyle::DashDot),
        _ => Stroke::new(Tone::Hue(3), LineStyle::Dotted),
    }
}

/// A setting as it is written.
fn setting_label(name: &str) -> &str {
    match name {
        "L1 on m" => "$L_1$ on $m$",
        "L1 on x" => "$L_1$ on $x$",
        other => other,
    }
}

/// `harmonic 2000/k` as it is written.
fn schedule_label(name: &str) -> String {
    let Some((kind, form)) = name.split_once(' ') else { return name.into() };
    if kind == "constant" {
        return format!("$\\alpha_k = {form}$");
    }
    let form = form.replace('²', "^2").replace('·', "\\cdot ");
    format!("{kind} ${form}$")
}

/// The setting and the schedule of a curve named `setting, schedule`.
fn split(curve: &Curve) -> (&str, &str) {
    curve.series.split_once(", ").unwrap_or((&curve.series, ""))
}

fn is_constant(schedule: &str) -> bool {
    schedule.starts_with("constant")
}

/// The curve with the least last value.
fn best<'a>(curves: impl Iterator<Item = &'a Curve>) -> Option<&'a Curve> {
    curves.min_by(|p, q| p.last().total_cmp(&q.last()))
}

/// Numbers by name.
fn measured<const N: usize>(pairs: [(&str, f64); N]) -> Vec<(String, f64)> {
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// The name of a series without that of its panel, which stands above it: `IMP, dense` in `IMP` or in `IMP: strength at 99 %` is
/// `dense`, and looks as `LRR, dense` does.
fn plain(curve: &Curve) -> &str {
    let panel = curve.panel.split(':').next().unwrap_or("");
    let rest = curve.series.strip_prefix(panel).and_then(|rest| rest.strip_prefix(", "));
    rest.filter(|rest| !panel.is_empty() && !rest.is_empty()).unwrap_or(&curve.series)
}

/// All names of series, in order: one colour, one dash and one mark each, in every panel.
fn series(data: &Data) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in data.curves.iter().map(plain) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn mark(k: usize) -> Mark {
    Mark::ALL[k % Mark::ALL.len()]
}

/// The curve of one of these series, with marks and its band.
fn marked_line(curve: &Curve, names: &[&str]) -> Line {
    let name = plain(curve);
    let k = names.iter().position(|n| *n == name).unwrap_or(0);
    Line::of(curve, Stroke::nth(k)).banded(curve).marked(mark(k), 1.7, Tone::Hue(k))
}

/// The panels, up to three side by side, with a legend of the series.
fn marked_sheet(mut panels: Vec<Panel>, names: &[&str]) -> Sheet {
    let legend = names.iter().enumerate().map(|(k, name)| Key {
        stroke: Some(Stroke::nth(k)),
        mark: Some((mark(k), Tone::Hue(k))),
        text: (*name).into(),
    });
    let legend = legend.collect();
    if panels.len() == 1 {
        return Sheet { legend, ..Sheet::single(panels.remove(0)) };
    }
    Sheet { legend, across: (1, panels.len().min(3)), ..Sheet::row(panels) }
}

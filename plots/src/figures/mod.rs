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
    drawing::{Mark, Tone},
    style::{
        LineStyle, Stroke,
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

/// Errors over steps, both on log axes.
fn errors_over_steps(data: &Data) -> Result<()> {
    places(data, "a step above 0: the axis is logarithmic", |x| x > 0.0)?;
    heights(data, "an error above 0: the axis is logarithmic", |y| y > 0.0)
}

/// All y are shares in %, up to rounding; an interval around one may reach beyond.
fn percent(data: &Data) -> Result<()> {
    let right = |y: f64| (0.0..=100.0 + 1e-9).contains(&y);
    let each = |c: &Curve| check("y", &c.y, c, data, "a share from 0 to 100 %", right);
    data.curves.iter().try_for_each(each)
}

/// Times from 0 on; a log axis begins later.
fn times(data: &Data) -> Result<()> {
    places(data, "a time of at least 0", |x| x >= 0.0)
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
/// `dense`, and looks as `LRR, dense` does; so is `$\beta = 1$, dense` in `start $\beta = 1$`.
fn plain<'a>(series: &'a str, panel: &str) -> &'a str {
    let head = panel.split(':').next().unwrap_or("");
    match series.split_once(", ") {
        Some((first, rest)) if !rest.is_empty() => {
            let before = head.strip_suffix(first).filter(|_| !first.is_empty());
            if before.is_some_and(|b| b.is_empty() || b.ends_with(' ')) { rest } else { series }
        }
        _ => series,
    }
}

/// A series with its look: the same in every panel of a figure, and in all figures of a study.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Series<'a> {
    name: &'a str,
    /// Which of the strokes and marks it has.
    look: usize,
}

/// All series, in order. Where the data name all methods of their study (`methods` of their constants), a look is the place among
/// these, whichever of them the figure shows; else the place in the figure.
fn series(data: &Data) -> Vec<Series<'_>> {
    fn add<'a>(name: &'a str, names: &mut Vec<&'a str>) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let panels = data.panels();
    let (mut all, mut shown): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let methods = data.config["methods"].as_array().into_iter().flatten();
    for method in methods.filter_map(|m| m.as_str()) {
        let short = panels.iter().map(|panel| plain(method, panel)).find(|name| *name != method);
        add(short.unwrap_or(method), &mut all);
    }
    for curve in &data.curves {
        let name = plain(&curve.series, &curve.panel);
        add(name, &mut all);
        add(name, &mut shown);
    }
    let look = |name| all.iter().position(|n| *n == name).unwrap_or(0);
    shown.into_iter().map(|name| Series { name, look: look(name) }).collect()
}

/// The look of a curve.
fn look(curve: &Curve, series: &[Series]) -> usize {
    let name = plain(&curve.series, &curve.panel);
    series.iter().find(|s| s.name == name).map_or(0, |s| s.look)
}

fn mark(k: usize) -> Mark {
    Mark::ALL[k % Mark::ALL.len()]
}

/// The curve of one of these series, with marks and its band.
fn marked_line(curve: &Curve, series: &[Series]) -> Line {
    let k = look(curve, series);
    Line::of(curve, Stroke::nth(k)).banded(curve).marked(mark(k), 1.7, Tone::Hue(k))
}

/// The panels, up to three side by side, with a legend of the series.
fn marked_sheet(mut panels: Vec<Panel>, series: &[Series]) -> Sheet {
    let legend = series.iter().map(|s| Key {
        stroke: Some(Stroke::nth(s.look)),
        mark: Some((mark(s.look), Tone::Hue(s.look))),
        text: s.name.into(),
    });
    let legend = legend.collect();
    if panels.len() == 1 {
        return Sheet { legend, ..Sheet::single(panels.remove(0)) };
    }
    Sheet { legend, across: (1, panels.len().min(3)), ..Sheet::row(panels) }
}

/// One scale for the y axes of panels that are compared, so that heights compare.
fn compared(mut panels: Vec<Panel>) -> Vec<Panel> {
    let heights: Vec<f64> = panels.iter().flat_map(Panel::heights).collect();
    for panel in &mut panels {
        panel.y = std::mem::take(&mut panel.y).holding(heights.iter().copied());
    }
    panels
}

#[cfg(test)]
mod tests {
    use mirrorflow::experiment::{Curve, Data};
    use serde_json::json;

    use super::{Series, plain, series};

    #[test]
    fn a_name_is_without_that_of_its_panel() {
        assert_eq!(plain("IMP, dense", "IMP"), "dense");
        assert_eq!(plain("IMP, dense", "IMP: strength at 99 %"), "dense");
        assert_eq!(plain("$\\beta = 1$, linear", "start $\\beta = 1$: total at 99 %"), "linear");
        for (series, panel) in [("IMP, dense", "LRR"), ("P, a", "IMP"), ("IMP", "IMP"), (", a", "")]
        {
            assert_eq!(plain(series, panel), series);
        }
    }

    /// Two figures of one study, the second of which lacks a method.
    #[test]
    fn a_method_looks_the_same_in_all_figures_of_a_study() {
        let methods = json!({ "methods": ["IMP, dense", "IMP, STR", "LRR, dense", "LRR, STR"] });
        let data = |names: &[(&str, &str)]| {
            let mut data = Data::new("strength", None, methods.clone());
            let curve = |(panel, name): &(&str, &str)| {
                Curve::new(*name, vec![0.1], vec![0.2]).in_panel(*panel)
            };
            data.curves = names.iter().map(curve).collect();
            data
        };
        let sparsity = data(&[("IMP", "IMP, dense"), ("IMP", "IMP, STR"), ("LRR", "LRR, STR")]);
        let strength = data(&[("IMP: strength", "IMP, STR"), ("LRR: strength", "LRR, STR")]);
        let dense = Series { name: "dense", look: 0 };
        let str_ = Series { name: "STR", look: 1 };
        assert_eq!(series(&sparsity), [dense, str_]);
        assert_eq!(series(&strength), [str_]);
        // Data from elsewhere name no methods.
        let mut own = data(&[("", "b"), ("", "a")]);
        own.config = serde_json::Value::Null;
        let looks: Vec<_> = series(&own).iter().map(|s| (s.name, s.look)).collect();
        assert_eq!(looks, [("b", 0), ("a", 1)]);
    }
}

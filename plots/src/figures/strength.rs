//! Accuracy against the strength of the penalty, one curve for each method, from a data file.
//!
//! `x`: strength, or its total Σ αη, positive; `y`: accuracy in %; `low`, `high`: its confidence interval; `panel`: what the
//! strength is and at which sparsity the accuracy was taken.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{measured, sparsity::series};
use crate::{
    Figure, Statement,
    style::{
        Stroke, Tone,
        axis::Axis,
        canvas::Mark,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure { name: "strength", title: "Accuracy against strength", simulated: false, draw, tell };

fn draw(data: &Data) -> Result<Sheet> {
    let x = |panel: &str| {
        let label =
            if panel.contains("total") { "$\\sum_k \\alpha_k \\eta_k$" } else { "$\\alpha$" };
        let values = data.panel(panel).flat_map(|c| c.x.iter().copied());
        let (least, most) = values.fold((f64::MAX, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
        Axis::log(label).at(decades(least, most))
    };
    let y = |_: &str, first: bool| Axis::linear(if first { "accuracy in %" } else { "" });
    Ok(joined(data, &x, &y, true))
}

/// Powers of ten in a range, and three times them where those are few.
fn decades(least: f64, most: f64) -> Vec<(f64, String)> {
    let (first, last) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    let inside = |v: f64| v >= 0.99 * least && v <= 1.01 * most;
    let whole = (first..=last).filter(|k| inside(10.0_f64.powi(*k)));
    let mut ticks: Vec<(f64, String)> =
        whole.map(|k| (10.0_f64.powi(k), format!("$10^{{{k}}}$"))).collect();
    if ticks.len() < 3 {
        let three = (first..=last).filter(|k| inside(3.0 * 10.0_f64.powi(*k)));
        let label = |k: i32| format!("$3\\cdot 10^{{{k}}}$");
        ticks.extend(three.map(|k| (3.0 * 10.0_f64.powi(k), label(k))));
    }
    ticks
}

/// Panels of joined lines, marked or not, with axes by the panel's name and whether it is the first.
pub(super) fn joined(
    data: &Data,
    x: &dyn Fn(&str) -> Axis,
    y: &dyn Fn(&str, bool) -> Axis,
    marked: bool,
) -> Sheet {
    let names = series(data);
    let mark = |k: usize| Mark::ALL[k % Mark::ALL.len()];
    let mut panels: Vec<Panel> = Vec::new();
    for name in data.panels() {
        let lines = data.panel(name).map(|curve| {
            let k = names.iter().position(|n| *n == curve.series).unwrap_or(0);
            let line = Line::of(curve, Stroke::nth(k)).banded(curve);
            if marked { line.marked(mark(k), 1.6, Tone::Hue(k)) } else { line }
        });
        panels.push(Panel {
            title: name.into(),
            x: x(name),
            y: y(name, panels.is_empty()),
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    let legend = names.iter().enumerate().map(|(k, name)| Key {
        stroke: Some(Stroke::nth(k)),
        mark: marked.then(|| (mark(k), Tone::Hue(k))),
        text: (*name).into(),
    });
    let sheet = if panels.len() == 1 {
        Sheet::single(panels.remove(0))
    } else {
        Sheet { across: (1, panels.len().min(3)), ..Sheet::row(panels) }
    };
    Sheet { legend: legend.collect(), ..sheet }
}

fn tell(data: &Data) -> Result<crate::Told> {
    let best = |c: &Curve| {
        (0..c.x.len()).max_by(|p, q| c.y[*p].total_cmp(&c.y[*q])).map(|k| (c.x[k], c.y[k]))
    };
    let mut statements = Vec::new();
    for panel in data.panels() {
        // Between its ends: only then may the grid hold the best strength there is.
        for curve in data.panel(panel) {
            let Some((x, y)) = best(curve) else { continue };
            let inside = curve.x.iter().any(|v| *v < x) && curve.x.iter().any(|v| *v > x);
            statements.push(Statement::toolkit(
                &format!("{panel}: the best strength of {} is inside its grid", curve.series),
                inside,
                measured([("strength", x), ("accuracy in %", y)]),
            ));
        }
    }
    let caption = "Accuracy at one sparsity against the strength that was trained with, with confidence intervals where the data have them.";
    Ok((caption.into(), statements))
}

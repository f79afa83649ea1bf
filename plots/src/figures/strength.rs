//! Accuracy against the strength of the penalty, one curve for each method, from a data file.
//!
//! `x`: strength, or its total Σ αη, positive; `y`: accuracy in %; `low`, `high`: its confidence interval; `panel`: what the
//! strength is and at which sparsity the accuracy was taken. One scale of accuracy for all panels.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{compared, marked_line, marked_sheet, measured, percent, places, series};
use crate::{
    Figure, Statement,
    style::{axis::Axis, panel::Panel, sheet::Sheet},
};

pub(super) const FIGURE: Figure =
    Figure::from_file("strength", "Accuracy against strength", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a strength above 0", |x| x > 0.0)?;
    percent(data)?;
    let names = series(data);
    let mut panels: Vec<Panel> = Vec::new();
    for panel in data.panels() {
        let label =
            if panel.contains("total") { "$\\sum_k \\alpha_k \\eta_k$" } else { "$\\alpha$" };
        let values = data.panel(panel).flat_map(|c| c.x.iter().copied());
        let (least, most) = values.fold((f64::MAX, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
        panels.push(Panel {
            title: panel.into(),
            x: match decades(least, most) {
                ticks if ticks.len() > 1 => Axis::log(label).at(ticks),
                _ => Axis::log(label),
            },
            y: Axis::linear(if panels.is_empty() { "accuracy in %" } else { "" }).up_to(100.0),
            lines: data.panel(panel).map(|curve| marked_line(curve, &names)).collect(),
            ..Panel::default()
        });
    }
    Ok(marked_sheet(compared(panels), &names))
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

fn tell(data: &Data) -> Result<crate::Told> {
    let best = |c: &Curve| {
        let points = c.x.iter().copied().zip(c.y.iter().copied());
        points.filter(|p| !p.1.is_nan()).max_by(|p, q| p.1.total_cmp(&q.1))
    };
    let mut statements = Vec::new();
    for panel in data.panels() {
        let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
        // Between its ends: only then may the grid hold the best strength there is.
        for curve in data.panel(panel).filter(|c| c.x.len() > 1) {
            let Some((x, y)) = best(curve) else { continue };
            let inside = curve.x.iter().any(|v| *v < x) && curve.x.iter().any(|v| *v > x);
            statements.push(Statement::toolkit(
                &format!("{place}the best strength of {} is inside its grid", curve.series),
                inside,
                measured([("strength", x), ("accuracy in %", y)]),
            ));
        }
    }
    let caption = "Accuracy at one sparsity against the strength that was trained with, with confidence intervals where the data have them.";
    Ok((caption.into(), statements))
}

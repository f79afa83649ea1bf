//! Sparsity against accuracy, one curve for each method, from a data file.
//!
//! `x`: part of the weights that is 0, in [0, 1); `y`: accuracy in %; `low`, `high`: its confidence interval; `panel`:
//! the network or data set. The axis shows what remains, 1 − x, on a log scale from dense to sparse.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{marked_line, marked_sheet, measured, places, series};
use crate::{
    Figure, Statement,
    style::{axis::Axis, panel::Panel, sheet::Sheet},
};

pub(super) const FIGURE: Figure =
    Figure::from_file("sparsity", "Accuracy against sparsity", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a sparsity from 0 to below 1", |x| (0.0..1.0).contains(&x))?;
    let names = series(data);
    let kept = data.curves.iter().flat_map(|c| c.x.iter().map(|x| 1.0 - x));
    let (least, most) = kept.fold((1.0f64, 0.0f64), |(l, m), v| (l.min(v), m.max(v)));
    // Ticks at sparsities a reader knows, from dense to sparse.
    let known = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999];
    let inside = |s: &f64| (0.95 * least..=1.05 * most).contains(&(1.0 - s));
    let ticks: Vec<(f64, String)> = known
        .into_iter()
        .filter(inside)
        .map(|s| (1.0 - s, format!("{}", (s * 1e4).round() / 1e2)))
        .collect();
    let mut panels = Vec::new();
    for (p, name) in data.panels().into_iter().enumerate() {
        let lines = data.panel(name).map(|curve| {
            let x = curve.x.iter().map(|x| 1.0 - x).collect();
            marked_line(&Curve { x, ..curve.clone() }, &names)
        });
        let mut axis = Axis::log("sparsity in %").ranging(1.06 * most, 0.94 * least);
        if ticks.len() > 1 {
            axis = axis.at(ticks.clone());
        }
        panels.push(Panel {
            title: name.into(),
            x: axis,
            y: Axis::linear(if p == 0 { "accuracy in %" } else { "" }),
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    Ok(marked_sheet(panels, &names))
}

fn tell(data: &Data) -> Result<crate::Told> {
    let caption = "Accuracy of each method against the part of its weights that is 0, with confidence intervals where the data have them."
        .to_owned();
    let mut statements = Vec::new();
    for panel in data.panels() {
        // At the largest sparsity that all curves reach: each at its first point there or beyond, for a point before it would
        // be compared with less work done. Where a line breaks there is nothing to compare.
        let known = |c: &Curve| {
            let points = c.x.iter().copied().zip(c.y.iter().copied());
            points.filter(|p| !p.1.is_nan()).collect::<Vec<(f64, f64)>>()
        };
        let curves: Vec<(&Curve, Vec<(f64, f64)>)> =
            data.panel(panel).map(|c| (c, known(c))).filter(|c| !c.1.is_empty()).collect();
        let reached = |points: &[(f64, f64)]| points.iter().map(|p| p.0).fold(0.0, f64::max);
        let common = curves.iter().map(|c| reached(&c.1)).fold(1.0, f64::min);
        let at = |points: &[(f64, f64)]| {
            let there = points.iter().filter(|p| p.0 >= common);
            there.min_by(|p, q| p.0.total_cmp(&q.0)).map_or(f64::NAN, |p| p.1)
        };
        let mut ranked: Vec<(&Curve, f64)> = curves.iter().map(|c| (c.0, at(&c.1))).collect();
        ranked.sort_by(|p, q| q.1.total_cmp(&p.1));
        if let [first, second, ..] = ranked[..] {
            let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
            statements.push(Statement::toolkit(
                &format!(
                    "{place}at {:.2} % sparsity, or the first beyond, {} is most accurate on average",
                    100.0 * common,
                    first.0.series
                ),
                first.1 > second.1,
                measured([
                    (first.0.series.as_str(), first.1),
                    (second.0.series.as_str(), second.1),
                ]),
            ));
        }
    }
    Ok((caption, statements))
}

//! Sparsity against accuracy, one curve for each method, from a data file.
//!
//! `x`: part of the weights that is 0, in [0, 1); `y`: accuracy in %; `low`, `high`: its confidence interval; `panel`:
//! the network or data set. The axis shows what remains, 1 − x, on a log scale from dense to sparse.

use mirrorflow::{
    Error, Result,
    experiment::{Curve, Data},
};

use super::measured;
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
    Figure { name: "sparsity", title: "Accuracy against sparsity", simulated: false, draw, tell };

fn check(data: &Data) -> Result<()> {
    for curve in &data.curves {
        if let Some(x) = curve.x.iter().find(|x| !(0.0..1.0).contains(*x)) {
            return Err(Error::Domain {
                what: format!("x of {} in the data of sparsity", curve.series),
                expected: "a sparsity from 0 to below 1".into(),
                found: x.to_string(),
            });
        }
    }
    Ok(())
}

/// All names of series, in order.
pub(super) fn series(data: &Data) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for curve in &data.curves {
        if !names.contains(&curve.series.as_str()) {
            names.push(&curve.series);
        }
    }
    names
}

fn draw(data: &Data) -> Result<Sheet> {
    check(data)?;
    let names = series(data);
    let stroke = |k: usize| Stroke::nth(k);
    let mark = |k: usize| Mark::ALL[k % Mark::ALL.len()];
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
            let k = names.iter().position(|n| *n == curve.series).unwrap_or(0);
            let remaining = Curve { x: curve.x.iter().map(|x| 1.0 - x).collect(), ..curve.clone() };
            let tone = Tone::Hue(k);
            Line::of(&remaining, stroke(k)).banded(&remaining).marked(mark(k), 1.6, tone)
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
    let legend = names.iter().enumerate().map(|(k, name)| Key {
        stroke: Some(stroke(k)),
        mark: Some((mark(k), Tone::Hue(k))),
        text: (*name).into(),
    });
    let sheet = if panels.len() == 1 {
        Sheet::single(panels.remove(0))
    } else {
        Sheet { across: (1, panels.len().min(3)), ..Sheet::row(panels) }
    };
    Ok(Sheet { legend: legend.collect(), ..sheet })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let caption = "Accuracy of each method against the part of its weights that is 0, with confidence intervals where the data have them."
        .to_owned();
    let mut statements = Vec::new();
    for panel in data.panels() {
        // At the largest sparsity that all curves reach.
        let reached = |c: &Curve| c.x.iter().copied().fold(0.0, f64::max);
        let common = data.panel(panel).map(reached).fold(1.0, f64::min);
        let at = |c: &Curve| {
            let near = |p: &usize, q: &usize| {
                (c.x[*p] - common).abs().total_cmp(&(c.x[*q] - common).abs())
            };
            (0..c.x.len()).min_by(near).map_or(f64::NAN, |k| c.y[k])
        };
        let mut ranked: Vec<(&Curve, f64)> = data.panel(panel).map(|c| (c, at(c))).collect();
        ranked.sort_by(|p, q| q.1.total_cmp(&p.1));
        if let [first, second, ..] = ranked[..] {
            let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
            statements.push(Statement::toolkit(
                &format!(
                    "{place}at {:.2} % sparsity {} is most accurate",
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

//! A work–precision diagram, from a data file: what accuracy costs.
//!
//! `x`: error reached; `y`: time in seconds; `series`: the solver; `panel`: the problem. Points of a solver are joined in
//! the order of the file.

use mirrorflow::{Result, experiment::Data};

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
    Figure { name: "work-precision", title: "Work and precision", simulated: false, draw, tell };

fn draw(data: &Data) -> Result<Sheet> {
    marked(data, "error", "time in s")
}

/// Panels of joined marks on two log axes.
pub(super) fn marked(data: &Data, x: &str, y: &str) -> Result<Sheet> {
    let names = series(data);
    let mark = |k: usize| Mark::ALL[k % Mark::ALL.len()];
    let mut panels: Vec<Panel> = Vec::new();
    for name in data.panels() {
        let lines = data.panel(name).map(|curve| {
            let k = names.iter().position(|n| *n == curve.series).unwrap_or(0);
            Line::of(curve, Stroke::nth(k)).banded(curve).marked(mark(k), 1.7, Tone::Hue(k))
        });
        panels.push(Panel {
            title: name.into(),
            x: Axis::log(x),
            y: Axis::log(if panels.is_empty() { y } else { "" }),
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    let legend = names.iter().enumerate().map(|(k, name)| Key {
        stroke: Some(Stroke::nth(k)),
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
    let mut statements = Vec::new();
    for panel in data.panels() {
        let most_exact = data.panel(panel).min_by(|p, q| {
            let least = |c: &mirrorflow::experiment::Curve| {
                c.x.iter().copied().fold(f64::INFINITY, f64::min)
            };
            least(p).total_cmp(&least(q))
        });
        let fastest = data.panel(panel).min_by(|p, q| p.least().total_cmp(&q.least()));
        if let (Some(exact), Some(fast)) = (most_exact, fastest) {
            let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
            let least = exact.x.iter().copied().fold(f64::INFINITY, f64::min);
            statements.push(Statement::toolkit(
                &format!(
                    "{place}{} reaches the smallest error, {} the shortest time",
                    exact.series, fast.series
                ),
                true,
                measured([("error", least), ("seconds", fast.least())]),
            ));
        }
    }
    Ok((
        "Time each solver takes against the error it reaches: down and to the left is better."
            .into(),
        statements,
    ))
}

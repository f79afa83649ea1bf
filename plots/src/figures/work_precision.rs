//! A work–precision diagram, from a data file: what accuracy costs.
//!
//! `x`: error reached, above 0; `y`: time in seconds, above 0; `series`: the solver; `panel`: the problem. Points of a solver are joined in
//! the order of the file.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{compared, heights, marked_line, marked_sheet, measured, places, series};
use crate::{
    Figure, Statement,
    style::{axis::Axis, panel::Panel, sheet::Sheet},
};

pub(super) const FIGURE: Figure =
    Figure::from_file("work-precision", "Work and precision", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "an error above 0: the axis is logarithmic", |x| x > 0.0)?;
    heights(data, "a time above 0: the axis is logarithmic", |y| y > 0.0)?;
    marked(data, "error", "time in s")
}

/// Panels of joined marks on two log axes, y the same in all.
pub(super) fn marked(data: &Data, x: &str, y: &str) -> Result<Sheet> {
    let names = series(data);
    let mut panels: Vec<Panel> = Vec::new();
    for name in data.panels() {
        let lines = data.panel(name).map(|curve| marked_line(curve, &names));
        panels.push(Panel {
            title: name.into(),
            x: Axis::log(x),
            y: Axis::log(if panels.is_empty() { y } else { "" }),
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    Ok(marked_sheet(compared(panels), &names))
}

fn tell(data: &Data) -> Result<crate::Told> {
    let mut statements = Vec::new();
    for panel in data.panels() {
        // What the first in rank by a quantity and the second have of it.
        let ranked = |of: fn(&Curve) -> f64| {
            let mut all: Vec<(&Curve, f64)> = data.panel(panel).map(|c| (c, of(c))).collect();
            all.sort_by(|p, q| p.1.total_cmp(&q.1));
            all
        };
        let error = |c: &Curve| c.x.iter().copied().fold(f64::INFINITY, f64::min);
        let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
        for (rank, says) in [
            (ranked(error), "reaches the smallest error"),
            (ranked(Curve::least), "takes the shortest time"),
        ] {
            if let [first, second, ..] = rank[..] {
                let names = [first.0.series.as_str(), second.0.series.as_str()];
                statements.push(Statement::toolkit(
                    &format!("{place}{} {says}, alone", names[0]),
                    first.1 < second.1,
                    measured([(names[0], first.1), (names[1], second.1)]),
                ));
            }
        }
    }
    Ok((
        "Time each solver takes against the error it reaches: down and to the left is better."
            .into(),
        statements,
    ))
}

//! The layers of a network while it is trained, one curve for each layer, from a data file.
//!
//! `x`: epoch, from 1 (cycles in a row); `y`: in %, of the layer's weights; `panel`: `sign flips` (weights whose sign changed during the epoch) and
//! `density` (weights that are not 0).

use mirrorflow::{Result, experiment::Data};

use super::{look, marked_sheet, measured, percent, series};
use crate::{
    Figure, Statement,
    style::{
        Stroke,
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure = Figure::from_file("layers", "Sign flips and density", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    percent(data)?;
    let names = series(data);
    let mut panels: Vec<Panel> = Vec::new();
    for panel in data.panels() {
        let label = if panels.is_empty() { "weights of the layer in %" } else { "" };
        let y = Axis::linear(label).up_to(100.0);
        let lines =
            data.panel(panel).map(|curve| Line::of(curve, Stroke::nth(look(curve, &names))));
        panels.push(Panel {
            title: panel.into(),
            x: Axis::linear("epoch"),
            y: if panel == "density" { y.ranging(0.0, 104.0) } else { y },
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    // Epochs are many: lines without marks.
    let legend = names.iter().map(|s| Key::line(Stroke::nth(s.look), s.name));
    Ok(Sheet { legend: legend.collect(), ..marked_sheet(panels, &names) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let caption =
        "Signs that change during an epoch, and weights that are not 0, by layer and epoch.".into();
    let mut statements = Vec::new();
    for panel in data.panels() {
        let less = if panel == "sign flips" { "fewer sign flips" } else { "a lower density" };
        for curve in data.panel(panel).filter(|c| c.x.len() > 1) {
            let (Some(first), last) = (curve.y.first(), curve.last()) else { continue };
            statements.push(Statement::toolkit(
                &format!("{}: {less} in the last epoch than in the first", curve.series),
                last < *first,
                measured([("first in %", *first), ("last in %", last)]),
            ));
        }
    }
    Ok((caption, statements))
}

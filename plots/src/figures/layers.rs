//! The layers of a network while it is trained, one curve for each layer, from a data file.
//!
//! `x`: epoch, from 1 (cycles in a row); `y`: in %, of the layer's weights; `panel`: `sign flips` (weights whose sign changed during the epoch) and
//! `density` (weights that are not 0).

use mirrorflow::{Result, experiment::Data};

use super::{measured, strength::joined};
use crate::{
    Figure, Statement,
    style::{axis::Axis, sheet::Sheet},
};

pub(super) const FIGURE: Figure =
    Figure { name: "layers", title: "Sign flips and density", simulated: false, draw, tell };

fn draw(data: &Data) -> Result<Sheet> {
    let y = |panel: &str, first: bool| {
        let axis = Axis::linear(if first { "weights of the layer in %" } else { "" });
        if panel == "density" { axis.ranging(0.0, 104.0) } else { axis }
    };
    Ok(joined(data, &|_| Axis::linear("epoch"), &y, false))
}

fn tell(data: &Data) -> Result<crate::Told> {
    let caption =
        "Signs that change during an epoch, and weights that are not 0, by layer and epoch.".into();
    let mut statements = Vec::new();
    for panel in data.panels() {
        for curve in data.panel(panel) {
            let (Some(first), last) = (curve.y.first(), curve.last()) else { continue };
            statements.push(Statement::toolkit(
                &format!("{}: fewer {panel} in the last epoch than in the first", curve.series),
                last < *first,
                measured([("first in %", *first), ("last in %", last)]),
            ));
        }
    }
    Ok((caption, statements))
}

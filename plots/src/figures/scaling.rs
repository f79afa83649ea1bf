//! How time grows, from a data file: with the size of the problem or the number of processes.
//!
//! `x`: size, above 0; `y`: time in seconds, above 0; `series`: the method; `panel`: what grows.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{heights, measured, places, work_precision::marked};
use crate::{Figure, Statement, style::sheet::Sheet};

pub(super) const FIGURE: Figure = Figure::from_file("scaling", "Scaling", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a size above 0: the axis is logarithmic", |x| x > 0.0)?;
    heights(data, "a time above 0: the axis is logarithmic", |y| y > 0.0)?;
    marked(data, "size", "time in s")
}

/// The exponent between the first and the last point.
fn exponent(curve: &Curve) -> f64 {
    match (curve.x.first(), curve.x.last(), curve.y.first()) {
        (Some(a), Some(b), Some(y)) if a != b => (curve.last() / y).ln() / (b / a).ln(),
        _ => f64::NAN,
    }
}

/// Whether y grows with x, in whatever order the points stand.
fn grows(curve: &Curve) -> bool {
    let mut points: Vec<(f64, f64)> =
        curve.x.iter().copied().zip(curve.y.iter().copied()).collect();
    points.sort_by(|p, q| p.0.total_cmp(&q.0));
    points.windows(2).all(|w| w[1].1 > w[0].1)
}

fn tell(data: &Data) -> Result<crate::Told> {
    let says = |c: &Curve| {
        let place = if c.panel.is_empty() { String::new() } else { format!("{}: ", c.panel) };
        let exponent = exponent(c);
        Statement::toolkit(
            &format!(
                "{place}the time of {} grows with the size from every point to the next",
                c.series
            ),
            grows(c),
            measured([("exponent from the first to the last point", exponent)]),
        )
    };
    // One point grows nowhere.
    let told = data.curves.iter().filter(|c| c.x.len() > 1).map(says).collect();
    Ok(("Time against size, both on log scales.".into(), told))
}

//! How time grows, from a data file: with the size of the problem or the number of processes.
//!
//! `x`: size; `y`: time in seconds; `series`: the method; `panel`: what grows.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{measured, places, work_precision::marked};
use crate::{Figure, Statement, style::sheet::Sheet};

pub(super) const FIGURE: Figure = Figure::from_file("scaling", "Scaling", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a size above 0", |x| x > 0.0)?;
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
            c.x.len() > 1 && grows(c),
            measured([("exponent from the first to the last point", exponent)]),
        )
    };
    Ok(("Time against size, both on log scales.".into(), data.curves.iter().map(says).collect()))
}

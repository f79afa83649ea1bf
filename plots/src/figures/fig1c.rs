//! The paper's Fig. 1c: the potential for growing A.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::measured;
use crate::{
    Figure, Statement,
    style::{
        LineStyle, Stroke, Tone,
        axis::Axis,
        canvas::Mark,
        panel::{Line, Panel},
        sheet::Sheet,
    },
};

pub(super) const FIGURE: Figure = Figure {
    name: "fig1c",
    title: "Fig. 1c: the potential from $L_2$ to $L_1$",
    simulated: true,
    draw,
    tell,
};

fn potentials(data: &Data) -> impl Iterator<Item = (f64, &Curve)> {
    data.curves.iter().filter_map(|c| Some((c.series.strip_prefix("A = ")?.parse().ok()?, c)))
}

fn draw(data: &Data) -> Result<Sheet> {
    let mut lines = Vec::new();
    for (k, (decay, curve)) in potentials(data).enumerate() {
        let stroke = Stroke {
            tone: Tone::Hue([4, 0, 2, 5, 1][k % 5]),
            dash: LineStyle::ALL[k % 6],
            width: 1.2,
        };
        lines.push(Line::of(curve, stroke).labelled(format!("$A = {decay}$")));
    }
    let minima = data.curve("", "minimum")?;
    let dots = Line::of(minima, Stroke::new(Tone::Ink, LineStyle::Solid)).unlined();
    lines.push(dots.marked(Mark::Disc, 1.7, Tone::Ink));
    let panel = Panel {
        x: Axis::linear("$x$").ranging(-2.0, 2.0),
        y: Axis::linear("$R_{a_t}(x) - \\min R_{a_t}$"),
        lines,
        ..Panel::default()
    };
    Ok(Sheet::single(panel))
}

/// The exponent p of `|x|^p` between x = 1 and x = 2, tilt removed: log₂ of the growth of R(x) + R(−x) − 2R(0).
fn exponent(curve: &Curve) -> f64 {
    let at = |x: f64| {
        let near =
            |p: &usize, q: &usize| (curve.x[*p] - x).abs().total_cmp(&(curve.x[*q] - x).abs());
        (0..curve.x.len()).min_by(near).map_or(f64::NAN, |k| curve.y[k])
    };
    let even = |x: f64| at(x) + at(-x) - 2.0 * at(0.0);
    (even(2.0) / even(1.0)).log2()
}

fn tell(data: &Data) -> Result<crate::Told> {
    let exponents: Vec<(f64, f64)> = potentials(data).map(|(a, c)| (a, exponent(c))).collect();
    let falls = exponents.windows(2).all(|w| w[1].1 < w[0].1);
    let (first, last) =
        (exponents.first().map_or(f64::NAN, |e| e.1), exponents.last().map_or(f64::NAN, |e| e.1));
    let minima = data.curve("", "minimum")?;
    let off = minima.x.iter().zip(potentials(data)).map(|(x, (a, curve))| {
        // On the grid: the least value is at the point nearest to the minimum.
        let least = (0..curve.x.len()).min_by(|p, q| curve.y[*p].total_cmp(&curve.y[*q]));
        let seen = least.map_or(f64::NAN, |k| curve.x[k]);
        (seen - x).abs().max((x - (-4.0f64 * a).exp()).abs())
    });
    let off = off.fold(0.0, f64::max);
    let spacing = data.curves.first().map_or(f64::NAN, |c| (c.x[1] - c.x[0]).abs());
    let caption = "The potential of one feature, $a_t = a_0 e^{-4A}$, above its minimum (dots), for $\\beta = 1$ and $x_0 = 1$. \
         The minimum moves from $x_0$ to the origin, as $e^{-4A}x_0$, and the parabola becomes a kink."
        .to_owned();
    let statements = vec![
        Statement::paper(
            "the potential moves from $L_2$-like to $L_1$-like: the exponent of its growth from $|x| = 1$ to $2$ falls with $A$ towards 1",
            falls && last < 1.15,
            measured([("exponent at the first $A$", first), ("at the last", last)]),
        ),
        Statement::toolkit(
            "its minimum moves to the origin as $e^{-4A}x_0$ (printed: $e^{-2A}$), to the spacing of the grid",
            off <= 0.5 * spacing + 1e-12,
            measured([("largest distance", off), ("spacing", spacing)]),
        ),
    ];
    Ok((caption, statements))
}

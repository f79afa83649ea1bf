//! The paper's Fig. 1c: the potential for growing A.
//!
//! *How near to L1.* `E(x) = R(x) + R(−x) − 2R(0) = x asinh(x/a) − √(x²+a²) + a` has no tilt. It is between
//! `x(log(2x/a) − 1)` and a more, so with `c = log(2/a) − 1 > 0` the exponent `p = log₂(E(2)/E(1))` of its growth is at
//! most `1 + log₂(1 + (log 2 + a/2)/c)`, which tends to 1 with a; as a → ∞, `E ≈ x²/(2a)` and p → 2.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::measured;
use crate::{
    Figure, Statement,
    drawing::{Mark, Tone},
    style::{
        LineStyle, Stroke,
        axis::Axis,
        panel::{Line, Panel},
        sheet::Sheet,
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("fig1c", "Fig. 1c: the potential from $L_2$ to $L_1$", draw, tell);

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
    let beta = data.config["beta"].as_f64().unwrap_or(f64::NAN);
    let a = exponents.last().map_or(f64::NAN, |e| 0.5 * beta * (-4.0 * e.0).exp());
    let most = 1.0 + ((2f64.ln() + 0.5 * a) / ((2.0 / a).ln() - 1.0)).ln_1p() / 2f64.ln();
    let minima = data.curve("", "minimum")?;
    let off = minima.x.iter().zip(potentials(data)).map(|(x, (a, curve))| {
        // On the grid: the least value is at the point nearest to the minimum.
        let least = (0..curve.x.len()).min_by(|p, q| curve.y[*p].total_cmp(&curve.y[*q]));
        let seen = least.map_or(f64::NAN, |k| curve.x[k]);
        (seen - x).abs().max((x - (-4.0f64 * a).exp()).abs())
    });
    let off = off.fold(0.0, f64::max);
    let spacing = data.curves.first().and_then(|c| c.x.windows(2).next());
    let spacing = spacing.map_or(f64::NAN, |w| (w[1] - w[0]).abs());
    let caption = "The potential of one feature, $a_t = a_0 e^{-4A}$, above its minimum (dots), for $\\beta = 1$ and $x_0 = 1$. \
         The minimum moves from $x_0$ to the origin, as $e^{-4A}x_0$, and the parabola becomes a kink."
        .to_owned();
    let statements = vec![
        Statement::paper(
            "the potential moves from $L_2$-like to $L_1$-like: the exponent of its growth from $|x| = 1$ to $2$ falls with $A$ from \
             below 2 towards 1, at the last $A$ as far as $a$ bounds it",
            falls && first < 2.0 && last > 1.0 && last <= most,
            measured([
                ("exponent at the first $A$", first),
                ("at the last", last),
                ("there at most", most),
            ]),
        ),
        Statement::toolkit(
            "its minimum moves to the origin as $e^{-4A}x_0$ (printed: $e^{-2A}$), to the spacing of the grid",
            off <= 0.5 * spacing + 1e-12,
            measured([("largest distance", off), ("spacing", spacing)]),
        ),
    ];
    Ok((caption, statements))
}

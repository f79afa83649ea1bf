//! The loss against the bound of Thm 3.2, as printed and as corrected.

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
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure = Figure {
    name: "bound",
    title: "Thm 3.2: the printed and the corrected bound",
    simulated: true,
    draw,
    tell,
};

fn printed(data: &Data) -> impl Iterator<Item = (&str, &Curve)> {
    data.curves.iter().filter_map(|c| Some((c.series.strip_prefix("printed, C = ")?, c)))
}

fn draw(data: &Data) -> Result<Sheet> {
    let loss = Stroke::new(Tone::Hue(0), LineStyle::Solid).wide(1.6);
    let corrected = Stroke::new(Tone::Hue(2), LineStyle::Long);
    let mut lines = vec![
        Line::of(data.curve("", "corrected")?, corrected),
        Line::of(data.curve("", "loss")?, loss),
    ];
    let mut legend = vec![Key::line(loss, "$f(x_t)$"), Key::line(corrected, "corrected bound")];
    for (k, (c, curve)) in printed(data).enumerate() {
        let stroke = Stroke::new(
            Tone::Hue(1),
            [LineStyle::Dotted, LineStyle::DashDot, LineStyle::Dashed][k % 3],
        );
        lines.push(Line::of(curve, stroke));
        legend.push(Key::line(stroke, format!("printed, $C = {c}$")));
    }
    let panel = Panel {
        x: Axis::log("$t$").ranging(0.1, 1000.0),
        y: Axis::log("loss and bounds").ranging(1e-13, 1e3),
        lines,
        ..Panel::default()
    };
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

/// From which time on the loss is above the bound.
fn crossing(loss: &Curve, bound: &Curve) -> f64 {
    let above = loss.y.iter().zip(&bound.y).position(|(f, b)| f > b);
    above.map_or(f64::NAN, |k| loss.x[k])
}

fn tell(data: &Data) -> Result<crate::Told> {
    let (loss, corrected) = (data.curve("", "loss")?, data.curve("", "corrected")?);
    let worst = loss.y.iter().zip(&corrected.y).map(|(f, b)| f / b).fold(0.0, f64::max);
    let crossings: Vec<(String, f64)> = printed(data)
        .map(|(c, b)| (format!("$C = {c}$: above from $t =$"), crossing(loss, b)))
        .collect();
    let fails = crossings.iter().all(|c| c.1.is_finite());
    // The exponent of t in the last decade.
    let last = loss.x.len() - 1;
    let before = loss.x.partition_point(|t| *t < 0.1 * loss.x[last]);
    let slope = (loss.y[last] / loss.y[before]).ln() / (loss.x[last] / loss.x[before]).ln();
    let caption = "$Z = [1\\ 1]$, $y = 1$, $x_0 = 0$, $\\alpha_t = (1+t)^{-2}/2$. The loss falls like $t^{-4}$, so that it comes to lie above the printed bound \
         $f(x_0)\\exp(C\\|x^*\\|A_t - \\lambda a_{\\infty}t)$ whatever $C$ is."
        .to_owned();
    let statements = vec![
        Statement::paper(
            "the loss stays below the printed bound for some $C$ of these",
            !fails,
            crossings,
        ),
        Statement::toolkit(
            "it stays below the corrected bound $b(t)^2$",
            worst <= 1.0 + 1e-8,
            measured([("largest $f/b^2$", worst)]),
        ),
        Statement::toolkit(
            "it falls like $t^{-4}$: exponent in the last decade to 2 %",
            (slope + 4.0).abs() < 0.08,
            measured([("exponent", slope)]),
        ),
    ];
    Ok((caption, statements))
}

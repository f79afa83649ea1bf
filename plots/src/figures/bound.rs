//! The loss against the bound of Thm 3.2, as printed and as corrected.
//!
//! *The power of t.* With `Z = [1 1]`, x₁ = x₂ = x, r = 2x − 1: `x' = −2√(x²+a²) r − 4αx`. As t → ∞ r is where both
//! sides balance, `r̂ = −2αx/√(x²+a²)` at x = ½, and follows it late by `r̂'/κ`, `κ = 4√(x²+a²)`. α falls as
//! `(1+t)^{−2}`, so `r = r̂(1 + 2/(κ(1+t)) + …)` and `f = ½r² = ½r̂²(1 + 4/(κ(1+t)) + …)`; checked with twice the first
//! term as the bound on all of them.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{heights, measured, places};
use crate::{
    Figure, Statement,
    drawing::Tone,
    style::{
        LineStyle, Stroke,
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("bound", "Thm 3.2: the printed and the corrected bound", draw, tell);

fn printed(data: &Data) -> impl Iterator<Item = (&str, &Curve)> {
    data.curves.iter().filter_map(|c| Some((c.series.strip_prefix("printed, C = ")?, c)))
}

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a time above 0: the axis is logarithmic", |x| x > 0.0)?;
    heights(data, "a loss or bound above 0: the axis is logarithmic", |y| y > 0.0)?;
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

/// Both curves are integrated to 1e-10 (relative); a tenfold of it, for f and for b², of errors carried along.
const TOLERANCE: f64 = 2e-9;

/// From which time on the loss is above the bound.
fn crossing(loss: &Curve, bound: &Curve) -> f64 {
    let above = loss.y.iter().zip(&bound.y).position(|(f, b)| f > b);
    above.map_or(f64::NAN, |k| loss.x[k])
}

/// The loss at the end over that of the balance, and how far from 1 it may be.
fn balance(data: &Data) -> Result<(f64, f64)> {
    let loss = data.curve("", "loss")?;
    let (t, f) = (loss.x.last().copied().unwrap_or(f64::NAN), loss.last());
    let beta = data.config["beta"].as_f64().unwrap_or(f64::NAN);
    // α = ½(1+t)^{−2}, A = ½ t/(1+t).
    let (alpha, total) = (0.5 * (1.0 + t).powi(-2), 0.5 * t / (1.0 + t));
    let root = 0.5f64.hypot(0.5 * beta * (-4.0 * total).exp());
    let residual = alpha / root;
    Ok((f / (0.5 * residual * residual), 8.0 / (4.0 * root * (1.0 + t))))
}

fn tell(data: &Data) -> Result<crate::Told> {
    let (loss, corrected) = (data.curve("", "loss")?, data.curve("", "corrected")?);
    let worst = loss.y.iter().zip(&corrected.y).map(|(f, b)| f / b).fold(0.0, f64::max);
    let crossings: Vec<(String, f64)> = printed(data)
        .map(|(c, b)| (format!("$C = {c}$: above from $t =$"), crossing(loss, b)))
        .collect();
    let fails = crossings.iter().all(|c| c.1.is_finite());
    let balance = balance(data)?;
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
            worst <= 1.0 + TOLERANCE,
            measured([("largest $f/b^2$", worst)]),
        ),
        Statement::toolkit(
            "it falls like $t^{-4}$: at the end the loss is that of the balance $f' = 0$, to the $8/(\\kappa(1+t))$ by which it is late",
            (balance.0 - 1.0).abs() <= balance.1,
            measured([
                ("loss over that of the balance", balance.0),
                ("late by at most", balance.1),
            ]),
        ),
    ];
    Ok((caption, statements))
}

//! The plane of (m, w): flows without and with decay, the minima, level lines of R.
//!
//! *Tolerance.* `β e^{4A}` is constant along the flow. Each of the steps of the integrator, K or fewer, may be off by
//! `rtol·(|m| + |w|)` in m and w, so that of β by `2 rtol (|m| + |w|)²`: `2K rtol (|m|+|w|)²` in all, at its largest
//! along the flow.

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
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("phase-portrait", "The plane of $m$ and $w$", draw, tell);

const TITLES: [(&str, &str); 2] =
    [("none", "$\\alpha = 0$"), ("decay", "$\\alpha_t = e^{-t/2}/2$")];

fn draw(data: &Data) -> Result<Sheet> {
    let level = Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.4);
    let minima = Stroke::new(Tone::Hue(2), LineStyle::Dashed).wide(1.4);
    let flow = Stroke::new(Tone::Hue(0), LineStyle::Solid).wide(1.1);
    let mut panels = Vec::new();
    for (k, (name, title)) in TITLES.into_iter().enumerate() {
        let mut lines = Vec::new();
        for curve in data.panel(name).filter(|c| c.series.starts_with('R')) {
            lines.push(Line::of(curve, level));
        }
        lines.push(Line::of(data.curve(name, "minima")?, minima));
        for curve in data.panel(name).filter(|c| c.series.starts_with("flow")) {
            lines.push(Line::of(curve, flow));
            let at = |k: usize, mark: Mark, tone: Tone| {
                let point =
                    Line { x: vec![curve.x[k]], y: vec![curve.y[k]], ..Line::of(curve, flow) };
                point.unlined().marked(mark, 1.7, tone)
            };
            lines.push(at(0, Mark::Square, Tone::Soft));
            lines.push(at(curve.x.len() - 1, Mark::Disc, Tone::Ink));
        }
        panels.push(Panel {
            title: title.into(),
            x: Axis::linear("$m$").ranging(0.0, 2.25),
            y: Axis::linear(if k == 0 { "$w$" } else { "" }).ranging(-1.5, 1.5),
            lines,
            ..Panel::default()
        });
    }
    let mark =
        |mark, tone, text: &str| Key { stroke: None, mark: Some((mark, tone)), text: text.into() };
    let legend = vec![
        Key::line(flow, "flow"),
        Key::line(minima, "$m w = 1$, where $f = 0$"),
        Key::line(level.wide(0.6), "levels of $R_a(mw) - \\min R_a$"),
        mark(Mark::Square, Tone::Soft, "start"),
        mark(Mark::Disc, Tone::Ink, "end"),
    ];
    Ok(Sheet { legend, aspect: (1.0, 1.0), ..Sheet::row(panels) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let rtol = data.config["rtol"].as_f64().unwrap_or(0.0);
    let steps = data.config["max_steps"].as_f64().unwrap_or(0.0);
    let beta = |m: f64, w: f64| m * m - w * w;
    let flows = |name: &'static str| data.panel(name).filter(|c| c.series.starts_with("flow"));
    let allowed = |c: &Curve| {
        let size = c.x.iter().zip(&c.y).map(|(m, w)| (m.abs() + w.abs()).powi(2));
        2.0 * steps * rtol * size.fold(0.0, f64::max)
    };
    // The change of β, and the part it is of what is allowed.
    let mut drift = (0.0f64, 0.0f64);
    for c in flows("none") {
        let first = beta(c.x[0], c.y[0]);
        let most = c.x.iter().zip(&c.y).map(|(m, w)| (beta(*m, *w) - first).abs());
        let most = most.fold(0.0, f64::max);
        drift = (drift.0.max(most), drift.1.max(most / allowed(c)));
    }
    // A = 1 − e^{−t/2} at t = 12: β falls by e^{−4A}.
    let expected = (-4.0f64 * (1.0 - (-6.0f64).exp())).exp();
    let mut ratio = (0.0f64, 0.0f64);
    for c in flows("decay") {
        let (first, last) = (beta(c.x[0], c.y[0]), beta(c.x[c.x.len() - 1], c.y[c.x.len() - 1]));
        let off = (last - expected * first).abs();
        ratio = (ratio.0.max(off / (expected * first).abs()), ratio.1.max(off / allowed(c)));
    }
    let caption = "Gradient flow of $f = (mw - 1)^2/2$. Without decay it stays on hyperbolas $m^2 - w^2 = \\beta$; with decay these shrink onto \
         $w = \\pm m$, where $R$ is steep: $L_1$."
        .to_owned();
    let statements = vec![
        Statement::toolkit(
            "without decay $\\beta$ is conserved",
            drift.1 <= 1.0,
            measured([("largest change", drift.0), ("over what the integrator allows", drift.1)]),
        ),
        Statement::toolkit(
            "with decay it shrinks by $e^{-4A}$ (printed: $e^{-2A}$)",
            ratio.1 <= 1.0,
            measured([
                ("factor expected", expected),
                ("largest relative difference", ratio.0),
                ("over what the integrator allows", ratio.1),
            ]),
        ),
    ];
    Ok((caption, statements))
}

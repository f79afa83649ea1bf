//! The way from L2 to L1, read as a LASSO path is: coefficients over log a.

use mirrorflow::{Result, experiment::Data};

use super::measured;
use crate::{
    Figure, Statement,
    style::{
        LineStyle, Stroke, Tone,
        axis::Axis,
        canvas::{Anchor, Mark},
        panel::{Line, Note, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure = Figure {
    name: "l1-path",
    title: "From the least $L_2$ norm to the least $L_1$ norm",
    simulated: true,
    draw,
    tell,
};

fn draw(data: &Data) -> Result<Sheet> {
    let end = data.curve("", "LP")?;
    let (mut lines, mut hue) = (Vec::new(), 0);
    for curve in data.panel("").filter(|c| c.series.starts_with("off")) {
        lines.push(Line::of(curve, Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.35)));
    }
    for curve in data.panel("").filter(|c| c.series.starts_with("support")) {
        lines.push(Line::of(curve, Stroke::nth(hue)));
        hue += 1;
    }
    let dots = Line::of(end, Stroke::nth(0)).unlined().marked(Mark::Disc, 2.0, Tone::Ink);
    lines.push(dots);
    let from = data.curves.first().and_then(|c| c.x.first()).copied().unwrap_or(0.0);
    let to = end.x.first().copied().unwrap_or(-1.0);
    let values = || lines.iter().flat_map(|l| l.y.iter().copied());
    let (low, high) = (values().fold(0.0f64, f64::min), values().fold(0.0f64, f64::max));
    let height = high - low;
    let note = |at: f64, anchor, text: &str| Note {
        at: (at, low - 0.1 * height),
        anchor,
        tone: Tone::Soft,
        text: text.into(),
    };
    let panel = Panel {
        x: Axis::linear("$\\log a$").ranging(from, to),
        y: Axis::linear("$x_i(a)$").ranging(low - 0.18 * height, high + 0.06 * height),
        notes: vec![
            note(from + 0.02 * (to - from), Anchor::Start, "$← L_2$"),
            note(to - 0.02 * (to - from), Anchor::End, "$L_1 →$"),
        ],
        lines,
        ..Panel::default()
    };
    let legend = vec![
        Key::line(Stroke::nth(0), "$i$ on the support of the $L_1$ minimum"),
        Key::line(Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.5), "off it"),
        Key {
            stroke: None,
            mark: Some((Mark::Disc, Tone::Ink)),
            text: "$L_1$ minimum (LP)".into(),
        },
    ];
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let best = data.number("least l1 norm")?;
    let norm = data.curve("norm", "l1 norm")?;
    let end = data.curve("", "LP")?;
    let on: Vec<f64> =
        data.panel("").filter(|c| c.series.starts_with("support")).map(|c| c.last()).collect();
    let apart = on.iter().zip(&end.y).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max);
    let off = data.panel("").filter(|c| c.series.starts_with("off"));
    let off = off.map(|c| c.last().abs()).fold(0.0, f64::max);
    let size = end.y.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let caption = "Coefficients of $x(a)$, the least $R_a$ among the solutions of $Zx = y$: where the flow with $a_\\infty = a$ ends. \
         Dots: the $L_1$ minimum, found without $R_a$ (LASSO homotopy)."
        .to_owned();
    let statements = vec![
        Statement::toolkit(
            "the path ends at the $L_1$ minimum: every coefficient is within 2 % of the largest one",
            apart.max(off) < 0.02 * size,
            measured([("on the support", apart), ("off it", off), ("largest coefficient", size)]),
        ),
        Statement::toolkit(
            "$\\|x(a)\\|_1$ falls along this path to the least one",
            norm.y.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-9))
                && norm.last() >= best * (1.0 - 1e-9),
            measured([
                ("first", norm.y.first().copied().unwrap_or(f64::NAN)),
                ("last", norm.last()),
                ("least", best),
            ]),
        ),
    ];
    Ok((caption, statements))
}

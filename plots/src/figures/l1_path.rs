//! The way from L2 to L1, read as a LASSO path is: coefficients over log a.
//!
//! *What the norm can be above the least one*, ℓ = log(1/a), `H(x) = Σ|x_i|(log 2|x_i| − 1)`, x* the L1 minimum, L =
//! ‖x(a)‖₁: `ℓ(L − ‖x*‖₁) ≤ H(x*) − L(log(2L/n) − 1) + ‖x*‖₀ a` (derived beside the simulation). It holds for x(a)
//! only: another solution of Zx = y can have any norm.

use mirrorflow::{Result, experiment::Data};

use super::measured;
use crate::{
    Figure, Statement,
    drawing::{Anchor, Mark, Tone},
    style::{
        LineStyle, Stroke,
        axis::Axis,
        panel::{Line, Note, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("l1-path", "From the least $L_2$ norm to the least $L_1$ norm", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    let end = data.curve("", "LP")?;
    let mut lines = Vec::new();
    // One look for the support, as the legend says it.
    let support = Stroke::new(Tone::Hue(0), LineStyle::Solid);
    let off = Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.35);
    for curve in data.panel("").filter(|c| c.series.starts_with("off")) {
        lines.push(Line::of(curve, off));
    }
    for curve in data.panel("").filter(|c| c.series.starts_with("support")) {
        lines.push(Line::of(curve, support));
    }
    let dots = Line::of(end, support).unlined().marked(Mark::Disc, 2.0, Tone::Ink);
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
            note(from + 0.02 * (to - from), Anchor::Start, "← $L_2$"),
            note(to - 0.02 * (to - from), Anchor::End, "$L_1$ →"),
        ],
        lines,
        ..Panel::default()
    };
    let legend = vec![
        Key::line(support, "$x_i(a)$, $i$ on the support of the $L_1$ minimum"),
        Key::line(off.wide(0.5), "$x_i(a)$, $i$ off it"),
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
    let signs = on.len() == end.y.len() && on.iter().zip(&end.y).all(|(p, q)| p * q > 0.0);
    let least = end.y.iter().fold(f64::INFINITY, |m, v| m.min(v.abs()));
    let caption = "Coefficients of $x(a)$, the least $R_a$ among the solutions of $Zx = y$: where the flow with $a_\\infty = a$ ends. \
         Dots: the $L_1$ minimum, found without $R_a$ (LASSO homotopy)."
        .to_owned();
    let n = data.number("features")?;
    let entropy: f64 = end.y.iter().map(|v| v.abs() * ((2.0 * v.abs()).ln() - 1.0)).sum();
    // What is above the least norm over what can be, where a < 1.
    let used = norm.x.iter().zip(&norm.y).filter(|(log_a, _)| **log_a < 0.0).map(|(log_a, l)| {
        let most = entropy - l * ((2.0 * l / n).ln() - 1.0) + end.y.len() as f64 * log_a.exp();
        -log_a * (l - best) / most
    });
    let used = used.fold(0.0, f64::max);
    // Differences of norms are known to the rounding of a sum of n terms.
    let rounded = n * f64::EPSILON * best;
    let statements = vec![
        Statement::toolkit(
            "the path ends at the $L_1$ minimum: on the support no sign differs, and off it no coefficient is as large as the least on it",
            signs && off < least,
            measured([
                ("largest difference on the support", apart),
                ("largest off it", off),
                ("least on it", least),
            ]),
        ),
        Statement::toolkit(
            "$\\|x(a)\\|_1$ falls along this path to the least one",
            norm.y.windows(2).all(|w| w[1] <= w[0] + rounded) && norm.last() >= best - rounded,
            measured([
                ("first", norm.y.first().copied().unwrap_or(f64::NAN)),
                ("last", norm.last()),
                ("least", best),
            ]),
        ),
        Statement::toolkit(
            "it is never further above the least one than $[H(x^*) - H(x(a)) + \\|x^*\\|_0 a]/\\log(1/a)$ allows",
            used <= 1.0,
            measured([("largest part used of what is allowed", used)]),
        ),
    ];
    Ok((caption, statements))
}

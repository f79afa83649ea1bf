//! The paper's Fig. 4: all runs of the three settings, seven schedules each.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{
    ERROR, band, best, errors_over_steps, is_constant, measured, schedule_label, setting_label,
};
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

pub(super) const FIGURE: Figure = Figure::simulated("fig4", "Fig. 4: all schedules", draw, tell);

/// Constants in blue and green, weaker ones lighter; decays in warm colours.
const STROKES: [(usize, LineStyle); 7] = [
    (4, LineStyle::Dotted),
    (4, LineStyle::Dashed),
    (0, LineStyle::Dashed),
    (2, LineStyle::DashDotDot),
    (5, LineStyle::DashDot),
    (3, LineStyle::Long),
    (1, LineStyle::Solid),
];

fn draw(data: &Data) -> Result<Sheet> {
    errors_over_steps(data)?;
    let stroke = |k: usize| {
        let (hue, dash) = STROKES[k % STROKES.len()];
        Stroke { tone: Tone::Hue(hue), dash, width: 1.1 }
    };
    let values = data.curves.iter().flat_map(|c| {
        let band = c.band.iter().flat_map(|(low, high)| low.iter().chain(high));
        c.y.iter().chain(band).copied()
    });
    let (low, high) =
        values.filter(|v| *v > 0.0).fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let names = data.panels();
    let panels = names.iter().enumerate().map(|(k, name)| {
        let lines = data.panel(name).enumerate();
        let lines = lines.map(|(s, c)| Line::of(c, stroke(s)).banded(c)).collect();
        Panel {
            title: setting_label(name).into(),
            x: Axis::log("step $k$"),
            // One scale for all, so that heights compare.
            y: Axis::log(if k == 0 { ERROR } else { "" }).ranging(0.8 * low, 1.25 * high),
            lines,
            ..Panel::default()
        }
    });
    let panels: Vec<Panel> = panels.collect();
    let first = names.first().copied().unwrap_or_default();
    let keys = data.panel(first).enumerate();
    let legend = keys.map(|(s, c)| Key::line(stroke(s), schedule_label(&c.series))).collect();
    Ok(Sheet { legend, ..Sheet::row(panels) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let end = |panel: &str, constant: bool| {
        let fits = |c: &&Curve| is_constant(&c.series) == constant;
        best(data.panel(panel).filter(fits)).map_or(f64::NAN, Curve::last)
    };
    let lowest = best(data.curves.iter());
    let band = band(data);
    let caption = format!(
        "Distance to the ground truth for all schedules $\\alpha_k$: weight decay on $m \\odot w$ (PILoT), $L_1$ on $m$ of \
         $m \\odot w$, $L_1$ on $x$. {band}. Strong decay sends $x$ to 0 within a few steps; what \
         follows is the descent from there, for PILoT with a small $a$."
    );
    let statements = vec![
        Statement::paper(
            "of all runs, one of PILoT with strong decay ends lowest",
            lowest.is_some_and(|c| c.panel == "PILoT" && !is_constant(&c.series)),
            measured([
                ("PILoT, best decay", end("PILoT", false)),
                ("$L_1$ on $m$, best", end("L1 on m", true).min(end("L1 on m", false))),
                ("$L_1$ on $x$, best", end("L1 on x", true).min(end("L1 on x", false))),
            ]),
        ),
        Statement::paper(
            "with $L_1$, on $m$ and on $x$, a constant ends lowest",
            ["L1 on m", "L1 on x"].iter().all(|p| end(p, true) < end(p, false)),
            measured([
                ("$L_1$ on $m$, constant", end("L1 on m", true)),
                ("decay", end("L1 on m", false)),
                ("$L_1$ on $x$, constant", end("L1 on x", true)),
                ("decay", end("L1 on x", false)),
            ]),
        ),
    ];
    Ok((caption, statements))
}

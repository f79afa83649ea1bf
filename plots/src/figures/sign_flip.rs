//! m, w and x of a coordinate that starts with the wrong sign: through it, and stuck.
//!
//! With β = 0, `w = ±m` solves the flow: `m' = −m(±∇f + 2α)`, `w' = ±m'`, also for the numbers of an integrator, whose
//! operations do not depend on signs. So `x = ±m²` keeps its sign, and x stays at least as far from x* as the norm of
//! the entries of x* whose sign x₀ has not.

use mirrorflow::{Result, experiment::Data};

use super::{measured, times};
use crate::{
    Figure, Statement,
    drawing::Tone,
    style::{
        LineStyle, Stroke,
        axis::Axis,
        panel::{Line, Panel},
        sheet::Sheet,
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("sign-flip", "Through a sign flip, and stuck", draw, tell);

const TITLES: [(&str, &str); 2] =
    [("PILoT", "PILoT, $\\beta = 1$"), ("spred", "spred, $\\beta = 0$")];

fn draw(data: &Data) -> Result<Sheet> {
    times(data)?;
    let truth = data.number("truth")?;
    let values = data.curves.iter().flat_map(|c| c.y.iter().copied()).chain([truth]);
    let (low, high) = values.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let room = 0.06 * (high - low);
    let mut panels = Vec::new();
    for (k, (name, title)) in TITLES.into_iter().enumerate() {
        let x = data.curve(name, "x")?;
        let target = Line {
            y: vec![truth; x.x.len()],
            ..Line::of(x, Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.6))
        };
        let zero = Line { y: vec![0.0; x.x.len()], ..target.clone() };
        let zero =
            Line { stroke: Some(Stroke::new(Tone::Ink, LineStyle::Solid).wide(0.4)), ..zero };
        let line = |series: &str, hue: usize, dash: LineStyle, width: f64| -> Result<Line> {
            let stroke = Stroke { tone: Tone::Hue(hue), dash, width };
            Ok(Line::of(data.curve(name, series)?, stroke).labelled(format!("${series}_i$")))
        };
        panels.push(Panel {
            title: title.into(),
            x: Axis::log("$t$").ranging(0.01, x.x.last().copied().unwrap_or(1.0)),
            y: Axis::linear(if k == 0 { "$m_i$, $w_i$, $x_i$" } else { "" })
                .ranging(low - room, high + room),
            lines: vec![
                zero,
                target.labelled("$x_i^*$"),
                line("m", 2, LineStyle::Dashed, 1.1)?,
                line("w", 1, LineStyle::DashDot, 1.1)?,
                line("x", 0, LineStyle::Solid, 1.5)?,
            ],
            ..Panel::default()
        });
    }
    Ok(Sheet { aspect: (0.55, 0.62), ..Sheet::row(panels) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let truth = data.number("truth")?;
    let (pilot, spred) = (data.curve("PILoT", "x")?, data.curve("spred", "x")?);
    let start = pilot.y.first().copied().unwrap_or(f64::NAN);
    let worst = spred.y.iter().map(|x| x * start.signum()).fold(f64::INFINITY, f64::min);
    let (m, w) = (data.curve("spred", "m")?, data.curve("spred", "w")?);
    let apart = m.y.iter().zip(&w.y).map(|(m, w)| (m.abs() - w.abs()).abs()).fold(0.0, f64::max);
    let ends = ["PILoT", "spred"].map(|p| data.number(&format!("error at the end, {p}")));
    let [of_pilot, of_spred] = ends;
    let (of_pilot, of_spred) = (of_pilot?, of_spred?);
    let reach = data.number("out of reach of spred")?;
    let caption = "One coordinate of the linear network that starts with the wrong sign, along the gradient flow with decaying weight decay. \
         From PILoT's start $w_i$ changes sign, and $x_i$ with it; from spred's, $|m_i| = |w_i|$ for all time, and $x_i$ stops at 0."
        .to_owned();
    let statements = vec![
        Statement::paper(
            "from PILoT's start $x_i$ changes its sign and ends nearer to $x_i^*$ than any number of the old sign is",
            start * truth < 0.0 && (pilot.last() - truth).abs() < truth.abs(),
            measured([
                ("$x_i$ at the start", start),
                ("at the end", pilot.last()),
                ("$x_i^*$", truth),
            ]),
        ),
        Statement::paper(
            "from spred's start it never does",
            worst >= 0.0,
            measured([
                ("least $x_i$ in the direction of its start", worst),
                ("at the end", spred.last()),
            ]),
        ),
        Statement::toolkit(
            "spred's factors keep $|m_i| = |w_i|$",
            apart == 0.0,
            measured([("largest difference", apart)]),
        ),
        Statement::toolkit(
            "the whole of $x$ ends nearer to $x^*$ from PILoT's start than spred's start allows at any time: the entries that start with \
             the wrong sign stay missing",
            of_pilot < reach && reach <= of_spred,
            measured([("PILoT", of_pilot), ("spred", of_spred), ("out of spred's reach", reach)]),
        ),
    ];
    Ok((caption, statements))
}

//! The paper's Fig. 1a: spred's start (β = 0) against PILoT's (β = 1) under all seven schedules; and start by start.
//!
//! *What spred cannot reach.* With β = 0, `w_i = s_i m_i`, `s_i = ±1`, and a step maps it to itself:
//! `m_i ← m_i(1 − η(s_i g_i + 2α))`, `w_i ← s_i m_i`, whatever g, α and η are. So `x_i = s_i m_i²` never changes its
//! sign, and no step of any run is nearer to x* than `√Σ x*_i²` over the i where x₀ has the wrong sign.

use mirrorflow::{
    Error, Result,
    experiment::{Curve, Data},
    numerics::student::Mean,
};

use super::{ERROR, band, best, check, heights, measured, schedule_label, setting_stroke, split};
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
    Figure::simulated("fig1a", "Fig. 1a: what the start $\\beta = 0$ costs", draw, tell);

/// The curves of a setting over the steps.
fn of<'a>(data: &'a Data, setting: &'a str) -> impl Iterator<Item = &'a Curve> {
    data.panel("").filter(move |c| split(c).0 == setting)
}

/// The best run of each start.
fn leaders(data: &Data) -> Result<(&Curve, &Curve)> {
    best(of(data, "PILoT")).zip(best(of(data, "spred"))).ok_or_else(|| Error::Domain {
        what: "data of fig1a".into(),
        expected: "curves of PILoT and of spred".into(),
        found: data.curves.iter().map(|c| c.series.as_str()).collect::<Vec<_>>().join("; "),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn draw(data: &Data) -> Result<Sheet> {
    // The other panel's x are the numbers of the starts.
    let step = "a step above 0: the axis is logarithmic";
    data.panel("").try_for_each(|c| check("x", &c.x, c, data, step, |x| x > 0.0))?;
    // A start from which all of the truth can be reached has 0 out of reach, which a logarithmic axis leaves out.
    let mut errors = data.clone();
    errors.curves.retain(|c| c.series != "out of reach");
    heights(&errors, "an error above 0: the axis is logarithmic", |y| y > 0.0)?;
    let (pilot, spred) = leaders(data)?;
    let reach = data.curve("starts", "out of reach")?;
    let barrier = Stroke::new(Tone::Ink, LineStyle::Solid).wide(0.9);
    let thin = data.panel("").map(|c| Line::of(c, setting_stroke(split(c).0).wide(0.5)));
    let mut lines: Vec<Line> = thin.collect();
    for leader in [spred, pilot] {
        let stroke = setting_stroke(split(leader).0).wide(1.6);
        lines.push(Line::of(leader, stroke).banded(leader));
    }
    let level = Curve { y: vec![mean(&reach.y); pilot.x.len()], ..pilot.clone() };
    let middle = Stroke { dash: LineStyle::Dashed, ..barrier };
    lines.push(Line::of(&level, middle));
    let values = data.curves.iter().flat_map(|c| {
        let band = c.band.iter().flat_map(|(low, high)| low.iter().chain(high));
        c.y.iter().chain(band).copied()
    });
    let (low, high) =
        values.filter(|v| *v > 0.0).fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let error = |label| Axis::log(label).ranging(0.8 * low, 1.25 * high);
    let steps = Panel { x: Axis::log("step $k$"), y: error(ERROR), lines, ..Panel::default() };
    let dots = |series: &str, mark| -> Result<Line> {
        let stroke = setting_stroke(series);
        let curve = data.curve("starts", series)?;
        Ok(Line::of(curve, stroke).unlined().marked(mark, 2.2, stroke.tone))
    };
    let mut lines = Vec::new();
    for (start, bound) in reach.x.iter().zip(&reach.y) {
        let bar = Curve::new("", vec![start - 0.3, start + 0.3], vec![*bound; 2]);
        lines.push(Line::of(&bar, barrier));
    }
    lines.push(dots("spred", Mark::Square)?);
    lines.push(dots("PILoT", Mark::Disc)?);
    // A start without a wrong sign has no bar: said where it would be looked for.
    let free = reach.x.iter().zip(&reach.y).filter(|(_, r)| **r == 0.0);
    let notes = free.map(|(start, _)| Note {
        at: (*start, mean(&reach.y)),
        anchor: Anchor::Middle,
        tone: Tone::Soft,
        text: "all in reach".into(),
    });
    let last = reach.x.last().copied().unwrap_or(1.0);
    let starts = Panel {
        x: Axis::linear("start").ranging(0.4, last + 0.6).at(reach
            .x
            .iter()
            .map(|s| (*s, format!("{s}")))
            .collect()),
        y: error(""),
        lines,
        notes: notes.collect(),
        ..Panel::default()
    };
    let key = |leader: &Curve, mark| {
        let (name, schedule) = split(leader);
        let stroke = setting_stroke(name).wide(1.6);
        let beta = if name == "PILoT" { "1" } else { "0" };
        let text = format!("{name}, $\\beta = {beta}$; thick: {}", schedule_label(schedule));
        Key { stroke: Some(stroke), mark: Some((mark, stroke.tone)), text }
    };
    let legend = vec![
        key(pilot, Mark::Disc),
        key(spred, Mark::Square),
        Key::line(barrier, "out of reach for $\\beta = 0$, start by start"),
        Key::line(middle, "its mean over the starts"),
    ];
    Ok(Sheet { legend, aspect: (0.6, 0.62), ..Sheet::row(vec![steps, starts]) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let (pilot, _) = leaders(data)?;
    let starts = |series| data.curve("starts", series).map(|c| &c.y);
    let (ends, ever, reach) = (starts("PILoT")?, starts("spred")?, starts("out of reach")?);
    // The least mean over all schedules and all steps.
    let floor = of(data, "spred").map(Curve::least).fold(f64::INFINITY, f64::min);
    // The rounding of a norm of n squares.
    let features = data.config["network"]["features"].as_f64().unwrap_or(0.0);
    let rounded = 1.0 - features * f64::EPSILON;
    let kept =
        ever.iter().zip(reach).all(|(e, r)| *e >= r * rounded) && floor >= mean(reach) * rounded;
    let wrong: Vec<(f64, f64)> =
        ends.iter().zip(reach).filter(|(_, r)| **r > 0.0).map(|(e, r)| (*e, *r)).collect();
    let largest = wrong.iter().map(|p| p.0 / p.1).fold(0.0, f64::max);
    let logs: Vec<f64> = ever.iter().zip(ends).map(|(s, p)| (s / p).ln()).collect();
    let ratio = Mean::of(&logs);
    let (low, high) = ratio.interval();
    let band = band(data);
    let free = match reach.iter().filter(|r| **r == 0.0).count() {
        0 => "",
        _ => {
            " A start without a wrong sign has no bar, and there spred comes as near as PILoT: the lower edge of its band."
        }
    };
    let caption = format!(
        "Left: distance to the ground truth along gradient descent on $m \\odot w$ with weight decay, seven schedules, \
         from the same $x_0 \\sim N(0, n^{{-1/2}}I)$. {band} for the best schedule of each $\\beta$. Right: start by start, where that \
         schedule of PILoT ends, and the nearest that spred comes at any step of any schedule. With $\\beta = 0$ no $x_i$ \
         changes its sign: bars are the norm of $x^*$ over the $i$ where $x_0$ has the wrong one, the dashed line is their mean, which \
         the mean of spred stays above.{free}"
    );
    let statements = vec![
        Statement::paper(
            "from spred's start no schedule gets close to the truth: at every step of every run the entries that start with the \
             wrong sign are missing",
            kept && !wrong.is_empty(),
            measured([
                ("starts with a wrong sign", wrong.len() as f64),
                ("mean norm out of reach", mean(reach)),
                ("least mean distance", floor),
            ]),
        ),
        Statement::paper(
            "from PILoT's start, with $x_0 ≠ 0$ too, some schedule does: from every start with a wrong sign it ends \
             nearer than spred can come by any schedule",
            !wrong.is_empty() && largest < 1.0,
            measured([
                ("mean at the start", pilot.y.first().copied().unwrap_or(f64::NAN)),
                ("at the end", pilot.last()),
                ("largest distance over what is out of reach", largest),
            ]),
        ),
        Statement::toolkit(
            "over the starts, the nearest that spred ever comes is further than where PILoT ends: the 95 % interval of \
             the mean ratio (of its logarithm, Student's t) is above 1",
            ratio.count == logs.len() && low > 0.0,
            measured([
                ("geometric mean", ratio.mean.exp()),
                ("from", low.exp()),
                ("to", high.exp()),
            ]),
        ),
    ];
    Ok((caption, statements))
}

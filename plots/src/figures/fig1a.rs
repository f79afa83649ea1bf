//! The paper's Fig. 1a: spred's start (β = 0) against PILoT's (β = 1) under all seven schedules.

use mirrorflow::{
    Error, Result,
    experiment::{Curve, Data},
};

use super::{BAND, ERROR, best, measured, schedule_label, setting_stroke, split};
use crate::{
    Figure, Statement,
    style::{
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure = Figure {
    name: "fig1a",
    title: "Fig. 1a: what the start $\\beta = 0$ costs",
    simulated: true,
    draw,
    tell,
};

fn of<'a>(data: &'a Data, setting: &'a str) -> impl Iterator<Item = &'a Curve> {
    data.curves.iter().filter(move |c| split(c).0 == setting)
}

/// The best run of each start.
fn leaders(data: &Data) -> Result<(&Curve, &Curve)> {
    best(of(data, "PILoT")).zip(best(of(data, "spred"))).ok_or_else(|| Error::Domain {
        what: "data of fig1a".into(),
        expected: "curves of PILoT and of spred".into(),
        found: data.curves.iter().map(|c| c.series.as_str()).collect::<Vec<_>>().join("; "),
    })
}

fn draw(data: &Data) -> Result<Sheet> {
    let (pilot, spred) = leaders(data)?;
    let thin = data.curves.iter().map(|c| Line::of(c, setting_stroke(split(c).0).wide(0.5)));
    let mut lines: Vec<Line> = thin.collect();
    for leader in [spred, pilot] {
        let stroke = setting_stroke(split(leader).0).wide(1.6);
        lines.push(Line::of(leader, stroke).banded(leader));
    }
    let panel = Panel { x: Axis::log("step $k$"), y: Axis::log(ERROR), lines, ..Panel::default() };
    let key = |leader: &Curve, what: &str| {
        let (name, schedule) = split(leader);
        let stroke = setting_stroke(name).wide(1.6);
        Key::line(stroke, format!("{name}, {what}; thick: {}", schedule_label(schedule)))
    };
    let legend = vec![key(pilot, "$\\beta = 1$"), key(spred, "$\\beta = 0$")];
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let (pilot, spred) = leaders(data)?;
    // The floor: the least over all schedules and all steps.
    let floor = of(data, "spred").map(Curve::least).fold(f64::INFINITY, f64::min);
    let truth = data.number("norm of x*")?;
    let start = pilot.y.first().copied().unwrap_or(f64::NAN);
    let caption = format!(
        "Distance to the ground truth along gradient descent on $m \\odot w$ with weight decay, seven schedules, \
         from the same $x_0 \\sim N(0, n^{{-1/2}}I)$. {BAND} for the best schedule of each start. The distance of \
         $0$ to the truth is {truth:.2}. From spred's start only runs whose $x_0$ happens to have all the signs of $x^*$ get near it."
    );
    let statements = vec![
        Statement::paper(
            "from spred's start no schedule gets close to the truth: at every step the mean distance stays above half of $\\|x^*\\|_2$",
            floor > 0.5 * truth,
            measured([("least distance of spred", floor), ("$\\|x^*\\|_2$", truth)]),
        ),
        Statement::paper(
            "from PILoT's start some schedule does, also from $x_0 ≠ 0$: to less than a fifth of $\\|x^*\\|_2$",
            pilot.last() < 0.2 * truth,
            measured([
                ("at the start", start),
                ("at the end", pilot.last()),
                ("spred's floor", floor),
            ]),
        ),
        Statement::toolkit(
            "PILoT's best mean distance at the end is less than a fifth of spred's best",
            pilot.last() < 0.2 * spred.last(),
            measured([("PILoT", pilot.last()), ("spred", spred.last())]),
        ),
    ];
    Ok((caption, statements))
}

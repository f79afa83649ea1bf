//! The paper's Fig. 5: the best schedules of gradient descent, by SGD.

use mirrorflow::{Result, experiment::Data};

use super::{
    ERROR, counted, errors_over_steps, measured, schedule_label, setting_label, setting_stroke,
    split,
};
use crate::{
    Figure, Statement,
    drawing::Tone,
    style::{
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("fig5", "Fig. 5: the best schedules, by SGD", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    errors_over_steps(data)?;
    let (mut lines, mut legend) = (Vec::new(), Vec::new());
    for curve in data.panel("GD") {
        let stroke = setting_stroke(split(curve).0);
        lines.push(Line::of(curve, crate::style::Stroke { tone: Tone::Soft, ..stroke.wide(0.7) }));
    }
    for curve in data.panel("SGD") {
        let (setting, schedule) = split(curve);
        let stroke = setting_stroke(setting).wide(1.4);
        lines.push(Line::of(curve, stroke).banded(curve));
        let text = format!("{}, {}", setting_label(setting), schedule_label(schedule));
        legend.push(Key::line(stroke, text));
    }
    let panel = Panel { x: Axis::log("step $k$"), y: Axis::log(ERROR), lines, ..Panel::default() };
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let end = |panel: &str, setting: &str| {
        data.panel(panel).find(|c| split(c).0 == setting).map_or(f64::NAN, |c| c.last())
    };
    let sgd = ["PILoT", "L1 on m", "L1 on x"].map(|s| end("SGD", s));
    let gd = ["PILoT", "L1 on m", "L1 on x"].map(|s| end("GD", s));
    // From x every start of the convex problem leads to one point: what another start does is nothing there.
    let inside = data.panel("GD").filter(|c| split(c).0 != "L1 on x").all(|c| {
        let last = |edge: &Vec<f64>| edge.last().copied().unwrap_or(f64::NAN);
        let at = end("SGD", split(c).0);
        c.band.as_ref().is_some_and(|(low, high)| last(low) <= at && at <= last(high))
    });
    let [starts, seeds] = ["starts", "batch_seeds"].map(|constant| counted(data, constant));
    // Data from elsewhere need not say.
    let batch = data.config["network"]["batch"].as_u64();
    let batches = batch.map_or_else(String::new, |b| format!(" with batches of {b}"));
    let caption = format!(
        "As the best schedules of Fig. 4, by stochastic gradient descent{batches}. Mean over {starts} starts with {seeds} \
         seeds each, with the least and the largest of all as a band; grey, with the same dashes: gradient descent."
    );
    let statements = vec![
        Statement::paper(
            "the order of the settings is that of gradient descent, PILoT lowest",
            sgd[0] < sgd[1].min(sgd[2]) && (sgd[1] < sgd[2]) == (gd[1] < gd[2]),
            measured([("PILoT", sgd[0]), ("$L_1$ on $m$", sgd[1]), ("$L_1$ on $x$", sgd[2])]),
        ),
        Statement::toolkit(
            "on $m \\odot w$ the noise of the batches moves the mean distance at the end by less than another start does: by SGD \
             it is inside the band of gradient descent's starts",
            inside,
            measured([
                ("PILoT, SGD over GD", sgd[0] / gd[0]),
                ("$L_1$ on $m$", sgd[1] / gd[1]),
                ("$L_1$ on $x$", sgd[2] / gd[2]),
            ]),
        ),
    ];
    Ok((caption, statements))
}

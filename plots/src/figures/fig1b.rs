//! The paper's Fig. 1b: each setting at its best, constants and decays.

use mirrorflow::{Result, experiment::Data};

use super::{
    ERROR, band, best, errors_over_steps, is_constant, measured, schedule_label, setting_label,
    setting_stroke, split,
};
use crate::{
    Figure, Statement,
    style::{
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure =
    Figure::simulated("fig1b", "Fig. 1b: the best schedule of each setting", draw, tell);

const SETTINGS: [&str; 4] = ["PILoT", "L1 on m", "L1 on x", "spred"];

fn draw(data: &Data) -> Result<Sheet> {
    errors_over_steps(data)?;
    let (mut lines, mut legend) = (Vec::new(), Vec::new());
    for setting in SETTINGS {
        let Some(leader) = best(data.curves.iter().filter(|c| split(c).0 == setting)) else {
            continue;
        };
        let stroke = setting_stroke(setting).wide(1.4);
        lines.push(Line::of(leader, stroke).banded(leader));
        let schedule = schedule_label(split(leader).1);
        legend.push(Key::line(stroke, format!("{}, {schedule}", setting_label(setting))));
    }
    let panel = Panel { x: Axis::log("step $k$"), y: Axis::log(ERROR), lines, ..Panel::default() };
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

fn tell(data: &Data) -> Result<crate::Told> {
    let end = |setting: &str, constant: Option<bool>| {
        let fits = |c: &&mirrorflow::experiment::Curve| {
            let (name, schedule) = split(c);
            name == setting && constant.is_none_or(|k| is_constant(schedule) == k)
        };
        best(data.curves.iter().filter(fits)).map_or(f64::NAN, |c| c.last())
    };
    let pilot = end("PILoT", Some(false));
    let (mask, plain, spred) = (end("L1 on m", None), end("L1 on x", None), end("spred", None));
    let constants_win = |setting: &str| end(setting, Some(true)) < end(setting, Some(false));
    let statement = |setting: &str, name: &str| {
        Statement::paper(
            &format!("for {name} the best schedule is a constant"),
            constants_win(setting),
            measured([
                ("best constant", end(setting, Some(true))),
                ("best decay", end(setting, Some(false))),
            ]),
        )
    };
    let band = band(data);
    let caption = format!(
        "Distance to the ground truth along gradient descent, each setting with the one of its seven schedules that \
         ends nearest to the truth. {band}."
    );
    let statements = vec![
        Statement::paper(
            "PILoT with strong decay beats the best of the others",
            pilot < mask.min(plain).min(spred),
            measured([
                ("PILoT", pilot),
                ("$L_1$ on $m$", mask),
                ("$L_1$ on $x$", plain),
                ("spred", spred),
            ]),
        ),
        Statement::paper(
            "for PILoT the best schedule decays",
            pilot < end("PILoT", Some(true)),
            measured([("best decay", pilot), ("best constant", end("PILoT", Some(true)))]),
        ),
        statement("L1 on m", "$L_1$ on $m$"),
        statement("L1 on x", "$L_1$ on $x$"),
    ];
    Ok((caption, statements))
}

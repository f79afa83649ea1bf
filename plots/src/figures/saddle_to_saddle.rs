//! Saddle to saddle: the loss for smaller and smaller a, and the coefficients at the smallest.
//!
//! *Tolerance.* The state is the dual ν with `x_i = a sinh(…)`, whose argument is at most about ℓ = log(1/a) and is
//! known to `rtol·ℓ`; so is x, relatively. What a > 0 leaves, `e^{−ℓδ}`, and what is left of the relaxation are far
//! below.

use mirrorflow::{Result, experiment::Data};

use super::{measured, times};
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
    Figure::simulated("saddle-to-saddle", "From saddle to saddle as $a \\to 0$", draw, tell);

const TIME: &str = "$2t/\\log(1/a)$";

fn ells(data: &Data) -> Vec<&mirrorflow::experiment::Curve> {
    data.panel("loss").collect()
}

fn draw(data: &Data) -> Result<Sheet> {
    times(data)?;
    let stroke = |k: usize| Stroke {
        tone: Tone::Hue([4, 2, 5, 0][k % 4]),
        dash: [LineStyle::Dotted, LineStyle::DashDot, LineStyle::Dashed, LineStyle::Solid][k % 4],
        width: 1.2,
    };
    let losses = ells(data);
    let lines = losses.iter().enumerate().map(|(k, c)| Line::of(c, stroke(k))).collect();
    let keys = losses.iter().enumerate().map(|(k, c)| {
        let ell = c.series.strip_prefix("ell = ").unwrap_or(&c.series);
        Key::line(stroke(k), format!("$\\log(1/a) = {ell}$"))
    });
    let (mut coefficients, mut names) = (Vec::new(), Vec::new());
    let off = Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.6);
    for curve in data.panel("x") {
        let stroke = match curve.series.strip_prefix("support ") {
            Some(i) => {
                let stroke = Stroke::nth(names.len());
                names.push(Key::line(stroke, format!("$x_{{{i}}}$")));
                stroke
            }
            None => off,
        };
        coefficients.push(Line::of(curve, stroke));
    }
    if coefficients.len() > names.len() {
        names.push(Key::line(off, "off the support of the $L_1$ minimum"));
    }
    let smallest = losses.last().and_then(|c| c.series.strip_prefix("ell = ")).unwrap_or_default();
    // Jumps grow rarer: a log axis shows the early ones too.
    let end = losses.iter().flat_map(|c| c.x.last()).copied().fold(0.0, f64::max);
    let time = || Axis::log(TIME).ranging(end / 60.0, end);
    let panels = vec![
        Panel {
            x: time(),
            y: Axis::linear("$f(x_t)$"),
            lines,
            keys: keys.collect(),
            ..Panel::default()
        },
        Panel {
            x: time(),
            y: Axis::linear(&format!("$x_i$ at $\\log(1/a) = {smallest}$")),
            lines: coefficients,
            keys: names,
            ..Panel::default()
        },
    ];
    Ok(Sheet { aspect: (0.55, 0.66), ..Sheet::row(panels) })
}

/// The part of the way down that the steepest 5 % of the time (of as many equal steps of it) take, and the number of jumps: runs of
/// consecutive points that each lose more than a thousandth of the whole.
fn jumps(loss: &[f64]) -> (f64, usize) {
    let whole = loss.first().copied().unwrap_or(0.0) - loss.last().copied().unwrap_or(0.0);
    let mut drops: Vec<f64> = loss.windows(2).map(|w| (w[0] - w[1]) / whole).collect();
    let steep: Vec<bool> = drops.iter().map(|d| *d > 1e-3).collect();
    let count = steep.windows(2).filter(|w| !w[0] && w[1]).count()
        + usize::from(steep.first() == Some(&true));
    drops.sort_by(|p, q| q.total_cmp(p));
    (drops.iter().take(loss.len().div_ceil(100) * 5).sum(), count)
}

fn tell(data: &Data) -> Result<crate::Told> {
    let losses = ells(data);
    let shares: Vec<(f64, usize)> = losses.iter().map(|c| jumps(&c.y)).collect();
    let (first, last) =
        (shares.first().copied().unwrap_or_default(), shares.last().copied().unwrap_or_default());
    let ell = losses.last().and_then(|c| c.series.strip_prefix("ell = ")?.parse::<f64>().ok());
    let rtol = data.config["rtol"].as_f64().unwrap_or(0.0);
    let allowed = rtol * ell.unwrap_or(f64::NAN);
    let end = data.number("distance to the L1 minimum at the end")?;
    let caption = "The flow without decay from $x_0 = 0$, with time in units of half $\\log(1/a)$. As $a \\to 0$ the loss becomes a staircase: the flow rests \
         at saddles and jumps between them. Right: the coefficients that become visible, by name those on the support of the $L_1$ minimum."
        .to_owned();
    let statements = vec![
        Statement::toolkit(
            "the smaller $a$, the more of the descent falls into the steepest 5 % of the time",
            shares.windows(2).all(|w| w[1].0 > w[0].0),
            measured([
                ("at the largest $a$", first.0),
                ("at the smallest", last.0),
                ("jumps at the smallest", last.1 as f64),
            ]),
        ),
        Statement::toolkit(
            "the last rest is the $L_1$ minimum, to the $\\mathrm{rtol} \\cdot \\log(1/a)$ of the integrator",
            end <= allowed,
            measured([("distance over the largest entry", end), ("allowed", allowed)]),
        ),
    ];
    Ok((caption, statements))
}

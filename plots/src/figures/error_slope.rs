//! How fast the L1 minimum is reached as a → 0, with the slope the dual predicts.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use crate::{
    Figure, Statement,
    style::{
        LineStyle, Stroke, Tone,
        axis::Axis,
        panel::{Line, Panel},
        sheet::{Key, Sheet},
    },
};

pub(super) const FIGURE: Figure = Figure {
    name: "error-slope",
    title: "How small $a$ must be: the error falls like $a^{\\delta}$",
    simulated: true,
    draw,
    tell,
};

fn problems(data: &Data) -> impl Iterator<Item = (&str, &Curve)> {
    data.curves.iter().filter_map(|c| Some((c.series.strip_prefix("problem ")?, c)))
}

fn draw(data: &Data) -> Result<Sheet> {
    let mut lines = Vec::new();
    for (k, (name, curve)) in problems(data).enumerate() {
        let delta = data.number(&format!("delta {name}"))?;
        let predicted = data.curve("", &format!("slope {name}"))?;
        lines.push(Line::of(predicted, Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.5)));
        lines.push(Line::of(curve, Stroke::nth(k)).labelled(format!("$\\delta = {delta:.2}$")));
    }
    // As on the path: from L2 to L1, to the right.
    let ends = problems(data).flat_map(|(_, c)| c.x.iter().copied());
    let (least, most) = ends.fold((f64::INFINITY, 0.0f64), |(l, m), a| (l.min(a), m.max(a)));
    let panel = Panel {
        x: Axis::log("$a$").ranging(most, least),
        y: Axis::log("$\\|x_a - x_{\\mathrm{L1}}\\|_2$"),
        lines,
        ..Panel::default()
    };
    let legend = vec![
        Key::line(Stroke::nth(0), "error, three problems"),
        Key::line(Stroke::new(Tone::Soft, LineStyle::Solid).wide(0.7), "predicted slope $\\delta$"),
    ];
    Ok(Sheet { legend, ..Sheet::single(panel) })
}

/// The slope of log error over log a for `log a` in `low..=high`, by least squares.
fn slope(curve: &Curve, low: f64, high: f64) -> f64 {
    let logs = curve.x.iter().zip(&curve.y).map(|(a, e)| (a.ln(), e.ln()));
    let points: Vec<(f64, f64)> = logs.filter(|p| (low..=high).contains(&p.0)).collect();
    let count = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(p, q), (x, y)| (p + x / count, q + y / count));
    let (up, down) = points
        .iter()
        .fold((0.0, 0.0), |(u, d), (x, y)| (u + (x - mx) * (y - my), d + (x - mx) * (x - mx)));
    up / down
}

fn tell(data: &Data) -> Result<crate::Told> {
    let end = |k: usize| data.config["delta_between_log_a"][k].as_f64().unwrap_or(f64::NAN);
    let stretch = (end(0), end(1));
    let mut measured = Vec::new();
    let (mut above, mut falls) = (true, true);
    for (name, curve) in problems(data) {
        let delta = data.number(&format!("delta {name}"))?;
        // Where δ is read, and as long a stretch before it.
        let (last, before) = (
            slope(curve, stretch.1, stretch.0),
            slope(curve, stretch.0, 2.0 * stretch.0 - stretch.1),
        );
        // Points of the curve carry a relative rounding of 1e-12 over the error, at most 1e-3 here.
        above &= last > delta * (1.0 - 1e-3);
        falls &= last < before;
        measured.push((format!("problem {name}: slope"), last));
        measured.push(("before".into(), before));
        measured.push(("$\\delta$".into(), delta));
    }
    let caption = "Distance of $x_a$ from the $L_1$ minimum over $a$ for three problems. The slope $\\delta = 1 - \\max |Z_i^T \\mu^*|$, over \
         the $i$ off the support, is read off the dual alone; its line goes through the last point above rounding."
        .to_owned();
    // Entry i off the support is C_i a^{δ_i} with δ_i ≥ δ, and those on it follow linearly: the sum of their
    // squares has a logarithm convex in log a, whose slope falls towards the least δ_i.
    let statements = vec![
        Statement::toolkit(
            "the slope of the errors, where $\\delta$ is read, is at least $\\delta$",
            above,
            measured.clone(),
        ),
        Statement::toolkit(
            "it falls towards $\\delta$ as $a$ falls: the powers of the other entries die first",
            falls,
            measured,
        ),
    ];
    Ok((caption, statements))
}

//! How fast the L1 minimum is reached as a → 0, with the slope δ that a linear program predicts.
//!
//! `x_a − x_L1` is a sum of terms `C a^{δ_i}` with `δ_i ≥ δ`, so that the slope of the error is `δ + O(a^γ)`, γ the way
//! from δ to the next exponent; so is the slack read off the dual at a.
//!
//! *The check.* `|slope − δ| ≤ K a^γ` where x_a is near x_L1 (nearer than the least entry of x_L1 on its support is to 0), K
//! the largest `|slope − δ| a^{−γ}` over the first half of that stretch. A wrong δ leaves a difference that stays, and fails.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{check, measured, places};
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

pub(super) const FIGURE: Figure = Figure::simulated(
    "error-slope",
    "How small $a$ must be: the error falls like $a^{\\delta}$",
    draw,
    tell,
);

fn problems(data: &Data) -> impl Iterator<Item = (&str, &Curve)> {
    data.curves.iter().filter_map(|c| Some((c.series.strip_prefix("problem ")?, c)))
}

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "an a above 0: the axis is logarithmic", |x| x > 0.0)?;
    // The other panel's axis of slopes is linear.
    let error = "an error above 0: the axis is logarithmic";
    data.panel("").try_for_each(|c| check("y", &c.y, c, data, error, |y| y > 0.0))?;
    let prediction = Stroke::new(Tone::Ink, LineStyle::Solid).wide(0.5);
    let (mut errors, mut slopes) = (Vec::new(), Vec::new());
    let (mut least, mut most) = (f64::INFINITY, 0.0f64);
    for (k, (name, curve)) in problems(data).enumerate() {
        let delta = data.number(&format!("delta {name}"))?;
        let label = format!("$\\delta = {delta:.3}$");
        for a in &curve.x {
            (least, most) = (least.min(*a), most.max(*a));
        }
        errors.push(Line::of(data.curve("", &format!("slope {name}"))?, prediction));
        errors.push(Line::of(curve, Stroke::nth(k)).labelled(&label));
        let slope = data.curve("slope", &format!("error {name}"))?;
        let level = Curve { y: vec![delta; slope.x.len()], ..slope.clone() };
        let dual = Stroke { tone: Tone::Hue(k), dash: LineStyle::Dotted, width: 0.9 };
        slopes.push(Line::of(&level, prediction).toned(Tone::Hue(k)).labelled(&label));
        slopes.push(Line::of(data.curve("slope", &format!("dual {name}"))?, dual));
        slopes.push(Line::of(slope, Stroke::nth(k)));
    }
    let highest = slopes.iter().flat_map(|l| l.y.iter().copied()).fold(0.0, f64::max);
    // As on the path: from L2 to L1, to the right.
    let panel = |y: Axis, lines| Panel {
        x: Axis::log("$a$").ranging(most, least),
        y,
        lines,
        ..Panel::default()
    };
    let panels = vec![
        panel(Axis::log("$\\|x_a - x_{\\mathrm{L1}}\\|_2$"), errors),
        panel(Axis::linear("slope").ranging(0.0, 1.1 * highest), slopes),
    ];
    // Of any colour: each problem has its own, named at the ends of its lines.
    let dotted = Stroke { tone: Tone::Soft, dash: LineStyle::Dotted, width: 0.9 };
    let thick = Stroke::new(Tone::Soft, LineStyle::Solid);
    let count = problems(data).count();
    let legend = vec![
        Key::line(thick, format!("error, and its slope, of {count} problems")),
        Key::line(prediction, "predicted: $\\delta$"),
        Key::line(dotted, "slack of the dual at $a$"),
    ];
    Ok(Sheet { legend, aspect: (0.6, 0.66), ..Sheet::row(panels) })
}

/// The largest `|y − δ| a^{−γ}` over the first and over the second half of the stretch of log a where a ≤ `from`.
fn halves(curve: &Curve, delta: f64, gamma: f64, from: f64) -> (f64, f64) {
    let near = curve.x.iter().zip(&curve.y).filter(|p| *p.0 <= from);
    let scaled: Vec<f64> = near.map(|(a, y)| (y - delta).abs() * a.powf(-gamma)).collect();
    let largest = |part: &[f64]| part.iter().copied().fold(f64::NAN, f64::max);
    let (first, second) = scaled.split_at(scaled.len() / 2);
    (largest(first), largest(second))
}

fn tell(data: &Data) -> Result<crate::Told> {
    let (mut slopes, mut duals, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut falls, mut from_below, mut alternate) = (true, true, true);
    for (name, curve) in problems(data) {
        let number = |what: &str| data.number(&format!("{what} {name}"));
        let (delta, gamma, entry) = (number("delta")?, number("gamma")?, number("least entry")?);
        let near = curve.x.iter().zip(&curve.y).find(|p| *p.1 < entry).map_or(f64::NAN, |p| *p.0);
        let slope = data.curve("slope", &format!("error {name}"))?;
        let (first, second) = halves(slope, delta, gamma, near);
        falls &= second <= first;
        slopes.extend(measured([("$\\delta$", delta), ("slope at the least $a$", slope.last())]));
        slopes.extend(measured([("$\\gamma$", gamma)]));
        let dual = data.curve("slope", &format!("dual {name}"))?;
        let (first, second) = halves(dual, delta, gamma, near);
        let at_most = dual.x.iter().zip(&dual.y).filter(|p| *p.0 <= near);
        from_below &= second <= first && at_most.fold(0.0, |m: f64, p| m.max(*p.1)) <= delta;
        duals.extend(measured([("$\\delta$", delta), ("slack at the least $a$", dual.last())]));
        let (count, expected) =
            (number("entries with slack delta")?, number("samples less support plus one")?);
        alternate &= count == expected;
        counts.extend(measured([("entries", count), ("$d - |S| + 1$", expected)]));
    }
    let caption = "Left: distance of $x_a$ from the $L_1$ minimum over $a$ for three problems, with lines of slope $\\delta$ through the last \
         point above rounding. $\\delta = 1 - \\min \\max_i |Z_i^T \\mu|$, over the $i$ off the support $S$ and the $\\mu$ with $Z_S^T \\mu = \
         \\mathrm{sign}(x_S)$, is the solution of a linear program. Right: the slope between neighbouring points comes down to $\\delta$; dotted, the \
         slack off the support of the dual at $a$ comes up to it, more slowly than double precision can follow."
        .to_owned();
    let statements = vec![
        Statement::toolkit(
            "the slope of the error tends to $\\delta$ as $a^{\\gamma}$, $\\gamma$ the way to the next exponent",
            falls,
            slopes,
        ),
        Statement::toolkit(
            "the slack off the support of the dual at $a$ tends to $\\delta$ so too, and from below",
            from_below,
            duals,
        ),
        Statement::toolkit(
            "no few entries of the slowest power: $d - |S| + 1$ of those off the support have the slope $\\delta$",
            alternate,
            counts,
        ),
    ];
    Ok((caption, statements))
}

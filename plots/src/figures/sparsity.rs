//! Sparsity against accuracy, one curve for each method, from a data file.
//!
//! `x`: part of the weights that is 0, in [0, 1); `y`: accuracy in %; `low`, `high`: its confidence interval; `panel`:
//! the network or data set. The axis shows what remains, 1 − x, on a log scale from dense to sparse; the other axis, one for all
//! panels, shows the error, 100 − y, on a log scale too where accuracies are far apart, so that a collapse does not hide what the
//! good ones differ by.

use mirrorflow::{
    Result,
    experiment::{Curve, Data},
};

use super::{compared, marked_line, marked_sheet, measured, percent, places, series};
use crate::{
    Figure, Statement,
    style::{axis::Axis, panel::Panel, sheet::Sheet},
};

pub(super) const FIGURE: Figure =
    Figure::from_file("sparsity", "Accuracy against sparsity", draw, tell);

fn draw(data: &Data) -> Result<Sheet> {
    places(data, "a sparsity from 0 to below 1", |x| (0.0..1.0).contains(&x))?;
    percent(data)?;
    let names = series(data);
    let kept = data.curves.iter().flat_map(|c| c.x.iter().map(|x| 1.0 - x));
    let (least, most) = kept.fold((1.0f64, 0.0f64), |(l, m), v| (l.min(v), m.max(v)));
    let ticks = ticks(least, most);
    let errors = Errors::of(data.curves.iter());
    let mut panels = Vec::new();
    for (p, name) in data.panels().into_iter().enumerate() {
        let label = if p == 0 { "accuracy in %" } else { "" };
        let lines = data.panel(name).map(|curve| {
            let x = curve.x.iter().map(|x| 1.0 - x).collect();
            let kept = Curve { x, ..curve.clone() };
            marked_line(&errors.as_ref().map_or(kept.clone(), |e| e.curve(kept)), &names)
        });
        let axis = Axis::log("sparsity in %").ranging(1.06 * most, 0.94 * least);
        panels.push(Panel {
            title: name.into(),
            x: axis.at(ticks.clone()),
            y: errors.as_ref().map_or_else(|| Axis::linear(label).up_to(100.0), |e| e.axis(label)),
            lines: lines.collect(),
            ..Panel::default()
        });
    }
    // Errors have one axis as it is.
    let panels = if errors.is_some() { panels } else { compared(panels) };
    Ok(marked_sheet(panels, &names))
}

/// What is kept at the ticks, and the sparsity there in %: sparsities a reader knows, from dense to sparse, or where fewer than two of
/// these are in the range round ones of the widest step that has two.
fn ticks(least: f64, most: f64) -> Vec<(f64, String)> {
    let percent = |s: f64, digits: usize| {
        let text = format!("{:.digits$}", 100.0 * s);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        if text.contains('.') { short.to_owned() } else { text }
    };
    let known = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999];
    let inside = |s: &f64| (0.95 * least..=1.05 * most).contains(&(1.0 - s));
    let ticks: Vec<_> =
        known.into_iter().filter(inside).map(|s| (1.0 - s, percent(s, 2))).collect();
    if ticks.len() > 1 {
        return ticks;
    }
    let (low, high) = ((1.0 - 1.05 * most).max(0.0), 1.0 - 0.95 * least);
    for power in 1..16_i32 {
        for step in [5.0, 2.0, 1.0].map(|m| m * 10.0_f64.powi(-power)) {
            let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
            if last > first {
                let digits = (power - 2).max(0) as usize;
                let tick = |k: u64| (first + k as f64) * step;
                let all = (0..=(last - first) as u64).map(tick);
                return all.map(|s| (1.0 - s, percent(s, digits))).collect();
            }
        }
    }
    ticks
}

/// The errors of a figure, 100 − accuracy in %: where the largest is at least eight times the smallest.
struct Errors {
    least: f64,
    most: f64,
}

impl Errors {
    fn of<'a>(curves: impl Iterator<Item = &'a Curve>) -> Option<Self> {
        let errors = curves.flat_map(|c| c.y.iter().map(|y| 100.0 - y)).filter(|e| !e.is_nan());
        let (least, most) = errors.fold((f64::MAX, 0.0_f64), |(l, m), e| (l.min(e), m.max(e)));
        (least > 0.0 && most >= 8.0 * least).then_some(Self { least, most })
    }

    /// The curve in errors; a band ends within a factor of two of the errors there are, for it may reach beyond 100 %.
    fn curve(&self, curve: Curve) -> Curve {
        let edge = |v: &f64| (100.0 - v).clamp(self.least / 2.0, 2.0 * self.most);
        let y = curve.y.iter().map(|y| 100.0 - y).collect();
        let band = curve
            .band
            .as_ref()
            .map(|(low, high)| (high.iter().map(edge).collect(), low.iter().map(edge).collect()));
        Curve { y, band, ..curve }
    }

    /// From the largest error up to the smallest, with accuracies a reader knows at its ticks, no two of them close.
    fn axis(&self, label: &str) -> Axis {
        let whole = [0.0, 20.0, 50.0, 70.0, 80.0, 90.0, 95.0, 97.0, 98.0, 99.0];
        let whole = whole.map(|accuracy| (100.0 - accuracy, format!("{accuracy}")));
        let parts = (1..13_usize).flat_map(|k| {
            let error = move |m: f64| m * 10.0_f64.powi(-(k as i32));
            [5.0, 2.0, 1.0].map(|m| (error(m), format!("{:.k$}", 100.0 - error(m))))
        });
        let (from, to) = (1.1 * self.most, 0.85 * self.least);
        let mut ticks: Vec<(f64, String)> = Vec::new();
        for (error, accuracy) in whole.into_iter().chain(parts) {
            let apart = ticks.last().is_none_or(|t| (t.0 / error).ln() > (from / to).ln() / 9.0);
            if (to..=from).contains(&error) && apart {
                ticks.push((error, accuracy));
            }
        }
        Axis::log(label).ranging(from, to).at(ticks)
    }
}

fn tell(data: &Data) -> Result<crate::Told> {
    let caption = "Accuracy of each method against the part of its weights that is 0, with confidence intervals where the data have them."
        .to_owned();
    let mut statements = Vec::new();
    for panel in data.panels() {
        // At the largest sparsity that all curves reach: each at its first point there or beyond, for a point before it would
        // be compared with less work done. Where a line breaks there is nothing to compare.
        let known = |c: &Curve| {
            let points = c.x.iter().copied().zip(c.y.iter().copied());
            points.filter(|p| !p.1.is_nan()).collect::<Vec<(f64, f64)>>()
        };
        let curves: Vec<(&Curve, Vec<(f64, f64)>)> =
            data.panel(panel).map(|c| (c, known(c))).filter(|c| !c.1.is_empty()).collect();
        let reached = |points: &[(f64, f64)]| points.iter().map(|p| p.0).fold(0.0, f64::max);
        let common = curves.iter().map(|c| reached(&c.1)).fold(1.0, f64::min);
        let at = |points: &[(f64, f64)]| {
            let there = points.iter().filter(|p| p.0 >= common);
            there.min_by(|p, q| p.0.total_cmp(&q.0)).map_or(f64::NAN, |p| p.1)
        };
        let mut ranked: Vec<(&Curve, f64)> = curves.iter().map(|c| (c.0, at(&c.1))).collect();
        ranked.sort_by(|p, q| q.1.total_cmp(&p.1));
        if let [first, second, ..] = ranked[..] {
            let place = if panel.is_empty() { String::new() } else { format!("{panel}: ") };
            statements.push(Statement::toolkit(
                &format!(
                    "{place}at {:.2} % sparsity, or the first beyond, {} is most accurate on average",
                    100.0 * common,
                    first.0.series
                ),
                first.1 > second.1,
                measured([
                    (first.0.series.as_str(), first.1),
                    (second.0.series.as_str(), second.1),
                ]),
            ));
        }
    }
    Ok((caption, statements))
}

#[cfg(test)]
mod tests {
    use mirrorflow::experiment::Curve;

    use super::{Errors, ticks};

    /// What stands at the ticks are sparsities, never what is kept.
    #[test]
    fn every_range_has_sparsities_at_its_ticks() {
        let labels =
            |least: f64, most: f64| ticks(least, most).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(labels(0.1, 0.1), ["89.5", "90", "90.5"]);
        assert_eq!(labels(0.15, 0.2), ["80", "85"]);
        assert_eq!(labels(0.01, 1.0), ["0", "50", "80", "90", "95", "98", "99"]);
        for kept in [1.0, 0.9, 0.123, 1e-3, 1e-5, 1.2e-9] {
            let found = ticks(kept, kept);
            assert!((2..8).contains(&found.len()), "{found:?}");
            for (place, label) in found {
                let sparsity: f64 = label.parse().unwrap_or(f64::NAN);
                assert!((100.0 * (1.0 - place) - sparsity).abs() < 1e-9, "{label}");
            }
        }
    }

    #[test]
    fn small_errors_have_accuracies_at_their_ticks() {
        let curve = Curve::new("any", vec![0.0, 0.9], vec![99.99995, 99.999]);
        let errors = Errors::of([curve].iter()).expect("errors a factor of 20 apart");
        let ticks = errors.axis("").ticks.unwrap_or_default();
        assert!(ticks.len() > 1 && ticks.iter().any(|t| t.1 == "99.9998"), "{ticks:?}");
    }

    #[test]
    fn accuracies_far_apart_are_shown_by_their_errors() {
        let curve = |y: [f64; 2]| Curve::new("any", vec![0.0, 0.9], y.to_vec());
        // Near each other, or without an error at all (of which a log scale knows nothing): as they are.
        for near in [[97.0, 95.0], [100.0, 20.0]] {
            assert!(Errors::of([curve(near)].iter()).is_none());
        }
        let far =
            Curve { band: Some((vec![97.0, -80.0], vec![103.0, 60.0])), ..curve([98.0, 20.0]) };
        let errors = Errors::of([far.clone()].iter()).expect("errors of 2 and 80");
        let shown = errors.curve(far);
        assert_eq!(shown.y, [2.0, 80.0]);
        // The band's lower edge is the error at its upper one; what lies beyond 100 % ends at half the least error.
        assert_eq!(shown.band, Some((vec![1.0, 40.0], vec![3.0, 160.0])));
    }
}

//! Axes: scales, and ticks where a reader expects them.
//!
//! They are coordinates of plotters of our own. Its logarithmic axis labels powers of ten alone and its linear one decimals
//! alone, while these choose among 1, 2 and 5 times a power by the room there is, and write powers as such.

use std::ops::Range;

use super::{backend::pixels, chart::FRAME};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scale {
    #[default]
    Linear,
    Log,
}

/// An axis as a figure asks for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    /// From the values where absent; `from > to` reverses the axis.
    pub(crate) range: Option<(f64, f64)>,
    /// Chosen ticks in place of computed ones.
    pub(crate) ticks: Option<Vec<(f64, String)>>,
    /// No value is larger, and no tick says so.
    pub(crate) most: Option<f64>,
}

impl Axis {
    pub(crate) fn linear(label: &str) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    pub(crate) fn log(label: &str) -> Self {
        Self { label: label.into(), scale: Scale::Log, ..Self::default() }
    }

    pub(crate) fn ranging(self, from: f64, to: f64) -> Self {
        Self { range: Some((from, to)), ..self }
    }

    pub(crate) fn at(self, ticks: Vec<(f64, String)>) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    pub(crate) fn up_to(self, most: f64) -> Self {
        Self { most: Some(most), ..self }
    }

    /// With the range that these values would give it: one scale for panels that are compared.
    pub(crate) fn holding(self, values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = self.natural(values);
        self.ranging(from, to)
    }

    /// Whether a value has a place on this scale.
    fn usable(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }

    /// The range of values that choose none.
    fn natural(&self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (mut low, mut high) = values
            .filter(|v| self.usable(*v))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = if self.scale == Scale::Log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        match self.scale {
            Scale::Log => {
                // A single value stands in the middle of its decade.
                let margin = if high > low { 0.04 * (high / low).ln().max(0.5) } else { 1.0 };
                let edge = |v: f64| v.clamp(f64::MIN_POSITIVE, f64::MAX);
                (edge(low * (-margin).exp()), edge(high * margin.exp()))
            }
            Scale::Linear => {
                // A single value stands in the middle of its neighbourhood.
                let margin = match high {
                    _ if high > low => 0.04 * (high - low),
                    0.0 => 1.0,
                    _ => 0.05 * high.abs(),
                };
                // An axis of amounts begins at 0.
                (if low >= 0.0 && low < 0.25 * high { 0.0 } else { low - margin }, high + margin)
            }
        }
    }

    /// With a range that holds these values, and ticks at most about this many.
    pub(crate) fn fit(&self, values: impl Iterator<Item = f64>, most: usize) -> Fitted {
        // A range chosen from values that have none on this scale, or one only, is no range.
        let chosen =
            self.range.filter(|(from, to)| self.usable(*from) && self.usable(*to) && from != to);
        let (from, to) = chosen.unwrap_or_else(|| self.natural(values));
        let (small, large) = (from.min(to), from.max(to));
        let (mut ticks, minor) = match (&self.ticks, self.scale) {
            (Some(ticks), _) => (ticks.clone(), Vec::new()),
            (None, Scale::Linear) => linear(small, large, most),
            (None, Scale::Log) => log(small, large, most),
        };
        ticks.retain(|t| self.most.is_none_or(|most| t.0 <= most));
        Fitted { scale: self.scale, from, to, ticks, minor }
    }
}

/// An axis with its range and ticks.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    scale: Scale,
    from: f64,
    to: f64,
    /// Value and label.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) minor: Vec<f64>,
}

impl Fitted {
    /// The place of a value, 0 at the start of the axis and 1 at its end; `None` where it has none.
    fn place(&self, value: f64) -> Option<f64> {
        let place = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log if value > 0.0 => (value / self.from).ln() / (self.to / self.from).ln(),
            // Far below everything, so that a line leaves the panel.
            Scale::Log if value == 0.0 => OUTSIDE,
            Scale::Log => return None,
        };
        // Finite even for wild values; the panel clips.
        place.is_finite().then(|| place.clamp(OUTSIDE, 1.0 - OUTSIDE))
    }

    /// Its first value.
    pub(crate) fn start(&self) -> f64 {
        self.from
    }

    /// Whether a value has a place.
    pub(crate) fn has(&self, value: f64) -> bool {
        self.place(value).is_some()
    }

    /// Whether a value has one on the axis.
    pub(crate) fn shows(&self, value: f64) -> bool {
        self.place(value).is_some_and(|place| (-1e-6..=1.0 + 1e-6).contains(&place))
    }
}

/// A place far outside of the axis.
const OUTSIDE: f64 = -5.0;

impl Ranged for Fitted {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let place = self.place(*value).unwrap_or(OUTSIDE);
        start + (f64::from(end - start) * place).round() as i32
    }

    /// The ticks; the smaller ones are drawn as ticks and have no line across the panel.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|tick| tick.0).filter(|value| self.shows(*value)).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }

    /// The horizontal one begins under the foot of the vertical one, so that their corner is filled.
    fn axis_pixel_range(&self, (start, end): (i32, i32)) -> Range<i32> {
        if start < end { start - pixels(0.5 * FRAME.width)..end } else { end..start }
    }
}

impl ValueFormatter<f64> for Fitted {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == *value);
        tick.map_or_else(String::new, |tick| tick.1.clone())
    }
}

/// Ticks with their labels, and smaller ones without.
type Ticks = (Vec<(f64, String)>, Vec<f64>);

/// Multiples of 1, 2 or 5 times a power of ten; large and small ones in units of a power of ten.
fn linear(from: f64, to: f64, most: usize) -> Ticks {
    let size = from.abs().max(to.abs());
    if size == 0.0 || !size.is_normal() || (1e-4..1e7).contains(&size) {
        return multiples(from, to, most);
    }
    in_units(from, to, most, size.log10().floor() as i32)
}

fn multiples(from: f64, to: f64, most: usize) -> Ticks {
    let rough = (to - from) / most.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough).unwrap_or(10.0);
    if !step.is_normal() {
        return (Vec::new(), Vec::new());
    }
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((from / step - 1e-9).ceil() as i64, (to / step + 1e-9).floor() as i64);
    let label = |k: i64| format!("{:.digits$}", k as f64 * step).replace('-', "−");
    ((first..=last).map(|k| (k as f64 * step, label(k))).collect(), Vec::new())
}

/// Powers of ten, every one or every few of them; with few decades also 2 and 5 times them.
fn log(from: f64, to: f64, most: usize) -> Ticks {
    let (low, high) = (from.log10(), to.log10());
    let (first, last) = ((low - 1e-9).ceil() as i64, (high + 1e-9).floor() as i64);
    let count = (last - first + 1).max(0) as usize;
    let power = |k: i64| (10f64.powi(k as i32), label(k));
    let inside = |v: &f64| *v >= from * (1.0 - 1e-9) && *v <= to * (1.0 + 1e-9);
    let between = |k: i64| (2..10).map(move |m| f64::from(m) * 10f64.powi(k as i32));
    if count < 3 {
        let ticks = (first - 1..=last).flat_map(|k| {
            [1, 2, 5].map(|m| {
                let value = f64::from(m) * 10f64.powi(k as i32);
                (
                    value,
                    if (-3..4).contains(&k) {
                        plain(value)
                    } else {
                        format!("${m}\\cdot 10^{{{k}}}$")
                    },
                )
            })
        });
        let ticks: Vec<_> = ticks.filter(|t| inside(&t.0)).collect();
        if ticks.len() < 2 {
            return narrow(from, to, most);
        }
        let minor = (first - 1..=last).flat_map(between).filter(inside).collect();
        return (ticks, minor);
    }
    let every = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500]
        .into_iter()
        .find(|e| count.div_ceil(*e as usize) <= most.max(2))
        .unwrap_or(1000);
    let ticks = (first..=last).filter(|k| k.rem_euclid(every) == 0).map(power).collect();
    let minor = if every == 1 && count <= 8 {
        (first - 1..=last).flat_map(between).filter(inside).collect()
    } else if every <= 5 {
        (first..=last).map(|k| 10f64.powi(k as i32)).collect()
    } else {
        Vec::new()
    };
    (ticks, minor)
}

/// Ticks of a log axis that reaches from no 1, 2 or 5 to the next: those of a linear one, in units of its power of ten.
fn narrow(from: f64, to: f64, most: usize) -> Ticks {
    let k = from.log10().floor() as i32;
    if (-3..4).contains(&k) {
        return linear(from, to, most);
    }
    in_units(from, to, most, k)
}

/// Ticks in units of 10^k.
fn in_units(from: f64, to: f64, most: usize, k: i32) -> Ticks {
    let unit = 10f64.powi(k);
    let (ticks, minor) = multiples(from / unit, to / unit, most);
    let text = |label: &str| format!("${}\\cdot 10^{{{k}}}$", label.replace('−', "-"));
    let scaled =
        |(v, label): (f64, String)| (v * unit, if v == 0.0 { "0".into() } else { text(&label) });
    (ticks.into_iter().map(scaled).collect(), minor)
}

fn label(k: i64) -> String {
    match k {
        0 => "1".into(),
        1 => "10".into(),
        k => format!("$10^{{{k}}}$"),
    }
}

fn plain(value: f64) -> String {
    let digits = (-value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.fit(values.iter().copied(), 5).ticks.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        let linear = |low, high| labels(&Axis::linear("").ranging(low, high), &[]);
        assert_eq!(linear(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(linear(-3.0, 41.0), ["0", "10", "20", "30", "40"]);
        assert_eq!(linear(0.0, 1e6), ["0", "200000", "400000", "600000", "800000", "1000000"]);
        assert_eq!(linear(-3e99, 3e99), ["$-2\\cdot 10^{99}$", "0", "$2\\cdot 10^{99}$"]);
        assert_eq!(linear(0.0, 2e-9)[..2], ["0", "$0.5\\cdot 10^{-9}$"]);
        let log = |low, high| labels(&Axis::log("").ranging(low, high), &[]);
        assert_eq!(log(1e-3, 10.0), ["$10^{-3}$", "$10^{-2}$", "$10^{-1}$", "1", "10"]);
        assert_eq!(log(1e-20, 1.0), ["$10^{-20}$", "$10^{-15}$", "$10^{-10}$", "$10^{-5}$", "1"]);
        assert_eq!(log(0.3, 4.0), ["0.5", "1", "2"]);
        // Between two of these: never without a label.
        assert_eq!(log(0.21, 0.24), ["0.21", "0.22", "0.23", "0.24"]);
        assert_eq!(log(2.1e-7, 2.3e-7).first().map(String::as_str), Some("$2.10\\cdot 10^{-7}$"));
    }

    #[test]
    fn a_single_value_has_ticks_and_none_beyond_what_can_be() {
        for value in [100.0, 90.0, 0.0, -3.0, 1e-9, 2.3e12] {
            assert!(labels(&Axis::linear(""), &[value]).len() > 1, "{value}");
            assert!(value <= 0.0 || labels(&Axis::log(""), &[value]).len() > 1, "{value}");
        }
        assert_eq!(
            labels(&Axis::linear("").up_to(100.0), &[100.0]).last().map(|l| &**l),
            Some("100")
        );
    }

    #[test]
    fn every_value_has_a_place_inside() {
        for values in [vec![1.0, 5.0], vec![0.1, 0.2], vec![3.0], vec![-1.0, 1.0], vec![]] {
            for axis in [Axis::linear(""), Axis::log("")] {
                let fitted = axis.fit(values.iter().copied(), 5);
                for v in values.iter().filter(|v| **v > 0.0) {
                    let place = fitted.place(*v).expect("a place");
                    assert!((0.0..=1.0).contains(&place), "{v} at {place}");
                }
            }
        }
        for (from, to) in
            [(0.0, 0.0), (0.0, 1.0), (-2.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)]
        {
            let fitted = Axis::log("").ranging(from, to).fit([2.0, 3.0].into_iter(), 5);
            assert!(fitted.place(2.0).is_some_and(|p| (0.0..=1.0).contains(&p)), "{from} {to}");
        }
        for (low, high) in [(0.0, 5e-324), (-f64::MAX, f64::MAX), (1e300, 1.1e300), (5e-324, 1e308)]
        {
            for axis in [Axis::linear(""), Axis::log("")] {
                let fitted = axis.fit([low, high].into_iter(), 5);
                assert!(fitted.ticks.len() < 20, "{low} {high}");
                assert!(fitted.ticks.iter().all(|t| t.1.len() < 30), "{low} {high}");
            }
        }
        let reversed = Axis::linear("").ranging(4.0, -16.0).fit([].into_iter(), 5);
        assert_eq!(reversed.place(-16.0), Some(1.0));
    }
}

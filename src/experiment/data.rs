//! What a figure draws: curves by panel and series, with what made them.
//!
//! `y` may be NaN: the line breaks there. On disk: [`Data::write`] and [`Data::read`].

mod files;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Error, Result, VERSION};

/// One line of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The panel it is in; empty where there is one panel.
    pub panel: String,
    /// What it shows.
    pub series: String,
    /// Places, finite.
    pub x: Vec<f64>,
    /// Values, as long as `x`; NaN breaks the line.
    pub y: Vec<f64>,
    /// Lower and upper edge of the band around it, each as long as `x`.
    pub band: Option<(Vec<f64>, Vec<f64>)>,
}

impl Curve {
    /// A curve without a band, in the only panel.
    pub fn new(series: impl Into<String>, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { panel: String::new(), series: series.into(), x, y, band: None }
    }

    /// In this panel.
    pub fn in_panel(mut self, panel: impl Into<String>) -> Self {
        self.panel = panel.into();
        self
    }

    /// The last value.
    pub fn last(&self) -> f64 {
        self.y.last().copied().unwrap_or(f64::NAN)
    }

    /// The least value that is a number.
    pub fn least(&self) -> f64 {
        self.y.iter().copied().fold(f64::NAN, f64::min)
    }
}

/// All that a figure draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Name of the figure and of its files.
    pub figure: String,
    /// Version of the toolkit that made it; empty where something else did.
    pub version: String,
    /// The seed, where one was used.
    pub seed: Option<u64>,
    /// The constants of the experiment.
    pub config: Value,
    /// Numbers that no curve holds, by name.
    pub numbers: BTreeMap<String, f64>,
    /// The curves, in the order drawn.
    pub curves: Vec<Curve>,
}

impl Data {
    /// Nothing yet.
    pub fn new(figure: impl Into<String>, seed: Option<u64>, config: Value) -> Self {
        Self {
            figure: figure.into(),
            version: VERSION.into(),
            seed,
            config,
            numbers: BTreeMap::new(),
            curves: Vec::new(),
        }
    }

    /// The curve of a series in a panel.
    ///
    /// # Errors
    /// When there is none: the message lists what there is.
    pub fn curve(&self, panel: &str, series: &str) -> Result<&Curve> {
        self.curves.iter().find(|c| c.panel == panel && c.series == series).ok_or_else(|| {
            let there: Vec<String> =
                self.curves.iter().map(|c| format!("{}/{}", c.panel, c.series)).collect();
            Error::Domain {
                what: format!("data of figure {}", self.figure),
                expected: format!("a curve {panel}/{series}"),
                found: there.join(", "),
            }
        })
    }

    /// The curves of a panel, in order.
    pub fn panel<'a>(&'a self, panel: &'a str) -> impl Iterator<Item = &'a Curve> {
        self.curves.iter().filter(move |c| c.panel == panel)
    }

    /// The names of the panels, in order.
    pub fn panels(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for curve in &self.curves {
            if !names.contains(&curve.panel.as_str()) {
                names.push(&curve.panel);
            }
        }
        names
    }

    /// A number by name.
    ///
    /// # Errors
    /// When there is none.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.numbers.get(name).copied().ok_or_else(|| Error::Domain {
            what: format!("data of figure {}", self.figure),
            expected: format!("a number {name}"),
            found: format!("{:?}", self.numbers.keys().collect::<Vec<_>>()),
        })
    }

    /// Whether there are curves, each with points, all its arrays of one length and x finite.
    ///
    /// # Errors
    /// When not: which curve, and what is wrong with it.
    pub fn check(&self) -> Result<()> {
        let empty = |what: String| Error::Shape {
            what,
            expected: "one point or more".into(),
            found: "none".into(),
        };
        if self.curves.is_empty() {
            return Err(empty(format!("data of figure {}", self.figure)));
        }
        for curve in &self.curves {
            let n = curve.x.len();
            if n == 0 {
                return Err(empty(format!(
                    "curve {}/{} of {}",
                    curve.panel, curve.series, self.figure
                )));
            }
            let other =
                curve.band.as_ref().map_or(curve.y.len(), |b| b.0.len().min(b.1.len()).min(n));
            if curve.y.len() != n || other != n {
                return Err(Error::Shape {
                    what: format!("curve {}/{} of {}", curve.panel, curve.series, self.figure),
                    expected: format!("y, low and high as long as x, {n}"),
                    found: format!("{} and {other}", curve.y.len()),
                });
            }
            if let Some(k) = curve.x.iter().position(|v| !v.is_finite()) {
                return Err(Error::NotFinite {
                    what: format!("x of curve {}/{}", curve.panel, curve.series),
                    index: k.to_string(),
                    value: curve.x[k],
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;

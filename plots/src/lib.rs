//! Figures fit for a paper, drawn from saved data.
//!
//! Each figure is a function of a [`Data`] alone: it never simulates, so the same file gives the same bytes.
//! `draw` makes the picture, `tell` the caption and the statements that the data are checked against.
//!
//! ```
//! use mirrorflow::experiment::{Lab, Size, all};
//! use mirrorflow_plots::{Column, find};
//!
//! let experiment = all().iter().find(|e| e.name == "fig1c").unwrap();
//! let data = Lab::new(Size::Quick, 0).run(experiment)?;
//! let picture = find("fig1c")?.picture(&data, Some(Column::One))?;
//! assert!(picture.drawing.svg().starts_with("<svg"));
//! assert!(picture.statements.iter().all(|s| s.holds));
//! # Ok::<(), mirrorflow::Error>(())
//! ```

mod drawing;
mod figures;
mod page;
mod statement;
mod style;

use std::path::{Path, PathBuf};

use mirrorflow::{Error, Result, experiment::Data, io::write_atomically};

pub use drawing::Drawing;
pub use page::{Gallery, fragment, gallery};
pub use statement::{Source, Statement};
pub use style::{Column, page_style, plain::plain};

use style::sheet::Sheet;

/// A caption and its statements.
type Told = (String, Vec<Statement>);

/// A figure.
pub struct Figure {
    /// Name of the figure and of its files.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Whether the toolkit simulates its data; otherwise the data come from a file.
    pub simulated: bool,
    draw: fn(&Data) -> Result<Sheet>,
    tell: fn(&Data) -> Result<Told>,
}

/// A figure drawn from data.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Name of the figure and of its files.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The picture.
    pub drawing: Drawing,
    /// The same in one column, for a narrow screen, where the picture is two columns wide by its own choice.
    pub narrow: Option<Drawing>,
    /// What is to be seen, with mathematics between dollars.
    pub caption: String,
    /// What was checked on the data.
    pub statements: Vec<Statement>,
    /// Seed of the data, where one was used.
    pub seed: Option<u64>,
    /// Version that made the data; empty where something else did.
    pub version: String,
    /// Constants of the experiment.
    pub config: serde_json::Value,
    /// Whether the toolkit simulates the data.
    pub simulated: bool,
}

/// All figures: those of the paper, the toolkit's own, those of data files.
pub fn all() -> &'static [Figure] {
    figures::ALL
}

/// The figure of this name, without regard to case and punctuation: `Fig. 1a` is `fig1a`.
///
/// ```
/// use mirrorflow_plots::find;
/// assert_eq!(find("Fig. 1a")?.name, "fig1a");
/// assert_eq!(find("L1 path")?.name, "l1-path");
/// assert!(find("fig9").is_err());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When there is none: the message lists the names.
pub fn find(name: &str) -> Result<&'static Figure> {
    let key = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = key(name);
    all().iter().find(|f| key(f.name) == wanted).ok_or_else(|| Error::Domain {
        what: "the name of a figure".into(),
        expected: format!("one of {}", all().iter().map(|f| f.name).collect::<Vec<_>>().join(", ")),
        found: name.into(),
    })
}

/// Whether a name can be drawn: the font has all its characters.
///
/// ```
/// use mirrorflow_plots::check_label;
/// assert!(check_label("a series", "ours, $\\beta = 1$").is_ok());
/// assert!(check_label("a series", "網").is_err_and(|e| e.to_string().contains("U+7DB2")));
/// ```
///
/// # Errors
/// When it has not: `what` the name is, and the first such character.
pub fn check_label(what: &str, label: &str) -> Result<()> {
    match style::text::lacking(label) {
        None => Ok(()),
        Some(c) => Err(Error::Domain {
            what: format!("{what}, {label:?},"),
            expected: "Latin, Greek and mathematical characters, which the figures' font has"
                .into(),
            found: format!("a name with {c:?} (U+{:04X})", u32::from(c)),
        }),
    }
}

/// The largest number that is drawn.
const LARGEST: f64 = 1e100;

impl Figure {
    /// A figure whose data the toolkit simulates.
    const fn simulated(
        name: &'static str,
        title: &'static str,
        draw: fn(&Data) -> Result<Sheet>,
        tell: fn(&Data) -> Result<Told>,
    ) -> Self {
        Self { name, title, simulated: true, draw, tell }
    }

    /// A figure whose data come from a file.
    const fn from_file(
        name: &'static str,
        title: &'static str,
        draw: fn(&Data) -> Result<Sheet>,
        tell: fn(&Data) -> Result<Told>,
    ) -> Self {
        Self { name, title, simulated: false, draw, tell }
    }

    /// What is simulated has a value everywhere; in a data file NaN breaks a line. Names can be drawn, and so can
    /// numbers whose squares and products still are some.
    fn check(&self, data: &Data) -> Result<()> {
        data.check()?;
        for curve in &data.curves {
            check_label(&format!("a series of {}", self.name), &curve.series)?;
            check_label(&format!("a panel of {}", self.name), &curve.panel)?;
            let wrong = |y: &f64| y.is_infinite() || self.simulated && y.is_nan();
            if let Some(k) = curve.y.iter().position(wrong) {
                return Err(Error::NotFinite {
                    what: format!("y of curve {}/{} of {}", curve.panel, curve.series, self.name),
                    index: k.to_string(),
                    value: curve.y[k],
                });
            }
            let band = curve.band.iter().flat_map(|(low, high)| [("low", low), ("high", high)]);
            for (axis, values) in [("x", &curve.x), ("y", &curve.y)].into_iter().chain(band) {
                if let Some(k) = values.iter().position(|v| v.abs() > LARGEST) {
                    return Err(Error::Domain {
                        what: format!(
                            "{axis}[{k}] of {} in the data of {}",
                            curve.series, self.name
                        ),
                        expected: format!("a number of at most {LARGEST:e} in size"),
                        found: format!("{:e}", values[k]),
                    });
                }
            }
        }
        Ok(())
    }

    /// Draws the figure, in the width it is made for unless told otherwise.
    ///
    /// # Errors
    /// When the data lack a curve or a number the figure needs, or have a value that is not finite.
    pub fn picture(&self, data: &Data, column: Option<Column>) -> Result<Picture> {
        self.check(data)?;
        let sheet = (self.draw)(data)?;
        let (caption, statements) = (self.tell)(data)?;
        let narrow = (column.is_none() && sheet.column == Column::Two)
            .then(|| sheet.draw(&format!("{}-narrow", self.name), self.title, Column::One))
            .transpose()?;
        Ok(Picture {
            name: self.name.into(),
            title: self.title.into(),
            drawing: sheet.draw(self.name, self.title, column.unwrap_or(sheet.column))?,
            narrow,
            caption,
            statements,
            seed: data.seed,
            version: data.version.clone(),
            config: data.config.clone(),
            simulated: self.simulated,
        })
    }
}

impl Picture {
    /// Writes `NAME.svg`, `NAME.pdf` and `NAME.png` into `folder`; each appears whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written, or the drawing is too large for a PNG.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let svg = self.drawing.standalone().into_bytes();
        let files = [("svg", svg), ("pdf", self.drawing.pdf()?), ("png", self.drawing.png()?)];
        let mut written = Vec::new();
        for (ending, bytes) in files {
            let path = folder.join(format!("{}.{ending}", self.name));
            write_atomically(&path, &bytes)?;
            written.push(path);
        }
        Ok(written)
    }
}

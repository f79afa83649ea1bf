//! The data of a figure on disk, twice the same numbers:
//!
//! | `NAME.npz` | length | | `NAME.csv` |
//! |---|---|---|---|
//! | `curve` | N, which curve a point belongs to, from 0 | | `panel,series` |
//! | `x`, `y` | N | | `x`, `y` |
//! | `low`, `high` | N, NaN where a curve has no band | | `low`, `high`, empty where there is none |
//! | `meta` | JSON: `figure`, `version`, `seed`, `config`, `numbers`, `curves` (panel, series) | | the same JSON after `# ` in the first line |
//!
//! A CSV from elsewhere needs the columns `series`, `x` and `y` only. `y` may be NaN: the line breaks there.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Curve, Data};
use crate::io::npz;
use crate::io::npz::{Array, Writer};
use crate::io::write_atomically;
use crate::{Error, Result};

#[derive(Serialize, Deserialize)]
struct Meta {
    figure: String,
    version: String,
    seed: Option<u64>,
    config: Value,
    numbers: BTreeMap<String, Option<f64>>,
    curves: Vec<Label>,
}

#[derive(Serialize, Deserialize, PartialEq, Clone)]
struct Label {
    panel: String,
    series: String,
}

impl Data {
    /// Writes `NAME.npz` and `NAME.csv` into `folder`.
    ///
    /// ```
    /// use mirrorflow::experiment::{Curve, Data};
    ///
    /// let mut data = Data::new("mine", Some(7), serde_json::json!({ "d": 2 }));
    /// data.curves.push(Curve::new("loss", vec![0.0, 1.0], vec![1.0, 0.1]));
    /// let folder = tempfile::tempdir().unwrap();
    /// data.write(folder.path())?;
    /// assert_eq!(Data::read(folder.path(), "mine")?, data);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a curve's arrays differ in length, or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.check()?;
        let meta = self.meta()?;
        write_atomically(folder.join(format!("{}.csv", self.figure)), self.csv(&meta).as_bytes())?;
        let mut columns = [const { Vec::new() }; 4];
        let mut which = Vec::new();
        for (k, curve) in self.curves.iter().enumerate() {
            which.extend(std::iter::repeat_n(k as i64, curve.x.len()));
            let none = || vec![f64::NAN; curve.x.len()];
            let (low, high) = curve.band.clone().unwrap_or_else(|| (none(), none()));
            for (to, from) in columns.iter_mut().zip([&curve.x, &curve.y, &low, &high]) {
                to.extend_from_slice(from);
            }
        }
        let mut out = Writer::create(folder.join(format!("{}.npz", self.figure)))?;
        out.i64("curve", &[which.len()], &which)?;
        for (name, column) in ["x", "y", "low", "high"].into_iter().zip(&columns) {
            out.f64(name, &[column.len()], column)?;
        }
        out.text("meta", &meta)?;
        out.finish()
    }

    pub(super) fn meta(&self) -> Result<String> {
        let label = |c: &Curve| Label { panel: c.panel.clone(), series: c.series.clone() };
        let numbers = self.numbers.iter().map(|(k, v)| (k.clone(), v.is_finite().then_some(*v)));
        serde_json::to_string(&Meta {
            figure: self.figure.clone(),
            version: self.version.clone(),
            seed: self.seed,
            config: self.config.clone(),
            numbers: numbers.collect(),
            curves: self.curves.iter().map(label).collect(),
        })
        .map_err(|e| Error::Domain {
            what: format!("what made {}", self.figure),
            expected: "JSON".into(),
            found: e.to_string(),
        })
    }

    pub(super) fn csv(&self, meta: &str) -> String {
        let mut out = format!("# {meta}\npanel,series,x,y,low,high\n");
        let quoted = |text: &str| {
            // A row that begins with # would be a remark.
            if text.contains([',', '"', '\n']) || text.starts_with('#') {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        for curve in &self.curves {
            let labels = format!("{},{}", quoted(&curve.panel), quoted(&curve.series));
            for k in 0..curve.x.len() {
                let band = match &curve.band {
                    Some((low, high)) => format!("{:?},{:?}", low[k], high[k]),
                    None => ",".into(),
                };
                out.push_str(&format!("{labels},{:?},{:?},{band}\n", curve.x[k], curve.y[k]));
            }
        }
        out
    }

    /// Reads `figure` from `folder`: the `.npz` where there is one, else the `.csv`.
    ///
    /// # Errors
    /// When there is neither file, or it is not as the module describes.
    pub fn read(folder: &Path, figure: &str) -> Result<Self> {
        let [npz, csv] = ["npz", "csv"].map(|e| folder.join(format!("{figure}.{e}")));
        if npz.is_file() {
            return Self::from_npz(&npz, figure);
        }
        if csv.is_file() {
            let text = fs::read_to_string(&csv)
                .map_err(|e| Error::File { path: csv.clone(), why: e.to_string() })?;
            return Self::from_csv(&text, figure, &csv);
        }
        Err(Error::File {
            path: folder.to_owned(),
            why: format!("holds neither {figure}.npz nor {figure}.csv"),
        })
    }

    fn from_npz(path: &Path, figure: &str) -> Result<Self> {
        let wrong = |why: String| Error::File { path: path.to_owned(), why };
        let arrays = npz::read_arrays(path)?;
        let get = |name: &str| {
            arrays.get(name).ok_or_else(|| wrong(format!("has no array {name:?}: no figure data")))
        };
        let meta = get("meta")?.as_text().and_then(|t| t.first().cloned()).unwrap_or_default();
        let meta: Meta = serde_json::from_str(&meta)
            .map_err(|e| wrong(format!("array \"meta\" is not the JSON of figure data: {e}")))?;
        let which = get("curve")?
            .as_i64()
            .ok_or_else(|| wrong("array \"curve\" does not hold whole numbers".into()))?;
        let column = |name: &str| {
            let array: &Array = get(name)?;
            let (found, expected) = (&array.shape, which.len());
            array.as_f64().filter(|v| v.len() == expected).ok_or_else(|| {
                wrong(format!(
                    "array {name:?} is {found:?}, expected {expected} real numbers as in \"curve\""
                ))
            })
        };
        let (x, y, low, high) = (column("x")?, column("y")?, column("low")?, column("high")?);
        let mut curves: Vec<Curve> = meta
            .curves
            .iter()
            .map(|l| Curve::new(&l.series, Vec::new(), Vec::new()).in_panel(&l.panel))
            .collect();
        for (k, &c) in which.iter().enumerate() {
            let count = curves.len();
            let curve =
                usize::try_from(c).ok().and_then(|c| curves.get_mut(c)).ok_or_else(|| {
                    wrong(format!("array \"curve\" has {c} at {k}, expected 0 to {count} - 1"))
                })?;
            push(curve, [x[k], y[k], low[k], high[k]]);
        }
        Self::assemble(meta, curves, figure)
    }

    fn from_csv(text: &str, figure: &str, path: &Path) -> Result<Self> {
        let wrong = |line: u64, why: String| Error::File {
            path: path.to_owned(),
            why: format!("line {line} {why}"),
        };
        // What `write` puts there, other than a remark of a user.
        let own =
            text.lines().next().and_then(|l| l.strip_prefix("# ")).filter(|l| l.starts_with('{'));
        let meta = match own {
            Some(json) => {
                let meta: Meta = serde_json::from_str(json)
                    .map_err(|e| wrong(1, format!("is not the JSON of figure data: {e}")))?;
                if !text.ends_with('\n') {
                    return Err(wrong(
                        text.lines().count() as u64,
                        "ends too early: the file is cut".into(),
                    ));
                }
                meta
            }
            None => Meta {
                figure: figure.into(),
                version: String::new(),
                seed: None,
                config: Value::Null,
                numbers: BTreeMap::new(),
                curves: Vec::new(),
            },
        };
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|e| wrong(1, e.to_string()))?.clone();
        let place = |name: &str| header.iter().position(|h| h == name);
        let must = |name: &str| {
            place(name).ok_or_else(|| {
                let found = header.iter().collect::<Vec<_>>().join(",");
                wrong(
                    1,
                    format!("has the columns {found}, expected panel,series,x,y,low,high (panel, low and high may be absent)"),
                )
            })
        };
        let (series, x, y) = (must("series")?, must("x")?, must("y")?);
        remarks(text, [x, y]).map_err(|line| {
            let why = "begins with #, as a remark does, but has numbers for x and y: put the name in quotation marks";
            wrong(line as u64, why.into())
        })?;
        let (panel, low, high) = (place("panel"), place("low"), place("high"));
        let mut curves: Vec<Curve> = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|e| {
                wrong(
                    e.position().map_or(0, csv::Position::line),
                    "is not a row of the table".into(),
                )
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            let number = |at: Option<usize>| match at.and_then(|k| row.get(k)) {
                None | Some("") => Ok(f64::NAN),
                Some(text) => text.parse::<f64>().map_err(|_| {
                    let name = at.and_then(|k| header.get(k)).unwrap_or_default();
                    wrong(line, format!("has {text:?} in the column {name}, expected a number"))
                }),
            };
            let panel = panel.and_then(|k| row.get(k)).unwrap_or_default();
            let series = row.get(series).unwrap_or_default();
            let point = [number(Some(x))?, number(Some(y))?, number(low)?, number(high)?];
            let last = curves.iter().rposition(|c| c.panel == panel && c.series == series);
            let at = last.unwrap_or_else(|| {
                curves.push(Curve::new(series, Vec::new(), Vec::new()).in_panel(panel));
                curves.len() - 1
            });
            push(&mut curves[at], point);
        }
        if curves.is_empty() {
            return Err(wrong(2, "is missing: there are no points".into()));
        }
        Self::assemble(meta, curves, figure)
    }

    fn assemble(meta: Meta, mut curves: Vec<Curve>, figure: &str) -> Result<Self> {
        for curve in &mut curves {
            let empty = |(low, high): &(Vec<f64>, Vec<f64>)| {
                low.iter().chain(high).all(|v: &f64| v.is_nan())
            };
            if curve.band.as_ref().is_some_and(empty) {
                curve.band = None;
            }
        }
        let numbers = meta.numbers.into_iter().map(|(k, v)| (k, v.unwrap_or(f64::NAN))).collect();
        let data = Self {
            figure: figure.into(),
            version: meta.version,
            seed: meta.seed,
            config: meta.config,
            numbers,
            curves,
        };
        data.check()?;
        Ok(data)
    }
}

/// Remarks are no rows: the number of a line below the heading that begins with # and has numbers in these columns.
fn remarks(text: &str, columns: [usize; 2]) -> std::result::Result<(), usize> {
    let lines = (1..).zip(text.lines());
    let mut below =
        lines.skip_while(|(_, line)| line.starts_with('#') || line.trim().is_empty()).skip(1);
    let number = |line: &str, column: usize| {
        line.split(',').nth(column).is_some_and(|v| v.trim().parse::<f64>().is_ok())
    };
    let row = |(_, line): &(usize, &str)| {
        line.starts_with('#') && columns.iter().all(|c| number(line, *c))
    };
    below.find(row).map_or(Ok(()), |(number, _)| Err(number))
}

fn push(curve: &mut Curve, [x, y, low, high]: [f64; 4]) {
    curve.x.push(x);
    curve.y.push(y);
    let band = curve.band.get_or_insert_default();
    band.0.push(low);
    band.1.push(high);
}

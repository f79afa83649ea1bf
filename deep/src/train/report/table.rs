//! The accuracy–sparsity table: what is left of the network at each density.

use mirrorflow::{Error, Result, io::write_atomically};
use std::path::Path;

/// One density.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Weights kept.
    pub kept: usize,
    /// Share of the weights that is 0.
    pub sparsity: f64,
    /// Accuracy on the validation images; NaN where there are none.
    pub validation: f64,
    /// Accuracy on the test images.
    pub test: f64,
}

impl Row {
    pub(in crate::train) fn bits(&self) -> [u64; 4] {
        let bits = f64::to_bits;
        [self.kept as u64, bits(self.sparsity), bits(self.validation), bits(self.test)]
    }

    pub(in crate::train) fn from_bits(bits: &[u64; 4]) -> Self {
        let number = |i: usize| f64::from_bits(bits[i]);
        Self { kept: bits[0] as usize, sparsity: number(1), validation: number(2), test: number(3) }
    }
}

/// The table in LaTeX, percentages to a hundredth.
///
/// ```
/// use mirrorflow_deep::train::{Row, latex};
/// let row = Row { kept: 20, sparsity: 0.8, validation: f64::NAN, test: 0.9 };
/// assert!(latex("pilot", &[row]).contains(r"80.00 & 20 & -- & 90.00 \\"));
/// ```
pub fn latex(method: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "% {method}\n\\begin{{tabular}}{{rrrr}}\n\\toprule\nsparsity [\\%] & weights & validation [\\%] & test [\\%] \\\\\n\\midrule\n"
    );
    let percent = |share: f64| {
        if share.is_nan() { "--".to_owned() } else { format!("{:.2}", 100.0 * share) }
    };
    for row in rows {
        let (sparsity, validation, test) =
            (percent(row.sparsity), percent(row.validation), percent(row.test));
        text.push_str(&format!("{sparsity} & {} & {validation} & {test} \\\\\n", row.kept));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

/// The first line of `sparsity.csv`.
const COLUMNS: &str = "kept,sparsity,validation,test";

/// `sparsity.csv` and `sparsity.tex` in a folder.
pub(in crate::train) fn write(folder: &Path, method: &str, rows: &[Row]) -> Result<()> {
    let mut csv = format!("{COLUMNS}\n");
    for row in rows {
        csv.push_str(&format!("{},{},{},{}\n", row.kept, row.sparsity, row.validation, row.test));
    }
    write_atomically(folder.join("sparsity.csv"), csv.as_bytes())?;
    write_atomically(folder.join("sparsity.tex"), latex(method, rows).as_bytes())
}

/// The rows of `sparsity.csv` in a folder, to the last bit: Rust prints the shortest digits that
/// give a number back.
pub(in crate::train) fn read(folder: &Path) -> Result<Vec<Row>> {
    let path = folder.join("sparsity.csv");
    let wrong = |why: String| Error::File { path: path.clone(), why };
    let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
    let row = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split(',').collect();
        let parsed = match fields[..] {
            [kept, sparsity, validation, test] => {
                let number = |t: &str| t.parse::<f64>().ok();
                kept.parse().ok().zip(number(sparsity)).zip(number(validation)).zip(number(test))
            }
            _ => None,
        };
        let row = parsed.map(|(((kept, sparsity), validation), test)| Row {
            kept,
            sparsity,
            validation,
            test,
        });
        row.ok_or_else(|| wrong(format!("line {} is not {COLUMNS}", number + 2)))
    };
    let mut lines = text.lines();
    if lines.next() != Some(COLUMNS) {
        return Err(wrong(format!("line 1 is not {COLUMNS}")));
    }
    lines.enumerate().map(row).collect()
}

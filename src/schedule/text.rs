//! The text form of a schedule: `none`, `constant:c`, `harmonic:c`, `quadratic:c`, `geometric:c,r`,
//! `switch:c,T`, `piecewise:t0=c0,t1=c1,…`. Writing and reading back is exact.

use std::fmt;
use std::str::FromStr;

use super::Schedule;
use crate::{Error, Result};

const FORMS: &str = "none, constant:c, harmonic:c, quadratic:c, geometric:c,r, switch:c,T or \
                     piecewise:t0=c0,t1=c1,...";

/// A number as the shortest text that reads back to the same bits.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-5..1e16).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "none"),
            Self::Constant { c } => write!(f, "constant:{}", Number(*c)),
            Self::Harmonic { c } => write!(f, "harmonic:{}", Number(*c)),
            Self::Quadratic { c } => write!(f, "quadratic:{}", Number(*c)),
            Self::Geometric { c, r } => write!(f, "geometric:{},{}", Number(*c), Number(*r)),
            Self::Switch { c, at } => write!(f, "switch:{},{}", Number(*c), Number(*at)),
            Self::Piecewise { pieces } => {
                write!(f, "piecewise:")?;
                for (k, (start, c)) in pieces.iter().enumerate() {
                    let comma = if k == 0 { "" } else { "," };
                    write!(f, "{comma}{}={}", Number(*start), Number(*c))?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    /// Reads one of the text forms. Spaces around numbers are allowed.
    ///
    /// # Errors
    /// When the form is unknown, a number is missing or malformed, or a parameter lies outside its
    /// domain ([`Schedule::check`]).
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| Error::Parse {
            what: "schedule".into(),
            text: text.chars().take(200).collect(),
            why,
        };
        let (kind, rest) = match text.trim().split_once(':') {
            Some((kind, rest)) => (kind.trim(), Some(rest)),
            None => (text.trim(), None),
        };
        let numbers = |names: &[&str]| -> std::result::Result<Vec<f64>, String> {
            let form = format!("{kind}:{}", names.join(","));
            let rest = rest.ok_or_else(|| format!("expected {form}"))?;
            let parts: Vec<&str> = rest.split(',').collect();
            if parts.len() != names.len() {
                let s = if parts.len() == 1 { "" } else { "s" };
                return Err(format!("expected {form}, found {} number{s}", parts.len()));
            }
            parts.iter().zip(names).map(|(part, name)| number(part, name)).collect()
        };
        let parsed = match kind {
            "none" if rest.is_none() => Ok(Self::None),
            "none" => Err("none takes no parameter".to_string()),
            "constant" => numbers(&["c"]).map(|v| Self::Constant { c: at(&v, 0) }),
            "harmonic" => numbers(&["c"]).map(|v| Self::Harmonic { c: at(&v, 0) }),
            "quadratic" => numbers(&["c"]).map(|v| Self::Quadratic { c: at(&v, 0) }),
            "geometric" => {
                numbers(&["c", "r"]).map(|v| Self::Geometric { c: at(&v, 0), r: at(&v, 1) })
            }
            "switch" => numbers(&["c", "T"]).map(|v| Self::Switch { c: at(&v, 0), at: at(&v, 1) }),
            "piecewise" => pieces(rest).map(|pieces| Self::Piecewise { pieces }),
            _ => Err(format!("expected {FORMS}")),
        };
        let schedule = parsed.map_err(wrong)?;
        schedule.check().map_err(|e| wrong(e.to_string()))?;
        Ok(schedule)
    }
}

fn at(values: &[f64], k: usize) -> f64 {
    // `numbers` has checked the count; NaN would be refused by `check`.
    values.get(k).copied().unwrap_or(f64::NAN)
}

fn number(text: &str, name: &str) -> std::result::Result<f64, String> {
    let text = text.trim();
    text.parse().map_err(|_| format!("{name} is {text:?}, expected a number"))
}

fn pieces(rest: Option<&str>) -> std::result::Result<Vec<(f64, f64)>, String> {
    let rest = rest.ok_or("expected piecewise:t0=c0,t1=c1,... with t0 = 0")?;
    rest.split(',')
        .enumerate()
        .map(|(k, piece)| {
            let (start, c) = piece
                .split_once('=')
                .ok_or_else(|| format!("piece {k} is {piece:?}, expected time=strength"))?;
            Ok((number(start, &format!("t{k}"))?, number(c, &format!("c{k}"))?))
        })
        .collect()
}

impl TryFrom<String> for Schedule {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

//! A counterexample proven: enclosures of two quantities that leave no room for a statement.

use std::fmt;

use mirrorflow::numerics::{exact::interval::Interval, written::written};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::Relation;

/// Enclosures of both sides by interval arithmetic, far enough apart that the statement is false of
/// the exact real numbers: a theorem, not a float.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Contains the left side.
    pub lhs: Interval,
    /// Contains the right side.
    pub rhs: Interval,
    /// What the two are enclosures of, as a reader knows them.
    pub of: [String; 2],
    /// How both were enclosed, in a sentence.
    pub how: String,
}

impl Proof {
    /// Two quantities by name with their enclosures.
    pub fn new(lhs: (&str, Interval), rhs: (&str, Interval), how: impl Into<String>) -> Self {
        let of = [lhs.0.to_owned(), rhs.0.to_owned()];
        Self { lhs: lhs.1, rhs: rhs.1, of, how: how.into() }
    }

    /// Whether the enclosures leave no room for `relation`.
    pub fn refutes(&self, relation: Relation) -> bool {
        let above = self.lhs.lo() > self.rhs.hi();
        match relation {
            Relation::AtMost => above,
            Relation::Equal => above || self.lhs.hi() < self.rhs.lo(),
        }
    }
}

impl fmt::Display for Proof {
    /// `p in [0.1, 0.2], q = 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lhs, rhs] = [self.lhs, self.rhs].map(outward);
        write!(f, "{} {lhs}, {} {rhs}", self.of[0], self.of[1])
    }
}

/// `in [0.1, 0.2]` in seven digits, rounded outwards so that it still encloses; `= 1` where it is one number.
pub(crate) fn outward(of: Interval) -> String {
    const DIGITS: usize = 7;
    if of.lo() == of.hi() && written(of.lo(), 17).len() <= DIGITS + 2 {
        return format!("= {}", written(of.lo(), 17));
    }
    let end = |value: f64, direction: f64| {
        let text = written(value, DIGITS);
        let off = text.parse::<f64>().is_ok_and(|read| (read - value) * direction < 0.0);
        // Half a unit of the last digit was rounded the wrong way: a whole unit more.
        if off {
            let unit = 10f64.powi(value.abs().log10().floor() as i32 + 1 - DIGITS as i32);
            written(value + direction * unit, DIGITS)
        } else {
            text
        }
    };
    format!("in [{}, {}]", end(of.lo(), -1.0), end(of.hi(), 1.0))
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Proof", 4)?;
        out.serialize_field("lhs", &[self.lhs.lo(), self.lhs.hi()])?;
        out.serialize_field("rhs", &[self.rhs.lo(), self.rhs.hi()])?;
        out.serialize_field("of", &self.of)?;
        out.serialize_field("how", &self.how)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_needs_enclosures_that_are_apart() {
        let proof = |lhs: f64, rhs: f64| {
            Proof::new(("p", Interval::around(lhs, 0.25)), ("q", Interval::around(rhs, 0.25)), "")
        };
        assert!(proof(2.0, 1.0).refutes(Relation::AtMost));
        assert!(!proof(1.0, 2.0).refutes(Relation::AtMost));
        assert!(proof(1.0, 2.0).refutes(Relation::Equal));
        assert!(!proof(1.0, 1.25).refutes(Relation::Equal));
    }

    #[test]
    fn enclosures_are_written_outwards() {
        let of = |lo: f64, hi: f64| outward(Interval::new(lo, hi).expect("in order"));
        assert_eq!(of(0.625_145_117_250_4, 0.625_145_117_250_5), "in [0.6251451, 0.6251452]");
        assert_eq!(of(-0.5, -0.5), "= -0.5");
        assert_eq!(of(0.0, 0.0), "= 0");
        for (lo, hi) in
            [(1.0 / 3.0, 1.0 / 3.0), (-2.0 / 3.0, 1e-300 / 3.0), (-7e8 / 9.0, 1e9 / 9.0)]
        {
            let text = of(lo, hi);
            let ends = text.trim_start_matches("in [").trim_end_matches(']');
            let (low, high) = ends.split_once(", ").expect("two ends");
            let [low, high] = [low, high].map(|t| t.parse::<f64>().expect("a number"));
            assert!(low <= lo && hi <= high, "{text} around [{lo:e}, {hi:e}]");
            assert!(
                low >= lo - 1.1e-6 * lo.abs() && high <= hi + 1.1e-6 * hi.abs(),
                "{text} is wide"
            );
        }
    }
}

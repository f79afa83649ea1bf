//! A small picture of a counterexample: both sides of the statement on one line.

use std::fmt::Write;

use crate::Counterexample;

const WIDTH: f64 = 480.0;
const MARGIN: f64 = 60.0;
const AXIS: f64 = 46.0;

/// Both sides as an SVG; empty where one is not finite.
pub(super) fn sides(found: &Counterexample) -> String {
    let (left, right) = (found.lhs, found.rhs);
    if !(left.is_finite() && right.is_finite()) || left == right {
        return String::new();
    }
    let (low, high) = (left.min(right).min(0.0), left.max(right).max(0.0));
    let place = |v: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * (v - low) / (high - low);
    let (l, r, zero) = (place(left), place(right), place(0.0));
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} 92\" role=\"img\" aria-label=\"left side {}, right side {}\">",
        short(left),
        short(right)
    );
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{AXIS}\" y2=\"{AXIS}\"/>\
         <line class=\"axis\" x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{}\" y2=\"{}\"/>\
         <line class=\"gap\" x1=\"{l:.1}\" x2=\"{r:.1}\" y1=\"{AXIS}\" y2=\"{AXIS}\"/>",
        MARGIN * 0.5,
        WIDTH - MARGIN * 0.5,
        AXIS - 5.0,
        AXIS + 5.0,
    );
    // The left side is named above the line and the right side below: they cannot run into each other.
    for (class, x, y, name, value) in [
        ("left", l, AXIS - 26.0, "left side", left),
        ("right", r, AXIS + 22.0, "right side", right),
    ] {
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{AXIS}\" r=\"5\"/>\
             <text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\" class=\"small\">{name}</text>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            y + 14.0,
            short(value),
        );
    }
    if right != 0.0 && (r - zero).abs() > 60.0 {
        let y = AXIS + 19.0;
        let _ = write!(
            out,
            "<text x=\"{zero:.1}\" y=\"{y}\" text-anchor=\"middle\" class=\"small\">0</text>"
        );
    }
    out.push_str("</svg>");
    out
}

/// Four digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let digits = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::{short, sides};
    use crate::Counterexample;

    fn found(lhs: f64, rhs: f64) -> Counterexample {
        Counterexample {
            instance: String::new(),
            data: serde_json::Value::Null,
            by_hand: String::new(),
            lhs,
            rhs,
            proof: None,
            found: "",
        }
    }

    #[test]
    fn both_sides_lie_inside_the_picture() {
        for (lhs, rhs) in [(0.24, 0.0), (-1.0, -0.5), (3e5, -2e-9), (1.0, 1.0 + 1e-12)] {
            let svg = sides(&found(lhs, rhs));
            for part in svg.split("cx=\"").skip(1) {
                let x: f64 = part.split('"').next().and_then(|t| t.parse().ok()).expect("a number");
                assert!((50.0..=430.0).contains(&x), "{x}");
            }
        }
        assert_eq!(sides(&found(f64::NAN, 1.0)), "");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            ["0", "0.2407", "1.234e-7", "837.3"],
            [0.0, 0.2407, 1.234e-7, 837.329].map(short).each_ref().map(String::as_str)
        );
    }
}

//! A small picture of a counterexample: both sides of the statement on one line.

use std::fmt::Write;

use mirrorflow::numerics::written::written;

use super::{mathml::escape, text};
use crate::Counterexample;

const WIDTH: f64 = 480.0;
const MARGIN: f64 = 60.0;
const AXIS: f64 = 46.0;
/// How wide a letter of a name is, about.
const LETTER: f64 = 6.3;

/// Both sides as an SVG; empty where one is not finite.
pub(super) fn sides(found: &Counterexample) -> String {
    let (left, right) = (found.lhs, found.rhs);
    if !(left.is_finite() && right.is_finite()) || left == right {
        return String::new();
    }
    let (low, high) = (left.min(right).min(0.0), left.max(right).max(0.0));
    let place = |v: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * (v - low) / (high - low);
    let names = found.of.map(|name| escape(&text::render(name)));
    let (l, r, zero) = (place(left), place(right), place(0.0));
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} 92\" role=\"img\" aria-label=\"{}: {}, {}: {}\">",
        names[0],
        short(left),
        names[1],
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
    // One side is named above the line and the other below: they cannot run into each other.
    let half = |text: &str| 0.5 * LETTER * text.chars().count() as f64;
    let within = |x: f64, half: f64| x.clamp(half.min(0.5 * WIDTH), WIDTH - half.min(0.5 * WIDTH));
    for (class, x, y, name, value) in
        [("left", l, AXIS - 26.0, &names[0], left), ("right", r, AXIS + 22.0, &names[1], right)]
    {
        let (at, value) = (within(x, half(name)), short(value));
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{AXIS}\" r=\"5\"/>\
             <text x=\"{at:.1}\" y=\"{y}\" text-anchor=\"middle\" class=\"small\">{name}</text>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{value}</text>",
            y + 14.0,
        );
    }
    if right != 0.0 && (within(r, half(&names[1])) - zero).abs() > half(&names[1]) + 10.0 {
        let y = AXIS + 19.0;
        let _ = write!(
            out,
            "<text x=\"{zero:.1}\" y=\"{y}\" text-anchor=\"middle\" class=\"small\">0</text>"
        );
    }
    out.push_str("</svg>");
    out
}

fn short(value: f64) -> String {
    written(value, 4)
}

#[cfg(test)]
mod tests {
    use super::sides;
    use crate::Counterexample;

    fn found(lhs: f64, rhs: f64) -> Counterexample {
        Counterexample {
            instance: String::new(),
            data: serde_json::Value::Null,
            by_hand: String::new(),
            lhs,
            rhs,
            of: ["the distance of what is compared, with a long name", "what it must be"],
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
            // The names are those of the quantities, and begin and end inside too.
            for name in found(lhs, rhs).of {
                let place = svg.split("<text x=\"").find(|t| t.contains(name)).expect("named");
                let x: f64 =
                    place.split('"').next().and_then(|t| t.parse().ok()).expect("a number");
                let half = 0.5 * 6.0 * name.chars().count() as f64;
                assert!(x >= half && x + half <= 480.0, "{name} at {x}");
            }
        }
        assert_eq!(sides(&found(f64::NAN, 1.0)), "");
    }
}

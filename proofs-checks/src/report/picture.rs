//! A small picture of a counterexample: both sides of the statement on one line, and below it what they are.

use std::fmt::Write;

use mirrorflow::numerics::written::written;

use super::{
    mathml::{escape, render},
    text,
};
use crate::Counterexample;

const WIDTH: f64 = 480.0;
const MARGIN: f64 = 60.0;
const AXIS: f64 = 36.0;

/// Both sides as an SVG with its legend; empty where one is not finite.
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
        "<svg viewBox=\"0 0 {WIDTH} 76\" role=\"img\" aria-label=\"{}: {}, {}: {}\">",
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
    // One number stands above the line and the other below: they cannot run into each other.
    for (class, x, y, value) in [("left", l, AXIS - 14.0, left), ("right", r, AXIS + 24.0, right)] {
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{AXIS}\" r=\"5\"/>\
             <text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            short(value),
        );
    }
    if right != 0.0 && (r - zero).abs() > 40.0 {
        let y = AXIS + 24.0;
        let _ = write!(
            out,
            "<text x=\"{zero:.1}\" y=\"{y}\" text-anchor=\"middle\" class=\"small\">0</text>"
        );
    }
    out.push_str("</svg>");
    // The names are set as the text is: with their mathematics, in a size that does not shrink with the picture.
    for (class, name, value) in [("left", found.of[0], left), ("right", found.of[1], right)] {
        let (name, value) = (render(name), short(value));
        let _ =
            write!(out, "<p class=\"side\"><span class=\"{class}\">●</span> {name}: {value}</p>");
    }
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
            // The names are those of the quantities, in the color of their points.
            for (class, name) in ["left", "right"].iter().zip(found(lhs, rhs).of) {
                let entry = format!("<span class=\"{class}\">●</span> {name}: ");
                assert!(svg.contains(&entry), "{svg}");
            }
        }
        let typeset = Counterexample { of: ["R_{a_t}(x)", "0"], ..found(0.5, 0.0) };
        let svg = sides(&typeset);
        assert!(svg.contains("R_(a_t)(x): 0.5\"") || svg.contains("R_(a_t)(x): 0.5,"), "{svg}");
        assert!(svg.contains("<msub><mi>R</mi>") && !svg.contains("_{"), "{svg}");
        assert_eq!(sides(&found(f64::NAN, 1.0)), "");
    }
}

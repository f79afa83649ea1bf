//! A title within the width of its panel.

use mirrorflow::experiment::label::{Part, parts};

use super::SIZE;
use crate::drawing::Canvas;

/// From the baseline of one line of a title to that of the next.
pub(super) const HEADING: f64 = 1.2 * SIZE;

/// A title in lines no wider than this, broken after a colon before anywhere else, and the size of its letters: smaller where a
/// word alone is wider.
pub(super) fn heading(title: &str, width: f64) -> (Vec<String>, f64) {
    if title.is_empty() {
        return (Vec::new(), SIZE);
    }
    if Canvas::width(title, SIZE) <= width {
        return (vec![title.to_owned()], SIZE);
    }
    let words = words(title);
    let widest = words.iter().map(|w| Canvas::width(w, SIZE)).fold(0.0, f64::max);
    let size = if widest > width { SIZE * width / widest } else { SIZE };
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let longer = lines.last().filter(|line| !line.ends_with(':'));
        let longer = longer.map(|line| format!("{line} {word}"));
        match longer.filter(|line| Canvas::width(line, size) <= width) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(word.to_owned()),
        }
    }
    (lines, size)
}

/// A label as its words: pieces between spaces, those of mathematics whole.
fn words(label: &str) -> Vec<&str> {
    // Parts are slices of the label: where they are tells which spaces stand in mathematics.
    let from = |part: &str| part.as_ptr() as usize - label.as_ptr() as usize;
    let parts = parts(label);
    let inside = |at: usize| {
        parts.iter().any(|part| match part {
            Part::Text(_) => false,
            Part::Math(inner) => (from(inner)..from(inner) + inner.len()).contains(&at),
        })
    };
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in label.match_indices(' ').filter(|(at, _)| !inside(*at)) {
        words.push(&label[start..at]);
        start = at + 1;
    }
    words.push(&label[start..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{Canvas, heading, words};

    /// A dollar that begins no mathematics holds no words together.
    #[test]
    fn words_are_whole_in_mathematics_alone() {
        assert_eq!(words("spot at $5 an  hour"), ["spot", "at", "$5", "an", "hour"]);
        assert_eq!(words("at $5, $a - b$ é"), ["at", "$5,", "$a - b$", "é"]);
        assert_eq!(words("\\$5 or $x y$"), ["\\$5", "or", "$x y$"]);
        assert!(words(" ").is_empty());
    }

    #[test]
    fn titles_stay_within_their_panels() {
        let long = "other parameterizations: strength $\\alpha = 1$ at 99 %";
        for width in [400.0, 130.0, 80.0, 30.0, 9.0] {
            for title in [long, "one", "", "Donaudampfschifffahrtsgesellschaft"] {
                let (lines, size) = heading(title, width);
                assert_eq!(lines.join(" "), title);
                assert!(
                    lines.iter().all(|l| Canvas::width(l, size) <= width * (1.0 + 1e-9)),
                    "{lines:?} in {width}"
                );
                assert!(lines.iter().all(|l| l.matches('$').count() % 2 == 0), "{lines:?}");
            }
        }
        assert_eq!(heading(long, 400.0).0.len(), 1);
        let title = "other: strength at 99 %";
        let narrow = Canvas::width(title, super::SIZE) - 1.0;
        assert_eq!(heading(title, narrow).0, ["other:", "strength at 99 %"]);
    }
}

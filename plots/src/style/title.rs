//! A title within the width of its panel.

use super::{SIZE, canvas::Canvas, text::words};

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

#[cfg(test)]
mod tests {
    use super::{Canvas, heading};

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

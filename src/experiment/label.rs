//! The name of a curve or a method: text, and mathematics between dollars.
//!
//! A dollar begins mathematics where the next one ends it: no space on the inner side of either, no digit after the second
//! (`$5 to $10` costs money, `$x_5$` is an entry), no words between them (`$5 to 6$`), and behind a digit nothing that may as well
//! be money (`5$/h`, `5$-6$`). Every other dollar is a dollar, and so is `\$`.

/// A piece of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text as it is.
    Text(&'a str),
    /// What stood between two dollars.
    Math(&'a str),
}

/// The pieces of a label, none of them empty.
///
/// ```
/// use mirrorflow::experiment::label::{Part, parts};
/// assert_eq!(parts("ours, $m$"), [Part::Text("ours, "), Part::Math("m")]);
/// assert_eq!(parts("spot at $5 an hour"), [Part::Text("spot at $5 an hour")]);
/// ```
pub fn parts(label: &str) -> Vec<Part<'_>> {
    let (mut all, mut start, mut from) = (Vec::new(), 0, 0);
    while let Some(at) = label[from..].find('$').map(|k| from + k) {
        from = at + 1;
        if label[start..at].ends_with('\\') {
            all.push(Part::Text(&label[start..at - 1]));
            start = at;
            continue;
        }
        let Some(end) = label[from..].find('$').map(|k| from + k) else { break };
        if is_mathematics(&label[start..at], &label[from..end], &label[end + 1..]) {
            all.extend([Part::Text(&label[start..at]), Part::Math(&label[from..end])]);
            (start, from) = (end + 1, end + 1);
        }
    }
    all.push(Part::Text(&label[start..]));
    all.retain(|part| *part != Part::Text(""));
    all
}

fn is_mathematics(before: &str, inner: &str, after: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let closed = !edge(inner.chars().next()) && !edge(inner.chars().next_back());
    let digit = |c: char| c.is_ascii_digit();
    let symbol = |c: char| c.is_alphabetic() || matches!(c, '\\' | '^' | '_');
    let amount =
        before.ends_with(digit) && (inner.contains(char::is_whitespace) || !inner.contains(symbol));
    let text = inner.starts_with(['/', ',', '.', ';', ':', ')']) || has_words(inner);
    closed && !inner.ends_with('\\') && !after.starts_with(digit) && !amount && !text
}

/// Whether there are words of text: two letters or more that stand alone, outside braces, and are no command.
fn has_words(inner: &str) -> bool {
    let mut depth = 0_i32;
    inner.split_whitespace().count() > 1
        && inner.split_whitespace().any(|word| {
            let outside = depth <= 0;
            depth += word.matches('{').count() as i32 - word.matches('}').count() as i32;
            outside && word.len() > 1 && word.chars().all(char::is_alphabetic)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Part::{Math, Text},
        parts,
    };

    #[test]
    fn a_dollar_that_ends_nothing_is_a_dollar() {
        for lone in ["$", "$$", "US$ 5", "$5 to $10", "5 $", "$ x $", "$x", "$5-$10", "a $5, b $6"]
        {
            assert_eq!(parts(lone), [Text(lone)], "{lone}");
        }
        for money in ["5$/h and 6$/h", "$5 to 6$", "from $5 an hour to 6$", "5$-6$", "5$,6$"] {
            assert_eq!(parts(money), [Text(money)], "{money}");
        }
        assert_eq!(parts("10$^{-3}$"), [Text("10"), Math("^{-3}")]);
        assert_eq!(parts("3$\\sigma$, 2$x$"), [Text("3"), Math("\\sigma"), Text(", 2"), Math("x")]);
        assert_eq!(parts("$a \\odot b_{no word} = \\max x$").len(), 1);
        let money = "at $5, rate ";
        assert_eq!(parts("at $5, rate $\\lambda$"), [Text(money), Math("\\lambda")]);
        assert_eq!(parts("\\$5$x$"), [Text("$5"), Math("x")]);
        assert_eq!(parts("$a$$b$"), [Math("a"), Math("b")]);
        assert_eq!(parts(""), []);
    }

    proptest! {
        /// Nothing is lost but the dollars of mathematics and the backslashes before others.
        #[test]
        fn all_of_a_label_is_in_its_parts(label in "[a$ 5\\\\é]{0,12}") {
            let whole: String = parts(&label)
                .iter()
                .map(|part| match part {
                    Text(text) => text.replace('$', "\\$"),
                    Math(inner) => format!("${inner}$"),
                })
                .collect();
            let bare = |text: &str| text.replace("\\$", "$").replace('\\', "");
            prop_assert_eq!(bare(&whole), bare(&label));
        }
    }
}

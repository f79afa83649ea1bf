//! The label of a method as a field of a CSV file and as LaTeX.

use mirrorflow::experiment::label::{Part, parts};

/// A field of a CSV file, in quotation marks where it needs them.
pub(crate) fn field(label: &str) -> String {
    if label.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", label.replace('"', "\"\""));
    }
    label.into()
}

/// LaTeX: mathematics between dollars stays as it is, of all else what TeX would take for its own
/// is escaped.
pub(crate) fn latex(label: &str) -> String {
    let escaped = |text: &str| {
        let special = |c: char| match c {
            '&' | '%' | '#' | '_' | '{' | '}' | '$' => format!("\\{c}"),
            '\\' => "\\textbackslash{}".into(),
            '^' => "\\textasciicircum{}".into(),
            '~' => "\\textasciitilde{}".into(),
            // A line break would end a comment, two of them a row.
            '\n' | '\r' => " ".into(),
            c => c.to_string(),
        };
        text.chars().map(special).collect::<String>()
    };
    let part = |part: Part<'_>| match part {
        Part::Text(text) => escaped(text),
        Part::Math(inner) => format!("${inner}$"),
    };
    parts(label).into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::{field, latex};

    #[test]
    fn fields_survive_what_separates_them() {
        assert_eq!(field("L1 on m"), "L1 on m");
        assert_eq!(field("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(field("a\nb"), "\"a\nb\"");
    }

    #[test]
    fn tex_takes_nothing_for_its_own() {
        assert_eq!(latex("50 % & m_w"), "50 \\% \\& m\\_w");
        assert_eq!(latex("$m \\odot w$, a_1"), "$m \\odot w$, a\\_1");
        assert_eq!(latex("for 5 $ {x}"), "for 5 \\$ \\{x\\}");
        assert_eq!(latex("a\\b^~"), "a\\textbackslash{}b\\textasciicircum{}\\textasciitilde{}");
    }
}

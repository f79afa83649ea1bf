//! Labels as they are set and as HTML.

use super::{html, lacking, set};

#[test]
fn mathematics_is_italic_with_scripts() {
    let done = set("$\\|x_k - x^*\\|_2$");
    let text: String = done.runs.iter().map(|r| r.text.as_str()).collect();
    assert_eq!(text, "‖𝑥𝑘−𝑥∗‖2");
    let small: Vec<&str> =
        done.runs.iter().filter(|r| r.size < 1.0).map(|r| r.text.as_str()).collect();
    assert_eq!(small, ["𝑘", "∗", "2"]);
    assert!(done.runs.iter().any(|r| r.text == "∗" && r.y > 0.0));
    assert!(done.runs.iter().any(|r| r.text == "2" && r.y < 0.0));
}

#[test]
fn both_scripts_stand_over_each_other() {
    let done = set("$x_i^2$");
    assert_eq!(done.runs[1].x, done.runs[2].x);
}

#[test]
fn a_sign_is_no_operator() {
    assert!(set("$-1$").width < set("$a-1$").width - set("$a$").width - 0.4);
}

#[test]
fn widths_are_sums_of_advances() {
    let (one, two) = (set("PILoT"), set("PILoTPILoT"));
    assert!((2.0 * one.width - two.width).abs() < 1e-12);
    assert_eq!(one.runs.len(), 1);
}

#[test]
fn unknown_characters_and_open_ends_are_survived() {
    assert_eq!(set("網").runs[0].text, "?");
    for odd in ["$", "$x_", "$x^{a", "$}", "\\", "$\\", "$\\mathrm{a", "${{{", "$_$"] {
        let _ = set(odd);
    }
    for deep in ["{", "^{", "_{a^{"] {
        let _ = set(&format!("${}$", deep.repeat(100_000)));
    }
}

#[test]
fn what_the_font_lacks_is_found() {
    for known in ["spot at $5 an hour", "Größe, $\\beta = 1$", "10⁻³ at L₁", "a\u{a0}µ"] {
        assert_eq!(lacking(known), None, "{known}");
    }
    for (unknown, c) in [("網", '網'), ("$x_š$", 'š'), ("a\tb", '\t')] {
        assert_eq!(lacking(unknown), Some(c));
    }
}

#[test]
fn raised_digits_are_scripts() {
    let found = set("10⁻³");
    assert_eq!(found.runs.len(), 2);
    assert!(found.runs[1].text == "−3" && found.runs[1].y > 0.0);
}

#[test]
fn a_lone_dollar_is_a_dollar() {
    let text: String = set("spot at $5 an hour").runs.iter().map(|r| &*r.text).collect();
    assert_eq!(text, "spot at $5 an hour");
    assert_eq!(html("spot at $5 an hour"), "spot at $5 an hour");
}

#[test]
fn html_has_scripts_and_entities() {
    let found = html("a < $x_1$");
    assert_eq!(found, "a &lt; <span class=\"math\">𝑥<sub>1</sub></span>");
}

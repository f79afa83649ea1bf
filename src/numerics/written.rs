//! Numbers as people read them: so many significant digits and no more, with a power of ten where
//! the number is far from 1. `f64`'s own text of `1e-300` has 302 characters.

/// `value` with at most `digits` significant digits (1 to 17), without trailing zeros; a power of
/// ten below 1e-4 and from 1e6 on (or from `10^digits`, where that is more).
///
/// ```
/// use mirrorflow::numerics::written::written;
/// assert_eq!(written(0.25, 4), "0.25");
/// assert_eq!(written(1.62e-10, 6), "1.62e-10");
/// assert_eq!(written(-1.0 / 3.0 * 1e300, 4), "-3.333e299");
/// ```
pub fn written(value: f64, digits: usize) -> String {
    if value == 0.0 {
        // −0 is 0 to a reader.
        return "0".into();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let digits = digits.clamp(1, 17);
    let rounded = format!("{value:.*e}", digits - 1);
    // Of the rounded number: 9.9996 has the exponent 1 in four digits.
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..digits.max(6) as i32).contains(&exponent) => {
            let places = (digits as i32 - 1 - exponent).max(0) as usize;
            trimmed(&format!("{value:.places$}")).to_owned()
        }
        _ => format!("{}e{exponent}", trimmed(mantissa)),
    }
}

/// Without zeros at the end of its decimals.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::written;

    #[test]
    fn numbers_near_one_are_plain_and_others_have_a_power_of_ten() {
        for (value, digits, text) in [
            (0.0, 3, "0"),
            (-0.0, 3, "0"),
            (1.0, 12, "1"),
            (0.1 + 0.2, 12, "0.3"),
            (766_686_666.667, 12, "766686666.667"),
            (9.9996, 4, "10"),
            (123_456.0, 3, "123456"),
            (1e6, 3, "1e6"),
            (0.000_123_45, 3, "0.000123"),
            (0.000_012_345, 3, "1.23e-5"),
            (5e-324, 4, "4.941e-324"),
            (f64::MAX, 4, "1.798e308"),
            (f64::INFINITY, 4, "inf"),
            (f64::NAN, 4, "NaN"),
        ] {
            assert_eq!(written(value, digits), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_short_and_as_near_as_its_digits(bits in any::<u64>(), digits in 1_usize..=17) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = written(value, digits);
            prop_assert!(text.len() <= digits.max(6) + 8, "{text}");
            let back: f64 = text.parse().expect("a number");
            // Half a unit of the last digit, and the rounding of what is read back.
            let digit = 0.5001 * 10f64.powi(1 - digits as i32);
            let allowed = (digit + f64::EPSILON) * value.abs() + 5e-324;
            prop_assert!((back - value).abs() <= allowed || back.is_infinite(), "{value:e}: {text}");
        }
    }
}

//! Numbers as they are written against numbers as they are held.

use regorus::Value;

/// A number without its sign, taken apart: what stands before the point, behind it, and behind the `e` without a sign.
/// Whether these are digits is not looked at.
pub(super) fn parts(unsigned: &str) -> (&str, Option<&str>, Option<&str>) {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction), exponent),
        None => (mantissa, None, exponent),
    }
}

/// The value of a text that is a number in JSON, and one that can be computed with.
pub(super) fn of_json(text: &str) -> Option<Value> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction, exponent) = parts(unsigned);
    let is_number = digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits);
    if !is_number {
        return None;
    }
    if fraction.is_none()
        && exponent.is_none()
        && let Some(value) = integer(text)
    {
        return Some(value);
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(super::float)
}

/// An integer of 64 bits.
pub(super) fn integer(text: &str) -> Option<Value> {
    text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<i64>().map(Value::from)).ok()
}

/// Whether the text of a number says more than 64 bits hold: an integer that is beyond them, or decimals of which the
/// nearest floating-point number keeps fewer than are written.
///
/// Seventeen digits, as many programs print any floating-point number, are no loss: they lead back to the same one.
pub(super) fn is_inexact(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    let Some(at) = digits.find(['.', 'e', 'E']) else {
        return digits.len() > 18 && text.parse::<i64>().is_err() && text.parse::<u64>().is_err();
    };
    let mantissa = if digits.as_bytes()[at] == b'.' { digits.split(['e', 'E']).next() } else { Some(&digits[..at]) };
    let written = significant(mantissa.unwrap_or_default());
    let Ok(value) = text.parse::<f64>() else { return false };
    if written.len() <= 15 && (value.is_normal() || written.is_empty()) {
        return false;
    }
    // No floating-point number has more digits than these, even if all of them are written.
    written.len() > 767
        || significant(mantissa_of(&format!("{:.*e}", written.len().max(1) - 1, value.abs()))) != written
}

/// The digits that matter.
fn significant(mantissa: &str) -> String {
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

fn mantissa_of(scientific: &str) -> &str {
    scientific.split('e').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_as_it_is_written_is_exact() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "9223372036854775808",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1.50",
            "-0.25",
            "1e3",
            "1E+300",
            "0.0",
            "0e5",
            "0.2899999999999991",
            "2.2055555555555557",
            "0.10000000000000001",
            "1795219317.799",
            "0.1000000000000000055511151231257827021181583404541015625",
            "1e22",
            "100000000000000000000.5e-1",
        ] {
            let text = text.trim();
            let expected = text.starts_with("1000000000000000000");
            assert_eq!(is_inexact(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_a_number_where_json_says_so() {
        for text in ["0", "-0", "7", "-7", "18446744073709551615", "0.5", "1e3", "1E+3", "-1.50e-3", "1e400", "12e45"] {
            let read = serde_json::from_str::<f64>(text).ok();
            assert_eq!(of_json(text).and_then(|value| value.to_string().parse().ok()), read, "{text}");
        }
        for text in [
            "", "-", "007", "-01", "+1", ".5", "1.", "1e", "1e+", "1.e3", "0x1f", "1_000", "1,5", " 1", "1 ", "NaN",
            "١",
        ] {
            assert_eq!(of_json(text), None, "{text}");
            assert!(text.trim() != text || serde_json::from_str::<f64>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_loses_digits_is_not() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
            "0.12345678901234567890",
            "1234567890123456789.0",
            "1.000000000000000000001",
            "1e-400",
            "5.5e-324",
            "9007199254740993.0",
        ] {
            assert!(is_inexact(text), "{text}");
        }
        assert!(is_inexact(&format!("0.{}", "123".repeat(1000))));
    }
}

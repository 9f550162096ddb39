//! Words, numbers and values of a message.

use std::fmt::Write;

use crate::model::{Age, Json};

/// `1 violation`, `2 violations`.
pub(crate) fn count(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A ratio without the noise of binary fractions: 0.04 and not 0.040000000000000036.
pub(crate) fn ratio(ratio: f64) -> f64 {
    const DIGITS: f64 = 1e9;
    if ratio.abs() < 1e6 { (ratio * DIGITS).round() / DIGITS } else { ratio }
}

/// A ratio as a person says it: `4 %`, `22.5 %`.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = (ratio * 1000.0).round() / 10.0;
    if percent == 0.0 && ratio > 0.0 { "under 0.1 %".to_owned() } else { format!("{} %", percent + 0.0) }
}

/// An age: `1 h old`. A time to come has none.
pub(crate) fn old(seconds: Option<i64>) -> String {
    match seconds.map(u64::try_from) {
        Some(Ok(seconds)) => format!("{} old", Age::from_seconds(seconds)),
        Some(Err(_)) => "in the future".to_owned(),
        None => "age not known".to_owned(),
    }
}

/// A value on one line, as a policy would write it.
pub(crate) fn value(value: &Json) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Json, text: &mut String) {
    match value {
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write_value(item, text);
            }
            text.push(']');
        }
        Json::Object(entries) => {
            text.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write_value(&Json::from(key.as_str()), text);
                text.push_str(": ");
                write_value(item, text);
            }
            text.push('}');
        }
        scalar => _ = write!(text, "{scalar}"),
    }
}

/// Text of at most `limit` characters, cut in the middle with its length.
pub(crate) fn cut(text: &str, limit: usize, ellipsis: &str) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let tail = limit / 4;
    let head: String = text.chars().take(limit - tail).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}{ellipsis}{tail} ({length} characters)")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_as_a_person_says_them() {
        let said = [0.04, 0.225, (5.0 - 4.8) / 5.0, 0.0, 0.000_1, -0.3, 1.0].map(percent);
        assert_eq!(said, ["4 %", "22.5 %", "4 %", "0 %", "under 0.1 %", "-30 %", "100 %"]);
        assert_eq!([count(1_usize, "fact"), count(0_u64, "fact")], ["1 fact", "0 facts"]);
        assert!((ratio((5.0 - 4.8) / 5.0) - 0.04).abs() < f64::EPSILON);
    }

    #[test]
    fn ages_as_a_person_says_them() {
        assert_eq!([old(Some(3600)), old(Some(-1)), old(None)], ["1 h old", "in the future", "age not known"]);
    }

    #[test]
    fn values_on_one_line() {
        let nested = json!({"b": ["x", 1, null], "a": {"c": "\n"}});
        assert_eq!(value(&nested), r#"{"a": {"c": "\n"}, "b": ["x", 1, null]}"#);
        assert_eq!(cut("abcdefghij", 8, "…"), "abcdef…ij (10 characters)");
        assert_eq!(cut("日本語", 3, "…"), "日本語");
    }
}

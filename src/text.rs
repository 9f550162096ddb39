//! Words, numbers and values of a message.

use std::fmt::Write;

use crate::{
    model::{Age, Json},
    source::escape,
};

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

/// A factor as a person says it: `2.5`, `10`.
pub(crate) fn tenths(factor: f64) -> String {
    format!("{}", (factor * 10.0).round() / 10.0)
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

/// What stands where something was left out.
pub(crate) const ELLIPSIS: &str = "…";

/// Text for one line of a message: harmless, and where it has more than `limit` characters, cut in the middle with
/// its length.
pub(crate) fn cut(text: &str, limit: usize, ellipsis: &str) -> String {
    cut_between("", text, limit, ellipsis, |part| escape(part).into_owned())
}

/// What people named, in backticks; cut as by [`cut`].
pub(crate) fn quoted(name: &str, limit: usize) -> String {
    cut_between("`", name, limit, ELLIPSIS, |part| escape(part).into_owned())
}

/// A value as by [`value`], text in quotes; cut as by [`cut`].
pub(crate) fn cut_value(of: &Json, limit: usize, ellipsis: &str) -> String {
    match of {
        Json::String(text) => cut_text(text, limit, ellipsis),
        other => cut(&value(other), limit, ellipsis),
    }
}

/// Text that is a value, in quotes; cut as by [`cut`].
pub(crate) fn cut_text(text: &str, limit: usize, ellipsis: &str) -> String {
    cut_between("\"", text, limit, ellipsis, |part| {
        let json = Json::from(part).to_string();
        escape(&json[1..json.len() - 1]).into_owned()
    })
}

/// The length is that of the text itself, and nothing is cut within what stands for one character of it.
fn cut_between(quote: &str, text: &str, limit: usize, ellipsis: &str, written: impl Fn(&str) -> String) -> String {
    if text.char_indices().nth(limit).is_none() {
        return format!("{quote}{}{quote}", written(text));
    }
    let tail = limit / 4;
    let begin = text.char_indices().nth(limit - tail).map_or(text.len(), |(at, _)| at);
    let end = if tail == 0 { text.len() } else { text.char_indices().nth_back(tail - 1).map_or(0, |(at, _)| at) };
    let (head, tail) = (written(&text[..begin]), written(&text[end..]));
    format!("{quote}{head}{ellipsis}{tail}{quote} ({} characters)", grouped(text.chars().count()))
}

/// A whole number with its digits in groups: 12,345.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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
    }

    #[test]
    fn what_is_long_is_cut_in_the_middle_with_its_length() {
        assert_eq!(cut("abcdefghij", 8, ELLIPSIS), "abcdef…ij (10 characters)");
        assert_eq!(cut("abcdefghij", 3, "..."), "abc... (10 characters)");
        assert_eq!(cut("日本語", 3, ELLIPSIS), "日本語");
        assert_eq!(cut("", 0, ELLIPSIS), "");
        assert_eq!(quoted("shop\n", 60), "`shop\\n`");
        assert_eq!(quoted(&"é".repeat(12_345), 4), "`ééé…é` (12,345 characters)");
        let long = format!("{}\u{9b}\"", "a\"".repeat(500));
        assert_eq!(cut_value(&Json::from(&*long), 8, ELLIPSIS), r#""a\"a\"a\"…\u{9b}\"" (1,002 characters)"#);
        assert_eq!(cut_value(&Json::from("\n"), 8, ELLIPSIS), r#""\n""#);
        assert_eq!(cut_value(&json!([1, 2, 3, 4]), 8, ELLIPSIS), "[1, 2,…4] (12 characters)");
    }

    #[test]
    fn digits_stand_in_groups() {
        let written = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}

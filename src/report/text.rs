//! Words, numbers and values of a message, for every format that people read.

use std::fmt::Write;

use crate::{
    model::{Age, Json},
    source::is_unsafe,
};

/// `1 violation`, `2 violations`.
pub(super) fn count(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A ratio without the noise of binary fractions: 0.04 and not 0.040000000000000036.
pub(super) fn ratio(ratio: f64) -> f64 {
    const DIGITS: f64 = 1e9;
    if ratio.abs() < 1e6 { (ratio * DIGITS).round() / DIGITS } else { ratio }
}

/// A ratio as a person says it: `4 %`, `22.5 %`.
pub(super) fn percent(ratio: f64) -> String {
    let percent = (ratio * 1000.0).round() / 10.0;
    if percent == 0.0 && ratio > 0.0 { "under 0.1 %".to_owned() } else { format!("{} %", percent + 0.0) }
}

/// An age: `1 h old`. A time to come has none.
pub(super) fn old(seconds: Option<i64>) -> String {
    match seconds.map(u64::try_from) {
        Some(Ok(seconds)) => format!("{} old", Age::from_seconds(seconds)),
        Some(Err(_)) => "in the future".to_owned(),
        None => "age not known".to_owned(),
    }
}

/// A value on one line, as a policy would write it.
pub(super) fn value(value: &Json) -> String {
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
pub(super) fn cut(text: &str, limit: usize, ellipsis: &str) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let tail = limit / 4;
    let head: String = text.chars().take(limit - tail).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}{ellipsis}{tail} ({length} characters)")
}

/// Whether a build log would take what stands here for a command: `##[…]` of GitHub, `##vso[…]` of Azure.
fn is_log_command(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("##") else { return false };
    rest.starts_with('[') || rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("vso["))
}

/// JSON in which nothing stands that a terminal or a build log acts upon. Only strings hold such characters, so their
/// escapes mean the same.
pub(super) fn escape_json(json: &str) -> String {
    // Nearly all of a report is harmless ASCII, of which whole runs are copied.
    let is_harmless = |byte: u8| matches!(byte, b'\n' | b' '..=b'~') && byte != b'#';
    let mut escaped = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.bytes().position(|byte| !is_harmless(byte)) {
        let (run, doubtful) = rest.split_at(at);
        escaped.push_str(run);
        let mut chars = doubtful.chars();
        let Some(c) = chars.next() else { break };
        if is_unsafe(c) || c == '#' && is_log_command(doubtful) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
        rest = chars.as_str();
    }
    escaped.push_str(rest);
    escaped
}

/// One line for a terminal that may be a build log: a backslash keeps `::error` at its start, and `##[…]` anywhere,
/// from being taken for commands. Whatever stands in front of it that shows nothing does not protect.
pub(super) fn quiet_line(line: &str) -> String {
    let mut quiet = String::with_capacity(line.len());
    let mut rest = line;
    loop {
        let blank = rest.len() - rest.trim_start().len();
        let style = rest[blank..].strip_prefix("\u{1b}[").and_then(|style| style.find('m')).map_or(0, |end| end + 3);
        let (lead, after) = rest.split_at(blank + style);
        quiet.push_str(lead);
        rest = after;
        if lead.is_empty() {
            break;
        }
    }
    if rest.starts_with("::") {
        quiet.push('\\');
    }
    for (at, c) in rest.char_indices() {
        quiet.push(c);
        if c == '#' && is_log_command(&rest[at..]) {
            quiet.push('\\');
        }
    }
    quiet
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
        assert_eq!([old(Some(3600)), old(Some(-1)), old(None)], ["1 h old", "in the future", "age not known"]);
        assert!((ratio((5.0 - 4.8) / 5.0) - 0.04).abs() < f64::EPSILON);
    }

    #[test]
    fn values_on_one_line() {
        let nested = json!({"b": ["x", 1, null], "a": {"c": "\n"}});
        assert_eq!(value(&nested), r#"{"a": {"c": "\n"}, "b": ["x", 1, null]}"#);
        assert_eq!(cut("abcdefghij", 8, "…"), "abcdef…ij (10 characters)");
        assert_eq!(cut("日本語", 3, "…"), "日本語");
    }

    #[test]
    fn no_build_log_takes_text_for_a_command() {
        for (line, quiet) in [
            ("::error::x", "\\::error::x"),
            ("  \t::error::x", "  \t\\::error::x"),
            ("\u{1b}[31m \u{1b}[1m::add-mask::x", "\u{1b}[31m \u{1b}[1m\\::add-mask::x"),
            ("a ::error", "a ::error"),
            ("a ##VSO[task]", "a #\\#VSO[task]"),
            ("a ###[group]", "a ##\\#[group]"),
            ("## Heading", "## Heading"),
        ] {
            assert_eq!(quiet_line(line), quiet);
        }
        assert_eq!(escape_json("\"\u{9b}\u{e0041}##[x]# \u{202e}\""), r#""\u009b\udb40\udc41\u0023#[x]# \u202e""#);
    }
}

//! Text in which no terminal and no build log sees a command.

use std::fmt::Write;

use crate::source::is_unsafe;

/// Whether a build log would take what stands here for a command: `##[…]` of GitHub, `##vso[…]` of Azure.
fn is_log_command(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("##") else { return false };
    rest.starts_with('[') || rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("vso["))
}

/// JSON in which nothing stands that a terminal or a build log acts upon. Only strings hold such characters, so their
/// escapes mean the same.
#[must_use]
pub fn escape_json(json: &str) -> String {
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
#[must_use]
pub fn quiet_line(line: &str) -> String {
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
    use super::*;

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

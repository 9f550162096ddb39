//! A page of text for a terminal: inks, marks, wrapping with a hanging indent.
//!
//! Whatever is written on it has been made harmless by [`Look::text`] or [`Look::value`]; the page itself sees to it that
//! no line of it is a command to a build log.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Look, quiet::quiet_line};
use crate::{model::Json, text};

/// Values longer than this are cut in the middle, with their length.
const VALUE_LIMIT: usize = 200;

/// Sentences longer than this are cut in the middle: their authors may build them from facts.
const TEXT_LIMIT: usize = 600;

/// What is quoted and longer than this is no path or command.
const LONGEST_QUOTED: usize = 300;

/// Below this nothing can be laid out.
const MIN_WIDTH: usize = 40;

/// What a piece of text is written with. Never the only sign of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    Heading,
    Decayed,
    Unknown,
    Eroding,
    Holds,
    Help,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Heading => "1;4",
            Self::Decayed => "1;31",
            Self::Unknown => "1;35",
            Self::Eroding => "1;33",
            Self::Holds => "1;32",
            Self::Help => "36",
        }
    }
}

/// The signs that are drawn.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) dot: &'static str,
    pub(super) refutes: &'static str,
    pub(super) ellipsis: &'static str,
    pub(super) top: &'static str,
    pub(super) bar: &'static str,
    pub(super) gap: &'static str,
    pub(super) label: &'static str,
    pub(super) bottom: &'static str,
    pub(super) under: &'static str,
    pub(super) lead: &'static str,
}

const UNICODE: Marks = Marks {
    dot: "·",
    refutes: "×",
    ellipsis: "…",
    top: "╭─",
    bar: "│",
    gap: "⋮",
    label: "·",
    bottom: "╰─",
    under: "─",
    lead: "│",
};

const ASCII: Marks = Marks {
    dot: "-",
    refutes: "x",
    ellipsis: "...",
    top: ",-",
    bar: "|",
    gap: ":",
    label: ":",
    bottom: "`-",
    under: "^",
    lead: "|",
};

impl Look {
    pub(super) fn marks(self) -> &'static Marks {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    pub(super) fn columns(self) -> usize {
        self.width.max(MIN_WIDTH)
    }

    /// A sentence, a title, a name: harmless and of bounded length.
    pub(super) fn text(self, text: &str) -> String {
        text::cut(text, TEXT_LIMIT, self.marks().ellipsis)
    }

    /// A value: harmless, of bounded length, text in quotes.
    pub(super) fn value(self, value: &Json) -> String {
        text::cut_value(value, VALUE_LIMIT, self.marks().ellipsis)
    }

    /// A value in so many columns if that is possible: of what is long the first elements and how many there are more.
    pub(super) fn brief(self, value: &Json, room: usize) -> String {
        let whole = self.value(value);
        let (items, open, close): (Vec<String>, _, _) = match value {
            Json::Array(items) if whole.width() > room => {
                (items.iter().map(|item| self.value(item)).collect(), '[', ']')
            }
            Json::Object(entries) if whole.width() > room => {
                let entry = |(key, item): (&String, &Json)| {
                    format!("{}: {}", self.value(&Json::from(&**key)), self.value(item))
                };
                (entries.iter().map(entry).collect(), '{', '}')
            }
            Json::String(text) if whole.width() > room => return text::cut_text(text, room / 2, self.marks().ellipsis),
            _ => return whole,
        };
        let more = |left: usize| format!("{} {left} more", self.marks().ellipsis);
        let mut brief = String::from(open);
        for (at, item) in items.iter().enumerate() {
            let after = format!("{item}, ");
            if brief.width() + after.width() + more(items.len()).width() + 1 > room {
                // Of elements that are long themselves none is better than one.
                let rest = if at == 0 {
                    format!("{} {}", self.marks().ellipsis, text::count(items.len(), "element"))
                } else {
                    more(items.len() - at)
                };
                return format!("{brief}{rest}{close}");
            }
            brief += &after;
        }
        whole
    }

    /// What something is about: a value, but text as it is.
    pub(super) fn subject(self, subject: &Json) -> String {
        match subject {
            Json::String(text) => text::cut(text, VALUE_LIMIT, self.marks().ellipsis),
            other => self.value(other),
        }
    }
}

/// Text in one ink.
pub(super) type Run = (Ink, String);

/// The page.
pub(super) struct Page {
    out: String,
    look: Look,
}

impl Page {
    pub(super) fn new(look: Look) -> Self {
        Self { out: String::new(), look }
    }

    /// Starts a new paragraph, unless the page has just begun or one.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// One line as it is, however long.
    pub(super) fn line(&mut self, indent: usize, runs: &[Run]) {
        let mut line = " ".repeat(indent);
        let visible = runs.iter().rposition(|(_, text)| !text.trim_end().is_empty()).map_or(0, |at| at + 1);
        for (at, (ink, text)) in runs[..visible].iter().enumerate() {
            let text = if at + 1 == visible { text.trim_end() } else { text };
            if self.look.color && *ink != Ink::Plain && !text.is_empty() {
                line.extend(["\u{1b}[", ink.code(), "m", text, "\u{1b}[0m"]);
            } else {
                line.push_str(text);
            }
        }
        self.out.push_str(&quiet_line(line.trim_end()));
        self.out.push('\n');
    }

    /// Text after a lead, wrapped so that all its lines start under the first one.
    pub(super) fn flow(&mut self, indent: usize, lead: &[Run], ink: Ink, text: &str) {
        let lead_width: usize = lead.iter().map(|(_, text)| text.width()).sum();
        self.hang(indent, indent + lead_width, lead, ink, text);
    }

    /// Text after a lead, wrapped so that all its lines but the first start at column `hang`.
    pub(super) fn hang(&mut self, indent: usize, hang: usize, lead: &[Run], ink: Ink, text: &str) {
        let lead_width: usize = lead.iter().map(|(_, text)| text.width()).sum();
        let first = self.room(indent + lead_width);
        let mut lines = wrap(text, first, self.room(hang)).into_iter();
        let runs: Vec<Run> = lead.iter().cloned().chain(lines.next().map(|line| (ink, line))).collect();
        self.line(indent, &runs);
        for line in lines {
            self.line(hang, &[(ink, line)]);
        }
    }

    /// Rows of cells under a head, the last cell as long as it is.
    pub(super) fn table(&mut self, indent: usize, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width =
            |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.width())).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (at, row) in rows.iter().enumerate() {
            let ink = if at == 0 { Ink::Dim } else { Ink::Plain };
            let cell = |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width - cell.width() + 2));
            let line: String = row.iter().zip(&widths).map(cell).collect();
            self.line(indent, &[(ink, line)]);
        }
    }

    /// The columns right of one, but never so few that words become columns of letters.
    fn room(&self, column: usize) -> usize {
        self.look.columns().saturating_sub(column).max(MIN_WIDTH / 2)
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Splits text into lines, the first of at most `first` columns, the others of `width`: between words if that is
/// possible, and never inside back quotes, so that a command or a path can be copied from one line; one that is longer
/// than a line stands alone.
pub(super) fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text) {
        let wide = word.width();
        let width = if lines.is_empty() { first } else { width };
        if used > 0 && used + 1 + wide > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        let width = if lines.is_empty() { first } else { width };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        if wide <= width || is_quoted(word) {
            line.push_str(word);
            used += wide;
            continue;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > if lines.is_empty() { first } else { width } {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

/// Whether a word is to be copied as it is.
fn is_quoted(word: &str) -> bool {
    let word = word.trim_start_matches('(');
    word.len() <= LONGEST_QUOTED && word.starts_with('`') && word[1..].contains('`')
}

/// The words of a text; what stands in back quotes is one word, unless it is longer than any path or command.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut end = rest.find(' ').unwrap_or(rest.len());
        if let Some(open) = rest[..end].find(|c| c != '(').filter(|open| rest[*open..].starts_with('`'))
            && let Some(close) = rest[open + 1..].find('`').map(|at| open + 1 + at)
            && close > end
        {
            let quoted = rest[close..].find(' ').map_or(rest.len(), |at| close + at);
            if rest[..quoted].width() <= LONGEST_QUOTED {
                end = quoted;
            }
        }
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_between_words_and_keeps_what_is_quoted() {
        assert_eq!(wrap("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrap("try `stillholds facts traces` now", 24, 24), ["try", "`stillholds facts traces`", "now"]);
        assert_eq!(wrap("try `stillholds facts traces`", 26, 26), ["try", "`stillholds facts traces`"]);
        assert_eq!(wrap("abcdefgh", 3, 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("see (`a.b.c d.e`) there", 5, 5), ["see", "(`a.b.c d.e`)", "there"]);
        assert_eq!(wrap("see x`a.b d`", 5, 5), ["see", "x`a.b", "d`"]);
        let long = format!("`{}a`", "a ".repeat(LONGEST_QUOTED));
        assert!(wrap(&long, 5, 5).iter().all(|line| line.len() <= 5));
        assert_eq!(wrap("日本語", 4, 4), ["日本", "語"]);
        assert_eq!(wrap("", 4, 4), [""]);
        assert_eq!(wrap("a `b", 3, 3), ["a", "`b"]);
        assert_eq!(wrap("a b c d e", 3, 5), ["a b", "c d e"]);
    }

    #[test]
    fn no_line_of_the_page_is_a_command_to_a_build_log() {
        let mut page = Page::new(Look { width: 40, ..Look::default() });
        page.flow(3, &[(Ink::Plain, "x ".to_owned())], Ink::Plain, &format!("{} ::error::x", "word ".repeat(7)));
        assert_eq!(page.finish(), "   x word word word word word word word\n     \\::error::x\n");
    }

    #[test]
    fn long_text_is_cut_with_its_length() {
        let look = Look::default();
        let cut = look.value(&Json::from("x".repeat(1000)));
        assert!(cut.chars().count() < 230 && cut.ends_with("(1,000 characters)"), "{cut}");
        assert_eq!(Look { unicode: false, ..look }.text(&"x".repeat(601)).matches("...").count(), 1);
    }
}

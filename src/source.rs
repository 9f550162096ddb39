//! Files that people wrote, places in them, and errors at places.
//!
//! Every error about a user's file is an [`At`]: a kind (what is wrong, as an enum of its room) and a [`Place`]
//! (file and byte span), which miette shows with the file's own lines. Text of files is data: whatever a terminal
//! could take for a command is shown as a placeholder of the same width in bytes, so that spans stay valid.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use miette::{Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A text file with the path that messages and reports show. Cheap to clone.
#[derive(Clone)]
pub struct SourceFile(Arc<Inner>);

struct Inner {
    path: String,
    text: String,
    line_starts: Vec<usize>,
    shown: OnceLock<Option<String>>,
}

impl SourceFile {
    /// A file of `text`; `path` is relative to the project's root, with `/`.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self(Arc::new(Inner { path: path.into(), text, line_starts, shown: OnceLock::new() }))
    }

    /// The path as messages and reports show it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The text of a span; empty where the span does not fit the file.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text().get(span.start..span.end).unwrap_or_default()
    }

    /// The place of a span.
    #[must_use]
    pub fn at(&self, span: impl Into<Span>) -> Place {
        Place { file: self.clone(), span: span.into() }
    }

    /// The 1-based line and column (in characters) of a byte offset.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text().len());
        while !self.text().is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.0.line_starts.partition_point(|start| *start <= offset);
        let start = self.0.line_starts[line - 1];
        (line, self.text()[start..offset].chars().count() + 1)
    }

    /// The byte offset of a 1-based line and column (in characters), clamped to the file.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.0.line_starts.get(line.saturating_sub(1)) else { return self.text().len() };
        let rest = &self.text()[*start..];
        let width: usize =
            rest.chars().take_while(|c| *c != '\n').take(column.saturating_sub(1)).map(char::len_utf8).sum();
        start + width
    }

    /// The span of a 1-based line without its line end; empty at the end of the file for a line that is not there.
    #[must_use]
    pub fn line(&self, line: usize) -> Span {
        let start = self.offset(line, 1);
        let width = self.text()[start..].lines().next().map_or(0, str::len);
        Span { start, end: start + width }
    }

    /// The location of a span, for reports.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        let (line, column) = self.line_column(span.start);
        let (end_line, end_column) = self.line_column(span.end.max(span.start));
        Location { path: self.path().to_owned(), line, column, end_line, end_column }
    }

    /// The text with every character that a terminal might act upon replaced by one of the same length in bytes.
    fn shown(&self) -> &str {
        let shown = self.0.shown.get_or_init(|| {
            let risky = |c: char| c != '\n' && c != '\t' && is_unsafe(c);
            self.text().contains(risky).then(|| {
                self.text()
                    .chars()
                    .map(|c| match c.len_utf8() {
                        _ if !risky(c) => c,
                        1 if c == '\r' => ' ',
                        1 => '?',
                        2 => '¿',
                        3 => char::REPLACEMENT_CHARACTER,
                        _ => '\u{1fbc6}',
                    })
                    .collect()
            })
        });
        shown.as_deref().unwrap_or(self.text())
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceFile").field(&self.path()).finish()
    }
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path() && self.text() == other.text()
    }
}

impl SourceCode for SourceFile {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.shown();
        let inner = text.read_span(span, before, after)?;
        let whole = Span { start: inner.span().offset(), end: inner.span().offset() + inner.span().len() };
        let Span { start, end } = excerpt(text, whole, Span { start: span.offset(), end: span.offset() + span.len() });
        let (line, column) = self.line_column(start);
        Ok(Box::new(MietteSpanContents::new_named(
            escape(self.path()).into_owned(),
            &text.as_bytes()[start..end],
            (start, end - start).into(),
            line - 1,
            column - 1,
            inner.line_count(),
        )))
    }
}

/// What of the lines around a span is shown: all, unless one is so long that it would fill the screen; then only the
/// span's own, as far as they stand close to it.
fn excerpt(text: &str, lines: Span, span: Span) -> Span {
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    // miette counts bytes, and may stop inside a character.
    let lines = Span { start: boundary(lines.start), end: boundary(lines.end) };
    let mut shown = lines;
    if is_long(&text[lines.start..boundary(span.start.max(lines.start))]) {
        let line = text[..boundary(span.start)].rfind('\n').map_or(0, |end| end + 1);
        shown.start = if span.start - line > LONG_LINE { boundary(span.start - LONG_LINE / 4) } else { line };
    }
    let behind = boundary(span.end.min(lines.end));
    if is_long(&text[behind..lines.end]) {
        let line = text[behind..].find('\n').map_or(lines.end, |end| behind + end);
        shown.end = if line - behind > LONG_LINE { boundary(behind + LONG_LINE / 2) } else { line };
    }
    shown
}

/// So many bytes of a line are shown whole.
const LONG_LINE: usize = 240;

fn is_long(text: &str) -> bool {
    text.lines().any(|line| line.len() > LONG_LINE)
}

/// Whether a terminal, a log or a reader's eye could take this character for something else than text: controls,
/// and the marks that reorder or hide text.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text for one line of a message: what [`is_unsafe`] becomes visible as `\n` or `\u{1b}`.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    Cow::Owned(escaped)
}

/// A range of bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// As the range of bytes.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl From<Span> for SourceSpan {
    fn from(span: Span) -> Self {
        (span.start, span.end.saturating_sub(span.start)).into()
    }
}

/// A span of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The file.
    pub file: SourceFile,
    /// The bytes of it.
    pub span: Span,
}

impl Place {
    /// The location, for reports.
    #[must_use]
    pub fn location(&self) -> Location {
        self.file.location(self.span)
    }

    /// The bytes that an excerpt marks: of a very long line only the first.
    fn marked(&self) -> Span {
        let Span { start, end } = self.span;
        let first = self.file.slice(self.span).lines().next().unwrap_or_default();
        match first.char_indices().find(|(at, _)| *at >= LONG_LINE / 2) {
            Some((at, _)) if first.len() > LONG_LINE => Span { start, end: start + at },
            _ => Span { start, end },
        }
    }
}

/// A place as reports name it: columns count characters from 1, ends are exclusive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Relative to the project's root, with `/`; `stillholds:policies/…` for what is shipped.
    pub path: String,
    /// First line, from 1.
    pub line: usize,
    /// First column, from 1.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// One past the last column.
    pub end_column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// What an error kind says beside its message.
pub trait Advice: std::error::Error {
    /// A stable code such as `policy::unknown_function`.
    fn code(&self) -> &'static str;
    /// What to do next.
    fn help(&self) -> Option<String> {
        None
    }
    /// What stands at the place.
    fn label(&self) -> Option<String> {
        None
    }
}

/// An error of kind `K`, with the place it stands at and further places that belong to it.
#[derive(Debug, Clone)]
pub struct At<K> {
    /// What is wrong.
    pub kind: K,
    /// Where; `None` where no file can be shown.
    pub place: Option<Place>,
    /// Further places, each with its own words.
    pub related: Vec<Related>,
}

impl<K> At<K> {
    /// An error at a place.
    pub fn new(kind: K, place: Place) -> Self {
        Self { kind, place: Some(place), related: Vec::new() }
    }

    /// An error without a place.
    pub fn nowhere(kind: K) -> Self {
        Self { kind, place: None, related: Vec::new() }
    }

    /// Adds a further place.
    #[must_use]
    pub fn and(mut self, message: impl Into<String>, place: Place) -> Self {
        self.related.push(Related { message: message.into(), place });
        self
    }

    /// The same error as one of another kind.
    pub fn map<L>(self, into: impl FnOnce(K) -> L) -> At<L> {
        At { kind: into(self.kind), place: self.place, related: self.related }
    }
}

impl<K: fmt::Display> fmt::Display for At<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.kind.to_string()))
    }
}

impl<K: std::error::Error> std::error::Error for At<K> {}

impl<K: Advice> Diagnostic for At<K> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.kind.help()?;
        Some(Box::new(help.lines().map(|line| escape(line).into_owned()).collect::<Vec<_>>().join("\n")))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.file as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = self.kind.label().map(|label| escape(&label).into_owned());
        let further = self.related.iter().filter(|related| self.is_beside(related));
        let further =
            further.map(|related| LabeledSpan::new_with_span(Some(related.to_string()), related.place.marked()));
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(label, place.marked())).chain(further)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let mut elsewhere = self.related.iter().filter(|related| !self.is_beside(related)).peekable();
        elsewhere.peek()?;
        Some(Box::new(elsewhere.map(|related| related as &dyn Diagnostic)))
    }
}

impl<K> At<K> {
    /// Whether a further place can be shown in the same excerpt: in the same file, not at the same bytes, and no very
    /// long line between.
    fn is_beside(&self, related: &Related) -> bool {
        self.place.as_ref().is_some_and(|Place { file, span }| {
            let (one, other) = (*span.min(&related.place.span), *span.max(&related.place.span));
            let between = Span { start: one.start, end: other.start };
            *file == related.place.file && one != other && !is_long(file.slice(between))
        })
    }
}

/// A further place of an error.
#[derive(Debug, Clone)]
pub struct Related {
    /// What it has to do with the error.
    pub message: String,
    /// The place.
    pub place: Place,
}

impl fmt::Display for Related {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.message))
    }
}

impl std::error::Error for Related {}

impl Diagnostic for Related {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.place.file)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.place.marked()))))
    }
}

/// Any error about a user's file, of whichever room.
pub type Problem = Box<dyn Diagnostic + Send + Sync>;

/// Errors as a terminal of 80 columns without colours shows them.
#[cfg(test)]
pub(crate) fn rendered<K: Advice>(errors: &[At<K>]) -> String {
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor()).with_width(80);
    let mut out = String::new();
    for error in errors {
        handler.render_report(&mut out, error).expect("a string takes all text");
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_lead_back() {
        let file = SourceFile::new("a.rego", "é := 1\n\tß = \"日本\"\r\nlast");
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column(3), (1, 3));
        assert_eq!(file.line_column(file.text().find("last").unwrap()), (3, 1));
        for (offset, _) in file.text().char_indices() {
            let (line, column) = file.line_column(offset);
            assert_eq!(file.offset(line, column), offset);
        }
        assert_eq!(file.line_column(999), (3, 5));
        assert_eq!(file.offset(99, 1), file.text().len());
    }

    #[test]
    fn what_a_terminal_acts_upon_is_shown_as_text_of_the_same_length() {
        let file = SourceFile::new("a", "x\u{1b}[31m \u{9b} \u{202e} \u{e0041} ok\r\n");
        assert_eq!(file.shown().len(), file.text().len());
        assert!(!file.shown().contains(|c| c != '\n' && is_unsafe(c)));
        assert_eq!(escape("a\nb\u{1b}"), "a\\nb\\u{1b}");
    }

    #[test]
    fn of_a_very_long_line_only_what_stands_close_is_shown() {
        #[derive(Debug, thiserror::Error)]
        #[error("wrong")]
        struct Wrong;
        impl Advice for Wrong {
            fn code(&self) -> &'static str {
                "wrong"
            }
        }
        let long = "ß+".repeat(1_000);
        let file = SourceFile::new("a", format!("{long}\nx = {long}wrong{long}\n{long}\nshort\n"));
        let start = file.text().find("wrong").unwrap();
        let end = file.text().find("short").unwrap();
        let errors = [
            At::new(Wrong, file.at(start..start + 5)),
            At::new(Wrong, file.at(start..end - long.len() - 1)),
            At::new(Wrong, file.at(end..end + 5)),
            At::new(Wrong, file.at(end..end + 5)).and("this", file.at(start..start + 5)),
        ];
        let said = rendered(&errors);
        assert!(said.lines().all(|line| line.chars().count() < LONG_LINE + 20), "{said}");
        insta::assert_snapshot!(said);
    }
}

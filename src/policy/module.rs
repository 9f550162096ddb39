//! One Rego module as the engine reads it, and how its bytes lead back to the file it stands in.

use super::{PolicyError, apart::Apart, tokens::Tokens};
use crate::source::{At, Place, SourceFile, Span};

/// A Rego module: a whole `.rego` file, or the fences of one package in a Markdown file.
///
/// The engine reads `text`; its lines are the file's own lines, but in Markdown a line may have lost its indentation
/// (or a quote's marks), so columns differ and spans are led back through [`Module::place`].
#[derive(Debug, Clone)]
pub struct Module {
    /// The file it stands in.
    pub file: SourceFile,
    /// What the engine reads.
    pub text: String,
    /// Rego v0 instead of v1.
    pub v0: bool,
    /// Whether it is loaded by `test` only.
    pub is_test: bool,
    /// For each run of bytes that stand together in the file: where it starts in `text` and in the file. Sorted.
    runs: Vec<(usize, usize)>,
    /// The prose around each fence; empty for a `.rego` file.
    pub prose: Vec<Prose>,
    /// What keeps its assumptions apart from those of other files, where it is a policy of others.
    pub(crate) apart: Option<Apart>,
}

/// What the Markdown around a fence says of the rules in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose {
    /// The fence's bytes in the module's text.
    pub span: Span,
    /// Its info string's bytes in the file, to point at the fence where there is nothing in it.
    pub info: Span,
    /// The nearest heading above it, as text.
    pub heading: Option<String>,
    /// That heading's anchor, as GitHub makes it.
    pub anchor: Option<String>,
    /// The paragraph directly above it, as text.
    pub paragraph: Option<String>,
}

/// A piece of a module's new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// These bytes of the old text.
    Copy(usize, usize),
    /// Something new.
    Insert(String),
}

impl Module {
    /// A whole file. A byte order mark is taken off, which the engine does not know.
    #[must_use]
    pub fn of_file(file: SourceFile, v0: bool) -> Self {
        let bom = if file.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = file.text()[bom..].to_owned();
        let is_test = file.path().ends_with("_test.rego");
        Self { file, text, v0, is_test, runs: vec![(0, bom)], prose: Vec::new(), apart: None }
    }

    /// A module of fences; `runs` as in [`Module`].
    #[must_use]
    pub fn of_fences(
        file: SourceFile,
        text: String,
        is_test: bool,
        runs: Vec<(usize, usize)>,
        prose: Vec<Prose>,
    ) -> Self {
        Self { file, text, v0: false, is_test, runs, prose, apart: None }
    }

    /// Where bytes of the text stand in the file.
    #[must_use]
    pub fn place(&self, span: impl Into<Span>) -> Place {
        let span = span.into();
        let start = self.offset(span.start);
        // The end belongs to the byte before it: a span that ends with its line must not reach into the next.
        let end = if span.end > span.start { self.offset(span.end - 1) + 1 } else { start };
        self.file.at(start..end.max(start))
    }

    /// The module with its text made anew of pieces; what is copied still leads back to the file.
    pub(crate) fn rewritten(&self, pieces: &[Piece]) -> Self {
        let mut text = String::with_capacity(self.text.len() * 2);
        let mut runs = Vec::new();
        let mut last = 0;
        for piece in pieces {
            match piece {
                Piece::Copy(start, end) => {
                    runs.push((text.len(), self.offset(*start)));
                    let inside = self.runs.iter().filter(|(at, _)| *at > *start && *at < *end);
                    runs.extend(inside.map(|(at, file)| (text.len() + (at - start), *file)));
                    text.push_str(&self.text[*start..*end]);
                    last = *end;
                }
                Piece::Insert(insert) => {
                    runs.push((text.len(), self.offset(last)));
                    text.push_str(insert);
                }
            }
        }
        if runs.is_empty() {
            runs.push((0, 0));
        }
        Self { text, runs, ..self.clone() }
    }

    /// The module with a mark behind each of these places, which are sorted. In the file a mark takes no room.
    pub(crate) fn marked(&self, places: &[usize], mark: &str) -> Self {
        let mut text = String::with_capacity(self.text.len() + places.len() * mark.len());
        let mut runs = vec![(0, self.offset(0))];
        let mut last = 0;
        for end in places.iter().copied().chain([self.text.len()]) {
            if end > last {
                let inside = self.runs.iter().filter(|(at, _)| *at > last && *at < end);
                runs.push((text.len(), self.offset(last)));
                runs.extend(inside.map(|(at, file)| (text.len() + (at - last), *file)));
                text.push_str(&self.text[last..end]);
                last = end;
            }
            if places.contains(&end) && end > 0 {
                // Each of its bytes stands where the last one before it stands.
                let before = self.offset(end - 1);
                runs.extend((0..mark.len()).map(|byte| (text.len() + byte, before)));
                text.push_str(mark);
            }
        }
        let prose = self.prose.iter().map(|prose| {
            let moved = |at: usize| at + places.iter().filter(|place| **place <= at).count() * mark.len();
            Prose { span: Span { start: moved(prose.span.start), end: moved(prose.span.end) }, ..prose.clone() }
        });
        Self { text, runs, prose: prose.collect(), ..self.clone() }
    }

    fn offset(&self, at: usize) -> usize {
        let run = self.runs.partition_point(|(text, _)| *text <= at);
        let (text, file) = self.runs[run.saturating_sub(1)];
        (file + (at - text.min(at))).min(self.file.text().len())
    }

    /// The package it names, as far as that can be read.
    #[must_use]
    pub fn package(&self) -> Vec<String> {
        let tokens = Tokens::of(&self.text);
        let named = (0..tokens.len()).find(|at| tokens.is_word(*at, "package"));
        named.map(|at| tokens.path(at + 1).0).unwrap_or_default()
    }

    /// The module without any `import input`, which says nothing: the engine warns of it on the terminal.
    pub(crate) fn without_redundant_imports(mut self) -> Self {
        if !self.text.contains("import") {
            return self;
        }
        let tokens = Tokens::of(&self.text);
        let is_sign = |at: usize, sign: &str| tokens.at(at).is_some_and(|(_, text)| text == sign);
        let is_redundant = |at: &usize| {
            let goes_on = [".", "[", "as"].iter().any(|sign| is_sign(at + 2, sign));
            tokens.is_word(*at, "import") && tokens.is_word(at + 1, "input") && !goes_on
        };
        let found = (0..tokens.len()).filter(is_redundant);
        let found: Vec<_> =
            found.filter_map(|at| Some(tokens.at(at)?.0.span.start..tokens.at(at + 1)?.0.span.end)).collect();
        for range in found {
            let blanks = " ".repeat(range.len());
            self.text.replace_range(range, &blanks);
        }
        self
    }

    /// A NUL character, which the engine takes for the end of the policy: whatever follows would silently not count.
    #[must_use]
    pub fn nul(&self) -> Option<At<PolicyError>> {
        let at = self.text.find('\0')?;
        Some(At::new(PolicyError::NulCharacter, self.place(at..at + 1)))
    }

    /// The prose of the fence that holds this byte of the text.
    #[must_use]
    pub fn prose_at(&self, at: usize) -> Option<&Prose> {
        self.prose.iter().find(|prose| prose.span.start <= at && at <= prose.span.end)
    }
}

//! The tokens of Rego text, as the engine's own lexer sees them, so that no string or comment passes for a statement.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    ops::Range,
};

use regorus::unstable::{Lexer, Source, Token as Lexed, TokenKind};

use crate::quiet::quietly;

/// What a token is, as far as statements are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A string, quotes included in its span.
    Text,
    /// Anything else.
    Other,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its bytes in the text.
    pub(super) span: Range<usize>,
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    list: Vec<Token>,
    /// How far the text could be read: its length, or less where the engine will report an error.
    pub(super) end: usize,
}

impl<'t> Tokens<'t> {
    /// Reads a text up to the first thing that is no token; what is wrong there is the engine's to say.
    pub(super) fn of(text: &'t str) -> Self {
        let mut tokens = Self { text, list: Vec::new(), end: 0 };
        // The engine breaks where it has something to say about what stands far to the right.
        let _ = quietly(|| tokens.read());
        tokens
    }

    fn read(&mut self) {
        let Ok(source) = Source::from_contents_with_limits(
            String::new(),
            self.text.to_owned(),
            NonZeroUsize::MAX,
            NonZeroUsize::MAX,
        ) else {
            return;
        };
        let mut lexer = Lexer::new(&source);
        lexer.set_max_col(NonZeroU32::MAX);
        while let Ok(Lexed(kind, span)) = lexer.next_token() {
            let (start, end) = (span.start as usize, span.end as usize);
            let (kind, span) = match kind {
                TokenKind::Eof => {
                    // The lexer also stops at a NUL character, which is no end.
                    self.end = start;
                    return;
                }
                // The spans of strings leave their quotes out.
                TokenKind::String | TokenKind::RawString => (Kind::Text, start.saturating_sub(1)..end + 1),
                TokenKind::Ident => (Kind::Word, start..end),
                TokenKind::Symbol | TokenKind::Number => (Kind::Other, start..end),
            };
            self.end = span.end;
            self.list.push(Token { kind, span });
        }
    }

    /// The number of tokens.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// A token with its text.
    pub(super) fn at(&self, index: usize) -> Option<(&Token, &'t str)> {
        let token = self.list.get(index)?;
        Some((token, self.text.get(token.span.clone())?))
    }

    /// Whether a token is this word.
    pub(super) fn is_word(&self, index: usize, word: &str) -> bool {
        self.at(index).is_some_and(|(token, text)| token.kind == Kind::Word && text == word)
    }

    /// Whether a byte lies inside a token, such as a raw string of several lines.
    pub(super) fn inside(&self, at: usize) -> bool {
        let next = self.list.partition_point(|token| token.span.end <= at);
        self.list.get(next).is_some_and(|token| token.span.start < at)
    }

    /// The names of a path such as `a.b["c-d"]` that starts at a token, and the token after it.
    pub(super) fn path(&self, mut index: usize) -> (Vec<String>, usize) {
        let mut names = Vec::new();
        match self.at(index) {
            Some((token, text)) if token.kind == Kind::Word => names.push(text.to_owned()),
            _ => return (names, index),
        }
        index += 1;
        // As in the engine's grammar, no space stands inside a path; a bracket on the next line belongs to something
        // else.
        let joined = |index: usize, text: &str| {
            self.at(index).is_some_and(|(token, symbol)| {
                symbol == text && self.list.get(index - 1).is_some_and(|before| before.span.end == token.span.start)
            })
        };
        loop {
            let name = self.at(index + 1).map(|(token, text)| (token.kind, text));
            match name {
                Some((Kind::Word, name)) if joined(index, ".") => {
                    names.push(name.to_owned());
                    index += 2;
                }
                Some((Kind::Text, name))
                    if joined(index, "[") && self.at(index + 2).is_some_and(|(_, text)| text == "]") =>
                {
                    names.push(serde_json::from_str(name).unwrap_or_else(|_| name.to_owned()));
                    index += 3;
                }
                _ => return (names, index),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_end_where_the_engine_ends_them() {
        for (text, names, next) in [
            ("a", vec!["a"], 1),
            ("a.b[\"c-d\"].e x", vec!["a", "b", "c-d", "e"], 8),
            ("a .b", vec!["a"], 1),
            ("a\n[\"x\"]", vec!["a"], 1),
            ("a[x]", vec!["a"], 1),
            ("\"a\"", vec![], 0),
            ("", vec![], 0),
        ] {
            let tokens = Tokens::of(text);
            assert_eq!(tokens.path(0), (names.iter().map(ToString::to_string).collect(), next), "{text}");
        }
    }

    #[test]
    fn reading_ends_at_what_is_no_token() {
        for (text, end) in [("x := 1\n", 7), ("x := \"a", 4), ("x `a\nb`", 7), ("x\0y", 1), ("a ` b", 1), ("", 0)] {
            assert_eq!(Tokens::of(text).end, end, "{text}");
        }
        assert!(Tokens::of("x := `a\n# b`").inside(8));
        assert!(!Tokens::of("x := `a`\n# b").inside(9));
    }
}

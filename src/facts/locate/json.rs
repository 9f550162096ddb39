//! JSON: its bytes, once.
//!
//! Most of the text is stepped over, so that what matters is how fast that goes: strings by their quotes, lists and
//! objects by counting brackets, without a look at what they hold.

use std::{borrow::Cow, ops::Range};

use super::{ROOT, Wanted};

/// Goes on until everything is found or the text ends; `None` as well where it is no JSON.
pub(super) fn locate(text: &[u8], many: bool, wanted: &mut Wanted<'_>) -> Option<()> {
    let mut scan = Scan { text, at: 0, wanted };
    if many {
        return scan.documents(false);
    }
    scan.space();
    scan.value(ROOT, None)
}

/// The same where each line is a document.
pub(super) fn locate_lines(text: &[u8], wanted: &mut Wanted<'_>) -> Option<()> {
    let mut scan = Scan { text, at: 0, wanted };
    scan.space();
    if scan.peek().is_none() {
        return scan.wanted.found(ROOT, 0..0, None);
    }
    scan.documents(true)
}

struct Scan<'t, 'w, 'p> {
    text: &'t [u8],
    at: usize,
    wanted: &'w mut Wanted<'p>,
}

impl<'t> Scan<'t, '_, '_> {
    /// Documents one after the other, with or without white space between them.
    fn documents(&mut self, are_lines: bool) -> Option<()> {
        self.space();
        let start = self.at;
        let mut end = None;
        for index in 0.. {
            if self.at >= self.text.len() {
                break;
            }
            match self.wanted.item(ROOT, index) {
                Some(node) => self.value(node, None)?,
                None if are_lines => self.skip_line(),
                None => self.skip()?,
            }
            end = Some(self.at);
            self.space();
        }
        self.wanted.found(ROOT, start..end?, None)
    }

    /// A value of which something is wanted. Recurses as deep as the wanted paths lead.
    fn value(&mut self, node: usize, key: Option<Range<usize>>) -> Option<()> {
        let start = self.at;
        match self.peek()? {
            b'{' if !self.wanted.nodes[node].keys.is_empty() => self.object(node)?,
            b'[' if !self.wanted.nodes[node].items.is_empty() => self.list(node)?,
            _ => self.skip()?,
        }
        self.wanted.found(node, start..self.at, key)
    }

    fn object(&mut self, node: usize) -> Option<()> {
        self.at += 1;
        let mut open = self.wanted.nodes[node].keys.len();
        while open > 0 {
            if self.ends(b'}')? {
                return Some(());
            }
            let key = self.string()?;
            self.space();
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.space();
            match self.wanted.key(node, &self.key(&key)?) {
                Some(inner) => {
                    self.value(inner, Some(key))?;
                    open -= 1;
                }
                None => self.skip()?,
            }
        }
        self.close()
    }

    fn list(&mut self, node: usize) -> Option<()> {
        self.at += 1;
        let from = |wanted: &Wanted<'_>, index| {
            wanted.nodes[node].items.range(index..).next().map(|(index, node)| (*index, *node))
        };
        let mut next = from(self.wanted, 0);
        let mut index = 0;
        while let Some((wanted, inner)) = next {
            if self.ends(b']')? {
                return Some(());
            }
            if index == wanted {
                self.value(inner, None)?;
                next = from(self.wanted, index + 1);
            } else {
                self.skip()?;
            }
            index += 1;
        }
        self.close()
    }

    /// Steps to the next element, or else behind the bracket that closes the list or object.
    fn ends(&mut self, bracket: u8) -> Option<bool> {
        self.space();
        if self.peek()? == b',' {
            self.at += 1;
            self.space();
        }
        let ends = self.peek()? == bracket;
        self.at += usize::from(ends);
        Some(ends)
    }

    /// Steps over a value. A number or a word ends where another document may begin, even without a space.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => {
                self.at += 1;
                self.close()
            }
            b't' | b'n' => self.word(4),
            b'f' => self.word(5),
            b'-' | b'0'..=b'9' => {
                self.at += 1;
                while let Some(byte) = self.peek() {
                    match byte {
                        b'0'..=b'9' | b'.' | b'e' | b'E' => {}
                        b'+' | b'-' if matches!(self.text.get(self.at - 1), Some(b'e' | b'E')) => {}
                        _ => break,
                    }
                    self.at += 1;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Steps over the rest of a line, but for white space at its end.
    fn skip_line(&mut self) {
        let line = &self.text[self.at..];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        // Only what `space` steps over: it would meet anything else again and again.
        let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        self.at += end.map_or(0, |last| last + 1);
    }

    fn word(&mut self, length: usize) -> Option<()> {
        self.at += length;
        (self.at <= self.text.len()).then_some(())
    }

    /// Steps behind the bracket that closes the list or object that is being read.
    fn close(&mut self) -> Option<()> {
        let mut depth = 1_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Steps over a string; its bytes, with the quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            if self.text[self.at] == b'"' {
                self.at += 1;
                return Some(start..self.at);
            }
            self.at += 2;
        }
    }

    /// The text of a key: of itself, or where it has escapes, what they stand for.
    fn key(&self, range: &Range<usize>) -> Option<Cow<'t, str>> {
        let quoted = self.text.get(range.clone())?;
        if memchr::memchr(b'\\', quoted).is_some() {
            return serde_json::from_slice::<String>(quoted).ok().map(Cow::Owned);
        }
        let text = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        std::str::from_utf8(text).ok().map(Cow::Borrowed)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

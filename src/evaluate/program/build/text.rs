//! Changes of the text.

use crate::{
    policy::{Piece, without_mark},
    source::Span,
};

/// A change of the text.
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) pieces: Vec<Piece>,
}

pub(super) fn insert(start: usize, end: usize, text: String) -> Edit {
    Edit { start, end, pieces: vec![Piece::Insert(text)] }
}

/// The bytes of a span with edits in it.
pub(super) fn spliced(span: Span, mut edits: Vec<Edit>) -> Vec<Piece> {
    // Stable: what belongs to one place stays in the order in which it was found.
    edits.sort_by_key(|edit| (edit.start, edit.end));
    let mut pieces = Vec::new();
    let mut done = span.start;
    for edit in edits {
        if edit.start > done {
            pieces.push(Piece::Copy(done, edit.start));
        }
        pieces.extend(edit.pieces);
        done = edit.end.max(done);
    }
    if span.end > done {
        pieces.push(Piece::Copy(done, span.end));
    }
    pieces
}

pub(super) fn one_line(text: &str) -> String {
    without_mark(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

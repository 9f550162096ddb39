//! YAML: the events of its parser, followed along the wanted paths.
//!
//! Anchors and merge keys let a value stand elsewhere than its path says, and before anybody knows that it is wanted:
//! what has an anchor, and what is merged, is kept as a tree of places. Everything else is only passed by.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::{ROOT, Wanted};
use crate::facts::document::{
    MAX_DEPTH,
    yaml::{self, MAX_EXPANDED, is_merge, is_nothing},
};

/// Goes on until everything is found or the text ends; `None` as well where it is no YAML that a reader takes.
pub(super) fn locate(text: &[u8], many: bool, wanted: &mut Wanted<'_>) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    Scan {
        text,
        parser: yaml::parser(text),
        before: 0,
        after: 0,
        wanted,
        trees: Vec::new(),
        anchors: HashMap::new(),
        merged: 0,
    }
    .documents(many)
}

/// White space of YAML, and of JSON: what else Unicode counts as such is content.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

struct Scan<'t, 'w, 'p> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    /// Where the event before the last one ended.
    before: usize,
    /// Where the last event ended.
    after: usize,
    wanted: &'w mut Wanted<'p>,
    /// What is kept of this document. Aliases share it, which a list tells by an index.
    trees: Vec<Tree>,
    anchors: HashMap<usize, Anchor>,
    /// How many entries were merged.
    merged: usize,
}

/// A value that a path may lead to from elsewhere.
struct Tree {
    place: Range<usize>,
    inner: Inner,
}

enum Inner {
    Scalar,
    List(Vec<usize>),
    Map(Entries),
}

type Entries = HashMap<Arc<str>, Entry>;

#[derive(Clone)]
struct Entry {
    key: Range<usize>,
    tree: usize,
}

struct Anchor {
    tree: usize,
    /// The key that an alias of it is.
    key: Option<Arc<str>>,
}

impl<'t> Scan<'t, '_, '_> {
    fn documents(&mut self, many: bool) -> Option<()> {
        let mut all: Option<Range<usize>> = None;
        let mut index = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) => {
                    // Aliases do not reach into other documents.
                    self.anchors.clear();
                    self.trees.clear();
                }
                // A document of nothing does not count.
                Event::Scalar(_, ScalarStyle::Plain, 0, None) if is_nothing(&span) => {}
                event => {
                    let node = if many { self.wanted.item(ROOT, index) } else { (index == 0).then_some(ROOT) };
                    let start = self.place(&event, &span).start;
                    let end = self.pass(event, &span, node, None)?;
                    all = Some(all.map_or(start, |all| all.start)..end);
                    index += 1;
                }
            }
        }
        if many { self.wanted.found(ROOT, all?, None) } else { None }
    }

    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        let (event, span) = self.parser.next_event()?.ok()?;
        self.before = self.after;
        let range = span.byte_range()?;
        self.after = match event {
            // A document that begins without a mark begins with what is in it, of which nothing has been read yet.
            Event::DocumentStart(false, _) => self.after,
            // The parser may be behind the first dash already, and the comment after it.
            Event::SequenceStart(..) if range.is_empty() => self.dash(range.start).unwrap_or(range.end),
            _ => range.end,
        };
        Some((event, span))
    }

    /// Reads a value, of which something is wanted if there is a node; the end of its text.
    fn pass(&mut self, event: Event<'t>, span: &Span, node: Option<usize>, key: Option<Range<usize>>) -> Option<usize> {
        match node {
            Some(node) => self.follow(event, span, node, key),
            None => self.skip(event, span),
        }
    }

    /// Reads a value of which something is wanted; the end of its text. Recurses as deep as the wanted paths lead.
    fn follow(&mut self, event: Event<'t>, span: &Span, node: usize, key: Option<Range<usize>>) -> Option<usize> {
        let place = self.place(&event, span);
        let end = match event {
            event if is_shared(&event) => {
                let (tree, end) = self.keep(event, span, 0)?;
                self.resolve(tree, node, key)?;
                return Some(end);
            }
            Event::Scalar(..) => place.end,
            Event::SequenceStart(..) => {
                let mut index = 0;
                self.each(place.end, |scan, event, span| {
                    let inner = scan.wanted.item(node, index);
                    index += 1;
                    scan.pass(event, span, inner, None)
                })?
            }
            Event::MappingStart(..) => self.follow_map(place.end, node)?,
            _ => return None,
        };
        self.wanted.found(node, place.start..end, key)?;
        Some(end)
    }

    fn follow_map(&mut self, opening: usize, node: usize) -> Option<usize> {
        let mut own = HashSet::new();
        let mut merged = Vec::new();
        let end = self.each(opening, |scan, event, span| {
            let is_merge = is_merge(&event);
            let (key, at) = scan.key(event, span)?;
            let (event, span) = scan.next()?;
            if is_merge {
                let (tree, end) = scan.keep(event, &span, 0)?;
                merged.push(tree);
                return Some(end);
            }
            let inner = scan.wanted.key(node, &key);
            own.extend(inner);
            scan.pass(event, &span, inner, Some(at))
        })?;
        let mut entries = Entries::new();
        self.merge(&mut entries, &merged)?;
        let wanted = &self.wanted.nodes[node].keys;
        let further: Vec<_> = wanted
            .iter()
            .filter(|(_, inner)| !own.contains(*inner))
            .filter_map(|(key, inner)| Some((entries.remove(*key)?, *inner)))
            .collect();
        for (entry, inner) in further {
            self.resolve(entry.tree, inner, Some(entry.key))?;
        }
        Some(end)
    }

    /// Reads a list or a mapping, whose opening ends there; the end of its text. Each element, or each key with its
    /// value, is read by `read`, which gives the end of its text.
    fn each(
        &mut self,
        opening: usize,
        mut read: impl FnMut(&mut Self, Event<'t>, &Span) -> Option<usize>,
    ) -> Option<usize> {
        let mut last = opening;
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
                return Some(closing(&span, last));
            }
            last = read(self, event, &span)?;
        }
    }

    /// Passes a value of which nothing is wanted, unless by an alias; the end of its text.
    fn skip(&mut self, event: Event<'t>, span: &Span) -> Option<usize> {
        let mut next = (event, *span);
        let mut depth = 0_usize;
        let mut end = 0;
        loop {
            let (event, span) = next;
            match event {
                event if is_shared(&event) => end = self.keep(event, &span, 0)?.1,
                Event::Scalar(..) => end = self.place(&event, &span).end,
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => {
                    depth = depth.checked_sub(1)?;
                    end = closing(&span, end);
                }
                _ => return None,
            }
            if depth == 0 {
                return Some(end);
            }
            next = self.next()?;
        }
    }

    /// Reads a value and keeps the places of all it holds; with the end of its text, which for an alias is elsewhere.
    fn keep(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Option<(usize, usize)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut place = self.place(&event, span);
        let anchor = event.anchor_id();
        let mut key = None;
        let inner = match event {
            Event::Alias(id) => return Some((self.anchors.get(&id)?.tree, place.end)),
            Event::Scalar(text, style, _, tag) => {
                key = anchor.and_then(|_| yaml::key_of_alias(&text, style, tag.as_deref()));
                Inner::Scalar
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                place.end = self.each(place.end, |scan, event, span| {
                    let (item, end) = scan.keep(event, span, depth + 1)?;
                    items.push(item);
                    Some(end)
                })?;
                Inner::List(items)
            }
            Event::MappingStart(..) => {
                let (entries, end) = self.keep_map(place.end, depth)?;
                place.end = end;
                Inner::Map(entries)
            }
            _ => return None,
        };
        let end = place.end;
        let tree = self.trees.len();
        self.trees.push(Tree { place, inner });
        if let Some(id) = anchor {
            self.anchors.insert(id, Anchor { tree, key });
        }
        Some((tree, end))
    }

    fn keep_map(&mut self, opening: usize, depth: usize) -> Option<(Entries, usize)> {
        let mut entries = Entries::new();
        let mut merged = Vec::new();
        let end = self.each(opening, |scan, event, span| {
            let is_merge = is_merge(&event);
            let (name, key) = scan.key(event, span)?;
            let (event, span) = scan.next()?;
            let (tree, end) = scan.keep(event, &span, depth + 1)?;
            if is_merge {
                merged.push(tree);
            } else {
                entries.entry(name.into()).or_insert(Entry { key, tree });
            }
            Some(end)
        })?;
        self.merge(&mut entries, &merged)?;
        Some((entries, end))
    }

    /// Adds the entries of what merge keys name, a mapping or a list of them, where there are none of the same key.
    fn merge(&mut self, entries: &mut Entries, merged: &[usize]) -> Option<()> {
        for tree in merged {
            let one = [*tree];
            let trees = match &self.trees.get(*tree)?.inner {
                Inner::List(items) => items.as_slice(),
                _ => &one,
            };
            for tree in trees {
                if let Inner::Map(more) = &self.trees.get(*tree)?.inner {
                    self.merged += more.len();
                    for (key, entry) in more {
                        entries.entry(Arc::clone(key)).or_insert_with(|| entry.clone());
                    }
                }
                if self.merged > MAX_EXPANDED {
                    return None;
                }
            }
        }
        Some(())
    }

    /// Finds in what was kept. Recurses as deep as the wanted paths lead.
    fn resolve(&mut self, tree: usize, node: usize, key: Option<Range<usize>>) -> Option<()> {
        let kept = self.trees.get(tree)?;
        let wanted = &self.wanted.nodes[node];
        let further: Vec<_> = match &kept.inner {
            Inner::Scalar => Vec::new(),
            Inner::List(items) => {
                wanted.items.iter().filter_map(|(index, node)| Some((*items.get(*index)?, *node, None))).collect()
            }
            Inner::Map(entries) => wanted
                .keys
                .iter()
                .filter_map(|(key, node)| entries.get(*key).map(|entry| (entry.tree, *node, Some(entry.key.clone()))))
                .collect(),
        };
        self.wanted.found(node, kept.place.clone(), key)?;
        for (tree, node, key) in further {
            self.resolve(tree, node, key)?;
        }
        Some(())
    }

    /// A key and where it stands.
    fn key(&mut self, event: Event<'t>, span: &Span) -> Option<(Cow<'t, str>, Range<usize>)> {
        let place = self.place(&event, span);
        match event {
            // The parser says `~` for a key that is not written. It stands before its colon.
            Event::Scalar(_, _, 0, None) if is_nothing(span) => Some((Cow::Borrowed(""), span.byte_range()?)),
            Event::Scalar(text, style, anchor, tag) => {
                if anchor > 0 {
                    let key = yaml::key_of_alias(&text, style, tag.as_deref());
                    self.anchors.insert(anchor, Anchor { tree: self.trees.len(), key });
                    self.trees.push(Tree { place: place.clone(), inner: Inner::Scalar });
                }
                Some((text, place))
            }
            Event::Alias(id) => {
                let key = self.anchors.get(&id)?.key.as_ref()?;
                Some((Cow::Owned(key.as_ref().to_owned()), place))
            }
            _ => None,
        }
    }

    /// Where the text of the last event stands; of a list or a mapping where it begins.
    fn place(&self, event: &Event<'_>, span: &Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                // The parser's place is that of the lines, with the empty ones after them.
                let start = self.header(&range).unwrap_or(range.start);
                let text = self.text.get(start..range.end).unwrap_or_default();
                start..start + text.trim_end_matches(SPACE).len()
            }
            Event::Scalar(_, ScalarStyle::Plain, ..) if range.is_empty() => {
                let at = self.nothing(range.start);
                at..at
            }
            Event::SequenceStart(..) if range.is_empty() => {
                let at = self.dash(range.start).unwrap_or(range.start);
                at..at
            }
            _ => range,
        }
    }

    /// The `|` or `>` of a block scalar, whose lines the parser sees at `lines`.
    fn header(&self, lines: &Range<usize>) -> Option<usize> {
        let mut marks = self.between().take_while(|mark| mark.at < lines.end);
        marks.find(|mark| matches!(mark.byte, b'|' | b'>')).map(|mark| mark.at)
    }

    /// Where a value that is not written would stand: behind its colon or dash, its anchor and its tag.
    ///
    /// The parser sees it before the colon, behind the comment after the dash, or where something else begins.
    fn nothing(&self, seen: usize) -> usize {
        let mut end = self.before;
        for mark in self.between() {
            let is_first = end == self.before;
            match mark.byte {
                b':' if is_first => {}
                b'-' if is_first && mark.at < seen => {}
                b'&' | b'!' if mark.at < seen => {}
                _ => break,
            }
            end = mark.end;
        }
        // An empty key after `?` has white space in front of it.
        self.text.get(..end).map_or(end, |text| text.trim_end_matches(SPACE).len())
    }

    /// The first dash of a list, which the parser does not see where it stands right below its key.
    fn dash(&self, seen: usize) -> Option<usize> {
        let mut marks = self.between().take_while(|mark| mark.at < seen);
        marks.next().filter(|mark| mark.byte == b':')?;
        marks.find(|mark| mark.byte == b'-').map(|mark| mark.at)
    }

    /// What stands behind the event before the last one: at first only indicators, an anchor and a tag, of which the
    /// parser tells no places.
    fn between(&self) -> impl Iterator<Item = Mark> {
        let bytes = self.text.as_bytes();
        let mut next = self.before;
        std::iter::from_fn(move || {
            loop {
                let at = next;
                let byte = *bytes.get(at)?;
                let rest = bytes.get(at + 1..)?;
                let length = match byte {
                    b'#' => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
                    b'&' | b'!' => rest.iter().position(|byte| ends_property(*byte)).unwrap_or(rest.len()),
                    _ => 0,
                };
                next = at + 1 + length;
                if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'#') {
                    return Some(Mark { byte, at, end: next });
                }
            }
        })
    }
}

/// An indicator, an anchor or a tag.
struct Mark {
    byte: u8,
    at: usize,
    end: usize,
}

fn ends_property(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}')
}

/// Whether a value may be found by another path than its own.
fn is_shared(event: &Event<'_>) -> bool {
    event.is_alias() || event.anchor_id().is_some()
}

/// The end of a list or a mapping: its bracket, or else the end of the last value in it.
fn closing(span: &Span, last: usize) -> usize {
    span.byte_range().filter(|range| !range.is_empty()).map_or(last, |range| range.end)
}

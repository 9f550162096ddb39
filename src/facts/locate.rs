//! Where values stand in the text of a file, found again when a report names them.
//!
//! Readers keep no places: those of all values of a large file take more memory than the values, and a report names
//! few of them. All paths of a report are found in one pass over each file. What the paths do not lead to is stepped
//! over, and the pass ends as soon as all of them are found.
//!
//! The text is trusted to be what a reader has read, but not to be so still: a file that changed since leaves paths
//! without a place, and nothing worse.

mod csv;
mod json;
mod toml;
mod yaml;

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use super::{Format, document::MAX_DEPTH};
use crate::{model::Segment, source::Location};

/// Where a value stands, in bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value: without the anchor and the tag before it, without white space behind it. Where nothing is written,
    /// as behind the colon of `a:`, an empty range. What an alias repeats stands where it is defined, and a table of
    /// TOML, whose entries may stand anywhere, where its header is, or else where its name is written first.
    pub value: Range<usize>,
    /// The key that leads to it, with its quotes, of a cell of CSV in the header; `None` for a document and for an
    /// element of a list.
    pub key: Option<Range<usize>>,
}

/// Finds where each of `paths`, all below the document of the file, stands in its text; in the order of `paths`.
///
/// With `many`, the first step of a path is the index of a document; of NDJSON and CSV it always is that of a line or
/// row. A path that leads nowhere, or has a step that is
/// any element, is `None`. A number that is not finite is found, although the facts leave it out.
#[must_use]
pub fn locate(bytes: &[u8], format: Format, many: bool, paths: &[&[Segment]]) -> Vec<Option<Found>> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let mut wanted = Wanted::new(paths);
    // How a pass ends, by finding everything or by what it cannot read, makes no difference to what it found.
    let _ = match format {
        Format::Json => json::locate(text, many, &mut wanted),
        Format::Yaml => yaml::locate(text, many, &mut wanted),
        Format::Toml => toml::locate(text, many, &mut wanted),
        Format::Ndjson => json::locate_lines(text, &mut wanted),
        Format::Csv => csv::locate(text, &mut wanted),
    };
    let before = bytes.len() - text.len();
    let shifted = |range: Range<usize>| range.start + before..range.end + before;
    let shift = |found: Found| Found { value: shifted(found.value), key: found.key.map(shifted) };
    wanted.found.into_iter().map(|found| found.map(shift)).collect()
}

/// The locations of byte ranges of a text, in the order of `ranges`; `path` is the file as reports show it.
///
/// The same as [`SourceFile::location`] says of each, in one sweep and without an index of the lines: a file of 100 MB
/// may have millions of lines, or one of 100 MB.
///
/// [`SourceFile::location`]: crate::source::SourceFile::location
#[must_use]
pub fn locations(path: &str, text: &[u8], ranges: &[Range<usize>]) -> Vec<Location> {
    let mut offsets: Vec<_> = ranges.iter().flat_map(|range| [range.start, range.end.max(range.start)]).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut places = Vec::with_capacity(offsets.len());
    let (mut at, mut line, mut column) = (0, 1, 1);
    for offset in &offsets {
        let between = text.get(at..(*offset).min(text.len())).unwrap_or_default();
        at += between.len();
        let rest = match memchr::memrchr(b'\n', between) {
            Some(newline) => {
                line += memchr::memchr_iter(b'\n', between).count();
                column = 1;
                &between[newline + 1..]
            }
            None => between,
        };
        column += characters(rest);
        places.push((line, column));
    }
    let place = |offset| offsets.binary_search(&offset).ok().and_then(|at| places.get(at)).copied().unwrap_or((1, 1));
    let location = |range: &Range<usize>| {
        let (line, column) = place(range.start);
        let (end_line, end_column) = place(range.end.max(range.start));
        Location { path: path.to_owned(), line, column, end_line, end_column }
    };
    ranges.iter().map(location).collect()
}

/// How many characters of UTF-8 begin in these bytes.
fn characters(bytes: &[u8]) -> usize {
    // Sums of short chunks fit a byte, which lets the processor add many at once.
    let begins = |byte: &u8| u8::from(byte & 0b1100_0000 != 0b1000_0000);
    bytes.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(chunk.iter().map(begins).sum::<u8>())).sum()
}

/// The root of the tree of wanted paths: the document, or with `many` the list of them.
const ROOT: usize = 0;

/// The paths to be found, as a tree, and where they were found.
struct Wanted<'p> {
    nodes: Vec<Node<'p>>,
    found: Vec<Option<Found>>,
    /// How many are not found yet.
    left: usize,
}

/// What is wanted of one place in a document.
#[derive(Default)]
struct Node<'p> {
    /// The wanted paths that end here; several where the same path is asked for several times.
    paths: Vec<usize>,
    /// Further nodes, by key.
    keys: HashMap<&'p str, usize>,
    /// Further nodes, by index.
    items: BTreeMap<usize, usize>,
}

impl<'p> Wanted<'p> {
    fn new(paths: &[&'p [Segment]]) -> Self {
        let mut nodes = vec![Node::default()];
        for (id, path) in paths.iter().enumerate() {
            // Deeper than any value, the list of documents counted. Whoever follows the tree may recurse.
            if path.len() > MAX_DEPTH + 1 || path.contains(&Segment::Any) {
                continue;
            }
            let mut at = ROOT;
            for step in *path {
                let next = nodes.len();
                at = match step {
                    Segment::Key(key) => *nodes[at].keys.entry(key).or_insert(next),
                    Segment::Index(index) => *nodes[at].items.entry(*index).or_insert(next),
                    Segment::Any => continue,
                };
                if at == next {
                    nodes.push(Node::default());
                }
            }
            nodes[at].paths.push(id);
        }
        let left = nodes.iter().map(|node| node.paths.len()).sum();
        Self { nodes, found: vec![None; paths.len()], left }
    }

    fn key(&self, node: usize, key: &str) -> Option<usize> {
        self.nodes[node].keys.get(key).copied()
    }

    fn item(&self, node: usize, index: usize) -> Option<usize> {
        self.nodes[node].items.get(&index).copied()
    }

    /// Notes where a node stands; `None` when there is nothing left to be found, which ends a pass through its `?`.
    fn found(&mut self, node: usize, value: Range<usize>, key: Option<Range<usize>>) -> Option<()> {
        let found = Found { value, key };
        for path in &self.nodes[node].paths {
            if self.found[*path].is_none() {
                self.found[*path] = Some(found.clone());
                self.left -= 1;
            }
        }
        (self.left > 0).then_some(())
    }
}

#[cfg(test)]
mod tests;

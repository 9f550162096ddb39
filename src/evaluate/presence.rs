//! Whether what assumptions read is there: one pass over the facts for all paths of all assumptions.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::{
    model::{Assumption, Path, Presence, Segment},
    policy::Use,
};

/// How often a path is there and how often not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) present: u64,
    pub(super) absent: u64,
}

/// The counts of many paths.
pub(super) struct Presences {
    nodes: Vec<Node>,
    /// Of each node.
    counts: Vec<Counts>,
    /// Of those nodes of which the values are looked at.
    kinds: Vec<Option<Kinds>>,
}

/// What the values at a path are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    /// How many are no numbers.
    pub(super) others: u64,
    /// The different texts; `None` where they are too many to keep.
    pub(super) texts: Option<BTreeSet<String>>,
}

/// So many different texts are kept of a path.
const TEXTS: usize = 1_000;

impl Kinds {
    fn take(&mut self, value: &Value) {
        self.others += u64::from(!matches!(value, Value::Number(_)));
        if let Value::String(text) = value
            && let Some(texts) = &mut self.texts
            && !texts.contains(text.as_ref())
        {
            if texts.len() == TEXTS {
                self.texts = None;
            } else {
                texts.insert(text.to_string());
            }
        }
    }
}

/// What paths have in common up to here: where each next segment leads, which is also held as a key to look up.
type Node = BTreeMap<Segment, (usize, Value)>;

impl Presences {
    /// Counts all paths in the documents, of which each has its root's name; of the `watched` ones the values too.
    pub(super) fn of<'a>(
        paths: impl Iterator<Item = &'a Path>,
        watched: &BTreeSet<Path>,
        documents: &[(&str, &Value)],
    ) -> Self {
        let mut nodes = vec![Node::new()];
        for path in paths {
            add(&mut nodes, path);
        }
        let watched: BTreeSet<usize> = watched.iter().map(|path| add(&mut nodes, path)).collect();
        let mut kinds = vec![None; nodes.len()];
        for node in watched {
            kinds[node] = Some(Kinds { others: 0, texts: Some(BTreeSet::new()) });
        }
        let mut presences = Self { counts: vec![Counts::default(); nodes.len()], kinds, nodes: Vec::new() };
        for (root, document) in documents {
            if let Some((node, _)) = nodes[0].get(&Segment::Key((*root).to_owned())) {
                presences.count(&nodes, *node, document);
            }
        }
        Self { nodes, ..presences }
    }

    /// Counts a value at a node, and all below it. Recursion is as deep as the longest path that a policy reads.
    fn count(&mut self, nodes: &[Node], node: usize, value: &Value) {
        self.counts[node].present += 1;
        if let Some(kinds) = &mut self.kinds[node] {
            kinds.take(value);
        }
        for (segment, (child, key)) in &nodes[node] {
            let one = match (segment, value) {
                (Segment::Key(_), Value::Object(object)) => object.get(key),
                // A look-up in a set asks for a member.
                (Segment::Key(_), Value::Set(set)) => set.get(key),
                (Segment::Index(at), Value::Array(array)) => array.get(*at),
                (Segment::Any, Value::Array(array)) => {
                    array.iter().for_each(|element| self.count(nodes, *child, element));
                    continue;
                }
                (Segment::Any, Value::Object(object)) => {
                    object.iter().for_each(|(_, element)| self.count(nodes, *child, element));
                    continue;
                }
                (Segment::Any, Value::Set(set)) => {
                    set.iter().for_each(|element| self.count(nodes, *child, element));
                    continue;
                }
                _ => None,
            };
            match one {
                Some(value) => self.count(nodes, *child, value),
                None => self.miss(nodes, *child),
            }
        }
    }

    /// Counts a node that is not there, and all below it.
    fn miss(&mut self, nodes: &[Node], node: usize) {
        self.counts[node].absent += 1;
        nodes[node].values().for_each(|(child, _)| self.miss(nodes, *child));
    }

    /// The counts of one of the paths.
    pub(super) fn counts(&self, path: &Path) -> Counts {
        self.node(path).map_or_else(Counts::default, |node| self.counts[node])
    }

    /// What the values at one of the watched paths are.
    pub(super) fn kinds(&self, path: &Path) -> Option<&Kinds> {
        self.kinds[self.node(path)?].as_ref()
    }

    fn node(&self, path: &Path) -> Option<usize> {
        path.segments().iter().try_fold(0, |node, segment| self.nodes[node].get(segment).map(|(child, _)| *child))
    }
}

/// The node of a path.
fn add(nodes: &mut Vec<Node>, path: &Path) -> usize {
    let mut node = 0;
    for segment in path.segments() {
        let next = nodes.len();
        let key = match segment {
            Segment::Key(key) => Value::from(key.as_str()),
            Segment::Index(_) | Segment::Any => Value::Null,
        };
        let child = nodes[node].entry(segment.clone()).or_insert((next, key)).0;
        if child == next {
            nodes.push(Node::new());
        }
        node = child;
    }
    node
}

/// The value at a path without `[_]`, in a document whose root the path's first key names.
pub(super) fn value_at<'a>(path: &Path, document: &'a Value) -> Option<&'a Value> {
    path.segments()[1..].iter().try_fold(document, |value, segment| match (segment, value) {
        (Segment::Key(key), Value::Object(object)) => object.get(&Value::from(key.as_str())),
        (Segment::Key(key), Value::Set(set)) => set.get(&Value::from(key.as_str())),
        (Segment::Index(at), Value::Array(array)) => array.get(*at),
        _ => None,
    })
}

/// How many facts it looked at: the values at the ends of what it reads.
pub(super) fn facts(uses: &[Use], presences: &Presences) -> u64 {
    let paths: BTreeSet<&Path> = uses.iter().map(|one| &one.path).filter(|path| path.source().is_some()).collect();
    paths
        .iter()
        // A path that another one goes through is a list or an object on the way.
        .filter(|path| {
            !paths.iter().any(|other| {
                other.segments().len() > path.segments().len() && other.segments().starts_with(path.segments())
            })
        })
        .map(|path| presences.counts(path).present)
        .sum()
}

/// What is read, by path.
pub(super) fn reads(uses: &[Use], assumption: &Assumption, presences: &Presences) -> Vec<Presence> {
    let mut reads: BTreeMap<&Path, bool> = BTreeMap::new();
    for one in uses {
        let optional = assumption.optional.iter().any(|pattern| pattern.covers(&one.path));
        *reads.entry(&one.path).or_default() |= one.is_needed() && !optional;
    }
    reads
        .into_iter()
        .map(|(path, needed)| {
            let counts = presences.counts(path);
            Presence { path: path.clone(), needed, present: counts.present, absent: counts.absent }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_place_of_a_path() {
        let facts =
            Value::from_json_str(r#"{"a": {"list": [{"x": 1, "deep": {"y": 1}}, {"x": 2}, {}], "one": 1}, "b": []}"#)
                .unwrap();
        let expected = [
            ("input.a.one", 1, 0),
            ("input.a.two", 0, 1),
            ("input.a.list[_]", 3, 0),
            ("input.a.list[_].x", 2, 1),
            ("input.a.list[_].deep.y", 1, 2),
            ("input.a.list[1].x", 1, 0),
            ("input.a.list[9].x", 0, 1),
            ("input.b[_].x", 0, 0),
            ("input.c[_].x", 0, 1),
        ];
        let paths: Vec<Path> = expected.iter().map(|(path, ..)| path.parse().unwrap()).collect();
        let presences = Presences::of(paths.iter(), &BTreeSet::new(), &[("input", &facts)]);
        for ((text, present, absent), path) in expected.iter().zip(&paths) {
            assert_eq!(presences.counts(path), Counts { present: *present, absent: *absent }, "{text}");
        }
    }

    #[test]
    fn looks_at_the_values_of_watched_paths() {
        let facts =
            Value::from_json_str(r#"{"a": [{"x": 1}, {"x": "b"}, {"x": "a"}, {"x": "b"}, {"x": null}, {}]}"#).unwrap();
        let path: Path = "input.a[_].x".parse().unwrap();
        let presences = Presences::of(std::iter::empty(), &BTreeSet::from([path.clone()]), &[("input", &facts)]);
        let texts = Some(["a", "b"].map(str::to_owned).into());
        assert_eq!(presences.kinds(&path), Some(&Kinds { others: 4, texts }));
        assert_eq!(presences.counts(&path), Counts { present: 5, absent: 1 });
        assert_eq!(presences.kinds(&"input.a[_]".parse().unwrap()), None);
    }
}

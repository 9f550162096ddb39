//! Where in the facts a value stands: by the expression it was read with, else by where it stands in memory, which it
//! shares with the document it was taken from.

use std::collections::{HashMap, HashSet};

use regorus::Value;

use super::{
    program::{Hop, Known, Origin, Program, Root},
    trace::{Met, TraceWorld, address, bound, meet},
};
use crate::model::{Path, Segment};

/// The path of what an expression read with this binding; `None` where it cannot be told.
pub(super) fn concrete(
    program: &Program,
    body: usize,
    origin: &Origin,
    env: &Value,
    world: &TraceWorld,
) -> Option<Path> {
    by_name(program, body, origin, env, 0).or_else(|| by_memory(origin, env, world))
}

fn by_name(program: &Program, body: usize, origin: &Origin, env: &Value, depth: usize) -> Option<Path> {
    if depth > 24 {
        return None;
    }
    let base = match &origin.root {
        Root::Input => Path::new(vec![Segment::Key("input".to_owned())]),
        Root::Data => Path::new(vec![Segment::Key("data".to_owned())]),
        Root::Slot(slot) => match &program.bodies[body].slots.get(*slot)?.origin {
            Some(Known::At(origin)) => by_name(program, body, origin, env, depth + 1)?,
            Some(Known::Argument(_)) | None => return None,
        },
        Root::Rule(_) | Root::Elsewhere(..) | Root::Unknown => return None,
    };
    let mut segments = base.segments().to_vec();
    for hop in &origin.hops {
        segments.push(segment(hop, env)?);
    }
    Some(Path::new(segments))
}

fn segment(hop: &Hop, env: &Value) -> Option<Segment> {
    match hop {
        Hop::Key(key) => Some(Segment::Key(key.text.clone())),
        Hop::Index(at) => Some(Segment::Index(*at)),
        Hop::Slot(slot) | Hop::Each(Some(slot)) => match bound(env, *slot) {
            Some(Value::String(key)) => Some(Segment::Key(key.to_string())),
            Some(number @ Value::Number(_)) => Some(Segment::Index(usize::try_from(number.as_u64().ok()?).ok()?)),
            Some(_) => None,
            None => matches!(hop, Hop::Each(_)).then_some(Segment::Any),
        },
        Hop::Each(None) => Some(Segment::Any),
        Hop::Computed => None,
    }
}

/// Looks for the last value on the way that is shared with a document, and adds the steps from there.
fn by_memory(origin: &Origin, env: &Value, world: &TraceWorld) -> Option<Path> {
    for taken in (0..=origin.hops.len()).rev() {
        let read = super::program::Read::of(Origin { root: origin.root.clone(), hops: origin.hops[..taken].to_vec() });
        let mut found = None;
        meet(&read, env, world, &mut |met| {
            if let Met::Present(value) = met {
                found = Some(value.clone());
            }
        });
        let Some(wanted) = found.as_ref().and_then(address) else { continue };
        let places = places(world, &HashSet::from([wanted]));
        if let Some(base) = places.get(&wanted) {
            let mut segments = base.segments().to_vec();
            for hop in &origin.hops[taken..] {
                segments.push(segment(hop, env)?);
            }
            return Some(Path::new(segments));
        }
    }
    None
}

/// Where in the documents these values stand, by their addresses; the first place of each.
pub(super) fn places(world: &TraceWorld, wanted: &HashSet<usize>) -> HashMap<usize, Path> {
    let mut search = Search { wanted, found: HashMap::new(), way: Vec::new() };
    for (root, document) in [("input", &world.input), ("data", &world.data)] {
        search.way.push(Segment::Key(root.to_owned()));
        search.visit(document);
        search.way.pop();
    }
    search.found
}

struct Search<'a> {
    wanted: &'a HashSet<usize>,
    found: HashMap<usize, Path>,
    way: Vec<Segment>,
}

impl Search<'_> {
    fn visit(&mut self, value: &Value) {
        if self.found.len() == self.wanted.len() {
            return;
        }
        if let Some(address) = address(value)
            && self.wanted.contains(&address)
        {
            self.found.entry(address).or_insert_with(|| Path::new(self.way.clone()));
        }
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.way.push(Segment::Index(at));
                    self.visit(item);
                    self.way.pop();
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields.iter_sorted() {
                    let Ok(key) = key.as_string() else { continue };
                    self.way.push(Segment::Key(key.to_string()));
                    self.visit(item);
                    self.way.pop();
                }
            }
            _ => {}
        }
    }
}

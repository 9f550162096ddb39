//! Where in the facts a value stands: by the expression it was read with, else by where it stands in memory, which it
//! shares with the document it was taken from.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use regorus::Value;

use super::{
    program::{Hop, Known, Origin, Program, Root, Text},
    trace::{TraceWorld, address, bound, is_same, single, values},
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
    by_name(program, body, origin, env, world, 0).or_else(|| by_memory(origin, env, world))
}

fn by_name(
    program: &Program,
    body: usize,
    origin: &Origin,
    env: &Value,
    world: &TraceWorld,
    depth: usize,
) -> Option<Path> {
    if depth > 24 {
        return None;
    }
    let base = match &origin.root {
        Root::Input => input(env, world)?,
        Root::Data => Path::new(vec![Segment::Key("data".to_owned())]),
        Root::Slot(slot) => match &program.bodies[body].slots.get(*slot)?.origin {
            Some(Known::At(origin)) => by_name(program, body, origin, env, world, depth + 1)?,
            Some(Known::Argument(_)) | None => return None,
        },
        Root::Rule(_) | Root::Elsewhere(..) | Root::Made(_) | Root::Unknown => return None,
    };
    let mut segments = base.segments().to_vec();
    for hop in &origin.hops {
        segments.push(segment(hop, env, world)?);
    }
    Some(Path::new(segments))
}

/// Where the `input` of this binding stands: `with` may have put a part of the facts in the place of the whole.
fn input(env: &Value, world: &TraceWorld) -> Option<Path> {
    let root = Path::new(vec![Segment::Key("input".to_owned())]);
    let current = env.as_array().ok().and_then(|env| env.get(0));
    if let Some(inputs) = &world.inputs
        && let Some(path) = current.and_then(|current| inputs.path_of(current))
    {
        return Some(path.clone());
    }
    match current.and_then(address) {
        Some(current) if Some(current) != address(&world.input) => place(world, current),
        _ => Some(root),
    }
}

/// The same expression with the values that its look-ups had, and with the `input` of this binding.
pub(super) fn resolved(origin: &Origin, env: &Value, world: &TraceWorld) -> Origin {
    let hop = |hop: &Hop| match hop {
        Hop::Computed(Some(by)) => match value_of(by, env, world) {
            Some(Value::String(key)) => Hop::Key(Text::new(&key)),
            Some(number @ Value::Number(_)) => number
                .as_u64()
                .ok()
                .and_then(|at| usize::try_from(at).ok())
                .map_or_else(|| Hop::Computed(Some(by.clone())), Hop::Index),
            _ => Hop::Computed(Some(by.clone())),
        },
        hop => hop.clone(),
    };
    Origin { root: origin.root.clone(), hops: origin.hops.iter().map(hop).collect() }
}

/// What an expression came to, where that is one value.
pub(super) fn value_of(origin: &Origin, env: &Value, world: &TraceWorld) -> Option<Value> {
    single(origin, env, &around(env, world)).cloned()
}

/// The world with the `input` of this binding.
pub(super) fn around<'w>(env: &Value, world: &'w TraceWorld) -> Cow<'w, TraceWorld> {
    match env.as_array().ok().and_then(|env| env.get(0)) {
        Some(input) if !is_same(Some(input), &world.input) => {
            Cow::Owned(TraceWorld { input: input.clone(), index: Arc::default(), ..world.clone() })
        }
        _ => Cow::Borrowed(world),
    }
}

fn segment(hop: &Hop, env: &Value, world: &TraceWorld) -> Option<Segment> {
    let step = |value: &Value| match value {
        Value::String(key) => Some(Segment::Key(key.to_string())),
        number @ Value::Number(_) => Some(Segment::Index(usize::try_from(number.as_u64().ok()?).ok()?)),
        _ => None,
    };
    match hop {
        Hop::Key(key) => Some(Segment::Key(key.text.clone())),
        Hop::Index(at) => Some(Segment::Index(*at)),
        Hop::Slot(slot) | Hop::Each(Some(slot)) => match bound(env, *slot) {
            Some(value) => step(value),
            None => matches!(hop, Hop::Each(_)).then_some(Segment::Any),
        },
        Hop::Each(None) => Some(Segment::Any),
        Hop::Computed(by) => step(&value_of(by.as_deref()?, env, world)?),
    }
}

/// Looks for the last value on the way that is shared with a document, and adds the steps from there.
fn by_memory(origin: &Origin, env: &Value, world: &TraceWorld) -> Option<Path> {
    // What `with` put in the place of the facts stands nowhere in them.
    let there = around(env, world);
    for taken in (0..=origin.hops.len()).rev() {
        let found = values(&origin.root, &origin.hops[..taken], env, &there);
        let Some(wanted) = found.last().copied().and_then(address) else { continue };
        if let Some(base) = place(world, wanted) {
            let mut segments = base.segments().to_vec();
            for hop in &origin.hops[taken..] {
                segments.push(segment(hop, env, world)?);
            }
            return Some(Path::new(segments));
        }
    }
    None
}

/// Where every value of the documents stands that is shared, by its address in memory: the first place of each.
#[derive(Default)]
pub(super) struct Index {
    /// Each with the one it stands in.
    nodes: Vec<(Option<usize>, Value)>,
    by_address: HashMap<usize, usize>,
}

impl Index {
    fn of(world: &TraceWorld) -> Self {
        let mut index = Self::default();
        for (root, document) in [("input", &world.input), ("data", &world.data)] {
            index.add(None, root.into(), document);
        }
        index
    }

    fn add(&mut self, parent: Option<usize>, step: Value, value: &Value) {
        let Some(address) = address(value) else { return };
        let at = self.nodes.len();
        self.nodes.push((parent, step));
        self.by_address.entry(address).or_insert(at);
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(nth, item)| self.add(Some(at), Value::from(nth as u64), item));
            }
            Value::Object(fields) => fields.iter_sorted().for_each(|(key, item)| self.add(Some(at), key.clone(), item)),
            _ => {}
        }
    }

    fn path(&self, address: usize) -> Option<Path> {
        let mut at = Some(*self.by_address.get(&address)?);
        let mut segments = Vec::new();
        while let Some(node) = at {
            let (parent, step) = &self.nodes[node];
            segments.push(match step {
                Value::String(key) => Segment::Key(key.to_string()),
                number => Segment::Index(usize::try_from(number.as_u64().ok()?).ok()?),
            });
            at = *parent;
        }
        segments.reverse();
        Some(Path::new(segments))
    }
}

/// Where this value stands in the documents.
fn place(world: &TraceWorld, address: usize) -> Option<Path> {
    world.index.get_or_init(|| Index::of(world)).path(address)
}

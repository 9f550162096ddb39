//! What there is to explain with: the rules as a table of statements, and what they told while they were evaluated.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use regorus::Value;

use super::{
    Bound, Run,
    engine::Engine,
    explain,
    inputs::Input,
    program::{self, Program, Root},
    trace::{self, Trace},
};
use crate::{
    policy::{DataPath, Group, GroupRule, reference},
    secret,
};

/// What the rules of a group told while they were evaluated once more.
pub(crate) struct Told {
    pub(crate) program: Arc<Program>,
    pub(crate) trace: Arc<Trace>,
    /// The one input of which it tells, of several.
    only: Option<usize>,
    /// What each body made with which input, where there are several.
    by_input: Arc<OnceLock<ByInput>>,
    /// Which binding of which body made a value.
    makers: OnceLock<Makers>,
    /// Which binding of a function's body had these arguments, first.
    calls: OnceLock<Calls>,
    /// Further names of keys whose values are never shown.
    redact: Vec<String>,
}

/// By body and arguments: the number of the binding there.
type Calls = BTreeMap<(usize, Vec<Value>), usize>;

/// By input and body: the numbers of the bindings there.
type ByInput = HashMap<usize, BTreeMap<usize, Vec<usize>>>;

/// By rule and value: bodies, and the number of the binding there.
type Makers = BTreeMap<DataPath, BTreeMap<Value, Vec<(usize, usize)>>>;

impl Told {
    /// The bodies of the rules that a group goes through.
    pub(super) fn bodies(&self, group: &Group) -> impl Iterator<Item = usize> {
        let through = &group.reads.through;
        self.program.bodies.iter().enumerate().filter(|(_, body)| through.contains(&body.rule)).map(|(at, _)| at)
    }

    /// The same of one input alone; `None` where there is but one, or it is not known which one it is.
    pub(super) fn of_input(&self, input: Option<&Value>) -> Option<Self> {
        let only = self.trace.world.inputs.as_ref()?.which(input?)?;
        Some(Self {
            program: Arc::clone(&self.program),
            trace: Arc::clone(&self.trace),
            only: Some(only),
            by_input: Arc::clone(&self.by_input),
            makers: OnceLock::new(),
            calls: OnceLock::new(),
            redact: self.redact.clone(),
        })
    }

    /// What stands for `input`.
    pub(super) fn input(&self) -> &Value {
        let world = &self.trace.world;
        let only = self.only.and_then(|only| world.inputs.as_ref()?.get(only));
        only.map_or(&world.input, Input::value)
    }

    /// Whether a binding is one of those that are told of.
    pub(super) fn tells_of(&self, env: &Value) -> bool {
        self.only.is_none_or(|only| self.trace.world.which(env) == Some(only))
    }

    /// What a body made, with the numbers of the bindings.
    fn numbered(&self, body: usize) -> impl Iterator<Item = (usize, &trace::Made)> + Clone {
        let made = &self.trace.bodies[body].made;
        let some = self.only.map(|only| {
            let by_input = self.by_input.get_or_init(|| {
                let mut by_input = ByInput::new();
                for (body, of) in self.trace.bodies.iter().enumerate() {
                    for (nth, made) in of.made.iter().enumerate() {
                        if let Some(input) = self.trace.world.which(&made.env) {
                            by_input.entry(input).or_default().entry(body).or_default().push(nth);
                        }
                    }
                }
                by_input
            });
            by_input.get(&only).and_then(|of| of.get(&body)).map_or(&[][..], Vec::as_slice)
        });
        let all = if some.is_none() { 0..made.len() } else { 0..0 };
        all.chain(some.unwrap_or_default().iter().copied()).map(|nth| (nth, &made[nth]))
    }

    /// What a body made.
    pub(super) fn made_in(&self, body: usize) -> impl Iterator<Item = &trace::Made> + Clone {
        self.numbered(body).map(|(_, made)| made)
    }

    /// Whether what an expression or path of this text stands for is better not shown.
    pub(super) fn is_secret(&self, text: &str) -> bool {
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
        words.any(|word| secret::is_secret(word, &self.redact))
    }

    /// The first binding with which a function's body made something of these arguments, as far as they are known.
    pub(super) fn called(&self, body: usize, values: &[Option<Value>]) -> Option<&trace::Made> {
        let slots = |body: &program::Body| -> Option<Vec<(usize, usize)>> {
            let argument = |(slot, known): (usize, &program::Slot)| match known.origin {
                Some(program::Known::Argument(nth)) => Some((slot, nth)),
                _ => None,
            };
            body.slots[..body.outer].iter().enumerate().map(argument).collect()
        };
        let of = &self.program.bodies[body];
        let known: Option<Vec<Value>> =
            slots(of).and_then(|of_this| of_this.iter().map(|(_, nth)| values.get(*nth).cloned().flatten()).collect());
        let Some(known) = known else {
            return self.made_in(body).find(|made| explain::is_called_with(of, &made.env, values));
        };
        let calls = self.calls.get_or_init(|| {
            let mut calls = Calls::new();
            for (at, body) in self.program.bodies.iter().enumerate() {
                let Some(slots) = slots(body).filter(|_| body.kind == program::Kind::Function) else { continue };
                for (nth, made) in self.numbered(at) {
                    let arguments: Option<Vec<Value>> =
                        slots.iter().map(|(slot, _)| trace::bound(&made.env, *slot).cloned()).collect();
                    if let Some(arguments) = arguments {
                        calls.entry((at, arguments)).or_insert(nth);
                    }
                }
            }
            calls
        });
        calls.get(&(body, known)).map(|nth| &self.trace.bodies[body].made[*nth])
    }

    /// The bindings that made an element of a rule.
    pub(super) fn made(&self, rule: &DataPath, value: &Value) -> Vec<(usize, &trace::Made)> {
        let makers = self.makers.get_or_init(|| {
            let mut makers: Makers = BTreeMap::new();
            for (at, body) in self.program.bodies.iter().enumerate() {
                for (nth, made) in self.numbered(at) {
                    if body.parent.is_none() {
                        let of_rule = makers.entry(body.rule.clone()).or_default();
                        of_rule.entry(made.value.clone()).or_default().push((at, nth));
                    }
                }
            }
            makers
        });
        let found = makers.get(rule).and_then(|of_rule| of_rule.get(value)).into_iter().flatten();
        found.map(|(body, nth)| (*body, &self.trace.bodies[*body].made[*nth])).collect()
    }
}

/// Evaluates a group once more, instrumented; `None` where that does not give the same.
pub(super) fn tell(
    engine: &Engine<'_>,
    group: &Group,
    bound: Option<&Bound>,
    run: &Run,
    redact: &[String],
) -> Option<Told> {
    let Ok(values) = &run.values else { return None };
    let program = bound.map_or(engine.program(), |bound| &bound.program);
    let through = &group.reads.through;
    let mut helpers = BTreeSet::new();
    for body in program.bodies.iter().filter(|body| through.contains(&body.rule)) {
        for read in body.all().flat_map(|statement| &statement.reads) {
            if let Root::Rule(rule) = &read.origin.root {
                helpers.insert(rule.clone());
            }
        }
    }
    let is_function = |rule: &DataPath| {
        program.bodies_of(rule).iter().any(|body| program.bodies[*body].kind == program::Kind::Function)
    };
    let helpers: Vec<_> = helpers
        .into_iter()
        .filter(|rule| !is_function(rule))
        .map(|rule| {
            let reference = reference(&rule);
            (rule, reference)
        })
        .collect();
    let rules: Vec<String> = group.rules.iter().map(GroupRule::reference).collect();
    let (again, trace) =
        engine.traced(&rules, &helpers, bound.map(|bound| &bound.inputs), program, run.builtin.is_none())?;
    (again == *values).then(|| Told {
        program: Arc::clone(program),
        trace: Arc::new(trace),
        only: None,
        by_input: Arc::default(),
        makers: OnceLock::new(),
        calls: OnceLock::new(),
        redact: redact.to_vec(),
    })
}

//! What there is to explain with: the rules as a table of statements, and what they told while they were evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use regorus::Value;

use super::{
    Run,
    engine::Engine,
    explain,
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
    pub(crate) trace: Trace,
    /// Which binding of which body made a value.
    makers: OnceLock<Makers>,
    /// Which binding of a function's body had these arguments, first.
    calls: OnceLock<Calls>,
    /// Further names of keys whose values are never shown.
    redact: Vec<String>,
}

/// By body and arguments: the number of the binding there.
type Calls = BTreeMap<(usize, Vec<Value>), usize>;

/// By rule and value: bodies, and the number of the binding there.
type Makers = BTreeMap<DataPath, BTreeMap<Value, Vec<(usize, usize)>>>;

impl Told {
    fn new(program: &Arc<Program>, trace: Trace, redact: &[String]) -> Self {
        Self {
            program: Arc::clone(program),
            trace,
            makers: OnceLock::new(),
            calls: OnceLock::new(),
            redact: redact.to_vec(),
        }
    }

    /// The bodies of the rules that a group goes through.
    pub(super) fn bodies(&self, group: &Group) -> impl Iterator<Item = usize> {
        let through = &group.reads.through;
        self.program.bodies.iter().enumerate().filter(|(_, body)| through.contains(&body.rule)).map(|(at, _)| at)
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
            return self.trace.bodies[body].made.iter().find(|made| explain::is_called_with(of, &made.env, values));
        };
        let calls = self.calls.get_or_init(|| {
            let mut calls = Calls::new();
            for (at, body) in self.program.bodies.iter().enumerate() {
                let Some(slots) = slots(body).filter(|_| body.kind == program::Kind::Function) else { continue };
                for (nth, made) in self.trace.bodies[at].made.iter().enumerate() {
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
                for (nth, made) in self.trace.bodies[at].made.iter().enumerate() {
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
pub(super) fn tell(engine: &Engine<'_>, group: &Group, run: &Run, redact: &[String]) -> Option<Told> {
    let Ok(values) = &run.values else { return None };
    let program = engine.program();
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
    let (again, trace) = engine.traced(&rules, &helpers, trace::SAMPLES, run.builtin.is_none())?;
    (again == *values).then(|| Told::new(program, trace, redact))
}

/// So many bindings of a test are kept: one for each of its cases, as long as there are not too many.
const CASES: usize = 1_000;

/// Evaluates a test once more, instrumented; `None` where that does not give the same.
pub(super) fn tell_test(engine: &Engine<'_>, reference: &str, value: Option<&Value>) -> Option<Told> {
    let (again, trace) = engine.traced(&[reference.to_owned()], &[], CASES, false)?;
    (again.first().and_then(Option::as_ref) == value).then(|| Told::new(engine.program(), trace, &[]))
}

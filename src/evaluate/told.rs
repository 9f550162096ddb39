//! What there is to explain with: the rules as a table of statements, and what they told while they were evaluated.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use regorus::Value;

use super::{
    Bound, Run,
    engine::{Engine, Failure},
    explain, findings,
    inputs::Input,
    place,
    program::{self, Program, Root},
    trace::{self, Stop, Trace},
};
use crate::{
    model::Path,
    policy::{DataPath, Group, GroupRule, reference},
    secret,
    source::Location,
    text::{ELLIPSIS, cut_value},
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
    /// Where a function's body stopped with these arguments, and an `every` with these variables around it, first.
    stops: OnceLock<Calls>,
    /// Where a built-in failed, and with which binding, as far as that can be told.
    pub(super) failed: Option<Failed>,
    /// Further names of keys whose values are never shown.
    redact: Vec<String>,
}

/// A statement in which a built-in failed.
pub(super) struct Failed {
    pub(super) body: usize,
    pub(super) statement: usize,
    pub(super) env: Value,
    pub(super) location: Location,
    /// What was handed to it: the place with its name, and the value where that may be shown.
    given: Option<(Path, String, Option<String>)>,
}

impl Failed {
    /// The message with what made it fail, and where that stands.
    pub(super) fn described(&self, message: &str) -> (String, Option<Path>) {
        // The engine quotes the value, and not where it stands; what is secret it would show.
        let message = match (&self.given, message.split_once(", and got `")) {
            (Some(_), Some((message, _))) => message,
            _ => message,
        };
        match &self.given {
            Some((path, named, Some(value))) => (format!("{message}: {named} is {value}"), Some(path.clone())),
            Some((path, named, None)) => (format!("{message}: {named}"), Some(path.clone())),
            None => (message.to_owned(), None),
        }
    }
}

/// By body and arguments: the number of the binding there.
type Calls = BTreeMap<(usize, Vec<Value>), usize>;

/// By input and body: the numbers of the bindings there.
type ByInput = HashMap<usize, BTreeMap<usize, Vec<usize>>>;

/// By rule and value: bodies, and the number of the binding there.
type Makers = BTreeMap<DataPath, BTreeMap<Value, Vec<(usize, usize)>>>;

impl Told {
    fn new(program: &Arc<Program>, trace: Trace, redact: &[String]) -> Self {
        Self {
            program: Arc::clone(program),
            trace: Arc::new(trace),
            only: None,
            by_input: Arc::default(),
            makers: OnceLock::new(),
            calls: OnceLock::new(),
            stops: OnceLock::new(),
            failed: None,
            redact: redact.to_vec(),
        }
    }

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
            stops: OnceLock::new(),
            failed: None,
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

    /// Where a function's body stopped with these parameters, and an `every` with these variables around it, first; by
    /// slot, as far as they are known.
    pub(super) fn stop(&self, body: usize, outer: &[Option<Value>]) -> Option<&Stop> {
        let stops = &self.trace.bodies[body].stops;
        let known: Option<Vec<Value>> = outer.iter().cloned().collect();
        let Some(known) = known else {
            let is_it = |stop: &&Stop| {
                let mut slots = outer.iter().enumerate();
                slots.all(|(slot, value)| value.is_none() || trace::bound(&stop.sample.env, slot) == value.as_ref())
            };
            return stops.iter().filter(|stop| self.tells_of(&stop.sample.env)).find(is_it);
        };
        let index = self.stops.get_or_init(|| {
            let mut index = Calls::new();
            for (at, body) in self.program.bodies.iter().enumerate() {
                let stops = self.trace.bodies[at].stops.iter().enumerate();
                for (nth, stop) in stops.filter(|(_, stop)| self.tells_of(&stop.sample.env)) {
                    let outer = (0..body.outer).map(|slot| trace::bound(&stop.sample.env, slot).cloned());
                    if let Some(outer) = outer.collect() {
                        index.entry((at, outer)).or_insert(nth);
                    }
                }
            }
            index
        });
        index.get(&(body, known)).map(|nth| &stops[*nth])
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
    // Where a built-in failed, the one for which it did is to be among them.
    let samples = if run.builtin.is_some() { trace::KEPT } else { trace::SAMPLES };
    let (again, trace) = engine.traced(
        &group.assumption.id,
        &rules,
        &helpers,
        bound.map(|bound| &bound.inputs),
        program,
        samples,
        run.builtin.is_none(),
    )?;
    let mut told = (again == *values).then(|| Told::new(program, trace, redact))?;
    told.failed = run.builtin.as_ref().and_then(|failure| told.failed(engine, group, failure));
    Some(told)
}

/// So many bindings of a test are kept: one for each of its cases, as long as there are not too many.
const CASES: usize = 1_000;

/// Evaluates a test once more, instrumented; `None` where that does not give the same.
pub(super) fn tell_test(engine: &Engine<'_>, reference: &str, value: Option<&Value>) -> Option<Told> {
    let (again, trace) =
        engine.traced(reference, &[reference.to_owned()], &[], None, engine.program(), CASES, false)?;
    (again.first().and_then(|row| row.first()?.as_ref()) == value).then(|| Told::new(engine.program(), trace, &[]))
}

impl Told {
    /// Asks every statement by itself, strictly and with each of its bindings, until one fails in the same way.
    fn failed(&self, engine: &Engine<'_>, group: &Group, failure: &Failure) -> Option<Failed> {
        /// So many are asked.
        const ASKED: usize = 500;
        let Failure::Error(error) = failure else { return None };
        let message = error.kind.to_string();
        // What is nested stands behind what is around it, and says it nearer.
        let bodies: Vec<usize> = self.bodies(group).collect();
        let statements = bodies.into_iter().rev().flat_map(|body| {
            let of = self.program.bodies[body].all().zip(&self.trace.bodies[body].statements);
            of.enumerate().map(move |(nth, (statement, said))| (body, nth, statement, said))
        });
        let reached = statements.flat_map(|(body, nth, statement, said)| {
            said.samples.iter().map(move |sample| (body, nth, statement, &sample.env))
        });
        let (body, nth, statement, env) = reached.take(ASKED).find(|(body, _, statement, env)| {
            let asked = self.alone(*body, statement, env);
            matches!(engine.values(&group.assumption.id, &[asked], None, true), Err(Failure::Error(error)) if error.kind.to_string() == message)
        })?;
        let (env, location) = (env.clone(), statement.place.location());
        Some(Failed { given: self.given(body, statement, &env), body, statement: nth, env, location })
    }

    /// A statement with the values of its variables, as an expression of its own.
    fn alone(&self, body: usize, statement: &program::Statement, env: &Value) -> String {
        let slots = self.program.bodies[body].slots.iter().enumerate();
        let named = slots.filter(|(_, slot)| !slot.hidden && statement.text.contains(&slot.name));
        let given = named.filter_map(|(at, slot)| {
            let value = trace::bound(env, at).filter(|value| **value != Value::Undefined)?;
            Some(format!("{} := {}; ", slot.name, value.to_json_str().ok()?))
        });
        format!("[1 | {}{}]", given.collect::<String>(), statement.text)
    }

    /// What a statement hands to a built-in: the first scalar that is read behind an opening bracket, else at all.
    fn given(
        &self,
        body: usize,
        statement: &program::Statement,
        env: &Value,
    ) -> Option<(Path, String, Option<String>)> {
        let world = &self.trace.world;
        let is_scalar = |value: &Value| !matches!(value, Value::Object(_) | Value::Array(_) | Value::Set(_));
        let values = statement.reads.iter().filter_map(|read| {
            let value = place::value_of(&read.origin, env, world).filter(is_scalar)?;
            Some((read, value, place::concrete(&self.program, body, &read.origin, env, world)?))
        });
        let values: Vec<_> = values.collect();
        let is_argument = |read: &program::Read| statement.text.contains(&format!("({}", read.text));
        let (read, value, path) = values
            .iter()
            .find(|(read, ..)| is_argument(read))
            .or_else(|| values.first().filter(|_| values.len() == 1))?;
        let is_secret = self.is_secret(&path.to_string()) || self.is_secret(&read.text);
        let value = serde_json::to_value(value).ok().filter(|_| !is_secret);
        Some((path.clone(), findings::named(path, world), value.map(|value| cut_value(&value, 60, ELLIPSIS))))
    }
}

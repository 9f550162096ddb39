//! What the rewritten rules tell: which statements were reached with which variables, what was there for them to read,
//! and what each body made.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regorus::Value;

use super::{
    inputs::Inputs,
    place::Index,
    program::{
        Body, Constants, Hop, Kind, Need, Operand, Origin, Pair, PairKind, Pattern, Program, Read, Root, Statement,
        Text,
    },
};
use crate::policy::DataPath;

/// So many bindings with something missing are kept for each expression; the count goes on.
pub(super) const KEPT: usize = 2_000;
/// So many values are kept of what a body made, and so many bindings that passed a nested body.
const MADE: usize = 50_000;
const PASSED: usize = 200;
/// So many bindings are kept to show.
pub(super) const SAMPLES: usize = 3;
/// So many different values are kept at a place that is compared with constants.
const VALUES: usize = 10_000;
/// In so many parents of a missing key the other keys are looked at.
const PARENTS: u64 = 500;

/// What one evaluation told.
pub(crate) struct Trace {
    pub(super) bodies: Vec<BodyTrace>,
    pub(super) world: TraceWorld,
}

/// What reads start from.
#[derive(Clone)]
pub(super) struct TraceWorld {
    pub(super) input: Value,
    pub(super) data: Value,
    /// What stands for `input` instead of all facts.
    pub(super) inputs: Option<Arc<Inputs>>,
    /// The values of rules without parameters that others look into, for each input.
    pub(super) rules: Arc<Vec<BTreeMap<DataPath, Value>>>,
    /// Where their values stand, once anybody asks.
    pub(super) index: Arc<OnceLock<Index>>,
}

impl TraceWorld {
    /// Which of the inputs a binding has; `None` where `with` has put something else in its place.
    pub(super) fn which(&self, env: &Value) -> Option<usize> {
        let input = env.as_array().ok()?.first()?;
        match &self.inputs {
            Some(inputs) => inputs.which(input),
            None => is_same(Some(input), &self.input).then_some(0),
        }
    }

    /// The value of a rule where a binding looks into it.
    pub(super) fn rule(&self, rule: &DataPath, env: &Value) -> Option<&Value> {
        let which = if self.inputs.is_some() { self.which(env)? } else { 0 };
        self.rules.get(which)?.get(rule)
    }
}

/// Of one body.
#[derive(Default)]
pub(super) struct BodyTrace {
    /// Of each statement, and at the end of the head.
    pub(super) statements: Vec<StatementTrace>,
    pub(super) made: Vec<Made>,
    /// How many times it made something or was passed, also beyond what is kept.
    pub(super) made_count: u64,
    /// Where calls of a function, and elements of an `every`, came no further.
    pub(super) stops: Vec<Stop>,
    /// The call or element that is under way, until it makes something.
    open: Option<Stop>,
    /// Whether the statement that was reached last is where it has got to.
    is_furthest: bool,
    /// The last values of its operands.
    current: Vec<Option<Value>>,
    /// Which statement was reached last, and with which binding.
    at: usize,
    env: Option<Value>,
    /// So many bindings of each statement are kept.
    shown: usize,
}

/// The statement that a call or an element did not pass: of several bindings the first that came so far.
pub(super) struct Stop {
    /// Its number; that of the head where only this has no value.
    pub(super) statement: usize,
    pub(super) sample: Sample,
}

/// One value with the binding that made it.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) env: Value,
    pub(super) value: Value,
    pub(super) seen: Vec<Option<Value>>,
}

/// Of one statement.
#[derive(Default)]
pub(super) struct StatementTrace {
    /// How many bindings reached it.
    pub(super) arrived: u64,
    /// Of them with another `input` than the facts, by `with`: nothing is said of what they read.
    pub(super) elsewhere: u64,
    pub(super) samples: Vec<Sample>,
    pub(super) reads: Vec<ReadTrace>,
    pub(super) pairs: Vec<PairTrace>,
    pub(super) constants: Vec<ConstantsTrace>,
}

/// A binding as an example, with the values its operands had.
pub(super) struct Sample {
    pub(super) env: Value,
    pub(super) seen: Vec<Option<Value>>,
}

/// Of one expression that reads.
#[derive(Default)]
pub(super) struct ReadTrace {
    /// How many values it met, and how many places where there was none.
    pub(super) present: u64,
    pub(super) absent: u64,
    /// How many bindings met nothing but absence.
    pub(super) lacking: u64,
    /// How many bindings met some absence.
    pub(super) partly: u64,
    /// Bindings that met some absence.
    pub(super) kept: Vec<Value>,
    /// Bindings that met a null.
    pub(super) nulls: Vec<Value>,
    /// How many bindings met nothing by a look-up, the bindings, and at which steps.
    pub(super) unmet: u64,
    pub(super) kept_unmet: Vec<Value>,
    pub(super) tested: BTreeSet<usize>,
    /// At which step it was missing.
    pub(super) hops: BTreeSet<usize>,
    /// Keys that stand where the missing one should.
    pub(super) siblings: BTreeSet<Value>,
    parents: u64,
    /// In how many places the parent holds one other thing instead.
    pub(super) alternatives: u64,
    /// Whether its list had an element.
    pub(super) yielded: bool,
    /// How many lists there were.
    pub(super) lists: u64,
}

/// Of two operands that must be of one kind.
#[derive(Default)]
pub(super) struct PairTrace {
    pub(super) mistyped: u64,
    pub(super) kept: Vec<Value>,
    pub(super) example: Option<(Value, Value)>,
}

/// Of constants at a place.
#[derive(Default)]
pub(super) struct ConstantsTrace {
    pub(super) matched: Vec<bool>,
    pub(super) values: BTreeSet<Value>,
    pub(super) met: u64,
}

/// What a read meets.
pub(super) enum Met<'v> {
    Present(&'v Value),
    /// There is no such step; the value it should stand in.
    Absent(usize, &'v Value),
    /// A look-up by a variable, at this step, found nothing: a test.
    Tested(usize),
    /// A list with so many elements.
    List(usize),
    /// It cannot be followed.
    Unknown,
}

/// Follows a read, and hands over what it meets.
type Meeting<'m, 'v> = &'m mut dyn FnMut(&mut dyn FnMut(Met<'v>));

/// Writes down what the rules tell while they are evaluated.
pub(super) struct Recorder {
    program: Arc<Program>,
    trace: Mutex<Trace>,
}

impl Recorder {
    /// Of every statement so many bindings are kept as `samples`, to show.
    pub(super) fn new(program: Arc<Program>, world: TraceWorld, samples: usize) -> Self {
        let bodies = program.bodies.iter().map(|body| BodyTrace::of(body, samples)).collect();
        Self { program, trace: Mutex::new(Trace { bodies, world }) }
    }

    /// What was told. It is taken out: nothing more is recorded.
    pub(super) fn finish(&self) -> Trace {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        let world = trace.world.clone();
        trace.bodies.iter_mut().for_each(BodyTrace::stop);
        std::mem::replace(&mut *trace, Trace { bodies: Vec::new(), world })
    }

    /// A statement was reached.
    pub(super) fn at(&self, args: &[Value]) -> Value {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        let Trace { bodies, world } = &mut *trace;
        let [body, statement, env] = args else { return Value::from(true) };
        let (Some(body), Some(statement)) = (index(body), index(statement)) else { return Value::from(true) };
        let (Some(of), Some(told)) = (self.program.bodies.get(body), bodies.get_mut(body)) else {
            return Value::from(true);
        };
        if statement == of.statements.len() && of.parent.is_some() {
            told.made_count += 1;
            told.open = None;
            // Of each input some are needed to tell why.
            if told.made.len() < if world.inputs.is_some() { MADE } else { PASSED } {
                let seen = told.current.clone();
                told.made.push(Made { env: env.clone(), value: Value::Null, seen });
            }
        }
        told.reach(of, statement, env, world);
        Value::from(true)
    }

    /// A body made a value.
    pub(super) fn made(&self, mut args: Vec<Value>) -> Value {
        let value = args.pop().unwrap_or(Value::Undefined);
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        if let [body, env] = args.as_slice()
            && let Some(told) = index(body).and_then(|body| trace.bodies.get_mut(body))
        {
            told.made_count += 1;
            told.open = None;
            if told.made.len() < MADE {
                let seen = told.current.clone();
                told.made.push(Made { env: env.clone(), value: value.clone(), seen });
            }
        }
        value
    }

    /// An operand had a value.
    pub(super) fn seen(&self, mut args: Vec<Value>) -> Value {
        let value = args.pop().unwrap_or(Value::Undefined);
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        let Trace { bodies, world } = &mut *trace;
        if let [body, number] = args.as_slice()
            && let (Some(body), Some(number)) = (index(body), index(number))
            && let (Some(of), Some(told)) = (self.program.bodies.get(body), bodies.get_mut(body))
        {
            told.see(of, number, &value, world);
        }
        value
    }
}

fn index(value: &Value) -> Option<usize> {
    value.as_u64().ok().and_then(|at| usize::try_from(at).ok())
}

impl BodyTrace {
    fn of(body: &Body, shown: usize) -> Self {
        let statement = |statement: &Statement| StatementTrace {
            reads: statement.reads.iter().map(|_| ReadTrace::default()).collect(),
            pairs: statement.pairs.iter().map(|_| PairTrace::default()).collect(),
            constants: statement
                .constants
                .iter()
                .map(|constants| ConstantsTrace {
                    matched: vec![false; constants.texts.len()],
                    ..ConstantsTrace::default()
                })
                .collect(),
            ..StatementTrace::default()
        };
        Self {
            statements: body.all().map(statement).collect(),
            current: vec![None; body.seen],
            shown,
            ..Self::default()
        }
    }

    fn reach(&mut self, body: &Body, nth: usize, env: &Value, world: &TraceWorld) {
        self.at = nth;
        self.env = Some(env.clone());
        let statement = body.statements.get(nth).unwrap_or(&body.head.statement);
        let told = &mut self.statements[nth];
        told.arrived += 1;
        if told.samples.len() < self.shown {
            told.samples.push(Sample { env: env.clone(), seen: Vec::new() });
        }
        self.go_on(body, nth, env);
        let told = &mut self.statements[nth];
        if world.which(env).is_none() {
            told.elsewhere += 1;
            return;
        }
        for (read, told) in statement.reads.iter().zip(&mut told.reads) {
            match &read.pattern {
                Some(pattern) => told.take_field(read, pattern, env, world),
                None => told.take(read, env, world),
            }
        }
        for (constants, told) in statement.constants.iter().zip(&mut told.constants) {
            told.take(constants, &statement.reads[constants.read], env, world);
        }
        for (pair, told) in statement.pairs.iter().zip(&mut told.pairs) {
            told.take(pair, statement, env, world);
        }
    }

    /// Remembers how far a call or an element has come.
    fn go_on(&mut self, body: &Body, nth: usize, env: &Value) {
        if !matches!(body.kind, Kind::Function | Kind::Every) {
            return;
        }
        if nth == 0 {
            self.stop();
        }
        self.is_furthest = nth == 0 || self.open.as_ref().is_some_and(|open| nth > open.statement);
        if self.is_furthest {
            self.open = Some(Stop { statement: nth, sample: Sample { env: env.clone(), seen: Vec::new() } });
        }
    }

    /// The call or element that was under way made nothing.
    fn stop(&mut self) {
        let stop = self.open.take();
        if self.stops.len() < MADE {
            self.stops.extend(stop);
        }
    }

    fn see(&mut self, body: &Body, number: usize, value: &Value, world: &TraceWorld) {
        if let Some(current) = self.current.get_mut(number) {
            *current = Some(value.clone());
        }
        let nth = self.at;
        let Some(told) = self.statements.get_mut(nth) else { return };
        if told.arrived <= self.shown as u64
            && let Some(sample) = told.samples.last_mut()
        {
            sample.see(number, value);
        }
        if let Some(open) = self.open.as_mut().filter(|_| self.is_furthest) {
            open.sample.see(number, value);
        }
        let statement = body.statements.get(nth).unwrap_or(&body.head.statement);
        let Some(env) = &self.env else { return };
        if is_same(env.as_array().ok().and_then(|env| env.get(0)), &world.input) {
            for (read, told) in statement.reads.iter().zip(&mut told.reads) {
                if read.origin.root == Root::Made(number) {
                    told.count(read, env, &mut |on| follow(value, &read.origin.hops, 0, env, world, on));
                }
            }
        }
        for (pair, told_pair) in statement.pairs.iter().zip(&mut told.pairs) {
            let is_mine = |operand: &Operand| matches!(operand, Operand::Seen(at) if *at == number);
            let other = if is_mine(&pair.right.operand) {
                &pair.left
            } else if is_mine(&pair.left.operand) {
                &pair.right
            } else {
                continue;
            };
            let other = match &other.operand {
                Operand::Literal(value) => Some(value.clone()),
                Operand::Seen(at) => self.current.get(*at).cloned().flatten(),
                _ => None,
            };
            if let Some(other) = other
                && is_mistyped(value, &other, pair.kind)
            {
                told_pair.keep(env, value, &other);
            }
        }
    }
}

impl Sample {
    fn see(&mut self, number: usize, value: &Value) {
        if self.seen.len() <= number {
            self.seen.resize(number + 1, None);
        }
        self.seen[number] = Some(value.clone());
    }
}

impl ReadTrace {
    fn take(&mut self, read: &Read, env: &Value, world: &TraceWorld) {
        self.count(read, env, &mut |on| meet(read, env, world, on));
    }

    /// The field of a pattern, of every element that it fits otherwise.
    fn take_field(&mut self, read: &Read, pattern: &Pattern, env: &Value, world: &TraceWorld) {
        let Origin { root, hops } = &read.origin;
        // What is read here itself is what is asked.
        let own: Vec<&Hop> = hops[pattern.element..].iter().collect();
        let is_own = |way: &[Text]| {
            way.len() == own.len() && way.iter().zip(&own).all(|(key, hop)| matches!(hop, Hop::Key(own) if own == key))
        };
        let fits = |element: &Value| {
            pattern.given.iter().filter(|(way, _)| !is_own(way)).all(|(way, wanted)| {
                way.iter().try_fold(element, |value, key| value.as_object().ok()?.get(&key.value)) == Some(wanted)
            })
        };
        let element = &hops[..pattern.element];
        let Some((Hop::Each(next), before)) = element.split_last() else {
            for element in values(root, element, env, world).into_iter().filter(|one| fits(one)) {
                self.count(read, env, &mut |on| follow(element, hops, pattern.element, env, world, on));
            }
            return;
        };
        let mut arrival = Self::default();
        for list in values(root, before, env, world) {
            for (key, element) in entries(list) {
                if fits(element) {
                    // The variable of the place is bound next, so that the element can be told apart.
                    let with = with_next(env, *next, key);
                    arrival.count(read, &with, &mut |on| follow(element, hops, pattern.element, &with, world, on));
                }
            }
        }
        self.add(arrival);
    }

    fn count(&mut self, read: &Read, env: &Value, meet: Meeting<'_, '_>) {
        let (mut present, mut absent, mut tested, mut null) = (0_u64, 0_u64, 0_u64, false);
        let hops = &read.origin.hops;
        meet(&mut |met| match met {
            Met::Present(value) => {
                present += 1;
                null |= *value == Value::Null;
                if matches!(read.need, Need::List | Need::Excused) {
                    self.lists += 1;
                    self.yielded |= length(value).is_some_and(|length| length > 0);
                }
            }
            Met::List(length) => {
                self.lists += 1;
                self.yielded |= length > 0;
            }
            Met::Absent(hop, parent) => {
                absent += 1;
                self.alternatives += u64::from(holds_another(parent));
                self.hops.insert(hop);
                if self.present == 0
                    && self.parents < PARENTS
                    && matches!(hops.get(hop), Some(Hop::Key(_)))
                    && let Ok(fields) = parent.as_object()
                {
                    self.parents += 1;
                    if self.siblings.len() < VALUES {
                        self.siblings.extend(fields.iter().map(|(key, _)| key.clone()));
                    }
                }
            }
            Met::Tested(hop) => {
                tested += 1;
                self.tested.insert(hop);
            }
            Met::Unknown => {}
        });
        if tested > 0 && present == 0 {
            self.unmet += 1;
            if self.kept_unmet.len() < KEPT {
                self.kept_unmet.push(env.clone());
            }
        }
        present += tested;
        self.present += present;
        self.absent += absent;
        if null && self.nulls.len() < KEPT {
            self.nulls.push(env.clone());
        }
        if absent > 0 {
            self.partly += 1;
            self.lacking += u64::from(present == 0);
            if self.kept.len() < KEPT {
                self.kept.push(env.clone());
            }
        }
    }

    /// Adds what one arrival met at many elements.
    fn add(&mut self, arrival: Self) {
        self.present += arrival.present;
        self.absent += arrival.absent;
        self.lacking += u64::from(arrival.absent > 0 && arrival.present == 0);
        self.partly += u64::from(arrival.absent > 0);
        let room = |kept: &Vec<Value>| KEPT.saturating_sub(kept.len());
        self.kept.extend(arrival.kept.into_iter().take(room(&self.kept)));
        self.nulls.extend(arrival.nulls.into_iter().take(room(&self.nulls)));
        self.alternatives += arrival.alternatives;
        self.hops.extend(arrival.hops);
        self.siblings.extend(arrival.siblings);
    }
}

impl ConstantsTrace {
    fn take(&mut self, constants: &Constants, read: &Read, env: &Value, world: &TraceWorld) {
        let Self { matched, values, met } = self;
        let mut one = |value: &Value| {
            if !matches!(value, Value::String(_)) {
                return;
            }
            *met += 1;
            let mut is_constant = false;
            for (text, matched) in constants.texts.iter().zip(matched.iter_mut()) {
                if text.value == *value {
                    *matched = true;
                    is_constant = true;
                }
            }
            if !is_constant && values.len() < VALUES && !values.contains(value) {
                values.insert(value.clone());
            }
        };
        meet(read, env, world, &mut |met| {
            if let Met::Present(value) = met {
                match value {
                    Value::Array(items) if constants.in_list => items.iter().for_each(&mut one),
                    Value::Set(items) if constants.in_list => items.iter().for_each(&mut one),
                    Value::Object(fields) if constants.in_list => fields.iter().for_each(|(_, value)| one(value)),
                    value => one(value),
                }
            }
        });
    }
}

impl PairTrace {
    fn take(&mut self, pair: &Pair, statement: &Statement, env: &Value, world: &TraceWorld) {
        // Borrowed: it is asked at every arrival, and nearly always fits.
        fn sides<'v>(
            operand: &'v Operand,
            statement: &'v Statement,
            env: &'v Value,
            world: &'v TraceWorld,
        ) -> Vec<&'v Value> {
            match operand {
                Operand::Literal(value) => vec![value],
                Operand::Read(read) => {
                    let origin = &statement.reads[*read].origin;
                    values(&origin.root, &origin.hops, env, world)
                }
                Operand::Seen(_) | Operand::Unknown => Vec::new(),
            }
        }
        let right = sides(&pair.right.operand, statement, env, world);
        if right.is_empty() {
            return;
        }
        for left in sides(&pair.left.operand, statement, env, world) {
            // Where both sides iterate, the first pair that does not fit is enough.
            if let Some(right) = right.iter().find(|right| is_mistyped(left, right, pair.kind)) {
                self.keep(env, left, right);
            }
        }
    }

    fn keep(&mut self, env: &Value, left: &Value, right: &Value) {
        self.mistyped += 1;
        if self.kept.len() < KEPT {
            self.kept.push(env.clone());
        }
        if self.example.is_none() {
            self.example = Some((left.clone(), right.clone()));
        }
    }
}

fn is_mistyped(left: &Value, right: &Value, kind: PairKind) -> bool {
    let is_number = |value: &Value| matches!(value, Value::Number(_));
    match (kind, is_number(left), is_number(right)) {
        (PairKind::Conversion, ..) => *left == Value::Null,
        (_, true, true) | (PairKind::Order, false, false) => false,
        (_, true, false) | (_, false, true) => true,
        // Sets have a difference, and texts an order.
        (PairKind::Arithmetic, false, false) => !matches!((left, right), (Value::Set(_), Value::Set(_))),
    }
}

/// The value of a variable in a binding; `input` stands before the variables.
pub(super) fn bound(env: &Value, slot: usize) -> Option<&Value> {
    env.as_array().ok()?.get(slot + 1)
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        Value::Set(items) => Some(items.len()),
        _ => None,
    }
}

/// Whether a value has the shape of one of several alternatives, which go by their names: `{"running": {…}}`.
fn holds_another(value: &Value) -> bool {
    let Ok(fields) = value.as_object() else { return false };
    fields.len() == 1 && fields.iter().all(|(_, value)| matches!(value, Value::Object(_)))
}

/// The elements of a collection, each with its key or place.
fn entries(value: &Value) -> Vec<(Value, &Value)> {
    match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (Value::from(at as u64), item)).collect(),
        Value::Object(fields) => fields.iter_sorted().map(|(key, item)| (key.clone(), item)).collect(),
        Value::Set(items) => items.iter().map(|item| (item.clone(), item)).collect(),
        _ => Vec::new(),
    }
}

/// A binding with the variable that is bound next.
fn with_next(env: &Value, slot: Option<usize>, value: Value) -> Value {
    match env.as_array() {
        Ok(bound) if slot.is_some_and(|slot| slot + 1 == bound.len()) => {
            Value::from(bound.iter().cloned().chain([value]).collect::<Vec<_>>())
        }
        _ => env.clone(),
    }
}

/// Whether two values are one and the same in memory.
pub(super) fn is_same(one: Option<&Value>, other: &Value) -> bool {
    address(other).is_some() && one.and_then(address) == address(other)
}

/// Where a value that is shared stands in memory.
pub(super) fn address(value: &Value) -> Option<usize> {
    Some(match value {
        Value::Object(fields) => std::ptr::from_ref(&**fields).addr(),
        Value::Array(items) => std::ptr::from_ref(&**items).addr(),
        Value::Set(items) => std::ptr::from_ref(&**items).addr(),
        Value::String(text) => text.as_ptr().addr(),
        _ => return None,
    })
}

/// Follows a read from a binding.
pub(super) fn meet<'v>(read: &'v Read, env: &'v Value, world: &'v TraceWorld, on: &mut dyn FnMut(Met<'v>)) {
    start(&read.origin.root, &read.origin.hops, env, world, on);
}

fn start<'v>(root: &'v Root, hops: &'v [Hop], env: &'v Value, world: &'v TraceWorld, on: &mut dyn FnMut(Met<'v>)) {
    let root = match root {
        // What stands for `input` comes before the variables.
        Root::Input => env.as_array().ok().and_then(|env| env.first()).or(Some(&world.input)),
        Root::Data => Some(&world.data),
        Root::Slot(slot) => bound(env, *slot),
        Root::Rule(rule) => world.rule(rule, env),
        Root::Elsewhere(..) | Root::Made(_) | Root::Unknown => None,
    };
    match root {
        Some(root) => follow(root, hops, 0, env, world, on),
        None => on(Met::Unknown),
    }
}

fn follow<'v>(
    value: &'v Value,
    hops: &'v [Hop],
    at: usize,
    env: &'v Value,
    world: &'v TraceWorld,
    on: &mut dyn FnMut(Met<'v>),
) {
    let Some(hop) = hops.get(at) else {
        on(Met::Present(value));
        return;
    };
    let next = match hop {
        Hop::Key(key) => match value {
            Value::Object(fields) => fields.get(&key.value),
            // A look-up in a set is a test.
            Value::Set(items) => {
                match items.get(&key.value) {
                    Some(member) => follow(member, hops, at + 1, env, world, on),
                    None => on(Met::Tested(at)),
                }
                return;
            }
            _ => None,
        },
        Hop::Index(index) => match value {
            Value::Array(items) => items.get(*index),
            Value::Object(fields) => fields.get(&Value::from(*index as u64)),
            _ => None,
        },
        Hop::Slot(slot) => return look_up(value, bound(env, *slot), hops, at, env, world, on),
        Hop::Each(Some(slot)) if bound(env, *slot).is_some() => {
            return look_up(value, bound(env, *slot), hops, at, env, world, on);
        }
        Hop::Each(_) => {
            let Some(length) = length(value) else {
                on(Met::Absent(at, value));
                return;
            };
            on(Met::List(length));
            match value {
                Value::Array(items) => items.iter().for_each(|item| follow(item, hops, at + 1, env, world, on)),
                Value::Object(fields) => fields.iter().for_each(|(_, item)| follow(item, hops, at + 1, env, world, on)),
                Value::Set(items) => items.iter().for_each(|item| follow(item, hops, at + 1, env, world, on)),
                _ => {}
            }
            return;
        }
        // The key is what another look-up came to; where that cannot be told, neither can this.
        Hop::Computed(by) => {
            let key = by.as_ref().and_then(|by| single(by, env, world));
            return look_up(value, key, hops, at, env, world, on);
        }
    };
    match next {
        Some(next) => follow(next, hops, at + 1, env, world, on),
        None => on(Met::Absent(at, value)),
    }
}

/// What an expression comes to, where that is one value.
pub(super) fn single<'v>(origin: &'v Origin, env: &'v Value, world: &'v TraceWorld) -> Option<&'v Value> {
    let mut found = values(&origin.root, &origin.hops, env, world);
    if found.len() == 1 { found.pop() } else { None }
}

/// The values that steps from a root lead to.
pub(super) fn values<'v>(root: &'v Root, hops: &'v [Hop], env: &'v Value, world: &'v TraceWorld) -> Vec<&'v Value> {
    let mut found = Vec::new();
    start(root, hops, env, world, &mut |met| {
        if let Met::Present(value) = met {
            found.push(value);
        }
    });
    found
}

/// A look-up by the value of a variable, which is a test.
fn look_up<'v>(
    value: &'v Value,
    key: Option<&'v Value>,
    hops: &'v [Hop],
    at: usize,
    env: &'v Value,
    world: &'v TraceWorld,
    on: &mut dyn FnMut(Met<'v>),
) {
    let Some(key) = key else {
        on(Met::Unknown);
        return;
    };
    let found = match value {
        Value::Object(fields) => fields.get(key),
        Value::Array(items) => index(key).and_then(|at| items.get(at)),
        Value::Set(items) => items.get(key),
        _ => None,
    };
    match found {
        Some(found) => follow(found, hops, at + 1, env, world, on),
        None => on(Met::Tested(at)),
    }
}

//! The conditions of a body with the values they saw: all of one that fired, the one that nothing passed of one that
//! did not.

use regorus::Value;

use super::{
    super::{
        Told,
        findings::named,
        place::{around, concrete, resolved, value_of},
        program::{Body, Call, Form, Hop, Kind, Known, Operand, Origin, Program, Read, Root, Side, Statement},
        trace::{Met, Sample, Stop, bound, meet},
    },
    evidence::replaces_data,
    is_secret_fact, json,
    quantifier::{Broken, broken},
    witness::{Witnesses, arguments, is_only_for_the_head, named_by, parameters, witnesses},
};
use crate::{
    model::{Condition, Json, Operand as Shown, Outcome},
    secret::{WITHHELD, is_secret, without_secrets},
    text::{ELLIPSIS, cut_value},
};

/// Helpers are followed so deep.
const DEPTH: usize = 3;
/// So many conditions are enough to understand anything.
const ENOUGH: usize = 16;
/// So many characters are shown of an element that stands nowhere.
const BROKEN_BY: usize = 60;

/// Collects conditions.
pub(super) struct Conditions<'a> {
    told: &'a Told,
    redact: &'a [String],
    /// Whether `with` has replaced some of `data`.
    is_replaced: bool,
    pub(super) found: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(told: &'a Told, redact: &'a [String]) -> Self {
        Self { told, redact, is_replaced: false, found: Vec::new() }
    }

    /// The conditions of a body that a binding passed.
    pub(super) fn passed(&mut self, body: usize, env: &Value, seen: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        let mut order: Vec<usize> = (0..of.statements.len()).collect();
        order.sort_by_key(|nth| of.statements[*nth].written);
        for nth in order {
            let statement = &of.statements[nth];
            if self.found.len() >= ENOUGH || !is_told(&self.told.program, of, statement, env) {
                continue;
            }
            let condition = self.condition(body, nth, Outcome::True, env, seen);
            self.push(condition);
            if depth < DEPTH {
                let was_replaced = self.is_replaced;
                self.is_replaced |= replaces_data(statement);
                self.helpers(body, statement, env, depth);
                self.is_replaced = was_replaced;
            }
        }
        if let Some(head) = self.head(body, env, seen, Outcome::True) {
            self.push(head);
        }
    }

    /// The values that went into a measure, with the statement that put them together.
    pub(super) fn measured(&mut self, body: usize, env: &Value, made: &Value, numbers: &[f64]) {
        let of = &self.told.program.bodies[body];
        let (nth, statement) = measuring(of, env, made);
        let mut operands: Vec<Shown> = Vec::new();
        for (at, read) in statement.reads.iter().enumerate() {
            let side = Side { text: read.text.clone(), operand: Operand::Read(at) };
            let operand = self.operand(body, statement, &side, env, &[]);
            let is_number =
                operand.value.as_ref().and_then(Json::as_f64).is_some_and(|number| numbers.contains(&number));
            if is_number && !operands.contains(&operand) {
                operands.push(operand);
            }
        }
        // What was computed stands under the name that it has in the measure.
        let says = |value: &Json| operands.iter().any(|operand| operand.value.as_ref() == Some(value));
        let fields = ["value", "limit"].map(|name| Some((name, json(made.as_object().ok()?.get(&name.into())?)?)));
        let computed: Vec<Shown> = fields
            .into_iter()
            .flatten()
            .filter(|(_, value)| !says(value))
            .map(|(name, value)| Shown { text: name.to_owned(), value: Some(value) })
            .collect();
        operands.extend(computed);
        let condition = self.condition(body, nth, Outcome::True, env, &[]);
        self.push(Condition { operands, ..condition });
    }

    /// The conditions of the rules and functions that a statement uses.
    fn helpers(&mut self, body: usize, statement: &Statement, env: &Value, depth: usize) {
        for call in &statement.calls {
            let Witnesses { made, is_set } = witnesses(self.told, body, statement, call, env);
            match made.as_slice() {
                _ if call.negated => self.refused(statement, call, env, is_set, depth),
                // Of a set as a whole no one element says anything.
                [_, _, ..] if is_set => {}
                // What is only left over is so because nothing else came true.
                [(body, _), ..] if self.told.program.bodies[*body].is_fallback => {
                    self.refused(statement, call, env, is_set, depth);
                }
                [(body, made), ..] => self.passed(*body, &made.env, &made.seen, depth + 1),
                [] => {}
            }
        }
    }

    /// The conditions that kept a rule or function from being true, as `not` wants it.
    fn refused(&mut self, statement: &Statement, call: &Call, env: &Value, is_set: bool, depth: usize) {
        let values = arguments(self.told, statement, call, env);
        for body in self.told.program.bodies_of(&call.rule) {
            if self.told.program.bodies[*body].kind == Kind::Function {
                self.called(*body, &values, depth);
            } else if !is_set {
                self.stopped(*body, depth + 1);
            }
        }
    }

    /// The condition that kept a function's body from being true of these arguments.
    fn called(&mut self, body: usize, values: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        if let Some(Stop { statement, sample }) = self.told.stop(body, &parameters(of, values)) {
            self.failed(body, *statement, &sample.env, &sample.seen, depth + 1);
        } else if let Some(made) = self.told.called(body, values).filter(|made| made.value == Value::Bool(false))
            && let Some(head) = self.head(body, &made.env, &made.seen, Outcome::False)
        {
            self.push(head);
        }
    }

    /// A condition that a binding did not pass.
    fn failed(&mut self, body: usize, nth: usize, env: &Value, seen: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        let statement = of.statements.get(nth).unwrap_or(&of.head.statement);
        let outcome = if is_defined(self.told, body, statement, env) { Outcome::False } else { Outcome::Undefined };
        let mut condition = self.condition(body, nth, outcome, env, seen);
        let broken = broken(self.told, statement, env);
        condition.note = broken.as_ref().and_then(|broken| self.broken_by(broken));
        self.push(condition);
        if depth >= DEPTH {
            return;
        }
        if let Some(Broken { body, statement, sample, .. }) = broken {
            self.failed(body, statement, &sample.env, &sample.seen, depth + 1);
        }
        for call in &statement.calls {
            // What is not so under `not` is so.
            if call.negated {
                let Witnesses { made, .. } = witnesses(self.told, body, statement, call, env);
                if let [(body, made), ..] = made.as_slice() {
                    self.passed(*body, &made.env, &made.seen, depth + 1);
                }
                continue;
            }
            let values = arguments(self.told, statement, call, env);
            for body in self.told.program.bodies_of(&call.rule) {
                if self.told.program.bodies[*body].kind == Kind::Function {
                    self.called(*body, &values, depth);
                } else if self.told.trace.bodies[*body].made_count == 0 {
                    self.stopped(*body, depth + 1);
                }
            }
        }
    }

    /// The element that broke an `every`.
    fn broken_by(&self, broken: &Broken<'_>) -> Option<String> {
        Some(match (&broken.path, broken.value) {
            (Some(path), Some(Value::Object(_))) => format!("broken by {}", named(path, &self.told.trace.world)),
            (Some(path), _) => format!("broken by `{path}`"),
            (None, Some(value)) => {
                let value = without_secrets(json(value)?, self.redact);
                format!("broken by {}", cut_value(&value, BROKEN_BY, ELLIPSIS))
            }
            (None, None) => return None,
        })
    }

    /// The condition of a body that nothing passed.
    pub(super) fn stopped(&mut self, body: usize, depth: usize) {
        let trace = &self.told.trace.bodies[body];
        // A body that made `false` passed all its conditions: its value is what decided.
        if let Some(made) = self.told.made_in(body).find(|made| made.value == Value::Bool(false)) {
            if let Some(head) = self.head(body, &made.env, &made.seen, Outcome::False) {
                self.push(head);
            }
            return;
        }
        let Some(stop) = last_reached(self.told, body) else { return };
        let mut samples = trace.statements[stop].samples.iter();
        let Some(sample) = samples.find(|sample| self.told.tells_of(&sample.env)) else { return };
        self.failed(body, stop, &sample.env, &sample.seen, depth);
    }

    /// The condition that the bindings with these keys did not pass; they are the last of the entry's.
    pub(super) fn stopped_at(&mut self, body: usize, keys: &[Value]) {
        let (of, trace) = (&self.told.program.bodies[body], &self.told.trace.bodies[body]);
        let keys = &keys[keys.len().saturating_sub(of.keys.len())..];
        let is_it = |sample: &&Sample| {
            of.keys.iter().zip(keys).all(|(origin, key)| {
                let found = origin.as_ref().and_then(|origin| value_of(origin, &sample.env, &self.told.trace.world));
                found.is_none_or(|found| found == *key)
            })
        };
        let last = (0..of.statements.len())
            .rev()
            .find_map(|nth| Some((nth, trace.statements[nth].samples.iter().find(is_it)?)));
        if let Some((nth, sample)) = last {
            self.failed(body, nth, &sample.env, &sample.seen, 0);
        }
    }

    /// A condition that could not be decided.
    pub(super) fn undecided(&mut self, body: usize, nth: usize, env: Option<&Value>) {
        let reached = &self.told.trace.bodies[body].statements[nth];
        let sample = reached.samples.first();
        let Some(env) = env.or(sample.map(|sample| &sample.env)) else { return };
        let seen: &[Option<Value>] = match sample {
            Some(sample) if sample.env == *env => &sample.seen,
            _ => &[],
        };
        let condition = self.condition(body, nth, Outcome::Undefined, env, seen);
        self.push(condition);
    }

    fn push(&mut self, condition: Condition) {
        let is_known =
            self.found.iter().any(|known| known.location == condition.location && known.operands == condition.operands);
        if !is_known && self.found.len() < ENOUGH {
            self.found.push(condition);
        }
    }

    /// What a body made, where that is a condition itself: `holds := a < b`.
    fn head(&self, body: usize, env: &Value, seen: &[Option<Value>], outcome: Outcome) -> Option<Condition> {
        let of = &self.told.program.bodies[body];
        let head = &of.head.statement;
        let is_condition = of.kind != Kind::Elements && head.sides.len() == 2;
        is_condition.then(|| self.condition(body, of.statements.len(), outcome, env, seen))
    }

    fn condition(&self, body: usize, nth: usize, outcome: Outcome, env: &Value, seen: &[Option<Value>]) -> Condition {
        let of = &self.told.program.bodies[body];
        let statement = of.statements.get(nth).unwrap_or(&of.head.statement);
        // What a list had is told by its elements; that it has none is told by itself.
        let is_list = matches!(statement.form, Form::Some) && outcome == Outcome::True
            || statement.form == Form::Every && outcome != Outcome::Undefined;
        let sides = statement.sides.iter().filter(|_| !is_list);
        let operands = sides
            .filter(|side| !self.is_beside(statement, side))
            .map(|side| self.operand(body, statement, side, env, seen));
        // An element that is handed on as a whole says nothing by itself.
        let is_handed_on = |operand: &Shown| {
            matches!(statement.form, Form::Test | Form::Not) && matches!(operand.value, Some(Json::Object(_)))
        };
        let operands = operands.filter(|operand| !is_handed_on(operand)).collect();
        let reached = self.told.trace.bodies[body].statements.get(nth).map_or(0, |reached| reached.arrived);
        let is_head = nth == of.statements.len();
        let bindings = if is_head { reached.max(self.told.trace.bodies[body].made_count) } else { reached };
        Condition {
            text: statement.text.clone(),
            outcome,
            bindings,
            operands,
            location: statement.place.location(),
            note: None,
        }
    }

    fn operand(&self, body: usize, statement: &Statement, side: &Side, env: &Value, seen: &[Option<Value>]) -> Shown {
        let (value, is_secret) = match &side.operand {
            Operand::Literal(value) => (Some(value.clone()), false),
            Operand::Seen(number) => {
                // What is computed of a secret may have it in it; how many there are may be known.
                let is_of = |read: &&Read| side.text.contains(&read.text) && self.is_secret(body, &read.origin, env);
                let is_secret = !side.text.starts_with("count(") && statement.reads.iter().any(|read| is_of(&read));
                (seen.get(*number).cloned().flatten(), is_secret)
            }
            Operand::Read(read) => {
                let origin = &statement.reads[*read].origin;
                // What iterates without a name has no one value.
                (value_of(origin, env, &self.told.trace.world), self.is_secret(body, origin, env))
            }
            Operand::Unknown => (None, false),
        };
        let shown = |value| if is_secret { WITHHELD.into() } else { without_secrets(value, self.redact) };
        Shown { text: side.text.clone(), value: value.as_ref().and_then(json).map(shown) }
    }

    /// Whether an expression stands for a secret: by the keys that are written there, or by the place where it was read.
    fn is_secret(&self, body: usize, origin: &Origin, env: &Value) -> bool {
        let (of, world) = (&self.told.program.bodies[body], &self.told.trace.world);
        let place = || concrete(&self.told.program, body, origin, env, world);
        Self::keys(of, origin).iter().any(|key| is_secret(key, self.redact))
            || place().is_some_and(|path| is_secret_fact(self.told, &path, self.redact))
    }

    /// Whether a side has its value from what stands in the place of `data` here, which is not told.
    fn is_beside(&self, statement: &Statement, side: &Side) -> bool {
        let Operand::Read(read) = &side.operand else { return false };
        let root = &statement.reads[*read].origin.root;
        match root {
            Root::Data => self.is_replaced,
            // The value of a rule under `with` is another one.
            Root::Rule(_) => statement.text.contains(" with "),
            _ => false,
        }
    }

    /// The keys that lead to a value, of which one may be that of a secret.
    fn keys<'o>(of: &'o Body, origin: &'o Origin) -> Vec<&'o str> {
        let mut keys = match &origin.root {
            Root::Slot(slot) => match &of.slots[*slot].origin {
                Some(Known::At(origin)) => Self::keys(of, origin),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        keys.extend(origin.hops.iter().filter_map(|hop| match hop {
            Hop::Key(key) => Some(key.text.as_str()),
            _ => None,
        }));
        keys
    }
}

/// Whether a statement says something: what only makes the message does not.
fn is_told(program: &Program, of: &Body, statement: &Statement, env: &Value) -> bool {
    match statement.form {
        Form::Binds => {
            let is_look_up =
                statement.sides.iter().any(|side| matches!(side.operand, Operand::Read(_) | Operand::Seen(_)));
            let names_a_scalar = of
                .slots
                .iter()
                .enumerate()
                .skip(statement.bound)
                .find(|(_, slot)| !slot.hidden)
                .and_then(|(slot, _)| bound(env, slot))
                .is_some_and(|value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)));
            is_look_up && names_a_scalar && !is_only_for_the_head(program, of, statement)
        }
        _ => true,
    }
}

/// The last statement that anything reached.
pub(super) fn last_reached(told: &Told, body: usize) -> Option<usize> {
    let of = &told.program.bodies[body];
    (0..of.statements.len()).rev().find(|nth| told.trace.bodies[body].statements[*nth].arrived > 0)
}

fn is_defined(told: &Told, body: usize, statement: &Statement, env: &Value) -> bool {
    let mut absent = false;
    let world = around(env, &told.trace.world);
    for read in &statement.reads {
        let read = Read { origin: resolved(&read.origin, env, &world), ..read.clone() };
        meet(&read, env, &world, &mut |met| absent |= matches!(met, Met::Absent(..)));
    }
    let is_nothing = |call: &Call| {
        let mut bodies = told.program.bodies_of(&call.rule).iter().map(|body| &told.program.bodies[*body]);
        // A rule without conditions is there, and tells nothing.
        let is_there = bodies.any(|body| body.kind == Kind::Elements || body.statements.is_empty());
        let has_value = told.trace.world.rule(&call.rule, env).is_some();
        !call.negated && !is_there && !has_value && witnesses(told, body, statement, call, env).made.is_empty()
    };
    !absent && !statement.calls.iter().any(is_nothing)
}

/// The statement that puts a measure together, with its number.
pub(super) fn measuring<'p>(of: &'p Body, env: &Value, made: &Value) -> (usize, &'p Statement) {
    let is_it = |(_, statement): &(usize, &Statement)| {
        named_by(of, statement).is_some_and(|slot| bound(env, slot) == Some(made))
    };
    of.statements.iter().enumerate().find(is_it).unwrap_or((of.statements.len(), &of.head.statement))
}

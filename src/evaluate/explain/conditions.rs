//! The conditions of a body with the values they saw: all of one that fired, the one that nothing passed of one that
//! did not.

use regorus::Value;

use super::{
    super::{
        Told,
        findings::argument_value,
        program::{Body, Form, Kind, Known, Operand, Root, Side, Statement},
        trace::{Met, Sample, bound, meet},
    },
    json,
};
use crate::{
    model::{Condition, Json, Operand as Shown, Outcome, Path, Segment},
    secret::{is_secret, redacted, without_secrets},
};

/// Helpers are followed so deep.
const DEPTH: usize = 3;
/// So many conditions are enough to understand anything.
const ENOUGH: usize = 16;

/// Collects conditions.
pub(super) struct Conditions<'a> {
    told: &'a Told,
    redact: &'a [String],
    pub(super) found: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(told: &'a Told, redact: &'a [String]) -> Self {
        Self { told, redact, found: Vec::new() }
    }

    /// The conditions of a body that a binding passed.
    pub(super) fn passed(&mut self, body: usize, env: &Value, seen: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        let mut order: Vec<usize> = (0..of.statements.len()).collect();
        order.sort_by_key(|nth| of.statements[*nth].written);
        for nth in order {
            let statement = &of.statements[nth];
            if self.found.len() >= ENOUGH || !is_told(of, statement, env) {
                continue;
            }
            let condition = self.condition(body, nth, Outcome::True, env, seen);
            self.push(condition);
            if depth < DEPTH {
                self.helpers(statement, env, depth);
            }
        }
        if let Some(head) = self.head(body, env, seen, Outcome::True) {
            self.push(head);
        }
    }

    /// The values that went into a measure, with the statement that put them together.
    pub(super) fn measured(&mut self, body: usize, env: &Value, made: &Value, numbers: &[f64]) {
        let of = &self.told.program.bodies[body];
        let is_it = |statement: &&Statement| {
            let mut bound_by_it = of.slots.iter().enumerate().skip(statement.bound);
            statement.form == Form::Binds && bound_by_it.next().is_some_and(|(slot, _)| bound(env, slot) == Some(made))
        };
        let statement = of.statements.iter().find(is_it).unwrap_or(&of.head.statement);
        let mut operands: Vec<Shown> = Vec::new();
        for (at, read) in statement.reads.iter().enumerate() {
            let side = Side { text: read.text.clone(), operand: Operand::Read(at) };
            let operand = self.operand(of, statement, &side, env, &[]);
            let is_number =
                operand.value.as_ref().and_then(Json::as_f64).is_some_and(|number| numbers.contains(&number));
            if is_number && !operands.contains(&operand) {
                operands.push(operand);
            }
        }
        if operands.is_empty() {
            return;
        }
        let nth = of.statements.iter().position(|other| other.place == statement.place).unwrap_or(of.statements.len());
        let condition = self.condition(body, nth, Outcome::True, env, &[]);
        self.push(Condition { operands, ..condition });
    }

    /// The conditions of the rules and functions that a statement uses.
    fn helpers(&mut self, statement: &Statement, env: &Value, depth: usize) {
        for call in statement.calls.iter().filter(|call| !call.negated) {
            let values: Vec<_> =
                call.arguments.iter().map(|argument| argument_value(argument, statement, env, self.told)).collect();
            for body in self.told.program.bodies_of(&call.rule) {
                let of = &self.told.program.bodies[*body];
                let made = &self.told.trace.bodies[*body].made;
                let made = made.iter().find(|made| match of.kind {
                    Kind::Function => is_called_with(of, &made.env, &values),
                    Kind::Elements => holds_value(env, &made.value),
                    _ => !matches!(made.value, Value::Bool(false)),
                });
                if let Some(made) = made {
                    self.passed(*body, &made.env, &made.seen, depth + 1);
                    break;
                }
            }
        }
    }

    /// The condition of a body that nothing passed.
    pub(super) fn stopped(&mut self, body: usize, depth: usize) {
        let of = &self.told.program.bodies[body];
        let trace = &self.told.trace.bodies[body];
        // A body that made `false` passed all its conditions: its value is what decided.
        if let Some(made) = trace.made.iter().find(|made| made.value == Value::Bool(false)) {
            if let Some(head) = self.head(body, &made.env, &made.seen, Outcome::False) {
                self.push(head);
            }
            return;
        }
        let Some(stop) = last_reached(self.told, body) else { return };
        let (statement, reached) = (&of.statements[stop], &trace.statements[stop]);
        let Some(sample) = reached.samples.first() else { return };
        let outcome = if is_defined(self.told, statement, sample) { Outcome::False } else { Outcome::Undefined };
        let condition = self.condition(body, stop, outcome, &sample.env, &sample.seen);
        self.push(condition);
        if depth >= DEPTH {
            return;
        }
        for nested in &statement.nested {
            if self.told.program.bodies[*nested].kind == Kind::Every {
                self.stopped(*nested, depth + 1);
            }
        }
        for call in statement.calls.iter().filter(|call| !call.negated) {
            for body in self.told.program.bodies_of(&call.rule) {
                if self.told.trace.bodies[*body].made_count == 0 {
                    self.stopped(*body, depth + 1);
                }
            }
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
        let operands = match statement.form {
            Form::Some => Vec::new(),
            _ => {
                let operands = statement.sides.iter().map(|side| self.operand(of, statement, side, env, seen));
                // An element that is handed on as a whole says nothing by itself.
                operands
                    .filter(|operand| !(statement.form == Form::Test && matches!(operand.value, Some(Json::Object(_)))))
                    .collect()
            }
        };
        // What a list had is told by its elements; that it has none is told by itself.
        let operands = if statement.form == Form::Some && outcome != Outcome::True {
            statement.sides.iter().map(|side| self.operand(of, statement, side, env, seen)).collect()
        } else {
            operands
        };
        Condition {
            text: statement.text.clone(),
            outcome,
            bindings: self.told.trace.bodies[body].statements.get(nth).map_or(0, |reached| reached.arrived),
            operands,
            location: statement.place.location(),
            note: None,
        }
    }

    fn operand(&self, of: &Body, statement: &Statement, side: &Side, env: &Value, seen: &[Option<Value>]) -> Shown {
        let mut keys = Vec::new();
        let value = match &side.operand {
            Operand::Literal(value) => Some(value.clone()),
            Operand::Slot(slot) => bound(env, *slot).cloned(),
            Operand::Seen(number) => seen.get(*number).cloned().flatten(),
            Operand::Read(read) => {
                let read = &statement.reads[*read];
                keys = self.keys(of, &read.origin);
                let mut values = Vec::new();
                meet(read, env, &self.told.trace.world, &mut |met| {
                    if let Met::Present(value) = met {
                        values.push(value.clone());
                    }
                });
                // What iterates without a name has no one value.
                if values.len() == 1 { values.pop() } else { None }
            }
            Operand::Unknown => None,
        };
        let value = value.as_ref().and_then(json).map(|value| self.shown(value, &keys));
        Shown { text: side.text.clone(), value }
    }

    /// The keys that lead to a value, of which one may be that of a secret.
    fn keys(&self, of: &Body, origin: &super::super::program::Origin) -> Vec<Segment> {
        let mut keys = match &origin.root {
            Root::Slot(slot) => match &of.slots[*slot].origin {
                Some(Known::At(origin)) => self.keys(of, origin),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        keys.extend(origin.hops.iter().filter_map(|hop| match hop {
            super::super::program::Hop::Key(key) => Some(Segment::Key(key.text.clone())),
            _ => None,
        }));
        keys
    }

    fn shown(&self, value: Json, keys: &[Segment]) -> Json {
        let is_withheld = keys.iter().any(|key| matches!(key, Segment::Key(key) if is_secret(key, self.redact)));
        if is_withheld {
            redacted(value, &Path::new(keys.to_vec()), self.redact)
        } else {
            without_secrets(value, self.redact)
        }
    }
}

/// Whether a statement says something: what only makes the message does not.
fn is_told(of: &Body, statement: &Statement, env: &Value) -> bool {
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
            is_look_up && names_a_scalar && !statement.text.contains("sprintf") && !statement.text.contains("concat(")
        }
        _ => true,
    }
}

/// The last statement that anything reached.
pub(super) fn last_reached(told: &Told, body: usize) -> Option<usize> {
    let of = &told.program.bodies[body];
    (0..of.statements.len()).rev().find(|nth| told.trace.bodies[body].statements[*nth].arrived > 0)
}

fn is_defined(told: &Told, statement: &Statement, sample: &Sample) -> bool {
    let mut absent = false;
    for read in &statement.reads {
        meet(read, &sample.env, &told.trace.world, &mut |met| absent |= matches!(met, Met::Absent(..)));
    }
    !absent
}

/// Whether a binding of a function's body has these arguments, as far as they are known.
pub(super) fn is_called_with(of: &Body, env: &Value, values: &[Option<Value>]) -> bool {
    of.slots[..of.outer].iter().enumerate().all(|(slot, known)| match &known.origin {
        Some(Known::Argument(nth)) => match values.get(*nth) {
            Some(Some(value)) => bound(env, slot) == Some(value),
            _ => true,
        },
        _ => true,
    })
}

/// Whether one of the variables has this value.
pub(super) fn holds_value(env: &Value, value: &Value) -> bool {
    env.as_array().is_ok_and(|env| env.iter().skip(1).any(|bound| bound == value))
}

//! Which bindings of a helper stand behind a value that a statement has from it.

use std::collections::BTreeSet;

use regorus::Value;

use super::super::{
    Told,
    findings::argument_value,
    place::value_of,
    program::{Body, Call, Form, Hop, Kind, Known, Origin, Program, Root, Slot, Statement},
    trace::{Made, bound},
};

/// Of what is used as a whole, so many are enough to see that they are many.
const MANY: usize = 100;

/// What a statement has from a helper.
pub(super) struct Witnesses<'t> {
    /// The bodies with the bindings that made it; none where it came to nothing.
    pub(super) made: Vec<(usize, &'t Made)>,
    pub(super) is_set: bool,
}

/// The bindings behind what a statement has from a rule or function.
pub(super) fn witnesses<'t>(
    told: &'t Told,
    body: usize,
    statement: &Statement,
    call: &Call,
    env: &Value,
) -> Witnesses<'t> {
    let bodies = told.program.bodies_of(&call.rule);
    let all = bodies.iter().flat_map(|body| told.made_in(*body).map(move |made| (*body, made)));
    let kind = bodies.first().map(|body| told.program.bodies[*body].kind);
    if kind == Some(Kind::Function) {
        let values = arguments(told, statement, call, env);
        let called = |body: &usize| Some((*body, told.called(*body, &values)?));
        return Witnesses { made: bodies.iter().filter_map(called).collect(), is_set: false };
    }
    let is_set = kind == Some(Kind::Elements);
    let mut known = BTreeSet::new();
    // What the statement itself looks at or gives a name to says best which one is meant, else what is known there.
    let own = looked_at(told, body, statement, env);
    let wanted = wanted(told, std::iter::once(statement), env);
    let has_tuples = all.clone().next().is_some_and(|(_, made)| matches!(made.value, Value::Array(_)));
    let among = |values: &BTreeSet<Value>| -> Vec<(usize, &'t Made)> {
        if has_tuples {
            all.clone().filter(|(_, made)| is_among(&made.value, values)).collect()
        } else {
            values.iter().flat_map(|value| told.made(&call.rule, value)).collect()
        }
    };
    let mut chosen: Vec<_> = among(&own);
    if chosen.is_empty() {
        chosen = among(&wanted);
    }
    let made = if chosen.is_empty() {
        // It is used as a whole, as in `count(slow)`.
        all.filter(|(_, made)| known.insert(&made.value)).take(MANY).collect()
    } else if is_set {
        chosen.sort_by_key(|(_, made)| std::cmp::Reverse(shared(&made.env, &wanted)));
        chosen.into_iter().filter(|(_, made)| known.insert(&made.value)).collect()
    } else {
        // Several keys may have the same value: the one that shares most with this binding is meant.
        let best = chosen.into_iter().rev().max_by_key(|(_, made)| shared(&made.env, &wanted));
        best.into_iter().collect()
    };
    Witnesses { made, is_set }
}

/// What a function is called with, as far as it is known.
pub(super) fn arguments(told: &Told, statement: &Statement, call: &Call, env: &Value) -> Vec<Option<Value>> {
    call.arguments.iter().map(|argument| argument_value(argument, statement, env, told)).collect()
}

/// The values that a binding has, and those that statements look at.
pub(super) fn wanted<'s>(told: &Told, statements: impl Iterator<Item = &'s Statement>, env: &Value) -> BTreeSet<Value> {
    let reads = statements.flat_map(|statement| &statement.reads);
    let read = reads.filter_map(|read| value_of(&read.origin, env, &told.trace.world));
    env.as_array().into_iter().flat_map(|env| env.iter().skip(1).cloned()).chain(read).collect()
}

/// What a statement reads, of a rule also what is on the way there, and the variables that it is the first to have.
pub(super) fn looked_at(told: &Told, body: usize, statement: &Statement, env: &Value) -> BTreeSet<Value> {
    let (of, world) = (&told.program.bodies[body], &told.trace.world);
    let end = of.statements.iter().map(|other| other.bound).filter(|bound| *bound > statement.bound).min();
    let prefixes = |Origin { root, hops }: &Origin| -> Vec<Origin> {
        let first = if matches!(root, Root::Rule(_)) { 0 } else { hops.len() };
        (first..=hops.len()).map(|taken| Origin { root: root.clone(), hops: hops[..taken].to_vec() }).collect()
    };
    let read = statement.reads.iter().flat_map(|read| prefixes(&read.origin));
    let read = read.filter_map(|origin| value_of(&origin, env, world));
    let named = (statement.bound..end.unwrap_or(of.slots.len())).filter_map(|slot| bound(env, slot));
    let named = named.flat_map(|value| match value {
        Value::Set(items) => items.iter().cloned().collect(),
        value => vec![value.clone()],
    });
    read.chain(named).collect()
}

/// Whether a value is one of these, or a tuple of them.
pub(super) fn is_among(value: &Value, values: &BTreeSet<Value>) -> bool {
    let is_tuple = |value: &Value| {
        value.as_array().is_ok_and(|items| !items.is_empty() && items.iter().all(|item| values.contains(item)))
    };
    values.contains(value) || is_tuple(value)
}

/// How many texts and numbers a binding has of these, itself or in its objects.
fn shared(env: &Value, wanted: &BTreeSet<Value>) -> usize {
    let is_shared = |value: &Value| matches!(value, Value::String(_) | Value::Number(_)) && wanted.contains(value);
    let count = |value: &Value| match value {
        Value::Object(fields) => fields.iter().filter(|(_, value)| is_shared(value)).count(),
        value => usize::from(is_shared(value)),
    };
    env.as_array().map_or(0, |env| env.iter().skip(1).map(count).sum())
}

/// Whether a binding of a function's body has these arguments, as far as they are known.
pub(in crate::evaluate) fn is_called_with(of: &Body, env: &Value, values: &[Option<Value>]) -> bool {
    of.slots[..of.outer].iter().enumerate().all(|(slot, known)| match &known.origin {
        Some(Known::Argument(nth)) => match values.get(*nth) {
            Some(Some(value)) => bound(env, slot) == Some(value),
            _ => true,
        },
        _ => true,
    })
}

/// The parameters of a function's body that is called with these arguments, by slot, as far as they are known.
pub(super) fn parameters(of: &Body, values: &[Option<Value>]) -> Vec<Option<Value>> {
    let parameter = |slot: &Slot| match &slot.origin {
        Some(Known::Argument(nth)) => values.get(*nth).cloned().flatten(),
        _ => None,
    };
    of.slots[..of.outer].iter().map(parameter).collect()
}

/// A binding of a function's body that has only these arguments.
pub(super) fn called_with(told: &Told, of: &Body, values: &[Option<Value>]) -> Value {
    let slots = parameters(of, values).into_iter().map(|value| value.unwrap_or(Value::Undefined));
    Value::from(std::iter::once(told.input().clone()).chain(slots).collect::<Vec<_>>())
}

/// The variable that a statement gives a value.
pub(super) fn named_by(of: &Body, statement: &Statement) -> Option<usize> {
    (statement.bound..of.slots.len()).find(|slot| !of.slots[*slot].hidden).filter(|_| statement.form == Form::Binds)
}

/// Whether a statement only makes what an element of a set looks like, not whether it is one.
pub(super) fn is_only_for_the_head(program: &Program, of: &Body, statement: &Statement) -> bool {
    let is_element = of.kind == Kind::Elements;
    is_element && named_by(of, statement).is_some_and(|slot| users(program, of, statement, slot).next().is_none())
}

/// The statements that use a variable, also in what is nested in them.
pub(super) fn users<'p>(
    program: &'p Program,
    of: &'p Body,
    statement: &'p Statement,
    slot: usize,
) -> impl Iterator<Item = &'p Statement> {
    of.statements.iter().filter(move |other| other.place != statement.place && uses(program, other, slot))
}

fn uses(program: &Program, statement: &Statement, slot: usize) -> bool {
    // Behind the variables from outside, a nested body counts its own.
    let nested = statement.nested.iter().map(|nested| &program.bodies[*nested]).filter(|body| slot < body.outer);
    statement.reads.iter().any(|read| depends(&read.origin, slot))
        || nested.flat_map(Body::all).any(|one| uses(program, one, slot))
}

fn depends(origin: &Origin, slot: usize) -> bool {
    origin.root == Root::Slot(slot)
        || origin.hops.iter().any(|hop| match hop {
            Hop::Slot(other) => *other == slot,
            Hop::Computed(Some(by)) => depends(by, slot),
            _ => false,
        })
}

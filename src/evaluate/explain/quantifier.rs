//! Which element broke an `every`.

use regorus::Value;

use super::super::{
    Told,
    place::{around, concrete},
    program::{Operand, Origin, Root, Statement},
    trace::{Met, StatementTrace, meet},
};
use crate::model::Path;

/// The binding of an element that broke an `every`.
pub(super) struct Broken {
    pub(super) env: Value,
    /// The statement that it did not pass, where that can be told.
    pub(super) statement: Option<usize>,
    /// What the operands of that statement were.
    pub(super) seen: Vec<Option<Value>>,
    /// Where the element stands.
    pub(super) path: Option<Path>,
}

/// The first element that did not pass: the evaluation ends there, and says nothing of those behind it.
pub(super) fn broken(told: &Told, body: usize, statement: &Statement, nested: usize, env: &Value) -> Option<Broken> {
    let inner = &told.program.bodies[nested];
    let trace = &told.trace.bodies[nested];
    let given = inner.statements.first().map_or(inner.slots.len(), |first| first.bound) - inner.outer;
    let mut base: Vec<Value> = env.as_array().ok()?.iter().take(inner.outer + 1).cloned().collect();
    base.resize(inner.outer + 1, Value::Undefined);
    let binding = |(key, value): (Value, Value)| {
        let mut env = base.clone();
        match given {
            0 => {}
            1 if inner.slots[inner.outer].origin.is_none() => env.push(key),
            1 => env.push(value),
            _ => env.extend([key, value]),
        }
        Value::from(env)
    };
    let passed: Vec<&Value> = trace.made.iter().map(|made| &made.env).filter(|env| begins(env, &base)).collect();
    let is_passed = |env: &Value| passed.iter().any(|passed| begins(passed, &variables(env)));
    let env = if let Some(list) = list(told, statement, env) {
        elements(&list).into_iter().map(binding).find(|env| !is_passed(env))?
    } else {
        // What it goes through is not known, but the element that it ended at was met last.
        let met = trace.statements.first().filter(|first| first.has_all())?;
        met.samples.iter().map(|sample| &sample.env).rfind(|env| begins(env, &base) && !is_passed(env))?.clone()
    };
    let element = variables(&env);
    let sample = |nth: usize| trace.statements[nth].samples.iter().find(|sample| begins(&sample.env, &element));
    // Only the first bindings are kept: that one is not among them says something where there is room for it.
    let is_last = |nth: usize| trace.statements.get(nth + 1).is_none_or(StatementTrace::has_all);
    let sampled = || (0..inner.statements.len()).rev().find(|nth| sample(*nth).is_some()).filter(|nth| is_last(*nth));
    let counted = || {
        let reached = |nth: &usize| trace.statements[*nth].arrived > trace.made_count;
        (arrivals(told, body, statement) <= 1).then(|| (0..inner.statements.len()).rev().find(reached)).flatten()
    };
    let only = || (inner.statements.len() == 1).then_some(0);
    let stop = counted().or_else(sampled).or_else(only);
    let sample = stop.and_then(sample);
    let last = inner.outer + given;
    let path = (given > 0)
        .then(|| {
            let origin = Origin { root: Root::Slot(last - 1), hops: Vec::new() };
            concrete(&told.program, nested, &origin, &env, &told.trace.world)
        })
        .flatten();
    Some(Broken {
        statement: stop,
        seen: sample.map(|sample| sample.seen.clone()).unwrap_or_default(),
        env: sample.map_or(env, |sample| sample.env.clone()),
        path,
    })
}

/// How many bindings arrived at a statement.
fn arrivals(told: &Told, body: usize, statement: &Statement) -> u64 {
    let of = &told.program.bodies[body].statements;
    let nth = of.iter().position(|other| other.place == statement.place);
    nth.map_or(0, |nth| told.trace.bodies[body].statements[nth].arrived)
}

/// What an `every` goes through.
fn list(told: &Told, statement: &Statement, env: &Value) -> Option<Value> {
    match &statement.sides.first()?.operand {
        Operand::Read(read) => {
            let mut found = None;
            meet(&statement.reads[*read], env, &around(env, &told.trace.world), &mut |met| {
                if let Met::Present(value) = met {
                    found = Some(value.clone());
                }
            });
            found
        }
        Operand::Literal(value) => Some(value.clone()),
        Operand::Seen(_) | Operand::Unknown => None,
    }
}

/// The elements of a list with their keys.
fn elements(list: &Value) -> Vec<(Value, Value)> {
    match list {
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, item)| (Value::from(at as u64), item.clone())).collect()
        }
        Value::Object(fields) => fields.iter_sorted().map(|(key, item)| (key.clone(), item.clone())).collect(),
        Value::Set(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        _ => Vec::new(),
    }
}

fn variables(env: &Value) -> Vec<Value> {
    env.as_array().into_iter().flat_map(|env| env.iter().cloned()).collect()
}

/// Whether a binding is one of these variables; `input` stands before them and counts too.
fn begins(env: &Value, variables: &[Value]) -> bool {
    env.as_array().is_ok_and(|env| {
        env.len() >= variables.len()
            && variables.iter().zip(env.iter()).skip(1).all(|(one, other)| *one == Value::Undefined || one == other)
    })
}

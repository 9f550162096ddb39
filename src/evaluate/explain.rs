//! Why an assumption came out as it did: the conditions with the values they saw, and the facts they rest on. Found
//! from the bindings that the rules told of, never from what the author says.

mod conditions;
mod evidence;
mod quantifier;
mod witness;

use std::collections::BTreeSet;

use regorus::Value;

pub(super) use self::witness::is_called_with;
use self::{conditions::Conditions, evidence::Gathered};
use super::{Judgement, Told, judge::Undecided, trace::Made};
use crate::{
    model::{Condition, Json, Path, Segment, Verdict, ViolationKind},
    policy::DataPath,
    secret::redacted,
};

/// Of so many bindings that made the same, the one is told of that rests on the fewest facts.
const WITNESSES: usize = 50;

/// The facts that something rests on, each with its value.
pub(crate) type Facts = Vec<(Path, Json)>;

/// Why, before the facts are looked up in their files.
#[derive(Default)]
pub(crate) struct Why {
    /// Of each violation.
    pub(crate) violations: Vec<(Vec<Condition>, Facts)>,
    /// Of the assumption itself: why `holds` is not true, or why nobody can tell.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) facts: Facts,
}

/// Explains a judgement.
pub(crate) fn explain(judgement: &Judgement, redact: &[String]) -> Why {
    let Some(told) = &judgement.told else { return Why::default() };
    let mut why = Why::default();
    for element in &judgement.elements {
        let made = element.value.as_ref().map(|value| told.made(&element.rule, value)).unwrap_or_default();
        let numbers = [&element.violation.expected, &element.violation.observed];
        let numbers: Vec<f64> = numbers.into_iter().flatten().filter_map(Json::as_f64).collect();
        let is_measure = element.violation.kind == ViolationKind::Measure;
        let rests_on = |(body, made): &(usize, &Made)| {
            let mut gathered = Gathered::new(told);
            gathered.passed(*body, &made.env, &made.seen, 0);
            if is_measure {
                gathered.measured(*body, &made.env, &made.value, &numbers);
            }
            gathered.finish()
        };
        // The fewest facts say it best; among equals the first.
        let best = made.iter().take(WITNESSES).map(|one| (one, rests_on(one))).min_by_key(|(_, paths)| paths.len());
        let Some(((body, made), paths)) = best else {
            why.violations.push(Default::default());
            continue;
        };
        let mut conditions = Conditions::new(told, redact);
        conditions.passed(*body, &made.env, &made.seen, 0);
        if is_measure {
            conditions.measured(*body, &made.env, &made.value, &numbers);
        }
        why.violations.push((conditions.found, facts(told, paths, redact)));
    }
    let not_held = judgement.elements.iter().find(|element| element.violation.kind == ViolationKind::Holds);
    if let Some(element) = not_held {
        let mut conditions = Conditions::new(told, redact);
        let mut gathered = Gathered::new(told);
        for body in told.program.bodies_of(&element.rule) {
            conditions.stopped(*body, 0);
            gathered.stopped(*body, 0);
        }
        why.conditions = conditions.found;
        why.facts = facts(told, gathered.finish(), redact);
    }
    if judgement.judged.verdict == Verdict::Unknown {
        let mut conditions = Conditions::new(told, redact);
        for Undecided { body, statement, env } in &judgement.undecided {
            conditions.undecided(*body, *statement, env.as_ref());
        }
        if !conditions.found.is_empty() {
            why.conditions = conditions.found;
        }
        // That a source as a whole lacks something shows in no place of it.
        let is_inside = |path: &&Path| path.segments().len() > 2;
        let examples: BTreeSet<Path> = judgement.examples.iter().filter(is_inside).cloned().collect();
        let examples = facts(told, examples.into_iter().collect(), redact);
        why.facts.retain(|(path, _)| !examples.iter().any(|(example, _)| example == path));
        why.facts.splice(0..0, examples);
    }
    why
}

/// The conditions that kept a rule from being true.
pub(super) fn stopped(told: &Told, rule: &DataPath) -> Vec<Condition> {
    let mut conditions = Conditions::new(told, &[]);
    for body in told.program.bodies_of(rule) {
        conditions.stopped(*body, 0);
    }
    conditions.found
}

/// The condition that kept a rule from having an entry of these keys, where a binding of them came that far.
pub(super) fn stopped_at(told: &Told, rule: &DataPath, keys: &[Value]) -> Vec<Condition> {
    let mut conditions = Conditions::new(told, &[]);
    for body in told.program.bodies_below(rule) {
        // The first keys may be part of the name.
        let fixed = &told.program.bodies[body].rule[rule.len()..];
        if fixed.iter().zip(keys).all(|(name, key)| *key == Value::from(name.as_str())) {
            conditions.stopped_at(body, keys);
        }
    }
    conditions.found
}

/// The values at paths; what is not there is left out.
fn facts(told: &Told, paths: Vec<Path>, redact: &[String]) -> Facts {
    paths
        .into_iter()
        .filter_map(|path| {
            let value = json(value_at(told, &path)?)?;
            let value = redacted(value, &path, redact);
            Some((path, value))
        })
        .collect()
}

fn value_at<'t>(told: &'t Told, path: &Path) -> Option<&'t Value> {
    let world = &told.trace.world;
    let root = if path.key(0) == Some("input") { &world.input } else { &world.data };
    super::presence::value_at(path, root)
}

fn json(value: &Value) -> Option<Json> {
    match value {
        Value::Undefined => None,
        value => serde_json::to_value(value).ok(),
    }
}

/// Whether a path names one place in facts, design or a reference; provenance is no evidence.
fn is_evidence(path: &Path) -> bool {
    path.segments().len() > 2 && !path.segments().contains(&Segment::Any) && path.key(1) != Some("snapshot")
        || path.source().is_some() && path.segments().len() == 2
}

//! Why an assumption came out as it did: the conditions with the values they saw, and the facts they rest on. Found
//! from the bindings that the rules told of, never from what the author says.

mod conditions;
mod evidence;
mod quantifier;
mod withhold;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

pub(crate) use self::withhold::withhold;
pub(super) use self::witness::is_called_with;
use self::{conditions::Conditions, evidence::Gathered};
use super::{Judgement, Told, judge::Undecided, trace::Made};
use crate::{
    model::{Condition, Json, Path, Segment, Verdict, ViolationKind},
    policy::DataPath,
    secret::{WITHHELD, is_secret_place, without_secrets},
    text::ELLIPSIS,
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
        let of_input = told.of_input(element.input.as_ref());
        let told = of_input.as_ref().unwrap_or(told);
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
        // Of what one body made, the fewest facts say it best; among equals the first.
        let of_bodies = made.chunk_by(|(one, _), (other, _)| one == other);
        let best = of_bodies.filter_map(|made| {
            let made = made.iter().take(WITNESSES).map(|one| (one, rests_on(one)));
            made.min_by_key(|(_, paths)| paths.len())
        });
        // Bodies stand in the order of the files: the conditions of the first are enough, and the facts of all speak.
        let (best, paths): (Vec<_>, Vec<Rests>) = best.unzip();
        let Some((body, made)) = best.first() else {
            why.violations.push(Default::default());
            continue;
        };
        let paths = paths.into_iter().rev().flatten().collect();
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
        let examples = facts(told, examples.into_iter().map(|path| (path, Asked::Value)).collect(), redact);
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

/// What is asked of a fact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Its value.
    Value,
    /// Which keys it has, whatever stands there.
    Keys,
}

/// The paths that something rests on.
type Rests = BTreeMap<Path, Asked>;

/// The values at paths; what is not there is left out.
fn facts(told: &Told, paths: Rests, redact: &[String]) -> Facts {
    paths
        .into_iter()
        .filter_map(|(path, asked)| {
            let value = super::presence::value_at(&path, document(told, &path))?;
            let value = match (asked, value) {
                (Asked::Keys, Value::Object(fields)) => fields.iter_sorted().map(|(key, _)| json(key)).collect(),
                _ => json(value),
            }?;
            let is_secret = is_secret_fact(told, &path, redact);
            let value = if is_secret { WITHHELD.into() } else { without_secrets(value, redact) };
            Some((path, value))
        })
        .collect()
}

/// Whether what stands at a path is not to be shown.
fn is_secret_fact(told: &Told, path: &Path, redact: &[String]) -> bool {
    path.segments().get(1..).is_some_and(|steps| is_secret_place(document(told, path), steps, redact))
}

/// The document that a path leads into.
fn document<'t>(told: &'t Told, path: &Path) -> &'t Value {
    let world = &told.trace.world;
    if path.key(0) == Some("input") { &world.input } else { &world.data }
}

/// So many values of a list or an object are said, those inside it among them.
const VALUES: usize = 100;
/// So many characters of a text.
const CHARACTERS: usize = 1_000;

/// A value as it is said: what is long is cut, with its length. A list of thousands of names beside each of a thousand
/// violations tells nobody anything.
fn json(value: &Value) -> Option<Json> {
    outline(value, &mut { VALUES })
}

fn outline(value: &Value, left: &mut usize) -> Option<Json> {
    *left = left.saturating_sub(1);
    Some(match value {
        Value::Undefined => return None,
        Value::String(text) if text.len() > CHARACTERS => shortened(text).into(),
        Value::Array(items) => list(items.iter(), items.len(), left),
        Value::Set(items) => list(items.iter(), items.len(), left),
        Value::Object(fields) => {
            let mut out = serde_json::Map::new();
            for (nth, (key, value)) in fields.iter_sorted().enumerate() {
                if *left == 0 {
                    out.insert(ELLIPSIS.to_owned(), format!("{ELLIPSIS} {} more", fields.len() - nth).into());
                    break;
                }
                // Keys are written as JSON writes them, also those that are no text.
                let key = key.as_string().map_or_else(|_| key.to_string(), ToString::to_string);
                out.extend(outline(value, left).map(|value| (key, value)));
            }
            out.into()
        }
        other => serde_json::to_value(other).ok()?,
    })
}

fn list<'v>(items: impl Iterator<Item = &'v Value>, count: usize, left: &mut usize) -> Json {
    let mut out = Vec::new();
    for (nth, item) in items.enumerate() {
        if *left == 0 {
            out.push(format!("{ELLIPSIS} {} more", count - nth).into());
            break;
        }
        out.extend(outline(item, left));
    }
    out.into()
}

fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= CHARACTERS {
        return text.to_owned();
    }
    let head: String = text.chars().take(CHARACTERS * 3 / 4).collect();
    let tail: String = text.chars().skip(count - CHARACTERS / 4).collect();
    format!("{head}{ELLIPSIS}{tail} ({count} characters)")
}

/// Whether a path names one place in facts, design or a reference; provenance is no evidence.
fn is_evidence(path: &Path) -> bool {
    let length = path.segments().len();
    let is_inside = match path.key(1) {
        Some("snapshot") if path.source().is_none() => false,
        Some("reference") if path.source().is_none() => length > 3,
        // A document of others may be one value.
        Some(root) if path.source().is_none() && root != "design" => true,
        _ => length > 2 || path.source().is_some() && length == 2,
    };
    is_inside && !path.segments().contains(&Segment::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_with_its_length() {
        let said = |json: Json| super::json(&Value::from(json)).unwrap();
        let short = serde_json::json!({"a": [1, null, "x"], "b": {"c": true}});
        assert_eq!(said(short.clone()), short);
        let list = said((0..1_000).collect());
        assert_eq!(list.as_array().unwrap().len(), 100);
        assert_eq!(list[99], "… 901 more");
        let object = said((0..1_000).map(|at| (format!("k{at:04}"), Json::from(at))).collect());
        assert_eq!(object["…"], "… 901 more");
        let text = said("é".repeat(2_000).into());
        let text = text.as_str().unwrap();
        assert!(text.ends_with("é (2000 characters)") && text.contains("é…é"), "{text}");
    }
}

//! The values of an assumption's rules as violations, subjects and measures; and fingerprints.

use std::collections::BTreeMap;

use regorus::Value;
use sha2::{Digest, Sha256};

use super::outcome::Element;
use crate::{
    model::{Assumption, Class, Direction, Json, Measure, RuleRef, Violation, ViolationKind, ViolationStatus},
    secret::without_secrets,
    source::Location,
};

/// What is wrong with a rule's value, as a message and its remedy.
pub(super) struct BadValue {
    pub(super) message: String,
    pub(super) help: String,
}

/// A value as JSON; sets become sorted lists.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Undefined => Json::Null,
        Value::Bool(bool) => (*bool).into(),
        Value::String(text) => text.as_ref().into(),
        Value::Number(_) => {
            value.to_json_str().ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null)
        }
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Set(items) => items.iter_sorted().map(to_json).collect(),
        Value::Object(fields) => fields
            .iter_sorted()
            .map(|(key, value)| {
                (key.as_string().map_or_else(|_| key.to_string(), std::string::ToString::to_string), to_json(value))
            })
            .collect(),
    }
}

/// What a value is, for messages.
pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}

/// The elements of a rule that must be a set.
pub(super) fn elements<'a>(rule: &str, value: &'a Value) -> Result<Vec<&'a Value>, BadValue> {
    match value {
        Value::Set(items) => Ok(items.iter_sorted().collect()),
        other => Err(BadValue {
            message: format!("`{rule}` is {}, and must be a set", describe(other)),
            help: format!("write `{rule} contains v if {{ … }}`"),
        }),
    }
}

/// The elements of a `measure` that is no object.
pub(super) fn measures<'a>(rule: &str, value: &'a Value) -> Result<Vec<&'a Value>, BadValue> {
    elements(rule, value).map_err(|_| BadValue {
        message: format!("`{rule}` is {}, and must be an object or a set of objects", describe(value)),
        help: MEASURE.to_owned(),
    })
}

/// What a measure looks like.
const MEASURE: &str =
    "write `{\"value\": …, \"limit\": …}`, and if need be `subject`, `unit` and `direction` (\"max\" or \"min\")";

/// A violation of which only the message is known; it counts, and nobody has accepted it.
fn plain(kind: ViolationKind, message: String, made_by: &RuleRef) -> Violation {
    Violation {
        message,
        subject: None,
        kind,
        expected: None,
        observed: None,
        details: BTreeMap::new(),
        counts: true,
        fingerprint: String::new(),
        status: ViolationStatus::New,
        rule: made_by.clone(),
        place: None,
        conditions: Vec::new(),
        evidence: Vec::new(),
    }
}

/// An element of `violation`, `deny` or `warn`.
pub(super) fn violation(
    rule: &str,
    kind: ViolationKind,
    element: &Value,
    made_by: &RuleRef,
) -> Result<Violation, BadValue> {
    let bad = |found: String| BadValue {
        message: format!("an element of `{rule}` {found}, and must be text or an object with a text `msg`"),
        help: "write `v := {\"msg\": \"…\", \"subject\": …}`".to_owned(),
    };
    let mut violation = plain(kind, String::new(), made_by);
    match to_json(element) {
        Json::String(message) => violation.message = message,
        Json::Object(fields) => {
            let mut message = None;
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("msg", Json::String(text)) => message = Some(text),
                    ("msg", other) => return Err(bad(format!("has a `msg` that is {}", kind_of(&other)))),
                    ("subject", value) => violation.subject = Some(value).filter(|value| !value.is_null()),
                    ("expected", value) => violation.expected = Some(value),
                    ("observed", value) => violation.observed = Some(value),
                    ("_loc", Json::Object(place)) => violation.place = location(&place),
                    ("details", Json::Object(more)) => violation.details.extend(more),
                    (_, value) => {
                        violation.details.insert(key, value);
                    }
                }
            }
            violation.message = message.ok_or_else(|| bad("has no `msg`".to_owned()))?;
        }
        other => return Err(bad(format!("is {}", kind_of(&other)))),
    }
    Ok(violation)
}

/// A place as conftest's users write it: `{file, line}`.
fn location(place: &serde_json::Map<String, Json>) -> Option<Location> {
    let path = place.get("file")?.as_str()?.to_owned();
    let line = usize::try_from(place.get("line").and_then(Json::as_u64).unwrap_or(1)).ok()?.max(1);
    Some(Location { path, line, column: 1, end_line: line, end_column: 1 })
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// What became of a measure.
pub(super) enum Measured {
    /// A value and its limit.
    Known(Measure),
    /// A field that is not there.
    Absent(&'static str, Option<Json>),
    /// A field that is no number.
    Mistyped(&'static str, Json, Option<Json>),
}

/// The keys of a measure.
const KEYS: [&str; 5] = ["value", "limit", "subject", "unit", "direction"];

/// An element of `measure`.
pub(super) fn measure(rule: &str, element: &Value) -> Result<Measured, BadValue> {
    let bad = |message: String| BadValue { message, help: MEASURE.to_owned() };
    let Json::Object(fields) = to_json(element) else {
        return Err(bad(format!("an element of `{rule}` is {}, and must be an object", describe(element))));
    };
    if let Some(key) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(bad(format!("an element of `{rule}` has the unknown key `{key}`")));
    }
    let subject = fields.get("subject").filter(|subject| !subject.is_null()).cloned();
    let direction = match fields.get("direction") {
        None => Direction::Max,
        Some(Json::String(text)) if text == "max" => Direction::Max,
        Some(Json::String(text)) if text == "min" => Direction::Min,
        Some(other) => return Err(bad(format!("an element of `{rule}` has the direction {other}"))),
    };
    let unit = match fields.get("unit") {
        None | Some(Json::Null) => None,
        Some(Json::String(unit)) => Some(unit.clone()),
        Some(other) => return Err(bad(format!("an element of `{rule}` has the unit {other}, which is no text"))),
    };
    let mut numbers = [0.0; 2];
    for (number, key) in numbers.iter_mut().zip(["value", "limit"]) {
        match fields.get(key) {
            None => return Ok(Measured::Absent(key, subject)),
            Some(value) => match value.as_f64() {
                Some(known) => *number = known,
                None => return Ok(Measured::Mistyped(key, value.clone(), subject)),
            },
        }
    }
    let [value, limit] = numbers;
    Ok(Measured::Known(Measure { subject, value, limit, unit, direction, from: rule.to_owned() }))
}

/// The violation that a measure beyond its limit is.
pub(super) fn breach(measure: &Measure, made_by: &RuleRef, redact: &[String]) -> Violation {
    Violation {
        subject: measure.subject.clone(),
        expected: Some(number(measure.limit)),
        observed: Some(number(measure.value)),
        ..plain(ViolationKind::Measure, breach_message(measure, redact), made_by)
    }
}

/// A number as people write it: whole ones without a fraction.
fn number(value: f64) -> Json {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    if value.fract() == 0.0 && value.abs() < WHOLE { (value as i64).into() } else { value.into() }
}

fn breach_message(measure: &Measure, redact: &[String]) -> String {
    let subject = match &measure.subject {
        None => String::new(),
        Some(Json::String(subject)) => format!("{subject}: "),
        Some(subject) => format!("{}: ", without_secrets(subject.clone(), redact)),
    };
    let unit = measure.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let beyond = match measure.direction {
        Direction::Max => "is above the limit of",
        Direction::Min => "is below the limit of",
    };
    format!("{subject}{}{unit} {beyond} {}{unit}", measure.value, measure.limit)
}

/// The violation that a `holds` which is not true is.
pub(super) fn not_held(assumption: &Assumption, made_by: &RuleRef) -> Violation {
    plain(ViolationKind::Holds, assumption.title.clone(), made_by)
}

/// Sorts violations and gives each its fingerprint: the first 32 hex digits of SHA-256 over the canonical JSON of
/// `["1", id, class, key, n]`. Neither line numbers nor measured values go into it.
pub(super) fn fingerprint(assumption: &Assumption, elements: &mut [Element]) {
    let id = canonical(&assumption.formerly.first().unwrap_or(&assumption.id).as_str().into());
    elements.sort_by_cached_key(|element| {
        let violation = &element.violation;
        (
            violation.kind.class(),
            violation.subject.as_ref().map(canonical),
            violation.message.clone(),
            canonical(&Json::from_iter(violation.details.clone())),
            violation.kind,
        )
    });
    let mut seen: BTreeMap<(Class, String), u64> = BTreeMap::new();
    for element in elements {
        let violation = &mut element.violation;
        let class = violation.kind.class();
        let key = match (&violation.subject, violation.kind) {
            (Some(subject), _) => subject.clone(),
            (None, ViolationKind::Holds) => "holds".into(),
            (None, ViolationKind::Measure) => "measure".into(),
            (None, _) => without_numbers(&violation.message).into(),
        };
        let key = canonical(&key);
        // The canonical form of a list is made of those of its elements.
        let start = format!("[\"1\",{id},\"{}\",{key},", class.as_str());
        let count = seen.entry((class, key)).or_default();
        let digest = Sha256::digest(format!("{start}{count}]"));
        *count += 1;
        let half = digest.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
        violation.fingerprint = format!("{half:032x}");
    }
}

fn canonical(value: &Json) -> String {
    let canonical = match value {
        // Text is written in the same way there, much faster.
        Json::String(text) => serde_json::to_string(text),
        value => serde_json_canonicalizer::to_string(value),
    };
    // Only numbers that are not finite have no canonical form, and JSON has none of them.
    canonical.unwrap_or_else(|_| value.to_string())
}

/// Every number of a message as `0`, so that a message without subject keeps its fingerprint while values change.
fn without_numbers(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut chars = message.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_digit() {
            out.push(c);
            continue;
        }
        out.push('0');
        loop {
            while chars.next_if(char::is_ascii_digit).is_some() {}
            let mut ahead = chars.clone();
            if ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit()) {
                chars.next();
            } else {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_change_a_key() {
        for (message, key) in
            [("p99 is 12.5 ms", "p0 is 0 ms"), ("1.2.3, 4. 5", "0, 0. 0"), ("none", "none"), ("v1.x", "v0.x")]
        {
            assert_eq!(without_numbers(message), key);
        }
    }
}

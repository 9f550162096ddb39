//! What the rules of an assumption gave: violations, subjects and measures, and what is wrong with the values.

use std::collections::BTreeSet;

use regorus::Value;

use super::{
    Run,
    engine::Failure,
    inputs::{Input, Inputs},
    violations::{self, BadValue, Measured},
};
use crate::{
    model::{Class, Json, Measure, Note, Reason, RuleRef, Violation, ViolationKind},
    policy::{DataPath, Group, GroupRule, Word},
    secret::{WITHHELD, is_secret, without_secrets},
    source::Place,
    text::{ELLIPSIS, cut_value},
};

/// A violation, and the value it was made of.
pub(crate) struct Element {
    pub(crate) violation: Violation,
    /// The rule.
    pub(crate) rule: DataPath,
    /// Its element; `None` where `holds` is not true.
    pub(crate) value: Option<Value>,
    /// What stood for `input`, where that was one of several.
    pub(crate) input: Option<Value>,
}

/// What the rules of a group gave.
#[derive(Default)]
pub(super) struct Outcome<'a> {
    /// Further names of keys whose values are never shown.
    redact: &'a [String],
    /// What stands for `input`, of several, and what it is called.
    input: Option<&'a Input>,
    all_subjects: BTreeSet<Value>,
    pub(super) elements: Vec<Element>,
    /// Each with the value it was made of, and with what stood for `input`, where that was one of several.
    pub(super) measures: Vec<(Measure, Value, Option<Value>)>,
    /// How many subjects, where the group has `subjects`.
    pub(super) subjects: Option<u64>,
    /// Whether the group has only `measure`, and that yielded nothing.
    pub(super) measured_nothing: bool,
    pub(super) errors: Vec<Note>,
    /// A built-in that failed, without which the rest was evaluated.
    pub(super) builtin: Option<Note>,
    /// Step 4, as far as the values show it.
    pub(super) gaps: Vec<Note>,
}

/// Turns the values of the rules into violations, subjects and measures.
pub(super) fn outcome<'a>(group: &Group, run: Run, inputs: Option<&'a Inputs>, redact: &'a [String]) -> Outcome<'a> {
    // Where the second run fails too, its error is the one to show.
    let builtin = run.builtin.filter(|_| run.values.is_ok()).map(|failure| failed(&failure, group));
    let mut outcome = Outcome { redact, builtin, ..Outcome::default() };
    let rows = match run.values {
        Ok(rows) => rows,
        Err(failure) => {
            outcome.errors.push(failed(&failure, group));
            return outcome;
        }
    };
    for (nth, values) in rows.into_iter().enumerate() {
        outcome.input = inputs.and_then(|inputs| inputs.get(nth));
        for (rule, value) in group.rules.iter().zip(values) {
            if let Err(BadValue { message, help }) = outcome.take(group, rule, value)
                && outcome.errors.iter().all(|said| said.message != message)
            {
                let location = Some(rule.location.clone());
                outcome.errors.push(Note { reason: Reason::Error, message, help: Some(help), location });
            }
        }
    }
    outcome.breaches(group);
    if inputs.is_some() {
        outcome.unite();
    }
    outcome
}

impl Outcome<'_> {
    /// Takes the value of one rule.
    fn take(&mut self, group: &Group, rule: &GroupRule, value: Option<Value>) -> Result<(), BadValue> {
        match rule.word {
            Word::Violation => self.violations(rule, ViolationKind::Violation, value.as_ref()),
            Word::Deny => self.violations(rule, ViolationKind::Deny, value.as_ref()),
            Word::Warn => self.violations(rule, ViolationKind::Warn, value.as_ref()),
            Word::Subjects => {
                let elements = value.as_ref().map(|value| violations::elements(&rule.name, value)).transpose()?;
                self.all_subjects.extend(elements.into_iter().flatten().cloned());
                self.subjects = Some(self.all_subjects.len() as u64);
                Ok(())
            }
            Word::Holds => match value {
                Some(Value::Bool(true)) => Ok(()),
                None | Some(Value::Bool(false)) => {
                    let violation = violations::not_held(&group.assumption, &made_by(rule));
                    self.add(violation, rule, None);
                    Ok(())
                }
                Some(other) => Err(BadValue {
                    message: format!("`{}` is {}, and must be true or false", rule.name, violations::describe(&other)),
                    help: format!("write `{} if {{ … }}`", rule.name),
                }),
            },
            Word::Measure => match &value {
                None => Ok(()),
                Some(one @ Value::Object(_)) => self.measure(rule, one),
                Some(many) => violations::measures(&rule.name, many)?
                    .into_iter()
                    .try_for_each(|element| self.measure(rule, element)),
            },
        }
    }

    fn violations(&mut self, rule: &GroupRule, kind: ViolationKind, value: Option<&Value>) -> Result<(), BadValue> {
        // A set that is undefined has no elements.
        let Some(value) = value else { return Ok(()) };
        for element in violations::elements(&rule.name, value)? {
            let violation = violations::violation(&rule.name, kind, element, &made_by(rule))?;
            self.add(violation, rule, Some(element.clone()));
        }
        Ok(())
    }

    /// Adds a violation. One that does not say what it is about is about the element that was looked at.
    fn add(&mut self, mut violation: Violation, rule: &GroupRule, value: Option<Value>) {
        if let (None, Some(input)) = (&violation.subject, self.input) {
            violation.subject.clone_from(&input.identity);
        }
        let input = self.input.map(|input| input.value().clone());
        self.elements.push(Element { violation, rule: rule.path.clone(), value, input });
    }

    /// What is said of several elements in the same words about the same subject is said once, as in a set.
    fn unite(&mut self) {
        let mut said: BTreeSet<String> = BTreeSet::new();
        self.elements.retain(|Element { violation, .. }| {
            let Violation { message, subject, kind, expected, observed, details, .. } = violation;
            said.insert(
                Json::from(vec![
                    message.as_str().into(),
                    subject.clone().into(),
                    format!("{kind:?}").into(),
                    expected.clone().into(),
                    observed.clone().into(),
                    Json::from_iter(details.clone()),
                ])
                .to_string(),
            )
        });
    }

    fn measure(&mut self, rule: &GroupRule, element: &Value) -> Result<(), BadValue> {
        let location = Some(rule.location.clone());
        match violations::measure(&rule.name, element)? {
            Measured::Known(mut measure) => {
                if let (None, Some(input)) = (&measure.subject, self.input) {
                    measure.subject.clone_from(&input.identity);
                }
                let input = self.input.map(|input| input.value().clone());
                self.measures.push((measure, element.clone(), input));
            }
            Measured::Absent(key, subject) => self.gaps.push(Note {
                reason: Reason::Missing,
                message: format!("the `{key}` of {} is not there", self.named(&rule.name, subject)),
                help: Some(format!("a measure needs `value` and `limit`: add `{key}`")),
                location,
            }),
            Measured::Mistyped(key, found, subject) => self.gaps.push(Note {
                reason: Reason::Mistyped,
                message: format!(
                    "the `{key}` of {} is {}, not a number",
                    self.named(&rule.name, subject),
                    short(&found)
                ),
                help: Some(
                    "numbers must arrive as numbers: convert it with `to_number`, or collect it as one".to_owned(),
                ),
                location,
            }),
        }
        Ok(())
    }

    /// Each measure beyond its limit is a violation, unless one of the same subject says so already.
    fn breaches(&mut self, group: &Group) {
        self.measures
            .sort_by_cached_key(|(measure, ..)| (measure.subject.as_ref().map(Json::to_string), measure.from.clone()));
        let Some(rule) = group.rules.iter().find(|rule| rule.word == Word::Measure) else { return };
        for (measure, value, input) in self.measures.iter().filter(|(measure, ..)| measure.is_breached()) {
            let is_said = |element: &Element| {
                element.violation.kind.class() == Class::Refutes
                    && element.violation.subject == measure.subject
                    && element.violation.subject.is_some()
            };
            if !self.elements.iter().any(is_said) {
                let violation = violations::breach(measure, &made_by(rule), self.redact);
                let (value, input) = (Some(value.clone()), input.clone());
                self.elements.push(Element { violation, rule: rule.path.clone(), value, input });
            }
        }
        let has_others = group.rules.iter().any(|rule| !matches!(rule.word, Word::Measure | Word::Subjects));
        let is_known = self.gaps.is_empty() && self.errors.is_empty();
        self.measured_nothing = self.measures.is_empty() && is_known && !has_others;
    }

    fn named(&self, rule: &str, subject: Option<Json>) -> String {
        match subject {
            Some(subject) => format!("`{rule}` for {}", short(&without_secrets(subject, self.redact))),
            None => format!("`{rule}`"),
        }
    }

    /// Takes from all values what is not to be shown.
    pub(super) fn withhold(&mut self) {
        let redact = self.redact;
        let withhold = |value: &mut Json| *value = without_secrets(value.take(), redact);
        for Element { violation, .. } in &mut self.elements {
            let values = [&mut violation.subject, &mut violation.expected, &mut violation.observed];
            values.into_iter().flatten().for_each(withhold);
            for (key, value) in &mut violation.details {
                if is_secret(key, redact) { *value = WITHHELD.into() } else { withhold(value) }
            }
        }
        self.measures.iter_mut().filter_map(|(measure, ..)| measure.subject.as_mut()).for_each(withhold);
    }
}

fn made_by(rule: &GroupRule) -> RuleRef {
    RuleRef { title: rule.title.clone(), location: rule.location.clone() }
}

fn short(value: &Json) -> String {
    cut_value(value, 60, ELLIPSIS)
}

/// An evaluation that failed, in words.
fn failed(failure: &Failure, group: &Group) -> Note {
    let at = group.assumption.rule.clone();
    let location = match failure {
        Failure::Error(error) => error.place.as_ref().map_or(at, Place::location),
        _ => at,
    };
    let (message, help) = failure.said();
    Note { reason: Reason::Error, message, help: Some(help), location: Some(location) }
}

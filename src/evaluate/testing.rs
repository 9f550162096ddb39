//! Runs the tests among rules, says why one fails, and which lines all of them reach.
//!
//! A test is a rule like any other: what explains a `holds` that is not true explains it too. Coverage comes from the
//! same recorder, since the engine's own counts a line as covered as soon as anything on it was evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use rayon::prelude::*;
use regorus::Value;

use super::{
    engine::{Engine, Failure},
    explain, in_pool,
    program::{Body, Program, Statement},
    told::{Told, tell_test},
    trace::{BodyTrace, Trace},
};
use crate::{
    model::{Coverage, FileCoverage, Json, Path, Segment, TestCase, TestOutcome, TestResult},
    policy::{PolicyError, Rules, TestRule, reference, test_name},
    source::{At, Location, Place},
    text,
};

/// What tests are run with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time it is.
    pub now: Timestamp,
    /// How long one test may take.
    pub timeout: Duration,
    /// Whether to see which lines are reached.
    pub coverage: bool,
}

/// The results of tests, in their order, and what they reached.
pub(crate) type Results = (Vec<TestResult>, Option<Coverage>);

/// Runs tests. Documents are in `data` beside the packages; `input` is undefined where no test says what it is.
///
/// # Errors
/// What the engine finds wrong with the rules while it prepares them.
pub(crate) fn test(
    rules: &Rules,
    tests: &[TestRule],
    data: &Value,
    settings: &Settings,
) -> Result<Results, Box<At<PolicyError>>> {
    in_pool(|| {
        let engine = Engine::new(rules, &Value::Undefined, data, settings.now, settings.timeout)?;
        let run = |test: &TestRule| run(&engine, test, settings.coverage);
        let (results, reached): (Vec<_>, Vec<_>) = tests.par_iter().map(run).unzip();
        let coverage = settings.coverage.then(|| {
            let reached = reached.into_iter().flatten().reduce(Reached::with);
            coverage(rules, engine.program(), &reached.unwrap_or_default())
        });
        Ok((results, coverage))
    })
}

fn run(engine: &Engine<'_>, test: &TestRule, coverage: bool) -> (TestResult, Option<Reached>) {
    let mut result = TestResult {
        package: dotted(&test.package),
        name: test.name.clone(),
        location: test.place.location(),
        outcome: TestOutcome::Failed,
        message: None,
        conditions: Vec::new(),
        cases: Vec::new(),
        printed: Vec::new(),
    };
    if test.is_todo {
        result.outcome = TestOutcome::Skipped;
        return (result, None);
    }
    if test.is_function {
        let (message, help) =
            ("a test takes no arguments".to_owned(), "take them out, or call it something else".to_owned());
        result.outcome = TestOutcome::Error { message, help, location: None };
        return (result, None);
    }
    let reference = reference(&test.path);
    let value = match engine.value(&reference) {
        Ok((value, printed)) => {
            result.printed = printed;
            value
        }
        Err(failure) => {
            result.outcome = error(&failure);
            return (result, None);
        }
    };
    let cases = if test.has_cases { cases(engine, test, value.as_ref()) } else { BTreeMap::new() };
    let passes = if test.has_cases {
        !cases.is_empty() && cases.values().all(|passed| *passed)
    } else {
        value == Some(Value::from(true))
    };
    if passes {
        result.outcome = TestOutcome::Passed;
    }
    let told = if passes && !coverage { None } else { tell_test(engine, &reference, value.as_ref()) };
    result.cases = cases
        .iter()
        .map(|(keys, passed)| {
            let conditions = match &told {
                Some(told) if !passed => explain::stopped_at(told, &test.path, keys),
                _ => Vec::new(),
            };
            TestCase { names: keys.iter().map(name).collect(), passed: *passed, conditions }
        })
        .collect();
    if !passes && cases.is_empty() {
        let is_other = value.as_ref().is_some_and(|value| !matches!(value, Value::Bool(_)));
        if let Some(told) = told.as_ref().filter(|_| !is_other) {
            result.conditions = explain::stopped(told, &test.path);
        }
        result.message = match &value {
            _ if test.has_cases => Some("no case was tried".to_owned()),
            Some(other) if is_other => Some(format!("it is {}, not true", text::value(&json(other)))),
            _ if !result.conditions.is_empty() => None,
            Some(_) => Some("it is false".to_owned()),
            None => Some("it is undefined".to_owned()),
        };
    }
    let reached = told.filter(|_| coverage).map(|Told { program, trace, .. }| Reached::of(&program, &trace));
    (result, reached)
}

fn error(failure: &Failure) -> TestOutcome {
    let (message, help) = failure.said();
    let location = match failure {
        Failure::Error(error) => error.place.as_ref().map(Place::location),
        _ => None,
    };
    TestOutcome::Error { message, help, location }
}

/// The cases that are tried, by their keys, each with whether it is true.
fn cases(engine: &Engine<'_>, test: &TestRule, value: Option<&Value>) -> BTreeMap<Vec<Value>, bool> {
    let mut cases = BTreeMap::new();
    let bodies = engine.program().bodies_below(&test.path);
    let calls: Vec<String> = bodies.filter_map(|body| engine.asks_cases(body).map(str::to_owned)).collect();
    // What cannot be asked beforehand shows as far as it came true.
    for tried in
        engine.values(&test.full_name(), &calls, None, false).unwrap_or_default().into_iter().flatten().flatten()
    {
        for keys in tried.as_array().into_iter().flat_map(|tried| tried.iter()) {
            if let Ok(keys) = keys.as_array() {
                cases.insert(keys.to_vec(), false);
            }
        }
    }
    if let Some(value) = value {
        entries(value, &mut Vec::new(), &mut cases);
    }
    cases
}

fn entries(value: &Value, keys: &mut Vec<Value>, cases: &mut BTreeMap<Vec<Value>, bool>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_sorted() {
                keys.push(key.clone());
                entries(value, keys, cases);
                keys.pop();
            }
        }
        value => {
            cases.insert(keys.clone(), *value == Value::from(true));
        }
    }
}

fn json(value: &Value) -> Json {
    // Values of the engine always have a JSON form.
    serde_json::to_value(value).unwrap_or_default()
}

fn name(key: &Value) -> String {
    match key {
        Value::String(text) => text.as_ref().to_owned(),
        other => json(other).to_string(),
    }
}

fn dotted(path: &[String]) -> String {
    let root = Segment::Key("data".to_owned());
    Path::new(std::iter::once(root).chain(path.iter().cloned().map(Segment::Key)).collect()).to_string()
}

/// What was reached of each body.
#[derive(Default)]
struct Reached(Vec<BodyReached>);

#[derive(Default, Clone)]
struct BodyReached {
    /// Of each statement, whether it was.
    statements: Vec<bool>,
    /// Whether it made something.
    made: bool,
    /// Whether that was something else than false.
    was_true: bool,
    /// Whether a binding did not come to its end, or made false.
    was_false: bool,
}

impl Reached {
    fn of(program: &Program, trace: &Trace) -> Self {
        Self(program.bodies.iter().zip(&trace.bodies).map(|(body, trace)| BodyReached::of(body, trace)).collect())
    }

    fn with(mut self, other: Self) -> Self {
        for (one, other) in self.0.iter_mut().zip(other.0) {
            one.made |= other.made;
            one.was_true |= other.was_true;
            one.was_false |= other.was_false;
            one.statements.iter_mut().zip(other.statements).for_each(|(one, other)| *one |= other);
        }
        self
    }
}

impl BodyReached {
    fn of(body: &Body, trace: &BodyTrace) -> Self {
        let arrived: Vec<u64> = trace.statements[..body.statements.len()].iter().map(|told| told.arrived).collect();
        let stops = |(nth, statement): (usize, &Statement)| {
            let next = arrived.get(nth + 1).copied().unwrap_or(trace.made_count);
            arrived[nth] > 0 && (next == 0 || statement.form.is_condition() && next < arrived[nth])
        };
        let is_false = |value: &Value| *value == Value::from(false);
        Self {
            made: trace.made_count > 0,
            was_true: trace.made.iter().any(|made| !is_false(&made.value)),
            was_false: body.statements.iter().enumerate().any(stops)
                || trace.made.iter().any(|made| is_false(&made.value)),
            statements: arrived.iter().map(|arrived| *arrived > 0).collect(),
        }
    }
}

/// The lines with conditions that were reached, and the rules that were never true or never false.
fn coverage(rules: &Rules, program: &Program, reached: &Reached) -> Coverage {
    let tested: BTreeSet<&str> =
        rules.modules.iter().filter(|module| module.module.is_test).map(|module| module.module.file.path()).collect();
    let mut lines: BTreeMap<String, BTreeMap<usize, bool>> = BTreeMap::new();
    let mut outcomes: BTreeMap<(Location, String), (bool, bool)> = BTreeMap::new();
    let nothing = BodyReached::default();
    for (at, body) in program.bodies.iter().enumerate() {
        let place = body.place.location();
        let is_test = tested.contains(place.path.as_str()) || test_name(&body.rule).is_some();
        if is_test || body.statements.is_empty() {
            continue;
        }
        let reached = reached.0.get(at).unwrap_or(&nothing);
        let of_file = lines.entry(place.path.clone()).or_default();
        let mut mark = |line: usize, is_reached: bool| *of_file.entry(line).or_insert(true) &= is_reached;
        for (nth, statement) in body.statements.iter().enumerate() {
            mark(statement.place.location().line, reached.statements.get(nth).copied().unwrap_or(false));
        }
        if body.parent.is_none() {
            mark(body.head.statement.place.location().line, reached.made);
            let rule = outcomes.entry((place, dotted(&body.rule))).or_default();
            rule.0 |= reached.was_true;
            rule.1 |= reached.was_false;
        }
    }
    let files = lines.into_iter().map(|(path, lines)| {
        let of =
            |wanted: bool| lines.iter().filter(|(_, covered)| **covered == wanted).map(|(line, _)| *line).collect();
        FileCoverage { path, covered: of(true), not_covered: of(false) }
    });
    let named = |is_never: fn(&(bool, bool)) -> bool| {
        let never = outcomes.iter().filter(|(_, outcome)| is_never(outcome));
        never.map(|((location, name), _)| (name.clone(), location.clone())).collect()
    };
    Coverage {
        files: files.collect(),
        never_true: named(|(was_true, _)| !was_true),
        never_false: named(|(_, was_false)| !was_false),
    }
}

//! Tests for programs: as `opa test` writes them in JSON, and in the XML of `JUnit`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::quiet::escape_json;
use crate::{
    model::{Condition, Coverage, TestCase, TestOutcome, TestResult, TestRun},
    source::{Location, escape},
};

/// A test as `opa test -f json` writes it. A duration would be another one in every run; it is there because readers
/// expect it.
#[derive(Serialize)]
struct Written<'a> {
    location: Place<'a>,
    package: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "is_not")]
    fail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
    #[serde(skip_serializing_if = "is_not")]
    skip: bool,
    duration: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sub_results: BTreeMap<&'a str, Sub<'a>>,
    /// What `opa test` does not say: the conditions that were not passed, as in a report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Stopped<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    row: usize,
    col: usize,
}

#[derive(Serialize)]
struct Failure<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
}

#[derive(Serialize, Default)]
#[expect(clippy::struct_field_names, reason = "as `opa test` calls them")]
struct Sub<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "is_not")]
    fail: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sub_results: BTreeMap<&'a str, Sub<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Stopped<'a>>,
}

#[derive(Serialize)]
struct Stopped<'a> {
    text: &'a str,
    outcome: &'static str,
    operands: Vec<Operand<'a>>,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Operand<'a> {
    text: &'a str,
    value: &'a Option<crate::model::Json>,
}

#[derive(Serialize)]
struct WrittenCoverage<'a> {
    files: BTreeMap<&'a str, WrittenFile>,
    covered_lines: usize,
    not_covered_lines: usize,
    coverage: f64,
    never_true: Vec<Rule<'a>>,
    never_false: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct WrittenFile {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    covered: Vec<Range>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_covered: Vec<Range>,
    covered_lines: usize,
    not_covered_lines: usize,
    coverage: f64,
}

#[derive(Serialize)]
struct Range {
    start: Row,
    end: Row,
}

#[derive(Serialize)]
struct Row {
    row: usize,
}

#[derive(Serialize)]
struct Rule<'a> {
    rule: &'a str,
    location: Place<'a>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_not(value: &bool) -> bool {
    !value
}

fn place(location: &Location) -> Place<'_> {
    Place { file: &location.path, row: location.line, col: location.column }
}

fn stopped(conditions: &[Condition]) -> Vec<Stopped<'_>> {
    conditions.iter().map(Stopped::of).collect()
}

impl<'a> Stopped<'a> {
    fn of(condition: &'a Condition) -> Self {
        let operands = condition.operands.iter();
        Self {
            text: &condition.text,
            outcome: condition.outcome.as_str(),
            operands: operands.map(|operand| Operand { text: &operand.text, value: &operand.value }).collect(),
            location: place(&condition.location),
        }
    }
}

pub(super) fn json(run: &TestRun) -> String {
    let tests: Vec<_> = run.tests.iter().map(Written::of).collect();
    written(&tests)
}

/// Coverage as `opa test --coverage` writes it, with the rules that were never true or never false.
pub(super) fn coverage_json(coverage: &Coverage) -> String {
    let (covered_lines, not_covered_lines) = coverage.lines();
    let files = coverage.files.iter().map(|file| {
        let written = WrittenFile {
            covered: ranges(&file.covered),
            not_covered: ranges(&file.not_covered),
            covered_lines: file.covered.len(),
            not_covered_lines: file.not_covered.len(),
            coverage: file.percent(),
        };
        (file.path.as_str(), written)
    });
    written(&WrittenCoverage {
        files: files.collect(),
        covered_lines,
        not_covered_lines,
        coverage: coverage.percent(),
        never_true: rules(&coverage.never_true),
        never_false: rules(&coverage.never_false),
    })
}

fn rules(rules: &[(String, Location)]) -> Vec<Rule<'_>> {
    rules.iter().map(|(rule, location)| Rule { rule, location: place(location) }).collect()
}

fn ranges(lines: &[usize]) -> Vec<Range> {
    let runs = lines.chunk_by(|one, next| one + 1 == *next);
    runs.map(|run| Range { start: Row { row: run[0] }, end: Row { row: run[run.len() - 1] } }).collect()
}

fn written(value: &impl Serialize) -> String {
    // Structures of text and numbers always have a JSON form.
    escape_json(&serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

impl<'a> Written<'a> {
    fn of(test: &'a TestResult) -> Self {
        let error = match &test.outcome {
            TestOutcome::Error { message, location, .. } => {
                Some(Failure { message, location: location.as_ref().map(place) })
            }
            _ => None,
        };
        let mut sub_results = BTreeMap::new();
        for case in &test.cases {
            Sub::add(&mut sub_results, &case.names, case);
        }
        Self {
            location: place(&test.location),
            package: &test.package,
            name: &test.name,
            fail: test.outcome == TestOutcome::Failed,
            error,
            skip: test.outcome == TestOutcome::Skipped,
            duration: 0,
            sub_results,
            conditions: stopped(&test.conditions),
        }
    }
}

impl<'a> Sub<'a> {
    /// Adds a case below its keys; what one of them fails fails with it.
    fn add(subs: &mut BTreeMap<&'a str, Self>, names: &'a [String], case: &'a TestCase) {
        let Some((name, rest)) = names.split_first() else { return };
        let sub = subs.entry(name).or_default();
        sub.name = name;
        sub.fail |= !case.passed;
        if rest.is_empty() {
            sub.conditions = stopped(&case.conditions);
        } else {
            Self::add(&mut sub.sub_results, rest, case);
        }
    }
}

/// A suite for each package; every case is a test of its own.
pub(super) fn junit(run: &TestRun) -> String {
    let counts = run.counts();
    let mut suites: BTreeMap<&str, Vec<&TestResult>> = BTreeMap::new();
    for test in &run.tests {
        suites.entry(&test.package).or_default().push(test);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        xml,
        "<testsuites tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        counts.total(),
        counts.failed,
        counts.errors,
        counts.skipped
    );
    for (package, tests) in suites {
        let own = TestRun { tests: tests.into_iter().cloned().collect(), ..TestRun::default() };
        let counts = own.counts();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
            text(package),
            counts.total(),
            counts.failed,
            counts.errors,
            counts.skipped
        );
        own.tests.iter().for_each(|test| suite(&mut xml, test));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, test: &TestResult) {
    let mut one = |name: &str, inner: Option<(&str, String, String)>| {
        let (package, file, line) = (text(&test.package), text(&test.location.path), test.location.line);
        let _ = write!(
            xml,
            "    <testcase classname=\"{package}\" name=\"{}\" file=\"{file}\" line=\"{line}\"",
            text(name)
        );
        let _ = match inner {
            None => writeln!(xml, "/>"),
            Some((element, message, body)) if body.is_empty() => {
                writeln!(xml, ">\n      <{element} message=\"{}\"/>\n    </testcase>", text(&message))
            }
            Some((element, message, body)) => writeln!(
                xml,
                ">\n      <{element} message=\"{}\">{}</{element}>\n    </testcase>",
                text(&message),
                text(&body)
            ),
        };
    };
    let failure = |conditions: &[Condition], message: Option<&String>| {
        let first = conditions.last().map(|condition| condition.text.clone());
        let message = message.cloned().or(first).unwrap_or_else(|| "it is not true".to_owned());
        Some(("failure", message, conditions.iter().map(line).collect::<Vec<_>>().join("\n")))
    };
    match &test.outcome {
        TestOutcome::Skipped => one(&test.name, Some(("skipped", "still to be written".to_owned(), String::new()))),
        TestOutcome::Error { message, help, .. } => one(&test.name, Some(("error", message.clone(), help.clone()))),
        _ if !test.cases.is_empty() => {
            for case in &test.cases {
                let inner = if case.passed { None } else { failure(&case.conditions, None) };
                one(&format!("{}{}", test.name, case.keys()), inner);
            }
        }
        TestOutcome::Passed => one(&test.name, None),
        TestOutcome::Failed => one(&test.name, failure(&test.conditions, test.message.as_ref())),
    }
}

/// A condition with the values it saw, on one line.
fn line(condition: &Condition) -> String {
    let values = condition.operands.iter().filter_map(|operand| match operand.value.as_ref().map(crate::text::value) {
        // A literal says what it is.
        Some(value) => (value != operand.text).then(|| format!("{} is {value}", operand.text)),
        None => Some(format!("{} has no value", operand.text)),
    });
    let values: Vec<_> = values.collect();
    let said = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    format!("{}: {}{said}", condition.location, condition.text)
}

/// Text for XML, also in an attribute: what XML cannot hold becomes visible.
fn text(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    let text = lines.join("\n").replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\n', "&#10;")
}

//! The report as JSON, version 1: its own structs, so that no rename in the model ever reaches other people's programs.
//!
//! Fields are written in the order of the schema and none is left out: what is absent is `null` or empty. There are no
//! durations of the run and no facts of the host, so equal input gives equal bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::quiet::escape_json;
use crate::{model, model::Json, source, text::ratio};

const SCHEMA_VERSION: u32 = 1;

pub(super) fn render(report: &model::Report) -> String {
    // Strings, numbers and maps with text keys always serialize.
    let mut text = escape_json(&serde_json::to_string_pretty(&Report::from(report)).unwrap_or_default());
    text.push('\n');
    text
}

/// A field of later work: always `null` for now.
type Later = Option<()>;

/// A list of later work: always empty for now.
type LaterList = [(); 0];

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    tool: Tool,
    project: Project<'a>,
    evaluated_at: String,
    snapshot: Snapshot<'a>,
    references: Vec<Reference<'a>>,
    summary: Summary,
    assumptions: Vec<Assumption<'a>>,
    fixed: LaterList,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct Snapshot<'a> {
    path: &'a str,
    environment: Option<&'a str>,
    collected_at: Option<String>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    name: &'a str,
    path: &'a str,
    environment: Option<&'a str>,
    collected_at: Option<String>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    status: &'static str,
    error: Option<&'a str>,
    observed_from: Option<String>,
    observed_to: Option<String>,
    age_seconds: Option<i64>,
    basis: Option<&'static str>,
    sampling: Option<f64>,
    omitted: &'a [String],
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    status: &'static str,
    error: Option<&'a str>,
    observed_from: Option<String>,
    observed_to: Option<String>,
}

#[derive(Serialize)]
struct Summary {
    assumptions: usize,
    holds: usize,
    eroding: usize,
    decayed: usize,
    unknown: usize,
    failing: usize,
    violations: Violations,
}

#[derive(Serialize)]
struct Violations {
    new: usize,
    known: usize,
    waived: usize,
    fixed: usize,
}

#[derive(Serialize)]
struct Assumption<'a> {
    id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    severity: &'static str,
    owner: Option<&'a str>,
    related: Vec<Related<'a>>,
    location: Location<'a>,
    document: Document<'a>,
    verdict: &'static str,
    reason: Option<&'static str>,
    message: Option<&'a str>,
    help: Option<&'a str>,
    provisional: Option<&'static str>,
    fails: bool,
    introduced: Later,
    touched: Later,
    notes: Vec<Note<'a>>,
    reads: Vec<Read>,
    examined: Examined,
    measures: Vec<Measure<'a>>,
    margin: Option<f64>,
    since: Later,
    cause: Later,
    conditions: Vec<Condition<'a>>,
    violations: Vec<Violation<'a>>,
    evidence: Vec<Evidence<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Document<'a> {
    path: &'a str,
    heading: Option<&'a str>,
    anchor: Option<&'a str>,
}

#[derive(Serialize)]
struct Note<'a> {
    reason: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    location: Option<Location<'a>>,
}

#[derive(Serialize)]
struct Read {
    path: String,
    needed: bool,
    present: u64,
    absent: u64,
}

#[derive(Serialize)]
struct Examined {
    subjects: Option<u64>,
    facts: u64,
    oldest_seconds: Option<i64>,
}

#[derive(Serialize)]
struct Measure<'a> {
    subject: Option<&'a Json>,
    value: Json,
    limit: Json,
    unit: Option<&'a str>,
    direction: &'static str,
    margin: Option<f64>,
    from: &'a str,
}

#[derive(Serialize)]
struct Violation<'a> {
    message: &'a str,
    subject: Option<&'a Json>,
    kind: &'static str,
    expected: Option<&'a Json>,
    observed: Option<&'a Json>,
    details: &'a BTreeMap<String, Json>,
    counts: bool,
    fingerprint: &'a str,
    status: &'static str,
    waiver: Later,
    accepted: Later,
    introduced: Later,
    rule: Rule<'a>,
    place: Option<Location<'a>>,
    conditions: Vec<Condition<'a>>,
    evidence: Vec<Evidence<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    title: Option<&'a str>,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Condition<'a> {
    text: &'a str,
    outcome: &'static str,
    bindings: u64,
    operands: Vec<Operand<'a>>,
    location: Location<'a>,
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Operand<'a> {
    text: &'a str,
    value: Option<&'a Json>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    path: String,
    value: &'a Json,
    source: &'a str,
    collected_at: Option<String>,
    location: Option<Location<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    location: Option<Location<'a>>,
}

impl<'a> From<&'a model::Report> for Report<'a> {
    fn from(report: &'a model::Report) -> Self {
        let now = report.evaluated_at;
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            project: Project { name: &report.project.name, path: &report.project.path },
            evaluated_at: now.to_string(),
            snapshot: Snapshot::new(&report.snapshot, now),
            references: report.references.iter().map(|(name, snapshot)| Reference::new(name, snapshot, now)).collect(),
            summary: report.summary().into(),
            assumptions: report.assumptions.iter().map(Assumption::from).collect(),
            fixed: [],
            findings: report.findings.iter().map(Finding::from).collect(),
        }
    }
}

impl<'a> Snapshot<'a> {
    fn new(snapshot: &'a model::Snapshot, now: jiff::Timestamp) -> Self {
        Self {
            path: &snapshot.path,
            environment: snapshot.environment.as_deref(),
            collected_at: time(snapshot.collected_at()),
            sources: snapshot.sources.iter().map(|source| Source::new(source, now)).collect(),
        }
    }
}

impl<'a> Reference<'a> {
    fn new(name: &'a str, snapshot: &'a model::Snapshot, now: jiff::Timestamp) -> Self {
        let Snapshot { path, environment, collected_at, sources } = Snapshot::new(snapshot, now);
        Self { name, path, environment, collected_at, sources }
    }
}

impl<'a> Source<'a> {
    fn new(source: &'a model::Source, now: jiff::Timestamp) -> Self {
        let part = |(name, part): (&'a String, &'a model::Part)| Part {
            name,
            status: part.status.as_str(),
            error: part.error.as_deref(),
            observed_from: time(part.observed_from),
            observed_to: time(part.observed_to),
        };
        Self {
            name: &source.name,
            status: source.status.as_str(),
            error: source.error.as_deref(),
            observed_from: time(source.observed_from),
            observed_to: time(source.observed_to),
            age_seconds: source.age_seconds(now),
            basis: source.basis.map(model::Basis::as_str),
            sampling: source.sampling,
            omitted: &source.omitted,
            parts: source.parts.iter().map(part).collect(),
        }
    }
}

impl From<model::Summary> for Summary {
    fn from(summary: model::Summary) -> Self {
        let model::Summary { assumptions, holds, eroding, decayed, unknown, failing, new, known, waived, fixed } =
            summary;
        let violations = Violations { new, known, waived, fixed };
        Self { assumptions, holds, eroding, decayed, unknown, failing, violations }
    }
}

impl<'a> From<&'a model::Judged> for Assumption<'a> {
    fn from(judged: &'a model::Judged) -> Self {
        let assumption = &judged.assumption;
        let related = |related: &'a model::RelatedResource| Related {
            reference: &related.reference,
            description: related.description.as_deref(),
        };
        Self {
            id: &assumption.id,
            title: &assumption.title,
            description: assumption.description.as_deref(),
            severity: assumption.severity.as_str(),
            owner: assumption.owner.as_deref(),
            related: assumption.related.iter().map(related).collect(),
            location: (&assumption.location).into(),
            document: Document {
                path: &assumption.document.path,
                heading: assumption.document.heading.as_deref(),
                anchor: assumption.document.anchor.as_deref(),
            },
            verdict: judged.verdict.as_str(),
            reason: judged.reason.map(model::Reason::as_str),
            message: judged.message.as_deref(),
            help: judged.help.as_deref(),
            provisional: judged.provisional.map(model::Verdict::as_str),
            fails: judged.fails,
            introduced: None,
            touched: None,
            notes: judged.notes.iter().map(Note::from).collect(),
            reads: judged.reads.iter().map(Read::from).collect(),
            examined: Examined {
                subjects: judged.subjects,
                facts: judged.facts,
                oldest_seconds: judged.oldest_seconds,
            },
            measures: judged.measures.iter().map(Measure::from).collect(),
            margin: judged.margin().map(ratio),
            since: None,
            cause: None,
            conditions: judged.conditions.iter().map(Condition::from).collect(),
            violations: judged.violations.iter().map(Violation::from).collect(),
            evidence: judged.evidence.iter().map(Evidence::from).collect(),
        }
    }
}

impl<'a> From<&'a source::Location> for Location<'a> {
    fn from(location: &'a source::Location) -> Self {
        let source::Location { path, line, column, end_line, end_column } = location;
        Self { path, line: *line, column: *column, end_line: *end_line, end_column: *end_column }
    }
}

impl<'a> From<&'a model::Note> for Note<'a> {
    fn from(note: &'a model::Note) -> Self {
        Self {
            reason: note.reason.as_str(),
            message: &note.message,
            help: note.help.as_deref(),
            location: note.location.as_ref().map(Location::from),
        }
    }
}

impl From<&model::Presence> for Read {
    fn from(read: &model::Presence) -> Self {
        Self { path: read.path.to_string(), needed: read.needed, present: read.present, absent: read.absent }
    }
}

impl<'a> From<&'a model::Measure> for Measure<'a> {
    fn from(measure: &'a model::Measure) -> Self {
        Self {
            subject: measure.subject.as_ref(),
            value: number(measure.value),
            limit: number(measure.limit),
            unit: measure.unit.as_deref(),
            direction: measure.direction.as_str(),
            margin: measure.margin().map(ratio),
            from: &measure.from,
        }
    }
}

impl<'a> From<&'a model::Violation> for Violation<'a> {
    fn from(violation: &'a model::Violation) -> Self {
        Self {
            message: &violation.message,
            subject: violation.subject.as_ref(),
            kind: violation.kind.as_str(),
            expected: violation.expected.as_ref(),
            observed: violation.observed.as_ref(),
            details: &violation.details,
            counts: violation.counts,
            fingerprint: &violation.fingerprint,
            status: violation.status.as_str(),
            waiver: None,
            accepted: None,
            introduced: None,
            rule: Rule { title: violation.rule.title.as_deref(), location: (&violation.rule.location).into() },
            place: violation.place.as_ref().map(Location::from),
            conditions: violation.conditions.iter().map(Condition::from).collect(),
            evidence: violation.evidence.iter().map(Evidence::from).collect(),
        }
    }
}

impl<'a> From<&'a model::Condition> for Condition<'a> {
    fn from(condition: &'a model::Condition) -> Self {
        let operand = |operand: &'a model::Operand| Operand { text: &operand.text, value: operand.value.as_ref() };
        Self {
            text: &condition.text,
            outcome: condition.outcome.as_str(),
            bindings: condition.bindings,
            operands: condition.operands.iter().map(operand).collect(),
            location: (&condition.location).into(),
            note: condition.note.as_deref(),
        }
    }
}

impl<'a> From<&'a model::Evidence> for Evidence<'a> {
    fn from(evidence: &'a model::Evidence) -> Self {
        Self {
            path: evidence.path.to_string(),
            value: &evidence.value,
            source: &evidence.source,
            collected_at: time(evidence.collected_at),
            location: evidence.location.as_ref().map(Location::from),
        }
    }
}

impl<'a> From<&'a model::Finding> for Finding<'a> {
    fn from(finding: &'a model::Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity.as_str(),
            message: &finding.message,
            location: finding.location.as_ref().map(Location::from),
        }
    }
}

fn time(time: Option<jiff::Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

/// A number as people wrote it: 310 and not 310.0.
fn number(value: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within what both hold exactly")]
        return Json::from(value as i64);
    }
    Json::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn rendered(report: &model::Report) -> Json {
        serde_json::from_str(&render(report)).unwrap()
    }

    fn validator() -> jsonschema::Validator {
        let schema = serde_json::from_str(crate::schema::REPORT).unwrap();
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
    }

    #[test]
    fn the_whole_report() {
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        insta::assert_snapshot!(render(&fixture::mixed()).replace(&version, "\"version\": \"[version]\""));
    }

    #[test]
    fn what_is_rendered_is_what_the_schema_says() {
        let validator = validator();
        for report in [fixture::mixed(), fixture::all_hold(), fixture::empty()] {
            let report = rendered(&report);
            let errors: Vec<_> =
                validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }

    /// Every pointer to a key that the format itself names; what policies and facts name lies below `details` and in
    /// the values.
    fn keys(value: &Json, at: &str, found: &mut Vec<(String, String)>) {
        match value {
            Json::Object(entries) => {
                for (key, value) in entries {
                    found.push((at.to_owned(), key.clone()));
                    if !["details", "subject", "value", "expected", "observed"].contains(&key.as_str()) {
                        keys(value, &format!("{at}/{key}"), found);
                    }
                }
            }
            Json::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| keys(item, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn the_schema_requires_every_key_that_is_written() {
        let report = rendered(&fixture::mixed());
        let validator = validator();
        let mut found = Vec::new();
        keys(&report, "", &mut found);
        for (at, key) in found {
            let mut mutated = report.clone();
            mutated.pointer_mut(&at).unwrap().as_object_mut().unwrap().remove(&key);
            assert!(!validator.is_valid(&mutated), "{at}/{key} is not required");
        }
    }

    #[test]
    fn the_schema_describes_every_key_it_knows() {
        fn visit(schema: &Json, at: &str) {
            if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
                for (key, property) in properties {
                    assert!(property.get("description").is_some(), "{at}/{key} has no description");
                    visit(property, &format!("{at}/{key}"));
                }
            }
            for (key, definition) in schema.get("$defs").and_then(Json::as_object).into_iter().flatten() {
                visit(definition, &format!("{at}/{key}"));
            }
            if let Some(items) = schema.get("items") {
                visit(items, at);
            }
        }
        visit(&serde_json::from_str(crate::schema::REPORT).unwrap(), "");
    }

    #[test]
    fn what_no_report_says_the_schema_refuses() {
        let report = rendered(&fixture::mixed());
        let validator = validator();
        for (at, wrong) in [
            ("/schema_version", Json::from(2)),
            ("/evaluated_at", Json::from("yesterday")),
            ("/snapshot/sources/0/status", Json::from("fine")),
            ("/summary/failing", Json::from(-1)),
            ("/assumptions/0/id", Json::from("a b")),
            ("/assumptions/0/verdict", Json::from("passed")),
            ("/assumptions/0/reason", Json::from("because")),
            ("/assumptions/0/location/line", Json::from(0)),
            ("/assumptions/0/provisional", Json::from("stale")),
            ("/assumptions/0/violations/0/fingerprint", Json::from("9F")),
            ("/assumptions/0/violations/0/kind", Json::from("allow")),
            ("/assumptions/0/violations/0/conditions/0/outcome", Json::Null),
            ("/findings/0/severity", Json::from("error")),
        ] {
            let mut mutated = report.clone();
            *mutated.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = wrong;
            assert!(!validator.is_valid(&mutated), "{at}");
        }
    }

    #[test]
    fn readers_may_meet_fields_they_do_not_know() {
        let mut report = rendered(&fixture::mixed());
        for at in ["", "/summary", "/assumptions/0", "/assumptions/0/violations/0", "/snapshot/sources/0"] {
            report.pointer_mut(at).unwrap()["of_a_later_release"] = Json::from(1);
        }
        assert!(validator().is_valid(&report));
    }

    #[test]
    fn nothing_a_terminal_or_a_build_log_acts_upon_stands_in_it() {
        let text = render(&fixture::mixed());
        assert!(!text.contains(|c| c != '\n' && source::is_unsafe(c)));
        assert!(!text.to_lowercase().contains("##vso["));
        let hostile = |judged: &&model::Judged| judged.assumption.title == fixture::HOSTILE;
        assert!(fixture::mixed().assumptions.iter().any(|judged| hostile(&judged)), "the fixture is hostile");
        assert!(
            rendered(&fixture::mixed())["assumptions"]
                .as_array()
                .unwrap()
                .iter()
                .any(|a| a["title"] == fixture::HOSTILE)
        );
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let written = |value| number(value).to_string();
        assert_eq!([written(310.0), written(4.8), written(-2.0), written(1e21)], ["310", "4.8", "-2", "1e+21"]);
    }
}

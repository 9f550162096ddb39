//! Every step of the verdict and every exit code: small rules over small facts, and the answer.

use std::fmt::Write as _;

use rayon::prelude::*;
use serde_json::Value;

use crate::harness::{Project, Run, table};

/// A collected source: its name, its document, and what the manifest says of it beside the file.
type Source<'a> = (&'a str, &'a str, &'a str);

/// Collected completely, an hour before the check.
pub(crate) const OK: &str = "status: ok, observed_to: 2026-11-21T01:00:00Z";
pub(crate) const PARTIAL: &str = "status: partial, error: page 2 was refused, observed_to: 2026-11-21T01:00:00Z";
const TWO_DAYS_OLD: &str = "status: ok, observed_to: 2026-11-19T01:00:00Z";

const SLOW: &str = "violation contains {\"msg\": \"slow\", \"subject\": \"svc\"} if input.svc.p99 > 400";
const DEPENDENCY: &str = "violation contains edge.server if {
	some edge in input.svc.edges
	not edge.server in data.design.calls
}";
const DAY: &str = "defaults: {max_age: 24h}";

/// A question, and the answer as [`answer`] writes it.
pub(crate) struct Row<'a> {
    title: &'a str,
    project: Project,
    arguments: &'a [&'a str],
    answer: &'a str,
}

/// A project of these rules in one package and these sources; its design has `calls: [payments]`.
pub(crate) fn row<'a>(title: &'a str, rules: &str, sources: &[Source<'_>], answer: &'a str) -> Row<'a> {
    let mut manifest = "version: 1\nsources:\n".to_owned();
    let mut project = Project::good().without("facts/");
    for (name, document, says) in sources {
        let _ = writeln!(manifest, "  {name}: {{file: {name}.json, sha256: SHA256({name}.json), {says}}}");
        project = project.with(&format!("facts/{name}.json"), *document);
    }
    let project = project
        .with("facts/snapshot.yaml", manifest)
        .with("policies/calls.rego", format!("package shop\n\n{rules}\n"))
        .with("design/services.yaml", "calls: [payments]\nmax_ms: 400\n");
    Row { title, project, arguments: &[], answer }
}

impl<'a> Row<'a> {
    /// With this file.
    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        Self { project: self.project.with(path, text), ..self }
    }

    /// With this line in the project file.
    pub(crate) fn says(self, line: &str) -> Self {
        let file = "version: 1\nname: shop\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\n";
        self.with("stillholds.yaml", &format!("{file}{line}\n"))
    }

    /// With these arguments.
    pub(crate) fn arguments(self, arguments: &'a [&'a str]) -> Self {
        Self { arguments, ..self }
    }

    /// Checks it once.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.project.check(arguments)
    }

    /// Checks it in every way that must not make a difference.
    fn ask(&self) -> Asked {
        let written = self.project.write();
        let run = |format: &[&str]| written.check(&[self.arguments, format].concat());
        let json = run(&["-o", "json"]);
        let human = run(&[]);
        let title = self.title;
        let report: Value =
            serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{title}: {error}\n{json}"));
        assert_eq!(json, run(&["-o", "json", "-o", "human=out.txt"]), "{title}: two runs differ");
        assert_eq!(human.stdout, written.read("out.txt"), "{title}: two runs differ");
        assert_eq!(human.code, json.code, "{title}: the format changes the exit code");
        let summary = &report["summary"];
        let assumptions = report["assumptions"].as_array().map_or(0, Vec::len);
        let verdicts = ["holds", "eroding", "decayed", "unknown"].map(|verdict| summary[verdict].as_u64());
        assert_eq!(verdicts.into_iter().sum::<Option<u64>>(), Some(assumptions as u64), "{title}: {summary}");
        assert_eq!(summary["assumptions"], assumptions, "{title}: {summary}");
        let code = json.code.unwrap_or(-1);
        let said = said(&report);
        // The rules that tell what they see have to give what the plain ones gave.
        assert!(!said.contains("its statements could not be followed"), "{title}: {said}");
        Asked { answer: answer(&report, code), said }
    }
}

struct Asked {
    answer: String,
    said: String,
}

/// The verdicts with their reasons, `else` and the provisional one, `+` and the notes' reasons; and the exit code.
fn answer(report: &Value, code: i32) -> String {
    let mut text = String::new();
    for judged in report["assumptions"].as_array().into_iter().flatten() {
        text.push_str(word(&judged["verdict"]));
        for (before, value) in [(" ", &judged["reason"]), (" else ", &judged["provisional"])] {
            if !value.is_null() {
                let _ = write!(text, "{before}{}", word(value));
            }
        }
        for note in judged["notes"].as_array().into_iter().flatten() {
            let _ = write!(text, " + {}", word(&note["reason"]));
        }
        text.push_str(", ");
    }
    text + &format!("exit {code}")
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// The sentences of the answer.
fn said(report: &Value) -> String {
    let mut text = String::new();
    let mut say = |start: &str, value: &Value| {
        if let Some(sentence) = value.as_str() {
            let _ = writeln!(text, "{start}{sentence}");
        }
    };
    for judged in report["assumptions"].as_array().into_iter().flatten() {
        say("", &judged["message"]);
        say("  help: ", &judged["help"]);
        for note in judged["notes"].as_array().into_iter().flatten() {
            say("  also: ", &note["message"]);
        }
    }
    text
}

/// Asks all and compares; what they say is the snapshot.
pub(crate) fn asked(rows: &[Row<'_>]) -> String {
    let asked: Vec<_> = rows.par_iter().map(Row::ask).collect();
    let wrong: Vec<_> = rows
        .iter()
        .zip(&asked)
        .filter(|(row, asked)| row.answer != asked.answer)
        .map(|(row, asked)| {
            format!("{}\n  expected {}\n  found    {}\n{}", row.title, row.answer, asked.answer, asked.said)
        })
        .collect();
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    table(
        rows.iter().zip(asked).filter(|(_, asked)| !asked.said.is_empty()).map(|(row, asked)| (row.title, asked.said)),
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn step_1_errors() {
    let said = asked(&[
        row(
            "a built-in fails",
            "violation contains \"x\" if to_number(input.svc.text) > 3",
            &[("svc", r#"{"text": "abc"}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "a built-in fails and something else refutes it",
            &format!("violation contains \"x\" if to_number(input.svc.text) > 3\n\n{SLOW}"),
            &[("svc", r#"{"text": "abc", "p99": 500}"#, OK)],
            "decayed violated + error, exit 1",
        ),
        row(
            "a built-in fails and something else only warns",
            "violation contains \"x\" if to_number(input.svc.text) > 3\n\nwarn contains \"y\" if input.svc.p99 > 400",
            &[("svc", r#"{"text": "abc", "p99": 500}"#, OK)],
            "unknown error + warned, exit 3",
        ),
        row(
            "a built-in fails under `not`",
            "violation contains \"x\" if not startswith(input.svc.image, \"a\")",
            &[("svc", r#"{"image": 5}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "a built-in fails under `not`, and another rule refutes it",
            &format!(
                "violation contains \"x\" if not startswith(input.svc.image, \"a\")\n\n{}",
                SLOW.replace("violation", "deny")
            ),
            &[("svc", r#"{"image": 5, "p99": 500}"#, OK)],
            "decayed violated + error, exit 1",
        ),
        row(
            "a built-in fails in `holds`",
            "holds if startswith(input.svc.image, \"a\")",
            &[("svc", r#"{"image": 5}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "arithmetic with text",
            "violation contains \"x\" if input.svc.text + 1 > 3",
            &[("svc", r#"{"text": "abc"}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "an element that is a number",
            "violation contains v if v := input.svc.p99",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "an element without `msg`",
            "violation contains v if some v in input.svc.edges",
            &[("svc", r#"{"edges": [{"server": "a"}]}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "a `msg` that is no text",
            "violation contains v if some v in input.svc.edges",
            &[("svc", r#"{"edges": [{"msg": 3}]}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "`deny` is no set",
            "deny := input.svc.denied",
            &[("svc", r#"{"denied": ["x"]}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "`holds` is no boolean",
            "holds := input.svc.p99",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "`holds` is true and false at once",
            "holds := input.svc.a\n\nholds := input.svc.b",
            &[("svc", r#"{"a": true, "b": false}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "a measure that is a number",
            "measure := input.svc.p99",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "a measure with an unknown direction",
            "measure := {\"value\": input.svc.p99, \"limit\": 400, \"direction\": input.svc.direction}",
            &[("svc", r#"{"p99": 500, "direction": "up"}"#, OK)],
            "unknown error, exit 3",
        ),
        row(
            "one assumption fails and the next is judged",
            &format!(
                "violation_a contains \"x\" if to_number(input.svc.text) > 3\n\n{}",
                SLOW.replace("violation", "violation_b")
            ),
            &[("svc", r#"{"text": "abc", "p99": 500}"#, OK)],
            "decayed violated, unknown error, exit 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_1_a_rule_that_takes_too_long_is_stopped() {
    let endless = row(
        "",
        "violation contains \"x\" if {
	some a in numbers.range(1, 1000000)
	some b in numbers.range(1, 1000000)
	a * b == input.svc.p99
}",
        &[("svc", r#"{"p99": -1}"#, OK)],
        "",
    );
    let run = endless.project.check(&["--timeout", "1s", "-o", "json"]);
    assert_eq!(run.code, Some(3), "{run}");
    let report = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    insta::assert_snapshot!(said(&report), @r"
    evaluation took longer than 1 s
      help: make the rule look at less, or allow more time with `--timeout`
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn step_2_sources() {
    let slow = r#"{"p99": 500}"#;
    let fast = r#"{"p99": 300}"#;
    let said = asked(&[
        row("not collected", SLOW, &[("other", "{}", OK)], "unknown missing, exit 3"),
        row("not collected, with a name that resembles it", SLOW, &[("svcs", slow, OK)], "unknown missing, exit 3"),
        row("no source at all", SLOW, &[], "unknown missing, exit 3"),
        row(
            "not collected, under `not`",
            "violation contains \"x\" if not input.svc.ok",
            &[("other", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "not collected, for a `holds`",
            "holds if input.svc.p99 < 400",
            &[("other", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "not collected, in `object.get`",
            "violation contains \"x\" if object.get(input, [\"svc\", \"p99\"], 0) > 400",
            &[("other", "{}", OK)],
            "holds + absence, exit 0",
        ),
        row(
            "one of two not collected, and the other refutes it",
            &format!("{SLOW}\n\nviolation contains \"x\" if input.other.failed"),
            &[("svc", slow, OK)],
            "unknown missing + violated, exit 3",
        ),
        row("failed", SLOW, &[("svc", slow, "status: failed, error: connection refused")], "unknown failed, exit 3"),
        row(
            "failed, in `object.get`",
            "violation contains \"x\" if object.get(input, [\"svc\", \"p99\"], 0) > 400",
            &[("svc", slow, "status: failed")],
            "unknown failed, exit 3",
        ),
        row("a file that cannot be read", SLOW, &[("svc", "{\"p99\": ", OK)], "unknown failed, exit 3"),
        row(
            "a file that changed since it was collected",
            SLOW,
            &[("svc", slow, OK)],
            "unknown failed, exit 3",
        )
        .with("facts/snapshot.yaml", &format!("version: 1\nsources:\n  svc: {{file: svc.json, sha256: {}, {OK}}}\n", "0".repeat(64))),
        row(
            "a file that is gone",
            SLOW,
            &[],
            "unknown failed, exit 3",
        )
        .with("facts/snapshot.yaml", &format!("version: 1\nsources:\n  svc: {{file: svc.json, sha256: {}, {OK}}}\n", "0".repeat(64))),
        row(
            "a part that it reads failed",
            SLOW,
            &[("svc", slow, "status: partial, observed_to: 2026-11-21T01:00:00Z, parts: {p99: {status: failed, error: no such query}}")],
            "unknown failed + violated, exit 3",
        ),
        row(
            "a part that it does not read failed",
            SLOW,
            &[("svc", fast, "status: partial, observed_to: 2026-11-21T01:00:00Z, parts: {p50: {status: failed}, p99: {status: ok}}")],
            "holds, exit 0",
        ),
        row(
            "a part failed, and it reads the whole source",
            "violation contains \"x\" if { some name, ms in input.svc; ms > 400 }",
            &[("svc", fast, "status: partial, observed_to: 2026-11-21T01:00:00Z, parts: {p50: {status: failed}, p99: {status: ok}}")],
            "unknown failed, exit 3",
        ),
        row("too old", SLOW, &[("svc", fast, TWO_DAYS_OLD)], "unknown stale else holds, exit 3").says(DAY),
        row("too old, and it refutes", SLOW, &[("svc", slow, TWO_DAYS_OLD)], "unknown stale else decayed + violated, exit 3").says(DAY),
        row("too old, and something is missing", &format!("{SLOW}\n\nviolation contains \"x\" if input.svc.p50 > 100"), &[("svc", fast, TWO_DAYS_OLD)], "unknown stale + missing, exit 3").says(DAY),
        row("old, and nobody limits it", SLOW, &[("svc", slow, TWO_DAYS_OLD)], "decayed violated, exit 1"),
        row("just as old as it may be", SLOW, &[("svc", fast, "status: ok, observed_to: 2026-11-20T02:00:00Z")], "holds, exit 0").says(DAY),
        row("a second older than it may be", SLOW, &[("svc", fast, "status: ok, observed_to: 2026-11-20T01:59:59Z")], "unknown stale else holds, exit 3").says(DAY),
        row("of an age that is not known, with a limit", SLOW, &[("svc", fast, "status: ok")], "unknown stale else holds, exit 3").says(DAY),
        row("of an age that is not known, without a limit", SLOW, &[("svc", fast, "status: ok")], "holds, exit 0"),
        row("not in the manifest, with a limit", SLOW, &[], "unknown stale else holds, exit 3").with("facts/svc.json", fast).says(DAY),
        row("still to come", SLOW, &[("svc", fast, "status: ok, observed_to: 2026-11-21T02:05:01Z")], "unknown stale else holds, exit 3").says(DAY),
        row("still to come, within what clocks differ", SLOW, &[("svc", fast, "status: ok, observed_to: 2026-11-21T02:05:00Z")], "holds, exit 0").says(DAY),
        row("a limit of the source", SLOW, &[("svc", fast, OK)], "unknown stale else holds, exit 3").says("defaults: {max_age: 24h}\nsources: {svc: {max_age: 30m}}"),
        row("a source without limit", SLOW, &[("svc", fast, TWO_DAYS_OLD)], "holds, exit 0").says("defaults: {max_age: 24h}\nsources: {svc: {max_age: none}}"),
        row("a limit of a source that it does not read", SLOW, &[("svc", fast, OK)], "holds, exit 0").says("sources: {other: {max_age: 30m}}"),
        row(
            "a part is older than its source",
            SLOW,
            &[("svc", fast, "status: ok, observed_to: 2026-11-21T01:00:00Z, parts: {p99: {status: ok, observed_to: 2026-11-19T01:00:00Z}}")],
            "unknown stale else holds, exit 3",
        )
        .says(DAY),
        row(
            "a part is newer than its source",
            SLOW,
            &[("svc", fast, "status: ok, observed_to: 2026-11-19T01:00:00Z, parts: {p99: {status: ok, observed_to: 2026-11-21T01:00:00Z}}")],
            "holds, exit 0",
        )
        .says(DAY),
        row(
            "too old and not collected",
            &format!("{SLOW}\n\nviolation contains \"x\" if input.other.failed"),
            &[("svc", slow, TWO_DAYS_OLD)],
            "unknown missing + stale + violated, exit 3",
        )
        .says(DAY),
        row(
            "too old and failed",
            &format!("{SLOW}\n\nviolation contains \"x\" if input.other.failed"),
            &[("svc", slow, TWO_DAYS_OLD), ("other", "{}", "status: failed")],
            "unknown failed + stale + violated, exit 3",
        )
        .says(DAY),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn step_3_refuted() {
    let measure = |fields: &str| format!("measure := {{\"value\": input.svc.ms, {fields}}}");
    let at = |ms: &str| format!(r#"{{"ms": {ms}, "p99": 300, "edges": []}}"#);
    let said = asked(&[
        row("a violation", SLOW, &[("svc", r#"{"p99": 500}"#, OK)], "decayed violated, exit 1"),
        row(
            "a `deny`, as text",
            "deny contains \"slow\" if input.svc.p99 > 400",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated, exit 1",
        ),
        row(
            "several violations",
            "violation contains edge.server if some edge in input.svc.edges",
            &[("svc", r#"{"edges": [{"server": "c"}, {"server": "a"}, {"server": "b"}]}"#, OK)],
            "decayed violated, exit 1",
        ),
        row(
            "a violation in facts of which a part is missing",
            SLOW,
            &[("svc", r#"{"p99": 500}"#, PARTIAL)],
            "decayed violated + partial, exit 1",
        ),
        row(
            "a violation, and something else is missing",
            &format!("{SLOW}\n\nviolation contains \"x\" if input.svc.p50 > 100"),
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated + missing, exit 1",
        ),
        row(
            "a violation, and `holds` is true",
            &format!("{SLOW}\n\nholds if input.svc.p99 > 1"),
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated, exit 1",
        ),
        row("beyond the limit", &measure("\"limit\": 400"), &[("svc", &at("401"), OK)], "decayed limit, exit 1"),
        row(
            "equal to the limit is not beyond",
            &measure("\"limit\": 400"),
            &[("svc", &at("400"), OK)],
            "eroding margin, exit 0",
        ),
        row(
            "below a limit that is a minimum",
            &measure("\"limit\": 3, \"direction\": \"min\""),
            &[("svc", &at("2"), OK)],
            "decayed limit, exit 1",
        ),
        row(
            "equal to a minimum is not beyond",
            &measure("\"limit\": 3, \"direction\": \"min\""),
            &[("svc", &at("3"), OK)],
            "eroding margin, exit 0",
        ),
        row(
            "one of several measures",
            "measure contains {\"subject\": name, \"value\": ms, \"limit\": data.design.max_ms, \"unit\": \"ms\"} if some name, ms in input.svc.p99",
            &[("svc", r#"{"p99": {"cart": 100, "web": 401.5}}"#, OK)],
            "decayed limit, exit 1",
        ),
        row(
            "a measure and a violation",
            &format!("{SLOW}\n\n{}", measure("\"limit\": 400")),
            &[("svc", r#"{"p99": 500, "ms": 500}"#, OK)],
            "decayed violated, exit 1",
        ),
        row(
            "`holds` is false",
            "holds := input.svc.ok",
            &[("svc", r#"{"ok": false}"#, OK)],
            "decayed not_held, exit 1",
        ),
        row(
            "`holds` is not true",
            "holds if input.svc.p99 < 400",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed not_held, exit 1",
        ),
        row(
            "`holds` has a default",
            "default holds := false\n\nholds if input.svc.p99 < 400",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed not_held, exit 1",
        ),
        row(
            "`holds` over a value that is there, in facts of which a part is missing",
            "holds if input.svc.p99 < 400",
            &[("svc", r#"{"p99": 500}"#, PARTIAL)],
            "decayed not_held + partial, exit 1",
        ),
        row(
            "a bare `not` is a test of absence",
            "violation contains \"x\" if not input.svc.backup",
            &[("svc", "{}", OK)],
            "decayed violated, exit 1",
        ),
        row(
            "a warning does not refute",
            "warn contains \"slow\" if input.svc.p99 > 400",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "eroding warned, exit 0",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_4_missing() {
    let source = |says: &str| format!("{OK}, {says}");
    let said = asked(&[
        row("the value of a comparison", SLOW, &[("svc", r#"{"p50": 100}"#, OK)], "unknown missing, exit 3"),
        row("a key that resembles one", SLOW, &[("svc", r#"{"p999": 100}"#, OK)], "unknown missing, exit 3"),
        row(
            "the parent of a value",
            "violation contains \"x\" if input.svc.web.p99 > 400",
            &[("svc", r#"{"cart": {}}"#, OK)],
            "unknown missing, exit 3",
        ),
        row(
            "the value of a comparison under `not`",
            "violation contains \"x\" if not input.svc.p99 <= 400",
            &[("svc", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "the argument of a call under `not`",
            "violation contains \"x\" if not startswith(input.svc.image, \"a\")",
            &[("svc", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "an equality under `not` is a test of absence",
            "violation contains \"x\" if not input.svc.tier == 1",
            &[("svc", "{}", OK)],
            "decayed violated, exit 1",
        ),
        row("the first list", DEPENDENCY, &[("svc", "{}", OK)], "unknown missing, exit 3"),
        row(
            "`holds` for want of evidence",
            "holds if input.svc.p99 < 400",
            &[("svc", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "a flag that is not set",
            "violation contains \"x\" if input.svc.privileged",
            &[("svc", "{}", OK)],
            "holds + absence, exit 0",
        ),
        row(
            "a flag compared with true",
            "violation contains \"x\" if input.svc.privileged == true",
            &[("svc", "{}", OK)],
            "holds + absence, exit 0",
        ),
        row(
            "`object.get` brings a value",
            "violation contains \"x\" if object.get(input.svc, \"p99\", 0) > 400",
            &[("svc", "{}", OK)],
            "holds, exit 0",
        ),
        row("the design", DEPENDENCY, &[("svc", r#"{"edges": [{"server": "fraud"}]}"#, OK)], "unknown missing, exit 3")
            .with("design/services.yaml", "replicas: 3\n"),
        row(
            "the design, misspelt",
            DEPENDENCY,
            &[("svc", r#"{"edges": [{"server": "fraud"}]}"#, OK)],
            "unknown missing, exit 3",
        )
        .with("design/services.yaml", "cals: [payments]\n"),
        row(
            "the design, under a bare `not`",
            "violation contains input.svc.name if not data.design.calls",
            &[("svc", r#"{"name": "web"}"#, OK)],
            "unknown missing, exit 3",
        )
        .with("design/services.yaml", "replicas: 3\n"),
        row(
            "no design at all",
            DEPENDENCY,
            &[("svc", r#"{"edges": [{"server": "fraud"}]}"#, OK)],
            "unknown missing, exit 3",
        )
        .with("stillholds.yaml", "version: 1\npolicies: [\"policies/*.rego\"]\n"),
        row(
            "a reference",
            "violation contains \"x\" if input.svc.replicas < data.reference.staging.svc.replicas",
            &[("svc", r#"{"replicas": 3}"#, OK)],
            "unknown missing, exit 3",
        ),
        row(
            "something of the snapshot",
            "violation contains \"x\" if data.snapshot.sources.svc.sampling < 0.1",
            &[("svc", "{}", OK)],
            "unknown missing, exit 3",
        ),
        row(
            "something of the snapshot that is there",
            "violation contains \"x\" if data.snapshot.sources.svc.sampling < 0.1",
            &[("svc", "{}", &source("sampling: 0.05"))],
            "decayed violated, exit 1",
        ),
        row(
            "a number that was not finite",
            SLOW,
            &[("svc", "{}", &source("nonfinite: [p99]"))],
            "unknown missing, exit 3",
        ),
        row(
            "a number that was not finite, in a list",
            "violation contains \"x\" if { some edge in input.svc.edges; edge.ms > 400 }",
            &[("svc", r#"{"edges": [{"ms": 100}, {}]}"#, &source("nonfinite: [\"edges[1].ms\"]"))],
            "unknown missing, exit 3",
        ),
        row(
            "a number that was not finite, and another refutes it",
            "violation contains \"x\" if { some edge in input.svc.edges; edge.ms > 400 }",
            &[("svc", r#"{"edges": [{"ms": 500}, {}]}"#, &source("nonfinite: [\"edges[1].ms\"]"))],
            "decayed violated + missing, exit 1",
        ),
        row(
            "a number that was not finite, and nobody reads it",
            SLOW,
            &[("svc", r#"{"p99": 300}"#, &source("nonfinite: [p50]"))],
            "holds, exit 0",
        ),
        row(
            "withheld as secret",
            "violation contains \"x\" if input.svc.token == \"changeme\"",
            &[("svc", "{}", &source("withheld: [token]"))],
            "unknown missing, exit 3",
        ),
        row(
            "a truth test of what was withheld",
            "violation contains \"x\" if input.svc.token",
            &[("svc", "{}", &source("withheld: [token]"))],
            "unknown missing, exit 3",
        ),
        row(
            "a measure without its value",
            "measure contains m if some m in input.svc.measures",
            &[("svc", r#"{"measures": [{"limit": 3, "subject": "web"}, {"value": 1, "limit": 3}]}"#, OK)],
            "unknown missing, exit 3",
        ),
        row(
            "a measure without its value, and another beyond its limit",
            "measure contains m if some m in input.svc.measures",
            &[("svc", r#"{"measures": [{"limit": 3, "subject": "web"}, {"value": 4, "limit": 3}]}"#, OK)],
            "decayed limit + missing, exit 1",
        ),
        row(
            "a measure of text",
            "measure := {\"value\": input.svc.p99, \"limit\": 400}",
            &[("svc", r#"{"p99": "12"}"#, OK)],
            "unknown mistyped, exit 3",
        ),
        row(
            "a measure of null",
            "measure := {\"value\": input.svc.p99, \"limit\": 400}",
            &[("svc", r#"{"p99": null}"#, OK)],
            "unknown mistyped, exit 3",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_5_partial() {
    let calls = r#"{"edges": [{"server": "payments"}], "backups": []}"#;
    let no_backup = "violation contains edge.server if {
	some edge in input.svc.edges
	not edge.server in {backup | some backup in input.svc.backups}
}";
    let parts = |edges: &str, backups: &str| {
        format!(
            "status: partial, observed_to: 2026-11-21T01:00:00Z, parts: {{edges: {{status: {edges}}}, backups: {{status: {backups}}}}}"
        )
    };
    let said = asked(&[
        row("a source", DEPENDENCY, &[("svc", calls, PARTIAL)], "unknown partial else holds, exit 3"),
        row(
            "a source of which something was left out on purpose",
            DEPENDENCY,
            &[("svc", calls, &format!("{OK}, omitted: [\"3 spans\"]"))],
            "holds, exit 0",
        ),
        row(
            "a part that it reads",
            DEPENDENCY,
            &[("svc", calls, &parts("partial", "ok"))],
            "unknown partial else holds, exit 3",
        ),
        row("a part that it does not read", DEPENDENCY, &[("svc", calls, &parts("ok", "partial"))], "holds, exit 0"),
        row(
            "a violation from what is missing in a part",
            no_backup,
            &[("svc", calls, &parts("ok", "partial"))],
            "unknown partial else decayed, exit 3",
        ),
        row(
            "a violation of what is there in a part, for want of something in another",
            no_backup,
            &[("svc", calls, &parts("partial", "ok"))],
            "decayed violated + partial, exit 1",
        ),
        row(
            "a dependency that was seen",
            DEPENDENCY,
            &[("svc", r#"{"edges": [{"server": "fraud"}]}"#, PARTIAL)],
            "decayed violated + partial, exit 1",
        ),
        row(
            "an absence of what may not have been collected",
            "violation contains \"x\" if not input.svc.standby",
            &[("svc", calls, PARTIAL)],
            "unknown partial else decayed, exit 3",
        ),
        row(
            "`holds`, for want of an element",
            "holds if {\n\tsome backup in input.svc.backups\n\tbackup == \"s3\"\n}",
            &[("svc", r#"{"backups": ["disk"]}"#, PARTIAL)],
            "unknown partial else decayed, exit 3",
        ),
        row(
            "`holds` for every element",
            "holds if every edge in input.svc.edges { edge.server in data.design.calls }",
            &[("svc", calls, PARTIAL)],
            "unknown partial else holds, exit 3",
        ),
        row(
            "a count over a part",
            "violation contains \"x\" if count([1 | some backup in input.svc.backups]) < 2",
            &[("svc", calls, &parts("ok", "partial"))],
            "unknown partial else decayed + vacuous, exit 3",
        ),
        row(
            "too old as well",
            DEPENDENCY,
            &[("svc", calls, "status: partial, observed_to: 2026-11-19T01:00:00Z")],
            "unknown stale else holds + partial, exit 3",
        )
        .says(DAY),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_6_vacuous() {
    let subjects = format!("subjects contains edge.server if some edge in input.svc.edges\n\n{DEPENDENCY}");
    let measure = "measure contains {\"value\": edge.ms, \"limit\": 400} if some edge in input.svc.edges";
    let nothing = r#"{"edges": []}"#;
    let one = r#"{"edges": [{"server": "payments", "ms": 100}]}"#;
    let said = asked(&[
        row("`subjects` are empty", &subjects, &[("svc", nothing, OK)], "unknown vacuous, exit 3"),
        row("`subjects` are empty, strictly", &subjects, &[("svc", nothing, OK)], "unknown vacuous + vacuous, exit 3")
            .says("defaults: {vacuous: strict}"),
        row("`subjects` are there", &subjects, &[("svc", one, OK)], "holds, exit 0"),
        row(
            "`subjects` are empty, and something refutes it",
            &format!("subjects contains edge.server if some edge in input.svc.edges\n\n{SLOW}"),
            &[("svc", r#"{"edges": [], "p99": 500}"#, OK)],
            "decayed violated + vacuous, exit 1",
        ),
        row(
            "`subjects` are empty, and `holds` is not true",
            "subjects contains edge.server if some edge in input.svc.edges\n\nholds if count(input.svc.edges) > 0",
            &[("svc", nothing, OK)],
            "unknown vacuous, exit 3",
        ),
        row("nothing was measured", measure, &[("svc", nothing, OK)], "unknown vacuous, exit 3"),
        row("something was measured", measure, &[("svc", one, OK)], "holds, exit 0"),
        row(
            "nothing was measured, but there is more than measures",
            &format!("{measure}\n\n{SLOW}"),
            &[("svc", r#"{"edges": [], "p99": 300}"#, OK)],
            "holds, exit 0",
        ),
        row(
            "a plain `subjects` serves a suffixed group",
            "subjects contains edge.server if some edge in input.svc.edges\n\nviolation_a contains \"x\" if input.svc.p99 > 400",
            &[("svc", r#"{"edges": [], "p99": 300}"#, OK)],
            "unknown vacuous, exit 3",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_7_eroding() {
    let measure = "measure := {\"value\": input.svc.ms, \"limit\": data.design.max_ms, \"unit\": \"ms\"}";
    let at = |ms: &str| format!(r#"{{"ms": {ms}, "p99": 300}}"#);
    let said = asked(&[
        row(
            "a warning",
            "warn contains {\"msg\": \"slow\", \"subject\": \"svc\"} if input.svc.p99 > 200",
            &[("svc", &at("1"), OK)],
            "eroding warned, exit 0",
        ),
        row("under the margin", measure, &[("svc", &at("361"), OK)], "eroding margin, exit 0"),
        row("just at the margin", measure, &[("svc", &at("360"), OK)], "holds, exit 0"),
        row("under a margin of the project's own", measure, &[("svc", &at("350"), OK)], "eroding margin, exit 0")
            .says("defaults: {eroding_under: 20%}"),
        row(
            "a limit of 0 never erodes",
            "measure := {\"value\": input.svc.ms, \"limit\": 0}",
            &[("svc", &at("0"), OK)],
            "holds, exit 0",
        ),
        row(
            "a limit of 0 is a limit",
            "measure := {\"value\": input.svc.ms, \"limit\": 0}",
            &[("svc", &at("1"), OK)],
            "decayed limit, exit 1",
        ),
        row(
            "a negative limit",
            "measure := {\"value\": input.svc.ms, \"limit\": -100}",
            &[("svc", &at("-105"), OK)],
            "eroding margin, exit 0",
        ),
        row(
            "a warning and a narrow margin",
            &format!("{measure}\n\nwarn contains \"slow\" if input.svc.p99 > 200"),
            &[("svc", &at("390"), OK)],
            "eroding warned + margin, exit 0",
        ),
        row(
            "a warning and a violation",
            &format!("{SLOW}\n\nwarn contains \"slow\" if input.svc.p99 > 200"),
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated + warned, exit 1",
        ),
        row(
            "a warning and something missing",
            "warn contains \"slow\" if input.svc.p99 > 200\n\nwarn contains \"x\" if input.svc.p50 > 200",
            &[("svc", &at("1"), OK)],
            "unknown missing + warned, exit 3",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn step_8_holds() {
    let said = asked(&[
        row(
            "keywords in a path, and a variable of a comprehension under `not`",
            "violation contains \"x\" if input.svc.default.if > 3\n\n\
             violation contains \"y\" if not count([1 | input.svc.ms[name] > 3]) == 1",
            &[("svc", r#"{"default": {"if": 1}, "ms": {"cart": 4, "web": 2}}"#, OK)],
            "holds, exit 0",
        ),
        row("a complete source", SLOW, &[("svc", r#"{"p99": 300}"#, OK)], "holds, exit 0"),
        row(
            "a sample",
            SLOW,
            &[("svc", r#"{"p99": 300}"#, &format!("{OK}, basis: sample, sampling: 0.1"))],
            "holds + sampled, exit 0",
        ),
        row(
            "something that was not followed",
            "violation contains \"x\" if { walk(input.svc, [_, value]); value == \"bad\" }",
            &[("svc", r#"{"p99": 300}"#, OK)],
            "holds + not_explained, exit 0",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn exit_codes() {
    let slow = r#"{"p99": 500}"#;
    let both =
        format!("{}\n\nviolation_b contains \"x\" if input.other.failed", SLOW.replace("violation", "violation_a"));
    let stale = |facts: &'static str, arguments: &'static [&'static str], answer: &'static str| {
        row("too old", SLOW, &[("svc", facts, TWO_DAYS_OLD)], answer).says(DAY).arguments(arguments)
    };
    let shipped = |severity: &str, more: &str, answer: &'static str| {
        row(
            "a shipped assumption",
            SLOW,
            &[("svc", "{\"p99\": 1}", OK), ("traces", r#"{"edges": [{"client": "web", "server": "cart"}]}"#, OK)],
            answer,
        )
        .with("design/services.yaml", "services: {web: {calls: []}}\nexternal: []\n")
        .says(&format!("library: [{{id: dependencies/only-declared-calls, severity: {severity}}}]\n{more}"))
    };
    asked(&[
        row("with 1 and 3, 1", &both, &[("svc", slow, OK)], "decayed violated, unknown missing, exit 1"),
        row("only what is selected counts", &both, &[("svc", slow, OK)], "unknown missing, exit 3")
            .arguments(&["shop/b"]),
        row("an unknown may pass", &both, &[("svc", slow, OK)], "unknown missing, exit 0")
            .arguments(&["shop/b", "--allow-unknown"]),
        row("a decay never passes", &both, &[("svc", slow, OK)], "decayed violated, unknown missing, exit 1")
            .arguments(&["--allow-unknown"]),
        stale(r#"{"p99": 300}"#, &["--allow-unknown"], "unknown stale else holds, exit 0"),
        stale(slow, &["--allow-unknown"], "unknown stale else decayed + violated, exit 3"),
        row(
            "a part is missing",
            "violation contains \"x\" if not input.svc.backup",
            &[("svc", slow, PARTIAL)],
            "unknown partial else decayed, exit 3",
        )
        .arguments(&["--allow-unknown"]),
        row("a warning", "warn contains \"x\" if input.svc.p99 > 1", &[("svc", slow, OK)], "eroding warned, exit 1")
            .arguments(&["--fail-on", "eroding"]),
        row(
            "a margin",
            "measure := {\"value\": input.svc.p99, \"limit\": 501}",
            &[("svc", slow, OK)],
            "eroding margin, exit 1",
        )
        .arguments(&["--fail-on", "eroding"]),
        row(
            "too old, it would erode",
            "warn contains \"x\" if input.svc.p99 > 1",
            &[("svc", slow, TWO_DAYS_OLD)],
            "unknown stale else eroding + warned, exit 3",
        )
        .says(DAY)
        .arguments(&["--fail-on", "eroding", "--allow-unknown"]),
        row(
            "too old, it would erode, which may be",
            "warn contains \"x\" if input.svc.p99 > 1",
            &[("svc", slow, TWO_DAYS_OLD)],
            "unknown stale else eroding + warned, exit 0",
        )
        .says(DAY)
        .arguments(&["--allow-unknown"]),
        shipped("error", "", "holds, decayed violated, exit 1"),
        shipped("warning", "", "holds, decayed violated, exit 0"),
        shipped("warning", "defaults: {fail_severity: warning}", "holds, decayed violated, exit 1"),
        shipped("note", "defaults: {fail_severity: warning}", "holds, decayed violated, exit 0"),
        shipped("note", "defaults: {fail_severity: note}", "holds, decayed violated, exit 1"),
        shipped(
            "warning",
            "defaults: {max_age: 30m}",
            "unknown stale else holds, unknown stale else decayed + violated, exit 3",
        ),
        shipped("warning", "defaults: {max_age: 30m}", "unknown stale else decayed + violated, exit 0")
            .arguments(&["dependencies/*"]),
    ]);
}

#[test]
fn a_rule_over_all_of_input_reads_every_source() {
    let rules = [
        "some v in input; v.p99 > 600",
        "input[_].p99 > 600",
        "count(input) > 3",
        "k := concat(\"\", [\"u\"]); input[k].p99 > 600",
    ];
    for rule in rules {
        let policy = format!("package shop\n\nviolation contains \"x\" if {{ {rule} }}\n");
        let project = Project::empty().with_all(&[
            ("stillholds.yaml", "version: 1\npolicies: [\"p/*.rego\"]\n"),
            ("p/a.rego", &policy),
            ("facts/u.json", "{\"p99\": 3}"),
            ("facts/snapshot.yaml", "version: 1\nsources:\n  t: {status: failed, error: \"it broke\"}\n"),
        ]);
        let run = project.check(&[]);
        assert_eq!(run.code, Some(3), "{rule}\n{run}");
        assert!(run.stdout.contains("the source `t` failed: it broke"), "{rule}\n{run}");
    }
}

#[test]
fn what_lies_in_no_part_of_a_partial_source_is_partial() {
    let project = Project::empty().with_all(&[
        ("stillholds.yaml", "version: 1\npolicies: [\"p/*.rego\"]\n"),
        ("p/a.rego", "package shop\n\nviolation contains \"x\" if not input.t.d\n"),
        ("facts/t.json", "{\"a\": 1}"),
        (
            "facts/snapshot.yaml",
            "version: 1\nsources:\n  t: {file: t.json, sha256: SHA256(t.json), status: partial, parts: {a: {status: ok}}}\n",
        ),
    ]);
    let run = project.check(&[]);
    assert_eq!(run.code, Some(3), "{run}");
}

#[test]
fn values_under_secret_keys_are_in_no_report() {
    let rules = r#"violation contains {
	"msg": "is odd", "subject": db, "expected": {"iban": db.iban}, "observed": [db],
	"db": db, "token": db.dbPassword, "details": {"IBAN": db.iban, "user": db.user},
} if some db in input.svc.dbs

measure contains {"value": 2, "limit": 1, "subject": {"passwd": db.dbPassword, "of": db.user}} if some db in input.svc.dbs

measure contains {"value": "x", "limit": 1, "subject": {"passwd": db.dbPassword}} if some db in input.svc.dbs"#;
    let facts = r#"{"dbs": [{"user": "shop", "dbPassword": "hunter1", "iban": "hunter2",
        "env": [{"name": "API_TOKEN", "value": "hunter3"}]}, {"user": "shop", "dbPassword": "hunter4", "iban": ""}]}"#;
    let written = row("secrets", rules, &[("svc", facts, OK)], "").says("redact: [iban]").project.write();
    let [human, json] = [&["-v"][..], &["-o", "json"]].map(|format| written.check(format));
    for run in [&human, &json] {
        assert!(!run.to_string().contains("hunter"), "{run}");
        assert!(run.stdout.contains("(withheld)") && run.stdout.contains("shop"), "{run}");
    }
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let violations = report["assumptions"][0]["violations"].as_array().unwrap();
    let mut fingerprints: Vec<_> = violations.iter().map(|violation| violation["fingerprint"].to_string()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!((violations.len(), fingerprints.len()), (4, 4), "they differ in their secrets alone: {json}");
    assert_eq!(violations[0]["details"]["token"], "(withheld)");
}

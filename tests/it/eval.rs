//! Queries: the answers of `opa eval`, how they are written, and what is refused.

use serde::Deserialize;
use serde_json::Value;

use crate::harness::{NOW, Project, Run, repository, run_in, table};

/// A query with the answer of OPA 1.22, and ours with the reason where it is another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) query: String,
    pub(crate) answer: Value,
    ours: Option<Value>,
    pub(crate) reason: Option<String>,
}

/// The table of all cases.
pub(crate) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("opa/eval.json")).expect("the table is valid")
}

fn eval(query: &str, arguments: &[&str]) -> Run {
    let folder = repository().join("tests/it/opa");
    run_in(&folder, &[&["eval", query, "-i", "input.json", "-d", "policy.rego"], arguments].concat())
}

#[test]
fn answers_are_those_of_opa() {
    let cases = cases();
    assert!(cases.len() >= 120, "only {} cases", cases.len());
    for Case { query, answer, ours, reason } in cases {
        assert_eq!(ours.is_some(), reason.is_some(), "{query}");
        let run = eval(&query, &[]);
        let got = match run.code {
            Some(0) => serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{query}: {error}\n{run}")),
            Some(2) => Value::from("error"),
            _ => panic!("{query}: {run}"),
        };
        assert_eq!(got, ours.unwrap_or(answer), "{query}");
    }
}

#[test]
fn answers_are_written_as_opa_writes_them() {
    let queries = [
        "1 + 1",
        "\"text\"",
        "input.a[i] > 1",
        "x := \"a\"; y := [1]",
        "1; \"b\"",
        "some k, v in input.o",
        "true; true",
        "input.nosuch",
        "\"é <&>\"; x := \"日本\"",
    ];
    let rows = queries.iter().map(|query| {
        let written = ["json", "values", "bindings", "pretty", "raw"].map(|format| {
            let run = eval(query, &["-f", format]);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{query}");
            format!("# {format}\n{}", run.stdout)
        });
        (*query, written.concat())
    });
    insta::assert_snapshot!(table(rows));
}

#[test]
fn exit_codes_are_those_of_opa() {
    for (query, fail, fail_defined) in [
        ("true", 0, 1),
        ("false", 0, 1),
        ("[]", 0, 1),
        ("data.p.deny", 0, 1),
        ("input.nosuch", 1, 0),
        ("data.p.hidden", 1, 0),
        ("false; true", 1, 0),
        ("foo(1)", 2, 2),
    ] {
        assert_eq!(eval(query, &["--fail"]).code, Some(fail), "{query}");
        assert_eq!(eval(query, &["--fail-defined"]).code, Some(fail_defined), "{query}");
    }
    assert_eq!(eval("true", &["--fail", "--fail-defined"]).code, Some(2));
}

#[test]
fn errors_stand_at_their_place_in_the_query() {
    let queries = [
        "1 +",
        "",
        "input.a[0",
        "x := 1 }; y if { true",
        "data.p contains 1",
        "foo(1)",
        "count(1, 2, 3)",
        "some x in input.a\nx == y",
        "not input.a[i]",
        "http.send({\"url\": \"http://example.com\"})",
        "x := rand.intn(\"x\", 9)",
        "x := 1; x := 2",
        "input.s + 1",
        "\"a\u{1}b",
    ];
    let rows = queries.map(|query| {
        let run = eval(query, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{query}: {run}");
        (query, run.said())
    });
    insta::assert_snapshot!(table(rows.map(|(query, said)| (query.trim_end_matches("\u{1}b"), said))));
}

#[test]
fn a_project_is_what_its_assumptions_see() {
    let project = Project::good().write();
    let eval = |query: &str| project.run(&["eval", query, "-f", "raw", "--now", NOW]).to_string();
    let queries = [
        "input.traces.edges[_].server",
        "data.design.services.checkout.calls",
        "data.shop.calls.violation",
        "count(data.shop.calls.violation) with data.design.services.checkout.calls as []",
        "data.snapshot.sources.traces.age_seconds",
        "time.now_ns()",
        "[key | data[key]]",
        "data.shop.calls.nosuch",
        "data.reference",
    ];
    insta::assert_snapshot!(table(queries.map(|query| (query, eval(query)))));
    let without = Project::good().without("facts/").write();
    insta::assert_snapshot!("no_facts_are_an_error", without.run(&["eval", "1"]).said());
}

#[test]
fn secrets_of_a_project_are_withheld() {
    let facts = r#"{"edges": [], "db": {"password": "hunter2", "user": "shop"}, "env": [{"name": "API_TOKEN", "value": "hunter2"}]}"#;
    let project = Project::good().with("facts/traces.json", facts).write();
    for (query, answer) in [
        ("input.traces.db", r#"{"password":"(withheld)","user":"shop"}"#),
        ("input.traces.db.password", "(withheld)"),
        ("input.traces.env", r#"[{"name":"API_TOKEN","value":"(withheld)"}]"#),
        (r#"input.traces.db.password == "hunter2""#, "true"),
        ("input.traces.db.user", "shop"),
    ] {
        assert_eq!(project.run(&["eval", query, "-f", "raw"]).stdout.trim_end(), answer, "{query}");
    }
    let bound = project.run(&["eval", "x := input.traces.db.password", "-f", "bindings"]);
    assert!(bound.stdout.contains("(withheld)") && !bound.stdout.contains("hunter2"), "{bound}");
    let file = project.run(&["eval", "input.db.password", "-f", "raw", "-i", "facts/traces.json"]);
    assert_eq!(file.stdout, "hunter2\n", "a file that is named is its reader's own");
}

#[test]
fn files_are_loaded_as_opa_loads_them() {
    let files = Project::empty().with_all(&[
        ("policy/a.rego", "package a\n\nlimit := data.limits.cpu\n\nroles := data.teams.sre.roles\n"),
        ("policy/a_test.rego", "package a_test\n\ntest_x if data.a.limit == 3\n"),
        ("policy/limits.yaml", "limits: {cpu: 3}\n"),
        ("policy/teams/sre/data.json", "{\"roles\": [\"admin\"]}"),
        ("policy/.hidden.json", "[]"),
        ("policy/notes.txt", "no policy"),
        ("docs/page.md", "# Page\n\n```rego\npackage page\n\nx := 7\n```\n"),
        ("old/v0.rego", "package old\n\ndeny[msg] { msg := input.x[_] }\n"),
        ("list.json", "[1]"),
        ("more.json", "{\"limits\": {\"cpu\": 4}}"),
        ("input.yaml", "x: [a, b]\n"),
        ("empty/", ""),
    ]);
    let folder = files.write();
    let run = |arguments: &[&str]| folder.run(&[&["eval", "-f", "raw"], arguments].concat()).to_string();
    let rows: [(&str, &[&str]); 12] = [
        ("a folder", &["data", "-d", "policy"]),
        ("a file", &["data.a", "-d", "policy/a.rego"]),
        ("a document by itself stands at the root", &["data", "-d", "policy/teams/sre/data.json"]),
        ("the same twice", &["data.limits", "-d", "policy", "-d", "policy/limits.yaml"]),
        ("Markdown", &["data.page.x", "-d", "docs"]),
        ("an input", &["input.x", "-i", "input.yaml"]),
        ("Rego v0", &["data.old.deny[m]", "-d", "old", "-i", "input.yaml", "--v0-compatible"]),
        ("Rego v0 without saying so", &["data.old.deny", "-d", "old"]),
        ("two values", &["data", "-d", "policy", "-d", "more.json"]),
        ("a list", &["data", "-d", "list.json"]),
        ("nothing there", &["data", "-d", "empty", "-d", "nosuch", "-d", "policy/notes.txt"]),
        ("no input there", &["input", "-i", "nosuch.json"]),
    ];
    insta::assert_snapshot!(table(rows.map(|(title, arguments)| (title, run(arguments)))));
}

#[test]
fn what_a_policy_prints_does_not_act_on_a_terminal() {
    let files = Project::empty().with("p.rego", "package p\n\nx if print(\"a\\u001b[31m\", \"::error::b\")\n").write();
    let run = files.run(&["eval", "data.p.x", "-d", "p.rego", "-f", "raw"]);
    insta::assert_snapshot!(run.to_string(), @r"
    exit 0
    --- stdout
    true
    --- stderr
    a\u{1b}[31m ::error::b
    ");
}

/// Each of them hangs or breaks the engine, or would.
#[test]
fn hostile_queries_are_refused() {
    for (title, query) in [
        ("brackets", "[".repeat(60) + "1" + &"]".repeat(60)),
        ("braces", "{".repeat(60) + "1" + &"}".repeat(60)),
        ("parentheses", "(".repeat(400) + "1" + &")".repeat(400)),
        ("operators", "1".to_owned() + &" + 1".repeat(15_000)),
        ("keys", "input".to_owned() + &".a".repeat(5_000)),
        ("text that would be a rule", "1 }\n\nx if { true".to_owned()),
        ("text that would be a package", "1 }\n\npackage y".to_owned()),
        ("text that would be an else", "false } else := 1 if { true".to_owned()),
        ("the package of the query", "data.zzz__query.result".to_owned()),
    ] {
        let run = eval(&query, &["-f", "raw", "--timeout", "2s"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
    }
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    let query = "count([1 | numbers.range(1, 1000)[_]; numbers.range(1, 1000)[_]; numbers.range(1, 1000)[_]])";
    let run = eval(query, &["--timeout", "1s"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(run.stderr.contains("took longer than 1 s"), "{run}");
}

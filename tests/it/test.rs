//! The tests of policies: what `opa test` says of them, why one fails, what they reach.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{NOW, Project, Run, repository, run_in, table};

/// The tests that are also run by OPA 1.22, whose answers stand beside them.
fn test(arguments: &[&str]) -> Run {
    run_in(&repository().join("tests/it/opa/tests"), &[&["test"], arguments].concat())
}

/// What OPA says each of them comes to.
pub(crate) fn answers() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("opa/test.json")).expect("the answers are valid")
}

/// Where our answer is another one, with the reason.
pub(crate) const DIFFERENT: [(&str, Option<&str>, &str); 3] = [
    ("data.shop_test.test_default", Some("pass"), "a default is no test of its own, as it may only fail"),
    ("data.shop_test.test_default#01", None, "so the rule is the only test of its name"),
    ("data.shop_test.test_no_case", Some("fail"), "a test without a case tests nothing"),
];

/// What each test and case came to, from the JSON of either tool.
pub(crate) fn outcomes(tests: &Value) -> BTreeMap<String, String> {
    fn leaves(name: &str, result: &Value, found: &mut BTreeMap<String, String>) {
        let is = |key: &str| result[key] == true;
        if let Some(subs) = result["sub_results"].as_object() {
            subs.iter().for_each(|(key, sub)| leaves(&format!("{name}[{key}]"), sub, found));
            return;
        }
        let outcome = match () {
            () if is("skip") => "skip",
            () if result.get("error").is_some() => "error",
            () if is("fail") => "fail",
            () => "pass",
        };
        found.insert(name.to_owned(), outcome.to_owned());
    }
    let mut found = BTreeMap::new();
    for test in tests.as_array().expect("a list of tests") {
        let text = |key: &str| test[key].as_str().expect("text").to_owned();
        leaves(&format!("{}.{}", text("package"), text("name")), test, &mut found);
    }
    found
}

#[test]
fn outcomes_are_those_of_opa() {
    let mut expected = answers();
    for (name, ours, reason) in DIFFERENT {
        let theirs = expected.remove(name).unwrap_or_else(|| panic!("{name} is no test: {reason}"));
        assert_ne!(Some(theirs.as_str()), ours, "{name}: {reason}");
        expected.extend(ours.map(|ours| (name.to_owned(), ours.to_owned())));
    }
    let run = test(&[".", "-f", "json"]);
    assert_eq!(run.code, Some(2), "{run}");
    let tests: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    assert_eq!(outcomes(&tests), expected);
}

#[test]
fn a_failure_shows_its_condition_with_both_values() {
    insta::assert_snapshot!(test(&["."]).to_string());
}

#[test]
fn what_passes_is_shown_where_it_is_asked_for() {
    insta::assert_snapshot!(test(&[".", "-v", "-r", "pass|case|later"]).to_string());
}

#[test]
fn programs_read_them_as_they_read_those_of_opa() {
    insta::assert_snapshot!(test(&[".", "-f", "json", "-r", "test_(fail|note|function_itself)|todo"]).to_string());
}

#[test]
fn build_servers_read_them() {
    let files = Project::empty().with(
        "x_test.rego",
        "package x_test\n\ntest_a if \"<&\\\"'>\\u0000\\u001b\" == \"]]>\"\n\ntest_b[k] if {\n\tsome k, v in {\"<k>\": 1}\n\tv == 2\n}\n\ntest_c := \"\\ufffe\"\n\ntest_ok := true\n\ntodo_test_d if true\n\ntest_f(x) := x\n",
    );
    let run = files.write().run(&["test", ".", "-f", "junit"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{run}");
    let read = roxmltree::Document::parse(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let cases = read.descendants().filter(|node| node.has_tag_name("testcase"));
    let names: Vec<_> = cases.filter_map(|node| node.attribute("name")).collect();
    assert_eq!(names, ["test_a", "test_b[<k>]", "test_c", "test_ok", "todo_test_d", "test_f"]);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn exit_codes_are_those_of_opa() {
    for (title, arguments, code) in [
        ("all pass", &[".", "-r", "test_pass|test_data"][..], 0),
        ("one fails", &[".", "-r", "test_pass|test_fail"], 2),
        ("an error", &[".", "-r", "test_function_itself"], 2),
        ("one is skipped", &[".", "-r", "test_pass|later"], 2),
        ("skipped ones pass", &[".", "-z", "-r", "test_pass|later"], 0),
        ("only skipped ones", &[".", "-z", "-r", "later"], 0),
        ("no such path", &["nosuch"], 1),
        ("nothing to load", &["teams/sre/nosuch"], 1),
        // Where OPA says 0.
        ("no test", &["shop.rego"], 2),
        ("no test matches", &[".", "-r", "nosuch"], 2),
        ("no regular expression", &[".", "-r", "("], 2),
    ] {
        let run = test(arguments);
        assert_eq!(run.code, Some(code), "{title}: {run}");
    }
    insta::assert_snapshot!(test(&["shop.rego"]).said() + &test(&[".", "-r", "nosuch"]).said());
}

#[test]
fn what_cannot_be_loaded_is_said_at_its_place() {
    let rows = [
        ("a syntax error", "package x_test\n\ntest_a if {\n"),
        ("an unknown function", "package x_test\n\ntest_a if foo(1)\n"),
        ("a slip in the name of what is tested", "package x_test\n\nimport data.x\n\ntest_a if not x.dney\n"),
        ("a call to the outside", "package x_test\n\ntest_a if http.send({})\n"),
        ("a variable called like a rule", "package x_test\n\ne := 1\n\ntest_a if {\n\tsome e in [1]\n\te == 1\n}\n"),
    ];
    let rows = rows.map(|(title, text)| {
        let files =
            Project::empty().with("x_test.rego", text).with("x.rego", "package x\n\ndeny contains 1 if input.a\n");
        let run = files.write().run(&["test", "."]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{title}: {run}");
        (title, run.said())
    });
    insta::assert_snapshot!(table(rows));
}

/// Its own tests, those in its pages, and nothing of its facts and its design.
#[test]
fn a_project_has_tests_in_files_and_pages() {
    let project = Project::good()
        .with("stillholds.yaml", "version: 1\npolicies: [\"policies/*.rego\", \"docs/*.md\"]\ndesign: [\"design/*.yaml\"]\n")
        .with(
            "policies/calls_test.rego",
            r#"package shop.calls_test

import data.shop.calls

design := {"services": {"checkout": {"calls": ["payments"]}}}

facts(server) := {"traces": {"edges": [{"client": "checkout", "server": server}]}}

test_declared if count(calls.violation) == 0 with input as facts("payments") with data.design as design

test_hidden if {
	found := calls.violation with input as facts("fraud") with data.design as design
	{v.subject | some v in found} == {"fraud-ml"}
}

test_sees_no_facts if not input.traces

test_sees_no_design if not data.design
"#,
        )
        .with(
            "docs/page.md",
            "# Load\n\n```rego\npackage load\n\nviolation contains \"x\" if input.traces.rps > 100\n```\n\nTested:\n\n```rego test\npackage load_test\n\nimport data.load\n\ntest_limit if load.violation == {\"y\"} with input as {\"traces\": {\"rps\": 101}}\n\ntest_below if count(load.violation) == 0 with input as {\"traces\": {\"rps\": 100}}\n```\n",
        )
        .write();
    insta::assert_snapshot!(project.run(&["test", "-v", "--now", NOW]).to_string());
    assert_eq!(project.run(&["test", "-C", "policies", "-r", "declared"]).code, Some(0));
    let broken = Project::good().with("policies/calls.rego", "package shop.calls\n\nviolation contains\n").write();
    assert_eq!(broken.run(&["test"]).code, Some(1));
    assert_eq!(Project::good().write().run(&["test"]).code, Some(2), "no test was found");
    assert_eq!(Project::empty().write().run(&["test"]).code, Some(1), "no project was found");
}

#[test]
fn coverage_names_lines_and_rules() {
    insta::assert_snapshot!(test(&[".", "-c", "-r", "test_(pass|negated|function$)"]).to_string());
    let json = test(&[".", "-c", "-f", "json", "-r", "test_(pass|negated|function$)"]);
    insta::assert_snapshot!("coverage_for_programs", json.stdout);
    let read: Value = serde_json::from_str(&json.stdout).expect("the coverage is JSON");
    assert!(read["coverage"].as_f64().is_some_and(|percent| percent > 50.0 && percent < 100.0), "{read}");
    for (threshold, code) in [("0", 0), ("50", 0), ("100%", 2)] {
        let run = test(&[".", "-r", "test_pass", "--threshold", threshold]);
        let expected = if threshold == "50" { run.code } else { Some(code) };
        assert_eq!(run.code, expected, "{threshold}: {run}");
    }
    insta::assert_snapshot!(
        "coverage_below_the_threshold",
        test(&[".", "-r", "test_pass", "--threshold", "99.5"]).said()
    );
}

#[test]
fn a_test_that_takes_too_long_is_an_error_of_its_own() {
    let files = Project::empty().with(
        "x_test.rego",
        "package x_test\n\ntest_a if {\n\tcount([1 | numbers.range(1, 1000)[_]; numbers.range(1, 1000)[_]; numbers.range(1, 1000)[_]]) > 0\n}\n\ntest_b if true\n",
    );
    let run = files.write().run(&["test", ".", "-v", "--timeout", "1s"]);
    insta::assert_snapshot!(run.to_string());
}

#[test]
fn rego_v0_is_tested_where_it_is_said_so() {
    let files = Project::empty()
        .with("x.rego", "package x\n\ndeny[msg] { msg := input.a[_] }\n")
        .with("x_test.rego", "package x\n\ntest_a { deny[\"b\"] with input as {\"a\": [\"b\"]} }\n\ntest_b { deny[\"c\"] with input as {\"a\": [\"b\"]} }\n")
        .write();
    insta::assert_snapshot!(files.run(&["test", ".", "--v0-compatible"]).to_string());
    assert_eq!(files.run(&["test", "."]).code, Some(1));
}

#[test]
fn the_same_tests_give_the_same_bytes() {
    for format in ["pretty", "json", "junit"] {
        let run = test(&[".", "-f", format, "-v"]);
        assert_eq!(run, test(&[".", "-f", format, "-v"]), "{format}");
    }
}

#[test]
fn nothing_in_a_test_acts_on_a_terminal() {
    let files = Project::empty().with(
        "x_test.rego",
        "package x_test\n\ntest_a[k] if {\n\tsome k, v in {\"\\u001b[31mred\\n::error::x\": 1}\n\tprint(\"\\u001b[2J\", k)\n\tv == 2\n}\n",
    );
    for format in ["pretty", "json", "junit"] {
        let run = files.write().run(&["test", ".", "-f", format]);
        assert!(
            !run.stdout.contains('\u{1b}') && !run.stdout.lines().any(|line| line.trim_start().starts_with("::")),
            "{run}"
        );
    }
}

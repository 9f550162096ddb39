//! The tests of the shipped assumptions, each `test_` rule by itself.

use std::{fs, path::PathBuf};

use regorus::{Engine, Value};

use crate::harness::repository;

fn files() -> Vec<PathBuf> {
    let pattern = format!("{}/policies/**/*.rego", repository().display());
    glob::glob(&pattern).expect("the pattern is valid").map(|path| path.expect("the folder is read")).collect()
}

#[test]
fn the_tests_of_shipped_assumptions_pass() {
    let mut engine = Engine::new();
    let mut tests = Vec::new();
    for path in files() {
        let text = fs::read_to_string(&path).expect("the file is read");
        let package = engine.add_policy(path.display().to_string(), text.clone()).expect("the policy is valid");
        let rules = text.lines().filter(|line| line.starts_with("test_")).filter_map(|line| line.split(' ').next());
        tests.extend(rules.map(|rule| format!("{package}.{rule}")));
    }
    assert!(tests.len() >= 30, "only {} tests were found", tests.len());
    let failed: Vec<_> = tests
        .into_iter()
        .filter(|test| engine.clone().eval_rule(test.clone()).ok() != Some(Value::Bool(true)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Each says what it is, why it matters and whom it judges.
#[test]
fn shipped_assumptions_say_what_they_are() {
    for path in files().into_iter().filter(|path| !path.to_string_lossy().ends_with("_test.rego")) {
        let text = fs::read_to_string(&path).expect("the file is read");
        for needed in ["# title: ", "# description: ", "id: ", "vacuous: strict", "\nsubjects contains "] {
            assert!(text.contains(needed), "{} has no `{}`", path.display(), needed.trim());
        }
    }
}

//! The tests of the shipped assumptions, each `test_` rule by itself.

use std::{fs, path::PathBuf};

use crate::harness::{repository, run_in};

fn files() -> Vec<PathBuf> {
    let pattern = format!("{}/policies/**/*.rego", repository().display());
    glob::glob(&pattern).expect("the pattern is valid").map(|path| path.expect("the folder is read")).collect()
}

/// As whoever changes one runs them, every line of them reached.
#[test]
fn the_tests_of_shipped_assumptions_pass() {
    let run = run_in(&repository(), &["test", "policies", "--threshold", "100", "-f", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run}");
    let run = run_in(&repository(), &["test", "policies"]);
    let count = run.stdout.trim().strip_prefix("PASS: ").and_then(|counts| counts.split('/').next());
    let count: usize = count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{run}"));
    assert!(count >= 30, "only {count} tests were found");
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

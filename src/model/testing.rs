//! What the tests of policies came to.

use std::collections::BTreeMap;

use super::Condition;
use crate::source::{Location, SourceFile};

/// All tests of one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestRun {
    /// In the order of their files and lines.
    pub tests: Vec<TestResult>,
    /// Which lines they reached, where that was asked.
    pub coverage: Option<Coverage>,
    /// The files of policies by their paths, to show lines of.
    pub files: BTreeMap<String, SourceFile>,
}

/// A test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The path of its package, such as `data.shop_test`.
    pub package: String,
    /// Its name in the package.
    pub name: String,
    /// Its first definition.
    pub location: Location,
    /// What it came to.
    pub outcome: Outcome,
    /// What is to be said of a failure beside its conditions.
    pub message: Option<String>,
    /// The conditions that kept it from being true.
    pub conditions: Vec<Condition>,
    /// Its cases by their keys, where it has any.
    pub cases: Vec<TestCase>,
    /// What was printed, line by line.
    pub printed: Vec<String>,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is true.
    Passed,
    /// It is false, undefined or something else.
    Failed,
    /// It is still to be written.
    Skipped,
    /// It could not be evaluated.
    Error {
        /// What went wrong.
        message: String,
        /// What to do about it.
        help: String,
        /// Where, if that is known.
        location: Option<Location>,
    },
}

/// A case of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// Its keys: text as it is, everything else as JSON.
    pub names: Vec<String>,
    /// Whether it is true.
    pub passed: bool,
    /// The conditions that kept it from being true.
    pub conditions: Vec<Condition>,
}

impl TestCase {
    /// Its keys as they stand behind the name of its test: `[one][two]`.
    #[must_use]
    pub fn keys(&self) -> String {
        format!("[{}]", self.names.join("]["))
    }
}

/// What was reached of policies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coverage {
    /// By their paths.
    pub files: Vec<FileCoverage>,
    /// Rules with conditions that no test made true, and where.
    pub never_true: Vec<(String, Location)>,
    /// Rules with conditions that no test made false, and where.
    pub never_false: Vec<(String, Location)>,
}

/// What was reached of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileCoverage {
    /// The file.
    pub path: String,
    /// Lines on which everything was reached.
    pub covered: Vec<usize>,
    /// Lines on which something was not.
    pub not_covered: Vec<usize>,
}

/// How a run of tests ends: the codes of `opa test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TestExit {
    /// All passed.
    Passed = 0,
    /// What is to be tested cannot be loaded.
    Unloadable = 1,
    /// Something failed, was skipped or was not covered, or there was nothing to run.
    Failed = 2,
}

/// How many of what, each case counting for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TestCounts {
    /// That are true.
    pub passed: usize,
    /// That are not.
    pub failed: usize,
    /// That were skipped.
    pub skipped: usize,
    /// That could not be evaluated.
    pub errors: usize,
}

impl TestCounts {
    /// All together.
    #[must_use]
    pub fn total(self) -> usize {
        self.passed + self.failed + self.skipped + self.errors
    }
}

impl TestRun {
    /// How many of what.
    #[must_use]
    pub fn counts(&self) -> TestCounts {
        let mut counts = TestCounts::default();
        for test in &self.tests {
            match test.outcome {
                Outcome::Skipped => counts.skipped += 1,
                Outcome::Error { .. } => counts.errors += 1,
                _ if !test.cases.is_empty() => {
                    let passed = test.cases.iter().filter(|case| case.passed).count();
                    counts.passed += passed;
                    counts.failed += test.cases.len() - passed;
                }
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed => counts.failed += 1,
            }
        }
        counts
    }

    /// How it ends where so many percent of the lines are to be covered.
    #[must_use]
    pub fn exit(&self, threshold: Option<f64>, skips_pass: bool) -> TestExit {
        let counts = self.counts();
        let is_covered = || match (threshold, &self.coverage) {
            (Some(threshold), Some(coverage)) => coverage.percent() >= threshold,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let fails = counts.failed + counts.errors > 0 || counts.skipped > 0 && !skips_pass;
        if counts.total() == 0 || fails || !is_covered() { TestExit::Failed } else { TestExit::Passed }
    }
}

impl FileCoverage {
    /// How many percent of its lines were reached; all of none.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.covered.len(), self.not_covered.len())
    }
}

impl Coverage {
    /// How many lines were reached, and how many were not.
    #[must_use]
    pub fn lines(&self) -> (usize, usize) {
        let sum = |count: fn(&FileCoverage) -> usize| self.files.iter().map(count).sum();
        (sum(|file| file.covered.len()), sum(|file| file.not_covered.len()))
    }

    /// How many percent of the lines were reached; all of none.
    #[must_use]
    pub fn percent(&self) -> f64 {
        let (covered, not_covered) = self.lines();
        percent(covered, not_covered)
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of lines")]
fn percent(covered: usize, not_covered: usize) -> f64 {
    let total = covered + not_covered;
    if total == 0 { 100.0 } else { covered as f64 * 100.0 / total as f64 }
}

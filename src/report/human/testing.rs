//! Tests for a person: what failed and why, and how many of what, as `opa test` says it.

use super::{Files, Ink, Look, Page, SourceFile, Told, Writer};
use crate::{
    model::{Condition, Coverage, TestOutcome, TestResult, TestRun},
    source::Location,
};

use std::collections::BTreeMap;

/// Where what belongs to a test starts.
const BODY: usize = 2;

impl Files for TestRun {
    fn files(&self) -> &BTreeMap<String, SourceFile> {
        &self.files
    }
}

pub(in crate::report) fn tests(run: &TestRun, look: Look) -> String {
    let mut writer = Writer { report: run, look, page: Page::new(look) };
    for test in &run.tests {
        if look.verbose || test.outcome != TestOutcome::Passed {
            writer.test(test);
        }
    }
    if let Some(coverage) = &run.coverage {
        writer.coverage(coverage);
    }
    writer.counts();
    writer.page.finish()
}

impl<'a> Writer<'a, TestRun> {
    fn test(&mut self, test: &'a TestResult) {
        let (word, ink) = outcome(&test.outcome);
        let is_brief = test.outcome == TestOutcome::Passed && test.cases.is_empty() && test.printed.is_empty();
        if !is_brief {
            self.page.gap();
        }
        let place = self.look.text(&format!("{}:{}", test.location.path, test.location.line));
        let name = self.look.text(&format!("{}.{}", test.package, test.name));
        self.page.line(0, &[(ink, word.to_owned()), (Ink::Plain, format!(" {name}  ")), (Ink::Dim, place)]);
        if let TestOutcome::Error { message, help, location } = &test.outcome {
            let place = location.as_ref().map(|location| format!("{location}: ")).unwrap_or_default();
            self.page.flow(BODY, &[], Ink::Plain, &self.look.text(&format!("{place}{message}")));
            self.page.flow(BODY, &[(Ink::Help, "help: ".to_owned())], Ink::Plain, &self.look.text(help));
        }
        if let Some(message) = &test.message {
            self.page.flow(BODY, &[], Ink::Plain, &self.look.text(message));
        }
        self.stopped(&test.conditions);
        let is_verbose = self.look.verbose;
        for case in test.cases.iter().filter(|case| is_verbose || !case.passed) {
            let (word, ink) = if case.passed { ("PASS", Ink::Holds) } else { ("FAIL", Ink::Decayed) };
            self.page.line(BODY, &[(ink, word.to_owned()), (Ink::Plain, format!(" {}", self.look.text(&case.keys())))]);
            self.stopped(&case.conditions);
        }
        for line in &test.printed {
            self.page.line(BODY, &[(Ink::Dim, self.look.text(line))]);
        }
        if !is_brief {
            self.page.gap();
        }
    }

    /// The conditions that were not passed, in their files.
    fn stopped(&mut self, conditions: &'a [Condition]) {
        let mut told = Told::new(Ink::Decayed);
        let mut paths: Vec<&str> = Vec::new();
        for condition in conditions {
            if !paths.contains(&condition.location.path.as_str()) {
                paths.push(&condition.location.path);
            }
        }
        for path in paths {
            let of_file: Vec<_> = conditions.iter().filter(|condition| condition.location.path == path).collect();
            self.conditions(&of_file, &mut told);
        }
    }

    fn coverage(&mut self, coverage: &Coverage) {
        let (covered, not_covered) = coverage.lines();
        self.page.gap();
        let share = format!("{} of {} lines", covered, covered + not_covered);
        self.page.line(
            0,
            &[
                (Ink::Heading, "coverage".to_owned()),
                (Ink::Plain, format!(" {}, {share}", percent(coverage.percent()))),
            ],
        );
        let mut rows = vec![["LINES", "FILE", "NOT COVERED"].map(str::to_owned).to_vec()];
        rows.extend(
            coverage
                .files
                .iter()
                .map(|file| vec![percent(file.percent()), self.look.text(&file.path), ranges(&file.not_covered)]),
        );
        if rows.len() > 1 {
            self.page.table(BODY, &rows);
        }
        self.rules("never true in any test", &coverage.never_true);
        self.rules("never false in any test", &coverage.never_false);
    }

    fn rules(&mut self, title: &str, rules: &[(String, Location)]) {
        if rules.is_empty() {
            return;
        }
        self.page.gap();
        self.page.line(BODY, &[(Ink::Eroding, title.to_owned())]);
        for (name, Location { path, line, .. }) in rules {
            let place = self.look.text(&format!("{path}:{line}"));
            self.page.line(BODY + 2, &[(Ink::Plain, format!("{}  ", self.look.text(name))), (Ink::Dim, place)]);
        }
    }

    fn counts(&mut self) {
        let counts = self.report.counts();
        self.page.gap();
        for (word, ink, count) in [
            ("PASS", Ink::Holds, counts.passed),
            ("FAIL", Ink::Decayed, counts.failed),
            ("SKIPPED", Ink::Unknown, counts.skipped),
            ("ERROR", Ink::Decayed, counts.errors),
        ] {
            if count > 0 {
                self.page.line(0, &[(ink, word.to_owned()), (Ink::Plain, format!(": {count}/{}", counts.total()))]);
            }
        }
    }
}

fn outcome(outcome: &TestOutcome) -> (&'static str, Ink) {
    match outcome {
        TestOutcome::Passed => ("PASS", Ink::Holds),
        TestOutcome::Failed => ("FAIL", Ink::Decayed),
        TestOutcome::Skipped => ("SKIPPED", Ink::Unknown),
        TestOutcome::Error { .. } => ("ERROR", Ink::Decayed),
    }
}

/// Never 100 % where something is missing.
fn percent(share: f64) -> String {
    format!("{:.1} %", (share * 10.0).floor() / 10.0)
}

/// Numbers of lines, those that follow one another as a range.
fn ranges(lines: &[usize]) -> String {
    let runs = lines.chunk_by(|one, next| one + 1 == *next).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(ToString::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

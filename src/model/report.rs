//! The finished value that every renderer receives.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Assumption, Class, Condition, Evidence, Finding, Measure, Note, Path, Reason, Severity, Snapshot, Verdict,
    Violation, ViolationStatus,
};
use crate::source::SourceFile;

/// The project a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef {
    /// Its name.
    pub name: String,
    /// Its root, relative to the repository's root; `.` where they are the same.
    pub path: String,
}

/// How present a path was that an assumption reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The path.
    pub path: Path,
    /// Whether its absence leaves the assumption without an answer.
    pub needed: bool,
    /// How many places have it.
    pub present: u64,
    /// How many places lack it.
    pub absent: u64,
}

/// An assumption with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What was assumed.
    pub assumption: Assumption,
    /// The answer.
    pub verdict: Verdict,
    /// The first reason that applies; none for a pass.
    pub reason: Option<Reason>,
    /// One sentence on the reason.
    pub message: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// What the verdict would be if the evidence were fresh and complete.
    pub provisional: Option<Verdict>,
    /// Whether the check fails for it.
    pub fails: bool,
    /// Everything else there is to say.
    pub notes: Vec<Note>,
    /// What it reads, and whether it was there.
    pub reads: Vec<Presence>,
    /// How many subjects it judged; none where it names none.
    pub subjects: Option<u64>,
    /// How many facts it could read.
    pub facts: u64,
    /// The age of the oldest source it reads.
    pub oldest_seconds: Option<i64>,
    /// The measures, by subject.
    pub measures: Vec<Measure>,
    /// The conditions that decided it as a whole.
    pub conditions: Vec<Condition>,
    /// What speaks against it.
    pub violations: Vec<Violation>,
    /// What it rests on as a whole.
    pub evidence: Vec<Evidence>,
}

impl Judged {
    /// The smallest margin.
    #[must_use]
    pub fn margin(&self) -> Option<f64> {
        self.measures.iter().filter_map(Measure::margin).min_by(f64::total_cmp)
    }

    /// How many of its violations somebody has accepted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for violation in &self.violations {
            match violation.status {
                _ if !violation.counts => tally.uncounted += 1,
                ViolationStatus::New => tally.new += 1,
                ViolationStatus::Known => tally.known += 1,
                ViolationStatus::Waived => tally.waived += 1,
            }
        }
        tally
    }
}

/// How many violations of which standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// That count and that nobody has accepted.
    pub new: usize,
    /// That count and are in the baseline.
    pub known: usize,
    /// That count and that a waiver covers.
    pub waived: usize,
    /// That do not count.
    pub uncounted: usize,
}

/// What the passes rest on, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    /// The facts of the pass that could read the fewest.
    pub fewest_facts: u64,
    /// The facts of the pass that could read the most. Passes share facts, so a sum would say too much.
    pub most_facts: u64,
    /// The age of the oldest source that any of them reads.
    pub oldest_seconds: Option<i64>,
}

/// Which answers fail the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Lesser severities never fail.
    pub fail_severity: Severity,
    /// An erosion fails too.
    pub fail_on_eroding: bool,
    /// An unknown that would not fail if it were known passes.
    pub allow_unknown: bool,
}

/// How the process ends: computed from the report alone, the same in every output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Nothing fails and nothing that could fail is unknown.
    Clean = 0,
    /// A decay fails, or an erosion where erosions fail.
    Failed = 1,
    /// The tool could not do its job.
    Unusable = 2,
    /// Nothing fails, but something that could fail is unknown.
    Unknown = 3,
}

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Assumptions selected.
    pub assumptions: usize,
    /// That hold.
    pub holds: usize,
    /// That erode.
    pub eroding: usize,
    /// That have decayed.
    pub decayed: usize,
    /// Of which nobody can tell.
    pub unknown: usize,
    /// That fail the check.
    pub failing: usize,
    /// Violations and warnings that count and that nobody has accepted.
    pub new: usize,
    /// Violations in the baseline.
    pub known: usize,
    /// Violations that a waiver covers.
    pub waived: usize,
    /// Entries of the baseline that are no longer violated.
    pub fixed: usize,
}

/// Everything one check found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The project.
    pub project: ProjectRef,
    /// The `now` of the check.
    pub evaluated_at: Timestamp,
    /// What the facts are.
    pub snapshot: Snapshot,
    /// What they are compared with, by name.
    pub references: BTreeMap<String, Snapshot>,
    /// The assumptions, sorted by document, then verdict (worst first), then id.
    pub assumptions: Vec<Judged>,
    /// What was noticed about the project itself.
    pub findings: Vec<Finding>,
    /// What fails the check.
    pub gate: Gate,
    /// The files that locations point into, for renderers that show their lines.
    pub files: BTreeMap<String, SourceFile>,
}

impl Report {
    /// The counts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { assumptions: self.assumptions.len(), ..Summary::default() };
        for judged in &self.assumptions {
            match judged.verdict {
                Verdict::Holds => summary.holds += 1,
                Verdict::Eroding => summary.eroding += 1,
                Verdict::Decayed => summary.decayed += 1,
                Verdict::Unknown => summary.unknown += 1,
            }
            summary.failing += usize::from(judged.fails);
            let tally = judged.tally();
            summary.new += tally.new;
            summary.known += tally.known;
            summary.waived += tally.waived;
        }
        summary
    }

    /// What the passes rest on; none where nothing holds.
    #[must_use]
    pub fn grounds(&self) -> Option<Grounds> {
        let passes = || self.assumptions.iter().filter(|judged| judged.verdict == Verdict::Holds);
        Some(Grounds {
            fewest_facts: passes().map(|judged| judged.facts).min()?,
            most_facts: passes().map(|judged| judged.facts).max()?,
            oldest_seconds: passes().filter_map(|judged| judged.oldest_seconds).max(),
        })
    }

    /// How the process ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.exit_code_if(self.gate.allow_unknown)
    }

    /// How the process would end if an unknown that would not fail passed, or if it did not.
    #[must_use]
    pub fn exit_code_if(&self, allow_unknown: bool) -> ExitCode {
        let gate = Gate { allow_unknown, ..self.gate };
        if self.assumptions.iter().any(|judged| judged.fails) {
            ExitCode::Failed
        } else if self.assumptions.iter().any(|judged| gate.unknown_fails(judged)) {
            ExitCode::Unknown
        } else {
            ExitCode::Clean
        }
    }
}

impl Gate {
    /// Whether this verdict fails the check: it decayed, or eroded where erosions fail, for something that nobody has
    /// accepted, and is severe enough.
    #[must_use]
    pub fn fails(self, judged: &Judged) -> bool {
        self.would_fail(judged, judged.verdict)
    }

    /// Whether the assumption would fail the check if its verdict were this one. Under a provisional verdict the
    /// violations stand in the list without counting.
    fn would_fail(self, judged: &Judged, verdict: Verdict) -> bool {
        let is_provisional = verdict != judged.verdict;
        let is_new = |class: Class| {
            judged.violations.iter().any(|violation| {
                violation.kind.class() == class
                    && violation.status == ViolationStatus::New
                    && (violation.counts || is_provisional)
            })
        };
        judged.assumption.severity >= self.fail_severity
            && match verdict {
                Verdict::Decayed => is_new(Class::Refutes),
                Verdict::Eroding => {
                    self.fail_on_eroding && (judged.reason != Some(Reason::Warned) || is_new(Class::Warns))
                }
                Verdict::Unknown | Verdict::Holds => false,
            }
    }

    fn unknown_fails(self, judged: &Judged) -> bool {
        judged.verdict == Verdict::Unknown
            && judged.assumption.severity >= self.fail_severity
            && (!self.allow_unknown || judged.provisional.is_some_and(|verdict| self.would_fail(judged, verdict)))
    }
}

//! The nouns of the project: what is assumed, what was collected, what was found. No I/O, no engine.

mod age;
mod assumption;
mod evidence;
mod finding;
mod id;
mod path;
mod ratio;
mod report;
mod snapshot;
mod testing;
mod verdict;
mod violation;

pub use age::{Age, AgeError, MaxAge};
pub use assumption::{Assumption, Document, Read, RelatedResource, Severity, Vacuous};
pub use evidence::{Condition, Evidence, Operand, Outcome};
pub use finding::{Finding, FindingSeverity};
pub use id::{ID_HELP, is_id, matches};
pub use path::{Path, PathError, Segment};
pub use ratio::{Ratio, RatioError};
pub use report::{ExitCode, Gate, Grounds, Judged, Presence, ProjectRef, Report, Summary, Tally};
pub use snapshot::{Basis, Part, Snapshot, Source, Status};
pub use testing::{
    Coverage, FileCoverage, Outcome as TestOutcome, TestCase, TestCounts, TestExit, TestResult, TestRun,
};
pub use verdict::{Note, Reason, Verdict};
pub use violation::{Class, Direction, Measure, RuleRef, Violation, ViolationKind, ViolationStatus};

/// Any JSON value, as policies and facts write it.
pub type Json = serde_json::Value;

//! An assumption: what METADATA and its place say of it.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

use super::{MaxAge, Path};
use crate::source::Location;

/// How bad it is when an assumption decays, as in SARIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth mending.
    Warning,
    /// Must not stay.
    #[default]
    Error,
}

impl Severity {
    /// All, as they are written.
    pub const NAMES: [(&str, Self); 3] = [("error", Self::Error), ("warning", Self::Warning), ("note", Self::Note)];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, severity)| *severity).ok_or(())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an empty population means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Vacuous {
    /// The first iteration must yield an element.
    #[default]
    First,
    /// Also the last condition of every body must receive a binding.
    Strict,
    /// An empty, complete list is an answer.
    Allowed,
}

impl FromStr for Vacuous {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "first" => Ok(Self::First),
            "strict" => Ok(Self::Strict),
            "allowed" => Ok(Self::Allowed),
            _ => Err(()),
        }
    }
}

/// A document that belongs to an assumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedResource {
    /// A URL, or whatever the author wrote.
    pub reference: String,
    /// What it is.
    pub description: Option<String>,
}

/// The heading an assumption stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file.
    pub path: String,
    /// The nearest heading above it.
    pub heading: Option<String>,
    /// That heading's anchor, as GitHub makes it.
    pub anchor: Option<String>,
}

/// A path that an assumption's rules read, found statically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// `[_]` where any element is read.
    pub path: Path,
    /// Whether its absence leaves the assumption without an answer.
    pub needed: bool,
    /// Whether only `object.get`, `optional` or a bare `not` reads it, so that absence is an answer.
    pub excused: bool,
    /// The first expression that reads it.
    pub location: Location,
}

/// One statement that the design relies on.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumption {
    /// Unique over the project.
    pub id: String,
    /// Earlier ids, the first one first.
    pub formerly: Vec<String>,
    /// What holds while it holds.
    pub title: String,
    /// Why it matters.
    pub description: Option<String>,
    /// What its decay means for the check.
    pub severity: Severity,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Decision records and the like.
    pub related: Vec<RelatedResource>,
    /// Older facts cannot prove it.
    pub max_age: Option<MaxAge>,
    /// The last day on which it stands without a look at it.
    pub review_by: Option<Date>,
    /// May be absent.
    pub optional: Vec<Path>,
    /// Must not be absent.
    pub required: Vec<Path>,
    /// A smaller margin erodes it, as a ratio. In a report the one that applied, the project's default among them.
    pub eroding_under: Option<f64>,
    /// What an empty population means.
    pub vacuous: Option<Vacuous>,
    /// Where it stands: the first rule of its group, or the line of the project file that switched it on.
    pub location: Location,
    /// The first rule of its group, wherever it comes from.
    pub rule: Location,
    /// The document it stands in.
    pub document: Document,
    /// What its rules read, sorted by path.
    pub reads: Vec<Read>,
}

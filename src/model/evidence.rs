//! The why of an answer: conditions with what they saw, and the facts they rest on.

use jiff::Timestamp;

use super::{Json, Path};
use crate::source::Location;

/// How an expression came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    True,
    /// It failed.
    False,
    /// Something in it was absent.
    Undefined,
    /// It could not be followed.
    NotExplained,
}

impl Outcome {
    /// As reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Undefined => "undefined",
            Self::NotExplained => "not_explained",
        }
    }
}

/// One expression of a rule body with its outcome and the values it saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As written.
    pub text: String,
    /// How it came out.
    pub outcome: Outcome,
    /// How many bindings arrived at it.
    pub bindings: u64,
    /// The values on both sides.
    pub operands: Vec<Operand>,
    /// Where it stands.
    pub location: Location,
    /// What else is to be said of it.
    pub note: Option<String>,
}

/// One side of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// As written.
    pub text: String,
    /// What it was; `None` where it was undefined.
    pub value: Option<Json>,
}

/// A fact that a verdict rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Where in the facts.
    pub path: Path,
    /// The value there.
    pub value: Json,
    /// The source it came from.
    pub source: String,
    /// The source's `observed_to`.
    pub collected_at: Option<Timestamp>,
    /// Where in which file.
    pub location: Option<Location>,
}

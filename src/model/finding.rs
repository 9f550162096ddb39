//! What the tool noticed about the project itself.

use crate::source::Location;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingSeverity {
    /// Worth knowing.
    Note,
    /// Worth mending.
    Warning,
}

impl FindingSeverity {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// Something about the project that nobody asked for and somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name such as `name-without-alias`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: FindingSeverity,
    /// What was noticed, and what to do.
    pub message: String,
    /// Where.
    pub location: Option<Location>,
}

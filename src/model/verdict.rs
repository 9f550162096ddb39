//! The four answers and their reasons.

use crate::source::Location;

/// The answer about one assumption, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Something speaks against it.
    Decayed,
    /// Nobody can tell.
    Unknown,
    /// It holds, but not for long or not without a doubt.
    Eroding,
    /// All it needs was there and nothing speaks against it.
    Holds,
}

impl Verdict {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decayed => "decayed",
            Self::Unknown => "unknown",
            Self::Eroding => "eroding",
            Self::Holds => "holds",
        }
    }
}

/// Why the answer is what it is, or what else is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Evaluation failed or hit its limit.
    Error,
    /// A source or a value is not there.
    Missing,
    /// A source was tried and failed.
    Failed,
    /// A source is too old, or its age is not known.
    Stale,
    /// A `violation` or `deny`.
    Violated,
    /// A measure beyond its limit.
    Limit,
    /// `holds` is not true.
    NotHeld,
    /// A number was compared with something else.
    Mistyped,
    /// A source was collected in part.
    Partial,
    /// It looked at nothing.
    Vacuous,
    /// A `warn`.
    Warned,
    /// The margin is under its threshold.
    Margin,
    /// `review_by` is over.
    ReviewDue,
    /// It rests on what is not set anywhere.
    Absence,
    /// It rests on a sample.
    Sampled,
    /// A violation could not be built.
    Lost,
    /// A condition received no binding.
    NeverReached,
    /// Something could not be followed.
    NotExplained,
}

impl Reason {
    /// The verdict it leads to; none for what is only said beside one.
    #[must_use]
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Violated | Self::Limit | Self::NotHeld => Some(Verdict::Decayed),
            Self::Error
            | Self::Missing
            | Self::Failed
            | Self::Stale
            | Self::Mistyped
            | Self::Partial
            | Self::Vacuous => Some(Verdict::Unknown),
            Self::Warned | Self::Margin | Self::ReviewDue => Some(Verdict::Eroding),
            Self::Absence | Self::Sampled | Self::Lost | Self::NeverReached | Self::NotExplained => None,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Violated => "violated",
            Self::Limit => "limit",
            Self::NotHeld => "not_held",
            Self::Mistyped => "mistyped",
            Self::Partial => "partial",
            Self::Vacuous => "vacuous",
            Self::Warned => "warned",
            Self::Margin => "margin",
            Self::ReviewDue => "review_due",
            Self::Absence => "absence",
            Self::Sampled => "sampled",
            Self::Lost => "lost",
            Self::NeverReached => "never_reached",
            Self::NotExplained => "not_explained",
        }
    }
}

/// Something said beside the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What kind of thing.
    pub reason: Reason,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The expression it is about.
    pub location: Option<Location>,
}

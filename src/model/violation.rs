//! What speaks against an assumption, and how far measured values are from their limits.

use std::collections::BTreeMap;

use super::{Condition, Evidence, Json};
use crate::source::Location;

/// The rule word a violation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViolationKind {
    /// An element of `violation`.
    Violation,
    /// An element of `deny`.
    Deny,
    /// An element of `warn`.
    Warn,
    /// `holds` is not true.
    Holds,
    /// A measure beyond its limit.
    Measure,
}

impl ViolationKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Holds => "holds",
            Self::Measure => "measure",
        }
    }

    /// What it does to the verdict.
    #[must_use]
    pub fn class(self) -> Class {
        if self == Self::Warn { Class::Warns } else { Class::Refutes }
    }
}

/// What a violation does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The assumption has decayed.
    Refutes,
    /// The assumption erodes.
    Warns,
}

impl Class {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refutes => "refutes",
            Self::Warns => "warns",
        }
    }
}

/// Whether somebody has accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViolationStatus {
    /// Nobody has.
    New,
    /// It is in the baseline.
    Known,
    /// A waiver covers it.
    Waived,
}

impl ViolationStatus {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Waived => "waived",
        }
    }
}

/// The rule that made a violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// Its own title, where several definitions have one each.
    pub title: Option<String>,
    /// Where it stands.
    pub location: Location,
}

/// One thing that speaks against an assumption.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The author's sentence.
    pub message: String,
    /// What it is about.
    pub subject: Option<Json>,
    /// The rule word.
    pub kind: ViolationKind,
    /// What should be, by the author's word or a measure's limit.
    pub expected: Option<Json>,
    /// What is.
    pub observed: Option<Json>,
    /// Whatever else the author added.
    pub details: BTreeMap<String, Json>,
    /// Whether it refutes: it does not rest on what is not there.
    pub counts: bool,
    /// The same from run to run, whatever was measured.
    pub fingerprint: String,
    /// Whether somebody has accepted it.
    pub status: ViolationStatus,
    /// The rule that made it.
    pub rule: RuleRef,
    /// The place its author named with `_loc`, as conftest's users write it.
    pub place: Option<Location>,
    /// Why it fired.
    pub conditions: Vec<Condition>,
    /// The facts it rests on.
    pub evidence: Vec<Evidence>,
}

/// Which side of the limit is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// At most the limit.
    #[default]
    Max,
    /// At least the limit.
    Min,
}

impl Direction {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// A measured value and its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What was measured.
    pub subject: Option<Json>,
    /// The value.
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// Of both.
    pub unit: Option<String>,
    /// Which side is good.
    pub direction: Direction,
    /// The rule it comes from.
    pub from: String,
}

impl Measure {
    /// Whether the value is beyond its limit; equal is not.
    #[must_use]
    pub fn is_breached(&self) -> bool {
        match self.direction {
            Direction::Max => self.value > self.limit,
            Direction::Min => self.value < self.limit,
        }
    }

    /// How far the value is from its limit, as a ratio of the limit; none where the limit is 0.
    #[must_use]
    pub fn margin(&self) -> Option<f64> {
        if self.limit == 0.0 {
            return None;
        }
        let room = match self.direction {
            Direction::Max => self.limit - self.value,
            Direction::Min => self.value - self.limit,
        };
        Some(room / self.limit.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_of_both_directions() {
        let measure = |value, limit, direction| Measure {
            subject: None,
            value,
            limit,
            unit: None,
            direction,
            from: "measure".to_owned(),
        };
        let cases = [
            (310.0, 400.0, Direction::Max, Some(0.225), false),
            (400.0, 400.0, Direction::Max, Some(0.0), false),
            (440.0, 400.0, Direction::Max, Some(-0.1), true),
            (3.0, 2.0, Direction::Min, Some(0.5), false),
            (1.0, 2.0, Direction::Min, Some(-0.5), true),
            (-1.0, -2.0, Direction::Max, Some(-0.5), true),
            (0.0, 0.0, Direction::Max, None, false),
            (1.0, 0.0, Direction::Max, None, true),
        ];
        for (value, limit, direction, margin, breached) in cases {
            let measure = measure(value, limit, direction);
            assert_eq!((measure.margin(), measure.is_breached()), (margin, breached), "{measure:?}");
        }
    }
}

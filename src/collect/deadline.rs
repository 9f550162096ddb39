//! Until when a source may take.

use std::time::{Duration, Instant};

use super::Failed;
use crate::model::Age;

const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A point in time after which nobody waits any longer.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    /// So far from now.
    #[must_use]
    pub fn after(allowed: Duration) -> Self {
        // Whoever waits longer waits for ever, and clocks end somewhere.
        let allowed = allowed.min(LONGEST);
        Self { at: Instant::now() + allowed, allowed }
    }

    /// When it is over.
    pub(super) fn at(self) -> Instant {
        self.at
    }

    /// What is left.
    ///
    /// # Errors
    /// Nothing is.
    pub fn left(self) -> Result<Duration, Failed> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.missed()) } else { Ok(left) }
    }

    /// That it was not met.
    #[must_use]
    pub fn missed(self) -> Failed {
        Failed(format!("not finished within {}", Age::from_seconds(self.allowed.as_secs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_would_wait_for_ever_waits_long() {
        assert!(Deadline::after(Duration::MAX).left().is_ok());
        assert_eq!(Deadline::after(Duration::ZERO).left().unwrap_err().0, "not finished within 0 s");
    }
}

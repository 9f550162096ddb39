//! Until when a source may take.

use std::time::{Duration, Instant};

use super::Failed;
use crate::model::Age;

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
        Self { at: Instant::now() + allowed, allowed }
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

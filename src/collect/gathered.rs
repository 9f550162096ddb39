//! What a collector brings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Basis, Json, Part, Status};

/// Why a source, or a part of one, could not be collected: a sentence for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// The facts of one source with where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The source's document.
    pub document: Json,
    /// Why it is not complete.
    pub partial: Option<String>,
    /// Start of the window.
    pub observed_from: Option<Timestamp>,
    /// End of the window; ages count from here.
    pub observed_to: Option<Timestamp>,
    /// What kind of look it is.
    pub basis: Option<Basis>,
    /// What was left out, and what else a reader should know.
    pub omitted: Vec<String>,
    /// Paths of numbers that were not finite and are absent.
    pub nonfinite: Vec<String>,
    /// Paths of what was left out as secret.
    pub withheld: Vec<String>,
    /// Names that no alias matched.
    pub unaliased: BTreeSet<String>,
    /// Parts by their first path segment.
    pub parts: BTreeMap<String, Part>,
}

impl Gathered {
    /// A document of which nothing else is known.
    #[must_use]
    pub fn new(document: Json) -> Self {
        Self {
            document,
            partial: None,
            observed_from: None,
            observed_to: None,
            basis: None,
            omitted: Vec::new(),
            nonfinite: Vec::new(),
            withheld: Vec::new(),
            unaliased: BTreeSet::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Observed at one time.
    #[must_use]
    pub fn observed(mut self, at: Timestamp) -> Self {
        self.observed_from = Some(at);
        self.observed_to = Some(at);
        self
    }

    /// The status that the parts and the source itself amount to, and why it is not `ok`: failed where every part is.
    #[must_use]
    pub fn status(&self) -> (Status, Option<String>) {
        let wrong: Vec<_> = self.parts.iter().filter(|(_, part)| part.status != Status::Ok).collect();
        let all_failed = !wrong.is_empty() && self.parts.values().all(|part| part.status == Status::Failed);
        let said = |(name, part): &(&String, &Part)| format!("{name}: {}", part.error.as_deref().unwrap_or_default());
        let of_parts = match wrong.as_slice() {
            [] => None,
            [one] => Some(said(one)),
            [first, rest @ ..] => Some(format!("{} (and {} more)", said(first), rest.len())),
        };
        let error: Vec<_> = self.partial.iter().cloned().chain(of_parts).collect();
        let status = match (all_failed, error.is_empty()) {
            (true, _) => Status::Failed,
            (false, true) => Status::Ok,
            (false, false) => Status::Partial,
        };
        (status, (!error.is_empty()).then(|| error.join("; ")))
    }
}

//! Provenance: what was collected, when, how completely.

use std::{collections::BTreeMap, str::FromStr};

use jiff::Timestamp;

/// How a collection went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All of it is there.
    Ok,
    /// Some of it is there.
    Partial,
    /// Nothing that can be relied on is there.
    Failed,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Ok, Self::Partial, Self::Failed].into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// What kind of look at the system the facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A complete list.
    Census,
    /// What happened to be seen.
    Sample,
    /// Counted since a reset.
    Cumulative,
    /// What somebody declared.
    Declared,
}

impl Basis {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Census => "census",
            Self::Sample => "sample",
            Self::Cumulative => "cumulative",
            Self::Declared => "declared",
        }
    }
}

impl FromStr for Basis {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Census, Self::Sample, Self::Cumulative, Self::Declared]
            .into_iter()
            .find(|basis| basis.as_str() == text)
            .ok_or(())
    }
}

/// A part of a source that is gathered by itself: one query, one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How its collection went.
    pub status: Status,
    /// Why it is not `ok`.
    pub error: Option<String>,
    /// Start of its window.
    pub observed_from: Option<Timestamp>,
    /// End of its window.
    pub observed_to: Option<Timestamp>,
}

/// What is known of one source of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The key under `input`.
    pub name: String,
    /// Its file, relative to the project's root; `None` where nothing was written.
    pub file: Option<String>,
    /// Whether the manifest names it.
    pub in_manifest: bool,
    /// How its collection went; `failed` also where its file cannot be used.
    pub status: Status,
    /// Why it is not `ok`.
    pub error: Option<String>,
    /// What collected it.
    pub collector: Option<String>,
    /// Start of the window.
    pub observed_from: Option<Timestamp>,
    /// End of the window; ages count from here.
    pub observed_to: Option<Timestamp>,
    /// What kind of look it is.
    pub basis: Option<Basis>,
    /// The share of what happened that was looked at.
    pub sampling: Option<f64>,
    /// What was left out.
    pub omitted: Vec<String>,
    /// Paths below the source whose numbers were not finite and are absent.
    pub nonfinite: Vec<String>,
    /// Paths below the source that were withheld as secret.
    pub withheld: Vec<String>,
    /// Names that no alias matched.
    pub unaliased: Vec<String>,
    /// Parts by their first path segment.
    pub parts: BTreeMap<String, Part>,
    /// The size of its file in bytes.
    pub bytes: u64,
}

impl Source {
    /// A source of which nothing is known but its name; it is taken to be there in full.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            file: None,
            in_manifest: false,
            status: Status::Ok,
            error: None,
            collector: None,
            observed_from: None,
            observed_to: None,
            basis: None,
            sampling: None,
            omitted: Vec::new(),
            nonfinite: Vec::new(),
            withheld: Vec::new(),
            unaliased: Vec::new(),
            parts: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// The age at `now` in seconds, negative for a time to come; `None` where it is not known.
    #[must_use]
    pub fn age_seconds(&self, now: Timestamp) -> Option<i64> {
        self.observed_to.map(|observed| now.as_second() - observed.as_second())
    }
}

/// The facts of one collection, by their provenance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The folder, relative to the project's root.
    pub path: String,
    /// Where the facts were collected.
    pub environment: Option<String>,
    /// Whether it has a manifest.
    pub has_manifest: bool,
    /// What was collected, sorted by name.
    pub sources: Vec<Source>,
}

impl Snapshot {
    /// The source of this name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.binary_search_by(|source| source.name.as_str().cmp(name)).ok().map(|at| &self.sources[at])
    }

    /// When the newest source was observed.
    #[must_use]
    pub fn collected_at(&self) -> Option<Timestamp> {
        self.sources.iter().filter_map(|source| source.observed_to).max()
    }
}

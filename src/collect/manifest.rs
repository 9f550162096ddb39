//! `snapshot.yaml` as a collection writes it: the mirror of what reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Part, Source};

/// The manifest of a snapshot, without what is empty.
#[derive(Serialize)]
pub(super) struct Manifest {
    version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    tool: String,
    sources: BTreeMap<String, Entry>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    omitted: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nonfinite: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unaliased: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<String, PartEntry>,
}

#[derive(Serialize)]
struct PartEntry {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_to: Option<String>,
}

impl Manifest {
    /// What is written of these sources, each with the digest of its file.
    pub(super) fn new(environment: Option<String>, sources: Vec<(Source, Option<String>)>) -> Self {
        let sources =
            sources.into_iter().map(|(source, sha256)| (source.name.clone(), entry(source, sha256))).collect();
        Self { version: 1, environment, tool: concat!("stillholds ", env!("CARGO_PKG_VERSION")).to_owned(), sources }
    }

    /// As it stands in the file.
    pub(super) fn to_yaml(&self) -> Result<String, serde_yaml::Error> {
        serde_yaml::to_string(self)
    }
}

fn entry(source: Source, sha256: Option<String>) -> Entry {
    Entry {
        file: source.file,
        sha256,
        status: source.status.as_str(),
        error: source.error,
        collector: source.collector,
        observed_from: source.observed_from.map(|time| time.to_string()),
        observed_to: source.observed_to.map(|time| time.to_string()),
        basis: source.basis.map(crate::model::Basis::as_str),
        sampling: source.sampling,
        omitted: source.omitted,
        nonfinite: source.nonfinite,
        withheld: source.withheld,
        unaliased: source.unaliased,
        parts: source.parts.into_iter().map(|(name, part)| (name, part_entry(part))).collect(),
    }
}

fn part_entry(part: Part) -> PartEntry {
    PartEntry {
        status: part.status.as_str(),
        error: part.error,
        observed_from: part.observed_from.map(|time| time.to_string()),
        observed_to: part.observed_to.map(|time| time.to_string()),
    }
}

//! What a project file says, checked.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{collect::CollectEntry, error::ProjectError, path::Located, read};
use crate::{
    model::{Age, MaxAge, Severity, Vacuous},
    policy::{InputBinding, LibraryEntry},
    source::{At, Place, SourceFile},
};

/// A project: the folder with a `stillholds.yaml`, and what that file says.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder; every path of the project is relative to it.
    pub root: PathBuf,
    /// The project file.
    pub file: SourceFile,
    /// What reports call it; the folder's name where the file does not say.
    pub name: String,
    /// Where the project's own policies stand.
    pub policies: Vec<PolicyEntry>,
    /// Which shipped assumptions are switched on.
    pub library: Vec<LibraryEntry>,
    /// Documents of `data.design`.
    pub design: Vec<Located>,
    /// Further documents at the root of `data`, for policies of others.
    pub data: Vec<Located>,
    /// A snapshot or a store.
    pub facts: String,
    /// Other snapshots to compare with, by the name they have under `data.reference`.
    pub references: BTreeMap<String, Reference>,
    /// The file of waivers.
    pub waivers: Option<Located>,
    /// The file of accepted violations.
    pub baseline: Option<Located>,
    /// What holds where an assumption does not say.
    pub defaults: DefaultSettings,
    /// Settings of sources, by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// What fails a check besides decays.
    pub gate: GateSettings,
    /// The names that components have in the sources.
    pub aliases: Vec<Alias>,
    /// Further names of keys whose values are never shown.
    pub redact: Vec<String>,
    /// What `collect` gathers.
    pub collect: Vec<CollectEntry>,
}

/// An entry of `policies`.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyEntry {
    /// The pattern of its files, relative to the root.
    pub pattern: String,
    /// Where the pattern is written.
    pub place: Place,
    /// Rego v0 instead of v1.
    pub v0: bool,
    /// What its policies read as `input`, where that is one source instead of all facts.
    pub input: Option<InputBinding>,
}

/// Another snapshot to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// A snapshot or a store, relative to the root.
    pub facts: String,
    /// Older facts are no comparison.
    pub max_age: Option<MaxAge>,
    /// Where its `facts` are written.
    pub place: Place,
}

/// What holds where an assumption does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultSettings {
    /// Older facts cannot prove an assumption.
    pub max_age: Option<MaxAge>,
    /// A smaller margin erodes it, as a ratio.
    pub eroding_under: f64,
    /// Decays of lesser severity do not fail the check.
    pub fail_severity: Severity,
    /// What an empty population means; never `allowed`.
    pub vacuous: Vacuous,
}

impl Default for DefaultSettings {
    fn default() -> Self {
        Self { max_age: None, eroding_under: 0.1, fail_severity: Severity::Error, vacuous: Vacuous::First }
    }
}

/// Settings of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// Its file may have several documents, and is always a list of them.
    pub documents_many: bool,
    /// Older facts of it prove nothing.
    pub max_age: Option<MaxAge>,
    /// Where its name is written.
    pub place: Place,
}

/// What fails a check besides decays.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSettings {
    /// Codes of findings that fail it, with where they are written.
    pub deny_findings: Vec<(String, Place)>,
    /// How many accepted violations there may be at most.
    pub max_baseline: Option<u64>,
    /// How far ahead a waiver may end.
    pub max_waiver: Age,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self { deny_findings: Vec::new(), max_baseline: None, max_waiver: Age::from_seconds(365 * 86_400) }
    }
}

/// The names one component has in the sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// What the design calls it.
    pub component: String,
    /// Patterns over the whole name, with where they are written.
    pub patterns: Vec<(String, Place)>,
}

impl Project {
    /// The name of the project file.
    pub const FILE: &str = "stillholds.yaml";

    /// The root of the project that `start` lies in: the nearest folder with a project file, from `start` upward.
    ///
    /// # Errors
    /// There is none; the error says how to make one.
    pub fn discover(start: &Path) -> Result<PathBuf, At<ProjectError>> {
        // Only a resolved path leads upward: `.` and `a/..` have parents that are not above them.
        let from = start.canonicalize().map_err(|error| At::nowhere(unreadable(&start.to_string_lossy(), &error)))?;
        if let Some(root) = from.ancestors().find(|folder| folder.join(Self::FILE).is_file()) {
            return Ok(root.to_owned());
        }
        let misnamed = from
            .ancestors()
            .flat_map(|folder| ["stillholds.yml", ".stillholds.yaml", ".stillholds.yml"].map(|name| folder.join(name)))
            .find(|path| path.is_file())
            .map(|path| path.display().to_string());
        Err(At::nowhere(ProjectError::NotFound { from: start.display().to_string(), misnamed }))
    }

    /// Reads and checks the project file of the folder `root`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in its own order.
    pub fn load(root: &Path) -> Result<Self, Vec<At<ProjectError>>> {
        let text = match fs::read_to_string(root.join(Self::FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(vec![Self::missing(root)]),
            Err(error) => return Err(vec![At::nowhere(unreadable(Self::FILE, &error))]),
        };
        Self::parse(root, &SourceFile::new(Self::FILE, text))
    }

    /// Checks a project file that lies, or shall lie, in the folder `root`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in its own order.
    pub fn parse(root: &Path, file: &SourceFile) -> Result<Self, Vec<At<ProjectError>>> {
        read::project(root, file)
    }

    fn missing(root: &Path) -> At<ProjectError> {
        At::nowhere(ProjectError::NotFound { from: root.display().to_string(), misnamed: None })
    }
}

/// The reason without the number that the standard library adds: it tells a reader nothing.
pub(super) fn unreadable(path: &str, error: &io::Error) -> ProjectError {
    if error.kind() == io::ErrorKind::InvalidData {
        return ProjectError::Unreadable { path: path.to_owned(), reason: "it is not text in UTF-8".to_owned() };
    }
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    let mut chars = reason.chars();
    let reason = chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default();
    ProjectError::Unreadable { path: path.to_owned(), reason }
}

//! Groups of arguments that several commands share, and how they become values of the library.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use stillholds::{
    model::Age,
    project::{Project, is_name},
};

use super::Failure;

/// Which project.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// Work on the project in or above this folder
    #[arg(short = 'C', value_name = "DIR", default_value = ".", help_heading = "Project")]
    pub(crate) dir: PathBuf,
}

/// Which facts, and when they are looked at.
#[derive(Debug, Args)]
pub(crate) struct FactsArgs {
    /// Read this snapshot instead of the project's
    #[arg(long, value_name = "DIR", env = "STILLHOLDS_FACTS", help_heading = "Project")]
    pub(crate) facts: Option<PathBuf>,
    /// The time of the check, in RFC 3339 [default: the clock]
    #[arg(long, value_name = "TIME", value_parser = time, env = "STILLHOLDS_NOW", help_heading = "Project")]
    pub(crate) now: Option<Timestamp>,
}

/// What the facts are compared with.
#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    /// Compare with this snapshot, as `data.reference.NAME`; may be given several times
    #[arg(long = "reference", value_name = "NAME=DIR", value_parser = reference, help_heading = "Project")]
    references: Vec<(String, PathBuf)>,
}

impl ReferenceArgs {
    /// The snapshots as the project would name them; of one name the last counts.
    pub(crate) fn folders(&self, project: &Project) -> BTreeMap<String, String> {
        self.references.iter().map(|(name, folder)| (name.clone(), named(folder, project))).collect()
    }
}

impl ProjectArgs {
    /// The project.
    pub(crate) fn project(&self) -> Result<Project, Failure> {
        let root = Project::discover(&self.dir)?;
        Project::load(&root)
            .map_err(|errors| Failure::Problems(errors.into_iter().map(|error| Box::new(error) as _).collect()))
    }
}

impl FactsArgs {
    /// The snapshot as the project would name it: relative to its root where it lies inside.
    pub(crate) fn folder(&self, project: &Project) -> Option<String> {
        self.facts.as_ref().map(|given| named(given, project))
    }

    /// The time of the check.
    pub(crate) fn now(&self) -> Timestamp {
        now(self.now)
    }
}

/// The time in whole seconds; the only place that asks the clock.
pub(crate) fn clock() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A folder as the project would name it: relative to its root where it lies inside.
pub(crate) fn named(given: &Path, project: &Project) -> String {
    let absolute = env::current_dir().map_or_else(|_| given.to_owned(), |here| here.join(given));
    let inside = project.root.canonicalize().ok().and_then(|root| {
        // What does not exist is named as well as it can be.
        let real = absolute.canonicalize().unwrap_or_else(|_| absolute.clone());
        real.strip_prefix(root).map(Path::to_path_buf).ok()
    });
    inside.unwrap_or(absolute).to_string_lossy().replace('\\', "/")
}

/// `NAME=DIR`.
fn reference(text: &str) -> Result<(String, PathBuf), String> {
    let (name, folder) = text.split_once('=').filter(|(_, folder)| !folder.is_empty()).ok_or("write `NAME=DIR`")?;
    if !is_name(name) {
        return Err(format!("`{name}` cannot be a name: it needs lower-case letters, digits and `_`, a letter first"));
    }
    Ok((name.to_owned(), PathBuf::from(folder)))
}

/// This time, or else the clock's.
pub(crate) fn now(given: Option<Timestamp>) -> Timestamp {
    given.unwrap_or_else(clock)
}

/// A time in RFC 3339.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`{text}` is no time; write it like 2026-11-21T02:00:00Z"))
}

/// A limit like `10s`.
pub(crate) fn limit(text: &str) -> Result<Duration, String> {
    let age: Age = text.parse().map_err(|_| "write a whole number and one unit: 10s, 2m".to_owned())?;
    if age.seconds() == 0 {
        Err("a limit of nothing lets nothing run".to_owned())
    } else {
        Ok(Duration::from_secs(age.seconds()))
    }
}

//! Groups of arguments that several commands share, and how they become values of the library.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use stillholds::{model::Age, project::Project};

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
        let given = self.facts.as_ref()?;
        let absolute = env::current_dir().map_or_else(|_| given.clone(), |here| here.join(given));
        let inside = project.root.canonicalize().ok().and_then(|root| {
            // What does not exist is named as well as it can be.
            let real = absolute.canonicalize().unwrap_or_else(|_| absolute.clone());
            real.strip_prefix(root).map(Path::to_path_buf).ok()
        });
        Some(inside.unwrap_or(absolute).to_string_lossy().replace('\\', "/"))
    }

    /// The time of the check in whole seconds; the only place that asks the clock.
    pub(crate) fn now(&self) -> Timestamp {
        now(self.now)
    }
}

/// This time, or else the clock's.
pub(crate) fn now(given: Option<Timestamp>) -> Timestamp {
    let clock = || Timestamp::from_second(Timestamp::now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
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
